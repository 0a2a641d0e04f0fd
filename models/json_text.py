"""JSON as plain data: the fast path for large estates. Duplicate keys and huge numbers are refused."""

from __future__ import annotations

import json
import re
from typing import Any

from zonewright.models.problems import InputError, printable
from zonewright.models.yaml_text import parse_yaml_text

_MOST_DIGITS = 30
#: How much of a text is looked at to find the line of a key.
MOST_LINE_LETTERS = 2_000_000


def parse_json_text(text: str, source: str | None = None) -> Any:
    """Return the content of a JSON document. Raises InputError with the line of the first thing wrong."""

    def refuse(what: str, pattern: str) -> InputError:
        """Say where in the text the pattern first occurs."""
        match = re.search(pattern, text)
        line = text.count("\n", 0, match.start()) + 1 if match else None
        return InputError(what, source=source, line=line)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise _given_twice(text, source, [key for key, _ in pairs])
        return found

    def constant(name: str) -> Any:
        raise refuse(f"{name} is no number that an estate can hold", rf"[:\[,\s]{re.escape(name)}\b")

    def whole(digits: str) -> int:
        if len(digits) > _MOST_DIGITS:
            raise refuse("the number is too large", re.escape(digits))
        return int(digits)

    def decimal(digits: str) -> float:
        number = float(digits)
        if number in (float("inf"), float("-inf")):
            raise refuse(f"{printable(digits)} is no number that an estate can hold", re.escape(digits))
        return number

    try:
        return json.loads(
            text, object_pairs_hook=once, parse_constant=constant, parse_int=whole, parse_float=decimal
        )
    except json.JSONDecodeError as error:
        what = printable(error.msg[:1].lower() + error.msg[1:], 120)
        raise InputError(f"is no JSON: {what}", source=source, line=error.lineno) from None
    except RecursionError:
        raise InputError("is nested too deep", source=source) from None


def _given_twice(text: str, source: str | None, keys: list[str]) -> InputError:
    seen: set[str] = set()
    key = next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    what = f"key {printable(key)} is given twice"
    try:
        parse_yaml_text(text[:MOST_LINE_LETTERS])
    except InputError as error:
        if error.what == what:
            return InputError(what, source=source, line=error.line)
    return InputError(what, source=source)
