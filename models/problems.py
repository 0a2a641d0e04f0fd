"""What went wrong with an input, in one line that says where and what to try."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def printable(value: object, limit: int = 60) -> str:
    """Return `value` as short text that is safe on a terminal: no control characters, no line breaks."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(ch if ch.isprintable() else f"\\x{ord(ch):02x}" for ch in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


#: Names beyond this are not compared with others, nor are more others than this: those that begin alike are.
_MOST_LETTERS, _MOST_NAMES = 128, 2_000
_BEGINNINGS = (1, 2, 4, 8, 16, 32, 64)


def maybe(name: object, known: Iterable[str]) -> str:
    """Return ' Maybe NAME?' for the nearest known name, or '' where none is near."""
    text = str(name)
    if len(text) > _MOST_LETTERS:
        return ""
    alike = [k for k in known if 2 * abs(len(k) - len(text)) <= len(text) + 1]
    for letters in _BEGINNINGS:
        closer = [k for k in alike if k.startswith(text[:letters])] if len(alike) > _MOST_NAMES else []
        if not closer:
            break
        alike = closer
    near = difflib.get_close_matches(text, sorted(alike)[:_MOST_NAMES], n=1, cutoff=0.6)
    return f" Maybe {printable(near[0])}?" if near else ""


class InputError(Exception):
    """A bad input: the message names the file, the place in it, what is wrong and what to try.

    `path` is the place in the document as a tuple of keys and indices; `source` the file, `line` the line
    in it (1-based) where known.
    """

    def __init__(
        self,
        what: str,
        *,
        path: tuple[str | int, ...] = (),
        source: str | None = None,
        line: int | None = None,
    ) -> None:
        self.what = what
        self.path = path
        self.source = source
        self.line = line
        super().__init__(what)

    def __str__(self) -> str:
        where = printable(self.source, 200) if self.source else ""
        if self.line is not None:
            where += f":{self.line}" if where else f"line {self.line}"
        place = dotted(self.path)
        return ": ".join(part for part in (where, place, printable(self.what, 600)) if part)


def dotted(path: tuple[str | int, ...]) -> str:
    """Return a path like `groups[3].demand.cpu_milli`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{printable(step)}" if text else printable(step)
    return text
