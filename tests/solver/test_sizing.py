"""The sizing core: against trying everything, and on fleets too large for that against what it promises."""

from __future__ import annotations

import copy
import threading
from dataclasses import replace

import numpy as np
import pytest

from tests.solver.sizing_cases import fleet, tiny
from tests.solver.sizing_oracle import broken, cheapest
from zonewright.models.problems import InputError
from zonewright.solver.deadline import Deadline
from zonewright.solver.sizing import exact
from zonewright.solver.sizing.size import size
from zonewright.solver.sizing.witness import IMPOSSIBLE, verify


@pytest.mark.parametrize("block", range(4))
def test_tiny_sizes_are_the_cheapest(block: int) -> None:
    """Cost equals that of trying every purchase and placement; what is claimed holds and is proven again."""
    for seed in range(block * 12, block * 12 + 12):
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


def test_prices_prove_no_more_than_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the search of everything at once: the bound is below the cheapest, the cost is not."""
    monkeypatch.setattr(exact, "small", lambda *_: False)
    for seed in range(300, 312):
        problem = tiny(seed)
        best = cheapest(problem, 6)
        sized = size(problem, Deadline(1.0), workers=1, seed=seed)
        if sized.status == "INFEASIBLE":
            assert best is None, seed
            assert verify(problem, sized.witness) == IMPOSSIBLE, seed
            continue
        assert verify(problem, sized.witness) == sized.bound, seed
        assert best is None or sized.bound <= best, seed
        if sized.status != "UNKNOWN":
            assert best is not None, seed
            assert sized.cost >= best, seed
            assert broken(problem, sized) == [], seed


@pytest.mark.parametrize(
    ("seed", "areas", "limits"), [(1, 3, False), (2, 2, False), (3, 4, False), (4, 1, False), (5, 3, True)]
)
def test_fleets_are_sized_within_their_rules(seed: int, areas: int, limits: bool) -> None:
    """Everybody fits, and fits again after every loss; the bound is proven again, the gap is a host or two."""
    problem = fleet(seed, areas=areas, limits=limits)
    sized = size(problem, Deadline(8.0), workers=2, seed=seed)
    assert sized.status in ("OPTIMAL", "FEASIBLE")
    assert broken(problem, sized) == []
    assert verify(problem, sized.witness) == sized.bound
    assert sized.cost - sized.bound <= 2 * int(problem.price_o.max())


def test_a_bound_that_was_raised_is_not_believed() -> None:
    """Neither a higher bound nor other prices pass."""
    problem = fleet(1)
    sized = size(problem, Deadline(8.0), workers=2, seed=1)
    assert sized.witness["kind"] == "cuts"
    assert sized.bound > 0
    higher = {**sized.witness, "bound": sized.bound + 1}
    assert verify(problem, higher) == 0
    lower = copy.deepcopy(sized.witness)
    lower.pop("tree", None)
    lower["cuts"] = [{**cut, "base": (np.array(cut["base"]) * 0).tolist()} for cut in lower["cuts"]]
    assert verify(problem, lower) == 0
    assert verify(problem, {"kind": "cuts", "bound": "many"}) == 0


def test_more_demand_never_costs_less() -> None:
    """A bound of a fleet that has to hold more is no lower."""
    problem = fleet(6)
    more = replace(problem, count_c=problem.count_c + 1)
    first, second = (size(p, Deadline(8.0), workers=2, seed=6) for p in (problem, more))
    assert first.bound <= second.cost
    assert broken(more, second) == []


def test_it_stops_when_asked() -> None:
    """A stop that is set before the start ends it at once; what is returned claims nothing it does not have."""
    stop = threading.Event()
    stop.set()
    sized = size(fleet(7), Deadline(60.0, stop=stop), workers=1, seed=7)
    assert sized.status == "UNKNOWN"
    assert sized.seconds < 5.0


def test_wrong_arrays_are_refused() -> None:
    """Arrays that do not fit together are named."""
    problem = fleet(8)
    with pytest.raises(InputError, match="price_o"):
        size(replace(problem, price_o=problem.price_o[1:]), Deadline(5.0))
    with pytest.raises(InputError, match="at_host_n"):
        size(replace(problem, at_host_n=problem.at_host_n + 1000), Deadline(5.0))
