"""The recipes that are known to an estate: the product's own, its catalogues', its own."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from zonewright.models.base import Record
from zonewright.models.recipes import Recipe

if TYPE_CHECKING:
    from zonewright.models.world import World


class Procedures(Record):
    """A document of recipes that belong to no catalogue."""

    recipes: list[Recipe] = []


def recipes_of(world: World) -> dict[str, Recipe]:
    """Return recipes by identifier: those of no catalogue, then the catalogues' in order, then the estate's.

    A later one takes the place of an earlier one of the same identifier.
    """
    memo: dict[str, Recipe] | None = world.__dict__.get("_recipes")
    if memo is None:
        memo = {recipe.id: recipe for recipe in common_recipes()}
        for catalogue in world.catalogues:
            memo.update((recipe.id, recipe) for recipe in catalogue.recipes)
        memo.update((recipe.id, recipe) for recipe in world.estate.migration.recipes)
        world.__dict__["_recipes"] = memo
    return memo


@cache
def common_recipes() -> tuple[Recipe, ...]:
    """Return the recipes that ship with the product and belong to no catalogue."""
    from zonewright.models.reading import parse_yaml, validate

    name = "procedures.yaml"
    text = (resources.files("zonewright.models") / name).read_text("utf-8")
    return tuple(validate(Procedures, parse_yaml(text, name)).recipes)
