"""Whole counts of shapes on hosts: a mixture is rounded, and what stays open is decided a few hosts at a time.

A basic mixture splits few hosts between patterns: as many as there are rows that bind. All others are settled by
it; CP-SAT decides those few, and then any few, so that less and less is left out.

Axes: i host (existing ones that take anybody, and those bought), k shape, g bundle, a area, s scenario,
r resource.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.rows import Rows
from zonewright.solver.sizing.clock import seconds_for, spent, work_for
from zonewright.solver.sizing.master import Master, Mixture, open_links
from zonewright.solver.sizing.prices import bundles_of, displaced
from zonewright.solver.sizing.problem import MOST, Flags, Ints
from zonewright.solver.sizing.table import Table

#: Hosts that are decided together in all layers.
_WIDTH = 14


@dataclass
class Counts:
    """What every host holds beside who runs there, and what arrives on it: in shapes."""

    kind_i: Ints
    host_i: Ints
    """The existing host, -1 for one that is bought."""
    most_ik: Ints
    """How many more of a shape a host may hold by the limits of groups."""
    base_ik: Ints
    arrive_sik: Ints
    open_i: Flags
    """Hosts that the mixture splits."""
    new_ga: Ints
    arriving_sga: Ints
    """By area, where limits ask; else zero."""
    missing: int = 1 << 60
    """Weight of who is left out."""


@dataclass
class _Draft:
    """Rows being written: who offers places, who asks for them."""

    rows: Rows = field(default_factory=Rows)
    cost: dict[int, int] = field(default_factory=dict)
    base: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=dict)
    arrive: dict[tuple[int, int, int], list[tuple[int, int]]] = field(default_factory=dict)

    def slack(self, most: int, weight: int) -> int:
        column = self.rows.column(0, most)
        self.cost[column] = weight
        return column

    def row(self, terms: list[tuple[int, int]], low: int | None = None, high: int | None = None) -> None:
        self.rows.row([j for j, _ in terms], [v for _, v in terms], low=low, high=high)


def weights(table: Table) -> Ints:
    """Return how much it matters to leave out one of each shape: by its largest share of a mean room."""
    mean_r = np.maximum(table.room_jr.mean(axis=0), 1.0) if table.kinds else np.ones(table.demand_kr.shape[1])
    share_k = (table.demand_kr / mean_r).max(axis=1)
    return np.asarray(np.maximum(1, np.rint(20.0 * share_k / max(share_k.min(initial=1.0), 1e-6))), np.int64)


def rounded(master: Master, mixture: Mixture, bought_o: Ints) -> Counts:
    """Return counts from a mixture: whole shares as they are, split hosts with the patterns of most share."""
    table = master.table
    total_j = np.where(table.offer_j >= 0, 0, table.hosts_j)
    total_j[table.offer_j >= 0] = bought_o
    nothing = len(master.patterns)
    kind: list[int] = []
    pattern: list[int] = []
    split: list[bool] = []
    used_j = np.zeros(table.kinds, np.int64)
    rest: list[list[tuple[float, int]]] = [[] for _ in range(table.kinds)]
    for p in np.flatnonzero(mixture.share_p > 1e-7).tolist():
        j, share = master.kind_p[p], float(mixture.share_p[p])
        whole = min(int(np.floor(share + 1e-6)), int(total_j[j] - used_j[j]))
        kind += [j] * whole
        pattern += [p] * whole
        split += [False] * whole
        used_j[j] += whole
        if share - whole > 1e-6:
            rest[j].append((share - whole, p))
    for j in np.flatnonzero(total_j > used_j).tolist():
        parts = [p for _, p in sorted(rest[j], reverse=True)]
        for n in range(int(total_j[j] - used_j[j])):
            kind.append(j)
            pattern.append(parts[n] if n < len(parts) else nothing)
            split.append(True)
    order = np.argsort(np.array(kind, np.int64), kind="stable")
    problem = table.problem
    empty = np.zeros(table.shapes, np.int64), np.zeros((problem.scenarios, table.shapes), np.int64)
    chosen = [pattern[i] for i in order.tolist()]
    base = [master.base_p[p] if p < nothing else empty[0] for p in chosen]
    arrive = [master.arrive_p[p] if p < nothing else empty[1] for p in chosen]
    hosts = len(order)
    kind_i = np.array(kind, np.int64)[order]
    host_i = _existing(table, kind_i)
    most_ik = np.repeat(table.most_k[None], hosts, axis=0)
    most_ik[host_i >= 0] = np.maximum(most_ik[host_i >= 0] - table.held_hk[host_i[host_i >= 0]], 0)
    counts = Counts(
        kind_i=kind_i,
        host_i=host_i,
        most_ik=most_ik,
        base_ik=np.array(base, np.int64).reshape(hosts, table.shapes),
        arrive_sik=np.array(arrive, np.int64)
        .reshape(hosts, problem.scenarios, table.shapes)
        .transpose(1, 0, 2)
        .copy(),
        open_i=np.array(split, bool)[order],
        new_ga=np.zeros((table.bundles, problem.areas), np.int64),
        arriving_sga=np.zeros((problem.scenarios, table.bundles, problem.areas), np.int64),
    )
    _clip(counts)
    return counts


def _existing(table: Table, kind_i: Ints) -> Ints:
    """Return an existing host for each of a kind, every one once; -1 for those bought."""
    pools = {j: iter(np.flatnonzero(table.kind_h == j).tolist()) for j in np.unique(kind_i).tolist()}
    return np.array([next(pools[j]) if table.offer_j[j] < 0 else -1 for j in kind_i.tolist()], np.int64)


def _clip(counts: Counts) -> None:
    """Take away what groups that are there already do not allow, and open those hosts."""
    base_ik = np.minimum(counts.base_ik, counts.most_ik)
    arrive_sik = np.minimum(counts.arrive_sik, counts.most_ik - base_ik)
    cut_i = np.any(base_ik < counts.base_ik, axis=1) | np.any(arrive_sik < counts.arrive_sik, axis=(0, 2))
    counts.base_ik, counts.arrive_sik = base_ik, arrive_sik
    counts.open_i |= cut_i


def decide(
    table: Table,
    counts: Counts,
    hosts: Ints,
    deadline: Deadline,
    *,
    seconds: float,
    workers: int,
    seed: int,
    layer: int | None = None,
) -> bool:
    """Decide some hosts anew, others kept, so that the least is missing; return whether that is proven.

    With a `layer`, the number of a scenario, only what arrives there is decided.
    """
    draft = _Draft()
    cells = _cells(table, counts, hosts, draft, layer)
    _fixed(table, counts, hosts, draft, layer)
    new, arriving = _asked(table, draft)
    _limits(table, draft, new, arriving)
    suggest = {j: int(counts.base_ik[i, k]) for (s, i, k), j in cells.items() if s < 0}
    suggest |= {j: int(counts.arrive_sik[s, i, k]) for (s, i, k), j in cells.items() if s >= 0}
    answer = Model(draft.rows.matrix()).minimize(
        draft.cost,
        deadline,
        seconds=seconds_for(deadline, seconds),
        workers=workers,
        seed=seed,
        suggest=suggest,
        floor=0,
        work=work_for(deadline, seconds),
    )
    if answer.x_j is None:
        return False
    missing = sum(c * int(answer.x_j[j]) for j, c in draft.cost.items())
    if missing > counts.missing:
        return False
    counts.missing = missing
    if layer is None:
        counts.base_ik[hosts] = 0
        counts.arrive_sik[:, hosts] = 0
    else:
        counts.arrive_sik[layer, hosts] = 0
    for (s, i, k), j in cells.items():
        (counts.base_ik if s < 0 else counts.arrive_sik[s])[i, k] = answer.x_j[j]
    counts.new_ga[:] = 0
    counts.arriving_sga[:] = 0
    for (g, a), j in new.items():
        counts.new_ga[g, a] = answer.x_j[j]
    for (s, g, a), j in arriving.items():
        counts.arriving_sga[s, g, a] = answer.x_j[j]
    return answer.status == "optimal"


def _cells(
    table: Table, counts: Counts, hosts: Ints, draft: _Draft, layer: int | None
) -> dict[tuple[int, int, int], int]:
    """Add what the hosts may hold (layer -1) and take in each scenario, within their room."""
    problem, rows = table.problem, draft.rows
    cells: dict[tuple[int, int, int], int] = {}
    for i in hosts.tolist():
        j = int(counts.kind_i[i])
        a, room_r, most_k = int(table.area_j[j]), table.room_jr[j], counts.most_ik[i]
        spared = np.flatnonzero(~problem.lost_sa[:, a]).tolist()
        if layer is not None:
            if layer not in spared:
                continue
            spared, room_r = [layer], room_r - counts.base_ik[i] @ table.demand_kr
            most_k = np.maximum(most_k - counts.base_ik[i], 0)
        fits: list[tuple[int, int]] = []
        for k in np.flatnonzero(table.takes_jk[j]).tolist():
            asks = table.demand_kr[k] > 0
            fit = int((room_r[asks] // table.demand_kr[k][asks]).min(initial=1 << 20))
            fits.append((k, max(0, min(fit, int(most_k[k])))))
        for s in [-1, *spared] if layer is None else spared:
            for k, most in fits:
                cells[s, i, k] = column = rows.column(0, most)
                if s < 0:
                    draft.base.setdefault((a, k), []).append((column, 1))
                else:
                    draft.arrive.setdefault((s, a, k), []).append((column, 1))
        for s in spared or [-1]:
            layers = {-1, s} if layer is None else {s}
            for r, room in enumerate(room_r.tolist()):
                draft.row(
                    [(cells[t, i, k], int(table.demand_kr[k, r])) for t in layers for k, _ in fits], high=room
                )
            for k, most in fits:
                if layer is None and s >= 0 and most_k[k] < 2 * most:
                    draft.row([(cells[t, i, k], 1) for t in layers], high=int(most_k[k]))
    return cells


def _fixed(table: Table, counts: Counts, hosts: Ints, draft: _Draft, layer: int | None) -> None:
    """Add what is not decided, as columns that are fixed."""
    problem = table.problem
    others = np.ones(len(counts.kind_i), bool)
    others[hosts] = False
    area_i = table.area_j[counts.kind_i]
    for a in range(problem.areas):
        inside = area_i == a
        held = inside & others if layer is None else inside
        for k, n in enumerate(counts.base_ik[held].sum(axis=0).tolist()):
            if n:
                draft.base.setdefault((a, k), []).append((draft.rows.column(n, n), 1))
        for s in range(problem.scenarios):
            arriving = inside & others if layer in (None, s) else inside
            for k, n in enumerate(counts.arrive_sik[s, arriving].sum(axis=0).tolist()):
                if n:
                    draft.arrive.setdefault((s, a, k), []).append((draft.rows.column(n, n), 1))


def _asked(table: Table, draft: _Draft) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int, int], int]]:
    """Add where new instances go and what is displaced, and that places suffice for both."""
    problem, rows = table.problem, draft.rows
    weight_k = weights(table)
    there_sg = displaced(table)
    by_area_sk = open_links(table)
    new: dict[tuple[int, int], int] = {}
    arriving: dict[tuple[int, int, int], int] = {}
    for g, k in enumerate(table.shape_g.tolist()):
        count = int(table.new_g[g])
        if count:
            areas = np.flatnonzero(table.enter_ka[k]).tolist()
            for a in areas:
                new[g, a] = rows.column(0, count)
                draft.base.setdefault((a, k), []).append((new[g, a], -1))
            left_out = draft.slack(count, int(weight_k[k]) * (1 + problem.scenarios))
            draft.row([*((new[g, a], 1) for a in areas), (left_out, 1)], low=count)
    for (_, _), terms in draft.base.items():
        draft.row(terms, low=0)
    for s in range(problem.scenarios):
        lost, spared = np.flatnonzero(problem.lost_sa[s]).tolist(), np.flatnonzero(~problem.lost_sa[s]).tolist()
        for k in range(table.shapes):
            weight = int(weight_k[k])
            members = np.flatnonzero((table.shape_g == k) & table.evacuated_sg[s]).tolist()
            most = int(table.new_g[members].sum() + there_sg[s, members].sum())
            leaving = {g: [(new[g, a], -1) for a in lost if (g, a) in new] for g in members}
            offered = [term for a in spared for term in draft.arrive.get((s, a, k), [])]
            if not by_area_sk[s, k]:
                terms = offered + [term for g in members for term in leaving[g]]
                draft.row([*terms, (draft.slack(most, weight), 1)], low=int(there_sg[s, members].sum()))
                continue
            for g in members:
                landing = []
                for a in spared:
                    if table.enter_ka[k, a]:
                        arriving[s, g, a] = rows.column(0, most)
                        draft.arrive.setdefault((s, a, k), []).append((arriving[s, g, a], -1))
                        landing.append((arriving[s, g, a], 1))
                left_out = draft.slack(most, weight)
                draft.row([*landing, *leaving[g], (left_out, 1)], low=int(there_sg[s, g]))
            for a in spared:
                draft.row(draft.arrive.get((s, a, k), []), low=0)
    return new, arriving


def _limits(
    table: Table,
    draft: _Draft,
    new: dict[tuple[int, int], int],
    arriving: dict[tuple[int, int, int], int],
) -> None:
    problem = table.problem
    dear = int(weights(table).max(initial=1))
    for limit in problem.limits:
        bundles = bundles_of(table, limit.classes)
        spared_a = ~problem.lost_sa[limit.layer] if limit.layer >= 0 else np.ones(problem.areas, bool)
        weight_a = limit.weight_a * spared_a
        constant = int(table.there_ga[bundles].sum(axis=0) @ weight_a)
        terms = []
        for g in bundles.tolist():
            for a in np.flatnonzero(weight_a).tolist():
                if (g, a) in new:
                    terms.append((new[g, a], int(weight_a[a])))
                if (limit.layer, g, a) in arriving:
                    terms.append((arriving[limit.layer, g, a], int(weight_a[a])))
        most = int(problem.count_c.sum() * np.abs(weight_a).max(initial=0)) + abs(constant) + 1
        if limit.low > -MOST:
            draft.row([*terms, (draft.slack(most + abs(limit.low), dear), 1)], low=limit.low - constant)
        if limit.high < MOST:
            draft.row([*terms, (draft.slack(most + abs(limit.high), dear), -1)], high=limit.high - constant)


def improve(
    table: Table,
    counts: Counts,
    deadline: Deadline,
    until_s: float,
    *,
    workers: int,
    seed: int,
) -> None:
    """Decide a few hosts anew, again and again, until nothing is missing or time is up.

    In turn some hosts in all layers, and more of them in a single scenario.
    """
    random = np.random.default_rng(seed)
    hosts, scenarios = len(counts.kind_i), table.problem.scenarios
    turn = 0
    while counts.missing and hosts and not deadline.over and spent(deadline) < until_s:
        layer = int(random.integers(scenarios)) if scenarios and turn % 2 else None
        width = min(_WIDTH if layer is None else 4 * _WIDTH, hosts)
        chance = _spare(table, counts) + 0.05
        chosen = random.choice(hosts, width, replace=False, p=chance / chance.sum())
        left = max(0.1, min(4.0, until_s - spent(deadline)))
        decide(
            table, counts, np.sort(chosen), deadline, seconds=left, workers=workers, seed=seed + turn, layer=layer
        )
        turn += 1
        if hosts <= _WIDTH and turn > scenarios:
            return


def _spare(table: Table, counts: Counts) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return how much room every host has left in the layer that uses it least, as a share."""
    room_ir = np.maximum(table.room_jr[counts.kind_i], 1)
    spare_i = (1.0 - counts.base_ik @ table.demand_kr / room_ir).min(axis=1)
    if table.problem.scenarios:
        spare_i[:] = 0.0
    for s in range(table.problem.scenarios):
        used_ir = (counts.base_ik + counts.arrive_sik[s]) @ table.demand_kr
        spare = (1.0 - used_ir / room_ir).min(axis=1)
        spared_i = ~table.problem.lost_sa[s, table.area_j[counts.kind_i]]
        spare_i = np.maximum(spare_i, np.where(spared_i, spare, 0.0))
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = np.clip(spare_i, 0.0, 1.0)
    return found
