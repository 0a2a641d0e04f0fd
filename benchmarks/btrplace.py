"""BtrPlace's instances through `plan_migration`, from file to plan in BtrPlace's own format.

    python -m benchmarks.btrplace FILE [-o PLAN.json] [--objective migrations|makespan] [--json]
                                       [--time-limit S] [--workers N] [--seed N]

FILE is an instance (JSON, plain or gzipped), PLAN what BtrPlace itself would write: the model it starts from and
`actions` with id, vm, from, to, start and end. The public originals are in the repository `btrplace/scheduler` and
in those of its authors' papers. `seconds` is from the file to the plan written, `seconds_total` has the start of
the interpreter, the imports and the compiling of kernels as well. Exits 0 with a plan, 3 when none exists, 4 when
none was found, 1 on a file that is no such instance.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.process import process_start

#: What a run imports on its way: imports are not what is measured.
IMPORTED = (
    "instances.btrplace",
    "models.executor",
    "solver.migrate.plan",
    "solver.migrate.hosts",
    "solver.migrate.works",
    "solver.migrate.resources",
    "solver.migrate.writing",
    "solver.order.exact",
    "solver.order.listing",
    "solver.relocation.program",
    "solver.relocation.relocate",
)


@dataclass
class Row:
    """What one run came to."""

    file: str
    objective: str
    status: str
    """OPTIMAL when the objective is proven, FEASIBLE, INFEASIBLE with a reason, or UNKNOWN."""
    reason: str | None = None
    migrations: int | None = None
    """Live migrations, those over a third node counted twice."""
    restarts: int | None = None
    """VMs that were not running and are started."""
    relocations: int | None = None
    """Running VMs that end on another node."""
    bypasses: int | None = None
    bound: int | None = None
    """No plan has fewer migrations."""
    makespan: int | None = None
    makespan_bound: int | None = None
    """No order of these moves ends sooner."""
    gap: float | None = None
    """Of the objective: (value - bound) / value."""
    engine: str = ""
    explanation: str = ""
    seconds: float = 0.0
    seconds_total: float = 0.0


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    from zonewright.models.problems import InputError

    for name in IMPORTED:
        importlib.import_module(f"zonewright.{name}")
    _prepare(options.workers)
    # Everything lives until the plan is written: there is nothing to collect.
    gc.disable()
    began = time.monotonic()
    try:
        row = run(options.file, options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    row.seconds = round(time.monotonic() - began, 3)
    row.seconds_total = round(time.time() - process_start(), 3)
    _print(row, as_json=options.json)
    return 0 if row.makespan is not None else 3 if row.status == "INFEASIBLE" else 4


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.btrplace",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="write the plan here")
    parser.add_argument("--objective", choices=("migrations", "makespan"), default="migrations")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def _prepare(workers: int) -> None:
    """Plan a toy in which somebody has to go by a third node: what is imported or compiled late is there then."""
    from zonewright.instances.btrplace import as_estate, problem_from_data
    from zonewright.solver.migrate.plan import plan_migration

    nodes = {str(n): {"sleepingVMs": [], "runningVMs": [n] if n < 2 else []} for n in range(3)}
    mapping = {"readyVMs": [], "offlineNodes": [], "onlineNodes": nodes}
    room = {
        "id": "shareableResource",
        "rcId": "mem",
        "defCapacity": 4,
        "defConsumption": 4,
        "nodes": {},
        "vms": {},
    }
    model = {"mapping": mapping, "attributes": {"nodes": {}, "vms": {}}, "views": [room]}
    swap = [{"id": "fence", "vm": v, "nodes": [1 - v], "continuous": False} for v in range(2)]
    toy = as_estate(problem_from_data({"model": model, "constraints": swap, "objective": {"id": "minimizeMTTR"}}))
    plan_migration(toy.estate, event=toy.event, time_limit_s=5.0, workers=workers)


def run(file: Path, options: argparse.Namespace) -> Row:
    """Plan one file, write the plan if asked to, and return the figures. Raises InputError."""
    from zonewright.instances.btrplace import as_estate, read_problem, timed_actions
    from zonewright.solver.migrate.plan import plan_migration

    problem = read_problem(file)
    translated = as_estate(problem)
    row = Row(file.name, options.objective, "UNKNOWN")
    if not problem.wanted_v.any():
        return _finished(row, translated, None, timed_actions(translated, None), [], options)
    result = plan_migration(
        translated.estate,
        event=translated.event,
        order_goals=("penalty", "makespan"),
        time_limit_s=options.time_limit,
        workers=options.workers,
        seed=options.seed,
    )
    row.status, row.reason, row.engine = result.status.value, result.reason, result.engine
    row.explanation = "; ".join([*(c.message for c in result.clash), *result.blocked])[:400]
    # Whoever is left out of the target has no placement, whatever else is wrong with the order.
    left_out = [goal for goal in result.objective if goal.goal.startswith(("placed", "stopped")) and goal.value]
    if left_out:
        proven = any(goal.bound for goal in left_out)
        row.status, row.reason = ("INFEASIBLE", "no_placement") if proven else ("UNKNOWN", None)
        row.explanation = "; ".join(f"{g.value} VMs fit nowhere ({g.goal}, proven {g.bound})" for g in left_out)
        return row
    if result.reason == "no_order" and (problem.need_vr != problem.use_vr).any():
        found = _by_todays_amounts(translated, result.migration.target, options)
        if found is not None:
            actions, goals = found
            return _finished(row, translated, result.migration, actions, goals, options)
    if result.migration is None or result.reason is not None or result.migration.order_status.value == "UNKNOWN":
        return row
    actions = timed_actions(translated, result.migration)
    return _finished(row, translated, result.migration, actions, result.migration.order, options)


def _finished(
    row: Row, translated: Any, migration: Any, actions: list[Any], goals: list[Any], options: argparse.Namespace
) -> Row:
    """Fill in the figures of a plan and write it if asked to. `goals` are those of its order."""
    from zonewright.instances.btrplace import plan_data

    row.reason, row.explanation = None, ""
    _figures(row, translated, migration, actions, goals)
    if options.output is not None:
        _write(plan_data(translated.problem, actions), options.output)
    return row


def _figures(row: Row, translated: Any, migration: Any, actions: list[Any], goals: list[Any]) -> None:
    """Fill in what the plan comes to and what is proven of it."""
    problem = translated.problem
    moves = [a for a in actions if a.kind == "migrateVM"]
    ends = {a.vm: a.target for a in moves}
    row.migrations = len(moves)
    row.restarts = sum(a.kind == "bootVM" for a in actions)
    row.relocations = sum(int(problem.host_v[vm]) != target for vm, target in ends.items())
    row.bypasses = row.migrations - row.relocations
    row.makespan = max((a.end for a in actions), default=0)
    target = {goal.goal: goal for goal in migration.objective} if migration is not None else {}
    order = {goal.goal: goal for goal in goals}
    least_moves = 0 if migration is None else target["moves"].bound if "moves" in target else None
    extra = order["penalty"].bound if "penalty" in order else 0
    if least_moves is not None:
        row.bound = least_moves + (extra or 0 if _only_target(problem, list(ends), least_moves) else 0)
    row.makespan_bound = _makespan_bound(problem, actions, order.get("makespan"))
    value, bound = (
        (row.migrations, row.bound) if row.objective == "migrations" else (row.makespan, row.makespan_bound)
    )
    row.gap = None if bound is None else (value - bound) / max(1, value)
    row.status = "OPTIMAL" if row.gap == 0.0 else "FEASIBLE"


def _by_todays_amounts(translated: Any, target: Any, options: argparse.Namespace) -> tuple[list[Any], Any] | None:
    """Order the same moves as BtrPlace reads room: a VM takes at its source only what it uses today.

    An estate counts what is needed at both ends of a move, which is safe for VMs that grow and sometimes more than
    there is. None where that does not help either, or where VMs are counted, not named.
    """
    from zonewright.instances.btrplace import Timed, with_nodes
    from zonewright.models.plan import GoalValue
    from zonewright.solver.deadline import Deadline
    from zonewright.solver.order import arrange
    from zonewright.solver.order.problem import Hold, Job, OrderProblem, Task

    problem = translated.problem
    position = {f"v{problem.vms[vm]}": vm for vm in translated.named}
    ends = {position[n]: translated.host(p.site) for p in target.placements for n in p.instances}
    if len(ends) < int(problem.wanted_v.sum()):
        return None
    number: dict[Any, int] = {}
    capacity: list[int] = []
    holds: list[Any] = []

    def hold(key: Any, most: int, amount: int, since: Any, until: Any, job: int | None) -> None:
        if amount:
            if key not in number:
                number[key] = len(capacity)
                capacity.append(most)
            holds.append(Hold(number[key], amount, since, until, job))

    def room(vm: int, node: int, use_vr: Any, since: Any, until: Any, job: int | None) -> None:
        for r in range(len(problem.resources)):
            most = int(problem.capacity_nr[node, r])
            hold((node, r), most, int(use_vr[vm, r]), since, until, job)
        for s, spread in enumerate(problem.spreads):
            if spread.continuous and vm in spread.vms:
                hold((node, "spread", s), 1, 1, since, until, job)

    kinds: list[Any] = []
    tasks: list[Any] = []
    for vm, node in sorted(ends.items()):
        source, job = int(problem.host_v[vm]), len(tasks)
        if source == node:
            room(vm, node, np.minimum(problem.use_vr, problem.need_vr), None, None, None)
            continue
        seconds = int(problem.boot_v[vm]) if source < 0 else problem.seconds(vm, source, node)
        ready = 0 if problem.online_n[node] else int(problem.boot_n[node])
        kinds.append(("bootVM" if source < 0 else "migrateVM", vm, source if source >= 0 else None, node))
        tasks.append(Task(seconds, job, earliest=ready))
        room(vm, node, problem.need_vr, (job, "start"), None, job)
        if source >= 0:
            room(vm, source, problem.use_vr, None, (job, "end"), job)
            for channel in problem.network.path(source, node) if problem.network is not None else ():
                width = problem.network.bandwidth(source, node)
                most = problem.network.channels[channel].capacity
                hold(("channel", channel), most, width, (job, "start"), (job, "end"), job)
    order = OrderProblem(tuple(Job() for _ in tasks), tuple(tasks), (), tuple(holds), tuple(capacity))
    deadline = Deadline(options.time_limit)
    found = arrange(order, deadline, workers=options.workers, seed=options.seed, objective=("penalty", "makespan"))
    if found.status not in ("OPTIMAL", "FEASIBLE"):
        return None
    actions = [
        Timed(kind, start, start + task.duration, vm, source, node)
        for (kind, vm, source, node), task, start in zip(kinds, tasks, found.start_t, strict=True)
        if start is not None
    ]
    goals = [
        GoalValue(goal=stage, value=value, bound=bound)
        for stage, value, bound in zip(found.stages, found.values, found.bounds, strict=True)
    ]
    return with_nodes(problem, actions), goals


def _only_target(problem: Any, moved: list[int], least_moves: int) -> bool:
    """Return whether no other target moves as little: all that move have to, to the one node that they may use."""
    rows = [int(problem.reach_v[vm]) for vm in moved]
    forced = all(
        row >= 0 and len(problem.reach[row]) == 1 and int(problem.host_v[vm]) not in problem.reach[row]
        for vm, row in zip(moved, rows, strict=True)
    )
    return forced and len(moved) == least_moves


def _makespan_bound(problem: Any, actions: list[Any], goal: Any) -> int:
    """Return a second before which no order of these actions ends.

    That of the order, and what nodes need to be switched off once the last of all has left; and each alone.
    """
    alone = max((a.end - a.start for a in actions), default=0)
    moves = [a for a in actions if a.kind == "migrateVM"]
    if goal is None or goal.bound is None or not moves:
        return alone
    off = [int(problem.shutdown_n[a.source]) if problem.stops_n[a.source] else 0 for a in moves]
    return max(alone, goal.bound + (min(off) if len(moves) == len(actions) - _nodes(actions) else 0))


def _nodes(actions: list[Any]) -> int:
    return sum(a.vm is None for a in actions)


def _write(plan: dict[str, Any], path: Path) -> None:
    from pydantic_core import to_json

    path.write_bytes(to_json(plan))


def _print(row: Row, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(row)))
        return
    for name, value in asdict(row).items():
        if value not in (None, ""):
            print(f"{name:16} {value}")


if __name__ == "__main__":
    sys.exit(main())
