"""Write an estate to a file: JSON, or YAML with one entry per line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zonewright.models import Estate, InputError


def estate_data(estate: Estate) -> dict[str, Any]:
    """Return an estate as plain data without what is left at its default."""
    data = estate.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    if estate.rules:
        # A rule's kind is the default of its class, and yet what tells the classes apart.
        rules = zip(estate.rules, data["rules"], strict=True)
        data["rules"] = [{"rule": rule.rule, **entry} for rule, entry in rules]
    return data


def estate_json(data: dict[str, Any]) -> str:
    """Return an estate's data as JSON, one entry of a section per line."""
    return "{\n" + ",\n".join(f"{_plain(k)}: {_section(v)}" for k, v in data.items()) + "\n}\n"


def estate_yaml(data: dict[str, Any]) -> str:
    """Return an estate's data as YAML, one entry of a section per line (in JSON's notation)."""
    lines: list[str] = []
    for key, value in data.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{key}:")
            lines += [f"- {_plain(entry)}" for entry in value]
        else:
            lines.append(f"{key}: {_plain(value)}")
    return "\n".join(lines) + "\n"


def save_estate(estate: Estate | dict[str, Any], path: str | Path) -> None:
    """Write an estate, or its data, as JSON (`.json`) or YAML; the file is there whole or not at all.

    Raises InputError when it cannot be written.
    """
    data = estate_data(estate) if isinstance(estate, Estate) else estate
    target = Path(path)
    text = estate_json(data) if target.suffix == ".json" else estate_yaml(data)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, "utf-8")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"cannot be written: {error.strerror or error}", source=str(target)) from None


def written(make: Callable[[], Estate | dict[str, Any]], path: str | Path) -> int:
    """Write an estate for a command: print its path, or an error in one line; return the exit code."""
    try:
        save_estate(make(), path)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(path)
    return 0


def _section(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n " + ",\n ".join(_plain(entry) for entry in value) + "\n]"
    return _plain(value)


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
