"""What is left after every loss, by trying every way of placing again what is displaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from tests.analyses.elements import BEFORE, hurt_by_loss, landings
from tests.brute import judging, survival
from tests.brute.facts import Facts
from tests.brute.scene import Joint, Scene

Raw = dict[str, Any]


@dataclass(frozen=True)
class Loss:
    """What a scenario does."""

    lost: frozenset[str]
    survived: bool
    displaced: int
    unrecoverable: int = 0
    unplaced: dict[int, int] = field(default_factory=dict)
    """By priority: recoverable instances that find no place."""
    standing: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Static, by group: how many remain, and how many are needed."""


def scenarios(facts: Facts, level: str, lose: int) -> Iterator[frozenset[str]]:
    """Every loss; of two levels joined by `+` a domain of each, not one inside the other."""
    if "+" in level:
        high, low = level.split("+")
        for one in facts.domains_at(high):
            for other in facts.domains_at(low):
                if one not in facts.up[other]:
                    yield frozenset((one, other))
        return
    for chosen in combinations(facts.domains_at(level), lose):
        yield frozenset(chosen)


def today(data: Raw) -> Scene:
    """The current placement."""
    facts = Facts(data)
    return Scene(facts, {(u.index, site, None): n for u in facts.units for site, n in u.current.items()})


def survive(data: Raw, level: str, lose: int, mode: str, *, on_offer: bool = False) -> list[Loss]:
    """Judge every loss of the current placement."""
    scene = today(data)
    found = scenarios(scene.facts, level, lose)
    if mode == "static":
        return [_static(scene, lost) for lost in found]
    return [_evacuate(scene, lost, on_offer) for lost in found]


def _static(scene: Scene, lost: frozenset[str]) -> Loss:
    gone = survival.sites_lost(scene.facts, lost)
    standing: dict[str, tuple[int, int]] = {}
    for group in scene.facts.groups:
        placed = scene.total(group)
        left = sum(n for site, n in scene.of_group[group].items() if site not in gone)
        if placed:
            standing[group] = left, survival.needed(scene.facts, {}, group, placed)
    displaced = sum(n for sites in scene.at for site, n in sites.items() if site in gone)
    survived = all(left >= needed for left, needed in standing.values())
    return Loss(lost, survived, displaced, standing=standing)


def _evacuate(scene: Scene, lost: frozenset[str], on_offer: bool) -> Loss:
    """As many as possible of the highest priority are placed again, then of the next."""
    facts = scene.facts
    gone = survival.sites_lost(facts, lost)
    moved = survival.displaced(scene, set(facts.groups), gone)
    back = {index: sum(_recoverable(scene, index, lost, gone)) for index in moved}
    back = {index: count for index, count in back.items() if count}
    whole = _best(scene, back, gone, on_offer, strict=True)
    unrecoverable = sum(moved.values()) - sum(back.values())
    if whole == back:
        return Loss(lost, not unrecoverable, sum(moved.values()), unrecoverable)
    best = _best(scene, back, gone, on_offer, strict=False)
    unplaced: dict[int, int] = {}
    for index, count in back.items():
        if count > best.get(index, 0):
            priority = facts.units[index].own.get("priority", 0)
            unplaced[priority] = unplaced.get(priority, 0) + count - best.get(index, 0)
    return Loss(lost, False, sum(moved.values()), unrecoverable, unplaced)


def _recoverable(scene: Scene, index: int, lost: frozenset[str], gone: frozenset[str]) -> Iterator[int]:
    """How many can start again, by lost site; a zone or region is gone with the last of its sites."""
    facts = scene.facts
    dead = {d for level in ("region", "zone") for d in facts.domains_at(level) if gone.issuperset(facts.inside(d))}
    for site, count in scene.at[index].items():
        level = "zone" if facts.zone(site) in dead else "host"
        if site in gone and survival.recoverable(facts, facts.units[index], level, lost | dead):
            yield count


def _best(
    scene: Scene, back: dict[int, int], gone: frozenset[str], on_offer: bool, *, strict: bool
) -> dict[int, int]:
    """How many of each unit are placed again at best.

    Where not `strict`, rules that a loss alone can break are not asked, so that nobody stays out for them.
    """
    facts = scene.facts
    key: Joint = ("zone", 1, on_offer, ())
    sites = [site for site in facts.sites if site not in gone]
    priorities = {i: facts.units[i].own.get("priority", 0) for i in back}
    best: tuple[tuple[int, ...], dict[int, int]] | None = None
    for landed in landings(back, sites):
        placed: dict[int, int] = {}
        for (index, _, _), count in landed.items():
            placed[index] = placed.get(index, 0) + count
        if strict and placed != back:
            continue
        worth = tuple(
            sum(n for i, n in placed.items() if priorities[i] == p)
            for p in sorted({*priorities.values()}, reverse=True)
        )
        if best is not None and worth <= best[0]:
            continue
        if not _broken(survival.after(scene, key, gone, landed), strict):
            best = worth, placed
    return best[1] if best is not None else {-1: 0}


def _broken(then: Scene, strict: bool) -> bool:
    """Whether what stands after an evacuation breaks a hard rule."""
    for kind, _, rule, check in judging.active(then):
        if rule.get("soft") or kind in (*BEFORE, "all_or_nothing"):
            continue
        if not strict and hurt_by_loss(kind, rule):
            continue
        if any(amount > 0 for _, amount in check(then, rule)):
            return True
    return False
