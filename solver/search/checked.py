"""Annealing with everything counted anew after each move that is made: slow, to find where kernels go wrong."""

from __future__ import annotations

import os

from zonewright.solver.search.board import Board
from zonewright.solver.search.kernels.anneal import anneal
from zonewright.solver.search.kernels.single import differences
from zonewright.solver.search.options import Options
from zonewright.solver.search.oracle import judge_board
from zonewright.solver.search.state import Facts, State
from zonewright.solver.search.walk import ACCEPTED, Walk

#: Set to 1, every move that `anneal_board` makes is checked.
VARIABLE = "ZONEWRIGHT_SEARCH_DEBUG"


class KernelFault(AssertionError):
    """Kernels have lost track of what a placement is worth."""


def check_state(board: Board, f: Facts, s: State) -> None:
    """Raise KernelFault where a state is not what its sites say, by the oracle or by making it anew."""
    wrong = differences(f, s)
    value_k = judge_board(board, s.site_i).value_k
    if wrong or value_k.tolist() != s.value_k.tolist():
        raise KernelFault(f"{', '.join(wrong) or 'value_k'}: worth {s.value_k.tolist()}, it is {value_k.tolist()}")


def anneal_board(board: Board, f: Facts, s: State, o: Options, w: Walk, proposals: int, strict: bool) -> int:
    """Anneal as the kernel does; with ZONEWRIGHT_SEARCH_DEBUG=1 check after every move that is made."""
    if os.environ.get(VARIABLE) != "1":
        return int(anneal(f, s, o, w, proposals, 2**62, strict))
    done = 0
    while done < proposals:
        accepted = w.tally_x[ACCEPTED]
        done += int(anneal(f, s, o, w, proposals - done, 1, strict))
        if w.tally_x[ACCEPTED] != accepted:
            check_state(board, f, s)
    return done
