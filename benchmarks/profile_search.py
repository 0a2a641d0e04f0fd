"""Where the time of a run goes, by engine and by kernel.

    python -m benchmarks.profile_search [ESTATE] [--data DIR --file b_1] [--time-limit 30] [--workers 1] [--seed 1]

ESTATE is a file or a shipped estate; without it a region of 5,000 instances on 600 hosts is generated, and with
`--data` a file of the challenge is read. While `place` runs, a thread looks a hundred times a second at what every
other thread is doing. Kernels run without the interpreter's lock, so that looking does not wait for them; time in
a kernel counts for the function that called it. A worker of the search does little else than call kernels, so that
all its time counts as theirs; the table of functions tells which. Threads that wait count for nothing. Percent are
of all looks at threads that did something. Prints the counters of the run, too.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.kernels import machine

#: Seconds between two looks.
LOOK_S = 0.01
#: Functions of the standard library in which a thread waits.
WAITING = {"wait", "join", "acquire", "get", "_wait_for_tstate_lock", "sleep", "select"}
#: What a module belongs to: the first that its name, without `zonewright.`, begins with.
PARTS = {
    "solver.search.kernels": "kernels of search",
    "solver.search.engines.worker": "kernels of search",
    "solver.search.bounds": "bounds",
    "solver.search.oracle": "oracle",
    "solver.search.lower": "lowering to the board",
    "solver.search": "engines of search",
    "solver.engines.hosts": "packing",
    "solver.engines.below": "losses",
    "solver.engines": "pools and exact",
    "solver.cpsat": "CP-SAT",
    "solver.linear": "linear programs",
    "solver.lowering": "lowering to the program",
    "solver.kernels": "loading kernels",
    "solver": "the rest of the solver",
    "models": "models",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    name, world = _world(options)
    print(machine())
    print(f"{name}: {options.time_limit:g} s, {options.workers} workers, seed {options.seed}")
    from zonewright.solver import place
    from zonewright.solver.kernels import cache

    cache.load()
    looks = Looks()
    with looks:
        result = place(world, time_limit_s=options.time_limit, workers=options.workers, seed=options.seed)
    values = ", ".join(f"{goal.goal} {goal.value}" for goal in result.objective)
    print(f"{result.status.value} after {result.seconds:.1f} s by {result.engine}: {values}")
    for title, counts in (("part", looks.part), ("function", looks.function)):
        print(f"\n{title:64} % of {looks.total} looks")
        for what, count in counts.most_common(20):
            print(f"{what:64} {100 * count / max(1, looks.total):6.1f}")
    stats: dict[str, Any] = getattr(result, "stats", {})
    if stats:
        print("\ncounters")
        for what, count in stats.items():
            print(f"{what:64} {count:,.6g}" if isinstance(count, float) else f"{what:64} {count:,}")
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profile_search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("estate", nargs="?")
    parser.add_argument("--data", type=Path, help="a folder of the challenge's files")
    parser.add_argument("--file", default="b_1")
    parser.add_argument("--time-limit", type=float, default=30.0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def _world(options: argparse.Namespace) -> tuple[str, Any]:
    from zonewright.models.world import World

    if options.data is not None:
        from zonewright.instances.roadef2012 import read_reassignment

        paths = [options.data / f"{options.file}.{kind}.txt.xz" for kind in ("model", "assignment")]
        return options.file, World(read_reassignment(*paths).estate)
    if options.estate is not None:
        from zonewright.cli.source import read_world

        return options.estate, read_world(options.estate)
    from zonewright.instances.region import region_data
    from zonewright.models.files import estate_from_data

    data = region_data(instances=5_000, groups=400, hosts=600, racks=30, fill=0.95, seed=options.seed)
    return "region 5,000 on 600", World(estate_from_data(data))


class Looks:
    """Looks at all threads from one of its own, while the context lasts."""

    def __init__(self) -> None:
        self.part: Counter[str] = Counter()
        self.function: Counter[str] = Counter()
        self.total = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, name="looks", daemon=True)

    def __enter__(self) -> Looks:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        own = threading.get_ident()
        while not self._end.is_set():
            time.sleep(LOOK_S)
            for thread, frame in sys._current_frames().items():
                if thread != own:
                    self._count(frame)

    def _count(self, frame: FrameType) -> None:
        if frame.f_code.co_name in WAITING and "zonewright" not in frame.f_globals.get("__name__", ""):
            return
        at: FrameType | None = frame
        while at is not None:
            module = str(at.f_globals.get("__name__", ""))
            if module.startswith("zonewright."):
                name = module.removeprefix("zonewright.")
                self.total += 1
                self.part[next((PARTS[p] for p in PARTS if name.startswith(p)), name)] += 1
                self.function[f"{name}.{at.f_code.co_qualname}"] += 1
                return
            at = at.f_back


if __name__ == "__main__":
    sys.exit(main())
