"""What the solver says of the losses of a tiny estate beside what trying everything says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from tests.analyses.surviving import Loss, survive
from tests.brute.facts import Facts
from zonewright.models import estate_from_data
from zonewright.solver.survival.result import ScenarioOutcome
from zonewright.solver.survival.survey import survive as surveyed

Raw = dict[str, Any]
Mode = Literal["static", "evacuate"]
LIMIT_S = 60.0


def questions(data: Raw) -> Iterator[tuple[str, int, Mode, bool]]:
    """Every (level, number, mode, whether stock on offer counts) that can be asked of an estate."""
    levels = [("zone", 1), ("zone", 2)]
    if data.get("hosts"):
        levels += [("host", 1), ("host", 2), ("zone+host", 1)]
    offered = any(isinstance(v, dict) for d in data.get("hosts", data["zones"]) for v in d["capacity"].values())
    for level, lose in levels:
        yield level, lose, "static", False
        yield level, lose, "evacuate", False
        if offered:
            yield level, lose, "evacuate", True


def differences(data: Raw, level: str, lose: int, mode: Mode, on_offer: bool) -> Iterator[str]:
    """In what the solver differs from the brute force."""
    expected = {loss.lost: loss for loss in survive(data, level, lose, mode, on_offer=on_offer)}
    found = surveyed(
        estate_from_data(data),
        level=level,
        lose=lose,
        mode=mode,
        on_offer=on_offer,
        recovery=False,
        time_limit_s=LIMIT_S,
        workers=1,
    )
    if found.existing != len(expected) or found.checked != len(expected):
        yield f"{found.checked} of {found.existing} scenarios are checked, there are {len(expected)}"
        return
    if found.survived != all(loss.survived for loss in expected.values()):
        yield f"survived: {found.survived}"
    for outcome in found.scenarios:
        for text in _of_scenario(data, outcome, expected[frozenset(outcome.lost)], mode):
            yield f"{outcome.name} lost: {text}"


def _of_scenario(data: Raw, outcome: ScenarioOutcome, loss: Loss, mode: Mode) -> Iterator[str]:
    if outcome.verdict == "open":
        yield f"open ({outcome.how})"
        return
    if outcome.survived != loss.survived:
        yield f"{outcome.verdict} ({outcome.how}), it is {'survived' if loss.survived else 'not survived'}"
    if outcome.displaced != loss.displaced:
        yield f"{outcome.displaced} displaced, it is {loss.displaced}"
    if mode == "static":
        yield from _static(data, outcome, loss)
        return
    said = (outcome.unrecoverable, {p: n for p, n in outcome.unplaced.items() if n}, outcome.recovered)
    back = loss.displaced - loss.unrecoverable - sum(loss.unplaced.values())
    if said != (loss.unrecoverable, loss.unplaced, back):
        yield f"(unrecoverable, unplaced, recovered) {said}, it is {(loss.unrecoverable, loss.unplaced, back)}"


def _static(data: Raw, outcome: ScenarioOutcome, loss: Loss) -> Iterator[str]:
    names = set(Facts(data).groups)
    hit = {group.group for group in outcome.groups}
    for group in outcome.groups:
        if group.group not in names:
            yield f"unknown group {group.group}"
        elif (group.remaining, group.needed) != loss.standing[group.group]:
            yield f"{group.group}: {(group.remaining, group.needed)}, it is {loss.standing[group.group]}"
    failing = {name for name, (left, needed) in loss.standing.items() if left < needed and name in hit}
    said = {group.group for group in outcome.groups if group.short}
    if said != failing:
        yield f"short: {sorted(said)}, it is {sorted(failing)}"
