"""Google's machine reassignment problem (ROADEF/EURO challenge 2012) through `place`.

    python -m benchmarks.roadef2012 solve -t SECONDS -p MODEL -i ASSIGNMENT -o OUT -s SEED [--workers N] [--json]
    python -m benchmarks.roadef2012 table --data DIR --time-limit S --workers N --seeds K -o results.csv
                                          [--instances NAME ...]

`solve` has the challenge's own arguments. It reads MODEL and the initial ASSIGNMENT, plain or packed, and writes
OUT in the challenge's format within SECONDS of the start of its process, all included. It prints what the search
has derived from the instance; nothing is set per file. OUT is the initial assignment until something better is
found; where nothing is in time it stays that, exit 4. Ctrl-C ends it with the best so far.

`table` runs `solve` on every NAME.model.txt[.xz] of DIR, each in a process of its own, and judges every OUT with
`benchmarks.challenge_check`. A row that is in results.csv is not run again, so that a table may be made in parts.
`score` is 100 x (cost - reference) / initial cost, where the reference is the best of the challenge's finals
(`official_B_results.tsv` in DIR), or for instances that were not in them the best known (`results.tsv`). The
public files are those of the challenge's own site. Exits 1 where an answer does not pass or a run fails.
"""

from __future__ import annotations

import argparse
import csv
import gc
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.series import (
    Run,
    add_table,
    chosen,
    in_one_line,
    numbers_of,
    place_in_time,
    print_solve,
    run_table,
    solve_row,
)

if TYPE_CHECKING:
    from zonewright.instances.roadef2012 import Reassignment
    from zonewright.solver.result import Result

