"""How many of a group are in a domain, in how many domains, and who else is there."""

from __future__ import annotations

import itertools

import numpy as np

from zonewright.models.quantities import as_fraction
from zonewright.models.rules import (
    Affinity,
    AllOrNothing,
    AntiAffinity,
    Availability,
    Separation,
    Spread,
    Survive,
)
from zonewright.solver.search.board import AT_MOST, LEAST_DOMAINS, LEAST_EACH, MOST_DOMAINS, SKEW
from zonewright.solver.search.lowerings.draft import MOST_PAIRED, Draft, Far, Pair, Refused, Term


def anti_affinity(draft: Draft, rule: AntiAffinity, label: str) -> None:
    """At most so many of each group."""
    level, (weight, stage) = draft.level(rule.level), draft.charge(rule)
    for _, g in draft.groups(rule.selected(draft.world)):
        if draft.count_g[g] > rule.at_most:
            draft.terms.append(Term(g, AT_MOST, level, rule.at_most, weight, stage))


def affinity(draft: Draft, rule: Affinity, label: str) -> None:
    """Company in every domain; or all groups in one."""
    level, (weight, stage) = draft.level(rule.level), draft.charge(rule)
    groups = draft.groups(rule.selected(draft.world))
    if rule.to is None:
        _together(draft, rule, label, level, groups)
        return
    for other in rule.company:
        o = draft.group_of[other]
        draft.pairs += [Pair(g, o, level, True, weight, stage) for _, g in groups if g != o]


def _together(draft: Draft, rule: Affinity, label: str, level: int, groups: list[tuple[str, int]]) -> None:
    weight, stage = draft.charge(rule)
    for _, g in groups:
        if draft.count_g[g] > 1:
            draft.terms.append(Term(g, MOST_DOMAINS, level, 1, weight, stage))
    if len(groups) < 2:
        return
    if rule.soft is not None and sum(draft.count_g[g] for _, g in groups) > 2:
        names = ", ".join(name for name, _ in groups)
        raise Refused(f"{label}: counts the {rule.level}s of several groups together ({names})")
    if not draft.partial and rule.soft is None:
        # All are placed, each group in one domain: then every group needs the next one there.
        numbers = [g for _, g in groups]
        draft.pairs += [Pair(g, o, level, True, weight, stage) for g, o in itertools.pairwise(numbers)]
        return
    domains = draft.levels[level].domains
    if domains > MOST_PAIRED or len(groups) > MOST_PAIRED:
        raise Refused(
            f"{label}: {len(groups)} groups together in one of {domains} {rule.level}s, in part or whole"
        )
    draft.far_tables.append(~np.eye(domains, dtype=bool))
    table = len(draft.far_tables) - 1
    for position, (_, g) in enumerate(groups):
        draft.far += [Far(g, o, level, table, weight, stage) for _, o in groups[position + 1 :]]


def separation(draft: Draft, rule: Separation, label: str) -> None:
    """No two of the groups in one domain."""
    level, (weight, stage) = draft.level(rule.level), draft.charge(rule)
    groups = draft.groups(rule.selected(draft.world))
    for position, (_, g) in enumerate(groups):
        draft.pairs += [Pair(g, o, level, False, weight, stage) for _, o in groups[position + 1 :]]


def spread(draft: Draft, rule: Spread, label: str) -> None:
    """Each group by itself."""
    level, (weight, stage) = draft.level(rule.level), draft.charge(rule)
    eligible: dict[frozenset[int], tuple[int, ...]] = {}
    for name, g in draft.groups(rule.selected(draft.world)):
        count = draft.count_g[g]

        def say(kind: int, amount: int, counts: tuple[int, ...] = (), g: int = g) -> None:
            draft.terms.append(Term(g, kind, level, amount, weight, stage, counts))

        if rule.least_domains is not None and rule.least_domains > 1:
            say(LEAST_DOMAINS, rule.least_domains)
        if rule.domain_limit is not None and rule.domain_limit < count:
            say(MOST_DOMAINS, rule.domain_limit)
        if rule.largest_share is not None:
            _share(draft, rule, label, name, level)
        if rule.least_each is not None or rule.skew_limit is not None:
            profiles = frozenset(draft.reach.of_unit[u.index] for u in draft.world.units_of[name])
            if profiles not in eligible:
                eligible[profiles] = _eligible(draft, level, profiles)
            counts = eligible[profiles]
            if rule.least_each is not None and counts:
                say(LEAST_EACH, rule.least_each, counts)
            if rule.skew_limit is not None and rule.skew_limit < count and len(counts) > 1:
                say(SKEW, rule.skew_limit, counts)


