"""What it does to move one instance and nobody else: judged by the models, from scratch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from zonewright.models.check import Report, judge
from zonewright.models.rules import Survive, all_rules
from zonewright.models.rules.network import has_subnets, subnet_zone, vpc_at
from zonewright.models.view import Row, View, Violation
from zonewright.models.world import Unit

#: Ways out that are tried for one instance whose new site is lost, in all scenarios together.
MOST_WAYS_OUT = 400

Witnesses = dict[str, dict[tuple[int, ...], list[Row]]]


@dataclass(frozen=True)
class Alone:
    """The plan with one instance moved, everybody else as planned."""

    source: str | None
    """Where it is in the plan; None: nowhere."""
    site: str
    view: View
    broken: list[Violation] = field(default_factory=list)
    """Hard rules that this breaks and the plan does not, or not as much."""
    objective: list[tuple[str, int]] = field(default_factory=list)
    """What the plan is worth then."""


def moved_alone(view: View, report: Report, unit: Unit, source: int | None, site: int) -> Alone:
    """Return what moving one instance of a unit does; the subnet is chosen that suits best."""
    best: Alone | None = None
    for subnet in _subnets(view, unit, site):
        found = _judged(view, report, unit, source, Row(unit.index, site, 1, subnet))
        if best is None or _rank(found) < _rank(best):
            best = found
    if best is None:
        raise ArithmeticError("there is always a subnet to try, if only none")
    return best


def _rank(found: Alone) -> tuple[int, int, list[int]]:
    return (len(found.broken), sum(v.amount for v in found.broken), [value for _, value in found.objective])


def _subnets(view: View, unit: Unit, site: int) -> list[str | None]:
    """Return the subnets to try at a site; None where there are none."""
    world = view.world
    vpc = vpc_at(world, unit, site) if unit.vpcs else None
    if vpc is None or not has_subnets(view, vpc):
        return [None]
    of_vpc = [s.id for s in world.subnets.values() if s.vpc == vpc and (not unit.subnets or s.id in unit.subnets)]
    if not unit.subnets:
        of_vpc += [name for name, (of, _, _) in view.subnet_sizes.items() if of == vpc]
    zone = world.zone_of(site)
    here = [name for name in of_vpc if subnet_zone(view, name) in (None, zone)]
    return list(here) or [None]


def _judged(view: View, report: Report, unit: Unit, source: int | None, row: Row) -> Alone:
    rows = _without_one(view.rows, unit.index, source)
    moved = replace(view, rows=[*rows, row])
    moved = replace(moved, witnesses=_ways_out(view, moved, unit, source, row.site))
    after = judge(moved)
    known = _amounts(report.violations)
    broken = [v for v in after.violations if v.hard and v.amount > known.get(_place(v), 0)]
    name = view.node_name(source) if source is not None else None
    return Alone(name, view.node_name(row.site), moved, broken, list(after.objective))


def _without_one(rows: list[Row], unit: int, site: int | None) -> list[Row]:
    """Return the rows with one instance less of a unit at a site."""
    found: list[Row] = []
    for position, row in enumerate(rows):
        if site is not None and row.unit == unit and row.site == site and row.count:
            return [*found, replace(row, count=row.count - 1), *rows[position + 1 :]]
        found.append(row)
    return found


def _place(v: Violation) -> tuple[str, str | None, str | None, str | None]:
    return (v.label, v.group, v.domain, v.what)


def _amounts(violations: list[Violation]) -> dict[tuple[str, str | None, str | None, str | None], int]:
    found: dict[tuple[str, str | None, str | None, str | None], int] = {}
    for v in violations:
        if v.hard:
            found[_place(v)] = max(found.get(_place(v), 0), v.amount)
    return found


def _ways_out(view: View, moved: View, unit: Unit, source: int | None, site: int) -> Witnesses:
    """Return the plan's evacuations as they are with one instance elsewhere.

    Where it is no longer lost it needs no way out; where it is lost now it gets one, if there is one beside
    everybody else's.
    """
    witnesses: Witnesses = {s: {lost: list(rows) for lost, rows in w.items()} for s, w in view.witnesses.items()}
    tree, tried = view.world.tree, 0
    for label, rule, scenario in _evacuations(view, unit):
        gone = {s for d in scenario for s in tree.sites_under[d]}
        before, after = source in gone, site in gone
        rows = witnesses.setdefault(rule.signature(view.world), {}).setdefault(scenario, [])
        if before and not after:
            own = next((r.site for r in rows if r.unit == unit.index), None)
            rows[:] = [r for r in _without_one(rows, unit.index, own) if r.count]
        elif after and not before and tried < MOST_WAYS_OUT:
            name = "+".join(view.node_name(d) for d in scenario)
            best = (_shortfall(replace(moved, witnesses=witnesses), rule, label, name), rows)
            for way in _ways(view, unit, gone):
                tried += 1
                trial = [*rows, way]
                with_way = {
                    **witnesses,
                    rule.signature(view.world): {**witnesses[rule.signature(view.world)], scenario: trial},
                }
                best = min(
                    best, (_shortfall(replace(moved, witnesses=with_way), rule, label, name), trial), key=_first
                )
                if not best[0] or tried >= MOST_WAYS_OUT:
                    break
            rows[:] = best[1]
    return witnesses


def _first(entry: tuple[int, list[Row]]) -> int:
    return entry[0]


def _evacuations(view: View, unit: Unit) -> Iterator[tuple[str, Survive, tuple[int, ...]]]:
    """Yield (label, rule, lost domains) of every evacuation that has to place the unit again, each once."""
    seen: set[tuple[str, tuple[int, ...]]] = set()
    for label, rule in all_rules(view.world):
        if not isinstance(rule, Survive) or rule.mode != "evacuate" or unit.group not in rule.selected(view.world):
            continue
        for scenario in rule.scenarios(view.world):
            key = (rule.signature(view.world), scenario)
            if key not in seen:
                seen.add(key)
                yield label, rule, scenario


def _ways(view: View, unit: Unit, gone: set[int]) -> Iterator[Row]:
    for site in view.world.tree.sites:
        if site not in gone:
            for subnet in _subnets(view, unit, site):
                yield Row(unit.index, site, 1, subnet)


def _shortfall(view: View, rule: Survive, label: str, name: str) -> int:
    return sum(v.amount for v in rule.violations(view, label) if v.domain == name)


def pushed_out(alone: Alone, violation: Violation, group: str) -> list[tuple[str, int]]:
    """Return (group, count): whose leaving would each by itself make the room that is missing, fewest first.

    Of capacity only; nobody where no single group holds enough.
    """
    view = alone.view
    if violation.rule != "capacity" or violation.domain not in view.world.tree.by_id:
        return []
    inside = set(view.world.tree.sites_under[view.world.tree.by_id[violation.domain]])
    found: dict[str, int] = {}
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        each = _each(unit, violation.what)
        here = sum(n for site, n in sites.items() if site in inside)
        if unit.group == group or not each or here * each < violation.amount:
            continue
        count = -(-violation.amount // each)
        found[unit.group] = min(count, found.get(unit.group, count))
    return sorted(found.items(), key=lambda entry: (entry[1], entry[0]))


def _each(unit: Unit, what: str | None) -> int:
    """Return how much of what a capacity limits one instance takes."""
    if what is None:
        return 1
    if unit.flavour is not None and unit.flavour.id == what:
        return 1
    demand: Mapping[str, int] = unit.demand
    return demand.get(what, 0)


__all__ = ["Alone", "moved_alone", "pushed_out"]
