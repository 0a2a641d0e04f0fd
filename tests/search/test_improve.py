"""Which engine improves next, and that all of them leave a valid placement behind."""

from __future__ import annotations

import numpy as np
import pytest

from tests.search.test_race import worker_on
from zonewright.solver.search.engines.clock import Span
from zonewright.solver.search.engines.cooling import straight
from zonewright.solver.search.engines.first import first
from zonewright.solver.search.engines.heat import measure
from zonewright.solver.search.engines.improve import REHEATS, Gained, Improver
from zonewright.solver.search.oracle import judge_board


def improver_on(seed: int, *, main: float = 0.2, relaxed: bool = False) -> Improver:
    worker, today_i = worker_on(seed)
    first(worker, today_i)
    heats = measure(worker)
    ladder = straight(float(heats.hot_k[1]), float(heats.cold_k[1]))
    return Improver(worker, heats, 1, ladder, main, {}, relaxed=relaxed)


def test_each_engine_is_tried_once_and_then_the_one_that_gained_most_per_second() -> None:
    improver = improver_on(0)
    tried = [improver.choose(1e9) for _ in improver.engines]
    assert [engine.name for engine in tried] == [engine.name for engine in improver.engines]
    best = improver.engines[3].name
    improver.gains[best].rate = 5.0
    chosen = [improver.choose(1e9).name for _ in range(300)]
    assert chosen.count(best) > 230
    assert len(set(chosen)) > 3


def test_an_engine_that_takes_too_long_is_not_begun() -> None:
    improver = improver_on(0, main=1000.0)
    names = {improver.choose(1.0).name for _ in range(100)}
    assert names
    assert not any(name.startswith("reheating") for name in names)


def test_long_engines_are_tried_at_random_more_rarely() -> None:
    improver = improver_on(0)
    for engine in improver.engines:
        improver.gains[engine.name] = Gained(0.0, 100.0 if engine.name == "noise" else 0.1)
    first_name = improver.engines[0].name
    chosen = [improver.choose(1e9).name for _ in range(2000)]
    assert chosen.count("noise") < 5 < chosen.count(improver.engines[1].name)
    assert chosen.count(first_name) > 1600


@pytest.mark.parametrize("relaxed", [False, True])
def test_improving_never_ends_worse_and_hears_others(relaxed: bool) -> None:
    improver = improver_on(2, relaxed=relaxed)
    worker, heard = improver.worker, []
    before = worker.walk.best_k.copy()
    improver.improve(Span(worker.deadline, 1.0), lambda: heard.append(1))
    assert heard
    site_i, value_k = worker.shared.best()
    assert judge_board(worker.board, site_i).value_k.tolist() == value_k.tolist()
    assert value_k[0] == 0
    assert value_k[1] < before[1]
    assert worker.walk.best_k.tolist() == value_k.tolist()
    assert worker.facts_used is None
    assert np.array_equal(worker.state.site_i, worker.walk.best_i)
    if not relaxed:
        assert sum(name.startswith("reheating") for name in improver.gains) == len(REHEATS)
