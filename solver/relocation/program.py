"""A relocation as columns and rows by class and host: exact for every rule, for what is small enough.

Columns: how many of an entry stay, how many of a class enter a host, how many of a class are stopped; booleans for
companies. Stages in the order of the values. Axes as in `table.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from zonewright.models.plan import BoundWitness
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.exact import StageProof, solve_exact
from zonewright.solver.relocation.problem import Ints, Relocation
from zonewright.solver.relocation.table import APART, LIMIT, TOGETHER, Table, lower
from zonewright.solver.rows import Matrix, Rows, Stage
from zonewright.solver.witness import OTHER_SEED, evaluate_one, witness_data

#: Seconds for repeating a search when a bound is evaluated again.
RESEARCH_S = 60.0


@dataclass(frozen=True)
class Program:
    """The rows, the stages, and what the columns mean."""

    matrix: Matrix
    stages: list[Stage]
    stay_n: Ints
    """Column of every entry, -1 where none of it can stay."""
    enter_class_j: Ints
    enter_host_j: Ints
    enter_j: Ints
    """Columns of entering: class, host, index."""
    stop_c: Ints
    """Column of who is stopped, -1 where none of the class run."""
    presences: tuple[tuple[int, tuple[int, ...]], ...]
    """(boolean, columns) of every presence."""

    def placement(self, table: Table, x_j: Ints) -> tuple[Ints, Ints, Ints]:
        """Return who is where in a solution: class, host, count, merged classes."""
        some = self.stay_n >= 0
        class_n = np.concatenate([table.class_n[some], self.enter_class_j])
        host_n = np.concatenate([table.host_n[some], self.enter_host_j])
        count_n = np.concatenate([x_j[self.stay_n[some]], x_j[self.enter_j]])
        key, where = np.unique(class_n * max(table.hosts, 1) + host_n, return_inverse=True)
        total = np.bincount(where, count_n, len(key)).astype(np.int64)
        used = total > 0
        return key[used] // max(table.hosts, 1), key[used] % max(table.hosts, 1), total[used]

    def solution(self, table: Table, start: tuple[Ints, Ints, Ints]) -> Ints:
        """Return the columns' values of a placement."""
        x_j = np.zeros(self.matrix.shape[1], np.int64)
        hosts = max(table.hosts, 1)
        there = dict(zip((start[0] * hosts + start[1]).tolist(), start[2].tolist(), strict=True))
        for key, j, k in zip(
            (table.class_n * hosts + table.host_n).tolist(),
            self.stay_n.tolist(),
            table.count_n.tolist(),
            strict=True,
        ):
            if j >= 0 and key in there:
                x_j[j] = min(k, there[key])
                there[key] -= int(x_j[j])
        for key, j in zip(
            (self.enter_class_j * hosts + self.enter_host_j).tolist(), self.enter_j.tolist(), strict=True
        ):
            x_j[j] = there.get(key, 0)
        placed_c = np.bincount(start[0], start[2], table.classes).astype(np.int64)
        some = self.stop_c >= 0
        x_j[self.stop_c[some]] = np.maximum(table.running_c - placed_c, 0)[some]
        for j, columns in self.presences:
            x_j[j] = int(x_j[list(columns)].any())
        return x_j


def columns_needed(table: Table) -> int:
    """Return about how many columns the program has."""
    open_m = table.enter_mh.sum(axis=1)
    return int(open_m[table.mask_c].sum()) + len(table.count_n)


