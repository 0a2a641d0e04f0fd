"""An estate as a board: every rule and goal said exactly, or a refusal that names what cannot be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from zonewright.models.goals import running, soft_priorities
from zonewright.models.rules import Rule, all_rules
from zonewright.models.topology import State
from zonewright.models.world import World
from zonewright.solver.context import Context
from zonewright.solver.families.base import Stages
from zonewright.solver.lowering import LOWERINGS
from zonewright.solver.lowering.goals import stage_names
from zonewright.solver.profiles import Reach
from zonewright.solver.search.board import (
    NO_LIMIT,
    Board,
    Bools,
    Company,
    Distances,
    Ints,
    Peaks,
    Places,
    Ratios,
    Spans,
    Steps,
    Terms,
)
from zonewright.solver.search.lowerings import BOARD_LOWERINGS
from zonewright.solver.search.lowerings.draft import Draft, Refused
from zonewright.solver.search.lowerings.goals import lower_goals, price_table
from zonewright.solver.search.lowerings.tolerance import check_tolerated

#: More instances than this are not told one by one.
MOST_ITEMS = 2_000_000
#: Entries of all tables of move costs together.
MOST_TABLE = 20_000_000
#: No value of a stage, and no sum on the way to one, may reach this: engines make weights four times what they are
#: and put prices of ten times a resource's weight on being away, which is to fit into 64 bits, too.
MOST_VALUE = 2.0**57


@dataclass(frozen=True)
class Refusal:
    """Why an estate is not searched on a board."""

    text: str
    """Which rule or goal a board cannot say, in the user's words."""


@dataclass(frozen=True)
class Items:
    """Instances, one by one."""

    unit_i: Ints
    home_i: Ints
    """-1 where an instance has no place today."""


def lower_board(world: World, *, partial: bool = False) -> Board | Refusal:
    """Lower an estate to a board.

    `partial` lets instances stay unplaced at the cost that the goals give it; without, each that is nowhere
    breaks the placement, too. Whether a placement is valid, and what a valid one costs, is as the checkers say.
    """
    try:
        return _lower(world, partial)
    except Refused as refused:
        return Refusal(str(refused))


def _lower(world: World, partial: bool) -> Board:
    total = sum(unit.count for unit in world.units)
    if not total or not world.tree.sites:
        raise Refused("there is nothing to place, or nowhere")
    if total > MOST_ITEMS:
        raise Refused(f"{total} instances are more than can be told one by one")
    rules = _counted(world)
    draft = Draft(world, _reach(world, rules), partial=partial)
    for label, rule in rules:
        BOARD_LOWERINGS[rule.rule](draft, rule, label)
    lower_goals(draft)
    check_tolerated(draft)
    _one_measure(draft)
    if not draft.resources:
        draft.instances()
    board = _assembled(draft, _items(draft))
    _not_too_large(board)
    return board


def _counted(world: World) -> list[tuple[str, Rule]]:
    """Return the hard rules, and the soft ones that a goal counts."""
    counted = {
        p for goal in ("urgent", "soft") if goal in world.estate.goals for p in soft_priorities(world, goal)
    }
    return [entry for entry in all_rules(world) if entry[1].soft is None or entry[1].soft.priority in counted]


def _reach(world: World, rules: Sequence[tuple[str, Rule]]) -> Reach:
    """Return the profiles of units, with the sites that hard rules close to them."""
    reach = Reach(world)
    nowhere = Context(world, reach, [], [], Stages(stage_names(world)), partial=False, pooled=False)
    for label, rule in rules:
        LOWERINGS[rule.rule](nowhere, rule, label, None)
    return reach


