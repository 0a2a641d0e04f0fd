"""Boards to compare with brute force: of small random estates, and tiny ones made part by part."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import numpy as np

from tests.search.programs import program
from zonewright.models import World, estate_from_data
from zonewright.solver.search.board import NO_LIMIT, Board
from zonewright.solver.search.lower import Refusal, lower_board
from zonewright.solver.search.oracle import judge_board

PROGRAMS = 20


@cache
def boards() -> list[Board]:
    """Boards of small random estates."""
    found = []
    for seed in range(PROGRAMS):
        drawn = program(seed)
        board = lower_board(World(estate_from_data(drawn.data)), partial=drawn.partial)
        if not isinstance(board, Refusal):
            found.append(board)
    assert len(found) > PROGRAMS // 3
    return found


def tiny(seed: int) -> Board:
    """A board of a few items on three sites in two zones, of which every family that bounds price has a part."""
    rng = Random(seed)
    base = next(b for b in boards() if len(b.stages) >= 3)
    items, sites, stages = rng.randint(3, 5), 3, 3
    dom_ls = np.array([[0, 1, 2], [0, 0, 1], [0, 0, 0]], np.int32)
    domains_l = np.array([3, 2, 1])
    nodes, zeros = int(domains_l.sum()), np.zeros

    def ints(values: Any) -> Any:
        return np.array(values, np.int64)

    def short(values: Any) -> Any:
        return np.array(values, np.int32)

    demand_ir = ints([[rng.randint(1, 6), rng.randint(0, 4)] for _ in range(items)])
    limit_nr = np.full((nodes, 2), NO_LIMIT)
    limit_nr[:3] = ints([[rng.randint(8, 14), rng.randint(6, 10)] for _ in range(3)])
    safe_nr = np.full((nodes, 2), NO_LIMIT)
    safe_nr[:3] = np.maximum(0, limit_nr[:3] - rng.randint(2, 8))
    groups = 2
    group_i = short(sorted(rng.randrange(groups) for _ in range(items)))
    kinds = [(0, 0, 0, rng.choice((1, 2))), (0, 1, 1, 2), (1, 4, 1, 1), (1, 0, 0, 2)]
    terms = [k for k in kinds if rng.random() < 0.5]
    listed = [2 if k[1] == 4 else 0 for k in terms]
    home_i = short([rng.choice((-1, 0, 1, 2)) for _ in range(items)])
    out_ik, away_ik, open_nk = (zeros((n, stages), np.int64) for n in (items, items, nodes))
    out_ik[:, 1] = 1
    away_ik[:, 2] = [rng.randint(0, 9) for _ in range(items)]
    if rng.random() < 0.5:
        open_nk[:3, 2] = [rng.randint(10, 30) for _ in range(3)]
    weights = zeros((3, 2), np.int64)
    weights[0] = [rng.choice((0, 10)), rng.choice((0, 7))]
    holds_lr = zeros((3, 2), bool)
    holds_lr[0, 1] = rng.random() < 0.5
    ratios = replace(
        base.ratios,
        **{name: short([0]) for name in ("level_b", "resource_b")},
        beside_b=short([1]),
        ratio_b=ints([rng.choice((1, 2))]),
        weight_b=ints([rng.choice((0, 5))]),
        stage_b=short([2]),
    )
    steps = replace(
        base.steps,
        ptr_m=ints([0, 1]),
        level_e=short([1]),
        cost_e=ints([0]),
        beyond_m=ints([rng.choice((0, 6))]),
        stage_m=short([2]),
        table_m=short([-1]),
        key_s=short([0, 0, 0]),
        table_xqq=zeros((0, 1, 1), np.int64),
        groups_mg=zeros((0, 0), bool),
    )
    none, empty = ints([]), short([])
    by_group = zeros(groups + 1, np.int64)
    return replace(
        base,
        stages=("broken", "placed", "cost"),
        levels=("host", "zone", "estate"),
        resources=("a", "b"),
        items=items,
        sites=sites,
        dom_ls=dom_ls,
        domains_l=domains_l,
        base_l=ints([0, 3, 5]),
        demand_ir=demand_ir,
        group_i=group_i,
        alike_i=np.arange(items, dtype=np.int32),
        profile_i=short([rng.randrange(2) for _ in range(items)]),
        enter_ps=np.array([[True] * 3, [True, rng.random() < 0.5, True]]),
        home_i=home_i,
        stay_i=home_i >= 0,
        pinned_i=np.array([rng.random() < 0.1 for _ in range(items)]) & (home_i >= 0),
        members_ptr_g=np.searchsorted(group_i, np.arange(groups + 1)).astype(np.int64),
        members_x=np.arange(items, dtype=np.int32),
        limit_nr=limit_nr,
        holds_lr=holds_lr,
        safe_nr=safe_nr,
        safe_weight_lr=weights,
        safe_stage_lr=np.full((3, 2), 2, np.int32),
        out_ik=out_ik,
        away_ik=away_ik,
        price_class_i=short([rng.randrange(2) for _ in range(items)]),
        price_key_s=short([0, 1, 1]),
        price_vq=ints([[rng.randint(0, 20) for _ in range(2)] for _ in range(2)]),
        home_price_i=ints([rng.randint(0, 9) for _ in range(items)]),
        price_stage=2,
        open_nk=open_nk,
        most_moves=rng.choice((NO_LIMIT, 2)),
        terms=replace(
            base.terms,
            ptr_g=np.searchsorted([k[0] for k in terms], np.arange(groups + 1)).astype(np.int64),
            kind_t=short([k[1] for k in terms]),
            level_t=short([k[2] for k in terms]),
            a_t=ints([k[3] for k in terms]),
            weight_t=ints([1] * len(terms)),
            stage_t=short([0] * len(terms)),
            counts_ptr_t=ints([0, *itertools.accumulate(listed)]),
            counts_x=short([d for n in listed for d in range(n)]),
        ),
        company=replace(
            base.company,
            **dict.fromkeys(("group_e", "other_e", "level_e", "stage_e", "by_group_x", "by_other_x"), empty),
            needs_e=zeros(0, bool),
            weight_e=none,
            by_group_ptr_g=by_group,
            by_other_ptr_g=by_group,
        ),
        distances=replace(
            base.distances,
            **dict.fromkeys(("group_f", "other_f", "level_f", "table_f", "stage_f", "by_group_x"), empty),
            weight_f=none,
            by_group_ptr_g=by_group,
        ),
        ratios=ratios,
        steps=steps,
        peaks=replace(base.peaks, groups_pg=zeros((0, groups), bool), most_p=none, weight_p=none, stage_p=empty),
        spans=replace(base.spans, level_x=empty, resource_x=empty, weight_x=none, stage_x=empty),
        constant_k=ints([0, 0, rng.randint(0, 5)]),
        unit_i=empty,
        node_s=empty,
    )


@cache
def optimum(seed: int) -> list[int]:
    """The best values of a tiny board."""
    return best_of(tiny(seed))


def best_of(board: Board) -> list[int]:
    """The best values of a board, by trying every placement."""
    ways = itertools.product(range(board.sites + 1), repeat=board.items)
    return min(judge_board(board, np.array(site_i)).value_k.tolist() for site_i in ways)
