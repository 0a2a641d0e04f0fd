# mypy: disable-error-code="no-untyped-def"
"""Kernels: run tasks event by event, always the first in a list that can start; and improve the list.

See `table.Lists` for the arrays and the letters of their axes. A list need not run: it may come to a moment where
nothing runs and nothing can start. Guards keep that away: where `guard_k` numbers the takers of a resource, they
start in that order.
"""

from __future__ import annotations

import numpy as np
from numba import boolean, int64, uint64

from zonewright.solver.kernels.cache import kernel, record
from zonewright.solver.order.table import DOWNTIME, LATE, MAKESPAN, NEVER, PENALTY, SERVICE, Lists

#: What `run` says.
DONE, STUCK, TOO_LATE = 0, 1, 2
#: States of a task: not to be looked at now, to be looked at, started.
_IDLE, _OPEN, _STARTED = 0, 1, 2

_I1, _B1 = int64[::1], boolean[::1]
_LISTS = record(Lists, _I1, windowed_t=_B1, take_check=_B1, next_by_start=_B1, exclusions=int64)


@kernel()
def _push(heap, size, key):
    """Put a key into a heap of `size` keys; returns the new size."""
    at = size
    while at > 0:
        up = (at - 1) >> 1
        if heap[up] <= key:
            break
        heap[at] = heap[up]
        at = up
    heap[at] = key
    return size + 1


@kernel()
def _pop(heap, size):
    """Take the smallest key, `heap[0]`, out; returns the new size."""
    size -= 1
    key = heap[size]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = key
    return size


@kernel()
def _opening(window_start, window_end, duration, now):
    """First second from `now` on at which a task of some duration may start in a window."""
    for w in range(window_start.shape[0]):
        start = max(now, window_start[w])
        if start + duration <= window_end[w]:
            return start
    return NEVER


@kernel()
def _wake(r, parked_r, next_parked_t, state_t):
    """Look again at every task that waits for a resource."""
    t = parked_r[r]
    if t < 0:
        return False
    while t >= 0:
        state_t[t] = _OPEN
        t = next_parked_t[t]
    parked_r[r] = -1
    return True


@kernel()
def _obstacle(take_ptr_t, take_r, take_amount, take_check, t, load_r, capacity_r, guard_k, head_r):
    """Return the resource that keeps a task from starting; -1: none."""
    for k in range(take_ptr_t[t], take_ptr_t[t + 1]):
        if take_check[k]:
            r = take_r[k]
            if load_r[r] + take_amount[k] > capacity_r[r] or (guard_k[k] >= 0 and guard_k[k] != head_r[r]):
                return r
    return -1