def _one_measure(draft: Draft) -> None:
    """Refuse where unnamed instances are told apart in several ways that each reckon with the best for itself.

    Checkers see how many of a unit are where. A board says which one of them is where, once for all rules.
    """
    ways = [f"moves by distance ({len(draft.steps)} rules)"] * len(
        [r for r in draft.steps if r.entries or r.table >= 0]
    )
    ways += [f"what leaves a {draft.levels[level].name}" for level in {level for level, _ in draft.holds if level}]
    for u, unit in enumerate(draft.world.units):
        if unit.count < 2 or not unit.current:
            continue
        new = unit.count - sum(unit.current.values())
        if not new and len(unit.current) == 1:
            continue
        own = list(ways)
        if draft.partial and draft.running is not None and not unit.preemptible:
            lasting = running(draft.world, unit)
            own += ["who stays"] * 2 * bool(new and draft.stays_u[u])
            own += ["who is stopped"] * (0 < lasting < unit.count - new)
        if len(own) > 1:
            what = ", ".join(dict.fromkeys(own))
            raise Refused(f"{unit.group}: which of its unnamed instances goes where is counted for {what} at once")


def _items(draft: Draft) -> Items:
    """Return units one by one, in order: first who has a place today."""
    position = draft.reach.position
    units: list[int] = []
    homes: list[int] = []
    counts: list[int] = []
    for u, unit in enumerate(draft.world.units):
        left = unit.count
        for site, count in unit.current.items():
            units.append(u)
            homes.append(position[site])
            counts.append(count)
            left -= count
        if left:
            units.append(u)
            homes.append(-1)
            counts.append(left)
    number = np.array(counts, np.int64)
    return Items(np.repeat(np.array(units, np.int64), number), np.repeat(np.array(homes, np.int64), number))


def _ints32(values: Sequence[int] | Ints) -> Places:
    return np.asarray(values, np.int64).astype(np.int32)


def _pointers(key_x: Ints, keys: int) -> Ints:
    """Return where the entries of each key begin in a list that is sorted by key; one more for the end."""
    found = np.zeros(keys + 1, np.int64)
    np.cumsum(np.bincount(key_x, minlength=keys), out=found[1:])
    return found


def _by_group(group_x: Ints, groups: int) -> tuple[Ints, Places]:
    """Return the entries of each group as pointers and positions."""
    return _pointers(group_x, groups), _ints32(np.argsort(group_x, kind="stable"))


def _columns(rows: Sequence[Sequence[int]], width: int) -> list[Ints]:
    return list(np.array(rows, np.int64).reshape(len(rows), width).T.copy())


class _Numbers:
    """Levels in their final order: the sites first, the estate last."""

    def __init__(self, draft: Draft) -> None:
        last = len(draft.levels) - 1
        self.of = [0, last, *range(1, last)]
        ordered = sorted(range(len(draft.levels)), key=lambda level: self.of[level])
        self.levels = [draft.levels[level] for level in ordered]
        self.domains_l: Ints = np.array([level.domains for level in self.levels], np.int64)
        self.base_l: Ints = np.cumsum(self.domains_l) - self.domains_l
        self.nodes = int(self.domains_l.sum())

    def nodes_of(self, level: int) -> slice:
        """Return the nodes of a level by its number in the draft."""
        base = int(self.base_l[self.of[level]])
        return slice(base, base + int(self.domains_l[self.of[level]]))


