"""Lower bounds of a board's stages, each with a witness in whole numbers that is evaluated again exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zonewright.solver.search.board import Board
from zonewright.solver.search.bounds.proof import BoundProof, Damaged

__all__ = ["BoundProof", "Damaged", "evaluate"]


def evaluate(board: Board, data: Mapping[str, Any]) -> int:
    """Return the bound that a witness proves of a board, exactly; raises Damaged where it is none."""
    how = data.get("how")
    if how == "prices":
        from zonewright.solver.search.bounds.proof import evaluate_prices

        return evaluate_prices(board, data)
    if how == "leavers":
        from zonewright.solver.search.bounds.leavers import evaluate_leavers

        return evaluate_leavers(board, data)
    raise Damaged("no such kind of witness")
