"""OptaPlanner's cloud balancing through `place`.

    python -m benchmarks.cloudbalancing solve FILE -t SECONDS -o OUT [-s SEED] [--workers N] [--json]
    python -m benchmarks.cloudbalancing table --data DIR --time-limit S --workers N --seeds K -o results.csv
                                              [--instances NAME ...]

`solve` reads FILE (JSON, plain or packed) and writes OUT, the same with the `computer` of every process, within
SECONDS of the start of its process. It prints what the search has derived from the instance. Where nothing is
found in time nothing is written, exit 4.

`table` runs `solve` on every NAME.json of DIR, each in a process of its own, and judges every OUT from FILE's own
numbers: every process has a computer, no computer takes more than it has. A row that is in results.csv is not run
again. `reference` is column `best` of DIR/results.tsv where there is such a file, and `over` by how many percent
the cost is above it; `gap` by how many percent of the cost it is above the bound. The public files are among
OptaPlanner's examples. Exits 1 where an answer does not pass or a run fails.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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

#: Kept back for writing, and for the end of the process.
_RESERVE_S = 0.25
_FIELDS = (
    ("cpuPower", "requiredCpuPower"),
    ("memory", "requiredMemory"),
    ("networkBandwidth", "requiredNetworkBandwidth"),
)
COLUMNS = (
    "status",
    "cost",
    "bound",
    "gap",
    "reference",
    "over",
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
        prog="python -m benchmarks.cloudbalancing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="what", required=True)
    one = kinds.add_parser("solve", help="one instance")
    one.add_argument("file", type=Path)
    one.add_argument("-t", "--time-limit", type=float, default=60.0, metavar="SECONDS")
    one.add_argument("-o", "--output", type=Path, required=True, metavar="OUT")
    one.add_argument("-s", "--seed", type=int, default=0)
    one.add_argument("--workers", type=int, default=2)
    one.add_argument("--json", action="store_true", help="print one JSON object")
    add_table(kinds)
    return parser.parse_args(arguments)


def solve(options: argparse.Namespace) -> int:
    """Read, place, write."""
    from zonewright.instances.cloudbalancing import read_cloudbalancing, write_cloudbalancing
    from zonewright.models.quantities import MONEY

    problem = read_cloudbalancing(options.file)
    result, found = place_in_time(problem.estate, options, _RESERVE_S)
    goal = next((goal for goal in result.objective if goal.goal == "cost"), None)
    if result.plan is not None and found:
        write_cloudbalancing(problem, problem.computers_after(result.plan.placements), options.output)
    row: dict[str, Any] = {"instance": options.file.name.split(".")[0], "seed": options.seed}
    row["cost"] = goal.value // MONEY if goal is not None and found else None
    # Computers cost whole amounts: a bound may be rounded up to one.
    row["bound"] = -(-goal.bound // MONEY) if goal is not None and goal.bound is not None else None
    print_solve({**row, **solve_row(result)}, as_json=options.json)
    return 0 if found else 4


def table(options: argparse.Namespace) -> int:
    """Run what is missing of a table and print the medians."""
    files = {path.name.split(".")[0]: path for path in options.data.glob("*.json*")}
    reference = numbers_of(options.data / "results.tsv", "instance", "best")

    def command(name: str, seed: int, folder: Path) -> list[str]:
        return _command(files[name], seed, folder, options)

    def judged(run: Run, found: dict[str, Any]) -> Mapping[str, object]:
        return _judged(files[run.instance], Path(run.command[-1]), found, reference.get(run.instance))

    return run_table(options, chosen(files, options.instances), command, COLUMNS, judged, "over")


def _command(path: Path, seed: int, folder: Path, options: argparse.Namespace) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.cloudbalancing", "solve", str(path), "--json"]
    command += ["--workers", str(options.workers), "-t", f"{options.time_limit:g}", "-s", str(seed)]
    return [*command, "-o", str(folder / f"{path.name}.{seed}")]


def _judged(path: Path, out: Path, found: dict[str, Any], reference: int | None) -> Mapping[str, object]:
    """Return a row of the table. Raises ValueError where the answer breaks a rule or its cost is wrong."""
    if found["cost"] is None:
        return {**found, "reference": reference, "feasible": "none found"}
    cost = cost_of(_data(path), _data(out))
    if found["cost"] != cost:
        raise ValueError(f"the answer costs {cost}, {found['cost']} was said")
    gap = None if found["bound"] is None else f"{100 * (cost - found['bound']) / max(1, cost):.4f}"
    over = None if reference is None else f"{100 * (cost - reference) / reference:.4f}"
    return {**found, "gap": gap, "reference": reference, "over": over, "feasible": "yes"}


def cost_of(problem: dict[str, Any], answer: dict[str, Any]) -> int:
    """Return what the computers in use cost. Raises ValueError for an answer that does not pass."""
    if {**problem, "processList": None, "score": None} != {**answer, "processList": None, "score": None}:
        raise ValueError("the answer is not of this problem")
    computers = {computer["id"]: computer for computer in problem["computerList"]}
    used: dict[int, list[int]] = {}
    for asked, placed in zip(problem["processList"], answer["processList"], strict=True):
        if {**asked, "computer": None} != {**placed, "computer": None}:
            raise ValueError(f"process {asked['id']} is not what it was")
        if placed["computer"] not in computers:
            raise ValueError(f"process {asked['id']} has no computer")
        use = used.setdefault(placed["computer"], [0] * len(_FIELDS))
        for position, (_, need) in enumerate(_FIELDS):
            use[position] += asked[need]
    for computer, use in used.items():
        for amount, (has, _) in zip(use, _FIELDS, strict=True):
            if amount > computers[computer][has]:
                raise ValueError(f"computer {computer} takes {amount} {has} of {computers[computer][has]}")
    return sum(int(computers[computer]["cost"]) for computer in used)


def _data(path: Path) -> dict[str, Any]:
    """Return a file's content, unpacked where it is packed."""
    import gzip
    import lzma

    raw = path.read_bytes()
    for first, unpack in ((b"\x1f\x8b", gzip.decompress), (b"\xfd7zXZ\0", lzma.decompress)):
        if raw.startswith(first):
            raw = unpack(raw)
    found: dict[str, Any] = json.loads(raw)
    return found


if __name__ == "__main__":
    sys.exit(main())
