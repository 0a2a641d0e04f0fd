"""The estates that ship with the product, listed from the comments at the head of their files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from zonewright.models.problems import InputError, maybe

_HEAD = 4096
_FIELDS = ("Story", "Hard", "Feasible", "Size")
_SIZE = re.compile(r"^([0-9,]+) instances?, ([0-9,]+) hosts?$")


@dataclass(frozen=True)
class ShippedEstate:
    """One bundled estate, as its file introduces itself."""

    name: str
    """What a command takes in place of a file."""
    title: str
    story: str
    hard: str
    """What is hard in it."""
    feasible: bool
    """Whether everything can be placed."""
    instances: int
    hosts: int


@cache
def shipped_estates() -> list[ShippedEstate]:
    """Return what ships, sorted by name.

    >>> [estate.name for estate in shipped_estates() if "quorum" in estate.name and not estate.feasible]
    ['quorum-two-zones']
    """
    return [_introduced(path) for path in sorted(_folder().glob("*.yaml"))]


def shipped_estate_path(name: str) -> Path:
    """Return the file of a bundled estate. Raises InputError for a name that does not ship."""
    known = {path.stem: path for path in _folder().glob("*.yaml")}
    if name not in known:
        raise InputError(f"no estate called {name} ships.{maybe(name, known)}")
    return known[name]


def _folder() -> Path:
    return Path(str(resources.files("zonewright.instances.estates")))


def _introduced(path: Path) -> ShippedEstate:
    """Read the comment that opens a file: a title, then `Story:`, `Hard:`, `Feasible:` and `Size:`."""
    with path.open(encoding="utf-8") as file:
        lines = file.read(_HEAD).splitlines()
    parts: dict[str, list[str]] = {"Title": []}
    at = "Title"
    for line in lines:
        if not line.startswith("#"):
            break
        text = line[1:].strip()
        name, colon, rest = text.partition(":")
        if colon and name in _FIELDS:
            at, text = name, rest.strip()
        parts.setdefault(at, []).append(text)
    told = {name: " ".join(" ".join(texts).split()) for name, texts in parts.items()}
    size = _SIZE.match(told.get("Size", ""))
    if size is None or told.get("Feasible") not in ("yes", "no"):
        raise InputError("does not open with its title, Story, Hard, Feasible and Size", source=str(path))
    return ShippedEstate(
        name=path.stem,
        title=told["Title"],
        story=told.get("Story", ""),
        hard=told.get("Hard", ""),
        feasible=told["Feasible"] == "yes",
        instances=int(size[1].replace(",", "")),
        hosts=int(size[2].replace(",", "")),
    )
