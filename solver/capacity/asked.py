"""What a user asks to be survived, in a word: `zone`, `rack:2`, `zone:1:static`."""

from __future__ import annotations

from zonewright.models.estate import Estate
from zonewright.models.problems import InputError, maybe
from zonewright.models.rules import Survive

#: The words that end it.
MODES = ("evacuate", "static")


def parse_loss(text: str, estate: Estate) -> Survive:
    """Return the rule that LEVEL[:K][:MODE] stands for, for all groups. Raises InputError where it is none."""
    level, *rest = text.split(":")
    lose, mode = 1, "evacuate"
    if level not in estate.levels:
        near = maybe(level, estate.levels) or f" Known: {', '.join(estate.levels)}"
        raise InputError(f"unknown level {level}.{near}", source=text)
    if rest and rest[0].isdecimal():
        lose = int(rest.pop(0))
    if rest and rest[0] in MODES:
        mode = rest.pop(0)
    if rest or not 1 <= lose <= 3:
        hint = maybe(rest[0], MODES) if rest else ""
        raise InputError(f"should be LEVEL[:1 to 3][:evacuate|static], such as zone:2:static.{hint}", source=text)
    return Survive.model_validate(
        {"rule": "survive", "id": fresh(f"survive-{text}", estate), "level": level, "lose": lose, "mode": mode}
    )


def fresh(name: str, estate: Estate) -> str:
    """Return an identifier that no rule of the estate has."""
    taken = {rule.id for rule in estate.rules}
    while name in taken:
        name += "-"
    return name


__all__ = ["fresh", "parse_loss"]
