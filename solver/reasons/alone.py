"""What it does to move one instance and nobody else: judged by the models, from scratch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from zonewright.models.check import Report, judge
from zonewright.models.rules import Survive, all_rules
from zonewright.models.rules.network import has_subnets, subnet_zone, vpc_at
from zonewright.models.tree import Node
from zonewright.models.view import Row, View, Violation
from zonewright.models.world import Unit

#: Ways out that are tried for one instance whose new site is lost, in all scenarios together.
MOST_WAYS_OUT = 400

#: Stands for the number of instances among what a domain limits.
INSTANCES = "instances"

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


class Room:
    """What is used of every limit on capacity: says fast that somebody does not fit, not that he does."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.used: dict[tuple[int, str], int] = {}
        nodes = view.world.tree.nodes
        for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
            for site, count in sites.items():
                for domain in nodes[site].ancestors:
                    for thing, each in takes(unit):
                        key = (domain, thing)
                        self.used[key] = self.used.get(key, 0) + each * count

    def lacking(self, unit: Unit, source: int | None, site: int) -> list[Violation]:
        """Return the capacities that one instance more at a site is too much for."""
        nodes = self.view.world.tree.nodes
        left = nodes[source].ancestors if source is not None else ()
        found: list[Violation] = []
        for domain in nodes[site].ancestors:
            if domain in left:
                continue
            node = nodes[domain]
            for thing, each in takes(unit):
                limit = usable(node, thing)
                used = self.used.get((domain, thing), 0) + each
                if limit is not None and used > limit:
                    what = None if thing == INSTANCES else thing
                    message = f"{thing}: {used} used, {limit} usable"
                    found.append(
                        Violation("capacity", "capacity", None, node.id, used - limit, message, what=what)
                    )
        return found


def takes(unit: Unit) -> Iterator[tuple[str, int]]:
    """Yield what one instance takes of whatever a domain limits."""
    yield from unit.demand.items()
    if unit.flavour is not None:
        yield unit.flavour.id, 1
    yield INSTANCES, 1


def usable(node: Node, thing: str) -> int | None:
    """Return how much of a thing a domain holds, None where it has no limit."""
    if thing == INSTANCES:
        return node.domain.most_instances
    limit = node.usable(thing)
    return limit if limit is not None else node.usable_flavour(thing)


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


def crowded(view: View, source: int | None, site: int, lacking: list[Violation]) -> Alone:
    """Return the move of one instance to where it does not fit, without a look at other rules."""
    name = view.node_name(source) if source is not None else None
    return Alone(name, view.node_name(site), view, lacking)


def pushed_out(view: View, broken: list[Violation], group: str) -> list[tuple[str, int]]:
    """Return (group, count): whose leaving would by itself make the room that is missing, fewest first.

    Of capacity, in all domains that lack some; nobody where no single group has enough in each.
    """
    tree = view.world.tree
    short = [v for v in broken if v.rule == "capacity" and v.domain in tree.by_id]
    if not short or len(short) < len(broken):
        return []
    needed: dict[str, int] = {}
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        if unit.group == group:
            continue
        counts = []
        for v in short:
            each = dict(takes(unit)).get(v.what or INSTANCES, 0)
            node = tree.by_id[v.domain or ""]
            here = sum(n for site, n in sites.items() if node in tree.nodes[site].ancestors)
            counts.append(-(-v.amount // each) if each and here * each >= v.amount else 0)
        if all(counts):
            needed[unit.group] = min(max(counts), needed.get(unit.group, max(counts)))
    return sorted(needed.items(), key=lambda entry: (entry[1], entry[0]))


__all__ = ["INSTANCES", "Alone", "Room", "crowded", "moved_alone", "pushed_out", "takes", "usable"]