def _assembled(draft: Draft, items: Items) -> Board:
    world, numbers = draft.world, _Numbers(draft)
    profile_u, enter_ps, stay_ps = _profiles(draft)
    prices = _Prices(draft, items)
    unit_i, home_i = items.unit_i, items.home_i
    group_i = draft.group_u[unit_i]
    members_ptr_g, members_x = _by_group(group_i.astype(np.int64), len(draft.count_g))
    demand_ur = np.stack([r.demand_u for r in draft.resources], axis=1)
    away_ik = draft.away_uk[unit_i]
    away_ik[home_i < 0] = 0
    safe_weight_lr, safe_stage_lr, safe_nr = _safe(draft, numbers)
    return Board(
        stages=tuple(draft.stages),
        levels=tuple(level.name for level in numbers.levels),
        resources=tuple(r.name for r in draft.resources),
        items=len(unit_i),
        sites=len(draft.sites),
        dom_ls=np.stack([level.domain_s for level in numbers.levels]).astype(np.int32),
        domains_l=numbers.domains_l,
        base_l=numbers.base_l,
        demand_ir=demand_ur[unit_i],
        group_i=group_i,
        alike_i=_ints32(_alike_u(draft, profile_u, demand_ur, prices.class_u)[unit_i]),
        profile_i=_ints32(profile_u[unit_i]),
        enter_ps=enter_ps,
        home_i=_ints32(home_i),
        stay_i=(home_i >= 0) & stay_ps[profile_u[unit_i], home_i],
        pinned_i=draft.pinned_u[unit_i] & (home_i >= 0),
        members_ptr_g=members_ptr_g,
        members_x=members_x,
        limit_nr=_limits(draft, numbers),
        holds_lr=_holds(draft, numbers),
        safe_nr=safe_nr,
        safe_weight_lr=safe_weight_lr,
        safe_stage_lr=safe_stage_lr,
        out_ik=_out(draft, items),
        away_ik=away_ik,
        price_class_i=_ints32(prices.class_u[unit_i]),
        price_key_s=_ints32(prices.key_s),
        price_vq=prices.price_vq,
        home_price_i=prices.home_i,
        price_stage=draft.price_stage if draft.price_stage is not None and prices.price_vq.any() else -1,
        open_nk=_opening(draft, numbers),
        most_moves=draft.most_moves,
        terms=_terms(draft, numbers),
        company=_company(draft, numbers),
        distances=_distances(draft, numbers),
        ratios=_ratios(draft, numbers),
        steps=_steps(draft, numbers),
        peaks=_peaks(draft),
        spans=_spans(draft, numbers),
        constant_k=np.array(draft.constant_k, np.int64),
        unit_i=_ints32(unit_i),
        node_s=_ints32(np.array(world.tree.sites, np.int64)),
    )


def _profiles(draft: Draft) -> tuple[Ints, Bools, Bools]:
    """Return the profile of every unit, and by profile where its items may enter and where they may stay."""
    reach = draft.reach
    known: dict[tuple[int, tuple[int, ...]], int] = {}
    enter: list[Bools] = []
    stay: list[Bools] = []
    profile_u = np.zeros(len(reach.of_unit), np.int64)
    for u, f in enumerate(reach.of_unit):
        key = (f, tuple(draft.inside_u.get(u, ())))
        if key not in known:
            known[key] = len(known)
            inside = np.logical_and.reduce([np.ones(len(draft.sites), bool), *(draft.masks[m] for m in key[1])])
            enter.append(reach.profiles[f].enter & inside)
            stay.append((reach.profiles[f].stay | reach.profiles[f].enter) & inside)
        profile_u[u] = known[key]
    return profile_u, np.stack(enter), np.stack(stay)


class _Prices:
    """What items cost by site, where that is a goal."""

    def __init__(self, draft: Draft, items: Items) -> None:
        self.class_u: Ints = np.zeros(len(draft.count_u), np.int64)
        self.key_s: Ints = np.zeros(len(draft.sites), np.int64)
        self.price_vq: Ints = np.zeros((1, 1), np.int64)
        if draft.price_stage is not None:
            self.class_u, self.key_s, self.price_vq = price_table(draft)
        prepaid_u = np.array([unit.prepaid for unit in draft.world.units], bool)
        self.home_i = self.price_vq[self.class_u[items.unit_i], self.key_s[items.home_i]].copy()
        self.home_i[(items.home_i < 0) | prepaid_u[items.unit_i]] = 0


