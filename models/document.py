"""Parsed content with its origin, able to find the line of a place in it."""

from __future__ import annotations

from typing import Any

from zonewright.models.yaml_text import line_of

#: Files beyond this size are not read a second time to find the line of an error.
MOST_LINE_BYTES = 20_000_000


class Document:
    """Plain data, the file it came from, and its text."""

    def __init__(self, data: Any, source: str | None, text: str | None) -> None:
        self.data = data
        self.source = source
        self._text = text

    def line(self, path: tuple[str | int, ...]) -> int | None:
        """Return the 1-based line of the entry at `path`, or of its nearest parent; None where unknown.

        JSON is read as the YAML that it nearly always is.
        """
        if self._text is None or len(self._text) > MOST_LINE_BYTES:
            return None
        return line_of(self._text, path)
