"""Large generated estates and OpenB, from file to file, as a user would run them.

    python -m benchmarks.scale zones  [--instances 1000000] [--groups 20000] [--seeds 1 2 3] [--format json]
    python -m benchmarks.scale region [--instances 5000] [--groups 400] [--hosts 600] [--fill 0.85] [--seeds 1 2 3]
    python -m benchmarks.scale openb  NODES.csv PODS.csv

Every run is the command `zonewright place` in a process of its own with `--time-limit` and `--workers`;
its plan is then judged by `zonewright check --bound`. Wall time is the whole process, reading and writing
included; memory is the process's peak. Exits 1 when a check fails.
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

COMMAND = [sys.executable, "-m", "zonewright.cli.main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    print(f"machine: {platform.machine()}, {platform.system()}, python {platform.python_version()}")
    print(f"limit {options.time_limit:g} s, {options.workers} workers")
    print(f"{'estate':44} {'status':9} {'wall s':>7} {'MiB':>6} {'unplaced':>8} {'gap %':>10} {'check':>6}")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, path in _estates(options, Path(folder)):
            failed += _run(name, path, Path(folder), options)
    return 1 if failed else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("zones", "region", "openb"))
    parser.add_argument("files", nargs="*", type=Path, help="openb: node list and pod list")
    parser.add_argument("--instances", type=int)
    parser.add_argument("--groups", type=int)
    parser.add_argument("--hosts", type=int, default=600)
    parser.add_argument("--racks", type=int, default=30)
    parser.add_argument("--fill", type=float)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--format", choices=("json", "yaml"), default="json")
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args(arguments)


def _estates(options: argparse.Namespace, folder: Path) -> list[tuple[str, Path]]:
    """Write the estates to files, in processes of their own, and return their names and paths."""
    if options.what == "openb":
        path = folder / "openb.json"
        _quiet([sys.executable, "-m", "zonewright.instances.openb", *map(str, options.files), "-o", str(path)])
        return [("openb", path)]
    found = []
    for seed in options.seeds:
        path = folder / f"{options.what}-{seed}.{options.format}"
        command = [sys.executable, "-m", "zonewright.instances.generator", options.what, "--seed", str(seed)]
        for name in ("instances", "groups", "fill"):
            value = getattr(options, name)
            if value is not None:
                command += [f"--{name}", str(value)]
        if options.what == "region":
            command += ["--hosts", str(options.hosts), "--racks", str(options.racks)]
        _quiet([*command, "-o", str(path)])
        found.append((path.name, path))
    return found


def _quiet(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _run(name: str, path: Path, folder: Path, options: argparse.Namespace) -> int:
    plan = folder / "plan.json"
    plan.unlink(missing_ok=True)
    command = [*COMMAND, "place", str(path), "-o", str(plan), "--json", "--quiet"]
    command += ["--time-limit", str(options.time_limit), "--workers", str(options.workers)]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    wall = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    if not plan.exists():
        partial = folder / f"{name}.partial.plan.json"
        plan = partial if partial.exists() else plan
    if not plan.exists():
        print(f"{name:44} no plan, exit {done.returncode}: {done.stderr.strip()[-200:]}")
        return 1
    made = json.loads(plan.read_text())
    check = subprocess.run([*COMMAND, "check", str(path), str(plan), "--bound"], capture_output=True, text=True)
    unplaced = sum(entry["count"] for entry in made.get("unplaced", []))
    gap = _gap(made["objective"])
    shown = f"{100 * gap:10.3g}" if gap is not None else f"{'-':>10}"
    status = made["status"]
    print(f"{name:44} {status:9} {wall:7.1f} {peak:6.0f} {unplaced:8} {shown} {check.returncode:6}")
    return int(check.returncode not in ((0,) if not unplaced else (0, 5)))


def _gap(objective: list[dict[str, int]]) -> float | None:
    for goal in objective:
        if goal.get("bound") is None:
            return None
        if goal["value"] > goal["bound"]:
            return (goal["value"] - goal["bound"]) / max(1, abs(goal["value"]))
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
