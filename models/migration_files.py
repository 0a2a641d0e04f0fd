"""Migrations, read from files and written to them."""

from __future__ import annotations

from pathlib import Path

from zonewright.models.files import write_whole
from zonewright.models.migration import Migration
from zonewright.models.reading import parse_json, parse_yaml, read_document, validate


def load_migration(path: str | Path) -> Migration:
    """Read a migration from JSON (`.json`) or YAML. Raises InputError with file, line and field."""
    return validate(Migration, read_document(Path(path)))


def migration_from_text(text: str, *, json_format: bool = True, source: str | None = None) -> Migration:
    """Read a migration from text. Raises InputError with line and field."""
    return validate(Migration, parse_json(text, source) if json_format else parse_yaml(text, source))


def migration_text(migration: Migration) -> str:
    """Return a migration as JSON, the same text for the same migration."""
    return migration.model_dump_json(indent=1, exclude_defaults=True, by_alias=True) + "\n"


def save_migration(migration: Migration, path: str | Path) -> None:
    """Write a migration; the file is there whole or not at all. Raises InputError when it cannot be written."""
    write_whole(migration_text(migration), path)
