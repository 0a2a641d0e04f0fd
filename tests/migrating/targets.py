"""Every placement after an event, best first: losses, what the event is for, moves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from tests.migrating.facts import Facts, Raw, Squad, Where


@dataclass(frozen=True)
class Aim:
    """A placement that respects everything."""

    at: dict[str, Where]
    out: tuple[int, ...]
    """Stopped, then missing by priority, highest first."""
    urgent: int
    """By how much rules that are to be mended stay broken."""
    left: int
    """Running instances that are no longer where they were; those that have no place at all included."""
    moves: int
    """Running instances that run elsewhere."""

    @property
    def key(self) -> tuple[tuple[int, ...], int, int]:
        """What is minimized, first things first."""
        return self.out, self.urgent, self.left


def aims(facts: Facts) -> list[Aim]:
    """Return every placement worth ordering, best first: those that lose least, by wishes and moves.

    Where the rules on shares cost instances their place in what an event left, they are given up, and only
    then: the placements that keep them come first.
    """
    strict = _all(facts, lenient=False)
    best = min((aim.out for aim in strict), default=None)
    found = strict
    wounded = bool(facts.dead or facts.left)
    if best is None or (any(best) and wounded):
        lenient = _all(facts, lenient=True) if wounded else []
        if lenient:
            least = min(aim.out for aim in lenient)
            if best is None or least < best:
                best, found = least, lenient
            elif least == best:
                found = sorted((a for a in strict if a.out == best), key=lambda aim: aim.key)
                seen = [aim.at for aim in found]
                more = (a for a in lenient if a.out == best and a.at not in seen)
                return [*found, *sorted(more, key=lambda aim: aim.key)]
    elif wounded:
        # Nobody has to be given up; where no order leads there, giving up shares may still help.
        found = [a for a in strict if a.out == best]
        seen = [aim.at for aim in found]
        more = (a for a in _all(facts, lenient=True) if a.out == best and a.at not in seen)
        return [*sorted(found, key=lambda a: a.key), *sorted(more, key=lambda a: a.key)]
    if best is None or (facts.event.get("strictly") and any(best)):
        return []
    return sorted((aim for aim in found if aim.out == best), key=lambda aim: aim.key)


def _all(facts: Facts, *, lenient: bool) -> list[Aim]:
    judge = Judge(facts, lenient=lenient)
    found: list[Aim] = []
    ways = [list(_ways(facts, squad)) for squad in facts.squads]
    for choice in itertools.product(*ways):
        at = {squad.group: where for squad, where in zip(facts.squads, choice, strict=True)}
        urgent = judge.unmended(at)
        if urgent is not None:
            found.append(aim_of(facts, at, urgent))
    return found


class Judge:
    """What an event allows a placement to break."""

    def __init__(self, facts: Facts, *, lenient: bool) -> None:
        self.facts = facts
        self.rules = [(name, r) for name, r in facts.labelled if not (lenient and r["rule"] == "spread")]
        today = facts.broken({s.group: dict(s.running) for s in facts.squads}, self.rules)
        mend, strictly = bool(facts.event.get("mend")), bool(facts.event.get("strictly"))
        self.wishes = {key[0] for key in today if key[0] != "capacity"} if mend and not strictly else set()
        self.tolerated = {} if mend else _tolerated(facts, today, dict(self.rules))

    def unmended(self, at: dict[str, Where]) -> int | None:
        """Return by how much rules stay broken that were to be mended; None where others are broken."""
        urgent = 0
        for key, amount in self.facts.broken(at, self.rules).items():
            if key[0] in self.wishes:
                urgent += amount
            elif amount > self.tolerated.get(key, 0):
                return None
        return urgent


def _tolerated(
    facts: Facts, today: dict[tuple[str | None, ...], int], rules: dict[str, Raw]
) -> dict[tuple[str | None, ...], int]:
    """Return what may stay broken: all that is, but the shares of groups that are to be put elsewhere."""
    touched = {s.group for s in facts.squads if s.displaced or any(site in facts.left for site, _ in s.running)}
    return {
        key: amount
        for key, amount in today.items()
        if key[0] == "capacity" or key[1] not in touched or rules[str(key[0])]["rule"] != "spread"
    }


def _ways(facts: Facts, squad: Squad) -> Iterator[Where]:
    """Yield every way to place some of a group's instances where somebody may be."""
    open_to = [site for site in facts.sites if site not in facts.dead and site not in facts.left]
    running = dict(squad.running)
    free = squad.count - sum(running.values())
    for counts in itertools.product(range(squad.count + 1), repeat=len(open_to)):
        if sum(counts) > squad.count:
            continue
        where = {site: n for site, n in zip(open_to, counts, strict=True) if n}
        away = sum(max(0, n - running.get(site, 0)) for site, n in where.items())
        if squad.pinned and running and away > free:
            continue
        yield where


def aim_of(facts: Facts, at: dict[str, Where], urgent: int) -> Aim:
    """Return a placement with its values."""
    stopped = left = moves = 0
    missing: dict[int, int] = {}
    for squad in facts.squads:
        where, running = at[squad.group], dict(squad.running)
        placed, ran = sum(where.values()), sum(running.values())
        held = sum(n for site, n in running.items() if site not in facts.left)
        stopped += 0 if squad.preemptible else max(0, held - placed)
        missing[squad.priority] = missing.get(squad.priority, 0) + squad.count - placed
        gone = sum(max(0, n - where.get(site, 0)) for site, n in running.items())
        left += gone
        moves += max(0, gone - max(0, ran - placed))
    out = [stopped, *(missing[priority] for priority in sorted(missing, reverse=True))]
    return Aim(at, tuple(out), urgent, left, moves)
