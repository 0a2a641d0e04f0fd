"""From assignments to units' sites and back, and who of alike items goes where."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.search.programs import program
from tests.search.test_lower import board_of, ground
from zonewright.models import World, estate_from_data
from zonewright.solver.search.board import Board, Places
from zonewright.solver.search.decode import relabel, start_from, unit_sites
from zonewright.solver.search.lower import Refusal, lower_board
from zonewright.solver.search.oracle import judge_board

#: Arrangements of alike items that are all tried.
MOST_TRIED = 400


def boards(seeds: range) -> list[Board]:
    """Return the boards of random programs."""
    made = (program(seed) for seed in seeds)
    lowered = (lower_board(World(estate_from_data(p.data)), partial=p.partial) for p in made)
    return [board for board in lowered if not isinstance(board, Refusal)]


def anywhere(board: Board, rng: Random) -> Places:
    """Put every item somewhere, or nowhere."""
    return np.array([rng.randrange(board.sites + 1) for _ in range(board.items)], np.int32)


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_unit_sites_and_back(first: int) -> None:
    """Counts by unit and site come back as they were, with alike items at home."""
    for board in boards(range(first, first + 30)):
        site_i = anywhere(board, Random(first))
        sites = unit_sites(board, site_i)
        again = start_from(board, sites)
        assert unit_sites(board, again) == sites
        assert sum(sum(where.values()) for where in sites.values()) == (site_i < board.sites).sum()


def _arrangements(board: Board, site_i: Places) -> list[Places]:
    """Return all ways to exchange alike items, [] where there are too many."""
    found = [np.array(site_i)]
    for kind in np.unique(board.alike_i):
        items = np.flatnonzero(board.alike_i == kind)
        orders = list(dict.fromkeys(itertools.permutations(site_i[items].tolist())))
        if len(orders) * len(found) > MOST_TRIED:
            return []
        more = []
        for base in found:
            for order in orders:
                other = base.copy()
                other[items] = order
                more.append(other)
        found = more
    return found


def test_relabelling_is_the_best_there_is() -> None:
    """No other way to exchange alike items is worth less, goal by goal, and as many as can be are at home."""
    tried = exchanged = 0
    for board in boards(range(70)):
        rng = Random(board.items)
        for _ in range(3):
            site_i = anywhere(board, rng)
            best = relabel(board, site_i)
            others = _arrangements(board, site_i)
            if len(others) < 2:
                continue
            tried += 1
            exchanged += bool((best != site_i).any())
            at_home = [int((o == board.home_i).sum()) for o in others]
            assert int((best == board.home_i).sum()) == max(at_home)
            same = [o for o, n in zip(others, at_home, strict=True) if n == max(at_home)]
            least = min(tuple(judge_board(board, o).value_k.tolist()) for o in same)
            assert tuple(judge_board(board, best).value_k.tolist()) == least
    assert tried > 25
    assert exchanged > 10


def _many(count: int) -> dict[str, Any]:
    data = ground(goals=["placed", "moves", "soft"])
    data["groups"] = [{"id": "web", "count": count, "demand": {"cpu_milli": 1}}]
    step = {"rule": "move_cost", "steps": [{"within": "zone", "cost": 1}], "beyond": 5, "soft": {"weight": 1}}
    data["rules"] = [step]
    data["groups"][0]["current"] = {"z1-1": count // 2, "z2-1": count // 4}
    return data


def test_relabelling_many_alike_items_stays_in_zones() -> None:
    """Beyond what is matched exactly, who leaves a host goes to the nearest place that is taken."""
    board = board_of(_many(4000))
    site_i = np.repeat(np.array([1, 3], np.int32), 2000)[::-1].copy()
    value_k = judge_board(board, relabel(board, site_i)).value_k
    said = dict(zip(board.stages, value_k.tolist(), strict=True))
    assert said["soft[0]"] == 3000
    assert said["moves"] == 3000
    home = board.home_i.copy()
    home[home < 0] = 1
    mixed = home[np.random.default_rng(1).permutation(len(home))]
    again = judge_board(board, relabel(board, mixed)).value_k
    assert again.tolist() == judge_board(board, home).value_k.tolist()


def test_what_does_not_fit_the_estate_is_left_out() -> None:
    """Units and sites that are unknown, and more than there are, are dropped."""
    board = board_of(ground())
    first, second = board.node_s.tolist()[:2]
    site_i = start_from(board, {0: {first: 2, 0: 1, second: 9}, 7: {first: 1}})
    assert site_i.tolist() == [0, 0, 1, 4, 4]
