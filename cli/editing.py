"""What if: options that change an estate before anything is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zonewright.models import World


#: The options themselves, the same for every command.
Edits = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change the estate first: groups.web.count=12."),
]
NewZones = Annotated[
    list[str] | None,
    typer.Option("--add-zone", metavar="ID[=LIKE]", help="Add a zone like another first."),
]
Scale = Annotated[
    list[str] | None,
    typer.Option("--scale", metavar="GROUP=FACTOR", help="Scale a group (or all) first."),
]


def edited(
    world: World,
    edits: Sequence[str] | None = None,
    zones: Sequence[str] | None = None,
    scale: Sequence[str] | None = None,
) -> World:
    """Return the estate with zones added (`ID[=LIKE]`), then edits made, then groups scaled (`GROUP=FACTOR`).

    The same world where nothing is asked for. Raises InputError, with the nearest name, for what is not there.
    """
    if not (edits or zones or scale):
        return world
    from zonewright.models import World
    from zonewright.models.edits import apply_edits, scaled, with_zone

    changed = world.estate
    for text in zones or ():
        name, _, like = text.partition("=")
        changed = with_zone(changed, name, like or None)
    changed = apply_edits(changed, edits or ())
    if scale:
        changed = scaled(changed, factors(scale, "--scale"))
    return World(changed)


def factors(texts: Sequence[str], option: str) -> dict[str, float]:
    """Return factors by group from `GROUP=1.3`, or `1.3` for all. Raises InputError where one is none."""
    from zonewright.models.problems import InputError

    found: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        try:
            factor = float(value)
        except ValueError:
            factor = -1.0
        if not 0 <= factor <= 10_000:
            raise InputError(f"{option} takes a factor such as 1.3, or GROUP=1.3", source=text)
        found[name if equals else "all"] = factor
    return found
