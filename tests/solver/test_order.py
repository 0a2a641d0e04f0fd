"""Orders: hand-made cases, and hundreds of random ones against every order there is."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from tests.solver.order_cases import Hosts, at_random, best_of_all, confirm, locked, odd
from zonewright.models.problems import InputError
from zonewright.solver.deadline import Deadline
from zonewright.solver.order import arrange
from zonewright.solver.order.judge import faults
from zonewright.solver.order.problem import (
    USUAL,
    Arrangement,
    Exclusion,
    Hold,
    Job,
    Mode,
    OrderProblem,
    Precedence,
    Task,
    horizon_of,
)

FEW = ("penalty", "makespan")


def ordered(problem: OrderProblem, goals: tuple[str, ...] = USUAL) -> Arrangement:
    found = arrange(problem, Deadline(30), objective=goals)
    confirm(problem, found, goals)
    return found


def test_nothing_to_do_is_done() -> None:
    found = ordered(OrderProblem((), ()))
    assert (found.status, found.values, found.start_t) == ("OPTIMAL", (0, 0), ())


def test_a_chain_of_moves_goes_from_its_free_end() -> None:
    build = Hosts([1, 1, 1, 1])
    for a in (0, 1, 2):
        build.move(1, a, a + 1, 10)
    found = ordered(build.problem(), FEW)
    assert (found.status, found.values, found.start_t) == ("OPTIMAL", (0, 30), (20, 10, 0))


def test_live_moves_need_room_at_both_ends() -> None:
    """Two instances of 1 swap hosts of 2 that hold 1 each: one after the other or both at once."""
    build = Hosts([2, 2])
    build.move(1, 0, 1, 5)
    build.move(1, 1, 0, 5)
    assert ordered(build.problem(), FEW).values == (0, 5)


def test_a_swap_without_room_has_no_order_and_says_who_waits_for_whom() -> None:
    build = Hosts([1, 1, 9])
    build.move(1, 2, 2)
    bystander = len(build.jobs) - 1
    build.move(1, 0, 1)
    build.move(1, 1, 0)
    found = ordered(build.problem())
    assert found.status == "INFEASIBLE"
    assert found.blocked is not None
    assert found.blocked.jobs == (1, 2)
    assert bystander not in found.blocked.jobs
    assert set(found.blocked.resources) == {0, 1}
    assert found.blocked.minimal
    assert not found.blocked.timed


def test_a_swap_goes_by_way_of_a_third_host() -> None:
    build = Hosts([1, 1, 1])
    build.move(1, 0, 1, 10, by_way_of=[2])
    build.move(1, 1, 0, 10, by_way_of=[2])
    found = ordered(build.problem(), FEW)
    assert (found.status, found.values) == ("OPTIMAL", (1, 30))
    assert sum(found.mode_j) == 1


def test_a_stop_is_dearer_than_another_move_and_taken_where_nothing_else_goes() -> None:
    build = Hosts([1, 1, 0])
    build.move(1, 0, 1, 10, by_way_of=[2], may_stop=True)
    build.move(1, 1, 0, 10, by_way_of=[2])
    found = ordered(build.problem(), FEW)
    assert (found.status, found.values) == ("OPTIMAL", (3, 12))


def test_two_swaps_that_share_a_third_host_need_two_ways_round() -> None:
    build = Hosts([1, 1, 1, 1, 1])
    for a, b in ((0, 1), (1, 0), (2, 3), (3, 2)):
        build.move(1, a, b, 10, by_way_of=[4])
    found = ordered(build.problem(), FEW)
    assert (found.status, found.values[0]) == ("OPTIMAL", 2)


def test_nothing_enters_a_host_above_its_room_before_it_is_below() -> None:
    build = Hosts([3, 3])
    build.stay(0, 3)
    build.move(1, 0, 1, 4)
    build.move(1, 0, 1, 4)
    build.stay(1, 1)
    build.move(0, 1, 0, 1)
    assert ordered(build.problem(), FEW).values == (0, 4)
    build.move(1, 1, 0, 1)
    found = ordered(build.problem(), FEW)
    assert found.status == "INFEASIBLE"
    assert found.blocked is not None
    assert found.blocked.jobs == (3,)


def test_links_are_never_overloaded_and_their_volume_bounds_the_end() -> None:
    build = Hosts([9] * 4)
    link = build.resource(1000)
    for n in range(6):
        build.move(1, n % 2, 2 + n % 2, 10 + n, passing=[(link, 500)])
    found = ordered(build.problem(), FEW)
    assert (found.status, found.values) == ("OPTIMAL", (0, 38))


def test_what_is_urgent_comes_back_first() -> None:
    build = Hosts([9, 9])
    one = build.resource(1)
    build.move(1, 0, 1, 7, passing=[(one, 1)], weight=100)
    build.move(1, 0, 1, 9, passing=[(one, 1)], priority=5)
    build.move(1, 0, 1, 5, passing=[(one, 1)], weight=2, due=5)
    found = ordered(build.problem())
    assert found.stages == ("penalty", "late:0", "service:5", "service:0", "makespan")
    assert found.start_t == (14, 5, 0)
    assert ordered(build.problem(), ("service", "late", "makespan")).start_t == (9, 0, 16)


def test_windows_that_touch_are_one_and_all_of_a_task_lies_inside() -> None:
    build = Hosts([9, 9])
    build.windows = [(10, 14), (14, 20), (30, 34)]
    build.move(1, 0, 1, 10, in_window=True)
    build.move(1, 0, 1, 11, in_window=False)
    assert ordered(build.problem(), FEW).start_t == (10, 0)
    build.move(1, 0, 1, 11, in_window=True)
    found = ordered(build.problem(), FEW)
    assert found.status == "INFEASIBLE"
    assert found.blocked is not None
    assert (found.blocked.jobs, found.blocked.timed) == ((2,), True)


def test_time_alone_can_block() -> None:
    build = Hosts([9, 9])
    one = build.resource(1)
    for _ in range(3):
        build.move(1, 0, 1, 5, passing=[(one, 1)], latest_end=12)
    build.move(1, 0, 1, 5, passing=[(one, 1)])
    found = ordered(build.problem(), FEW)
    assert found.status == "INFEASIBLE"
    assert found.blocked is not None
    assert (found.blocked.jobs, found.blocked.resources, found.blocked.timed) == ((0, 1, 2), (one,), True)


def test_one_zone_at_a_time() -> None:
    build = Hosts([9] * 4)
    for a, b in ((0, 2), (1, 3), (0, 3), (1, 2)):
        build.move(1, a, b, 10)
    build.exclusions = [Exclusion(((0, 2), (1, 3)))]
    found = ordered(build.problem(), FEW)
    assert found.values == (0, 20)
    assert found.start_t[0] == found.start_t[2] != found.start_t[1] == found.start_t[3]


def test_downtime_counts_from_the_stop_to_the_return() -> None:
    build = Hosts([1, 1])
    build.move(1, 0, 1, live=False, may_stop=True, weight=2)
    build.move(1, 1, 0, 10)
    problem = build.problem()
    assert ordered(problem, ("makespan", "downtime")).values == (12, 24)
    tasks = (Task(3, 0), Task(2, 0), Task(8, 1))
    job = Job((Mode(serves=1, stops=0),))
    waits = OrderProblem((job, Job()), tasks, (Precedence(0, 1, 1), Precedence(2, 1)))
    assert ordered(waits, ("downtime", "makespan")).values == (6, 10)


def test_a_job_may_have_a_way_without_tasks() -> None:
    task = Task(5, 0)
    holds = (Hold(0, 1, (0, "start"), None, 0, 0), Hold(0, 1, None, None))
    problem = OrderProblem((Job((Mode(0, serves=0), Mode(7))),), (task,), (), holds, (1,))
    found = ordered(problem, FEW)
    assert (found.status, found.mode_j, found.values) == ("OPTIMAL", (1,), (7, 0))


def test_the_same_seed_gives_the_same_answer() -> None:
    build = Hosts([30] * 6)
    link = [build.resource(3) for _ in range(6)]
    for n in range(12):
        a, b = n % 6, (n * n + 1) % 6
        if a != b:
            passing = [(link[a], 1 + n % 2), (link[b], 1)]
            build.move(1, a, b, 3 + n % 7, passing=passing, weight=1 + n % 3)
    answers = [arrange(build.problem(), Deadline(60, work_limit=300), seed=3) for _ in range(2)]
    confirm(build.problem(), answers[0], USUAL)
    assert (answers[0].start_t, answers[0].bounds) == (answers[1].start_t, answers[1].bounds)


def test_a_stop_is_heard() -> None:
    build = Hosts([30, 30])
    build.move(1, 0, 1, 5)
    deadline = Deadline(60)
    deadline.stop.set()
    assert ordered(build.problem(), FEW).values == (0, 5)
    assert arrange(build.problem(), deadline).start_t == (0,)


def test_a_limit_on_proving_is_kept() -> None:
    build = Hosts([60] * 6)
    link = [build.resource(3) for _ in range(6)]
    for n in range(60):
        a, b = n % 6, (n * 5 + 1) % 6
        build.move(1, a, b, 3 + n % 7, passing=[(link[a], 1 + n % 2), (link[(b + 1) % 6], 2)], weight=1 + n % 5)
    found = arrange(build.problem(), Deadline(60), proof_s=0.5)
    confirm(build.problem(), found, USUAL)
    assert found.seconds < 30


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (OrderProblem((Job(()),), ()), "order.jobs[0]: A job needs"),
        (OrderProblem((Job(),), (Task(1, 1),)), "Job 1 mode 0 does not exist"),
        (OrderProblem((Job(),), (Task(-1, 0),)), "order.tasks[0].duration: -1 is not between"),
        (OrderProblem((Job(),), (Task(1, 0),), (Precedence(0, 0),)), "waits, through others, for itself"),
        (OrderProblem((Job(),), (Task(1, 0),), (), (Hold(0, 1, None, None),)), "Resource 0 does not exist"),
        (OrderProblem((Job(),), (Task(1, 0),), (), (Hold(0, 1, (3, "end"), None),), (1,)), "no point of a task"),
        (OrderProblem((Job(), Job()), (Task(1, 0),), exclusions=(Exclusion(((0,), (0,))),)), "named twice"),
        (OrderProblem((Job(weight=1 << 40),), (Task(1 << 39, 0),)), "pass 2^53"),
        (OrderProblem((Job((Mode(serves=0),)), Job()), (Task(1, 1),)), "none of this mode's"),
        (OrderProblem((), (), windows=((5, 3),)), "before it starts"),
        (
            OrderProblem((Job((Mode(), Mode())),), (Task(1, 0, 1),), (), (Hold(0, 1, (0, "end"), None),), (1,)),
            "Give the hold that job and mode",
        ),
    ],
)
def test_what_means_nothing_is_refused_with_its_place(problem: OrderProblem, says: str) -> None:
    with pytest.raises(InputError) as caught:
        arrange(problem, Deadline(1))
    assert says in str(caught.value)


def test_unknown_goals_are_refused() -> None:
    with pytest.raises(InputError, match="happiness"):
        arrange(OrderProblem((), ()), Deadline(1), objective=("happiness",))


def goals_for(seed: int) -> tuple[str, ...]:
    return (USUAL, FEW, ("penalty", "late", "service", "downtime", "makespan"))[seed % 3]


def small(problem: OrderProblem) -> bool:
    """Whether there are few enough orders to look at every one."""
    tasks_q: dict[tuple[int, int], int] = {}
    for task in problem.tasks:
        tasks_q[task.job, task.mode] = tasks_q.get((task.job, task.mode), 0) + 1
    ways = [
        sum((horizon_of(problem) + 1) ** tasks_q.get((j, m), 0) for m in range(len(job.modes)))
        for j, job in enumerate(problem.jobs)
    ]
    return math.prod(ways) <= 60_000


@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize(("make", "least"), [(at_random, 20), (odd, 20), (locked, 20)])
def test_as_good_as_the_best_of_all_orders(make: Callable[[int], OrderProblem], least: int, part: int) -> None:
    cases = 0
    for seed in range(part, 280, 8):
        problem, goals = make(seed), goals_for(seed)
        if not small(problem):
            continue
        cases += 1
        best = best_of_all(problem, goals, horizon_of(problem))
        found = ordered(problem, goals)
        assert found.status == ("INFEASIBLE" if best is None else "OPTIMAL"), f"seed {seed}"
        if best is None:
            _really_blocked(problem, found, seed)
        else:
            assert found.values == best, f"seed {seed}"
    assert cases >= least


def _really_blocked(problem: OrderProblem, found: Arrangement, seed: int) -> None:
    """The jobs named have no order with every other job gone."""
    from zonewright.solver.order.narrow import narrowed

    assert found.blocked is not None
    assert found.blocked.jobs
    named = {j: range(len(problem.jobs[j].modes)) for j in found.blocked.jobs}
    alone, _, _ = narrowed(problem, named, found.blocked.resources)
    assert best_of_all(alone, FEW, horizon_of(alone)) is None, f"seed {seed}"


def test_the_judge_names_what_is_broken() -> None:
    build = Hosts([1, 1])
    build.move(1, 0, 1, 5, latest_end=6)
    build.move(1, 1, 0, 5, earliest=3)
    build.exclusions = [Exclusion(((0,), (1,)))]
    found = faults(build.problem(), (0, 0), (2, 2))
    assert any("task 0 ends at 7" in line for line in found)
    assert any("task 1 starts at 2" in line for line in found)
    assert any("resource 0 carries 2 of 1" in line for line in found)
    assert any("jobs 0 and 1 run at once" in line for line in found)
    assert faults(build.problem(), (0, 0), (0, None))
    assert faults(build.problem(), (0,), (0, 5))
    assert faults(build.problem(), (0, 1), (0, 5))