def _alike_u(draft: Draft, profile_u: Ints, demand_ur: Ints, class_u: Ints) -> Ints:
    """Return a number for every unit that those share whose items nothing tells apart but their homes."""
    units = draft.world.units
    prepaid_u = np.array([u.prepaid for u in units], np.int64)
    preemptible_u = np.array([u.preemptible for u in units], np.int64)
    columns: list[npt.NDArray[Any]] = [
        draft.group_u, profile_u, class_u, draft.pinned_u, prepaid_u, preemptible_u,
    ]  # fmt: skip
    columns += [*demand_ur.T, *draft.out_uk.T, *draft.away_uk.T, *draft.gone_uk.T]
    found = np.zeros(len(units), np.int64)
    for column in columns:
        if len(column) and (column != column[0]).any():
            _, value_u = np.unique(column, return_inverse=True)
            _, found = np.unique(found * (int(value_u.max()) + 1) + value_u, return_inverse=True)
    return found


def _limits(draft: Draft, numbers: _Numbers) -> Ints:
    limit_nr = np.full((numbers.nodes, len(draft.resources)), NO_LIMIT)
    for (level, resource), limit_d in draft.limits.items():
        limit_nr[numbers.nodes_of(level), resource] = limit_d
    return limit_nr


def _holds(draft: Draft, numbers: _Numbers) -> Bools:
    holds_lr = np.zeros((len(numbers.levels), len(draft.resources)), bool)
    for level, resource in draft.holds:
        holds_lr[numbers.of[level], resource] = True
    return holds_lr


def _safe(draft: Draft, numbers: _Numbers) -> tuple[Ints, Places, Ints]:
    """Return weights and stages by level and resource, and what is safe by node and resource."""
    weight_lr = np.zeros((len(numbers.levels), len(draft.resources)), np.int64)
    stage_lr = np.zeros(weight_lr.shape, np.int32)
    safe_nr = np.full((numbers.nodes, len(draft.resources)), NO_LIMIT)
    for (level, resource), safe in draft.safe.items():
        weight_lr[numbers.of[level], resource] = safe.weight
        stage_lr[numbers.of[level], resource] = safe.stage
        safe_nr[numbers.nodes_of(level), resource] = safe.amount_d
    return weight_lr, stage_lr, safe_nr


def _out(draft: Draft, items: Items) -> Ints:
    out_ik = draft.out_uk[items.unit_i]
    there = items.home_i >= 0
    out_ik[there] += draft.gone_uk[items.unit_i[there]]
    if draft.running is not None:
        lasting_u = ~np.array([unit.preemptible for unit in draft.world.units], bool)
        out_ik[there & lasting_u[items.unit_i] & _stays_up(draft, items), draft.running] += 1
    return out_ik


def _stays_up(draft: Draft, items: Items) -> Bools:
    """Return which items run today at a site that is neither lost nor has to be left."""
    products = sorted({unit.product for unit in draft.world.units})
    up_ps = np.array([_up(draft.world, product) for product in products], bool)
    number = {product: p for p, product in enumerate(products)}
    product_u = np.array([number[unit.product] for unit in draft.world.units], np.int64)
    found: Bools = up_ps[product_u[items.unit_i], items.home_i]
    return found


def _up(world: World, product: str) -> list[bool]:
    tree, gone = world.tree, (State.FAILED, State.COMING_SOON)
    return [tree.state(site, product) not in gone and not tree.must_leave(site) for site in tree.sites]


def _opening(draft: Draft, numbers: _Numbers) -> Ints:
    open_nk = np.zeros((numbers.nodes, len(draft.stages)), np.int64)
    for level, domain, stage, cost in draft.opening:
        open_nk[numbers.nodes_of(level).start + domain, stage] += cost
    return open_nk


