"""Kernels held to counting from scratch, to find where they go wrong.

With ZONEWRIGHT_SEARCH_DEBUG=1 a search counts everything anew after each move that annealing within limits makes,
and after each slice of any other engine, and stops where a kernel says something else. That is slow.
"""

from __future__ import annotations

import os

from zonewright.solver.search.board import Board
from zonewright.solver.search.kernels.anneal import anneal
from zonewright.solver.search.kernels.single import differences
from zonewright.solver.search.options import Options
from zonewright.solver.search.oracle import judge_board
from zonewright.solver.search.state import Facts, State
from zonewright.solver.search.walk import ACCEPTED, Walk

#: Set to 1, every search checks itself.
VARIABLE = "ZONEWRIGHT_SEARCH_DEBUG"
#: Proposals in a slice that is checked: each that is accepted takes milliseconds.
SLICE = 200


class KernelFault(AssertionError):
    """Kernels have lost track of what a placement is worth."""


def checking() -> bool:
    """Whether searches are to check themselves."""
    return os.environ.get(VARIABLE) == "1"


def check_state(board: Board | None, f: Facts, s: State) -> None:
    """Raise KernelFault where a state is not what its sites say: made anew, or judged where there is a board."""
    wrong = differences(f, s)
    value_k = s.value_k if board is None else judge_board(board, s.site_i).value_k
    if wrong or value_k.tolist() != s.value_k.tolist():
        raise KernelFault(f"{', '.join(wrong) or 'value_k'}: worth {s.value_k.tolist()}, it is {value_k.tolist()}")


def anneal_checked(
    board: Board | None, f: Facts, s: State, o: Options, w: Walk, proposals: int, strict: bool
) -> int:
    """Anneal as the kernel does, and check after every move that is made."""
    done = 0
    while done < proposals:
        accepted = w.tally_x[ACCEPTED]
        done += int(anneal(f, s, o, w, proposals - done, 1, strict))
        if w.tally_x[ACCEPTED] != accepted:
            check_state(board, f, s)
    return done
