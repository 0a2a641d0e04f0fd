"""States of domains in which a decision was down for too long: what rows on availability learn as they go."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from zonewright.models.quantities import as_fraction
from zonewright.models.tree import Tree
from zonewright.models.world import World

#: All of the time, and a billionth of it, in the unit of shares here.
ALWAYS, BILLIONTH = 10**12, 10**3
#: What a group may fall short by without being said to.
NEGLIGIBLE = BILLIONTH // 5
HOURS = 8760
#: With so many domains all their states are looked at; beyond, only those with few of them down.
MOST_TOGETHER = 12
#: How many states are added at once.
MOST_STATES = 200


@dataclass(frozen=True)
class Outage:
    """States of the domains that a decision stood on, in which its group was down: never all of these again."""

    label: str
    group: str
    domains: tuple[int, ...]
    """Domains that may be down; any other is taken as never failing."""
    states: tuple[tuple[int, ...], ...]
    """Which of them are down, all others up."""

    def shares(self, tree: Tree) -> list[int]:
        """Return the share of time of every state, in parts of `ALWAYS`, rounded down."""
        down = {node: share_down(tree, node) for node in self.domains}
        found = []
        for state in self.states:
            share = Fraction(1)
            for node, by_itself in down.items():
                share *= by_itself if node in state else 1 - by_itself
            found.append(int(share * ALWAYS))
        return found

    def as_data(self, tree: Tree) -> dict[str, Any]:
        """Return it as plain data for a plan."""
        return {
            "rule": self.label,
            "group": self.group,
            "domains": [tree.nodes[node].id for node in self.domains],
            "states": [[tree.nodes[node].id for node in state] for state in self.states],
        }


def outages_from(tree: Tree, data: object) -> tuple[Outage, ...]:
    """Return what `as_data` wrote; what is damaged is left out, which only weakens a proof."""
    found: list[Outage] = []
    for entry in data if isinstance(data, list) else ():
        try:
            domains = tuple(tree.by_id[name] for name in entry["domains"])
            states = tuple(tuple(tree.by_id[name] for name in state) for state in entry["states"])
            outage = Outage(str(entry["rule"]), str(entry["group"]), domains, states)
        except (KeyError, TypeError):
            continue
        apart = len(set(domains)) == len(domains) and len(set(states)) == len(states)
        if apart and all(len(set(state)) == len(state) and set(state) <= set(domains) for state in states):
            found.append(outage)
    return tuple(found)


def allowed_down(asked: Fraction) -> int:
    """Return for how long a group may be down, in parts of `ALWAYS`."""
    return ALWAYS - int(asked * ALWAYS) + NEGLIGIBLE


def share_down(tree: Tree, node: int) -> Fraction:
    """Return the share of time for which a domain is down by itself."""
    domain = tree.nodes[node].domain
    if not domain.failures_per_year or not domain.hours_to_repair:
        return Fraction(0)
    return _share(domain.failures_per_year, domain.hours_to_repair)


@cache
def _share(rate: float, hours: float) -> Fraction:
    return min(Fraction(1), as_fraction(rate) * as_fraction(hours) / HOURS)


def rated_above(world: World) -> dict[int, tuple[int, ...]]:
    """Return, for every site, the domains above it that fail, highest first."""
    tree = world.tree
    memo: dict[int, tuple[int, ...]] | None = world.__dict__.get("_rated_above")
    if memo is None:
        rated = {node.index for node in tree.nodes if share_down(tree, node.index)}
        memo = {s: tuple(a for a in tree.nodes[s].ancestors if a in rated) for s in tree.sites}
        world.__dict__["_rated_above"] = memo
    return memo


def outage_of(
    world: World, label: str, group: str, counts: Mapping[int, int], slack: int, most_down: int | None
) -> Outage | None:
    """Return states in which more than `slack` of the instances at sites are lost, likely ones first.

    With `most_down` just so many that they take more time than that; None where no such states were found.
    """
    above = rated_above(world)
    sites = {site: n for site, n in counts.items() if n and above[site]}
    domains = sorted({node for site in sites for node in above[site]})
    failing: list[tuple[int, tuple[int, ...]]] = []
    for state in _states(domains):
        down = set(state)
        if sum(n for site, n in sites.items() if down.intersection(above[site])) > slack:
            share = Outage(label, group, tuple(domains), (state,)).shares(world.tree)[0]
            if share:
                failing.append((share, state))
    failing.sort(reverse=True)
    states: list[tuple[int, ...]] = []
    total = 0
    for share, state in failing[:MOST_STATES]:
        states.append(state)
        total += share
        if most_down is not None and total > most_down:
            break
    if not states or (most_down is not None and total <= most_down):
        return None
    return Outage(label, group, tuple(domains), tuple(states))


def _states(domains: Collection[int]) -> Iterator[tuple[int, ...]]:
    most = len(domains) if len(domains) <= MOST_TOGETHER else 2
    for size in range(1, most + 1):
        yield from itertools.combinations(domains, size)
