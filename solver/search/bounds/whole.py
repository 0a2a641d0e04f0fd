"""Prices as whole numbers: how fine they may be so that every sum of a proof is exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from zonewright.solver.search.board import NO_LIMIT
from zonewright.solver.search.bounds.frame import FIT_PARTS, Frame, Prices, nodes_of, within

#: The finest unit of prices in a witness.
FINEST = 1 << 20
#: Whole numbers in a proof stay below this.
LARGEST = 2.0**60
#: Costs of single items stay below this: they are read as floats, exactly.
LARGEST_COST = 2.0**50


def scale_for(frame: Frame, prices: Prices) -> int:
    """Return the finest unit of prices, a power of two, that keeps every number of the proof in its range."""
    cost, total = magnitudes(frame, prices)
    scale = FINEST
    while scale > 1 and (cost * scale > LARGEST_COST or total * scale > LARGEST):
        scale //= 2
    return scale


def magnitudes(frame: Frame, prices: Prices) -> tuple[float, float]:
    """Return about how large the cost of one item can be, and all sums of a proof."""
    board = frame.board
    load_nr, limit_nr = np.asarray(prices.load_nr, float), np.asarray(prices.limit_nr, float)
    lambda_k = np.asarray(prices.lambda_k, float)
    per_lr = np.stack(
        [
            (load_nr + limit_nr)[nodes_of(board, level)].max(axis=0, initial=0.0)
            for level in range(len(board.levels))
        ]
    )
    unit_r = per_lr.sum(axis=0)
    most = lambda_k[-1] if not frame.before else lambda_k.max()
    given = float((load_nr * np.minimum(frame.safe_nr, NO_LIMIT) * (load_nr > 0)).sum())
    given += float((limit_nr * (np.abs(frame.limit_nr - frame.today_nr) * (limit_nr > 0))).sum())
    for b, price_d in enumerate(prices.ratio_bd):
        nodes = nodes_of(board, int(board.ratios.level_b[b]))
        ratio, top = float(board.ratios.ratio_b[b]), np.asarray(price_d, float)
        unit_r = unit_r + float(top.max(initial=0.0)) * (1 + ratio)
        free_d = (
            ratio * frame.limit_nr[nodes, board.ratios.resource_b[b]]
            + frame.limit_nr[nodes, board.ratios.beside_b[b]]
        )
        given += float((top * free_d)[top > 0].sum())
    # Being nowhere may cost less than nothing: what it takes away must not hide what moving costs.
    direct_i = sum(np.abs(cost_ik.astype(float)).sum(axis=1) for cost_ik in (board.out_ik, board.away_ik))
    direct_i = direct_i + np.abs(board.home_price_i.astype(float))
    top_price = float(np.abs(board.price_vq).max(initial=0)) + sum(
        float(t.max(initial=0)) for _, t in frame.step_tables
    )
    top_price += float(board.steps.beyond_m.sum())
    cost_i = board.demand_ir.astype(float) @ unit_r + most * (direct_i + top_price) + float(prices.move)
    given += most * (float(np.abs(board.constant_k).sum()) + float(sum(frame.before)) + float(board.open_nk.sum()))
    fit_ksr = np.asarray(prices.fit_ksr, float)
    cost_i = cost_i + (1 + FIT_PARTS) * float(fit_ksr.max(axis=(0, 1), initial=0.0).sum())
    given += FIT_PARTS * float(fit_ksr.sum())
    given += float(prices.move) * min(board.most_moves, board.items)
    return float(cost_i.max(initial=0.0)), float(cost_i.sum()) + given


def whole(frame: Frame, prices: Prices) -> Prices:
    """Return the prices in whole numbers of the finest unit, of which the stage itself costs as many."""
    scale = scale_for(frame, prices)

    def of(values: Any) -> Any:
        return np.rint(np.asarray(values, float) * scale).astype(np.int64)

    ratio_bd = tuple(of(price_d) for price_d in prices.ratio_bd)
    found = Prices(
        of(prices.lambda_k), of(prices.load_nr), of(prices.limit_nr), ratio_bd, of(prices.move), of(prices.fit_ksr)
    )
    return within(frame, found)
