"""What an assignment of a board is worth, from scratch: one function per family, none of it shared with kernels.

Every function returns what its family adds to each stage; stage 0 is hard excess.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zonewright.solver.search.board import (
    AT_MOST,
    BROKEN,
    LEAST_DOMAINS,
    LEAST_EACH,
    MOST_DOMAINS,
    NO_LIMIT,
    SKEW,
    Board,
    Bools,
    Ints,
    Places,
)


@dataclass(frozen=True)
class Judgement:
    """The value of every stage, and what each family adds to it."""

    value_k: Ints
    by_family: dict[str, Ints]

    @property
    def valid(self) -> bool:
        """Whether no hard rule is broken."""
        return int(self.value_k[BROKEN]) == 0


@dataclass(frozen=True)
class Counts:
    """How many items of each group are in each domain of a level, where any are; sorted by group and domain."""

    key_c: Ints
    """group x domains of the level + domain."""
    domain_c: Ints
    count_c: Ints
    ptr_g: Ints
    domains: int

    def of(self, group_x: Ints, domain_x: Ints) -> Ints:
        """Return how many of each group are in each domain."""
        if not len(self.key_c):
            return np.zeros(len(group_x), np.int64)
        wanted = group_x * self.domains + domain_x
        at = np.minimum(np.searchsorted(self.key_c, wanted), len(self.key_c) - 1)
        return np.where(self.key_c[at] == wanted, self.count_c[at], 0)

    def rows(self, group_x: Ints) -> tuple[Ints, Ints]:
        """Return, for groups in turn, which of them a domain in use belongs to, and its position in the table."""
        return spread_out(self.ptr_g[group_x], self.ptr_g[group_x + 1])


def spread_out(start_x: Ints, end_x: Ints) -> tuple[Ints, Ints]:
    """Return for every element of the ranges, one after another, the range's number and the element."""
    length_x = end_x - start_x
    owner = np.repeat(np.arange(len(start_x)), length_x)
    first = np.repeat(np.cumsum(length_x) - length_x, length_x)
    return owner, np.arange(len(owner)) - first + start_x[owner]


class Scene:
    """A board and where its items are, with what several families ask for."""

    def __init__(self, board: Board, site_i: Places) -> None:
        self.board = board
        self.site_i = np.asarray(site_i, np.int64)
        if len(self.site_i) != board.items or not ((self.site_i >= 0) & (self.site_i <= board.sites)).all():
            raise ValueError(f"needs a site from 0 to {board.sites} for each of {board.items} items")
        self.placed_i: Bools = self.site_i < board.sites
        self.moved_i: Bools = (board.home_i >= 0) & (self.site_i != board.home_i)
        self._counts: dict[int, Counts] = {}

    def zeros(self) -> Ints:
        """Return a zero for every stage."""
        return np.zeros(len(self.board.stages), np.int64)

    def domain_i(self, level: int) -> Ints:
        """Return every item's domain of a level, -1 where it is in none or nowhere."""
        board = self.board
        padded = np.append(board.dom_ls[level], -1)
        return padded[self.site_i].astype(np.int64)

    def home_domain_i(self, level: int) -> Ints:
        """Return the domain of a level in which every item's home is, -1 where it has none."""
        padded = np.append(self.board.dom_ls[level], -1)
        return padded[self.board.home_i].astype(np.int64)

    @cached_property
    def use_nr(self) -> Ints:
        """What is used in every node."""
        board = self.board
        use_sr = np.zeros((board.sites + 1, len(board.resources)), np.int64)
        np.add.at(use_sr, self.site_i, board.demand_ir)
        use_nr = np.zeros((board.nodes, len(board.resources)), np.int64)
        for level in range(len(board.levels)):
            domain_s = board.dom_ls[level]
            inside = domain_s >= 0
            np.add.at(use_nr, board.base_l[level] + domain_s[inside], use_sr[:-1][inside])
        return use_nr

    @cached_property
    def held_nr(self) -> Ints:
        """What is held in every node by items that were there today and are not there now."""
        board = self.board
        held_nr = np.zeros((board.nodes, len(board.resources)), np.int64)
        for level in range(len(board.levels)):
            holds_r = board.holds_lr[level]
            if not holds_r.any():
                continue
            home_i = self.home_domain_i(level)
            left = np.flatnonzero((home_i >= 0) & (self.domain_i(level) != home_i))
            np.add.at(held_nr, board.base_l[level] + home_i[left], np.where(holds_r, board.demand_ir[left], 0))
        return held_nr

    @cached_property
    def items_n(self) -> Ints:
        """How many items are in every node."""
        board = self.board
        found = np.zeros(board.nodes, np.int64)
        for level in range(len(board.levels)):
            domain_i = self.domain_i(level)
            np.add.at(found, board.base_l[level] + domain_i[domain_i >= 0], 1)
        return found

    @cached_property
    def placed_g(self) -> Ints:
        """How many of every group are placed."""
        return np.bincount(self.board.group_i[self.placed_i], minlength=self.board.groups)

    def counts(self, level: int) -> Counts:
        """Return the groups' counts by domain of a level."""
        if level not in self._counts:
            board = self.board
            domains = int(board.domains_l[level])
            domain_i = self.domain_i(level)
            inside = domain_i >= 0
            keys = board.group_i[inside].astype(np.int64) * domains + domain_i[inside]
            key_c, count_c = np.unique(keys, return_counts=True)
            ptr_g = np.searchsorted(key_c, np.arange(board.groups + 1, dtype=np.int64) * domains)
            self._counts[level] = Counts(key_c, key_c % max(1, domains), count_c, ptr_g, domains)
        return self._counts[level]


