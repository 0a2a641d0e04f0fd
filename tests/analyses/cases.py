"""One number, four tiny estates: reasons, losses, purchases and head-room, by the solver and by brute force."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.analyses import (
    duel_capacity,
    duel_clashes,
    duel_survival,
    puzzles,
    shopping,
    standing,
)
from tests.analyses.buying import Bought, cheapest
from tests.analyses.clashes import Reasons, reasons, size

Raw = dict[str, Any]

#: Of ten puzzles so many have two independent clashes, and so many one or none, whatever is drawn.
PAIRS, ANY = 6, 4


@dataclass
class Outcome:
    """What came of a question."""

    name: str
    what: str
    """`reasons`, `survive`, `capacity` or `head-room`."""
    shows: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


def puzzle(number: int) -> tuple[Raw, Reasons]:
    """An estate that mostly has no placement, and why."""
    rng = Random(f"puzzle-{number}")
    while True:
        data = puzzles.drawn(rng)
        evacuates = any(rule.get("mode") == "evacuate" for rule in data["rules"])
        if size(data) > (puzzles.MOST_EVACUATED if evacuates else puzzles.MOST_PLACEMENTS):
            continue
        found = reasons(data)
        if number % (PAIRS + ANY) >= PAIRS or found.pairs():
            return data, found


def purchase(number: int) -> tuple[Raw, Bought | None]:
    """An estate with offers, and the cheapest of them that suffice; mostly some are needed."""
    rng = Random(f"purchase-{number}")
    for _ in range(12):
        data = shopping.drawn(rng)
        best = cheapest(data)
        if number % 4 == 0 or (best is not None and best.cost):
            break
    return data, best


def _reasons(number: int) -> Iterator[Outcome]:
    data, found = puzzle(number)
    outcome = Outcome(f"puzzle {number}", "reasons")
    outcome.shows.append("feasible" if found.feasible else "infeasible")
    if found.pairs():
        outcome.shows.append("two independent clashes")
    outcome.wrong += duel_clashes.differences(data, found)
    yield outcome


def _survive(number: int) -> Iterator[Outcome]:
    data = standing.drawn(Random(f"standing-{number}"))
    for level, lose, mode, on_offer in duel_survival.questions(data):
        name = f"standing {number} {level} {lose} {mode}{' on offer' if on_offer else ''}"
        outcome = Outcome(name, "survive", [mode])
        outcome.wrong += duel_survival.differences(data, level, lose, mode, on_offer)
        yield outcome


def _capacity(number: int) -> Iterator[Outcome]:
    data, best = purchase(number)
    outcome = Outcome(f"purchase {number}", "capacity")
    outcome.shows.append("not enough on offer" if best is None else "something bought" if best.cost else "enough")
    outcome.wrong += duel_capacity.differences(data, best)
    yield outcome


def _head_room(number: int) -> Iterator[Outcome]:
    outcome = Outcome(f"roomy {number}", "head-room")
    outcome.wrong += duel_capacity.rooms(shopping.roomy(Random(f"roomy-{number}")))
    yield outcome


QUESTIONS: dict[str, Callable[[int], Iterator[Outcome]]] = {
    "reasons": _reasons,
    "survive": _survive,
    "capacity": _capacity,
    "head-room": _head_room,
}


def outcomes(what: str, number: int) -> list[Outcome]:
    """Ask a question; an error is an answer, too."""
    begun = time.perf_counter()
    found: list[Outcome] = []
    try:
        found.extend(QUESTIONS[what](number))
    except Exception as error:
        found.append(Outcome(f"{what} {number}", what, wrong=[f"{type(error).__name__}: {error}"]))
    found[-1].seconds = time.perf_counter() - begun
    return found
