"""Whether an order leads to a placement, with how few extra moves, how fast: by trying everything.

A mover goes directly; or, where it moves while it runs, over one third host of its zone (one extra move); or it
is stopped, moved and started where it may be (worse than any number of extra moves). Those who stay stay put.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.migrating.facts import Facts, Squad, Where
from tests.migrating.targets import Aim

BYPASS, STOP = 1, 1000


class Leg(NamedTuple):
    """One step: what it does, for how long, from where to where, and the number of its action."""

    do: str
    seconds: int
    source: str
    target: str
    action: int


class Way(NamedTuple):
    """One way of doing a move."""

    penalty: int
    legs: tuple[Leg, ...]


@dataclass(frozen=True)
class Mover:
    """One instance that is to get from one site to another."""

    squad: Squad
    kind: str
    source: str
    target: str
    ways: tuple[Way, ...]


class Spot(NamedTuple):
    """How far a mover is: its way (None: not begun), legs that are done, seconds left of the one under way."""

    way: int | None = None
    done: int = 0
    left: int = 0


class Found(NamedTuple):
    """The best order over all ways to pair sources and targets."""

    penalty: int
    makespan: int | None
    """None where it was not asked for."""


def best_order(facts: Facts, aim: Aim, *, timed: bool) -> Found | None:
    """Return the least penalty with the least time it takes; None where no order exists."""
    best: Found | None = None
    for movers in pairings(facts, aim):
        board = Board(facts, aim, movers)
        penalty = board.least_penalty()
        if penalty is None or (best is not None and penalty > best.penalty):
            continue
        makespan = board.least_makespan(penalty) if timed else None
        if best is None or (penalty, makespan or 0) < (best.penalty, best.makespan or 0):
            best = Found(penalty, makespan)
    return best


def pairings(facts: Facts, aim: Aim) -> Iterator[list[Mover]]:
    """Yield every way to say who of those that leave goes where."""
    per_squad = [list(_pairs(facts, squad, aim.at[squad.group])) for squad in facts.squads]
    for choice in itertools.product(*per_squad):
        yield [mover for movers in choice for mover in movers]


def _pairs(facts: Facts, squad: Squad, where: Where) -> Iterator[list[Mover]]:
    running = dict(squad.running)
    arriving = [s for s, n in where.items() for _ in range(n - running.get(s, 0))]
    leaving = [("move", s) for s, n in running.items() for _ in range(n - where.get(s, 0))]
    gone = [("recovery", s) for s, n in squad.displaced for _ in range(n)]
    moves = min(len(leaving), len(arriving))
    seen = set()
    for order in itertools.permutations([*leaving, *gone], len(arriving)):
        if order in seen or sum(kind == "move" for kind, _ in order) != moves:
            continue
        seen.add(order)
        going = [
            Mover(squad, kind, source, target, _ways(facts, squad, kind, source, target))
            for (kind, source), target in zip(order, arriving, strict=True)
        ]
        rest = list(leaving)
        for entry in order:
            if entry in rest:
                rest.remove(entry)
        # Who has no place is stopped; but nobody is who should leave and cannot.
        yield going + [
            Mover(squad, "stop", source, source, _ways(facts, squad, "stop", source, source))
            for _, source in rest
            if source not in facts.left
        ]


def seconds_of(facts: Facts, recipe: str) -> tuple[int, ...]:
    """Return how long the steps of one of the estate's own recipes take."""
    found = next(r for r in facts.estate["migration"]["recipes"] if r["id"] == recipe)
    return tuple(step.get("seconds", 0) for step in found["steps"])


def _ways(facts: Facts, squad: Squad, kind: str, source: str, target: str) -> tuple[Way, ...]:
    if kind == "recovery":
        lives = any(s not in facts.dead for s in facts.sites if facts.zone(s) == facts.zone(source))
        near = facts.zone(source) == facts.zone(target)
        recipe = "operator-restart" if near and lives and squad.live else "operator-rebuild"
        fence, start = seconds_of(facts, recipe if near else "own-anew")
        return (Way(0, (Leg("fence", fence, source, target, 0), Leg("start", start, source, target, 0))),)
    if kind == "stop":
        (seconds,) = seconds_of(facts, "stop-for-others")
        return (Way(0, (Leg("stop", seconds, source, source, 0),)),)
    found = []
    near = facts.zone(source) == facts.zone(target)
    if squad.live:
        found.append(Way(0, (Leg("live", squad.seconds, source, target, 0),)))
        for via in facts.sites:
            if via not in (source, target) and facts.may_pass(squad.group, source, via):
                first = Leg("live", squad.seconds, source, via, 0)
                found.append(Way(BYPASS, (first, Leg("live", squad.seconds, via, target, 1))))
    if squad.may_stop and near:
        stop, start = seconds_of(facts, "operator-stop-start")
        legs = (Leg("stop", stop, source, target, 0), Leg("start", start, source, target, 0))
        found.append(Way(STOP if found else 0, legs))
    return tuple(found)


