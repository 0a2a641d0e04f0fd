"""The brute force's judgement of one placement: what is broken, label by label, and what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.brute import balancing, counts, distance, moving, network, outage, reach, sums, survival, tolerance
from tests.brute.facts import Facts
from tests.brute.goals import objective
from tests.brute.scene import Scene

Raw = dict[str, Any]
Check = Callable[[Scene, Raw], list[tuple[str | None, int]]]


def _reach(kind: str) -> Check:
    return lambda scene, rule: reach.misplaced(scene, kind, rule)


#: Rules of every estate, cheap ones first.
IMPLICIT: dict[str, Check] = {
    "pinned": counts.pinned,
    "capacity": sums.capacity,
    "all_or_nothing": counts.all_or_nothing,
    "zone_state": _reach("zone_state"),
    "entitlement": _reach("entitlement"),
    "compatibility": _reach("compatibility"),
    "service_availability": _reach("service_availability"),
    "scope": _reach("scope"),
    "network": network.network,
    "load_balancer": balancing.load_balancer,
    "subnet": network.subnet,
}
WRITTEN: dict[str, Check] = {
    "affinity": counts.affinity,
    "anti_affinity": counts.anti_affinity,
    "availability": outage.availability,
    "avoid": moving.avoid,
    "budget": sums.budget,
    "domains": _reach("domains"),
    "double_occupancy": moving.double_occupancy,
    "free_ratio": sums.free_ratio,
    "group_moves": moving.group_moves,
    "keep_running": moving.keep_running,
    "latency": distance.latency,
    "load": sums.load,
    "move_cost": moving.move_cost,
    "move_limit": moving.move_limit,
    "pin": counts.pin,
    "quota": sums.quota,
    "residency": distance.residency,
    "separation": counts.separation,
    "spread": counts.spread,
    "survive": survival.survive,
    "synchronous_replicas": distance.synchronous_replicas,
}


def active(scene: Scene) -> Iterator[tuple[str, str, Raw, Check]]:
    """(kind, label, rule, check) of every rule that is not taken as absent."""
    for kind, check in IMPLICIT.items():
        if kind not in scene.without:
            yield kind, kind, {}, check
    for label, rule in scene.facts.rules:
        if label not in scene.without:
            yield rule["rule"], label, rule, WRITTEN[rule["rule"]]


def broken(scene: Scene) -> dict[str, int]:
    """Total amount by label of every rule that is broken, soft ones too."""
    found: dict[str, int] = {}
    for _, label, rule, check in active(scene):
        amount = sum(a for _, a in check(scene, rule))
        if amount:
            found[label] = amount
    return found


def intolerable(scene: Scene) -> list[str]:
    """Labels of hard rules that are broken by more than is tolerated."""
    return sorted(
        label
        for kind, label, rule, check in active(scene)
        if not rule.get("soft")
        and sum(amount for _, amount in check(scene, rule))
        and tolerance.intolerable(scene, kind, label, rule)
    )


def fill_tolerated(data: Raw) -> None:
    """Tolerate what the placement of today breaks, as far as that can be said place by place."""
    facts = Facts({key: value for key, value in data.items() if key != "tolerated"})
    today = Scene(facts, {(u.index, s, None): n for u in facts.units for s, n in u.current.items()})
    hard = [(k, n, r) for k, n, r, _ in active(today) if not r.get("soft") and k in tolerance.PLACED]
    hard = [entry for entry in hard if entry[2].get("mode") != "evacuate"]
    data["tolerated"] = tolerance.fill(today, hard)


def labels(facts: Facts) -> list[tuple[str, str, bool]]:
    """(kind, label, hard) of every rule of an estate."""
    return [(k, k, True) for k in IMPLICIT] + [(r["rule"], n, not r.get("soft")) for n, r in facts.rules]


def wishes(scene: Scene) -> dict[int, int]:
    """Weight x amount of broken soft rules by priority. A rule taken as absent weighs nothing."""
    found: dict[int, int] = {}
    for label, rule in scene.facts.rules:
        if rule.get("soft"):
            priority = rule["soft"].get("priority", 0)
            check = partial(WRITTEN[rule["rule"]], scene, rule)
            amount = 0 if label in scene.without else sum(a for _, a in check())
            found[priority] = found.get(priority, 0) + rule["soft"].get("weight", 1) * amount
    return found


def values(scene: Scene) -> list[tuple[str, int]]:
    """Goal by goal what a placement is worth; smaller is better."""
    return objective(scene, wishes(scene))
