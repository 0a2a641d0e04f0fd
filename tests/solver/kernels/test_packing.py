"""The packing kernels: their running totals are those of a recount, and no limit is ever broken."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from zonewright.solver.kernels import packing as kernel

Ints = NDArray[np.int64]
ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Case:
    """Items on sites. Axes: i item, c class, s site, r resource, k slot, g group, a rack."""

    class_i: Ints
    group_c: Ints
    demand_cr: Ints
    capacity_sr: Ints
    allowed_cs: NDArray[np.bool_]
    site_limit_c: Ints
    rack_limit_c: Ints
    rack_s: Ints
    slots: int
    site_i: Ints = field(init=False)
    slot_sk: Ints = field(init=False)
    fill_s: Ints = field(init=False)
    position_i: Ints = field(init=False)
    use_sr: Ints = field(init=False)
    rack_count_ga: Ints = field(init=False)

    def __post_init__(self) -> None:
        items, (sites, resources) = len(self.class_i), self.capacity_sr.shape
        self.site_i = np.full(items, -1, np.int64)
        self.slot_sk = np.zeros((sites, self.slots), np.int64)
        self.fill_s, self.position_i = np.zeros(sites, np.int64), np.zeros(items, np.int64)
        self.use_sr = np.zeros((sites, resources), np.int64)
        self.rack_count_ga = np.zeros((self.group_c.max() + 1, self.rack_s.max() + 2), np.int64)
        self.weight_r = 1.0 / np.maximum(self.demand_cr[self.class_i].mean(axis=0), 1e-9)

    def fill(self) -> int:
        """Put everything somewhere, as well as it goes."""
        order = np.arange(len(self.class_i))
        return int(
            kernel.fill_greedily(
                order, self.site_i, self.slot_sk, self.fill_s, self.position_i, self.use_sr, self.capacity_sr,
                self.demand_cr, self.weight_r, *self._rules(), 0.05,
            )
        )  # fmt: skip

    def repack(self, steps: int, state: int, movable_i: NDArray[np.bool_], heat: float = 0.3) -> int:
        """Anneal."""
        return int(
            kernel.repack(
                np.array([state], np.uint64), steps, heat, movable_i, self.site_i, self.slot_sk, self.fill_s,
                self.position_i, self.use_sr, self.capacity_sr, self.demand_cr, self.weight_r, *self._rules(),
                np.arange(len(self.capacity_sr)),
            )
        )  # fmt: skip

    def _rules(self) -> tuple[NDArray[np.generic], ...]:
        return (
            self.class_i, self.group_c, self.allowed_cs, self.site_limit_c, self.rack_limit_c, self.rack_s,
            self.rack_count_ga,
        )  # fmt: skip

    def overload(self) -> float:
        """Ask the kernel."""
        return float(kernel.overload(self.use_sr, self.capacity_sr, self.weight_r))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sites, classes, items = draw(st.integers(2, 12)), draw(st.integers(1, 8)), draw(st.integers(1, 60))
    class_i = numbers.integers(0, classes, items)
    demand_cr = numbers.integers(0, 9, (classes, 2))
    demand_cr[:, 1] += 1
    need = demand_cr[class_i].sum(axis=0) / sites
    capacity_sr = (need * numbers.uniform(0.8, 1.6, (sites, 2))).astype(np.int64)
    return Case(
        class_i=class_i,
        group_c=numbers.integers(0, max(1, classes - 1), classes),
        demand_cr=demand_cr,
        capacity_sr=capacity_sr,
        allowed_cs=numbers.random((classes, sites)) < 0.8,
        site_limit_c=np.zeros(classes, np.int64),
        rack_limit_c=np.zeros(classes, np.int64),
        rack_s=numbers.integers(-1, 3, sites),
        slots=draw(st.sampled_from([items, max(2, items // 2)])),
    )


@st.composite
def limited(draw: st.DrawFn) -> Case:
    """A case with limits per group, the same for all classes of a group."""
    case = draw(cases())
    groups = case.group_c.max() + 1
    per_site = np.array([draw(st.integers(0, 4)) for _ in range(groups)])
    per_rack = np.array([draw(st.sampled_from([0, 0, 3, 6, 10])) for _ in range(groups)])
    case.site_limit_c, case.rack_limit_c = per_site[case.group_c], per_rack[case.group_c]
    return case


def assert_recount_agrees(case: Case) -> None:
    """Compare every running total with a count from nothing but where each item is."""
    sites = len(case.capacity_sr)
    placed = np.flatnonzero(case.site_i >= 0)
    use_sr = np.zeros_like(case.use_sr)
    np.add.at(use_sr, case.site_i[placed], case.demand_cr[case.class_i[placed]])
    assert (case.use_sr == use_sr).all()
    assert (case.fill_s == np.bincount(case.site_i[placed], minlength=sites)).all()
    rack_count_ga = np.zeros_like(case.rack_count_ga)
    for i in placed:
        assert case.slot_sk[case.site_i[i], case.position_i[i]] == i
        rack = case.rack_s[case.site_i[i]]
        if rack >= 0:
            rack_count_ga[case.group_c[case.class_i[i]], rack] += 1
    assert (case.rack_count_ga == rack_count_ga).all()
    for s in range(sites):
        assert sorted(case.slot_sk[s, : case.fill_s[s]]) == sorted(np.flatnonzero(case.site_i == s))
    excess_sr = np.maximum(use_sr - case.capacity_sr, 0)
    assert np.isclose(case.overload(), (excess_sr * case.weight_r).sum())


def assert_limits_hold(case: Case) -> None:
    """Assert that reach and every limit per site and rack are kept, whatever the overload is."""
    per_site: Counter[tuple[int, int]] = Counter()
    per_rack: Counter[tuple[int, int]] = Counter()
    triples = zip(case.group_c, case.site_limit_c, case.rack_limit_c, strict=True)
    limits = {int(g): (int(a), int(b)) for g, a, b in triples}
    for i in np.flatnonzero(case.site_i >= 0):
        c, s = int(case.class_i[i]), int(case.site_i[i])
        assert case.allowed_cs[c, s]
        per_site[int(case.group_c[c]), s] += 1
        if case.rack_s[s] >= 0:
            per_rack[int(case.group_c[c]), int(case.rack_s[s])] += 1
    assert all(not limits[g][0] or n <= limits[g][0] for (g, _), n in per_site.items())
    assert all(not limits[g][1] or n <= limits[g][1] for (g, _), n in per_rack.items())


random_runs = settings(max_examples=150, deadline=None)


@random_runs
@given(limited(), st.integers(1, 2**62), st.integers(0, 400), st.booleans())
def test_running_totals_are_those_of_a_recount(case: Case, state: int, steps: int, some_stay: bool) -> None:
    """Use, slots, positions and rack counts after any run equal a count from scratch; limits hold all along."""
    case.fill()
    assert_recount_agrees(case)
    assert_limits_hold(case)
    before = case.site_i.copy()
    movable_i = np.ones(len(case.class_i), bool)
    if some_stay:
        movable_i[::2] = False
    case.repack(steps, state, movable_i)
    assert_recount_agrees(case)
    assert_limits_hold(case)
    assert (case.site_i[~movable_i] == before[~movable_i]).all()
    assert ((case.site_i >= 0) == (before >= 0)).all()


@random_runs
@given(limited(), st.integers(1, 2**62))
def test_no_overload_means_that_every_capacity_is_respected(case: Case, state: int) -> None:
    """A run that ends before its steps has nothing overloaded, and one that does not has something."""
    case.fill()
    steps = 3000
    taken = case.repack(steps, state, np.ones(len(case.class_i), bool), heat=0.05)
    within = bool((case.use_sr <= case.capacity_sr).all())
    assert within == (case.overload() == 0.0)
    assert within or taken == steps


@random_runs
@given(limited(), st.integers(1, 2**62))
def test_the_same_state_gives_the_same_packing(case: Case, state: int) -> None:
    """Filling and repacking depend on nothing but their arguments."""
    found = []
    for _ in range(2):
        case.__post_init__()
        case.fill()
        case.repack(300, state, np.ones(len(case.class_i), bool))
        found.append(case.site_i.copy())
    assert (found[0] == found[1]).all()


def test_items_are_filled_where_they_fit() -> None:
    """Sizes 6, 5, 3, 2 on two sites of 8: 6 with 2 and 5 with 3, nothing over."""
    case = Case(
        class_i=np.arange(4),
        group_c=np.zeros(4, np.int64),
        demand_cr=np.array([[6], [5], [3], [2]]),
        capacity_sr=np.array([[8], [8]]),
        allowed_cs=np.ones((4, 2), bool),
        site_limit_c=np.zeros(4, np.int64),
        rack_limit_c=np.zeros(4, np.int64),
        rack_s=np.full(2, -1),
        slots=4,
    )
    assert case.fill() == 0
    case.repack(10_000, 1, np.ones(4, bool))
    assert case.use_sr.tolist() == [[8], [8]]


def test_what_no_site_may_take_is_counted_and_left_out() -> None:
    """Three of a group at most one per site on two sites: one has nowhere to go."""
    case = Case(
        class_i=np.zeros(3, np.int64),
        group_c=np.zeros(1, np.int64),
        demand_cr=np.array([[1]]),
        capacity_sr=np.array([[8], [8]]),
        allowed_cs=np.ones((1, 2), bool),
        site_limit_c=np.ones(1, np.int64),
        rack_limit_c=np.zeros(1, np.int64),
        rack_s=np.full(2, -1),
        slots=3,
    )
    assert case.fill() == 1
    assert sorted(case.site_i.tolist()) == [-1, 0, 1]


@pytest.mark.slow
def test_no_index_leaves_its_array(tmp_path: Path) -> None:
    """The same properties with every index checked, which has to be compiled anew."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-m", "not slow"]
    env = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:]