def judge_board(board: Board, site_i: Places) -> Judgement:
    """Judge where items are; `board.sites` stands for nowhere. Raises ValueError where a site does not exist."""
    scene = Scene(board, site_i)
    by_family = {name: family(scene) for name, family in FAMILIES.items()}
    return Judgement(board.constant_k + np.sum(list(by_family.values()), axis=0, dtype=np.int64), by_family)


def reach(scene: Scene) -> Ints:
    """1 for every item at a site where it may not be."""
    board, here = scene.board, scene.placed_i
    at_home = scene.site_i == board.home_i
    enters = np.ones(board.items, bool)
    enters[here] = board.enter_ps[board.profile_i[here], scene.site_i[here]]
    found = scene.zeros()
    found[BROKEN] = np.count_nonzero(here & ~enters & ~(at_home & board.stay_i))
    return found


def pinned(scene: Scene) -> Ints:
    """1 for every pinned item at another site than its home."""
    found = scene.zeros()
    found[BROKEN] = np.count_nonzero(scene.board.pinned_i & scene.moved_i & scene.placed_i)
    return found


def capacity(scene: Scene) -> Ints:
    """What is used beyond the limit."""
    found = scene.zeros()
    found[BROKEN] = np.maximum(0, scene.use_nr - scene.board.limit_nr).sum()
    return found


def holds(scene: Scene) -> Ints:
    """What is used and held beyond the limit, less what is used beyond it anyway."""
    found = scene.zeros()
    found[BROKEN] = np.maximum(0, scene.use_nr + scene.held_nr - scene.board.limit_nr).sum()
    return found - capacity(scene)


def load(scene: Scene) -> Ints:
    """What is used beyond what is safe."""
    board, found = scene.board, scene.zeros()
    above_nr = np.maximum(0, scene.use_nr - board.safe_nr)
    for level, base in enumerate(board.base_l):
        above_r = above_nr[base : base + board.domains_l[level]].sum(axis=0)
        np.add.at(found, board.safe_stage_lr[level], above_r * board.safe_weight_lr[level])
    return found


def out(scene: Scene) -> Ints:
    """Items that are nowhere."""
    found: Ints = scene.board.out_ik[~scene.placed_i].sum(axis=0)
    return found


def away(scene: Scene) -> Ints:
    """Items that are not at home."""
    found: Ints = scene.board.away_ik[scene.moved_i].sum(axis=0)
    return found


def price(scene: Scene) -> Ints:
    """What items cost where they are."""
    board, found = scene.board, scene.zeros()
    if board.price_stage >= 0:
        here = np.flatnonzero(scene.placed_i)
        site_x = scene.site_i[here]
        cost_x = board.price_vq[board.price_class_i[here], board.price_key_s[site_x]]
        cost_x = np.where(site_x == board.home_i[here], board.home_price_i[here], cost_x)
        found[board.price_stage] = cost_x.sum()
    return found


def opening(scene: Scene) -> Ints:
    """Nodes that anything is in."""
    found: Ints = scene.board.open_nk[scene.items_n > 0].sum(axis=0)
    return found


def most_moves(scene: Scene) -> Ints:
    """Moves beyond how many there may be."""
    found = scene.zeros()
    found[BROKEN] = max(0, int(np.count_nonzero(scene.moved_i)) - scene.board.most_moves)
    return found


