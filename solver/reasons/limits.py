"""The hard limits of an estate, how much of each a plan uses, and which of them it has reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zonewright.models.quantities import as_fraction, to_latency, to_money
from zonewright.models.rules import (
    AntiAffinity,
    Budget,
    GroupMoves,
    GroupRule,
    LatencyLimit,
    Load,
    MoveLimit,
    Quota,
    Rule,
    Spread,
    Survive,
    all_rules,
)
from zonewright.models.rules.network import addresses, subnet_zone
from zonewright.models.topology import State
from zonewright.models.view import View, leaving, priced_cost
from zonewright.models.world import Unit, World
from zonewright.solver.clashes.elements import Element
from zonewright.solver.reasons.alone import Room, takes
from zonewright.solver.reasons.result import Limit
from zonewright.solver.reasons.subject import obstacles

#: Alike hosts of a zone beyond this number are loosened together.
FEW_ALIKE = 4
#: Kinds of rules with nothing to count: each can only be kept or dropped.
_WITHOUT_NUMBER = frozenset(
    {
        "affinity",
        "avoid",
        "domains",
        "double_occupancy",
        "free_ratio",
        "pin",
        "residency",
        "separation",
        "survive",
        "synchronous_replicas",
    }
)


@dataclass(frozen=True)
class Reached:
    """A limit that is reached, with what would loosen it by as little as matters."""

    limit: Limit
    element: Element
    amounts: dict[str, int]
    """By how much each part gives way; nothing where the rule is taken away."""
    room: str = ""
    """Whom the loosening makes room for."""


def alike_hosts(world: World) -> dict[str, str]:
    """Return, for hosts of a zone with equal limits, of which there are several, the first of their kind."""
    kinds: dict[object, list[str]] = {}
    for site in world.tree.sites:
        if world.zone_of(site) == site:
            continue
        node = world.tree.nodes[site]
        domain = node.domain
        resources = tuple((r, node.usable(r), node.usable(r, firm=True)) for r in sorted(domain.capacity))
        flavours = tuple((f, node.usable_flavour(f)) for f in sorted(domain.flavours))
        kinds.setdefault((world.zone_of(site), resources, flavours, domain.most_instances), []).append(node.id)
    return {name: names[0] for names in kinds.values() if len(names) > FEW_ALIKE for name in names}


def limits_of(view: View) -> tuple[list[Reached], int]:
    """Return the limits that a placement has reached, and how many hard limits there are."""
    found: list[Reached] = []
    total = 0
    for reached, counted in _all(view):
        total += counted
        if reached is not None:
            found.append(reached)
    return found, total


def _all(view: View) -> Iterator[tuple[Reached | None, int]]:
    yield from _capacity(view)
    yield from _subnets(view)
    yield from _closed(view)
    for label, rule in all_rules(view.world):
        if rule.soft is None and not rule.implicit:
            yield from _rule(view, label, rule)


# Capacity


def _capacity(view: View) -> Iterator[tuple[Reached | None, int]]:
    alike = alike_hosts(view.world)
    counted: dict[tuple[str, str], tuple[int, Reached | None]] = {}
    used = Room(view).used
    entering = _Entering(view)
    for node in view.world.tree.nodes:
        name = alike.get(node.id, node.id)
        things: dict[str, int | None] = {r: node.usable(r) for r in node.domain.capacity}
        things |= {f: node.usable_flavour(f) for f in node.domain.flavours}
        things |= {"instances": node.domain.most_instances} if node.domain.most_instances is not None else {}
        for thing, limit in things.items():
            if limit is None:
                continue
            amount = used.get((node.index, thing), 0)
            reached = None
            needed = entering.least(node.index, thing, limit - amount)
            if needed is not None:
                by, unit = needed
                entry = Limit("capacity", "capacity", None, node.id, thing, amount, limit)
                element = Element("limit", "capacity", "capacity", None, name, thing)
                reached = Reached(entry, element, {"limit": by}, f"room for one {unit.group}")
            number, best = counted.get((name, thing), (0, None))
            if reached is not None and (best is None or reached.amounts["limit"] < best.amounts["limit"]):
                best = reached
            counted[name, thing] = (number + 1, best)
    for number, best in counted.values():
        yield best, number


class _Entering:
    """Who might enter a domain, but for a limit: units that are not all in it and to whom a site of it is open."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.open: dict[tuple[int, int], bool] = {}
        self.rules = _rules_on(view.world)

    def least(self, node: int, thing: str, slack: int) -> tuple[int, Unit] | None:
        """Return by how much the limit falls short of the smallest that does not fit, and whose that is."""
        best: tuple[int, Unit] | None = None
        sites = self.view.world.tree.sites_under[node]
        for unit in self.view.world.units:
            each = dict(takes(unit)).get(thing, 0)
            if each <= max(slack, 0) or (best is not None and each - slack >= best[0]):
                continue
            counts = self.view.unit_counts[unit.index]
            inside = (
                sum(counts.get(site, 0) for site in sites) if len(sites) < len(counts) else self._in(counts, node)
            )
            if inside < unit.count and any(self._opens(unit, site) for site in sites):
                best = (each - slack, unit)
        return best

    def _in(self, counts: dict[int, int], node: int) -> int:
        nodes = self.view.world.tree.nodes
        return sum(n for site, n in counts.items() if node in nodes[site].ancestors)

    def _opens(self, unit: Unit, site: int) -> bool:
        alike = self.rules[unit.index]
        found = self.open.get((alike, site))
        if found is None:
            found = self.open[alike, site] = not obstacles(self.view.world, unit, site)
        return found


