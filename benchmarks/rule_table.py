"""Rule by rule: the solver against brute force on random tiny estates.

    python -m benchmarks.rule_table [--seed 0] [--per-cell 30] [--rules spread survive_static] [--save FOLDER]

For every rule, estates are drawn until each of feasible, infeasible and binding (dropping the rule changes
the best plan) has at least `--per-cell`. Status and full objective are compared with an enumeration that
shares no code with the checkers or the lowering; every plan, and random placements of every estate, are
judged by both. Exits 1 on a mismatch.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.brute.cases import KINDS, WISHES, Case, cases
from tests.brute.duel import Checker, Claim, Raw, Solver, cell_of, difference
from tests.brute.search import solve

CELLS = ("feasible", "infeasible", "binding")
#: Estates drawn for a rule before it is said that a cell cannot be filled.
MOST_DRAWN = 3000


@dataclass
class Row:
    """What one rule's estates showed."""

    kind: str
    cells: Counter[str] = field(default_factory=Counter)
    drawn: int = 0
    mismatches: list[tuple[Case, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def least(self) -> int:
        """Estates in the emptiest cell."""
        return min(self.cells[name] for name in CELLS if name != "infeasible" or self.kind not in WISHES)


def placed(data: Raw, partial: bool) -> Claim:
    """What `place` says of an estate."""
    from zonewright.models import Status, World, check_plan, estate_from_data
    from zonewright.solver import place

    world = World(estate_from_data(data))
    result = place(world, workers=1, time_limit_s=20, partial=partial)
    if result.status is Status.INFEASIBLE:
        return Claim(False, True, [], None, [])
    if result.plan is None:
        return Claim(True, False, [], None, ["there is no plan"])
    report = check_plan(world, result.plan)
    faults = [f"{v.rule}: {v.message}" for v in report.violations if v.hard] + report.claims
    values = [(goal.goal, goal.value) for goal in result.objective]
    optimal = result.status is Status.OPTIMAL and all(goal.closed for goal in result.objective)
    return Claim(True, optimal, values, result.plan.model_dump(mode="json", by_alias=True), faults)


def checked(data: Raw, plans: list[Raw]) -> list[tuple[dict[str, int], list[tuple[str, int]]]]:
    """What `check_plan` says of plans: broken rules by label with their amounts, and the objective."""
    from zonewright.models import Plan, World, check_plan, estate_from_data

    world = World(estate_from_data(data))
    found = []
    for plan in plans:
        report = check_plan(world, Plan.model_validate(plan))
        totals: dict[str, int] = {}
        for violation in report.violations:
            totals[violation.label] = totals.get(violation.label, 0) + violation.amount
        found.append((totals, report.objective))
    return found


def rows(
    solver: Solver,
    checker: Checker,
    kinds: list[str],
    seed: int,
    per_cell: int,
) -> Iterator[Row]:
    """Yield a row per rule, once its cells are full."""
    for kind in kinds:
        row = Row(kind)
        start = time.perf_counter()
        for case in cases(kind, seed):
            row.drawn += 1
            answer = solve(case.data, partial=case.partial)
            row.cells[cell_of(case, answer)] += 1
            found = difference(case, answer, solver, checker)
            if found:
                row.mismatches.append((case, found))
            if row.least >= per_cell or row.drawn >= MOST_DRAWN:
                break
        row.seconds = time.perf_counter() - start
        yield row


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-cell", type=int, default=30)
    parser.add_argument("--rules", nargs="+", choices=list(KINDS), default=list(KINDS), metavar="RULE")
    parser.add_argument("--save", type=Path, help="write the estates that differ to this folder")
    options = parser.parse_args(arguments)
    print(f"{'rule':22}{'feasible':>10}{'infeasible':>12}{'binding':>9}{'mismatches':>12}{'seconds':>9}")
    bad = 0
    for row in rows(placed, checked, options.rules, options.seed, options.per_cell):
        cells = row.cells
        figures = f"{cells['feasible']:10}{cells['infeasible']:12}{cells['binding']:9}"
        print(f"{row.kind:22}{figures}{len(row.mismatches):12}{row.seconds:9.1f}", flush=True)
        bad += len(row.mismatches) + (row.least < options.per_cell)
        for case, found in row.mismatches:
            print(f"    {case.name}: {found}", file=sys.stderr)
            if options.save:
                options.save.mkdir(parents=True, exist_ok=True)
                name = case.name.replace("/", "-") + ("-partial" if case.partial else "")
                (options.save / f"{name}.json").write_text(json.dumps(case.data, indent=1))
    print("every plan agrees" if not bad else f"{bad} findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
