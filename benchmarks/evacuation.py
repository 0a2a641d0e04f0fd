"""Evacuate a zone that has failed: from a file to where everybody is to be, with as few moves as can be.

    python -m benchmarks.evacuation FILE [-o OUT.json] [--time-limit S] [--workers N] [--json]
                                         [--seed N] [--check-bound]

FILE is JSON, plain or gzipped: see `zonewright.instances.evacuation`. OUT maps every instance to its host, null
where it has none. The answer is checked against FILE by itself, with nothing of ours; with `--check-bound` the
bounds are evaluated again, as `zonewright check --bound` does. `seconds` is from the file to the answer written,
without the start of the interpreter, imports, and compiling kernels once (two toys are evacuated before);
`seconds_total` is all of it up to there. Exits 0 when everybody has a host, 5 when somebody is left behind, 4 when
nothing was found in time, 1 on a file that is no evacuation or an answer or bound that does not pass.
"""

from __future__ import annotations

import argparse
import builtins
import gc
import gzip
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.process import process_start


@dataclass
class Row:
    """What one run came to."""

    file: str
    instances: int
    hosts: int
    displaced: int
    status: str
    """OPTIMAL when it is proven that no answer is better."""
    moves: int | None = None
    """Instances on another host than before, those of the failed zone included."""
    extra_moves: int | None = None
    """Survivors among them."""
    bound: int | None = None
    """No answer that leaves as few behind has fewer moves."""
    extra_bound: int | None = None
    left_behind: int | None = None
    gap: float | None = None
    """(extra_moves - extra_bound) / extra_bound; 0 where they meet."""
    engine: str = ""
    checked: str = ""
    """`valid`, or the first thing wrong."""
    bound_checked: bool | None = None
    """Whether every bound was confirmed, where that was asked for."""
    compiled: int = 0
    """Kernels that had to be compiled: the first run after an installation has some."""
    seconds: float = 0.0
    seconds_total: float = 0.0


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    # One problem and the end: nothing is worth collecting.
    gc.disable()
    import zonewright.instances.evacuation
    import zonewright.solver.migrate.hosts
    import zonewright.solver.migrate.plan
    import zonewright.solver.migrate.writing  # noqa: F401  (imports are not what is measured)
    from zonewright.models.problems import InputError

    try:
        row = run(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _print(row, as_json=options.json)
    if row.moves is None:
        return 4
    if row.checked != "valid" or row.bound_checked is False:
        return 1
    return 5 if row.left_behind else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evacuation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="write where every instance is to be here")
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check-bound", action="store_true", help="evaluate the bounds again afterwards")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> Row:
    """Read, plan, write; then check."""
    from zonewright.instances.evacuation import read_evacuation
    from zonewright.solver.migrate.plan import plan_migration

    with _compiling() as compiled:
        _prepare(options.workers)
    began = time.monotonic()
    with _importing() as imported:
        problem = read_evacuation(options.file)
        result = plan_migration(
            problem.estate,
            event=problem.event,
            order=False,
            time_limit_s=max(0.1, options.time_limit - (time.monotonic() - began)),
            workers=options.workers,
            seed=options.seed,
        )
        plan = result.migration.target if result.migration is not None else None
        answer = problem.hosts_after(plan.placements) if plan is not None else {}
        if options.output is not None and plan is not None:
            _write(options.output, answer)
    seconds = time.monotonic() - began - imported[0]
    total = time.time() - process_start()
    data = json.loads(_text(options.file))
    lost = {host["id"] for host in data["hosts"] if host["zone"] == data["failed_zone"]}
    displaced = sum(instance["host"] in lost for instance in data["instances"])
    row = Row(str(options.file), len(data["instances"]), len(data["hosts"]), displaced, result.status.value)
    row.engine, row.compiled = result.engine, compiled[0]
    row.seconds, row.seconds_total = round(seconds, 3), round(total, 3)
    if plan is None:
        return row
    row.checked = _wrong(data, answer) or "valid"
    row.left_behind = sum(host is None for host in answer.values())
    away = [i for i in data["instances"] if answer.get(i["id"]) not in (None, i["host"])]
    row.extra_moves = sum(instance["host"] not in lost for instance in away)
    row.moves = len(away)
    row.extra_bound = next((goal.bound for goal in result.objective if goal.goal == "moves"), None)
    if options.check_bound:
        row.bound_checked = _bounds_hold(problem.estate, problem.event, plan, options)
    if row.extra_bound is not None:
        row.bound = row.moves - row.extra_moves + row.extra_bound
        row.gap = (row.extra_moves - row.extra_bound) / max(1, row.extra_bound)
    return row