def _rules_on(world: World) -> list[int]:
    """Number the units so that those with the same number are open to the same sites."""
    selecting: dict[str, list[str]] = {}
    for label, rule in all_rules(world):
        if isinstance(rule, GroupRule) and not rule.implicit and rule.rule in ("domains", "residency", "pin"):
            for group in rule.selected(world):
                selecting.setdefault(group, []).append(label)
    behind: dict[str, list[str]] = {}
    for balancer in world.balancers.values():
        for group in balancer.backends:
            behind.setdefault(group, []).append(balancer.id)
    numbers: dict[object, int] = {}
    found: list[int] = []
    for unit in world.units:
        pinned = any(world.estate.rules[n].rule == "pin" for n in range(len(world.estate.rules)))
        own = (unit.index,) if unit.pinned or (pinned and selecting.get(unit.group)) or unit.current else ()
        key = (
            world.alike[unit.index],
            tuple(selecting.get(unit.group, ())),
            tuple(behind.get(unit.group, ())),
            own,
        )
        found.append(numbers.setdefault(key, len(numbers)))
    return found


def _subnets(view: View) -> Iterator[tuple[Reached | None, int]]:
    used: dict[str, int] = {}
    for row in view.rows:
        if row.subnet is not None:
            used[row.subnet] = used.get(row.subnet, 0) + row.count
    for name in view.world.subnets:
        room = addresses(view, name)
        if room is None:
            continue
        zone = subnet_zone(view, name)
        amount = used.get(name, 0)
        limit = Limit(
            "subnet", "subnet", None, view.node_name(zone) if zone is not None else None, name, amount, room
        )
        element = Element("limit", "subnet", "subnet", None, None, name)
        full = amount >= room and any(unit.vpcs for unit in view.world.units)
        yield (Reached(limit, element, {"limit": 1}) if full else None), 1


def _closed(view: View) -> Iterator[tuple[Reached | None, int]]:
    """Yield zones that take nobody in, by product: opening one is what would loosen it."""
    world = view.world
    of_product: dict[str, str] = {}
    for unit in world.units:
        of_product.setdefault(unit.product, unit.group)
    for zone in world.tree.domains_at("zone"):
        for product, group in of_product.items():
            state = world.tree.state(zone, product)
            own = world.tree.nodes[zone].domain
            if (
                state in (State.SOLD_OUT, State.DRAINING)
                and (own.states or own.state)
                and not world.tree.incidents
            ):
                name = world.tree.nodes[zone].id
                limit = Limit(
                    "zone_state", "zone_state", None, name, f"{state.value.replace('_', ' ')} for {product}"
                )
                element = Element("fact", "zone_state", "zone_state", group, name)
                yield Reached(limit, element, {}), 1


# Rules that people write


