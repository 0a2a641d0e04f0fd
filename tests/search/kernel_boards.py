"""Small random boards on which every family of a board has something to say, all at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zonewright.solver.search.board import (
    LEAST_DOMAINS,
    LEAST_EACH,
    NO_LIMIT,
    SKEW,
    Board,
    Company,
    Distances,
    Peaks,
    Ratios,
    Spans,
    Steps,
    Terms,
)
from zonewright.solver.search.oracle import Scene

LEAST = (LEAST_DOMAINS, LEAST_EACH)


def _csr(owner, groups):
    owner = np.asarray(owner, np.int64)
    order = np.argsort(owner, kind="stable").astype(np.int32)
    ptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=groups))]).astype(np.int64)
    return ptr, order


def i32(values):
    return np.asarray(values, np.int32)


def i64(values):
    return np.asarray(values, np.int64)


class Draw:
    """A board in the making."""

    def __init__(self, seed: int, *, items: int = 24, sites: int = 7, large: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.items, self.sites, self.large = items, sites, large
        self.groups = 2 if large else 6
        self.stages, self.resources = 4, 3

    def stage(self, size):
        return i32(self.rng.integers(0, self.stages, size))

    def levels(self):
        rng, s = self.rng, self.sites
        zone, rack = rng.integers(0, 3, s), rng.integers(-1, 4, s)
        zone[:3] = range(3)
        self.dom_ls = i32([np.arange(s), rack, zone, np.zeros(s)])
        self.domains_l = i64([s, 4, 3, 1])
        self.base_l = np.concatenate([[0], np.cumsum(self.domains_l)[:-1]])
        self.nodes = int(self.domains_l.sum())

    def terms(self):
        rng, counts = self.rng, 6 * self.groups
        owner = np.sort(rng.integers(0, self.groups, counts))
        kind, level = i32(rng.integers(0, 5, counts)), i32(rng.integers(0, 4, counts))
        lists = [
            rng.permutation(self.domains_l[level[t]])[: rng.integers(1, self.domains_l[level[t]] + 1)]
            if kind[t] in (3, SKEW)
            else []
            for t in range(counts)
        ]
        ptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=self.groups))])
        return Terms(
            ptr_g=i64(ptr),
            kind_t=kind,
            level_t=level,
            a_t=i64(rng.integers(0, 4, counts)),
            weight_t=i64(rng.integers(1, 5, counts)),
            stage_t=self.stage(counts),
            counts_ptr_t=i64(np.concatenate([[0], np.cumsum([len(x) for x in lists])])),
            counts_x=i32(np.concatenate([np.asarray(x, np.int64) for x in lists])),
        )

    def pairs(self):
        rng, n = self.rng, 3 * self.groups
        group, other = rng.integers(0, self.groups, n), rng.integers(0, self.groups, n)
        return Company(
            i32(group),
            i32(other),
            i32(rng.integers(0, 3, n)),
            rng.random(n) < 0.5,
            i64(rng.integers(1, 4, n)),
            self.stage(n),
            *_csr(group, self.groups),
            *_csr(other, self.groups),
        )

    def far(self):
        rng, n = self.rng, 4
        group, other = rng.integers(0, self.groups, n), rng.integers(0, self.groups, n)
        table = rng.random((2, 4, 4)) < 0.5
        table |= table.transpose(0, 2, 1)
        table[:, range(4), range(4)] = False
        both = [(g, f) for f in range(n) for g in {int(group[f]), int(other[f])}]
        ptr, order = _csr([g for g, _ in both], self.groups)
        entries = i32([f for _, f in both])[order]
        return Distances(
            i32(group),
            i32(other),
            i32(rng.integers(1, 3, n)),
            i32(rng.integers(0, 2, n)),
            i64(rng.integers(1, 4, n)),
            self.stage(n),
            table,
            ptr,
            entries,
        )

    def steps(self):
        rng = self.rng
        return Steps(
            ptr_m=i64([0, 2, 2]),
            level_e=i32([1, 2]),
            cost_e=i64([0, 5]),
            beyond_m=i64([11, 7]),
            stage_m=i32([1, 2]),
            table_m=i32([-1, 0]),
            key_s=i32(rng.integers(0, 3, self.sites)),
            table_xqq=i64(rng.integers(0, 9, (1, 3, 3))),
            groups_mg=rng.random((2, self.groups)) < 0.7,
        )

    def board(self) -> Board:
        """Draw all of it."""
        rng, i, s, r, k = self.rng, self.items, self.sites, self.resources, self.stages
        self.levels()
        group = np.sort(rng.integers(0, self.groups, i))
        demand = i64(rng.integers(0, 6, (i, r)))
        limit = np.where(rng.random((self.nodes, r)) < 0.7, rng.integers(5, 30, (self.nodes, r)), NO_LIMIT)
        home = np.where(rng.random(i) < 0.8, rng.integers(0, s, i), -1)
        pinned = (rng.random(i) < 0.1) & (home >= 0)
        members_ptr, members = _csr(group, self.groups)
        return Board(
            stages=("broken", "a", "b", "c"),
            levels=("host", "rack", "zone", "estate"),
            resources=("x", "y", "z"),
            items=i,
            sites=s,
            dom_ls=self.dom_ls,
            domains_l=self.domains_l,
            base_l=self.base_l,
            demand_ir=demand,
            group_i=i32(group),
            alike_i=i32(np.arange(i)),
            profile_i=i32(rng.integers(0, 3, i)),
            enter_ps=rng.random((3, s)) < 0.8,
            home_i=i32(home),
            stay_i=np.ones(i, bool),
            pinned_i=pinned,
            members_ptr_g=members_ptr,
            members_x=members,
            limit_nr=i64(limit),
            holds_lr=rng.random((4, r)) < 0.4,
            safe_nr=i64(rng.integers(0, 25, (self.nodes, r))),
            safe_weight_lr=i64(rng.integers(0, 4, (4, r))),
            safe_stage_lr=self.stage((4, r)) if rng.random() < 0.5 else i32(np.full((4, r), 1)),
            out_ik=i64(rng.integers(0, 3, (i, k))),
            away_ik=i64(rng.integers(0, 3, (i, k))),
            price_class_i=i32(rng.integers(0, 2, i)),
            price_key_s=i32(rng.integers(0, 3, s)),
            price_vq=i64(rng.integers(0, 20, (2, 3))),
            home_price_i=i64(rng.integers(0, 20, i)),
            price_stage=3,
            open_nk=i64(rng.integers(0, 4, (self.nodes, k))),
            most_moves=int(rng.integers(0, i)),
            terms=self.terms(),
            company=self.pairs(),
            distances=self.far(),
            ratios=Ratios(i32([0, 1]), i32([0, 2]), i32([1, 0]), i64([2, 1]), i64([1, 3]), i32([2, 0])),
            steps=self.steps(),
            peaks=Peaks(rng.random((2, self.groups)) < 0.8, i64([1, 0]), i64([1, 4]), i32([0, 3])),
            spans=Spans(i32([0, 2]), i32([0, 1]), i64([2, 1]), i32([3, 0])),
            constant_k=i64([0, 5, 0, 1]),
        )


def draw_board(seed: int) -> Board:
    """The board of a seed; every fourth has groups that are too large to be counted by looking."""
    return Draw(seed, items=70 if seed % 4 == 3 else 24, large=seed % 4 == 3).board()


def harden(board: Board, site_i) -> Board:
    """The same board, where groups must be in as many domains, and domains hold as many, as they do now."""
    terms = board.terms
    a_t, stage_t = terms.a_t.copy(), terms.stage_t.copy()
    for t in np.flatnonzero(np.isin(terms.kind_t, LEAST)):
        group = np.searchsorted(terms.ptr_g, t, side="right") - 1
        here = site_i[(board.group_i == group) & (site_i < board.sites)]
        domains = board.dom_ls[terms.level_t[t]][here]
        count = np.bincount(domains[domains >= 0], minlength=board.domains_l[terms.level_t[t]])
        listed = terms.counts_x[terms.counts_ptr_t[t] : terms.counts_ptr_t[t + 1]]
        a_t[t] = np.count_nonzero(count) if terms.kind_t[t] == LEAST_DOMAINS else count[listed].min()
        stage_t[t] = 0
    return replace(board, terms=replace(terms, a_t=a_t, stage_t=stage_t))


def draw_open_board(seed: int) -> Board:
    """A board of a seed on which nothing is broken as long as nobody is placed."""
    board = draw_board(seed)
    terms, rng = board.terms, np.random.default_rng(seed)
    hard = (rng.random(len(terms.stage_t)) < 0.3) & ~np.isin(terms.kind_t, LEAST)
    nothing = [getattr(board, name).copy() for name in ("out_ik", "away_ik", "open_nk")]
    for costs in nothing:
        costs[:, 0] = 0
    held_nr = Scene(board, np.full(board.items, board.sites, np.int32)).held_nr
    return replace(
        board,
        limit_nr=np.maximum(board.limit_nr + 15, held_nr + 5),
        safe_stage_lr=np.maximum(board.safe_stage_lr, 1),
        out_ik=nothing[0],
        away_ik=nothing[1],
        open_nk=nothing[2],
        most_moves=NO_LIMIT,
        terms=replace(
            terms, a_t=np.maximum(terms.a_t, 1), stage_t=np.where(hard, 0, 1 + terms.stage_t % 3).astype(np.int32)
        ),
        ratios=replace(board.ratios, stage_b=i32([2, 1])),
        peaks=replace(board.peaks, stage_p=i32([1, 3])),
        spans=replace(board.spans, stage_x=i32([3, 1])),
    )


def draw_early_board(seed: int) -> Board:
    """The same, where in stage 1 there are only load and ratios of sites, what items cost, and peaks."""
    board = draw_open_board(seed)
    weight_lr, open_nk = board.safe_weight_lr.copy(), board.open_nk.copy()
    weight_lr[1:] = 0
    weight_lr[0, 0] += 1
    open_nk[:, 1] = 0

    def later(stage_x):
        return np.where(stage_x == 1, 2, stage_x).astype(np.int32)

    return replace(
        board,
        safe_weight_lr=weight_lr,
        safe_stage_lr=np.ones_like(board.safe_stage_lr),
        open_nk=open_nk,
        terms=replace(board.terms, stage_t=later(board.terms.stage_t)),
        company=replace(board.company, stage_e=later(board.company.stage_e)),
        distances=replace(board.distances, stage_f=later(board.distances.stage_f)),
        spans=replace(board.spans, stage_x=i32([3, 2])),
        ratios=replace(board.ratios, stage_b=i32([1, 2])),
    )


def random_sites(board, seed):
    """Sites, a fifth of the items nowhere, and some at home."""
    rng = np.random.default_rng(seed)
    site_i = np.where(rng.random(board.items) < 0.2, board.sites, rng.integers(0, board.sites, board.items))
    site_i = np.where((rng.random(board.items) < 0.3) & (board.home_i >= 0), board.home_i, site_i)
    return site_i.astype(np.int32)