def _terms(draft: Draft, numbers: _Numbers) -> Terms:
    terms = sorted(draft.terms, key=lambda term: term.group)
    rows = [(t.group, t.kind, numbers.of[t.level], t.amount, t.weight, t.stage, len(t.counts)) for t in terms]
    group_t, kind_t, level_t, a_t, weight_t, stage_t, length_t = _columns(rows, 7)
    return Terms(
        ptr_g=_pointers(group_t, len(draft.count_g)),
        kind_t=_ints32(kind_t),
        level_t=_ints32(level_t),
        a_t=a_t,
        weight_t=weight_t,
        stage_t=_ints32(stage_t),
        counts_ptr_t=np.concatenate([[0], np.cumsum(length_t)]).astype(np.int64),
        counts_x=_ints32([d for t in terms for d in t.counts]),
    )


def _company(draft: Draft, numbers: _Numbers) -> Company:
    rows = [(p.group, p.other, numbers.of[p.level], p.needs, p.weight, p.stage) for p in draft.pairs]
    group_e, other_e, level_e, needs_e, weight_e, stage_e = _columns(rows, 6)
    groups = len(draft.count_g)
    by_group, by_other = _by_group(group_e, groups), _by_group(other_e, groups)
    return Company(
        group_e=_ints32(group_e),
        other_e=_ints32(other_e),
        level_e=_ints32(level_e),
        needs_e=needs_e.astype(bool),
        weight_e=weight_e,
        stage_e=_ints32(stage_e),
        by_group_ptr_g=by_group[0],
        by_group_x=by_group[1],
        by_other_ptr_g=by_other[0],
        by_other_x=by_other[1],
    )


def _distances(draft: Draft, numbers: _Numbers) -> Distances:
    rows = [(f.group, f.other, numbers.of[f.level], f.table, f.weight, f.stage) for f in draft.far]
    group_f, other_f, level_f, table_f, weight_f, stage_f = _columns(rows, 6)
    most = max((len(table) for table in draft.far_tables), default=0)
    far_xdd = np.zeros((len(draft.far_tables), most, most), bool)
    for table, far in zip(far_xdd, draft.far_tables, strict=True):
        table[: len(far), : len(far)] = far
    sides = [np.unique([f.group, f.other]) for f in draft.far]
    entry_x = np.repeat(np.arange(len(sides)), [len(side) for side in sides])
    group_x = np.concatenate([np.zeros(0, np.int64), *sides])
    ptr_g, order_x = _by_group(group_x, len(draft.count_g))
    return Distances(
        group_f=_ints32(group_f),
        other_f=_ints32(other_f),
        level_f=_ints32(level_f),
        table_f=_ints32(table_f),
        weight_f=weight_f,
        stage_f=_ints32(stage_f),
        far_xdd=far_xdd,
        by_group_ptr_g=ptr_g,
        by_group_x=_ints32(entry_x[order_x]),
    )


def _ratios(draft: Draft, numbers: _Numbers) -> Ratios:
    rows = [(numbers.of[r.level], r.resource, r.beside, r.ratio, r.weight, r.stage) for r in draft.ratios]
    level_b, resource_b, beside_b, ratio_b, weight_b, stage_b = _columns(rows, 6)
    return Ratios(_ints32(level_b), _ints32(resource_b), _ints32(beside_b), ratio_b, weight_b, _ints32(stage_b))


def _steps(draft: Draft, numbers: _Numbers) -> Steps:
    rules = draft.steps
    entries = [(numbers.of[level], cost) for rule in rules for level, cost in rule.entries]
    level_e, cost_e = _columns(entries, 2)
    groups_mg = np.ones((len(rules), len(draft.count_g)), bool)
    for m, rule in enumerate(rules):
        if rule.groups is not None:
            groups_mg[m] = False
            groups_mg[m, list(rule.groups)] = True
    key_s, table_xqq = _merged_tables(draft)
    return Steps(
        ptr_m=np.concatenate([[0], np.cumsum([len(rule.entries) for rule in rules])]).astype(np.int64),
        level_e=_ints32(level_e),
        cost_e=cost_e,
        beyond_m=np.array([rule.beyond for rule in rules], np.int64),
        stage_m=_ints32([rule.stage for rule in rules]),
        table_m=_ints32([rule.table for rule in rules]),
        key_s=key_s,
        table_xqq=table_xqq,
        groups_mg=np.zeros((0, 0), bool) if groups_mg.all() else groups_mg,
    )


