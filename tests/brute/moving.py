"""Rules that speak of migrations, as far as a placement can break them."""

from __future__ import annotations

from typing import Any

from tests.brute.scene import Scene

Raw = dict[str, Any]
Breaches = list[tuple[str | None, int]]


def keep_running(scene: Scene, rule: Raw) -> Breaches:
    """Never broken by a placement."""
    return []


def move_limit(scene: Scene, rule: Raw) -> Breaches:
    """Instances that have a place today, and are not there any more."""
    if scene.before is not None:
        return []
    gone = 0
    for unit in scene.facts.units:
        for site, count in unit.current.items():
            gone += max(0, count - scene.at[unit.index].get(site, 0))
    return [(None, gone - rule["most"])] if gone > rule["most"] else []


def avoid(scene: Scene, rule: Raw) -> Breaches:
    """1 where every one of them is true."""
    if scene.before is not None:
        return []
    for held in rule["together"]:
        there = sum(scene.of_group[held["group"]].get(site, 0) for site in scene.facts.inside(held["domain"]))
        if held.get("outside"):
            there = scene.facts.groups[held["group"]]["count"] - there
        if there < held.get("count", 1):
            return []
    return [(rule["together"][0]["group"], 1)]
