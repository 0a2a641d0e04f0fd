"""Tiny random estates, rule by rule; the same seed gives the same estate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from tests.brute.cases import base, counts, during, failing, networks, reach, several, sums
from tests.brute.cases.base import Case, Raw
from tests.brute.search import size

#: Rows of the table: kind of rule to the ways of making an estate for it.
KINDS: dict[str, tuple[Callable[[Random], Raw], ...]] = {
    "capacity": sums.CAPACITY,
    "load": sums.LOAD,
    "quota": sums.QUOTA,
    "budget": sums.BUDGET,
    "anti_affinity": counts.ANTI_AFFINITY,
    "affinity": counts.AFFINITY,
    "separation": counts.SEPARATION,
    "spread": counts.SPREAD,
    "domains": reach.DOMAINS,
    "residency": reach.RESIDENCY,
    "pin": counts.PIN,
    "pinned": counts.PINNED,
    "zone_state": reach.ZONE_STATE,
    "entitlement": reach.ENTITLEMENT,
    "compatibility": reach.COMPATIBILITY,
    "service_availability": reach.SERVICE_AVAILABILITY,
    "scope": reach.SCOPE,
    "network": networks.NETWORK,
    "subnet": networks.SUBNET,
    "load_balancer": networks.LOAD_BALANCER,
    "latency": failing.LATENCY,
    "synchronous_replicas": failing.SYNCHRONOUS_REPLICAS,
    "survive_static": failing.SURVIVE_STATIC,
    "survive_evacuate": failing.SURVIVE_EVACUATE,
    "availability": failing.AVAILABILITY,
    "all_or_nothing": failing.ALL_OR_NOTHING,
    "move_limit": during.MOVE_LIMIT,
    "double_occupancy": during.DOUBLE_OCCUPANCY,
    "move_cost": during.MOVE_COST,
    "group_moves": during.GROUP_MOVES,
    "free_ratio": sums.FREE_RATIO,
    "across": during.ACROSS,
    "avoid": during.AVOID,
    "incidents": during.INCIDENTS,
    "tolerated": during.TOLERATED,
    "tolerated_capacity": during.TOLERATED_CAPACITY,
    "several": several.SEVERAL,
}
#: The rule that a row is about, where no rule of its estates is marked and the row is not named after it.
ABOUT = {"incidents": "zone_state", "tolerated_capacity": "capacity"}

#: Rules that are only ever wishes: nothing is impossible because of them.
WISHES = frozenset({"move_cost"})

#: Placements that a case may have; an evacuation multiplies each by its ways out.
MOST_PLACEMENTS = 1200
MOST_WITH_EVACUATION = 250


def case(kind: str, seed: int) -> Case:
    """Return the estate of a seed; the kind's variants take turns."""
    makers = KINDS[kind]
    maker = makers[seed % len(makers)]
    for attempt in range(200):
        rng = Random(f"{kind}-{seed}-{attempt}")
        data = maker(rng)
        written = any(r.get("id") == "target" for r in data["rules"])
        if "goals" not in data:
            base.goals(data, rng)
        base.sprinkle(data, rng)
        evacuates = any(r.get("mode") == "evacuate" for r in data["rules"])
        partial = rng.random() < (0.8 if kind == "all_or_nothing" else 0.12)
        most = MOST_WITH_EVACUATION if evacuates else MOST_PLACEMENTS
        if size(data, partial=partial) <= most:
            label = "target" if written else ABOUT.get(kind, kind)
            return Case(kind, maker.__name__, seed, data, label, partial)
    raise ValueError(f"{kind}/{maker.__name__}/{seed}: every estate is too large")


def cases(kind: str, seed: int = 0) -> Iterator[Case]:
    """Yield estates of a kind for ever."""
    while True:
        yield case(kind, seed)
        seed += 1


__all__ = ["KINDS", "WISHES", "Case", "case", "cases"]