#: Kept back for writing, and for the end of the process: a share of what reading took.
_LEAST_RESERVE_S, _RESERVE_SHARE = 0.25, 0.3
COLUMNS = (
    "status",
    "cost",
    "bound",
    "reference",
    "score",
    "seconds",
    "proposals_per_s",
    "priced_per_s",
    "peak_mib",
    "feasible",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    options = _options(arguments)
    return in_one_line(solve if options.what == "solve" else table, options)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.roadef2012",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="what", required=True)
    one = kinds.add_parser("solve", help="one instance, with the challenge's arguments")
    one.add_argument("-t", dest="time_limit", type=float, required=True, metavar="SECONDS")
    one.add_argument("-p", dest="model", type=Path, required=True, metavar="MODEL")
    one.add_argument("-i", dest="assignment", type=Path, required=True, metavar="ASSIGNMENT")
    one.add_argument("-o", dest="output", type=Path, required=True, metavar="OUT")
    one.add_argument("-s", dest="seed", type=int, required=True, metavar="SEED")
    one.add_argument("--workers", type=int, default=2)
    one.add_argument("--json", action="store_true", help="print one JSON object")
    add_table(kinds)
    return parser.parse_args(arguments)


def solve(options: argparse.Namespace) -> int:
    """Read, place, write."""
    # What reading leaves behind lives to the end: nothing of it is worth collecting.
    gc.disable()
    began = time.monotonic()
    from zonewright.instances.roadef2012 import read_reassignment, write_assignment

    problem = read_reassignment(options.model, options.assignment)
    gc.freeze()
    gc.enable()
    write_assignment(problem.current_p, options.output)
    reserve = max(_LEAST_RESERVE_S, _RESERVE_SHARE * (time.monotonic() - began))
    result, found = place_in_time(problem.estate, options, reserve)
    if result.plan is not None and found:
        write_assignment(problem.machines_after(result.plan.placements), options.output)
    row = {"instance": problem.estate.estate, "seed": options.seed, **_costs(result), **solve_row(result)}
    row["parameters"] = {**_read(problem), **row["parameters"]}
    print_solve(row, as_json=options.json)
    return 0 if found else 4


def _costs(result: Result) -> dict[str, int | None]:
    """Return the challenge's cost and its bound: of the estate's only soft goal, 0 where it has none."""
    goal = next((goal for goal in result.objective if goal.goal.startswith("soft")), None)
    if result.plan is None or goal is None:
        return {"cost": None if result.plan is None else 0, "bound": None if goal is None else goal.bound}
    return {"cost": goal.value, "bound": goal.bound}


def _read(problem: Reassignment) -> dict[str, object]:
    """Return what reading has found in the instance."""
    estate = problem.estate
    found: dict[str, object] = {
        "hosts": len(estate.hosts),
        "instances": len(problem.service_p),
        "groups": len(estate.groups),
        "resources": len(estate.resource_names),
        "rules": len(estate.rules),
    }
    for rule in estate.rules:
        if rule.rule == "move_cost" and not rule.own:
            steps = ", ".join(f"{step.cost} within a {step.within}" for step in rule.steps)
            found["cost of a move"] = f"{steps or f'{len(rule.pairs)} pairs'}, {rule.beyond} beyond"
    return found


def table(options: argparse.Namespace) -> int:
    """Run what is missing of a table and print the medians."""
    models = {path.name.split(".model.txt")[0]: path for path in options.data.glob("*.model.txt*")}

    def command(name: str, seed: int, folder: Path) -> list[str]:
        return _command(models[name], seed, folder, options)

    judge = _Judge(options.data, models)
    return run_table(options, chosen(models, options.instances), command, COLUMNS, judge.row, "score")


class _Judge:
    """Judges answers from the files alone, and scores them."""

    def __init__(self, folder: Path, models: Mapping[str, Path]) -> None:
        self.models = models
        self.initial = numbers_of(folder / "initial_costs.tsv", "name", "initial")
        self.reference = references(folder)
        self.name = ""
        self.problem: Any = None

    def row(self, run: Run, found: dict[str, Any]) -> Mapping[str, object]:
        """Return a row of the table. Raises ValueError where an answer breaks a rule or its cost is wrong."""
        from benchmarks.challenge_check import Problem

        name = run.instance
        if name != self.name:
            self.name, self.problem = name, Problem(*_files(self.models[name]))
        verdict = self.problem.judge(self.problem.read(Path(run.command[-1])))
        if not verdict.feasible:
            raise ValueError(f"the answer breaks {verdict.broken}")
        if found["cost"] not in (None, verdict.cost):
            raise ValueError(f"the answer costs {verdict.cost}, {found['cost']} was said")
        initial = self.problem.judge(self.problem.initial_p).cost
        if self.initial.get(name, initial) != initial:
            raise ValueError(f"the initial assignment costs {initial}, the data says {self.initial[name]}")
        reference = self.reference.get(name)
        score = None if reference is None else f"{100 * (verdict.cost - reference) / initial:.4f}"
        return {**found, "cost": verdict.cost, "reference": reference, "score": score, "feasible": "yes"}


def _files(model: Path) -> tuple[Path, Path]:
    return model, model.with_name(model.name.replace(".model.", ".assignment."))


def _command(model: Path, seed: int, folder: Path, options: argparse.Namespace) -> list[str]:
    path, assignment = _files(model)
    command = [sys.executable, "-m", "benchmarks.roadef2012", "solve", "--json", "--workers", str(options.workers)]
    command += ["-t", f"{options.time_limit:g}", "-s", str(seed), "-p", str(path), "-i", str(assignment)]
    return [*command, "-o", str(folder / f"{path.name}.{seed}")]


def references(folder: Path) -> dict[str, int]:
    """Return the best of the finals by instance, and the best known of those that were not in them."""
    found = numbers_of(folder / "results.tsv", "instance", "best_found")
    finals = folder / "official_B_results.tsv"
    if finals.exists():
        with finals.open(encoding="utf-8", newline="") as file:
            teams = [row for row in csv.DictReader(file, delimiter="\t") if row.get("team") != "initial"]
        for name in teams[0] if teams else {}:
            costs = [int(team[name]) for team in teams if (team[name] or "").isdigit()]
            if costs and name[:1].isalpha() and name[1:].isdigit():
                found[f"{name[0].lower()}_{name[1:]}"] = min(costs)
    return found


if __name__ == "__main__":
    sys.exit(main())