def _terms_by_level(board: Board, kind: int) -> list[tuple[int, Ints]]:
    """Return the terms of a kind by level."""
    terms = board.terms
    return [
        (int(level), np.flatnonzero((terms.kind_t == kind) & (terms.level_t == level)))
        for level in np.unique(terms.level_t[terms.kind_t == kind])
    ]


def _group_t(board: Board) -> Ints:
    return np.repeat(np.arange(board.groups), np.diff(board.terms.ptr_g))


def _charge(scene: Scene, found: Ints, term_x: Ints, amount_x: Ints) -> None:
    terms = scene.board.terms
    np.add.at(found, terms.stage_t[term_x], terms.weight_t[term_x] * amount_x)


def at_most(scene: Scene) -> Ints:
    """What domains hold of a group beyond its limit."""
    board, found = scene.board, scene.zeros()
    for level, term_x in _terms_by_level(board, AT_MOST):
        counts = scene.counts(level)
        owner, at = counts.rows(_group_t(board)[term_x])
        over = np.maximum(0, counts.count_c[at] - board.terms.a_t[term_x][owner])
        _charge(scene, found, term_x[owner], over)
    return found


def _domains_used(scene: Scene, level: int, term_x: Ints) -> Ints:
    ptr_g, group_x = scene.counts(level).ptr_g, _group_t(scene.board)[term_x]
    return ptr_g[group_x + 1] - ptr_g[group_x]


def least_domains(scene: Scene) -> Ints:
    """Domains that groups lack."""
    board, found = scene.board, scene.zeros()
    for level, term_x in _terms_by_level(board, LEAST_DOMAINS):
        lacking = np.maximum(0, board.terms.a_t[term_x] - _domains_used(scene, level, term_x))
        somebody = scene.placed_g[_group_t(board)[term_x]] > 0
        _charge(scene, found, term_x, np.where(somebody, lacking, 0))
    return found


def most_domains(scene: Scene) -> Ints:
    """Domains that groups use beyond how many they may."""
    board, found = scene.board, scene.zeros()
    for level, term_x in _terms_by_level(board, MOST_DOMAINS):
        over = np.maximum(0, _domains_used(scene, level, term_x) - board.terms.a_t[term_x])
        _charge(scene, found, term_x, over)
    return found


def _listed(scene: Scene, level: int, term_x: Ints) -> tuple[Ints, Ints]:
    """Return, for the terms' listed domains in turn, whose each is, and how many of the group are there."""
    terms = scene.board.terms
    owner, at = spread_out(terms.counts_ptr_t[term_x], terms.counts_ptr_t[term_x + 1])
    group_x = _group_t(scene.board)[term_x[owner]]
    return owner, scene.counts(level).of(group_x, terms.counts_x[at].astype(np.int64))


def least_each(scene: Scene) -> Ints:
    """What listed domains hold too few of a group that is placed at all."""
    board, found = scene.board, scene.zeros()
    for level, term_x in _terms_by_level(board, LEAST_EACH):
        owner, count_x = _listed(scene, level, term_x)
        of = term_x[owner]
        somebody = scene.placed_g[_group_t(board)[of]] > 0
        _charge(scene, found, of, np.where(somebody, np.maximum(0, board.terms.a_t[of] - count_x), 0))
    return found


def skew(scene: Scene) -> Ints:
    """Most less least over listed domains, beyond what it may be."""
    board, found = scene.board, scene.zeros()
    for level, term_x in _terms_by_level(board, SKEW):
        owner, count_x = _listed(scene, level, term_x)
        high, low = np.zeros(len(term_x), np.int64), np.full(len(term_x), NO_LIMIT)
        np.maximum.at(high, owner, count_x)
        np.minimum.at(low, owner, count_x)
        _charge(scene, found, term_x, np.maximum(0, high - np.minimum(low, high) - board.terms.a_t[term_x]))
    return found


def _company(scene: Scene, *, needs: bool) -> Ints:
    company, found = scene.board.company, scene.zeros()
    for level in np.unique(company.level_e):
        entry_x = np.flatnonzero((company.level_e == level) & (company.needs_e == needs))
        counts = scene.counts(int(level))
        owner, at = counts.rows(company.group_e[entry_x].astype(np.int64))
        of = entry_x[owner]
        there = counts.of(company.other_e[of].astype(np.int64), counts.domain_c[at]) > 0
        np.add.at(found, company.stage_e[of], company.weight_e[of] * (there != needs))
    return found


def needed(scene: Scene) -> Ints:
    """Domains in use by groups without the company they need."""
    return _company(scene, needs=True)


def meetings(scene: Scene) -> Ints:
    """Domains in which groups meet that must not."""
    return _company(scene, needs=False)


