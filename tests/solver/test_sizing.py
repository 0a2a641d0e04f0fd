"""The sizing core against trying everything."""

from __future__ import annotations

import pytest

from tests.solver.sizing_cases import tiny
from tests.solver.sizing_oracle import broken, cheapest
from zonewright.solver.deadline import Deadline
from zonewright.solver.sizing.size import size
from zonewright.solver.sizing.witness import IMPOSSIBLE, verify


@pytest.mark.parametrize("block", range(8))
def test_tiny_sizes_are_the_cheapest(block: int) -> None:
    """Cost equals that of trying every purchase and placement; what is claimed holds and is proven again."""
    for seed in range(block * 10, block * 10 + 10):
        problem = tiny(seed)
        best = cheapest(problem, 6)
        sized = size(problem, Deadline(20.0), workers=1, seed=seed)
        if best is None:
            assert sized.status == "INFEASIBLE", seed
            assert verify(problem, sized.witness) == IMPOSSIBLE, seed
            continue
        assert (sized.status, sized.cost) == ("OPTIMAL", best), seed
        assert broken(problem, sized) == [], seed
        assert verify(problem, sized.witness) == best, seed
