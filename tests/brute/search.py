"""Every placement of a tiny estate, and the best of those that break nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from random import Random
from typing import Any

from tests.brute import counts, judging, witness
from tests.brute.facts import Facts, Unit
from tests.brute.reach import may_enter, may_stay
from tests.brute.scene import Rows, Scene
from tests.brute.tolerance import intolerable

Raw = dict[str, Any]
Values = list[tuple[str, int]]

#: Judged once instances are in subnets and balancers in zones.
LATER = ("subnet", "load_balancer", "survive")


@dataclass(frozen=True)
class Answer:
    """What the brute force found."""

    feasible: bool
    values: Values | None
    """Goal by goal the best there is."""
    scene: Scene | None
    """A placement that is worth it."""


def solve(
    data: Raw,
    *,
    partial: bool = False,
    without: frozenset[str] = frozenset(),
    keep: Callable[[Scene], bool] | None = None,
) -> Answer:
    """Try everything, or only the placements to keep. `without` are labels of rules that are taken as absent."""
    facts = Facts(data)
    found: list[tuple[tuple[int, ...], int, Scene]] = []
    for rows in placements(facts, partial, without):
        scene = Scene(facts, rows, without=without)
        if (keep is None or keep(scene)) and not _broken_early(scene):
            key = tuple(value for _, value in judging.values(scene))
            found.append((key, len(found), scene))
    for _, _, scene in sorted(found, key=lambda entry: entry[:2]):
        complete = witness.complete(scene)
        if complete is not None:
            return Answer(True, judging.values(scene), complete)
    return Answer(False, None, None)


def some_valid(
    data: Raw, rng: Random, most: int, *, partial: bool = False, tries: int = 60
) -> Iterator[tuple[Scene, Values]]:
    """Yield random placements that break nothing, with what they are worth."""
    facts = Facts(data)
    everything = list(placements(facts, partial, frozenset()))
    found = 0
    for rows in rng.sample(everything, min(tries, len(everything))):
        scene = Scene(facts, rows)
        whole = None if _broken_early(scene) else witness.complete(scene)
        if whole is not None:
            yield whole, judging.values(whole)
            found += 1
        if found == most:
            return


def binds(data: Raw, label: str, answer: Answer, *, partial: bool = False) -> bool:
    """Whether dropping a rule changes what is best, or makes the impossible possible."""
    return solve(data, partial=partial, without=frozenset([label])).values != answer.values


def binding(data: Raw, answer: Answer, *, partial: bool = False) -> set[str]:
    """The rules that bind."""
    return {n for _, n, _ in judging.labels(Facts(data)) if binds(data, n, answer, partial=partial)}


def size(data: Raw, *, partial: bool = False) -> int:
    """How many placements there are to try."""
    facts = Facts(data)
    return prod(sum(1 for _ in options(facts, unit, partial, frozenset())) for unit in facts.units)


def placements(facts: Facts, partial: bool, without: frozenset[str]) -> Iterator[Rows]:
    choices = [list(options(facts, unit, partial, without)) for unit in facts.units]
    for choice in product(*choices):
        rows: Rows = {}
        for unit, sites in zip(facts.units, choice, strict=True):
            for site, count in sites:
                rows[unit.index, site, None] = count
        yield rows


def options(
    facts: Facts, unit: Unit, partial: bool, without: frozenset[str]
) -> Iterator[tuple[tuple[str, int], ...]]:
    """Ways to put a unit's instances where the hard rules of reach let them."""
    most: dict[str, int] = {}
    # Who is where a tolerated rule forbids may stay; how many of them is judged with the whole placement.
    tolerated = without | {entry["rule"] for entry in facts.data.get("tolerated", [])}
    for site in facts.sites:
        if may_enter(facts, unit, site, without):
            most[site] = unit.count
        elif unit.current.get(site) and may_stay(facts, unit, site, tolerated):
            most[site] = unit.current[site]
    for total in range(0 if partial else unit.count, unit.count + 1):
        for choice in splits(total, list(most.items())):
            rows: Rows = {(unit.index, site, None): n for site, n in choice}
            stuck = unit.own.get("pinned") and "pinned" not in without
            if not stuck or counts.moved_away(Scene(facts, rows), unit) <= 0:
                yield choice


def splits(total: int, most: list[tuple[str, int]]) -> Iterator[tuple[tuple[str, int], ...]]:
    """Ways to deal a number over sites with a limit each."""
    if not most:
        if total == 0:
            yield ()
        return
    (site, limit), rest = most[0], most[1:]
    for count in range(min(total, limit), -1, -1):
        for other in splits(total - count, rest):
            yield ((site, count), *other) if count else other


def _broken_early(scene: Scene) -> bool:
    """Whether a hard rule is broken, whatever subnets, balancers and witnesses are chosen."""
    for kind, label, rule, check in judging.active(scene):
        early = kind not in LATER or rule.get("mode") == "static" or (kind == "survive" and "mode" not in rule)
        if early and not rule.get("soft") and check(scene, rule) and intolerable(scene, kind, label, rule):
            return True
    return False