def distances(scene: Scene) -> Ints:
    """Pairs of domains in use that are too far apart."""
    pairs, found = scene.board.distances, scene.zeros()
    for f in range(len(pairs.group_f)):
        counts = scene.counts(int(pairs.level_f[f]))
        one, other = (
            counts.domain_c[counts.ptr_g[g] : counts.ptr_g[g + 1]] for g in (pairs.group_f[f], pairs.other_f[f])
        )
        far = pairs.far_xdd[pairs.table_f[f]][np.ix_(one, other)]
        if pairs.group_f[f] == pairs.other_f[f]:
            far = np.triu(far, 1)
        found[pairs.stage_f[f]] += pairs.weight_f[f] * np.count_nonzero(far)
    return found


def ratios(scene: Scene) -> Ints:
    """What is free of one resource for which too little of another is."""
    board, found = scene.board, scene.zeros()
    rules = board.ratios
    for b in range(len(rules.level_b)):
        base = board.base_l[rules.level_b[b]]
        of = slice(base, base + board.domains_l[rules.level_b[b]])
        one, other = rules.resource_b[b], rules.beside_b[b]
        limited = (board.limit_nr[of, one] < NO_LIMIT) & (board.limit_nr[of, other] < NO_LIMIT)
        free = (board.limit_nr[of] - scene.use_nr[of])[limited]
        lacking = np.maximum(0, rules.ratio_b[b] * free[:, one] - free[:, other]).sum()
        found[rules.stage_b[b]] += rules.weight_b[b] * lacking
    return found


def steps(scene: Scene) -> Ints:
    """What moves cost by their two ends."""
    board, found = scene.board, scene.zeros()
    rules = board.steps
    for m in range(len(rules.beyond_m)):
        charged = scene.moved_i
        if len(rules.groups_mg):
            charged = charged & rules.groups_mg[m][board.group_i]
        item_x = np.flatnonzero(charged)
        cost_x = np.full(len(item_x), rules.beyond_m[m])
        placed_x = scene.placed_i[item_x]
        if rules.table_m[m] >= 0:
            pair = (board.home_i[item_x][placed_x], scene.site_i[item_x][placed_x])
            cost_x[placed_x] = rules.table_xqq[rules.table_m[m]][rules.key_s[pair[0]], rules.key_s[pair[1]]]
        else:
            for e in reversed(range(rules.ptr_m[m], rules.ptr_m[m + 1])):
                level = int(rules.level_e[e])
                here, home = scene.domain_i(level)[item_x], scene.home_domain_i(level)[item_x]
                cost_x[placed_x & (here >= 0) & (here == home)] = rules.cost_e[e]
        found[rules.stage_m[m]] += cost_x.sum()
    return found


def peaks(scene: Scene) -> Ints:
    """The most moves of any group beyond how many there may be."""
    board, found = scene.board, scene.zeros()
    moved_g = np.bincount(board.group_i[scene.moved_i], minlength=board.groups)
    for p in range(len(board.peaks.most_p)):
        most = int(moved_g[board.peaks.groups_pg[p]].max(initial=0))
        found[board.peaks.stage_p[p]] += board.peaks.weight_p[p] * max(0, most - board.peaks.most_p[p])
    return found


def spans(scene: Scene) -> Ints:
    """Most less least use over a level's domains that have sites."""
    board, found = scene.board, scene.zeros()
    for x in range(len(board.spans.level_x)):
        level = board.spans.level_x[x]
        base = board.base_l[level]
        domain_d = np.unique(board.dom_ls[level][board.dom_ls[level] >= 0])
        use_d = scene.use_nr[base + domain_d, board.spans.resource_x[x]]
        if len(use_d):
            found[board.spans.stage_x[x]] += board.spans.weight_x[x] * (use_d.max() - use_d.min())
    return found


#: Family by name.
FAMILIES: dict[str, Callable[[Scene], Ints]] = {
    "reach": reach,
    "pinned": pinned,
    "capacity": capacity,
    "holds": holds,
    "load": load,
    "out": out,
    "away": away,
    "price": price,
    "open": opening,
    "most_moves": most_moves,
    "at_most": at_most,
    "least_domains": least_domains,
    "most_domains": most_domains,
    "least_each": least_each,
    "skew": skew,
    "needs": needed,
    "meets": meetings,
    "distances": distances,
    "ratios": ratios,
    "steps": steps,
    "peaks": peaks,
    "spans": spans,
}

__all__ = ["FAMILIES", "Counts", "Judgement", "Scene", "judge_board", "spread_out"]
