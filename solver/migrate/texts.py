"""Texts of recipes with the words of one move filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

_WORD = re.compile(r"\{([a-z_]+)\}")
MOST_LETTERS = 400
#: More names than this are not written out.
_MOST_NAMES = 3


def filled(text: str | None, words: Mapping[str, str]) -> str | None:
    """Return a text with each {word} in its place; one that is not known stays as it is."""
    if text is None or "{" not in text:
        return text
    return clipped(_WORD.sub(lambda match: words.get(match[1], match[0]), text))


def clipped(text: str) -> str:
    """Return a text that a document takes: not too long."""
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def those(group: str, instances: list[str], count: int) -> str:
    """Return how to call the instances of an action: by name, or as what the reader has to look up."""
    if instances and len(instances) == count:
        more = len(instances) - _MOST_NAMES
        names = " ".join(instances[:_MOST_NAMES])
        return names if more <= 0 else f"{names} <and {more} more>"
    return f"<instance of {group}>" if count == 1 else f"<each of {count} instances of {group}>"
