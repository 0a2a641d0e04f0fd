"""How many more of a group fit, and what the cheapest purchases are that make room, by trying everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from math import comb, prod
from typing import Any

from tests.analyses.elements import landings
from tests.brute import judging, witness
from tests.brute.facts import Facts
from tests.brute.reach import may_enter
from tests.brute.scene import Rows, Scene
from tests.brute.tolerance import intolerable

Raw = dict[str, Any]


def grown(data: Raw, more: dict[str, int]) -> Raw:
    """The estate with more of some groups, everybody else as before."""
    groups = [{**group, "count": group["count"] + more.get(group["id"], 0)} for group in data["groups"]]
    return {**data, "groups": groups}


def fits(data: Raw, *, guaranteed: bool = True) -> Scene | None:
    """A placement of everybody in which those who run stay where they are, None where there is none.

    Without `guaranteed` nothing has to survive any loss.
    """
    facts = Facts(data)
    without = frozenset() if guaranteed else frozenset(n for n, r in facts.rules if r["rule"] == "survive")
    for rows in _additions(facts):
        scene = Scene(facts, rows, without=without)
        if _broken(scene):
            continue
        whole = witness.complete(scene)
        if whole is not None:
            return replace(whole)
    return None


def effort(data: Raw) -> int:
    """How many placements `fits` may have to try; each way out of a loss counts, too."""
    facts = Facts(data)
    sites = len(facts.sites)
    found = 1
    for unit in facts.units:
        missing = unit.count - sum(unit.current.values())
        found *= comb(missing + sites - 1, missing)
    evacuates = any(rule.get("mode") == "evacuate" for rule in data["rules"])
    return found * prod(unit.count + 1 for unit in facts.units) if evacuates else found


def _additions(facts: Facts) -> Iterator[Rows]:
    """Ways to put those who run nowhere anywhere, with everybody else where he is."""
    base: Rows = {(u.index, site, None): n for u in facts.units for site, n in u.current.items()}
    choices = []
    for unit in facts.units:
        missing = unit.count - sum(unit.current.values())
        sites = [s for s in facts.sites if may_enter(facts, unit, s, frozenset())]
        choices.append([w for w in landings({unit.index: missing}, sites) if sum(w.values()) == missing])
    for choice in product(*choices):
        rows = dict(base)
        for part in choice:
            for cell, count in part.items():
                rows[cell] = rows.get(cell, 0) + count
        yield rows


def _broken(scene: Scene) -> bool:
    """Whether a hard rule is broken, whatever the ways out of a loss are."""
    for kind, label, rule, check in judging.active(scene):
        if rule.get("soft") or kind in ("subnet", "load_balancer") or rule.get("mode") == "evacuate":
            continue
        if check(scene, rule) and intolerable(scene, kind, label, rule):
            return True
    return False


def head_room(data: Raw, group: str, *, guaranteed: bool, most: int = 12) -> int:
    """How many more of a group fit; `most` if there are as many or more."""
    found = 0
    for more in range(1, most + 1):
        if fits(grown(data, {group: more}), guaranteed=guaranteed) is not None:
            found = more
    return found
