"""Estates and plans, read from files and written to them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zonewright.models.estate import Estate
from zonewright.models.plan import Plan
from zonewright.models.problems import InputError
from zonewright.models.reading import Document, parse_json, parse_yaml, read_document, validate
from zonewright.models.world import World


def load_estate(path: str | Path) -> Estate:
    """Read an estate from YAML or (`.json`) JSON. Raises InputError with file, line and field."""
    return _estate(read_document(Path(path)))


def estate_from_text(text: str, *, json_format: bool = False, source: str | None = None) -> Estate:
    """Read an estate from text."""
    return _estate(parse_json(text, source) if json_format else parse_yaml(text, source))


def estate_from_data(data: dict[str, Any]) -> Estate:
    """Build an estate from plain data, as a planning tool has it. Raises InputError."""
    return _estate(Document(data, None, None))


def resolve(estate: Estate, document: Document | None = None) -> World:
    """Look up every name of an estate. Raises InputError with the line where the document is at hand."""
    with located(document):
        return World(estate)


@contextmanager
def located(document: Document | None) -> Iterator[None]:
    """Give an InputError that names no file the file and the line of the document that it is about."""
    try:
        yield
    except InputError as error:
        if document is not None and error.source is None:
            error.source = document.source
            error.line = document.line(error.path)
        raise


def _estate(document: Document) -> Estate:
    return validate(Estate, document)


def load_world(path: str | Path) -> World:
    """Read an estate and look up its names. Raises InputError with file, line and field."""
    document = read_document(Path(path))
    return resolve(_estate(document), document)


def load_plan(path: str | Path) -> Plan:
    """Read a plan."""
    return validate(Plan, read_document(Path(path)))


def plan_text(plan: Plan) -> str:
    """Return a plan as JSON, the same text for the same plan."""
    return plan.model_dump_json(indent=1, exclude_defaults=True) + "\n"


def save_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan; the file is there whole or not at all. Raises InputError when it cannot be written."""
    write_whole(plan_text(plan), path)


def write_whole(text: str, path: str | Path) -> None:
    """Write a text to a file that is there whole or not at all. Raises InputError when it cannot be written."""
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, "utf-8")
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"cannot be written: {error.strerror or error}", source=str(target)) from None