class Board:
    """Movers on their ways, among those who stay."""

    def __init__(self, facts: Facts, aim: Aim, movers: list[Mover]) -> None:
        self.facts, self.movers = facts, movers
        self.staying: list[tuple[Squad, str, int]] = []
        for squad in facts.squads:
            going = [m.source for m in movers if m.squad is squad and m.kind != "recovery"]
            for site, n in squad.running:
                if n > going.count(site):
                    self.staying.append((squad, site, n - going.count(site)))
        self.settings = facts.estate.get("migration", {})
        self.begin = tuple(Spot() for _ in movers)
        self.continuous = [r for r in facts.rules if r.get("continuous") and r["rule"] != "domains"]
        self.keeping = [rule for rule in facts.estate.get("rules", []) if rule["rule"] == "keep_running"]
        self.at_first = self._excesses(self.begin)

    # Where they are.

    def _held(self, mover: Mover, spot: Spot) -> set[str]:
        """Return the sites in which a mover takes room."""
        if spot.way is None:
            return set() if mover.kind == "recovery" else {mover.source}
        legs = mover.ways[spot.way].legs
        here = set() if mover.kind == "recovery" else {mover.source}
        for leg in legs[: spot.done]:
            here = {"live": {leg.target}, "start": {leg.target}, "stop": set(), "fence": set()}[leg.do]
        if spot.left:
            leg = legs[spot.done]
            here = here | {leg.target} if leg.do in ("live", "start") else here
        return here

    def _down(self, mover: Mover, spot: Spot) -> bool:
        """Return whether a mover that served at the start is away."""
        if mover.kind == "recovery" or spot.way is None or mover.ways[spot.way].legs[0].do != "stop":
            return False
        return spot.done < 2

    def _under_way(self, mover: Mover, spot: Spot) -> Leg | None:
        """Return the leg of a move or recovery that is under way, waits between its steps included."""
        if spot.way is None or mover.kind == "stop":
            return None
        legs = mover.ways[spot.way].legs
        if spot.done == len(legs):
            return None
        leg = legs[spot.done]
        begun = spot.left or (spot.done and legs[spot.done - 1].action == leg.action)
        return leg if begun else None

    # What has to hold.

    def _used(self, spots: tuple[Spot, ...], domain: str, what: str) -> int:
        above, share = self.facts.above, self.facts.share
        used = sum(n * share(squad, what) for squad, site, n in self.staying if domain in above[site])
        for mover, spot in zip(self.movers, spots, strict=True):
            if any(domain in above[site] for site in self._held(mover, spot)):
                used += share(mover.squad, what)
        return used

    def _excesses(self, spots: tuple[Spot, ...]) -> dict[tuple[int, str, str], int]:
        """Return by how much continuous rules are broken, both ends counted."""
        at: dict[str, dict[tuple[str, str], int]] = {s.group: {} for s in self.facts.squads}
        level, inside = self.facts.level, self.facts.above
        for squad, site, n in self.staying:
            for domain in inside[site]:
                key = (level[domain], domain)
                at[squad.group][key] = at[squad.group].get(key, 0) + n
        for mover, spot in zip(self.movers, spots, strict=True):
            for domain in {d for site in self._held(mover, spot) for d in inside[site]}:
                key = (level[domain], domain)
                at[mover.squad.group][key] = at[mover.squad.group].get(key, 0) + 1
        found: dict[tuple[int, str, str], int] = {}
        for number, rule in enumerate(self.continuous):
            groups = self.facts.selected(rule)
            for group in groups:
                for (lv, domain), n in at[group].items():
                    if rule["rule"] == "anti_affinity" and lv == rule["level"]:
                        found[number, group, domain] = max(0, n - rule["at_most"])
                    elif rule["rule"] == "separation" and lv == rule["level"]:
                        others = sum(1 for g in groups if g != group and at[g].get((lv, domain)))
                        found[number, group, domain] = others
        return found

    def _may_start(self, spots: tuple[Spot, ...], i: int, then: tuple[Spot, ...]) -> bool:
        mover, facts = self.movers[i], self.facts
        before, after = self._held(mover, spots[i]), self._held(mover, then[i])
        new = {d for s in after for d in facts.above[s]} - {d for s in before for d in facts.above[s]}
        for domain, what, most in facts.limits:
            if domain in new and facts.share(mover.squad, what) and self._used(then, domain, what) > most:
                return False
        if new and self.continuous:
            for key, amount in self._excesses(then).items():
                if amount > self.at_first.get(key, 0):
                    return False
        return self._enough_serve(then) and self._few_enough(then)

    def _enough_serve(self, spots: tuple[Spot, ...]) -> bool:
        for rule in self.keeping:
            for group in self.facts.selected(rule):
                squad = next(s for s in self.facts.squads if s.group == group)
                served = sum(n for _, n in squad.running)
                asked = rule["least"] if "least" in rule else served - rule["most_down"]
                down = sum(
                    self._down(m, spot)
                    for m, spot in zip(self.movers, spots, strict=True)
                    if m.squad.group == group
                )
                if served - down < min(served, asked):
                    return False
        return True

    def _few_enough(self, spots: tuple[Spot, ...]) -> bool:
        going = [
            (mover, leg)
            for mover, spot in zip(self.movers, spots, strict=True)
            if (leg := self._under_way(mover, spot)) is not None
        ]
        if len(going) > self.settings.get("most_at_once", len(going)):
            return False
        for level, most in self.settings.get("most_at_once_per", {}).items():
            counts: dict[str | None, int] = {}
            for mover, leg in going:
                ends = [leg.target] if mover.kind == "recovery" else [leg.source, leg.target]
                for domain in {self.facts.at(site, level) for site in ends}:
                    counts[domain] = counts.get(domain, 0) + 1
            if any(n > most for domain, n in counts.items() if domain is not None):
                return False
        return True

    # The search.

    def _starts(self, spots: tuple[Spot, ...], i: int, ways: tuple[int, ...] | None) -> Iterator[tuple[Spot, ...]]:
        """Yield what comes of starting a mover's next leg, in a given way or any."""
        mover, spot = self.movers[i], spots[i]
        if spot.left:
            return
        if spot.way is None:
            choice = range(len(mover.ways)) if ways is None else (ways[i],)
        else:
            choice = (spot.way,)
        for way in choice:
            if spot.done < len(mover.ways[way].legs):
                begun = Spot(way, spot.done, mover.ways[way].legs[spot.done].seconds)
                then = (*spots[:i], begun, *spots[i + 1 :])
                if self._may_start(spots, i, then):
                    yield then

    def _over(self, spots: tuple[Spot, ...]) -> bool:
        return all(
            spot.way is not None and spot.done == len(mover.ways[spot.way].legs)
            for mover, spot in zip(self.movers, spots, strict=True)
        )

    def least_penalty(self) -> int | None:
        """Return the least penalty of any order, one leg at a time; None where there is none."""
        heap: list[tuple[int, int, tuple[Spot, ...]]] = [(0, 0, self.begin)]
        best = {self.begin: 0}
        number = 0
        while heap:
            penalty, _, spots = heapq.heappop(heap)
            if self._over(spots):
                return penalty
            if best[spots] < penalty:
                continue
            for i, mover in enumerate(self.movers):
                for begun in self._starts(spots, i, None):
                    way = begun[i].way
                    assert way is not None
                    more = mover.ways[way].penalty if spots[i].way is None else 0
                    then = (*begun[:i], Spot(way, begun[i].done + 1), *begun[i + 1 :])
                    if penalty + more < best.get(then, 10**9):
                        best[then] = penalty + more
                        number += 1
                        heapq.heappush(heap, (penalty + more, number, then))
        return None

    def least_makespan(self, penalty: int) -> int:
        """Return the least time of any order with this penalty."""
        choices = itertools.product(*(range(len(m.ways)) for m in self.movers))
        best: int | None = None
        for ways in choices:
            if sum(m.ways[w].penalty for m, w in zip(self.movers, ways, strict=True)) == penalty:
                found = self._fastest(ways, best)
                best = found if best is None or (found is not None and found < best) else best
        assert best is not None
        return best

    def _fastest(self, ways: tuple[int, ...], below: int | None) -> int | None:
        """Return the least time with chosen ways. Nothing gains by starting but when something else ends."""
        heap = [(0, 0, 0, self.begin)]
        seen: set[tuple[int, tuple[Spot, ...]]] = set()
        number = 0
        while heap:
            now, _, first, spots = heapq.heappop(heap)
            if below is not None and now >= below:
                return None
            if self._over(spots):
                return now
            if (first, spots) in seen:
                continue
            seen.add((first, spots))
            for i in range(first, len(self.movers)):
                for then in self._starts(spots, i, ways):
                    number += 1
                    heapq.heappush(heap, (now, number, i + 1, then))
            running = [spot.left for spot in spots if spot.left]
            if running:
                step = min(running)
                then = tuple(self._later(spot, step) for spot in spots)
                number += 1
                heapq.heappush(heap, (now + step, number, 0, then))
        return None

    @staticmethod
    def _later(spot: Spot, seconds: int) -> Spot:
        if not spot.left:
            return spot
        if spot.left == seconds:
            return Spot(spot.way, spot.done + 1)
        return Spot(spot.way, spot.done, spot.left - seconds)
