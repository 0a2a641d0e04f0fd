"""One change to `estate.yaml`: what is written instead, and what the error has to say."""

from __future__ import annotations

from typing import NamedTuple


class Change(NamedTuple):
    """A text that is replaced once, the path of the error, and words of it."""

    name: str
    old: str
    new: str
    place: str
    words: tuple[str, ...]