def _merged_tables(draft: Draft) -> tuple[Places, Ints]:
    """Return one key per site that all tables can be read with, and the tables."""
    if not draft.tables:
        return np.zeros(len(draft.sites), np.int32), np.zeros((0, 1, 1), np.int64)
    kinds, first, key_s = np.unique(np.stack(draft.key_s), axis=1, return_index=True, return_inverse=True)
    if len(draft.tables) * len(first) ** 2 > MOST_TABLE:
        raise Refused(f"move_cost: several rules tell {len(first)} kinds of sites apart")
    tables = [table[np.ix_(kind, kind)] for table, kind in zip(draft.tables, kinds, strict=True)]
    return _ints32(key_s.reshape(-1)), np.stack(tables)


def _peaks(draft: Draft) -> Peaks:
    groups_pg = np.zeros((len(draft.peaks), len(draft.count_g)), bool)
    for p, peak in enumerate(draft.peaks):
        groups_pg[p, list(peak.groups)] = True
    most_p, weight_p, stage_p = _columns([(p.most, p.weight, p.stage) for p in draft.peaks], 3)
    return Peaks(groups_pg, most_p, weight_p, _ints32(stage_p))


def _spans(draft: Draft, numbers: _Numbers) -> Spans:
    rows = [(numbers.of[level], resource, stage) for level, resource, stage in draft.spans]
    level_x, resource_x, stage_x = _columns(rows, 3)
    return Spans(_ints32(level_x), _ints32(resource_x), np.ones(len(rows), np.int64), _ints32(stage_x))


def _not_too_large(board: Board) -> None:
    """Refuse where a sum could pass what integers hold, reckoned roughly and from above."""
    use_r = board.demand_ir.sum(axis=0, dtype=np.float64)
    limit_nr = np.where(board.limit_nr < NO_LIMIT, board.limit_nr, 0).astype(np.float64)
    room_r = limit_nr.sum(axis=0)
    terms, company, distances, steps = board.terms, board.company, board.distances, board.steps
    pairs = board.items * max(1, min(board.items, int(board.domains_l.max())))
    parts = [
        2.0 * use_r.sum() * len(board.levels),
        float((use_r * board.safe_weight_lr).sum()),
        float(np.abs(board.out_ik).sum(dtype=np.float64) + np.abs(board.away_ik).sum(dtype=np.float64)),
        float(board.price_vq.max(initial=0)) * board.items + float(board.open_nk.sum(dtype=np.float64)),
        float(((terms.a_t + 1.0) * terms.weight_t).sum()) * (board.items + float(board.domains_l.max())),
        float(company.weight_e.sum(dtype=np.float64)) * board.items,
        float(distances.weight_f.sum(dtype=np.float64)) * pairs,
        float(steps.beyond_m.sum() + steps.cost_e.sum() + steps.table_xqq.max(initial=0)) * board.items,
        float((board.peaks.weight_p * (board.items + 1.0)).sum()),
        float(board.spans.weight_x.sum()) * use_r.sum(),
    ]
    ratios = board.ratios
    for one, other, ratio, weight in zip(
        ratios.resource_b, ratios.beside_b, ratios.ratio_b, ratios.weight_b, strict=True
    ):
        amount = float(ratio) * (room_r[one] + use_r[one]) + room_r[other] + use_r[other]
        parts.append(float(weight) * amount)
    if sum(parts) > MOST_VALUE:
        raise Refused("its amounts, weights and numbers together pass what can be added up exactly")


__all__ = ["Refusal", "lower_board"]
