"""From what people type to a file: a path, or the name of an estate that ships."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zonewright.models import Plan, World
    from zonewright.models.document import Document
    from zonewright.models.migration import Migration


def estate_path(text: str) -> Path:
    """Return the file to read: `text` itself where it is a file, else the shipped estate of that name.

    Raises InputError, with the nearest name, where it is neither.
    """
    from zonewright.models.problems import InputError, maybe

    path = Path(text)
    try:
        if path.is_file():
            return path
        exists = path.exists()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read: {reason}", source=text) from None
    if exists or path.suffix or len(path.parts) != 1:
        return path  # reading it says what is wrong
    from zonewright.instances import shipped_estate_path, shipped_estates

    names = [entry.name for entry in shipped_estates()]
    if text in names:
        return shipped_estate_path(text)
    near = maybe(text, names) or " `zonewright estates` lists what ships"
    raise InputError(f"no such file, and no shipped estate of that name.{near}", source=text)


def read_world(text: str) -> World:
    """Read an estate, by path or name, and look up its names."""
    import gc

    from zonewright.models import load_world

    # Reading makes millions of objects that all stay: looking for garbage among them costs as much as reading.
    gc.disable()
    try:
        return load_world(estate_path(text))
    finally:
        gc.freeze()
        gc.enable()


def read_plan(path: Path) -> tuple[Plan, Document]:
    """Read a plan, with the document to find the lines of what is wrong in it."""
    from zonewright.models.plan import Plan
    from zonewright.models.reading import read_document, validate

    document = read_document(path)
    return validate(Plan, document), document


def kind_of(document: Document) -> str:
    """Return what a document is by its fields: `estate`, `plan` or `migration`; a plan where that is open."""
    fields = document.data if isinstance(document.data, dict) else {}
    return next((kind for kind in ("estate", "plan", "migration") if kind in fields), "plan")


def read_result(path: Path) -> tuple[Plan | Migration, Document]:
    """Read a plan or a migration. Raises InputError for an estate."""
    from zonewright.models.migration import Migration
    from zonewright.models.plan import Plan
    from zonewright.models.problems import InputError
    from zonewright.models.reading import read_document, validate

    document = read_document(path)
    kind = kind_of(document)
    if kind == "estate":
        raise InputError("is an estate where a plan or a migration belongs", source=document.source)
    if kind == "migration":
        return validate(Migration, document), document
    return validate(Plan, document), document


def read_migration(path: Path) -> tuple[Migration, Document]:
    """Read a migration, with the document to find the lines of what is wrong in it."""
    from zonewright.models.migration import Migration
    from zonewright.models.problems import InputError
    from zonewright.models.reading import read_document, validate

    document = read_document(path)
    kind = kind_of(document)
    if isinstance(document.data, dict) and kind in document.data and kind != "migration":
        article = "an" if kind == "estate" else "a"
        raise InputError(f"is {article} {kind} where a migration belongs", source=document.source)
    return validate(Migration, document), document
