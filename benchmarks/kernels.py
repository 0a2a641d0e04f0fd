"""How often per second kernels do what they do, on one core.

    python -m benchmarks.kernels [--data DIR] [--files a1_1 b_1 ...] [--seconds 1.0] [--seed 1] [-o rates.csv]

Boards come from generated regions, and with `--data` from the challenge's files there (NAME.model.txt.xz and
NAME.assignment.txt.xz). On each: shifts, swaps with anybody and swaps with like items, by annealing that accepts
nothing and by annealing that accepts everything; annealing with limits at a price, chains, searches of a few
sites, insertion of everybody from nowhere, one by one and evenly, making the state. `proposed` counts looks at a
place or partner, also where there turns out to be no room, `priced` what breaks no limit and is not refused for
its load alone, so that the change of every goal is reckoned, `made` what is made. A family's share is what pricing
gets faster without it, looks left aside. After that the kernels of packing, losses and relocation. Not measured
are those that order, size fleets, fill sites, settle a start or bound. Prints the machine, its load at the
beginning, and a table; with `-o` the same as CSV.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zonewright.models.world import World
from zonewright.solver.search.board import NO_LIMIT, Board
from zonewright.solver.search.lower import Refusal, lower_board

#: Generated regions: instances, groups, hosts, racks.
REGIONS = ((5_000, 400, 600, 30), (50_000, 4_000, 5_000, 250))
#: Moves in one call of a kernel: some 50 ms.
CALL = 50_000
#: Warmer than any change of a value: every move is accepted.
HOT = 1e300
Rate = tuple[str, float, str]


@dataclass(frozen=True)
class Case:
    """A board with a placement to begin from."""

    name: str
    board: Board
    start_i: Any


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    print(machine())
    print(f"seed {options.seed}, {options.seconds:g} s per line, one thread\n")
    rows: list[tuple[str, str, str, str]] = []
    for case in _cases(options):
        b = case.board
        print(f"{case.name}: {b.items} items, {b.sites} sites, {b.groups} groups, {len(b.resources)} resources")
        rows += _told(case.name, _search(case, options.seconds, options.seed))
    print("packing, losses, relocation")
    rows += _told("tables", _others(options.seconds, options.seed))
    if options.output is not None:
        with options.output.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("board", "kernel", "rate", "unit"), *rows])
    return 0


def machine() -> str:
    """Return what figures depend on: processor, cores, versions, and how busy it is."""
    import numba

    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    python = platform.python_version()
    return f"{name}, {os.cpu_count()} cores{load}, python {python}, numba {numba.__version__}"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.kernels",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="a folder of the challenge's files")
    parser.add_argument("--files", nargs="+", default=["a1_1", "b_1", "b_9"])
    parser.add_argument("--regions", type=int, default=len(REGIONS), help="so many generated ones")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args(arguments)


def _told(name: str, rates: Iterator[Rate]) -> list[tuple[str, str, str, str]]:
    rows = []
    for what, rate, unit in rates:
        print(f"  {what:44} {rate:>14,.4g} {unit}" if rate < 1000 else f"  {what:44} {rate:>14,.0f} {unit}")
        rows.append((name, what, f"{rate:.6g}", unit))
    return rows


def _cases(options: argparse.Namespace) -> Iterator[Case]:
    from zonewright.instances.region import region_data
    from zonewright.models.files import estate_from_data

    for instances, groups, hosts, racks in REGIONS[: options.regions]:
        data = region_data(
            instances=instances,
            groups=groups,
            hosts=hosts,
            racks=racks,
            fill=0.9,
            seed=options.seed,
            in_place=True,
        )
        yield _case(f"region {instances:,} on {hosts:,}", World(estate_from_data(data)))
    if options.data is not None:
        from zonewright.instances.roadef2012 import read_reassignment

        for name in options.files:
            paths = [options.data / f"{name}.{kind}.txt.xz" for kind in ("model", "assignment")]
            yield _case(name, World(read_reassignment(*paths).estate))


def _case(name: str, world: World) -> Case:
    board = lower_board(world)
    if isinstance(board, Refusal):
        raise SystemExit(f"{name} cannot be searched: {board.text}")
    start_i = np.where(board.home_i >= 0, board.home_i, board.sites).astype(np.int32)
    return Case(name, board, start_i)


def _search(case: Case, seconds: float, seed: int) -> Iterator[Rate]:
    """Measure the kernels of search on one board."""
    from zonewright.solver.search.options import near_items, options_of
    from zonewright.solver.search.state import FAMILIES, facts_of, make_state

    board = case.board
    make_state(facts_of(board), case.start_i)
    began = time.perf_counter()
    facts, options = facts_of(board), options_of(board)
    state = make_state(facts, case.start_i)
    yield "facts and state", board.items / (time.perf_counter() - began), "items/s"
    alike = replace(options, near_ix=near_items(board, state.room_nr))
    kinds = [("shift", 0.0, options), ("swap", 1.0, options)]
    if alike.near_ix.shape[1]:
        kinds.append(("swap with like", 1.0, alike))
    for what, share, chosen in kinds:
        yield from _annealed(f"{what}, none accepted", facts, chosen, state, 0.0, share, seconds, seed)
    full = _priced(facts, case.start_i, seconds, seed)
    for family, bit in FAMILIES.items():
        if facts.has & bit:
            from zonewright.solver.search.state import without

            less = _priced(without(facts, family), case.start_i, seconds / 4, seed)
            yield f"shift: share of {family}", 100 * (1 - full / less), "% of the time"
    for what, share, chosen in kinds:
        state = make_state(facts, case.start_i)
        yield from _annealed(f"{what}, all accepted", facts, chosen, state, HOT, share, seconds, seed)
    yield from _relaxed(facts, options, case.start_i, seconds, seed)
    yield from _arranged(board, facts, options, make_state(facts, case.start_i), seconds, seed)
    yield from _inserted(board, facts, options, seed)


def _annealed(
    what: str, facts: Any, options: Any, state: Any, heat: float, swaps: float, seconds: float, seed: int
) -> Iterator[Rate]:
    from zonewright.solver.search.kernels.anneal import anneal
    from zonewright.solver.search.walk import ACCEPTED, PRICED, PROPOSED, make_walk

    walk = make_walk(facts, state, seed, swaps=swaps)
    walk.heat_k[:] = heat
    if heat == 0.0:
        # At a local optimum nothing is accepted: what is left is pricing.
        _timed(lambda: anneal(facts, state, options, walk, CALL, CALL, True), min(seconds, 1.0))
        walk.tally_x[:3] = 0
    spent = _timed(lambda: anneal(facts, state, options, walk, CALL, CALL, True), seconds)
    yield f"{what}: proposed", walk.tally_x[PROPOSED] / spent, "/s"
    yield f"{what}: priced", walk.tally_x[PRICED] / spent, "/s"
    if heat:
        yield f"{what}: made", walk.tally_x[ACCEPTED] / spent, "/s"


def _relaxed(facts: Any, options: Any, start_i: Any, seconds: float, seed: int) -> Iterator[Rate]:
    """Measure annealing with limits at a price, at a local optimum: next to nothing is accepted."""
    from zonewright.solver.search.kernels.relax import anneal_relaxed
    from zonewright.solver.search.rooms import rooms_of
    from zonewright.solver.search.state import make_state, without
    from zonewright.solver.search.walk import PRICED, PROPOSED, make_walk

    stage = max(int(facts.load_stage_l[0]), 1)
    loose = without(facts, "capacity")
    state = make_state(loose, start_i)
    walk = make_walk(loose, state, seed)
    rooms = rooms_of(loose, state, stage)
    rooms.price_nr[:] = 1.0
    walk.heat_k[:] = 0.0

    def call() -> None:
        anneal_relaxed(loose, state, options, walk, rooms, CALL, stage, 0.0)

    _timed(call, min(seconds, 1.0))
    walk.tally_x[:3] = 0
    spent = _timed(call, seconds)
    yield "limits at a price, none accepted: proposed", walk.tally_x[PROPOSED] / spent, "/s"
    yield "limits at a price, none accepted: priced", walk.tally_x[PRICED] / spent, "/s"


def _priced(facts: Any, start_i: Any, seconds: float, seed: int) -> float:
    """Return shifts proposed per second, priced without making any."""
    from zonewright.solver.search.kernels.anneal import sample_deltas
    from zonewright.solver.search.state import make_state
    from zonewright.solver.search.walk import make_walk

    state = make_state(facts, start_i)
    walk = make_walk(facts, state, seed, swaps=0.0)
    delta_xk = np.zeros((CALL, facts.stages), np.int64)
    calls = [0]

    def call() -> None:
        sample_deltas(facts, state, walk, CALL, delta_xk, False)
        calls[0] += 1

    spent = _timed(call, seconds)
    return calls[0] * CALL / spent


def _arranged(board: Board, facts: Any, options: Any, state: Any, seconds: float, seed: int) -> Iterator[Rate]:
    """Measure chains and searches of a few sites."""
    from zonewright.solver.search.kernels.eject import rearrange
    from zonewright.solver.search.kernels.neighbourhood import neighbourhoods
    from zonewright.solver.search.walk import make_walk

    walk = make_walk(facts, state, seed)
    counts_x = np.zeros(4, np.int64)
    spent = _timed(lambda: rearrange(facts, state, options, walk, 500, 8, 4, 1, options.item_x, counts_x), seconds)
    yield "chains of up to 4: tried", counts_x[0] / spent, "/s"
    wanted = min(3, board.sites)
    counts_x = np.zeros(3, np.int64)
    spent = _timed(lambda: neighbourhoods(facts, state, options, walk, 4, wanted, 10, 1_000, counts_x), seconds)
    yield f"{wanted} sites decided anew", counts_x[0] / spent, "/s"
    yield f"{wanted} sites decided anew: nodes", counts_x[2] / spent, "/s"


def _inserted(board: Board, facts: Any, options: Any, seed: int) -> Iterator[Rate]:
    """Measure the first placement: everybody from nowhere, large ones first, 64 sites compared for each."""
    from zonewright.solver.search.kernels.construct import insert_each
    from zonewright.solver.search.kernels.even import insert_evenly
    from zonewright.solver.search.state import make_state
    from zonewright.solver.search.walk import make_walk

    state = make_state(facts, np.full(board.items, board.sites, np.int32))
    walk = make_walk(facts, state, seed)
    limit_nr = board.limit_nr[: board.sites].astype(float)
    mean_r = np.where(limit_nr < NO_LIMIT, limit_nr, np.inf).mean(axis=0)
    order_x = np.argsort(-(board.demand_ir / np.maximum(mean_r, 1)).max(axis=1), kind="stable").astype(np.int32)
    began = time.perf_counter()
    placed = insert_each(facts, state, options, walk, order_x, 0, board.items, 64, True, False)
    spent = time.perf_counter() - began
    yield "insertion", board.items / spent, "items/s"
    yield "insertion: placed", 100.0 * placed / board.items, "%"
    state = make_state(facts, np.full(board.items, board.sites, np.int32))
    walk = make_walk(facts, state, seed)
    weight_r = np.ascontiguousarray(1.0 / np.maximum(board.demand_ir.mean(axis=0), 1e-9))
    began = time.perf_counter()
    placed = insert_evenly(facts, state, options, walk, order_x, 0, board.items, 64, weight_r)
    spent = time.perf_counter() - began
    yield "even insertion", board.items / spent, "items/s"
    yield "even insertion: placed", 100.0 * placed / board.items, "%"


def _others(seconds: float, seed: int) -> Iterator[Rate]:
    """Measure packing, losses and relocation on 600 hosts at 90 %."""
    rng = np.random.default_rng(seed)
    hosts, classes, items, racks = 600, 120, 5_000, 30
    demand_cr = rng.integers(1, 17, (classes, 2)) * 1_000
    class_i = rng.integers(0, classes, items)
    size_r = demand_cr[class_i].sum(axis=0) / (0.9 * hosts)
    capacity_sr = np.tile(np.ceil(size_r).astype(np.int64), (hosts, 1))
    rack_s = np.arange(hosts) % racks
    yield from _packed(class_i, demand_cr, capacity_sr, rack_s, racks, seconds, seed)
    yield from _relocated(class_i, demand_cr, capacity_sr, seconds)


def _packed(
    class_i: Any, demand_cr: Any, capacity_sr: Any, rack_s: Any, racks: int, seconds: float, seed: int
) -> Iterator[Rate]:
    from zonewright.solver.kernels import packing
    from zonewright.solver.kernels.evacuation import seat_displaced

    items, (hosts, _), classes = len(class_i), capacity_sr.shape, len(demand_cr)
    site_i, position_i = np.full(items, -1, np.int64), np.zeros(items, np.int64)
    slot_sk, fill_s, use_sr = np.zeros((hosts, 200), np.int64), np.zeros(hosts, np.int64), 0 * capacity_sr
    group_c, none_c = np.arange(classes), np.zeros(classes, np.int64)
    count_ga = np.zeros((classes, racks), np.int64)
    weight_r = 1.0 / demand_cr[class_i].mean(axis=0)
    free_cs = np.ones((classes, hosts), bool)
    rules = (class_i, group_c, free_cs, none_c, none_c, rack_s, count_ga)
    places = (site_i, slot_sk, fill_s, position_i, use_sr, capacity_sr, demand_cr, weight_r, *rules)
    order = np.argsort(-demand_cr[class_i].max(axis=1), kind="stable")
    began = time.perf_counter()
    packing.fill_greedily(order, *places, 0.05)
    yield "packing: first fit", items / (time.perf_counter() - began), "items/s"
    # Half the room: it never ends, so that steps can be counted.
    tight = (*places[:5], capacity_sr // 2, *places[6:])
    state, movable_i = np.array([2 * seed + 1], np.uint64), np.ones(items, bool)
    steps = [0]

    def repack() -> None:
        steps[0] += packing.repack(state, CALL, 0.3, movable_i, *tight, np.arange(hosts))

    yield "packing: steps", _counted(steps, repack, seconds), "/s"
    seats = np.array(sorted(zip(site_i.tolist(), class_i.tolist(), strict=True)), np.int64)
    start_s = np.searchsorted(seats[:, 0], np.arange(hosts + 1)).astype(np.int64)
    count_gs = np.zeros((classes, hosts), np.int32)
    np.add.at(count_gs, (seats[:, 1], seats[:, 0]), 1)
    seated = [0]

    def lose() -> None:
        total, _ = seat_displaced(
            False, start_s, np.ascontiguousarray(seats[:, 1]), np.ones(items, np.int64), np.arange(hosts),
            np.arange(hosts + 1), np.ones(classes, bool), demand_cr.max(axis=1).astype(float),
            np.zeros(hosts, np.int64), np.arange(hosts), np.array([0, hosts]),
            np.maximum(0, capacity_sr - use_sr), demand_cr, weight_r, group_c, free_cs, none_c, none_c, rack_s,
            count_gs, count_ga, items,
        )  # fmt: skip
        seated[0] += total

    yield "losses: displaced seated", _counted(seated, lose, seconds), "/s"


def _relocated(class_i: Any, demand_cr: Any, capacity_sr: Any, seconds: float) -> Iterator[Rate]:
    from zonewright.solver.relocation.problem import Relocation
    from zonewright.solver.relocation.state import place_units, state_of
    from zonewright.solver.relocation.table import lower

    classes, hosts = len(demand_cr), len(capacity_sr)
    none, free = np.zeros(0, np.int64), np.ones((1, hosts), bool)
    count_c = np.bincount(class_i, minlength=classes).astype(np.int64)
    zero_c = np.zeros(classes, np.int64)
    table = lower(
        Relocation(capacity_sr, demand_cr, count_c, zero_c, zero_c + 1, none, none, none, free, free, zero_c)
    )
    order_c = table.class_o[class_i[np.argsort(-demand_cr[class_i].max(axis=1), kind="stable")]]
    placed = [0]

    def place() -> None:
        _, left_out = place_units(state_of(table, 4 * len(class_i)), order_c, np.ones(2))
        placed[0] += len(class_i) - left_out

    yield "relocation: displaced placed", _counted(placed, place, seconds), "/s"


def _timed(call: Callable[[], object], seconds: float) -> float:
    """Call for so long, once at least; return the seconds that it took."""
    began = time.perf_counter()
    while True:
        call()
        spent = time.perf_counter() - began
        if spent >= seconds:
            return spent


def _counted(count: list[int], call: Callable[[], object], seconds: float) -> float:
    """Return how much is counted per second."""
    spent = _timed(call, seconds)
    return count[0] / spent


if __name__ == "__main__":
    sys.exit(main())
