"""Large regions of hosts: the first plan, the gap after a minute, and placing again after a small change.

    python -m benchmarks.large place   [--hosts 600] [--instances 5000] [--groups 400] [--racks 30] [--fill 0.95]
    python -m benchmarks.large place   --hosts 10000 --instances 100000 --groups 5000 --racks 500 --apart-in-racks
    python -m benchmarks.large again   --hosts 10000 --instances 100000 --groups 5000 --racks 500 --apart-in-racks

Times are seconds from the call of `place`, building the world, judging and writing the plan included; reading the
file is shown apart. `first plan` is when the search had its first valid placement, `in 5 s` what a run with that
limit returned. Each run is a process of its own, and its plan is judged by `zonewright check`.

`again` places a region, changes a share of its instances (half of them new, half resized) and places the result
twice: cold, as if nobody ran yet, and warm, from where the first plan put everybody. `quality` is the last goal's
value against the cold run's, `reached` when a run first had what it ends at, `near` when the last goal was first
within 0.1 % of the cold run's, with no more than three times as many moves as changes, and every other goal as at
the end.
Exits 1 when a plan fails its check or there is none.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

#: What counts as the same quality, and how many moves a change may take.
NEAR, MOST_MOVES = 0.001, 3

Run = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    if options.what == "once":
        print(json.dumps(_once(options)))
        return 0
    print(f"machine: {platform.machine()}, {platform.system()}, python {platform.python_version()}")
    print(f"limit {options.time_limit:g} s, {options.workers} workers")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return max(_of_seed(options, seed, folder) for seed in options.seeds)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("place", "again", "once"))
    parser.add_argument("file", nargs="?", type=Path, help="once: the estate to place, in this process")
    parser.add_argument("--instances", type=int, default=5_000)
    parser.add_argument("--groups", type=int, default=400)
    parser.add_argument("--hosts", type=int, default=600)
    parser.add_argument("--racks", type=int, default=30)
    parser.add_argument("--fill", type=float, default=0.95)
    parser.add_argument("--apart-in-racks", action="store_true")
    parser.add_argument("--share", type=float, default=0.01, help="again: of the instances that change")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--first-limit", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args(arguments)


def _of_seed(options: argparse.Namespace, seed: int, folder: Path) -> int:
    estate = folder / "estate.json"
    command = ["generate", "region", "-o", str(estate), "--seed", str(seed), "--fill", str(options.fill)]
    for name in ("instances", "groups", "hosts", "racks"):
        command += [f"--{name}", str(getattr(options, name))]
    _zonewright([*command, *(["--apart-in-racks"] if options.apart_in_racks else [])])
    print(f"seed {seed}: {options.instances} instances, {options.groups} groups, {options.hosts} hosts")
    plan = folder / "plan.json"
    soon = _run(options, estate, folder / "soon.json", options.first_limit)
    print(f"  in {options.first_limit:g} s   {_said(soon)}")
    whole = _run(options, estate, plan, options.time_limit)
    print(f"  in {options.time_limit:g} s  {_said(whole)}, first plan {_seconds(whole['first'])}")
    failed = not (soon["checked"] and whole["checked"])
    if options.what == "again" and whole["checked"]:
        failed |= _again(options, seed, estate, plan, folder)
    return int(failed)


def _again(options: argparse.Namespace, seed: int, estate: Path, plan: Path, folder: Path) -> bool:
    """Change the estate, place it cold and warm; say what each reached when. Returns whether one failed."""
    from zonewright.instances.changing import changed_data
    from zonewright.models import load_estate, load_plan

    data = changed_data(load_estate(estate), load_plan(plan), share=options.share, seed=seed)
    warm_file, cold_file = folder / "warm.json", folder / "cold.json"
    warm_file.write_text(json.dumps(data))
    cold_file.write_text(json.dumps(_nobody_runs(data)))
    cold = _run(options, cold_file, folder / "cold.plan.json", options.time_limit)
    warm = _run(options, warm_file, folder / "warm.plan.json", options.time_limit)
    changed = max(1, round(options.share * options.instances))
    target = cold["values"][-1] if cold["values"] else 0
    print(f"  changed {changed}")
    for name, run in (("cold", cold), ("warm", warm)):
        reached = next((s for s, values in run["history"] if values <= run["values"]), None)
        near = next((s for s, values in run["history"] if _near(run, values, target, changed)), None)
        worse = (run["values"][-1] - target) / max(1, target) if run["values"] else float("nan")
        print(
            f"  {name}      {_said(run)}, quality {100 * worse:+.4f} %, reached {_seconds(reached)},"
            f" near {_seconds(near)}, moves {run['moves']}"
        )
    return not (cold["checked"] and warm["checked"])


def _near(run: Run, values: list[int], target: int, changed: int) -> bool:
    """Return whether values on the way of a run are nearly what the cold run ends at."""
    for goal, value, ended in zip(run["goals"][:-1], values, run["values"], strict=False):
        if value > (MOST_MOVES * changed if goal == "moves" else ended):
            return False
    return values[-1] <= target * (1 + NEAR)


def _nobody_runs(data: Run) -> Run:
    """Return an estate in which nobody has a place yet."""
    groups = [{k: v for k, v in group.items() if k != "current"} for group in data["groups"]]
    instances = [{k: v for k, v in entry.items() if k != "site"} for entry in data.get("instances", [])]
    return {**data, "groups": groups, "instances": instances}


def _run(options: argparse.Namespace, estate: Path, plan: Path, time_limit: float) -> Run:
    command = [sys.executable, "-m", "benchmarks.large", "once", str(estate), "-o", str(plan)]
    command += ["--time-limit", str(time_limit), "--workers", str(options.workers)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    run: Run = json.loads(done.stdout)
    run["checked"] = plan.exists() and _zonewright(["check", str(estate), str(plan)], quiet=True) == 0
    return run


def _zonewright(arguments: list[str], *, quiet: bool = False) -> int:
    command = [sys.executable, "-m", "zonewright.cli.main", *arguments]
    return subprocess.run(command, check=not quiet, capture_output=True).returncode


def _once(options: argparse.Namespace) -> Run:
    """Place one estate in this process; return what it reached and when."""
    from zonewright.models import load_estate, save_plan
    from zonewright.solver import place

    began = time.monotonic()
    estate = load_estate(options.file)
    read_s = time.monotonic() - began
    began = time.monotonic()
    result = place(estate, time_limit_s=options.time_limit, workers=options.workers)
    if result.plan is not None and options.output is not None:
        save_plan(result.plan, options.output)
    wall_s = time.monotonic() - began
    goals = [goal.goal for goal in result.objective]
    values = [goal.value for goal in result.objective]
    return {
        "status": result.status.value,
        "gap": result.gap,
        "read_s": read_s,
        "wall_s": wall_s,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "first": result.history[0][0] if result.history else None,
        "history": [(seconds, list(found)) for seconds, found in result.history],
        "goals": goals,
        "values": values,
        "moves": values[goals.index("moves")] if "moves" in goals else None,
    }


def _said(run: Run) -> str:
    gap = f"{100 * run['gap']:.3g} %" if run["gap"] is not None else "-"
    check = "check passed" if run["checked"] else "no plan, or its check failed"
    return (
        f"{run['status']:9} gap {gap}, {check}, wall {run['wall_s']:.1f} s (read {run['read_s']:.1f} s),"
        f" {run['mib']:.0f} MiB"
    )


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
