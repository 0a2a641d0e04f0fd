"""A zone of a large filled estate fails, from file to file, as a user would run it.

    python -m benchmarks.zone_loss [--instances 1000000] [--groups 20000] [--fill 0.66] [--seeds 1]
    python -m benchmarks.zone_loss --estate ESTATE --fail DOMAIN

Every run is the command `zonewright migrate` in a process of its own with `--time-limit` and `--workers`; its
migration is then played through by `zonewright check --bound`. Wall time is the whole process, reading and
writing included; memory is the process's own peak. Exits 1 when a check fails.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
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
    titles = ("lost", "recovered", "moves", "bound", "actions")
    print(
        f"{'estate':28} {'status':9} {'wall s':>7} {'MiB':>6} {' '.join(f'{t:>9}' for t in titles)} {'check':>6}"
    )
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        if options.estate is not None:
            return _run(options.estate, options.fail or "z3", Path(folder), options)
        for seed in options.seeds:
            path = Path(folder) / f"filled-{seed}.json"
            command = [sys.executable, "-m", "zonewright.instances.generator", "filled", "--seed", str(seed)]
            command += ["--instances", str(options.instances), "--groups", str(options.groups)]
            command += ["--fill", str(options.fill), "--barred-share", str(options.barred_share), "-o", str(path)]
            subprocess.run(command, check=True, capture_output=True)
            failed += _run(path, options.fail or "z3", Path(folder), options)
    return 1 if failed else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.zone_loss",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--estate", type=Path, help="a file of your own instead of generated ones")
    parser.add_argument("--fail", help="the domain that fails (z3)")
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--groups", type=int, default=20_000)
    parser.add_argument("--fill", type=float, default=0.66, help="demand over all capacity (%(default)s)")
    parser.add_argument("--barred-share", type=float, default=0.3, help="groups kept out of z1 (%(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args(arguments)


def _run(path: Path, domain: str, folder: Path, options: argparse.Namespace) -> int:
    plan = folder / "migration.json"
    plan.unlink(missing_ok=True)
    command = [*COMMAND, "migrate", str(path), "--fail", domain, "-o", str(plan), "--json", "--quiet"]
    command += ["--time-limit", str(options.time_limit), "--workers", str(options.workers)]
    began = time.monotonic()
    with open(folder / "stdout", "w") as out, open(folder / "stderr", "w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if not plan.exists():
            err.seek(0)
            print(f"{path.name:28} no migration, exit {process.returncode}: {err.read().strip()[-200:]}")
            return 1
    made = json.loads(plan.read_text())
    check = subprocess.run([*COMMAND, "check", str(path), str(plan), "--bound"], capture_output=True, text=True)
    goals = {goal["goal"]: goal for goal in made["objective"]}
    moves = goals["moves"]
    lost = sum(loss["count"] for loss in made.get("losses", []))
    figures = (lost, made.get("recoveries", 0), made.get("moves", 0), moves.get("bound"), len(made["actions"]))
    shown = " ".join(f"{'-' if figure is None else figure:>9}" for figure in figures)
    mib = usage.ru_maxrss / 1024
    print(f"{path.name:28} {made['status']:9} {wall:7.1f} {mib:6.0f} {shown} {check.returncode:6}", flush=True)
    return int(check.returncode not in ((0,) if not lost else (0, 5)))


if __name__ == "__main__":
    sys.exit(main())