def _prepare(workers: int) -> None:
    """Evacuate two toys, one of which makes survivors move: what is imported or compiled late is there then."""
    from zonewright.instances.evacuation import evacuation_from_data
    from zonewright.solver.migrate.plan import plan_migration

    for size in (4, 8):
        hosts = [{"id": f"z{z}h{h}", "zone": f"z{z}", "capacity": [16, 64]} for z in range(3) for h in range(2)]
        small = [{"id": f"a{h}", "app": f"a{h}", "demand": [4, 8], "host": h} for h in ("z0h0", "z0h1", "z1h0")]
        lost = [{"id": f"b{k}", "app": f"b{k}", "demand": [size + 5, 20], "host": f"z2h{k % 2}"} for k in range(4)]
        data = {"failed_zone": "z2", "resources": ["cpu", "memory_gib"], "hosts": hosts}
        toy = evacuation_from_data({**data, "instances": [*small, *lost]})
        plan_migration(toy.estate, event=toy.event, order=False, time_limit_s=5.0, workers=workers)


def _bounds_hold(estate: Any, event: Any, plan: Any, options: argparse.Namespace) -> bool:
    """Evaluate every bound again, on the estate as the event leaves it."""
    from zonewright.models.aftermath import aftermath
    from zonewright.models.world import World
    from zonewright.solver.witness import verify_bound

    after = aftermath(World(estate), event)
    findings = verify_bound(after.world, plan, time_limit_s=options.time_limit, workers=options.workers)
    return all(finding.confirmed for finding in findings)


def _wrong(data: dict[str, Any], answer: dict[str, str | None]) -> str | None:
    """Return the first thing that an answer breaks of what the file asks for.

    What is exceeded by those who were there already may stay so, and get no worse.
    """
    hosts = {host["id"]: host for host in data["hosts"]}
    by_app: dict[str, list[dict[str, Any]]] = {}
    for instance in data["instances"]:
        by_app.setdefault(instance["app"], []).append(instance)
        if instance["id"] not in answer:
            return f"{instance['id']} is not in the answer"
    used: dict[str, list[float]] = {}
    before: dict[str, list[float]] = {}
    for instance in data["instances"]:
        for total, host in ((used, answer[instance["id"]]), (before, instance["host"])):
            if host is not None:
                old = total.get(host, [0] * len(instance["demand"]))
                total[host] = [a + b for a, b in zip(old, instance["demand"], strict=True)]
    for host, amounts in used.items():
        if host not in hosts or hosts[host]["zone"] == data["failed_zone"]:
            return f"{host} is no host that lives"
        for amount, most, was in zip(amounts, hosts[host]["capacity"], before.get(host, amounts), strict=True):
            if amount > max(most, was) + 1e-9 * most:
                return f"{host} holds {amount:g}, at most {most:g}"
    for app, members in by_app.items():
        zone_most = -(-len(members) // 2)
        for most, domain in ((1, lambda h: h), (zone_most, lambda h: hosts[h]["zone"])):
            was = Counter(domain(m["host"]) for m in members)
            now = Counter(domain(h) for m in members if (h := answer[m["id"]]) is not None)
            for name, count in now.items():
                if count > max(most, was[name]):
                    return f"{count} of {app} in {name}, at most {most}"
    return None


def _text(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")


def _write(path: Path, answer: dict[str, str | None]) -> None:
    from zonewright.models.problems import InputError

    try:
        path.write_text(json.dumps(answer, ensure_ascii=False, indent=0) + "\n", "utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", source=str(path)) from None


@contextmanager
def _importing() -> Iterator[list[float]]:
    """Add up the seconds that modules take to be imported meanwhile: engines are imported when they are needed."""
    spent, depth, caller = [0.0], [0], threading.get_ident()
    usual = builtins.__import__

    def timed(name: str, *arguments: Any, **named: Any) -> Any:
        if depth[0] or threading.get_ident() != caller:
            return usual(name, *arguments, **named)
        depth[0] = 1
        began = time.monotonic()
        try:
            return usual(name, *arguments, **named)
        finally:
            depth[0] = 0
            spent[0] += time.monotonic() - began

    builtins.__import__ = timed
    try:
        yield spent
    finally:
        builtins.__import__ = usual


@contextmanager
def _compiling() -> Iterator[list[int]]:
    """Count the kernels that are compiled meanwhile rather than read from the cache."""
    from numba.core.event import Event, Listener, install_listener

    count = [0]

    class Counting(Listener):
        def on_start(self, event: Event) -> None:
            count[0] += 1

        def on_end(self, event: Event) -> None:
            pass

    with install_listener("numba:compile", Counting()):
        yield count


def _print(row: Row, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(row)))
        return
    for name, value in asdict(row).items():
        print(f"{name:14} {'-' if value is None else value}")
    if row.compiled:
        print(f"{row.compiled} kernels were compiled: run it again for times without that")


if __name__ == "__main__":
    sys.exit(main())