def _eligible(draft: Draft, level: int, profiles: frozenset[int]) -> tuple[int, ...]:
    """Return the domains of a level where somebody of these profiles may newly be put."""
    enter_s = np.logical_or.reduce([draft.reach.profiles[f].enter for f in sorted(profiles)])
    domain_x = np.unique(draft.levels[level].domain_s[enter_s])
    return tuple(domain_x[domain_x >= 0].tolist())


def _share(draft: Draft, rule: Spread, label: str, name: str, level: int) -> None:
    """A share of what is placed is a number where a group is placed whole."""
    share, g = as_fraction(rule.largest_share or 0), draft.group_of[name]
    count = draft.count_g[g]
    limit = int(-(-share * count // 1))
    if limit >= count:
        return
    if not draft.whole(name):
        raise Refused(f"{label}: a share of what is placed of {name}, of which a part may stay unplaced")
    draft.terms.append(Term(g, AT_MOST, level, limit, *draft.charge(rule)))


def survive(draft: Draft, rule: Survive, label: str) -> None:
    """The loss of one domain leaves enough where no domain holds more than the rest."""
    groups = draft.groups(rule.selected(draft.world))
    if not groups:
        return
    if rule.mode == "evacuate":
        raise Refused(f"{label}: what is displaced when a {rule.level} is lost has to fit elsewhere")
    level, (weight, stage) = _lost_level(draft, rule), draft.charge(rule)
    for name, g in groups:
        count = draft.count_g[g]
        limit = count - rule.needed(draft.world, name, count)
        if limit >= count:
            continue
        if limit < 0:
            raise Refused(f"{label}: more of {name} have to remain than there are")
        if rule.lose > 1:
            raise Refused(f"{label}: {rule.lose} {rule.level}s lost at once leave too few of {name}")
        if not draft.whole(name):
            raise Refused(f"{label}: what is left of {name}, of which a part may stay unplaced")
        draft.terms.append(Term(g, AT_MOST, level, limit, weight, stage))


def _lost_level(draft: Draft, rule: Survive) -> int:
    """Return the level of the domains that may be lost."""
    level = draft.level(rule.level)
    if not rule.domains:
        return level
    whole = draft.levels[level]
    lost = sorted({whole.nodes[n] for d in rule.domains if (n := draft.world.tree.by_id[d]) in whole.nodes})
    number = np.full(whole.domains + 1, -1, np.int32)
    number[lost] = np.arange(len(lost))
    return draft.add_level(f"{rule.level} of {', '.join(rule.domains)}", number[whole.domain_s], len(lost))


def all_or_nothing(draft: Draft, rule: AllOrNothing, label: str) -> None:
    """Where instances may stay unplaced, all of a group or none."""
    if not draft.partial:
        return
    for name, group in draft.world.groups.items():
        if group.all_or_nothing and group.count > 1:
            g = draft.group_of[name]
            draft.terms.append(Term(g, LEAST_EACH, draft.estate, group.count, 1, 0, (0,)))


def availability(draft: Draft, rule: Availability, label: str) -> None:
    """Not on a board: states of many domains at once count."""
    asked = [name for name in rule.targets(draft.world) if draft.world.groups[name].count]
    if asked:
        raise Refused(f"{label}: how long {asked[0]} is up depends on many domains at once")
