"""A plan to begin from: taken where it is valid, left where it is not, never made worse."""

from __future__ import annotations

import pytest

from tests.solver.estates import group, world_of
from zonewright.models import InputError, Plan, World
from zonewright.models.plan import Placement
from zonewright.solver import place
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import satisfies
from zonewright.solver.program import lower
from zonewright.solver.warm import warm_start


def world() -> World:
    """Four in two zones of three; the first is cheaper."""
    prices = {"z1": 5, "z2": 7}
    return world_of(
        zones=[
            {"id": z, "in": "r1", "capacity": {"cpu_milli": 3000}, "price": {"cpu_cores": p}}
            for z, p in prices.items()
        ],
        groups=[group("g", 4, demand={"cpu_milli": 1000})],
        rules=[{"rule": "survive", "mode": "static", "level": "zone", "keep": 1}],
    )


def plan(tiny: World, **counts: int) -> Plan:
    lines = [Placement(group="g", site=site, count=n) for site, n in counts.items()]
    return Plan(
        plan="tiny", estate_fingerprint=tiny.estate.fingerprint, status="FEASIBLE", placements=lines
    )  # fmt: skip


@pytest.mark.parametrize(("counts", "valid"), [((2, 2), True), ((1, 3), True), ((3, 1), True), ((0, 4), False)])
def test_a_valid_plan_becomes_a_whole_solution(counts: tuple[int, int], valid: bool) -> None:
    """Counts that respect the rules are completed to a solution of all rows; four in a zone of three are not."""
    tiny = world()
    hint = plan(tiny, **{z: n for z, n in zip(("z1", "z2"), counts, strict=True) if n})
    program = lower(tiny)
    x_j = warm_start(program, hint, Deadline(10.0))
    assert (x_j is not None) == valid
    if x_j is not None:
        assert satisfies(program.matrix, x_j)
        (cells,) = program.context.base.cells
        assert tuple(int(x_j[j]) for j in cells.values()) == counts


def test_a_poor_hint_does_no_harm_and_an_invalid_one_neither() -> None:
    """From a dear plan, an impossible one or none at all: the same optimum, three at 5 and one at 7."""
    tiny = world()
    for hint in (None, plan(tiny, z1=1, z2=3), plan(tiny, z2=4)):
        result = place(tiny, workers=1, hint=hint)
        assert result.status == "OPTIMAL"
        assert result.objective[-1].value == (3 * 5 + 7) * 10_000


def test_a_hint_for_another_estate_is_refused_by_name() -> None:
    """A site that the estate does not have."""
    tiny = world()
    with pytest.raises(InputError, match="z9"):
        place(tiny, workers=1, hint=plan(tiny, z9=4))
