"""What a clash says in words, in the estate's own names and with numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from zonewright.models.rules import Rule, Survive
from zonewright.models.world import World
from zonewright.solver.clashes.changes import said
from zonewright.solver.clashes.elements import Element
from zonewright.solver.clashes.problem import Problem
from zonewright.solver.result import Clash
from zonewright.solver.rows import Tag

#: So many names are listed; of more the rest is a number.
LISTED = 6
#: First match counts: kinds of rules to what sort of reason a clash with one of them is.
_KINDS = (
    ("network", ("subnet", "network", "load_balancer")),
    ("money", ("budget",)),
    ("company", ("affinity", "separation")),
)
_DISTANCE = ("latency", "synchronous_replicas")
_COUNTS = (
    "anti_affinity", "avoid", "capacity", "double_occupancy", "free_ratio", "group_moves", "load", "move_limit",
    "quota", "spread",
)  # fmt: skip


def kind_of(problem: Problem, elements: Sequence[Element]) -> str:
    """Return what sort of reason a clash is."""
    rules = {e.rule for e in elements}
    if any(_evacuates(problem.world, e) for e in elements) or "availability" in rules:
        return "failure"
    for kind, names in _KINDS:
        if rules.intersection(names):
            return kind
    if rules.intersection(_DISTANCE) and not rules.intersection(("spread", "survive")):
        return "latency"
    if any(e.rule == "capacity" and _below_zones(problem.world, e.domain) for e in elements):
        return "packing" if not _short_in_sum(problem, elements) else "counting"
    return "counting" if rules.intersection((*_COUNTS, "survive", *_DISTANCE)) else "reach"


def _evacuates(world: World, element: Element) -> bool:
    rule = _rule(world, element)
    return isinstance(rule, Survive) and rule.mode == "evacuate"


def _rule(world: World, element: Element) -> Rule | None:
    labelled = ((rule.id or f"{rule.rule}[{n}]", rule) for n, rule in enumerate(world.estate.rules))
    return next((rule for label, rule in labelled if label == element.label), None)


def _below_zones(world: World, domain: str | None) -> bool:
    index = world.tree.by_id.get(domain or "")
    return index is not None and world.zone_of(index) != index and world.tree.nodes[index].level != "region"


def _short_in_sum(problem: Problem, elements: Sequence[Element]) -> bool:
    """Return whether the limits of a clash have less in sum than its groups need."""
    limits = [e for e in elements if e.rule == "capacity"]
    if len({e.thing for e in limits}) != 1:
        return False  # Neither is short everywhere: what is left of one is of no use without the other.
    needed, room = _needed_and_there(problem, elements, limits)
    return needed > room


def _needed_and_there(problem: Problem, elements: Sequence[Element], limits: Sequence[Element]) -> tuple[int, int]:
    """Return how much of one thing the groups of a clash need, and how much its limits have."""
    thing = limits[0].thing or ""
    groups = [e.group or "" for e in elements if e.kind == "demand"]
    needed = sum(u.count * _each(u, thing) for g in groups for u in problem.world.units_of[g])
    return needed, sum(_room(problem, e) * _alike(problem, e) for e in limits)


def _each(unit: Any, thing: str) -> int:
    if thing == "instances":
        return 1
    if unit.flavour is not None and unit.flavour.id == thing:
        return 1
    return int(unit.demand.get(thing, 0))


def _room(problem: Problem, element: Element) -> int:
    node = problem.world.tree.nodes[problem.world.tree.by_id[element.domain or ""]]
    thing = element.thing or ""
    if thing == "instances":
        return node.domain.most_instances or 0
    found = node.usable(thing)
    return found if found is not None else node.usable_flavour(thing) or 0


def _alike(problem: Problem, element: Element) -> int:
    """Return for how many hosts an element stands."""
    return max(1, sum(1 for first in problem.naming.alike.values() if first == element.domain))


def listed(names: Iterable[str]) -> str:
    """Return names as a list in words."""
    every = list(dict.fromkeys(names))
    if len(every) > LISTED:
        every = [*every[: LISTED - 1], f"{len(every) - LISTED + 1} more"]
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


def member(problem: Problem, element: Element) -> Clash:
    """Return an element in words."""
    return Clash(element.rule, element.label, element.group, element.domain, says(problem, element), element.thing)


def says(problem: Problem, element: Element) -> str:
    """Return what an element asks or forbids."""
    if element.kind == "demand":
        count = problem.world.groups[element.group or ""].count
        return f"all {count} instances of {element.group} are to be placed"
    if element.kind == "rule":
        rule = _rule(problem.world, element)
        wording = _WORDING.get(element.rule)
        if rule is not None and wording is not None:
            return wording(problem.world, rule, element)
    if element.rule == "capacity":
        return _limit(problem, element)
    if element.rule == "pinned":
        return f"{element.group} is pinned to where it is"
    tags = _tags(problem, element)
    texts = list(dict.fromkeys(tag.text for tag in tags if tag.text))
    if element.kind == "fact" and element.domain is not None and texts:
        verb = texts[0].split(" ")[0]
        gap = " " if verb in ("is", "has", "does", "takes") else ": "
        return f"{element.domain}{gap}{texts[0]}"
    return listed(texts) or element.label


def _tags(problem: Problem, element: Element) -> list[Tag]:
    rows = problem.program.context.rows
    e = problem.number[element]
    found = (rows.tags[rows.row_tag[i]] for i in problem.rows_of.get(e, ()) if i < len(rows.row_tag))
    return list(dict.fromkeys(found))


def _limit(problem: Problem, element: Element) -> str:
    many = _alike(problem, element)
    where = f"each of the {many} hosts like {element.domain}" if many > 1 else f"{element.domain}"
    room, thing = _room(problem, element), element.thing or ""
    if thing == "instances":
        return f"{where} takes at most {room} instances"
    flavour = thing in problem.world.flavours and thing not in problem.world.resources
    return f"{where} has {room} of {thing}" if flavour else f"{where} has {said(thing, room)}"


def _spread(world: World, rule: Any, e: Element) -> str:
    parts: list[str] = []
    if rule.least_domains is not None:
        parts.append(f"in at least {rule.least_domains} {rule.level}s")
    if rule.domain_limit is not None:
        parts.append(f"in at most {rule.domain_limit} {rule.level}{'s' if rule.domain_limit > 1 else ''}")
    if rule.largest_share is not None:
        parts.append(f"with at most {rule.largest_share:.4g} of it in one {rule.level}")
    if rule.least_each is not None:
        parts.append(f"with at least {rule.least_each} in each {rule.level}")
    if rule.skew_limit is not None:
        parts.append(f"with a skew of at most {rule.skew_limit} over {rule.level}s")
    return f"{e.group} has to be {', '.join(parts)}"


def _survive(world: World, rule: Any, e: Element) -> str:
    group = e.group or ""
    lost = f"any {rule.lose} {rule.level}s are lost" if rule.lose > 1 else f"any {rule.level} is lost"
    if rule.mode == "evacuate":
        return f"{group} has to fit again when {lost}"
    count = world.groups[group].count
    return f"{rule.needed(world, group, count)} of {count} of {group} have to remain when {lost}"


def _anti(world: World, rule: Any, e: Element) -> str:
    return f"at most {rule.at_most} of {e.group} per {rule.level}"


def _affinity(world: World, rule: Any, e: Element) -> str:
    if rule.to is not None:
        verb = "are" if len(rule.company) > 1 else "is"
        return f"{e.group} only in {rule.level}s where {listed(rule.company)} {verb}"
    return f"{listed(rule.selected(world))} in one {rule.level}"


def _separation(world: World, rule: Any, e: Element) -> str:
    return f"{listed(rule.groups)} never in one {rule.level}"


def _latency(world: World, rule: Any, e: Element) -> str:
    if rule.between is not None:
        one, other = rule.between
        whom = f"{one} within" if one == other else f"{one} and {other} within"
        return f"{whom} {rule.limit_ms:g} ms of each other"
    if rule.quorum is not None:
        return f"a majority of {rule.quorum} within {rule.limit_ms:g} ms of its leader"
    places = rule.locations or list(world.groups[rule.clients].clients)
    return f"some of {rule.clients} within {rule.limit_ms:g} ms of each of {listed(places)}"


def _synchronous(world: World, rule: Any, e: Element) -> str:
    return f"{e.group} only in {rule.level}s with synchronous replication between them"


def _quota(world: World, rule: Any, e: Element) -> str:
    where = f" in {rule.domain}" if rule.domain else ""
    if rule.resource:
        return f"at most {said(rule.resource, rule.most)} for {_names(world, rule)}{where}"
    return f"at most {rule.most} {rule.flavour or 'instances'} of {_names(world, rule)}{where}"


def _names(world: World, rule: Any) -> str:
    return "all groups" if rule.groups == "*" and not rule.with_labels else listed(rule.selected(world))


def _budget(world: World, rule: Any, e: Element) -> str:
    where = f" in {rule.domain}" if rule.domain else ""
    return f"at most {rule.per_month:g} {world.estate.currency} a month for {_names(world, rule)}{where}"


def _load(world: World, rule: Any, e: Element) -> str:
    what = f" of {listed(rule.resources)}" if rule.resources else ""
    if rule.most_share is None:
        return f"no more{what} of each {rule.level} used than is safe"
    return f"at most {rule.most_share:.4g}{what} of each {rule.level} used"


def _moves(world: World, rule: Any, e: Element) -> str:
    return f"at most {rule.most} moves"


def _group_moves(world: World, rule: Any, e: Element) -> str:
    return f"at most {rule.most} moves of any one of {_names(world, rule)}"


def _double(world: World, rule: Any, e: Element) -> str:
    what = listed(rule.resources) if rule.resources else "its resources"
    return f"who leaves a {rule.level} holds {what} there until all moves are done"


def _free(world: World, rule: Any, e: Element) -> str:
    return f"{rule.ratio} {rule.beside} free in each {rule.level} for each free {rule.resource}"


def _avoid(world: World, rule: Any, e: Element) -> str:
    return "not all at once: " + listed(f"{held.count} of {held.group} in {held.domain}" for held in rule.together)


def _domains(world: World, rule: Any, e: Element) -> str:
    parts: list[str] = []
    if rule.allow:
        parts.append(f"only in {listed(rule.allow)}")
    if rule.forbid:
        parts.append(f"not in {listed(rule.forbid)}")
    parts += [f"only where {key} is {_either(value)}" for key, value in rule.allow_labels.items()]
    parts += [f"not where {key} is {_either(value)}" for key, value in rule.forbid_labels.items()]
    return f"{e.group} {', '.join(parts)}"


def _either(value: Any) -> str:
    return value if isinstance(value, str) else " or ".join(value)


def _residency(world: World, rule: Any, e: Element) -> str:
    return f"{e.group} only in {' or '.join(rule.countries)}"


def _pin(world: World, rule: Any, e: Element) -> str:
    return f"{e.group} in {rule.domain}" if rule.domain else f"{e.group} where it is"


def _availability(world: World, rule: Any, e: Element) -> str:
    asked = rule.at_least if rule.at_least is not None else world.groups[e.group or ""].targets.availability
    return f"{e.group} available at least {asked:g} of the time"


_WORDING: dict[str, Callable[[World, Any, Element], str]] = {
    "affinity": _affinity,
    "anti_affinity": _anti,
    "availability": _availability,
    "avoid": _avoid,
    "budget": _budget,
    "domains": _domains,
    "double_occupancy": _double,
    "free_ratio": _free,
    "group_moves": _group_moves,
    "latency": _latency,
    "load": _load,
    "move_limit": _moves,
    "pin": _pin,
    "quota": _quota,
    "residency": _residency,
    "separation": _separation,
    "spread": _spread,
    "survive": _survive,
    "synchronous_replicas": _synchronous,
}


def sentence(problem: Problem, elements: Sequence[Element]) -> str:
    """Return a clash in one sentence: who cannot be placed, what is asked, what there is."""
    demands = [e for e in elements if e.kind == "demand"]
    asked = [f"{says(problem, e)} ({e.label})" for e in elements if e.kind == "rule"]
    have = [*_sums(problem, elements), *_open(problem, elements, demands)]
    have += [*_facts(problem, elements), *_distances(problem, elements)]
    have += [says(problem, e) for e in elements if e.kind == "limit" and e.rule == "load_balancer"]
    who = _who(problem, elements, demands)
    if not demands:
        return "; ".join([*asked, *have])
    return f"{who} cannot be placed: " + "; ".join([*asked, *have])


def _who(problem: Problem, elements: Sequence[Element], demands: Sequence[Element]) -> str:
    """Return the groups with their counts, and their sizes where room is short."""
    things = sorted({e.thing for e in elements if e.rule == "capacity" and e.thing is not None})
    whole: list[str] = []
    for e in demands:
        units = problem.world.units_of[e.group or ""]
        sizes = [said(t, _each(units[0], t)) for t in things if t in problem.world.resources] if units else []
        each = f" (each {listed(sizes)})" if sizes else ""
        whole.append(f"{problem.world.groups[e.group or ''].count} of {e.group}{each}")
    return listed(whole)


def _sums(problem: Problem, elements: Sequence[Element]) -> list[str]:
    """Return what the limits have, with sums where several have the same."""
    world = problem.world
    found: list[str] = []
    groups = [e.group or "" for e in elements if e.kind == "demand"]
    subnets = [e for e in elements if e.rule == "subnet"]
    if subnets:
        rooms = [text for e in subnets for tag in _tags(problem, e) if (text := tag.text)]
        found.append(f"{sum(world.groups[g].count for g in groups)} addresses are wanted, {listed(rooms)}")
    limits = [e for e in elements if e.rule == "capacity"]
    if not limits:
        return found
    words = listed(_limit(problem, e) for e in limits)
    if _short_in_sum(problem, elements):
        thing = limits[0].thing or ""
        resource = thing in world.resources
        needed, there = (
            said(thing, n) if resource else f"{n}" for n in _needed_and_there(problem, elements, limits)
        )
        words = f"{needed}{'' if resource else f' {thing}'} wanted, {there} there: {words}"
    elif len(groups) == 1 and all(_below_zones(world, e.domain) for e in limits):
        words += f", room for {_fits(problem, groups[0], limits)} of them"
    return [*found, words]


def _fits(problem: Problem, group: str, limits: Sequence[Element]) -> int:
    """Return how many of a group whole hosts have room for."""
    unit = problem.world.units_of[group][0]
    by_host: dict[str, int] = {}
    for e in limits:
        fits = _room(problem, e) // max(1, _each(unit, e.thing or "")) * _alike(problem, e)
        host = e.domain or ""
        by_host[host] = min(fits, by_host.get(host, fits))
    return sum(by_host.values())


def _distances(problem: Problem, elements: Sequence[Element]) -> list[str]:
    """Return pairs of domains, not closed otherwise, that are too far apart or have no synchronous link."""
    world = problem.world
    shut = _shut(problem, elements)
    found: list[str] = []
    for e in elements:
        rule = _rule(world, e)
        if (
            e.rule not in _DISTANCE
            or rule is None
            or getattr(rule, "clients", None)
            or getattr(rule, "quorum", None)
        ):
            continue
        pairs: list[str] = []
        for tag in _tags(problem, e):
            named = [word for word in tag.text.split() if word in world.tree.by_id and word != tag.domain]
            if not named or tag.domain is None:
                continue
            one, other = world.tree.by_id[tag.domain], world.tree.by_id[named[-1]]
            if _is_shut(world, one, shut) or _is_shut(world, other, shut):
                continue
            far = world.latency(one, other) if e.rule == "latency" else None
            pairs.append(f"{tag.domain} and {named[-1]}" + (f" ({far / 1000:g} ms)" if far is not None else ""))
        what = "farther apart are" if e.rule == "latency" else "no synchronous replication is between"
        if pairs:
            more = ", ..." if len(pairs) > LISTED else ""
            found.append(f"{what} {', '.join(pairs[:LISTED])}{more}")
    return found


def _open(problem: Problem, elements: Sequence[Element], demands: Sequence[Element]) -> list[str]:
    """Return which zones the rest leaves open to the only group that a clash is about."""
    shut = _shut(problem, elements)
    if len(demands) != 1 or not shut:
        return []
    world = problem.world
    zones = dict.fromkeys(world.zone_of(site) for site in world.tree.sites)
    left = [world.tree.nodes[z].id for z in zones if not _is_shut(world, z, shut)]
    if len(left) > LISTED:
        return []
    if not left:
        return ["no zone is open to it"]
    return [f"only {listed(left)} {'are' if len(left) > 1 else 'is'} open to it"]


def _shut(problem: Problem, elements: Sequence[Element]) -> set[str]:
    """Return the domains that reach closes by the elements of a clash."""
    reaching = [e for e in elements if e.kind == "fact" or e.rule in ("domains", "residency")]
    return {tag.domain for e in reaching for tag in _tags(problem, e) if tag.domain is not None}


def _is_shut(world: World, zone: int, shut: set[str]) -> bool:
    nodes = world.tree.nodes
    if any(nodes[a].id in shut for a in nodes[zone].ancestors):
        return True
    return all(any(nodes[a].id in shut for a in nodes[s].ancestors) for s in world.tree.sites_under[zone])


def _facts(problem: Problem, elements: Sequence[Element]) -> list[str]:
    """Return the facts, those that say the same of several domains together."""
    by_text: dict[str, list[str]] = {}
    for e in elements:
        if e.kind != "fact":
            continue
        text = says(problem, e)
        rest = text.removeprefix(e.domain or "")
        by_text.setdefault(rest, []).append(e.domain or "")
    return [f"{listed(domains)}{rest}" if domains[0] else rest for rest, domains in by_text.items()]


__all__ = ["kind_of", "listed", "member", "says", "sentence"]