def _rule(view: View, label: str, rule: Rule) -> Iterator[tuple[Reached | None, int]]:
    element = Element("rule", rule.rule, label)
    if isinstance(rule, Quota | Budget):
        yield _sum(view, label, rule), 1
    elif isinstance(rule, Load):
        yield from _load(view, label, rule)
    elif isinstance(rule, MoveLimit):
        both = zip(view.world.units, view.unit_counts, strict=True)
        moved = sum(leaving(unit.current, sites) for unit, sites in both)
        limit = Limit("move_limit", label, None, None, None, moved, rule.most)
        yield (Reached(limit, element, {"limit": 1}) if moved >= rule.most else None), 1
    elif isinstance(rule, GroupMoves):
        yield _group_moves(view, label, rule), 1
    elif isinstance(rule, AntiAffinity):
        most = max(
            (
                (n, group, d)
                for group in rule.selected(view.world)
                for d, n in view.counts(group, rule.level).items()
            ),
            default=None,
        )
        if most is not None:
            limit = Limit("anti_affinity", label, most[1], view.node_name(most[2]), None, most[0], rule.at_most)
            yield (Reached(limit, element, {"limit": 1}) if most[0] >= rule.at_most else None), 1
    elif isinstance(rule, Spread):
        yield from _spread(view, label, rule)
    elif isinstance(rule, LatencyLimit):
        yield _latency(view, label, rule), 1
    elif isinstance(rule, Survive) and rule.mode == "static":
        yield _survive(view, label, rule), 1
    elif rule.rule in _WITHOUT_NUMBER or rule.rule == "availability":
        yield Reached(Limit(rule.rule, label, None, getattr(rule, "domain", None), None), element, {}), 1


def _group_moves(view: View, label: str, rule: GroupMoves) -> Reached | None:
    """Return the group with the most moves, where no more of it may move."""
    moved = dict.fromkeys(rule.selected(view.world), 0)
    for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
        if unit.group in moved:
            moved[unit.group] += leaving(unit.current, sites)
    group = max(moved, key=lambda g: moved[g], default=None)
    if group is None or moved[group] < rule.most:
        return None
    limit = Limit("group_moves", label, group, None, None, moved[group], rule.most)
    return Reached(limit, Element("rule", "group_moves", label), {"limit": 1})


def _sum(view: View, label: str, rule: Quota | Budget) -> Reached | None:
    world = view.world
    inside = set(world.tree.sites_under[world.tree.by_id[rule.domain]]) if rule.domain else set(world.tree.sites)
    concerned = set(rule.selected(world))
    used, least = 0, 0
    for unit, sites in zip(world.units, view.unit_counts, strict=True):
        if unit.group not in concerned:
            continue
        here = {site: n for site, n in sites.items() if site in inside}
        each = _each(view, rule, unit, inside)
        if isinstance(rule, Budget):
            used += priced_cost(view, unit, here)
        elif each:
            used += each * sum(here.values())
        if each and (rule.domain is None or sum(here.values()) < unit.count):
            least = min(each, least) if least else each
    limit = to_money(rule.per_month) if isinstance(rule, Budget) else rule.most
    what = None if isinstance(rule, Budget) else rule.resource or rule.flavour or "instances"
    entry = Limit(rule.rule, label, None, rule.domain, what, used, limit)
    if not least or limit - used >= least:
        return None
    by = 1 if what == "instances" or (what is not None and rule.flavour) else least - (limit - used)  # type: ignore[union-attr]
    return Reached(entry, Element("rule", rule.rule, label), {"limit": by})


def _each(view: View, rule: Quota | Budget, unit: Unit, inside: set[int]) -> int:
    """Return how much of a sum one instance takes, at least."""
    if isinstance(rule, Budget):
        return min((view.world.price(unit, site) for site in inside), default=0)
    if (rule.account and unit.account != rule.account) or (rule.product and unit.product != rule.product):
        return 0
    if rule.flavour and (unit.flavour is None or unit.flavour.id != rule.flavour):
        return 0
    return unit.demand.get(rule.resource, 0) if rule.resource else 1


def _load(view: View, label: str, rule: Load) -> Iterator[tuple[Reached | None, int]]:
    used = Room(view).used
    entering = _Entering(view)
    best: Reached | None = None
    number = 0
    for index in view.world.tree.domains_at(rule.level):
        node = view.world.tree.nodes[index]
        for resource in rule.limited(node):
            limit, amount = rule.limit(node, resource), used.get((index, resource), 0)
            if limit is None:
                continue
            number += 1
            needed = entering.least(index, resource, limit - amount)
            if needed is not None and (best is None or needed[0] < sum(best.amounts.values())):
                entry = Limit("load", label, None, node.id, resource, amount, limit)
                amounts = {f"{node.id} {resource}": needed[0]}
                best = Reached(entry, Element("rule", "load", label), amounts, f"room for one {needed[1].group}")
    yield best, number


