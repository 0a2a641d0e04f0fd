"""Surviving a loss: with what remains, or as a given witness shows."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from tests.brute.facts import Facts, Unit
from tests.brute.numbers import ceiling, exact
from tests.brute.scene import Joint, Rows, Scene, remaining

Raw = dict[str, Any]
Breaches = list[tuple[str | None, int]]

#: Rules that losing instances alone can break: after a loss they count for evacuated groups only.
HURT_BY_LOSS = ("spread", "affinity", "load_balancer", "network", "latency")


def scenarios(facts: Facts, rule: Raw) -> list[frozenset[str]]:
    """Every set of domains that may be lost together."""
    pool = rule.get("domains") or facts.domains_at(rule.get("level", "zone"))
    return [frozenset(lost) for lost in combinations(pool, rule.get("lose", 1))]


def sites_lost(facts: Facts, lost: frozenset[str]) -> frozenset[str]:
    return frozenset(s for s in facts.sites if lost & set(facts.up[s]))


def survive(scene: Scene, rule: Raw) -> Breaches:
    judge = _static if rule.get("mode", "static") == "static" else _evacuate
    return [b for lost in scenarios(scene.facts, rule) for b in judge(scene, rule, lost) if b[1] > 0]


def _static(scene: Scene, rule: Raw, lost: frozenset[str]) -> Breaches:
    gone = sites_lost(scene.facts, lost)
    found: Breaches = []
    for group in scene.facts.selected(rule):
        placed = scene.total(group)
        left = sum(n for s, n in scene.of_group[group].items() if s not in gone)
        if placed:
            found.append((group, needed(scene.facts, rule, group, placed) - left))
    return found


def needed(facts: Facts, rule: Raw, group: str, placed: int) -> int:
    """How many of a group have to remain."""
    entry = facts.groups[group]
    asked = [b["least_backends"] for b in facts.balancers.values() if group in b.get("backends", [])
             and b.get("least_backends")]  # fmt: skip
    if entry.get("load") is not None:
        asked.append(ceiling(exact(entry["load"]) / entry["throughput"]))
    if entry.get("quorum") == "majority":
        asked.append(entry["count"] // 2 + 1)
    elif entry.get("quorum") is not None:
        asked.append(entry["quorum"])
    if rule.get("keep") is not None:
        asked.append(rule["keep"])
    if rule.get("keep_share") is not None:
        asked.append(ceiling(exact(rule["keep_share"]) * placed))
    return max(asked) if asked else 1


def joint(rule: Raw) -> Joint:
    """What evacuation rules that share one evacuation agree in."""
    domains = tuple(sorted(rule.get("domains", [])))
    return rule.get("level", "zone"), rule.get("lose", 1), rule.get("on_offer", False), domains


def signature(key: Joint) -> str:
    """The same in the plan's words."""
    level, lose, on_offer, domains = key
    only = f"-of-{','.join(domains)}" if domains else ""
    return f"{level}-{lose}-{'any' if on_offer else 'firm'}{only}"


def evacuations(facts: Facts) -> dict[Joint, list[Raw]]:
    """Evacuation rules by what they share, absent ones too: labels are looked at by the caller."""
    found: dict[Joint, list[Raw]] = {}
    for _, rule in facts.rules:
        if rule["rule"] == "survive" and rule.get("mode") == "evacuate":
            found.setdefault(joint(rule), []).append(rule)
    return found


def evacuated(scene: Scene, key: Joint) -> set[str]:
    """Groups that are evacuated together."""
    return {
        group
        for label, rule in scene.facts.rules
        if rule["rule"] == "survive" and rule.get("mode") == "evacuate" and joint(rule) == key
        and label not in scene.without
        for group in scene.facts.selected(rule)
    }  # fmt: skip


def displaced(scene: Scene, groups: set[str], gone: frozenset[str]) -> dict[int, int]:
    """Instances of the groups by unit that lose their site."""
    found: dict[int, int] = {}
    for unit in scene.facts.units:
        lost = sum(n for s, n in scene.at[unit.index].items() if s in gone)
        if lost and unit.group in groups:
            found[unit.index] = lost
    return found


def recoverable(facts: Facts, unit: Unit, level: str, lost: frozenset[str]) -> bool:
    """Whether an instance that lost its site can start again elsewhere."""
    if unit.own.get("pinned"):
        return False
    if not unit.own.get("stateful"):
        return True
    order = facts.levels
    local = unit.own.get("movability", {}).get("local_disk", False)
    if "zone" in order and order.index(level) > order.index("zone") and not local:
        return True
    for name in unit.own.get("snapshots", []):
        copy = facts.named("snapshots")[name]
        around = {d for place in (copy.get("zone"), copy.get("region")) for d in facts.up.get(place, [])}
        if not around & lost:
            return True
    return False


def _evacuate(scene: Scene, rule: Raw, lost: frozenset[str]) -> Breaches:
    facts, key = scene.facts, joint(rule)
    gone = sites_lost(facts, lost)
    moved = displaced(scene, set(facts.selected(rule)), gone)
    if not moved:
        return []
    witness = scene.witnesses.get((key, lost), {})
    landed: dict[int, int] = {}
    for (index, site, _), count in witness.items():
        if site in gone:
            return [(facts.units[index].group, count)]
        landed[index] = landed.get(index, 0) + count
    found: Breaches = []
    for index, count in moved.items():
        unit = facts.units[index]
        back = landed.get(index, 0) if recoverable(facts, unit, key[0], lost) else 0
        found.append((unit.group, count - back))
    asked = displaced(scene, evacuated(scene, key), gone)
    found += [(facts.units[i].group, back - asked.get(i, 0)) for i, back in landed.items()]
    return found + broken_after(scene, key, gone, witness)


def after(scene: Scene, key: Joint, gone: frozenset[str], witness: Rows) -> Scene:
    """The placement once what is displaced has moved."""
    rows = remaining(scene.rows, gone)
    for place, count in witness.items():
        rows[place] = rows.get(place, 0) + count
    return Scene(
        scene.facts,
        rows,
        serves=scene.serves,
        subnet_zones=scene.subnet_zones,
        new_subnets=scene.new_subnets,
        without=scene.without,
        lost=gone,
        before=scene,
        on_offer=key[2],
    )


def broken_after(
    scene: Scene, key: Joint, gone: frozenset[str], witness: Rows, but: tuple[str, ...] = ()
) -> Breaches:
    """What is broken once what is displaced has moved; `but` leaves kinds of rules out."""
    from tests.brute.judging import active

    then = after(scene, key, gone, witness)
    groups = evacuated(scene, key)
    found: Breaches = []
    for kind, _, rule, check in active(then):
        if rule.get("soft") or kind in ("survive", "all_or_nothing", *but):
            continue
        excused = kind in HURT_BY_LOSS and not (kind == "affinity" and not rule.get("to"))
        excused = excused and not (kind == "latency" and rule.get("between"))
        for group, amount in check(then, rule):
            if not (excused and group is not None and group not in groups):
                found.append((group, amount))
    return found
