"""A board seen from a level above: its domains as sites, and of every rule what is left there.

Whatever is placed on the board is placed on the coarse one, at no more cost: limits and safe amounts are added up,
what only holds within a domain is left out. So bounds of the coarse board are bounds of the board, and where sites
are many and much alike they are found at once.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from zonewright.solver.search.board import AT_MOST, NO_LIMIT, Board, Ints, Ratios, Terms

#: Domains of a level at most.
MOST_DOMAINS = 300


def levels_to_see_from(board: Board) -> list[int]:
    """Return the levels above the sites that every site is in, with few enough domains."""
    return [
        level
        for level in range(1, len(board.levels))
        if board.domains_l[level] <= min(MOST_DOMAINS, board.sites // 2) and (board.dom_ls[level] >= 0).all()
    ]


def coarse_board(board: Board, level: int, *, strict: bool) -> Board:
    """Return the board with the domains of a level for sites; raises ValueError where a site is in none.

    `strict` says that no hard rule is broken: otherwise anybody may be anywhere in its home's domain.
    """
    dom_s = board.dom_ls[level].astype(np.int64)
    if (dom_s < 0).any():
        raise ValueError("a site is in no domain of the level")
    sites = int(board.domains_l[level])
    above_ld = np.stack([_above(row_s, dom_s, sites) for row_s in board.dom_ls])
    above_ld[0] = np.arange(sites)
    domains_l = board.domains_l.copy()
    domains_l[0] = sites
    base_l = np.concatenate([[0], np.cumsum(domains_l)[:-1]])
    rest = np.concatenate([board.base_l[m] + np.arange(domains_l[m]) for m in range(1, len(domains_l))])
    site_n = int(board.base_l[0]) + board.dom_ls[0]

    def added(amount_nr: Ints) -> Ints:
        return np.concatenate([added_up(amount_nr[site_n], dom_s, sites), amount_nr[rest]])

    homed_i = board.home_i >= 0
    home_s = np.maximum(board.home_i, 0)
    enter_pd = np.zeros((len(board.enter_ps), sites), bool)
    for d in range(sites):
        enter_pd[:, d] = board.enter_ps[:, dom_s == d].any(axis=1)
    price_vq, key_d = _prices(board, dom_s, sites)
    home_d = dom_s[home_s]
    best_there_i = price_vq[board.price_class_i, key_d[home_d]]
    enters_i = enter_pd[board.profile_i, home_d]
    moves_i = homed_i & (enters_i | (not strict))
    open_nk = np.concatenate([np.zeros((sites, len(board.stages)), np.int64), board.open_nk[rest]])
    steps = replace(
        board.steps,
        ptr_m=np.zeros(1, np.int64),
        level_e=board.steps.level_e[:0],
        cost_e=board.steps.cost_e[:0],
        beyond_m=board.steps.beyond_m[:0],
        stage_m=board.steps.stage_m[:0],
        table_m=board.steps.table_m[:0],
        key_s=np.zeros(sites, np.int32),
        groups_mg=np.zeros((0, 0), bool),
    )
    return replace(
        board,
        sites=sites,
        dom_ls=above_ld.astype(np.int32),
        domains_l=domains_l,
        base_l=base_l.astype(np.int64),
        enter_ps=enter_pd,
        home_i=np.where(homed_i, home_d, -1).astype(np.int32),
        stay_i=homed_i & (board.stay_i | enters_i),
        limit_nr=added(board.limit_nr),
        safe_nr=added(board.safe_nr),
        holds_lr=np.zeros_like(board.holds_lr),
        price_vq=price_vq,
        price_key_s=key_d.astype(np.int32),
        home_price_i=np.where(moves_i, np.minimum(board.home_price_i, best_there_i), board.home_price_i),
        open_nk=open_nk,
        terms=_terms(board, above_ld, dom_s),
        ratios=_ratios(board, above_ld),
        steps=steps,
        node_s=np.zeros(0, np.int32),
    )


def _above(row_s: Ints, dom_s: Ints, sites: int) -> Ints:
    """Return the domain that all sites of each domain are in, -1 where they are not in one."""
    low_d, high_d = np.full(sites, NO_LIMIT), np.full(sites, -1, np.int64)
    np.minimum.at(low_d, dom_s, row_s)
    np.maximum.at(high_d, dom_s, row_s)
    return np.where(low_d == high_d, high_d, -1)


def added_up(amount_sr: Ints, dom_s: Ints, sites: int) -> Ints:
    """Add up amounts by domain; without a limit where any of its sites has none."""
    total_dr = np.zeros((sites, amount_sr.shape[1]), np.int64)
    free_dr = np.zeros(total_dr.shape, bool)
    np.add.at(total_dr, dom_s, np.where(amount_sr < NO_LIMIT, amount_sr, 0))
    np.logical_or.at(free_dr, dom_s, amount_sr >= NO_LIMIT)
    return np.where(free_dr, NO_LIMIT, total_dr)


def _prices(board: Board, dom_s: Ints, sites: int) -> tuple[Ints, Ints]:
    """Return the least price of every class in a domain, and the domains' keys."""
    price_vd = np.full((len(board.price_vq), sites), NO_LIMIT, np.int64)
    pair_x = np.unique(np.column_stack([dom_s, board.price_key_s]), axis=0)
    for d, q in pair_x:
        price_vd[:, d] = np.minimum(price_vd[:, d], board.price_vq[:, q])
    price_vd[:, np.bincount(dom_s, minlength=sites) == 0] = 0
    return price_vd, np.arange(sites)


def _ratios(board: Board, above_ld: Ints) -> Ratios:
    """Keep the ratios of levels seen from here: where use is not, all would count as free, and cost too much."""
    ratios = board.ratios
    seen_l = np.asarray((above_ld >= 0).all(axis=1))
    kept = np.flatnonzero(seen_l[ratios.level_b])
    return Ratios(**{part.name: getattr(ratios, part.name)[kept] for part in fields(Ratios)})


def _terms(board: Board, above_ld: Ints, dom_s: Ints) -> Terms:
    """Keep the terms of levels seen from here; at most so many per site are so many per domain at most."""
    terms = board.terms
    group_t = np.repeat(np.arange(board.groups), np.diff(terms.ptr_g))
    per_site_t = (terms.kind_t == AT_MOST) & (terms.level_t == 0)
    seen_l = np.asarray((above_ld >= 0).all(axis=1))
    seen_t = seen_l[terms.level_t] & (terms.level_t > 0)
    kept = np.flatnonzero(per_site_t | seen_t)
    largest = int(np.bincount(dom_s).max())
    listed = [terms.counts_x[terms.counts_ptr_t[t] : terms.counts_ptr_t[t + 1]] for t in kept]
    counts_ptr = np.concatenate([[0], np.cumsum([len(domains) for domains in listed])]).astype(np.int64)
    ptr_g = np.concatenate([[0], np.cumsum(np.bincount(group_t[kept], minlength=board.groups))]).astype(np.int64)
    return Terms(
        ptr_g,
        terms.kind_t[kept],
        terms.level_t[kept],
        np.where(per_site_t[kept], terms.a_t[kept] * largest, terms.a_t[kept]),
        terms.weight_t[kept],
        terms.stage_t[kept],
        counts_ptr,
        np.concatenate([*listed, np.zeros(0, np.int32)]).astype(np.int32),
    )
