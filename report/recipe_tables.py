"""The recipes that ship, as text for the page about them: what each is for, its steps, where they come from.

A page asks for the recipes of a catalogue, or of none (`common`), with a comment:

    <!-- recipes: tencent-cvm -->
    <!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zonewright.models.base import Source
from zonewright.models.catalogue import shipped_catalogue
from zonewright.models.procedures import common_recipes
from zonewright.models.recipes import Recipe, RecipeStep

#: What stands for the recipes of no catalogue.
COMMON = "common"

_SECTION = re.compile(r"(<!-- recipes: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

_REACH = {
    "host": "to another site of the zone",
    "zone": "to another zone of the region",
    "region": "to another region",
}


def filled_recipes(text: str) -> str:
    """Return a page with every list of recipes that it asks for made anew."""
    return _SECTION.sub(lambda match: match[1] + recipe_list(match[2]) + match[4], text)


def recipe_list(name: str) -> str:
    """Return the recipes of a shipped catalogue, or the common ones, as Markdown."""
    recipes = common_recipes() if name == COMMON else tuple(shipped_catalogue(name).recipes)
    assumptions: dict[str, int] = {}
    lines: list[str] = []
    first: dict[str, str] = {}
    for recipe in recipes:
        lines += ["", f"#### {recipe.id}", ""]
        lines += [f"{recipe.name}: {_purpose(recipe)}. Source: {_source(recipe.source, assumptions)}.", ""]
        steps = "\n".join(_table(recipe.steps, assumptions))
        known = first.setdefault(steps, recipe.id)
        lines.append(steps if known == recipe.id else f"Steps as in [{known}](#{known}).")
    lines += ["", "Assumptions:", ""]
    lines += [f"{number}. {text}" for text, number in assumptions.items()]
    return "\n".join([*lines, ""])


def _purpose(recipe: Recipe) -> str:
    parts = [recipe.kind]
    if recipe.kind in ("move", "recovery"):
        parts.append(_REACH[recipe.across])
    if recipe.role is not None:
        parts.append(f"for the role {recipe.role}")
    if recipe.live:
        parts.append("where nothing ties it to its host")
    if recipe.stateful is not None:
        parts.append("with data" if recipe.stateful else "without data")
    if recipe.kind != "resource":
        parts.append(f"keeps {_listed(recipe.keeps)}")
    if recipe.data_loss == "age_of_copy":
        parts.append("loses what is newer than the copies")
    return ", ".join(parts)


def _listed(keeps: Iterable[str]) -> str:
    return " and ".join(name.replace("_", " ").replace(" ip", " IP") for name in keeps) or "nothing"


def _table(steps: Iterable[RecipeStep], assumptions: dict[str, int]) -> Iterator[str]:
    yield "| step | where | takes | service | source |"
    yield "|---|---|---|---|---|"
    for step in steps:
        where = (step.only_with or "").replace("_", " ").replace(" ip", " IP")
        takes = f"{step.seconds} s" + (f" and copying the {step.copies}" if step.copies else "")
        service = "goes" if step.interrupts else "back" if step.serves else ""
        source = _source(step.source, assumptions) if step.source is not None else ""
        yield f"| `{step.do.value}` | {where} | {takes} | {service} | {source} |"


def _source(source: Source, assumptions: dict[str, int]) -> str:
    """Return where something comes from; assumptions by their number in the list below."""
    said = [source.place] if source.place else []
    if source.assumption:
        text = " ".join(source.assumption.split())
        said.append(f"assumption {assumptions.setdefault(text, len(assumptions) + 1)}")
    return "; ".join(said)
