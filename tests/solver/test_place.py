"""`place` from end to end: the same plan under a work limit, and a plan in hand when it is stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.solver.estates import group, world_of, zones
from zonewright.instances.generator import generate_region, generate_zones
from zonewright.models import Estate, World, check_plan, plan_text
from zonewright.solver import Progress, place

ROOT = Path(__file__).resolve().parents[2]

#: Estates that a work limit ends before they are solved.
MAKERS = {
    "zones": "generate_zones(instances=2000, groups=100, shapes=40, seed=3)",
    "hosts": "generate_region(instances=300, groups=50, hosts=45, racks=6, shapes=30, seed=2, fill=0.9)",
}

SCRIPT = """
import sys
from zonewright.instances.generator import generate_region, generate_zones
from zonewright.models import plan_text
from zonewright.solver import place
result = place({maker}, workers=1, seed={seed}, work_limit={work}, time_limit_s=300)
sys.stdout.write(plan_text(result.plan))
"""


def planned(name: str, *, hash_seed: int, seed: int = 4, work: int = 1500) -> str:
    """Plan in a process of its own, with its own order of sets."""
    script = SCRIPT.format(maker=MAKERS[name], seed=seed, work=work)
    env = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_seed_and_work_limit_give_the_same_plan(name: str) -> None:
    """One worker, a work limit: byte for byte the same, in any process and however busy the machine is."""
    busy = threading.Event()

    def burn() -> None:
        while not busy.is_set():
            sum(range(10_000))

    first = planned(name, hash_seed=1)
    loads = [threading.Thread(target=burn, daemon=True) for _ in range(2)]
    for load in loads:
        load.start()
    second = planned(name, hash_seed=2)
    busy.set()
    for load in loads:
        load.join()
    assert first == second
    assert '"placements"' in first


class Stopper:
    """Sets the stop event at an engine's first news of some kind, or when patience ends, and keeps the time."""

    def __init__(self, engine: str, patience_s: float) -> None:
        self.event = threading.Event()
        self.engine, _, self.kind = engine.partition(" ")
        self.asked = 0.0
        self._timer = threading.Timer(patience_s, self._ask)
        self._timer.daemon = True
        self._timer.start()

    def _ask(self) -> None:
        self.asked = self.asked or time.monotonic()
        self.event.set()

    def hear(self, news: Progress) -> None:
        """Listen to progress."""
        wanted = news.engine == self.engine and (
            not self.kind or (news.value is not None and news.message != "closed")
        )
        if wanted and not self.event.is_set():
            self._ask()

    def close(self) -> None:
        """End the timer."""
        self._timer.cancel()


@pytest.fixture
def stopper() -> Iterator[list[Stopper]]:
    made: list[Stopper] = []
    yield made
    for entry in made:
        entry.close()


@pytest.fixture(scope="module")
def large_region() -> Estate:
    return generate_region(instances=5000, groups=400, hosts=600, seed=1)


@pytest.mark.parametrize("engine", ["packing value", "linear", "exact value"])
def test_a_long_solve_on_hosts_ends_within_two_seconds_of_being_asked(
    large_region: Estate, stopper: list[Stopper], engine: str
) -> None:
    """Asked in the middle of one engine or another: the best plan so far, if there is one, and it is valid."""
    world = World(large_region)
    stopper.append(Stopper(engine, patience_s=30.0))
    result = place(world, workers=2, time_limit_s=120, stop=stopper[0].event, progress=stopper[0].hear)
    took = time.monotonic() - stopper[0].asked
    assert result.interrupted
    assert took < 2.0
    if result.plan is not None:
        assert check_plan(world, result.plan).valid
    if engine == "packing value":
        assert result.plan is not None


def test_a_long_solve_on_zones_ends_within_two_seconds_of_being_asked(stopper: list[Stopper]) -> None:
    """Asked once the exact engine has found something: that plan, and it is valid."""
    world = World(generate_zones(instances=20_000, groups=800, seed=5))
    stopper.append(Stopper("exact value", patience_s=15.0))
    result = place(world, workers=2, time_limit_s=120, stop=stopper[0].event, progress=stopper[0].hear)
    assert result.interrupted
    assert time.monotonic() - stopper[0].asked < 2.0
    assert result.plan is not None
    assert check_plan(world, result.plan).valid


def test_asked_to_stop_before_it_began_it_says_that_it_knows_nothing() -> None:
    """No plan, no claim."""
    stop = threading.Event()
    stop.set()
    world = world_of(zones=zones("z1", capacity={"cpu_milli": 5}), groups=[group("g", 3)])
    result = place(world, workers=1, stop=stop)
    assert result.interrupted
    assert result.status in ("UNKNOWN", "FEASIBLE", "OPTIMAL")
    if result.plan is not None:
        assert check_plan(world, result.plan).valid


def test_a_plan_says_the_same_when_it_is_asked_for_twice_in_one_process() -> None:
    """Nothing is left over from one call to the next."""
    estate = generate_region(instances=60, groups=12, hosts=12, racks=3, shapes=8, seed=1, fill=0.6)
    texts = [plan_text(r.plan) for _ in range(2) if (r := place(estate, workers=1, work_limit=500)).plan]
    assert len(texts) == 2
    assert texts[0] == texts[1]
