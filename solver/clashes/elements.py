"""Elements: what a clash is made of and what a fix changes.

The demand of a group; a user's rule for one group, or the whole rule where it speaks of several together; a limit
of the world; a fact that closes a domain to a group. Which domains a spread counts (`skew`, `least_each`) is as in
the estate as it stands, whatever is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from zonewright.models.rules import all_rules
from zonewright.models.world import World
from zonewright.solver.places import pooled_places
from zonewright.solver.profiles import Reach
from zonewright.solver.program import MOST_SINGLE
from zonewright.solver.rows import Tag

#: Rules that speak of several groups together: they stand or fall as a whole.
WHOLE = frozenset(
    {
        "affinity",
        "avoid",
        "budget",
        "double_occupancy",
        "free_ratio",
        "group_moves",
        "latency",
        "load",
        "move_limit",
        "quota",
        "separation",
    }
)

#: Rules that being nowhere can break: who runs today has moved then, or leaves too much free.
OF_ALL = frozenset({"double_occupancy", "free_ratio", "group_moves", "move_limit"})

#: Rows that hold in any case: after a loss, whoever is left stays; who sits in which subnet is a choice.
_DEFINING = {"survive": ("stays",), "subnet": ("seats",)}

Kind = Literal["demand", "rule", "limit", "fact"]


@dataclass(frozen=True)
class Element:
    """One thing that can be dropped."""

    kind: Kind
    rule: str
    """The kind of rule; `placed` for the demand of a group."""
    label: str
    """The rule's own identifier, or its kind and position."""
    group: str | None = None
    domain: str | None = None
    thing: str | None = None
    """A resource, a flavour, `instances`, a subnet, a network, or a balancer."""

    def __lt__(self, other: Element) -> bool:
        return self._key < other._key

    @property
    def _key(self) -> tuple[str, ...]:
        return (self.kind, self.rule, self.label, self.group or "", self.domain or "", self.thing or "")


class Naming:
    """Says of a row's tag which element it belongs to."""

    def __init__(self, world: World, reach: Reach) -> None:
        self.world = world
        self.rules = dict(all_rules(world))
        self.alike = alike_hosts(world, reach)
        self._known: dict[Tag, Element | None] = {}

    def of(self, tag: Tag) -> Element | None:
        """Return the element of a tag, None where it always holds."""
        if tag not in self._known:
            self._known[tag] = self._element(tag)
        return self._known[tag]

    def excused(self, tag: Tag) -> bool:
        """Return whether after a loss a row holds for the groups only that are to be placed again."""
        return tag.group is not None and tag.rule != "placed" and self.rules[tag.label].suffers_from_loss

    def _element(self, tag: Tag) -> Element | None:
        if tag.rule in ("placed", "all_or_nothing") or tag.thing in _DEFINING.get(tag.rule, ()):
            return None
        rule = self.rules[tag.label]
        if not rule.implicit:
            whole = tag.rule in WHOLE and not (tag.rule == "affinity" and getattr(rule, "to", None))
            return Element("rule", tag.rule, tag.label, None if whole else tag.group)
        if tag.rule in ("capacity", "subnet"):
            domain = self.alike.get(tag.domain or "", tag.domain)
            return Element("limit", tag.rule, tag.label, None, domain, tag.thing)
        if tag.rule == "load_balancer":
            thing = tag.thing if tag.group is None else None
            return Element("limit", tag.rule, tag.label, tag.group, None, thing)
        if tag.rule == "pinned":
            return Element("fact", tag.rule, tag.label, tag.group)
        return Element("fact", tag.rule, tag.label, tag.group, self._wide(tag.domain))

    def _wide(self, domain: str | None) -> str | None:
        """Return the zone of a host that is one of many, else the domain itself."""
        index = self.world.tree.by_id.get(domain or "")
        if index is None:
            return domain
        zone = self.world.zone_of(index)
        many = zone != index and len(self.world.tree.sites_under[zone]) > MOST_SINGLE
        return self.world.tree.nodes[zone].id if many else domain


def demand_of(group: str) -> Element:
    """Return the demand of a group as an element."""
    return Element("demand", "placed", "placed", group)


def alike_hosts(world: World, reach: Reach) -> dict[str, str]:
    """Return, for hosts that nothing tells from more than `MOST_SINGLE - 1` others, the first of their kind."""
    names = world.tree.nodes
    pools = pooled_places(world, reach, MOST_SINGLE + 1)
    return {names[s].id: names[pool.site].id for pool in pools for s in pool.sites if len(pool.sites) > 1}


def weight_of(element: Element, weights: Mapping[str, int]) -> int:
    """Return what changing an element costs: by the group's name for demands, else by label or kind of rule; 1."""
    names = (element.group,) if element.kind == "demand" else (element.label, element.rule)
    return next((weights[name] for name in names if name is not None and name in weights), 1)


class Registry:
    """Elements and their numbers, shared by the problems of one estate."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self.number: dict[Element, int] = {}

    def of(self, element: Element) -> int:
        """Return an element's number."""
        found = self.number.get(element)
        if found is None:
            found = self.number[element] = len(self.elements)
            self.elements.append(element)
        return found


__all__ = ["Element", "Naming", "Registry", "alike_hosts", "demand_of", "weight_of"]