def program_of(table: Table, only: Ints | None = None) -> Program:
    """Lower a table into rows; with `only`, just who of these entries stays, and the moves.

    That is a relaxation: rules about others are left out, and nobody needs a new place.
    """
    concerned = set(range(len(table.count_n)) if only is None else only.tolist())
    rows = Rows()
    company = _company_classes(table)
    stay_n = np.full(len(table.count_n), -1, np.int64)
    here: list[list[tuple[int, int]]] = [[] for _ in range(table.hosts)]
    of_class: list[list[tuple[int, int]]] = [[] for _ in range(table.classes)]
    for n, (c, h, k) in enumerate(
        zip(table.class_n.tolist(), table.host_n.tolist(), table.count_n.tolist(), strict=True)
    ):
        if (c, h) in company or n not in concerned:
            continue
        j = rows.column(0, k)
        stay_n[n] = j
        here[h].append((c, j))
        of_class[c].append((h, j))
    enter: list[tuple[int, int, int]] = []
    for c in range(table.classes) if only is None else ():
        demand_r = table.demand_cr[c]
        open_h = table.enter_mh[table.mask_c[c]] & (table.count_c[c] > 0)
        needs = demand_r > 0
        if needs.any():
            most_h = (table.capacity_hr[:, needs] // demand_r[needs]).min(axis=1)
        else:
            most_h = np.full(table.hosts, table.count_c[c])
        for h in np.flatnonzero(open_h & (most_h > 0)).tolist():
            if (c, h) in company:
                continue
            j = rows.column(0, int(min(table.count_c[c], most_h[h])))
            enter.append((c, h, j))
            here[h].append((c, j))
            of_class[c].append((h, j))
    _capacities(table, rows, here)
    presences = _tallies(table, rows, of_class)
    stages, stop_c = _stages(table, rows, of_class, stay_n)
    if only is not None:
        others_n = np.ones(len(table.count_n), bool)
        others_n[only] = False
        stages = stages[-1:]
        stages[0].constant -= int((table.weight_c[table.class_n] * table.count_n)[others_n].sum())
    found = np.array(enter, np.int64).reshape(-1, 3)
    return Program(rows.matrix(), stages, stay_n, found[:, 0], found[:, 1], found[:, 2], stop_c, presences)


def _company_classes(table: Table) -> set[tuple[int, int]]:
    """Return the (class, host) pairs that are impossible: together, on a host in no domain."""
    found: set[tuple[int, int]] = set()
    members = table.members() if np.any(table.kind_t == TOGETHER) else []
    for t in np.flatnonzero(table.kind_t == TOGETHER).tolist():
        outside = np.flatnonzero(table.domain_qh[table.partition_t[t]] < 0).tolist()
        found.update((c, h) for c in members[t] for h in outside)
    return found


def _capacities(table: Table, rows: Rows, here: list[list[tuple[int, int]]]) -> None:
    resources = table.capacity_hr.shape[1]

    def row(cells: list[tuple[int, int]], r: int, limit: int) -> None:
        used = [(j, int(table.demand_cr[c, r])) for c, j in cells if table.demand_cr[c, r]]
        if sum(d * rows.high[j] for j, d in used) > limit:
            rows.row([j for j, _ in used], [d for _, d in used], high=limit)

    for h in range(table.hosts):
        for r in range(resources):
            row(here[h], r, int(table.capacity_hr[h, r]))
    for b in range(len(table.partition_b)):
        domain_h = table.domain_qh[table.partition_b[b]]
        end = int(table.room_start_b[b + 1]) if b + 1 < len(table.room_start_b) else len(table.room_xr)
        for d in range(end - int(table.room_start_b[b])):
            cells = [cell for h in np.flatnonzero(domain_h == d).tolist() for cell in here[h]]
            for r in range(resources):
                row(cells, r, int(table.room_xr[table.room_start_b[b] + d, r]))


def _tallies(
    table: Table, rows: Rows, of_class: list[list[tuple[int, int]]]
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Add the rows of limits and companies; return the booleans for presence with their columns."""
    members = table.members()
    presences: dict[int, tuple[int, ...]] = {}

    def present(columns: list[int]) -> int:
        j = rows.presence(columns)
        if j not in columns:
            presences[j] = tuple(columns)
        return j

    def per_domain(t: int) -> dict[int, list[int]]:
        domain_h = table.domain_qh[table.partition_t[t]]
        found: dict[int, list[int]] = {}
        for c in members[t]:
            for h, j in of_class[c]:
                if domain_h[h] >= 0:
                    found.setdefault(int(domain_h[h]), []).append(j)
        return found

    for t, kind in enumerate(table.kind_t.tolist()):
        if kind == LIMIT:
            for d, columns in sorted(per_domain(t).items()):
                if rows.most(columns) > table.most(t, d):
                    rows.row(columns, [1] * len(columns), high=table.most(t, d))
        elif kind == TOGETHER:
            booleans = [present(columns) for _, columns in sorted(per_domain(t).items())]
            if len(booleans) > 1:
                rows.row(booleans, [1] * len(booleans), high=1)
        elif kind == APART and t < table.partner_t[t]:
            other = per_domain(int(table.partner_t[t]))
            for d, columns in sorted(per_domain(t).items()):
                if d in other:
                    rows.row([present(columns), present(other[d])], [1, 1], high=1)
    return tuple(presences.items())


def _stages(
    table: Table, rows: Rows, of_class: list[list[tuple[int, int]]], stay_n: Ints
) -> tuple[list[Stage], Ints]:
    stop_c = np.full(table.classes, -1, np.int64)
    priorities = np.unique(table.priority_c)[::-1].tolist()
    stopped = Stage("stopped")
    unplaced = {p: Stage(f"unplaced {p}") for p in priorities}
    moves = Stage("moves", constant=int((table.running_c * table.weight_c).sum()))
    for c in range(table.classes):
        columns = [j for _, j in of_class[c]]
        count, running = int(table.count_c[c]), int(table.running_c[c])
        if columns:
            rows.row(columns, [1] * len(columns), high=count)
        stage = unplaced[int(table.priority_c[c])]
        stage.constant += count
        for j in columns:
            stage.add(j, -1)
        if running:
            stop = rows.column(0, running)
            stop_c[c] = stop
            stopped.add(stop, 1)
            rows.row([*columns, stop], [1] * (len(columns) + 1), low=running)
    for c, j in zip(table.class_n.tolist(), stay_n.tolist(), strict=True):
        if j >= 0:
            moves.add(j, -int(table.weight_c[c]))
    return [stopped, *unplaced.values(), moves], stop_c


def solve_program(
    table: Table,
    deadline: Deadline,
    *,
    workers: int,
    seed: int,
    start: tuple[Ints, Ints, Ints] | None,
    share: float,
) -> tuple[tuple[Ints, Ints, Ints] | None, list[dict[str, Any] | None]]:
    """Return the best placement of merged classes, and per stage what proves its bound (None: nothing)."""
    program = program_of(table)
    hint = program.solution(table, start) if start is not None else None
    outcome = solve_exact(
        cast(Any, program), deadline, workers=workers, seed=seed, news=_mute, hint=hint, share=share
    )
    if outcome.x_j is None:
        return None, []
    return program.placement(table, outcome.x_j), [_proof_data(proof) for proof in outcome.proofs]


def solve_keeping(table: Table, entries: Ints, deadline: Deadline) -> tuple[Ints | None, dict[str, Any] | None]:
    """Return how many of these entries leave at least, so that who stays breaks no rule, and what proves it."""
    program = program_of(table, entries)
    hint = np.zeros(program.matrix.shape[1], np.int64)
    outcome = solve_exact(cast(Any, program), deadline, workers=1, seed=0, news=_mute, hint=hint, share=0.3)
    if outcome.x_j is None:
        return None, None
    stay_n = np.where(program.stay_n >= 0, outcome.x_j[program.stay_n], 0)
    return table.count_n[entries] - stay_n[entries], _proof_data(outcome.proofs[0])


def _proof_data(proof: StageProof | None) -> dict[str, Any] | None:
    if proof is None:
        return None
    return {"kind": proof.kind, "bound": proof.bound, "data": witness_data(proof)}


def _mute(engine: str, goal: str, value: int | None, bound: int | None, message: str) -> None:
    """Say nothing."""


def program_bound(problem: Relocation, stages: list[dict[str, Any]], values: list[int], number: int) -> int:
    """Return the bound that a proof over the program proves for a stage, 0 where it does not.

    Multipliers and trees are evaluated exactly; what only a search proved is searched for again with another seed.
    """
    data = stages[number]
    if data["kind"] == "keeping":
        table = lower(problem)
        only = np.array(data["entries"], np.int64)
        if np.any(only < 0) or len(np.unique(only)) < len(only):
            return 0
        return _evaluated(program_of(table, only), [data["proof"]], [], 0)
    return _evaluated(program_of(lower(problem)), stages, values, number)


def _evaluated(program: Program, stages: list[dict[str, Any]], values: list[int], number: int) -> int:
    names = [stage.goal for stage in program.stages]
    witnesses = {
        name: BoundWitness(goal=name, kind=data["kind"], bound=int(data["bound"]), data=data["data"])
        for name, data in zip(names, stages, strict=True)
        if "data" in data
    }
    finding = evaluate_one(
        cast(Any, program),
        witnesses[names[number]],
        witnesses,
        dict(zip(names, values, strict=False)),
        Deadline(RESEARCH_S),
        OTHER_SEED,
        1,
    )
    return finding.bound if finding.confirmed else 0