@kernel((_LISTS, _I1, _I1, _I1, _I1))
def run(lists, mode_j, order_t, guard_k, start_t):
    """Write a start of every task of the chosen modes into `start_t` (-1: not run); returns DONE or why not.

    `order_t` lists all tasks, the most urgent first. On STUCK, tasks without a start are those that wait.
    """
    # Arrays by themselves: reading them from the tuple in a loop would count references each time.
    duration_t, latest_t, job_t, mode_t = lists.duration_t, lists.latest_t, lists.job_t, lists.mode_t
    windowed_t, window_start, window_end = lists.windowed_t, lists.window_start, lists.window_end
    capacity_r, first_j = lists.capacity_r, lists.first_j
    begin_ptr_q, begin_r, begin_amount = lists.begin_ptr_q, lists.begin_r, lists.begin_amount
    take_ptr_t, take_r, take_amount, take_check = (
        lists.take_ptr_t,
        lists.take_r,
        lists.take_amount,
        lists.take_check,
    )
    give_ptr_t, give_r, give_amount = lists.give_ptr_t, lists.give_r, lists.give_amount
    next_ptr_t, next_t, next_lag = lists.next_ptr_t, lists.next_t, lists.next_lag
    next_by_start = lists.next_by_start
    apart_ptr_j, apart_e, apart_s = lists.apart_ptr_j, lists.apart_e, lists.apart_s
    tasks = duration_t.shape[0]
    resources = capacity_r.shape[0]
    load_r = lists.load_r.copy()
    state_t = np.zeros(tasks, np.int8)
    waits_t = np.zeros(tasks, np.int64)
    ready_t = lists.earliest_t.copy()
    left_j = np.zeros(mode_j.shape[0], np.int64)
    begun_j = np.zeros(mode_j.shape[0], np.bool_)
    set_e = np.full(lists.exclusions, -1, np.int64)
    running_e = np.zeros(lists.exclusions, np.int64)
    # Who waits for a resource (or, after them, for an exclusion) is a chain through next_parked_t.
    parked_r = np.full(resources + lists.exclusions, -1, np.int64)
    next_parked_t = np.full(tasks, -1, np.int64)
    head_r = np.zeros(resources, np.int64)
    end_heap = np.empty(tasks, np.int64)
    open_heap = np.empty(tasks, np.int64)
    # Tasks that ended at this moment and whose consequences are still to come.
    at_once = np.empty(tasks, np.int64)
    ends = opens = left = 0
    list_n = np.empty(tasks, np.int64)
    for j in range(mode_j.shape[0]):
        q = first_j[j] + mode_j[j]
        for k in range(begin_ptr_q[q], begin_ptr_q[q + 1]):
            load_r[begin_r[k]] += begin_amount[k]
    for n in range(tasks):
        t = order_t[n]
        start_t[t] = -1
        if mode_j[job_t[t]] != mode_t[t]:
            continue
        list_n[left] = t
        left += 1
        left_j[job_t[t]] += 1
        for k in range(next_ptr_t[t], next_ptr_t[t + 1]):
            waits_t[next_t[k]] += 1
    for n in range(left):
        t = list_n[n]
        if waits_t[t] == 0:
            opens = _push(open_heap, opens, ready_t[t] * tasks + t)
    listed = left
    now = 0
    while True:
        # Ends before starts.
        ended = 0
        while ends > 0 and end_heap[0] // tasks <= now:
            at_once[ended] = end_heap[0] % tasks
            ended += 1
            ends = _pop(end_heap, ends)
        again = True
        while again:
            again = False
            for n in range(ended):
                t = at_once[n]
                for k in range(give_ptr_t[t], give_ptr_t[t + 1]):
                    load_r[give_r[k]] -= give_amount[k]
                    _wake(give_r[k], parked_r, next_parked_t, state_t)
                for k in range(next_ptr_t[t], next_ptr_t[t + 1]):
                    s = next_t[k]
                    if not next_by_start[k] and mode_j[job_t[s]] == mode_t[s]:
                        waits_t[s] -= 1
                        ready_t[s] = max(ready_t[s], now + next_lag[k])
                        if waits_t[s] == 0:
                            opens = _push(open_heap, opens, ready_t[s] * tasks + s)
                j = job_t[t]
                left_j[j] -= 1
                if left_j[j] == 0:
                    for k in range(apart_ptr_j[j], apart_ptr_j[j + 1]):
                        e = apart_e[k]
                        running_e[e] -= 1
                        if running_e[e] == 0:
                            set_e[e] = -1
                            _wake(resources + e, parked_r, next_parked_t, state_t)
            ended = 0
            while opens > 0 and open_heap[0] // tasks <= now:
                state_t[open_heap[0] % tasks] = _OPEN
                opens = _pop(open_heap, opens)
            kept = 0
            for n in range(listed):
                t = list_n[n]
                if state_t[t] != _OPEN:
                    list_n[kept] = t
                    kept += 1
                    continue
                opening = now
                if windowed_t[t]:
                    opening = _opening(window_start, window_end, duration_t[t], now)
                if opening == NEVER or opening + duration_t[t] > latest_t[t]:
                    return TOO_LATE
                j = job_t[t]
                obstacle = -1
                if opening == now:
                    if not begun_j[j]:
                        for k in range(apart_ptr_j[j], apart_ptr_j[j + 1]):
                            if set_e[apart_e[k]] >= 0 and set_e[apart_e[k]] != apart_s[k]:
                                obstacle = resources + apart_e[k]
                    if obstacle < 0:
                        obstacle = _obstacle(
                            take_ptr_t, take_r, take_amount, take_check, t, load_r, capacity_r, guard_k, head_r
                        )
                if opening > now or obstacle >= 0:
                    state_t[t] = _IDLE
                    list_n[kept] = t
                    kept += 1
                    if opening > now:
                        opens = _push(open_heap, opens, opening * tasks + t)
                    else:
                        next_parked_t[t] = parked_r[obstacle]
                        parked_r[obstacle] = t
                    continue
                state_t[t] = _STARTED
                start_t[t] = now
                left -= 1
                if not begun_j[j]:
                    begun_j[j] = True
                    for k in range(apart_ptr_j[j], apart_ptr_j[j + 1]):
                        set_e[apart_e[k]] = apart_s[k]
                        running_e[apart_e[k]] += 1
                for k in range(take_ptr_t[t], take_ptr_t[t + 1]):
                    r = take_r[k]
                    load_r[r] += take_amount[k]
                    if guard_k[k] >= 0:
                        head_r[r] += 1
                    if (take_amount[k] < 0 or guard_k[k] >= 0) and _wake(r, parked_r, next_parked_t, state_t):
                        again = True
                for k in range(next_ptr_t[t], next_ptr_t[t + 1]):
                    s = next_t[k]
                    if next_by_start[k] and mode_j[job_t[s]] == mode_t[s]:
                        waits_t[s] -= 1
                        if waits_t[s] == 0:
                            opens = _push(open_heap, opens, ready_t[s] * tasks + s)
                            again = True
                if duration_t[t] == 0:
                    at_once[ended] = t
                    ended += 1
                    again = True
                else:
                    ends = _push(end_heap, ends, (now + duration_t[t]) * tasks + t)
            listed = kept
        if left == 0:
            return DONE
        coming = NEVER
        if ends > 0:
            coming = end_heap[0] // tasks
        if opens > 0:
            coming = min(coming, open_heap[0] // tasks)
        if coming == NEVER:
            return STUCK
        now = max(now, coming)


@kernel((_LISTS, _I1, _I1, _I1))
def worth(lists, mode_j, start_t, value_g):
    """Write every stage's value of an order; one more entry takes the sum of ends, which breaks ties."""
    duration_t, first_j, level_j = lists.duration_t, lists.first_j, lists.level_j
    penalty_q, serves_q, stops_q = lists.penalty_q, lists.serves_q, lists.stops_q
    weight_j, due_j = lists.weight_j, lists.due_j
    stages = lists.kind_g.shape[0]
    value_g[:] = 0
    latest = 0
    for t in range(start_t.shape[0]):
        if start_t[t] >= 0:
            latest = max(latest, start_t[t] + duration_t[t])
            value_g[stages] += start_t[t] + duration_t[t]
    for g in range(stages):
        kind, level = lists.kind_g[g], lists.level_g[g]
        if kind == MAKESPAN:
            value_g[g] = latest
            continue
        for j in range(mode_j.shape[0]):
            q = first_j[j] + mode_j[j]
            t = serves_q[q]
            if kind == PENALTY:
                value_g[g] += penalty_q[q]
            elif t >= 0:
                back = start_t[t] + duration_t[t]
                if kind == DOWNTIME:
                    if stops_q[q] >= 0:
                        value_g[g] += weight_j[j] * (back - start_t[stops_q[q]])
                elif level_j[j] == level:
                    if kind == SERVICE:
                        value_g[g] += weight_j[j] * back
                    elif kind == LATE and due_j[j] >= 0:
                        value_g[g] += weight_j[j] * max(0, back - due_j[j])


@kernel()
def _better(value_g, than_g, ties):
    """Whether values are smaller, stage by stage; equal ones count as `ties` says."""
    for g in range(value_g.shape[0]):
        if value_g[g] != than_g[g]:
            return value_g[g] < than_g[g]
    return ties


@kernel()
def _random(state):
    """Next number of xorshift64* (Vigna 2016), 31 bits; `state` is one unsigned number, never 0."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33))


@kernel((_LISTS, _I1, _I1, _I1, _I1, _I1, int64[:, ::1], int64, uint64[::1]))
def improve(lists, mode_j, order_t, guard_k, start_t, value_g, choice_nq, rounds, state):
    """Change the list at random and keep what is no worse, in place; returns how often the worth became smaller.

    Modes change too: rows of `choice_nq` are a job and a mode. Arrays must hold a list that runs, its starts and
    its worth.
    """
    tasks = order_t.shape[0]
    trial_t = order_t.copy()
    trial_j = mode_j.copy()
    trial_start_t = np.empty(tasks, np.int64)
    trial_value_g = np.empty_like(value_g)
    found = 0
    for _ in range(rounds):
        trial_t[:] = order_t
        trial_j[:] = mode_j
        for _ in range(1 + _random(state) % 3):
            if choice_nq.shape[0] > 0 and _random(state) % 4 == 0:
                n = _random(state) % choice_nq.shape[0]
                trial_j[choice_nq[n, 0]] = choice_nq[n, 1]
                continue
            a = _random(state) % tasks
            # Mostly near: a task's neighbours in the list are those it competes with.
            reach = max(2, tasks >> (_random(state) % 6))
            b = min(tasks - 1, max(0, a + _random(state) % (2 * reach + 1) - reach))
            moved = trial_t[a]
            if _random(state) % 2 == 0:
                trial_t[a] = trial_t[b]
            elif a < b:
                for n in range(a, b):
                    trial_t[n] = trial_t[n + 1]
            else:
                for n in range(a, b, -1):
                    trial_t[n] = trial_t[n - 1]
            trial_t[b] = moved
        if run(lists, trial_j, trial_t, guard_k, trial_start_t) != DONE:
            continue
        worth(lists, trial_j, trial_start_t, trial_value_g)
        if _better(trial_value_g, value_g, True):
            if _better(trial_value_g, value_g, False):
                found += 1
            order_t[:] = trial_t
            mode_j[:] = trial_j
            start_t[:] = trial_start_t
            value_g[:] = trial_value_g
    return found
