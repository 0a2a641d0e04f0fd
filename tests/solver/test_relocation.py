"""The relocation core against brute force, against a judge of its own, and on evacuations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.solver import relocation_oracle as oracle
from tests.solver.relocation_cases import DATA, evacuation, small
from zonewright.solver.deadline import Deadline
from zonewright.solver.relocation import relocate, verify, warm_up


@pytest.mark.parametrize("start", range(0, 120, 20))
def test_as_good_as_brute_force_and_every_bound_verified(start: int) -> None:
    for seed in range(start, start + 20):
        problem = small(seed)
        answer = relocate(problem, Deadline(20.0), 1, 0)
        oracle.assert_sound(problem, answer)
        assert answer.values == oracle.best_values(problem), seed
        assert answer.status == "OPTIMAL", seed
        assert verify(problem, answer.witness) == answer.bounds, seed


@pytest.mark.parametrize("path", sorted((DATA / "evacuation").glob("*.json.gz")), ids=lambda path: path.name[:12])
def test_nobody_is_left_behind_and_no_survivor_moves(path: Path) -> None:
    problem = evacuation(path)
    answer = relocate(problem, Deadline(20.0), 1, 0)
    oracle.assert_sound(problem, answer)
    closed_n = ~problem.stay_mh[problem.mask_c[problem.at_class_n], problem.at_host_n]
    assert answer.values == (0, 0, int(problem.at_count_n[closed_n].sum()))
    assert verify(problem, answer.witness) == answer.bounds == answer.values


EXTRA = {"425x60": 22, "1224x180": 75, "3095x450": 186, "6452x900": 374}


@pytest.mark.parametrize("name", EXTRA)
def test_survivors_that_must_make_room_are_as_few_as_proven(name: str) -> None:
    path = DATA / "evacuation-hard" / f"{name}.json.gz"
    if not path.is_file():
        pytest.skip("the shared data is not there")
    problem = evacuation(path)
    answer = relocate(problem, Deadline(60.0), 1, 0)
    oracle.assert_sound(problem, answer)
    closed_n = ~problem.stay_mh[problem.mask_c[problem.at_class_n], problem.at_host_n]
    lost = int(problem.at_count_n[closed_n].sum())
    assert answer.values == (0, 0, lost + EXTRA[name])
    assert verify(problem, answer.witness) == answer.bounds == answer.values


def test_kernels_can_be_compiled_beforehand() -> None:
    warm_up()
    answer = relocate(small(3), Deadline(20.0), 1, 0)
    oracle.assert_sound(small(3), answer)
