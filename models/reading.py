"""Read a document from YAML or JSON, safely, and say where an error is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from zonewright.models.document import Document
from zonewright.models.json_text import parse_json_text
from zonewright.models.problems import InputError, dotted, maybe
from zonewright.models.wording import first_problem
from zonewright.models.yaml_text import MOST_DEPTH, parse_yaml_text

Model = TypeVar("Model", bound=BaseModel)

MOST_BYTES = 2 * 1024**3


def read_document(path: Path) -> Document:
    """Read a file by its ending: `.json` is JSON, everything else YAML.

    Raises InputError with one line for a file that is missing, unreadable, no text, or malformed.
    """
    source = str(path)
    try:
        if path.is_dir():
            raise InputError("is a directory, not a file", source=source)
        if not path.exists():
            near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise InputError(f"no such file.{maybe(path.name, near)}", source=source)
        if not path.is_file():
            raise InputError("is no regular file", source=source)
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"is larger than {MOST_BYTES >> 30} GiB", source=source)
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read: {reason}", source=source) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError("is no UTF-8 text", source=source, line=line) from None
    if not text.strip():
        raise InputError("is empty", source=source)
    return parse_json(text, source) if path.suffix.lower() == ".json" else parse_yaml(text, source)


def parse_json(text: str, source: str | None = None) -> Document:
    """Parse JSON; duplicate keys, NaN and numbers beyond measure are refused."""
    data = parse_json_text(text, source)
    _refuse_depth(data, source)
    return Document(data, source, text)


def parse_yaml(text: str, source: str | None = None) -> Document:
    """Parse YAML with the JSON types; duplicate keys, tags, recursive and exploding aliases are refused."""
    return Document(parse_yaml_text(text, source), source, text)


def _refuse_depth(data: Any, source: str | None) -> None:
    """Raise InputError where lists and mappings are nested deeper than YAML may be."""
    layer = [data]
    for _ in range(MOST_DEPTH + 1):
        layer = (
            [
                child
                for entry in layer
                for child in (entry.values() if isinstance(entry, dict) else entry)
                if isinstance(child, dict | list)
            ]
            if layer and isinstance(layer[0], dict | list)
            else []
        )
        if not layer:
            return
    raise InputError("is nested too deep", source=source)


def validate(model: type[Model], document: Document) -> Model:
    """Build a model from a document. Raises InputError with place, line and the first thing wrong."""
    if not isinstance(document.data, dict):
        kind = {list: "a list", type(None): "nothing"}.get(type(document.data), "plain text or a number")
        raise InputError(f"is {kind} where fields belong", source=document.source, line=document.line(()))
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        path, what = first_problem(model, document.data, error.errors(include_url=False))
        raise InputError(what, path=path, source=document.source, line=document.line(path)) from None
    except RecursionError:
        raise InputError("is nested too deep", source=document.source) from None


__all__ = ["Document", "dotted", "parse_json", "parse_yaml", "read_document", "validate"]
