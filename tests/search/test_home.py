"""Moves homeward: what is away comes back once nothing is gained by being away, also where home is full."""

from __future__ import annotations

import numpy as np
import pytest

from zonewright.models.files import estate_from_data
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.search.board import Board
from zonewright.solver.search.kernels.anneal import anneal
from zonewright.solver.search.lower import lower_board
from zonewright.solver.search.options import options_of
from zonewright.solver.search.oracle import judge_board
from zonewright.solver.search.portfolio import search
from zonewright.solver.search.state import facts_of, make_state
from zonewright.solver.search.walk import make_walk

HOSTS, EACH = 60, 3


def at_home(room: int, *, heavy: int = 0) -> Board:
    """Return a board on which every host has three of different sizes, and room for so much more.

    The first host has `heavy` times as many; use beyond 3,000 costs, and so does every move, a little.
    """
    sizes = {h: range(EACH * (heavy if h == 0 and heavy else 1)) for h in range(HOSTS)}
    members = [(h, n) for h in sizes for n in sizes[h]]
    names = [f"g{n}" for n in range(max(len(size) for size in sizes.values()))]
    held = {h: sum(100 * (n + 1) for n in size) for h, size in sizes.items()}
    data = {
        "estate": "home",
        "zones": [{"id": "z"}],
        "hosts": [
            {"id": f"h{h}", "in": "z", "capacity": {"cpu_milli": held[h] + room}, "safe": {"cpu_milli": 3000}}
            for h in range(HOSTS)
        ],
        "groups": [
            {"id": name, "count": sum(k == n for _, k in members), "demand": {"cpu_milli": 100 * (n + 1)}}
            for n, name in enumerate(names)
        ],
        "instances": [{"id": f"i{h}-{n}", "group": names[n], "site": f"h{h}"} for h, n in members],
        "rules": [
            {"rule": "load", "level": "host", "resources": ["cpu_milli"], "soft": {"weight": 1}},
            {"rule": "move_cost", "beyond": 7, "soft": {"weight": 1}},
        ],
        "goals": ["placed", "soft"],
    }
    board = lower_board(World(estate_from_data(data)))
    assert isinstance(board, Board)
    return board


@pytest.mark.parametrize(("room", "looks"), [(0, 200), (10_000, 60)])
def test_whoever_is_away_for_nothing_comes_home(room: int, looks: int) -> None:
    """Cold, in so many looks for each; of all moves one in a hundred leads home, or fewer."""
    board = at_home(room)
    facts, options = facts_of(board), options_of(board)
    # Everybody is one host further, on the place of one of the same size: without room only swaps lead home.
    away_i = ((board.home_i + 1) % HOSTS).astype(np.int32)
    state = make_state(facts, away_i)
    walk = make_walk(facts, state, 1)
    stage = len(board.stages) - 1
    assert state.value_k[stage] == 7 * board.items
    anneal(facts, state, options, walk, looks * board.items, 10**9, True)
    assert state.value_k[stage] < 7 * board.items / 3
    assert judge_board(board, state.site_i).value_k.tolist() == state.value_k.tolist()


def test_a_search_moves_few_where_few_suffice() -> None:
    """Only one host has too much: a search that forgets today scatters everybody and never finds back."""
    board = at_home(10_000, heavy=8)
    result = search(board, None, Deadline(60.0, work_limit=3_000), seed=1)
    moved = int((result.site_i != board.home_i).sum())
    total = int(board.demand_ir[board.home_i == 0].sum())
    largest = np.sort(board.demand_ir[board.home_i == 0, 0])[::-1]
    least = int(np.searchsorted(np.cumsum(largest), total - 3_000)) + 1
    assert judge_board(board, result.site_i).value_k.tolist() == result.value_k.tolist()
    assert least <= moved <= least + 2
    assert int(result.value_k[-1]) == 7 * moved
