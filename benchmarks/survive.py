"""Failure analysis of a large estate, as a user would run it: every zone and every pair of zones, both modes.

    python -m benchmarks.survive [--zones 3 5] [--instances 100000] [--groups 2000] [--seeds 1] [--no-recovery]

Every run is the command `zonewright survive` in a process of its own, from reading the file to writing the
document. Wall time is the whole process; memory is its own peak. Exits 1 when a run fails, or when not every
scenario was checked.
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
from typing import Any

import numpy as np

from zonewright.instances.demands import IntArray, demand_shapes, group_sizes, shapes_of_groups
from zonewright.instances.region import barring_rules

COMMAND = [sys.executable, "-m", "zonewright.cli.main"]
#: How large zones are to each other.
_WEIGHTS = (1.35, 0.8, 1.0, 0.7, 1.15, 0.9)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    print(f"machine: {platform.machine()}, {platform.system()}, python {platform.python_version()}")
    print(f"limit {options.time_limit:g} s, {options.workers} workers, load {os.getloadavg()[0]:.1f}")
    titles = (("wall s", 7), ("cpu s", 6), ("MiB", 6), ("checked", 9), ("fail", 5), ("ways back", 9))
    print(f"{'estate':26} {'lose':>4} {'mode':8} {' '.join(f'{title:>{width}}' for title, width in titles)}")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for zones in options.zones:
            for seed in options.seeds:
                data = uneven_data(instances=options.instances, groups=options.groups, zones=zones, seed=seed)
                path = Path(folder) / f"{data['estate']}.json"
                path.write_text(json.dumps(data))
                total = 0.0
                for lose in (1, 2):
                    for mode in ("static", "evacuate"):
                        wall, fault = _run(path, Path(folder), lose, mode, options)
                        total += wall
                        failed += fault
                print(f"{path.stem:26} all four together {total:7.1f} s")
    return 1 if failed else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.survive",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--zones", type=int, nargs="+", default=[3, 5])
    parser.add_argument("--instances", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=2_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--time-limit", type=float, default=30.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-recovery", action="store_true", help="without the ways back")
    return parser.parse_args(arguments)


def _run(path: Path, folder: Path, lose: int, mode: str, options: argparse.Namespace) -> tuple[float, int]:
    """Run the command once; return its wall time and whether anything is wrong."""
    document = folder / "survival.json"
    document.unlink(missing_ok=True)
    command = [*COMMAND, "survive", str(path), "--lose", str(lose), "--mode", mode, "-o", str(document), "--quiet"]
    command += ["--time-limit", str(options.time_limit), "--workers", str(options.workers)]
    command += ["--no-recovery"] if options.no_recovery else []
    began = time.monotonic()
    with open(folder / "stderr", "w+") as err:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if not document.exists():
            err.seek(0)
            print(f"{path.stem:26} no document, exit {process.returncode}: {err.read().strip()[-200:]}")
            return wall, 1
    made = json.loads(document.read_text())
    failing = sum(1 for scenario in made["scenarios"] if scenario["verdict"] != "survives")
    unsettled = sum(1 for scenario in made["scenarios"] if scenario["verdict"] == "open")
    checked = f"{made['checked']}/{made['existing']}"
    print(
        f"{path.stem:26} {lose:4} {mode:8} {wall:7.1f} {usage.ru_utime + usage.ru_stime:6.1f}"
        f" {usage.ru_maxrss // 1024:6} {checked:>9} {failing:5}"
        f" {made['recovered_for']:9}"
    )
    return wall, int(made["checked"] < made["existing"] or unsettled > 0 or process.returncode not in (0, 5))


def uneven_data(*, instances: int, groups: int, zones: int, seed: int, fill: float = 0.98) -> dict[str, Any]:
    """Generate zones of unequal size with everybody in place, the same for the same arguments.

    A fifth of the groups has data; a few of them no copy of it. A tenth is barred from one zone, a tenth has at
    most so many in a zone, a third at most a share; a third carries a load. When the largest zone is lost,
    `fill` of what remains is used.
    """
    rng = np.random.default_rng(seed)
    count_g = group_sizes(rng, instances=instances, groups=groups, largest=max(2, instances // 100))
    demand_sr = demand_shapes(rng, min(120, groups))
    demand_gr = demand_sr[shapes_of_groups(rng, demand_sr, count_g)]
    barred_g = np.full(groups, -1, dtype=np.int64)
    barred_g[rng.permutation(groups)[: groups // 10]] = rng.integers(0, zones, groups // 10)
    weight_z = np.array(_WEIGHTS[:zones])
    count_gz = _by_weight(rng, count_g, barred_g, weight_z)
    used_zr = count_gz.T @ demand_gr
    grown = used_zr.sum(axis=0) / (used_zr.sum(axis=0) - used_zr.max(axis=0)) / fill
    capacity_zr = np.ceil(used_zr * grown).astype(np.int64)
    kind_g = rng.random(groups)
    entries = [_group(rng, g, int(count_g[g]), demand_gr[g], count_gz[g], kind_g[g]) for g in range(groups)]
    return {
        "estate": f"uneven-{instances}x{groups}-z{zones}-s{seed}",
        "description": f"Generated: {instances} instances in place, {groups} groups, {zones} unequal zones",
        "regions": [{"id": "r1", "failures_per_year": 0.02, "hours_to_repair": 6}],
        "zones": [
            {
                "id": f"z{z + 1}",
                "in": "r1",
                "capacity": {"cpu_milli": int(capacity_zr[z, 0]), "memory_mib": int(capacity_zr[z, 1])},
                "failures_per_year": 0.3,
                "hours_to_repair": 4,
            }
            for z in range(zones)
        ],
        "images": [{"id": "base"}],
        "snapshots": [{"id": "nightly", "region": "r1"}],
        "groups": entries,
        "services": [
            {"id": f"service-{k:04d}", "chain": [f"app-{g:05d}" for g in range(3 * k, 3 * k + 3)], "public": True}
            for k in range(groups // 10)
        ],
        "rules": [*barring_rules(barred_g, zones), *_rules(rng, count_gz)],
    }


def _by_weight(rng: np.random.Generator, count_g: IntArray, barred_g: IntArray, weight_z: Any) -> IntArray:
    """Return `count_gz`: every group over the zones that take it, about as the zones are large."""
    open_gz = np.arange(len(weight_z))[None, :] != barred_g[:, None]
    share_gz = open_gz * weight_z * rng.uniform(0.8, 1.2, open_gz.shape)
    exact_gz = count_g[:, None] * share_gz / share_gz.sum(axis=1, keepdims=True)
    count_gz: IntArray = np.floor(exact_gz).astype(np.int64)
    rank_gz = (count_gz - exact_gz).argsort(axis=1).argsort(axis=1)
    return count_gz + (rank_gz < (count_g - count_gz.sum(axis=1))[:, None])


def _group(
    rng: np.random.Generator, g: int, count: int, demand_r: IntArray, count_z: IntArray, kind: float
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": f"app-{g:05d}",
        "count": count,
        "demand": {"cpu_milli": int(demand_r[0]), "memory_mib": int(demand_r[1])},
        "current": {f"z{z + 1}": int(n) for z, n in enumerate(count_z) if n},
        "priority": int(rng.integers(0, 3)),
    }
    if kind < 0.2:
        entry |= {"stateful": True, "snapshots": ["nightly"] if kind > 0.01 else []}
    else:
        entry["image"] = "base"
    if kind > 0.67:
        entry |= {"load": 100 * max(1, int(0.6 * count)), "throughput": 100}
    if kind > 0.9:
        entry["targets"] = {"recovery_minutes": 60, "availability": 0.999}
    return entry


def _rules(rng: np.random.Generator, count_gz: IntArray) -> list[dict[str, Any]]:
    """Return limits that hold where everybody is, and mostly after the loss of one zone."""
    rules: list[dict[str, Any]] = []
    groups, zones = count_gz.shape
    by_most: dict[int, list[str]] = {}
    for g in rng.permutation(groups)[: groups // 10].tolist():
        total = int(count_gz[g].sum())
        most = max(int(count_gz[g].max()), -(-total // max(1, zones - 1)) + 1 + total // 10)
        by_most.setdefault(most, []).append(f"app-{g:05d}")
    for most, names in sorted(by_most.items()):
        rules.append(
            {
                "rule": "anti_affinity",
                "id": f"at-most-{most}",
                "groups": sorted(names),
                "level": "zone",
                "at_most": most,
            }
        )
    share_g = count_gz.max(axis=1) / count_gz.sum(axis=1)
    even = [f"app-{g:05d}" for g in np.flatnonzero((share_g < 0.55) & (rng.random(groups) < 0.5)).tolist()]
    if even:
        rules.append({"rule": "spread", "id": "share", "groups": even, "level": "zone", "largest_share": 0.6})
    wide = [f"app-{g:05d}" for g in np.flatnonzero((count_gz > 0).sum(axis=1) > 1).tolist()]
    if wide:
        rules.append({"rule": "spread", "id": "two-zones", "groups": wide, "level": "zone", "least_domains": 2})
    return rules


if __name__ == "__main__":
    sys.exit(main())
