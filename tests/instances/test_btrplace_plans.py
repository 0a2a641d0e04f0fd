"""BtrPlace's instances from file to plan, by the benchmark's own command; every plan is replayed."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.btrplace import Row, main
from tests.instances.btrplace_random import any_instance, constraint, instance, resource, star
from tests.instances.btrplace_replay import Verdict, holds_at_end, replay
from zonewright.instances.btrplace import problem_from_data
from zonewright.models.problems import InputError

SWAP = (constraint("fence", vm=0, nodes=[1]), constraint("fence", vm=1, nodes=[0]))


@pytest.fixture
def planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that plans an instance: what is printed, and the replay of the plan if there is one."""

    def run(data: dict[str, Any], *options: str) -> tuple[Row, Verdict | None]:
        file, plan = tmp_path / "instance.json", tmp_path / "plan.json"
        file.write_text(json.dumps(data))
        plan.unlink(missing_ok=True)
        code = main([str(file), "-o", str(plan), "--json", "--time-limit", "20", "--workers", "1", *options])
        said = capsys.readouterr()
        if code == 1:
            raise InputError(said.err.strip())
        row = Row(**json.loads(said.out))
        assert code == (0 if row.makespan is not None else 3 if row.status == "INFEASIBLE" else 4)
        assert plan.exists() == (code == 0)
        return row, replay(data, json.loads(plan.read_text()), strict=True) if plan.exists() else None

    return run


def test_two_that_change_places_without_a_third_node_are_refused_for_their_order(planned: Any) -> None:
    row, verdict = planned(instance({0: [0], 1: [1]}, *SWAP, views=[resource("mem", 4, 4)]))
    assert (row.status, row.reason, verdict) == ("INFEASIBLE", "no_order", None)
    assert "wait for each other" in row.explanation


def test_with_a_third_node_one_goes_that_way(planned: Any) -> None:
    row, verdict = planned(instance({0: [0], 1: [1], 2: []}, *SWAP, views=[resource("mem", 4, 4)]))
    assert verdict.problems == []
    assert (row.status, row.migrations, row.bypasses, row.bound, row.makespan) == ("OPTIMAL", 3, 1, 3, 3)


def test_a_third_node_that_is_forbidden_at_every_moment_is_no_way(planned: Any) -> None:
    always = [constraint("ban", vm=vm, nodes=[2], continuous=True) for vm in (0, 1)]
    row, _ = planned(instance({0: [0], 1: [1], 2: []}, *SWAP, *always, views=[resource("mem", 4, 4)]))
    assert (row.status, row.reason) == ("INFEASIBLE", "no_order")


def test_vms_that_grow_may_change_places_while_what_they_use_today_fits(planned: Any, tmp_path: Path) -> None:
    """Each grows from 2 to 4 on nodes of 7: 2 + 4 fit, 4 + 4 do not."""
    growing = [{"id": "preserve", "rc": "mem", "vm": vm, "amount": 4} for vm in (0, 1)]
    data = instance({0: [0], 1: [1]}, *SWAP, *growing, views=[resource("mem", 7, 2)])
    row, _ = planned(data)
    assert (row.status, row.reason, row.migrations, row.makespan) == ("OPTIMAL", None, 2, 1)
    assert replay(data, json.loads((tmp_path / "plan.json").read_text())).problems == []


def test_room_in_pieces_is_refused_for_the_placement(planned: Any) -> None:
    running = {node: list(range(3 * node, 3 * node + 3)) for node in range(3)}
    data = instance(running, constraint("running", vm=9), ready=[9], views=[resource("mem", 7, 2)])
    row, verdict = planned(data)
    assert (row.status, row.reason, verdict) == ("INFEASIBLE", "no_placement", None)


def test_nothing_to_do_is_an_empty_plan(planned: Any) -> None:
    row, verdict = planned(instance({0: [0], 1: [1]}, views=[resource("mem", 4, 4)]))
    assert verdict.problems == []
    assert (row.status, row.migrations, row.restarts, row.makespan) == ("OPTIMAL", 0, 0, 0)


def test_room_is_made_before_a_vm_is_started(planned: Any) -> None:
    """Node 0 holds three of 2 and has to take one of 5 out of 10."""
    data = instance(
        {0: [0, 1, 2], 1: [3]},
        constraint("running", vm=4),
        constraint("fence", vm=4, nodes=[0]),
        ready=[4],
        views=[resource("mem", 10, 2, vms={3: 5, 4: 5})],
        vms={"4": {"boot": 9}},
    )
    row, verdict = planned(data)
    assert verdict.problems == []
    assert (row.migrations, row.restarts, row.bound, row.makespan) == (1, 1, 1, 10)


def test_a_rack_is_left_over_its_links_for_nodes_that_start_first(planned: Any) -> None:
    """Each of four migrations takes 18 s of a link of its own: two after each other into each node."""
    data = instance(
        {0: [0, 1], 1: [2, 3]},
        *(constraint("fence", vm=vm, nodes=[2 + vm % 2]) for vm in range(4)),
        *(constraint("offline", node=node) for node in (0, 1)),
        offline=[2, 3],
        views=[star([0, 1, 2, 3], 1000)],
        vms={str(vm): {"memUsed": 2000} for vm in range(4)},
        nodes={"0": {"shutdown": 17}, "1": {"shutdown": 17}, "2": {"boot": 120}, "3": {"boot": 120}},
    )
    row, verdict = planned(data, "--objective", "makespan")
    assert verdict.problems == []
    assert (row.status, row.makespan, row.makespan_bound) == ("OPTIMAL", 173, 173)


def test_a_file_that_is_no_instance_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "none.json").write_text("{}")
    assert main([str(tmp_path / "none.json")]) == 1
    assert capsys.readouterr().err.splitlines() == [f"error: {tmp_path / 'none.json'}: has no model"]


def _fewest(data: dict[str, Any]) -> int | None:
    """Return the fewest VMs that move in any placement that the constraints accept, None where there is none."""
    problem = problem_from_data(data)
    wanted = [v for v in range(len(problem.vms)) if problem.wanted_v[v]]
    best: int | None = None
    for nodes in itertools.product(range(len(problem.nodes)), repeat=len(wanted)):
        moves = sum(problem.host_v[v] not in (-1, n) for v, n in zip(wanted, nodes, strict=True))
        if best is not None and moves >= best:
            continue
        where = {problem.vms[v]: problem.nodes[n] for v, n in zip(wanted, nodes, strict=True)}
        if not holds_at_end(data, where):
            best = moves
    return best


def test_plans_of_random_instances_move_no_more_than_any_placement_needs(planned: Any) -> None:
    rng = random.Random(29)
    seen: dict[str, int] = {}
    refused: list[str] = []
    for _ in range(60):
        data = any_instance(rng)
        try:
            fewest = _fewest(data)
            row, verdict = planned(data)
        except InputError as error:
            refused.append(str(error))
            continue
        kind = row.reason or "planned"
        seen[kind] = seen.get(kind, 0) + 1
        assert (fewest is None) == (row.reason == "no_placement"), data
        if verdict is not None:
            assert verdict.problems == [], data
            assert row.bound is not None
            assert row.bound <= row.migrations
            assert (verdict.migrations, verdict.boots, verdict.makespan) == (
                row.migrations,
                row.restarts,
                row.makespan,
            )
            assert row.relocations >= fewest, data
            if not row.bypasses:
                assert row.relocations == row.bound == fewest, data
    assert all("not supported" in text or "online and offline" in text for text in refused), refused
    assert min(seen.get("planned", 0), seen.get("no_placement", 0)) >= 10, seen
