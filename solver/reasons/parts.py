"""What each goal of a placement is made of. The parts of a goal add up to its value, exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zonewright.models.check import Report
from zonewright.models.goals import move_weight, running, traffic_cost, traffic_pairs, worst_latency
from zonewright.models.quantities import to_money, to_share
from zonewright.models.view import View, priced_cost

if TYPE_CHECKING:
    import pandas as pd

#: What tells the parts of two plans apart: (goal, what, label, group, domain, other).
Key = tuple[str, str, str | None, str | None, str | None, str | None]


@dataclass(frozen=True)
class Part:
    """One line of what a goal costs."""

    goal: str
    what: str
    """`stopped`, `unplaced`, `rule`, `moved`, `instances`, `opened`, `traffic`, `client`, `fullest`, `emptiest`
    or `sites`."""
    label: str | None
    """The soft rule that is missed."""
    group: str | None
    domain: str | None
    other: str | None
    """The client location, the group that traffic goes to, or what of several things a rule limits."""
    amount: int
    """Instances, sites, the rule's own unit, microseconds, milli-cores or GiB a month, by `what`."""
    value: int
    """What it adds to the goal."""
    text: str = ""
    """In words."""

    @property
    def key(self) -> Key:
        """Return what it is about."""
        return (self.goal, self.what, self.label, self.group, self.domain, self.other)


@dataclass(frozen=True)
class Change:
    """One line in which two plans differ."""

    part: Part
    """What it is about, with its amount in the plan that has it."""
    before: int
    after: int

    @property
    def value(self) -> int:
        """How much it adds to the goal, or takes from it."""
        return self.after - self.before


def parts_of(view: View, report: Report) -> list[Part]:
    """Return the parts of every goal, goals in their order and the largest part of each first.

    `report` is the judgement of `view`. Raises ArithmeticError where parts do not add up to a goal's value, which
    would be a defect.
    """
    found: list[Part] = []
    for goal, value in report.objective:
        parts = [part for part in _merged(_parts(view, report, goal)) if part.value]
        if sum(part.value for part in parts) != value:
            raise ArithmeticError(f"the parts of {goal} are {sum(p.value for p in parts)}, it is {value}")
        found += sorted(parts, key=lambda part: (-part.value, str(part.key)))
    return found


def compare(before: list[Part], after: list[Part]) -> list[Change]:
    """Return where the parts of two plans differ, the largest change of each goal first."""
    old, new = {part.key: part for part in before}, {part.key: part for part in after}
    order = {goal: number for number, goal in enumerate(dict.fromkeys(p.goal for p in [*before, *after]))}
    changes = []
    for key in dict.fromkeys([*old, *new]):
        one, other = old.get(key), new.get(key)
        values = (one.value if one else 0, other.value if other else 0)
        part = other or one
        if part is not None and values[0] != values[1]:
            changes.append(Change(part, *values))
    return sorted(changes, key=lambda c: (order[c.part.goal], -abs(c.value), str(c.part.key)))


def parts_frame(parts: list[Part]) -> pd.DataFrame:
    """Return parts as a frame: goal, what, label, group, domain, other, amount, value, text."""
    import pandas as pd

    columns = list(Part.__dataclass_fields__)
    return pd.DataFrame([[getattr(p, name) for name in columns] for p in parts], columns=columns)


def changes_frame(changes: list[Change]) -> pd.DataFrame:
    """Return changes as a frame: goal, what, label, group, domain, other, before, after, change."""
    import pandas as pd

    columns = ["goal", "what", "label", "group", "domain", "other", "before", "after", "change"]
    return pd.DataFrame([[*c.part.key, c.before, c.after, c.value] for c in changes], columns=columns)


def _merged(parts: Iterator[Part]) -> Iterator[Part]:
    """Add up what is about the same."""
    known: dict[Key, list[Part]] = {}
    for part in parts:
        known.setdefault(part.key, []).append(part)
    for same in known.values():
        first = same[0]
        amount, value = sum(p.amount for p in same), sum(p.value for p in same)
        text = "; ".join(dict.fromkeys(p.text for p in same if p.text))
        yield Part(
            first.goal, first.what, first.label, first.group, first.domain, first.other, amount, value, text
        )


