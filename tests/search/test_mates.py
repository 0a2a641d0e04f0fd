"""Swaps within a group: which groups are worth it, and that they move what nothing else can."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zonewright.models.files import estate_from_data
from zonewright.models.world import World
from zonewright.solver.search.board import Board
from zonewright.solver.search.kernels.anneal import MATED, anneal
from zonewright.solver.search.lower import lower_board
from zonewright.solver.search.options import options_of
from zonewright.solver.search.state import facts_of, make_state
from zonewright.solver.search.walk import ACCEPTED, PROPOSED, make_walk

HOSTS, GROUPS = 5, 40


def everywhere(amounts: int = HOSTS) -> tuple[Board, np.ndarray]:
    """Return a board on which every host has one of every group, and may have no more; and that placement.

    The instances of a group take so many different `amounts`.
    """
    data = {
        "estate": "everywhere",
        "zones": [{"id": "z"}],
        "hosts": [{"id": f"h{h}", "in": "z", "capacity": {"cpu_milli": 10**6}} for h in range(HOSTS)],
        "groups": [{"id": f"g{g}", "count": HOSTS, "demand": {"cpu_milli": 100}} for g in range(GROUPS)],
        "instances": [
            {"id": f"i{g}-{h}", "group": f"g{g}", "site": f"h{h}"}
            | {"demand": {"cpu_milli": 100 + 10 * min(h, amounts - 1)}}
            for g in range(GROUPS)
            for h in range(HOSTS)
        ],
        "rules": [
            {"rule": "anti_affinity", "groups": [f"g{g}"], "level": "host", "at_most": 1} for g in range(GROUPS)
        ],
    }
    board = lower_board(World(estate_from_data(data)))
    assert isinstance(board, Board)
    return board, np.maximum(board.home_i, 0).astype(np.int32)


def test_groups_in_which_demands_repeat_are_not_worth_it() -> None:
    assert [options_of(everywhere(amounts)[0]).mixed_g.all() for amounts in (5, 3, 2, 1)] == [
        True,
        True,
        False,
        False,
    ]
    assert not options_of(everywhere(2)[0]).mixed_g.any()


@pytest.mark.parametrize("seed", [1, 2])
def test_they_move_what_nothing_else_can(seed: int) -> None:
    board, today_i = everywhere()
    facts, options = facts_of(board), options_of(board)
    none = replace(options, mixed_g=np.zeros_like(options.mixed_g))
    share = []
    for use in (options, none):
        state = make_state(facts, today_i)
        walk = make_walk(facts, state, seed)
        walk.heat_k[:] = 1e9
        anneal(facts, state, use, walk, 20_000, 20_000, True)
        share.append(walk.tally_x[ACCEPTED] / walk.tally_x[PROPOSED])
        # Whatever was made, every host still has one of every group.
        there_hg = np.zeros((HOSTS, GROUPS), int)
        np.add.at(there_hg, (state.site_i, board.group_i), 1)
        assert (there_hg == 1).all()
    mates, without = share
    # Of random partners one in fifty is of the same group, and on another host.
    assert without < 0.03
    assert mates > 0.75 * MATED / 256 * 0.7