def _spread(view: View, label: str, rule: Spread) -> Iterator[tuple[Reached | None, int]]:
    """Yield each part of the rule once, for the group that is nearest to the limit."""
    best: dict[str, Limit] = {}
    number = 0
    for group in rule.selected(view.world):
        if view.total(group):
            for part, entry in _spread_of(view, label, rule, group):
                number += 1
                if part not in best or entry.slack < best[part].slack:
                    best[part] = entry
    parts = [
        (part, entry)
        for part, entry in best.items()
        if (part != "least_domains" or (entry.limit or 0) > 1) and entry.slack <= 0
    ]
    for part, entry in parts:
        yield Reached(entry, Element("rule", "spread", label, entry.group), {part: 1}), 0
    yield None, number


def _spread_of(view: View, label: str, rule: Spread, group: str) -> Iterator[tuple[str, Limit]]:
    counts = view.counts(group, rule.level)
    most = max(counts, key=lambda d: (counts[d], view.node_name(d)))

    def limit(what: str, used: int, bound: int, at: int | None = None, low: bool = False) -> tuple[str, Limit]:
        name = view.node_name(at) if at is not None else None
        return what, Limit("spread", label, group, name, what, used, bound, low)

    if rule.least_domains is not None:
        yield limit("least_domains", len(counts), rule.least_domains, low=True)
    if rule.domain_limit is not None:
        yield limit("most_domains", len(counts), rule.domain_limit)
    if rule.largest_share is not None:
        bound = int(-(-view.total(group) * as_fraction(rule.largest_share) // 1))
        yield limit("largest_share", counts[most], bound, most)
    if rule.least_each is None and rule.skew_limit is None:
        return
    eligible = {d: counts.get(d, 0) for d in view.eligible(group, rule.level)}
    if not eligible:
        return
    least = min(eligible, key=lambda d: (eligible[d], view.node_name(d)))
    if rule.least_each is not None:
        yield limit("least_each", eligible[least], rule.least_each, least, low=True)
    if rule.skew_limit is not None:
        yield limit("skew", max(eligible.values()) - eligible[least], rule.skew_limit)


def _latency(view: View, label: str, rule: LatencyLimit) -> Reached | None:
    """Return the limit where some pair of domains is beyond it: the next latency stated would let it in."""
    world, tree = view.world, view.world.tree
    ends = tree.domains_at(rule.level)
    times: set[int] = set()
    if rule.clients is not None:
        times = {
            t for c in rule.client_locations(world) for d in ends if (t := world.client_latency(c, d)) is not None
        }
    else:
        times = {t for a in ends for b in ends if (t := world.latency(a, b)) is not None}
    limit = to_latency(rule.limit_ms)
    beyond = sorted(t for t in times if t > limit)
    if not beyond:
        return None
    entry = Limit("latency", label, None, None, "microseconds", _slowest(view, rule), limit)
    return Reached(entry, Element("rule", "latency", label), {"limit_us": beyond[0]})


def _slowest(view: View, rule: LatencyLimit) -> int | None:
    """Return the longest of the round trips that the rule limits, in microseconds; None of a quorum."""
    world = view.world
    times: list[int | None] = []
    if rule.between is not None:
        one, other = (view.counts(group, rule.level) for group in rule.between)
        times = [world.latency(a, b) for a in one for b in other]
    elif rule.clients is not None:
        placed = view.counts(rule.clients, rule.level)
        for client in rule.client_locations(world):
            known = [t for d in placed if (t := world.client_latency(client, d)) is not None]
            times.append(min(known, default=None))
    return max((t for t in times if t is not None), default=None)


def _survive(view: View, label: str, rule: Survive) -> Reached | None:
    """Return the group and the loss that leave least above what is needed."""
    world = view.world
    best: Limit | None = None
    for scenario in rule.scenarios(world):
        gone = frozenset(s for d in scenario for s in world.tree.sites_under[d])
        name = "+".join(view.node_name(d) for d in scenario)
        for group in rule.selected(world):
            placed = view.total(group)
            remaining = sum(n for s, n in view.group_sites[group].items() if s not in gone)
            entry = Limit(
                "survive", label, group, name, "remaining", remaining, rule.needed(world, group, placed), True
            )
            if placed and (best is None or entry.slack < best.slack):
                best = entry
    if best is None or best.slack > 0:
        return None
    lower = rule.keep is not None and rule.keep_share is None and rule.keep > 1
    others = rule.model_copy(update={"keep": None}).needed(world, best.group or "", view.total(best.group or ""))
    by = {"limit": 1} if lower and rule.keep is not None and rule.keep > others else {}
    return Reached(best, Element("rule", "survive", label, best.group), by)


__all__ = ["Reached", "alike_hosts", "limits_of"]