def _parts(view: View, report: Report, goal: str) -> Iterator[Part]:
    name, _, rest = goal.partition("[")
    if name == "stopped":
        yield from _stopped(view)
    elif name == "placed":
        yield from _unplaced(view, goal, int(rest[:-1]))
    elif name == "soft":
        yield from _wishes(report, goal, int(rest[:-1]))
    elif name == "moves":
        yield from _moves(view)
    elif name == "cost":
        yield from _cost(view)
    elif name == "client_latency":
        yield from _clients(view)
    elif name == "balance":
        yield from _balance(view)
    else:
        yield from _sites(view)


def _stopped(view: View) -> Iterator[Part]:
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        short = running(view.world, unit) - sum(sites.values())
        if short > 0:
            yield Part("stopped", "stopped", None, unit.group, None, None, short, short)


def _unplaced(view: View, goal: str, priority: int) -> Iterator[Part]:
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        short = unit.count - sum(sites.values())
        if short and unit.priority == priority:
            yield Part(goal, "unplaced", None, unit.group, None, None, short, short)


def _wishes(report: Report, goal: str, priority: int) -> Iterator[Part]:
    for v in report.violations:
        if not v.hard and v.priority == priority and v.weight:
            yield Part(goal, "rule", v.label, v.group, v.domain, v.what, v.amount, v.weight * v.amount, v.message)


def _moves(view: View) -> Iterator[Part]:
    world = view.world
    for unit, sites in zip(world.units, view.unit_counts, strict=True):
        for site, count in unit.current.items():
            left = max(0, count - sites.get(site, 0))
            if left:
                value = left * move_weight(world, unit)
                yield Part("moves", "moved", None, unit.group, view.node_name(site), None, left, value)


def _cost(view: View) -> Iterator[Part]:
    world = view.world
    used: set[int] = set()
    for unit, sites in zip(world.units, view.unit_counts, strict=True):
        for site, count in sites.items():
            used.update(world.tree.nodes[site].ancestors)
            zone = view.node_name(world.zone_of(site))
            value = priced_cost(view, unit, {site: count})
            yield Part("cost", "instances", None, unit.group, zone, None, count, value)
    for node in sorted(used):
        value = to_money(world.tree.nodes[node].domain.open_cost)
        yield Part("cost", "opened", None, None, view.node_name(node), None, 1, value)
    for source, target, gib in traffic_pairs(world):
        value = traffic_cost(view, source, target, gib)
        yield Part("cost", "traffic", None, source, None, target, gib, value)


def _clients(view: View) -> Iterator[Part]:
    world = view.world
    for name, group in world.groups.items():
        placed = sorted({world.zone_of(site) for site in view.group_sites[name]})
        for client, share in group.clients.items() if placed else ():
            known = {z: t for z in placed if (t := world.client_latency(client, z)) is not None}
            nearest = min(known, key=lambda z: (known[z], z)) if known else None
            time = known[nearest] if nearest is not None else worst_latency(world)
            text = (
                f"nearest in {view.node_name(nearest)}" if nearest is not None else "not stated: the worst counts"
            )
            yield Part("client_latency", "client", None, name, None, client, time, to_share(share) * time, text)


def _balance(view: View) -> Iterator[Part]:
    world = view.world
    demanded = dict.fromkeys(world.tree.domains_at("zone"), 0)
    for unit, sites in zip(world.units, view.unit_counts, strict=True):
        for site, count in sites.items():
            zone = world.zone_of(site)
            demanded[zone] = demanded.get(zone, 0) + count * unit.demand.get("cpu_milli", 0)
    if demanded:
        most, least = max(demanded, key=demanded.__getitem__), min(demanded, key=demanded.__getitem__)
        yield Part("balance", "fullest", None, None, view.node_name(most), None, demanded[most], demanded[most])
        yield Part(
            "balance", "emptiest", None, None, view.node_name(least), None, demanded[least], -demanded[least]
        )


def _sites(view: View) -> Iterator[Part]:
    used: dict[int, set[int]] = {}
    for row in view.rows:
        if row.count:
            used.setdefault(view.world.zone_of(row.site), set()).add(row.site)
    for zone, sites in used.items():
        yield Part("hosts", "sites", None, None, view.node_name(zone), None, len(sites), len(sites))


__all__ = ["Change", "Part", "changes_frame", "compare", "parts_frame", "parts_of"]
