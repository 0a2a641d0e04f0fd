"""The first placement: whoever has a place keeps it, what is broken is mended, who is nowhere is put somewhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zonewright.solver.search.board import BROKEN, Board, Ints, Places
from zonewright.solver.search.engines.clock import LOOK_WORK, Span, left
from zonewright.solver.search.engines.shared import better
from zonewright.solver.search.engines.worker import Worker

#: Prices of sites that may be looked at in all when everybody is put somewhere; some two seconds.
LOOKS = 5_000_000
#: Sites compared for an item at least.
FEWEST_TRIES = 12
#: The same when everybody is put where room is left evenly, which is cheaper to tell.
EVEN_LOOKS, FEWEST_EVEN = 20_000_000, 60
#: Prices of sites between two looks at the clock.
BATCH = 100_000
#: Share of a solve that mending may take before the engines go on with what there is.
MENDING = 0.1
#: Slices without any gain after which mending gives up.
PATIENCE = 40
#: Items taken out one by one between two looks at the clock.
LOOK_EVERY = 1000


def start_of(board: Board, start: Places | None) -> Places:
    """Return where everybody begins: `start`, or home for who may stay there and nowhere for the others."""
    if start is not None:
        site_i = np.array(start, np.int32)
        site_i[(site_i < 0) | (site_i > board.sites)] = board.sites
        return site_i
    home_i = board.home_i
    at = np.maximum(home_i, 0)
    stays_i = (home_i >= 0) & (board.stay_i | board.enter_ps[board.profile_i, at] | board.pinned_i)
    return np.where(stays_i, home_i, board.sites).astype(np.int32)


def insertion_order(worker: Worker) -> Places:
    """Items by what it costs that they are nowhere, then by size, the largest first."""
    out_ik = worker.board.out_ik
    keys = [-worker.options.size_i, *(-out_ik[:, k].astype(float) for k in reversed(range(out_ik.shape[1])))]
    return np.lexsort(keys).astype(np.int32)


def nowhere(worker: Worker) -> Places:
    """Items that are nowhere."""
    return np.flatnonzero(worker.state.site_i == worker.board.sites).astype(np.int32)


def broken_beside(worker: Worker) -> int:
    """What is broken besides that items are nowhere."""
    missing = nowhere(worker)
    return int(worker.state.value_k[BROKEN]) - int(worker.board.out_ik[missing, BROKEN].sum())


def insert(worker: Worker) -> None:
    """Put who is nowhere to good sites, without moving anybody.

    Evenly first, where opening a site costs nothing: that wastes no room. Else to the cheapest sites; where that
    leaves more broken than filling evenly, evenly.
    """
    before_i = worker.state.site_i.copy()
    if not (before_i == worker.board.sites).any():
        return
    if not worker.board.open_nk.any():
        insert_evenly(worker)
        insert_cheaply(worker)
        return
    insert_cheaply(worker)
    if not len(nowhere(worker)):
        return
    cheap_i, cheap_k = worker.state.site_i.copy(), worker.value()
    worker.begin_at(before_i)
    insert_evenly(worker)
    if better(cheap_k, worker.state.value_k):
        worker.begin_at(cheap_i)


def _missing_in_order(worker: Worker) -> Places:
    order_x = insertion_order(worker)
    return np.ascontiguousarray(order_x[worker.state.site_i[order_x] == worker.board.sites])


def insert_evenly(worker: Worker) -> None:
    """Put who is nowhere where much room is left evenly."""
    from zonewright.solver.search.kernels import even

    order_x = _missing_in_order(worker)
    tries = int(min(max(FEWEST_EVEN, EVEN_LOOKS // max(1, len(order_x))), worker.board.sites))
    worker.parameters["sites compared per item at first"] = tries
    mean_r = worker.board.demand_ir.mean(axis=0) if worker.board.items else np.ones(len(worker.board.resources))
    weight_r = np.ascontiguousarray(1.0 / np.maximum(mean_r, 1e-9))
    for begin, end in _batches(len(order_x), tries):
        if worker.deadline.over:
            return
        even.insert_evenly(
            worker.facts, worker.state, worker.options, worker.walk, order_x, begin, end, tries, weight_r
        )
        worker.deadline.spend((end - begin) * tries * LOOK_WORK)


def insert_cheaply(worker: Worker) -> None:
    """Put who is nowhere where that costs least among some sites; all are looked at where few are missing."""
    from zonewright.solver.search.kernels.construct import insert_each

    order_x = _missing_in_order(worker)
    sites = worker.board.sites
    tries = int(min(max(FEWEST_TRIES, LOOKS // max(1, len(order_x))), sites))
    scan = len(order_x) * sites <= 4 * LOOKS
    for begin, end in _batches(len(order_x), tries):
        if worker.deadline.over:
            return
        insert_each(
            worker.facts, worker.state, worker.options, worker.walk, order_x, begin, end, tries, True, scan
        )
        worker.deadline.spend((end - begin) * tries * LOOK_WORK)


def _batches(count: int, tries: int) -> Iterator[tuple[int, int]]:
    """Cut a list into parts that take some 50 ms each."""
    size = max(1, BATCH // max(1, tries))
    return ((begin, min(begin + size, count)) for begin in range(0, count, size))


def mend(worker: Worker, span: Span) -> None:
    """Lessen what is broken by single moves, then by taking out whoever breaks anything."""
    worker.walk.heat_k[:] = 0.0
    idle = 0
    while broken_beside(worker) > 0 and not span.over and idle < PATIENCE:
        before = int(worker.state.value_k[BROKEN])
        worker.anneal(strict=False)
        idle = idle + 1 if int(worker.state.value_k[BROKEN]) >= before else 0
    if broken_beside(worker) > 0:
        take_out_breakers(worker)
        insert(worker)


def take_out_breakers(worker: Worker) -> None:
    """Take items out one by one, each where that lessens what is broken most per item, until nothing is."""
    from zonewright.solver.search.kernels.single import apply_shift_once, shift_delta_once

    facts, state, walk = worker.facts, worker.state, worker.walk
    order = insertion_order(worker)[::-1]
    beside = broken_beside(worker)
    for number, i in enumerate(order.tolist()):
        if beside <= 0 or (number % LOOK_EVERY == 0 and worker.deadline.over):
            break
        if state.site_i[i] == worker.board.sites:
            continue
        may = shift_delta_once(facts, state, i, worker.board.sites, walk.d_k, False)
        missing = int(worker.board.out_ik[i, BROKEN])
        if may and walk.d_k[BROKEN] < missing:
            beside += int(walk.d_k[BROKEN]) - missing
            apply_shift_once(facts, state, i, worker.board.sites, walk.d_k)
    worker.begin_at(state.site_i.copy())


def place_missing(worker: Worker, span: Span) -> None:
    """Force who is nowhere onto sites and re-place who must leave, until all are placed or nothing helps."""
    worker.walk.heat_k[:] = 0.0
    idle = 0
    while not span.over and idle < PATIENCE:
        missing = nowhere(worker)
        if not len(missing):
            return
        before = worker.value()
        worker.rearrange(16, 6, 1, missing)
        insert(worker)
        idle = idle + 1 if _same(before, worker.value()) else 0


def _same(a_k: Ints, b_k: Ints) -> bool:
    return bool((a_k == b_k).all())


def first(worker: Worker, start: Places | None) -> None:
    """Make the first placement and offer it, then mend and complete it."""
    worker.begin_at(start_of(worker.board, start))
    insert(worker)
    worker.forget_best()
    worker.propose("first")
    if int(worker.state.value_k[BROKEN]) > 0 or len(nowhere(worker)):
        span = Span(worker.deadline, MENDING * left(worker.deadline))
        mend(worker, span)
        place_missing(worker, span)
        worker.propose("mended")
    worker.back_to_best()
