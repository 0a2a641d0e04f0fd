"""Lower bounds of a board's stages, each with a witness in whole numbers that is evaluated again exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zonewright.solver.deadline import Deadline
from zonewright.solver.search.board import Board
from zonewright.solver.search.bounds.proof import BoundProof, Damaged

__all__ = ["BoundProof", "Damaged", "evaluate"]


def evaluate(board: Board, data: Mapping[str, Any], deadline: Deadline | None = None) -> int:
    """Return the bound that a witness proves of a board, exactly; raises Damaged where it is none.

    What has to be searched again is, until the deadline (by default as long as that usually takes).
    """
    board = _seen_from(board, data)
    how = data.get("how")
    if how in ("sums", "prices"):
        from zonewright.solver.search.bounds.proof import evaluate_prices

        return evaluate_prices(board, data)
    if how == "leavers":
        from zonewright.solver.search.bounds.leavers import evaluate_leavers

        return evaluate_leavers(board, data)
    if how == "patterns":
        from zonewright.solver.search.bounds.patterns import evaluate_patterns

        return evaluate_patterns(board, data)
    if how == "holds":
        from zonewright.solver.search.bounds.cuts import evaluate_holds

        return evaluate_holds(board, data, deadline)
    if how == "volumes":
        from zonewright.solver.search.bounds.opening import evaluate_opening

        return evaluate_opening(board, data, deadline)
    raise Damaged("no such kind of witness")


def _seen_from(board: Board, data: Mapping[str, Any]) -> Board:
    """Return the board, or what is seen of it from the level that the witness was made at."""
    from zonewright.solver.search.bounds.coarse import coarse_board, levels_to_see_from
    from zonewright.solver.search.bounds.frame import is_strict
    from zonewright.solver.search.bounds.proof import stages_from

    if "coarse" not in data:
        return board
    if type(data["coarse"]) is not int or data["coarse"] not in levels_to_see_from(board):
        raise Damaged("not a level that the board is seen from")
    return coarse_board(board, data["coarse"], strict=is_strict(*stages_from(board, data)))
