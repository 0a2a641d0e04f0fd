"""BtrPlace's instances: what their parts mean, as a problem, as an estate, and as a plan."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.instances.btrplace_random import any_instance, constraint, instance, resource, star
from tests.instances.btrplace_replay import holds_at_end, replay
from zonewright.instances.btrplace import (
    Problem,
    Timed,
    as_estate,
    copy_seconds,
    plan_data,
    problem_from_data,
    read_problem,
    timed_actions,
)
from zonewright.models.aftermath import aftermath
from zonewright.models.check import judge
from zonewright.models.estate import Estate
from zonewright.models.migration import Action, Migration, Step
from zonewright.models.operations import Operation
from zonewright.models.plan import Status
from zonewright.models.problems import InputError
from zonewright.models.view import Row, View
from zonewright.models.world import World

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "btrplace"


def test_a_vm_takes_its_own_amount_or_the_default_and_what_is_to_be_preserved_afterwards() -> None:
    view = resource("mem", 10, 2, {1: 6}, {1: 5})
    problem = problem_from_data(
        instance({0: [0], 1: [1]}, {"id": "preserve", "rc": "mem", "vm": 0, "amount": 7}, views=[view])
    )
    assert problem.capacity_nr.tolist() == [[10], [6]]
    assert problem.use_vr.tolist() == [[2], [5]]
    assert problem.need_vr.tolist() == [[7], [5]]


def test_a_preserved_amount_counts_when_it_is_less_than_today() -> None:
    data = instance({0: [0]}, {"id": "preserve", "rc": "mem", "vm": 0, "amount": 1}, views=[resource("mem", 9, 4)])
    assert problem_from_data(data).need_vr.tolist() == [[1]]


def test_a_ceiling_on_one_node_is_its_limit_in_the_end_and_overbooking_stretches_both() -> None:
    data = instance(
        {0: [0], 1: []},
        constraint("resourceCapacity", rc="mem", nodes=[0], amount=6),
        {"id": "overbook", "rc": "mem", "node": 1, "ratio": 1.5},
        views=[resource("mem", 9, 4)],
    )
    problem = problem_from_data(data)
    assert problem.capacity_nr.tolist() == [[9], [13]]
    assert problem.limit_nr.tolist() == [[6], [13]]


def test_seconds_are_the_attributes_or_one() -> None:
    data = instance({0: [0, 1]}, vms={"0": {"migrate": 7, "boot": 3}}, nodes={"0": {"shutdown": 17}}, offline=[1])
    problem = problem_from_data(data)
    assert problem.migrate_v.tolist() == [7, 1]
    assert problem.boot_v.tolist() == [3, 1]
    assert (problem.shutdown_n.tolist(), problem.boot_n.tolist()) == ([17, 1], [1, 1])


@pytest.mark.parametrize(
    ("memory", "hot", "window", "cold", "seconds"),
    [
        (2000, 5, 3, 0.0, 18),
        (4000, 96, 2, 3.0, 38),
        (2000, 96, 2, 3.0, 20),
        (4000, 5, 3, 0.0, 36),
        (204, 5.0, 2.0, 0.0, 2),
        (1, 5.0, 2.0, 0.0, 1),
    ],
)
def test_a_migration_over_one_gigabit_takes_what_its_memory_needs(
    memory: int, hot: float, window: float, cold: float, seconds: int
) -> None:
    """9 bits a byte: 111 MiB/s. The first four are the templates of BtrPlace's own experiments."""
    assert copy_seconds(memory, hot, window, cold, 1000) == seconds


def test_memory_that_is_written_faster_than_it_is_copied_is_refused() -> None:
    with pytest.raises(InputError, match="never ends"):
        copy_seconds(1000, 5, 2, 200.0, 1000)


def _tree() -> dict[str, Any]:
    """Two switches of two nodes each, joined by a third."""
    links = [
        {"id": n, "capacity": 1000, "switch": n // 2, "physicalElement": {"type": "node", "id": n}}
        for n in range(4)
    ]
    links += [
        {"id": 4 + s, "capacity": 700, "switch": 2, "physicalElement": {"type": "switch", "id": s}} for s in (0, 1)
    ]
    switches = [{"id": s, "capacity": -1} for s in range(3)]
    return {"id": "net", "routing": {"type": "default"}, "switches": switches, "links": links}


def test_a_way_goes_up_and_down_and_is_as_wide_as_its_narrowest_link() -> None:
    network = problem_from_data(instance({0: [], 1: [], 2: [], 3: []}, views=[_tree()])).network
    assert network is not None
    names = [network.channels[channel].name for channel in network.path(0, 3)]
    assert names == ["link 0 up", "link 4 up", "link 5 down", "link 3 down"]
    assert network.bandwidth(0, 3) == 700
    assert [network.channels[c].name for c in network.path(1, 0)] == ["link 1 up", "link 0 down"]
    assert network.bandwidth(1, 0) == 1000


def test_a_switch_that_does_not_pass_everything_is_a_channel() -> None:
    tree = _tree()
    tree["switches"][2]["capacity"] = 400
    network = problem_from_data(instance({0: [], 1: [], 2: [], 3: []}, views=[tree])).network
    assert network is not None
    assert network.bandwidth(0, 2) == 400
    assert network.bandwidth(0, 1) == 1000


def test_static_routes_are_taken_as_they_are() -> None:
    net = star([0, 1], 1000)
    way = [{"link": 0, "direction": "UPLINK"}, {"link": 1, "direction": "DOWNLINK"}]
    route = {"nodes_map": [{"src": 0}, {"dst": 1}], "links": way}
    net["routing"] = {"type": "static", "routes": [route]}
    network = problem_from_data(instance({0: [], 1: []}, views=[net])).network
    assert network is not None
    assert [network.channels[c].name for c in network.path(0, 1)] == ["link 0 up", "link 1 down"]
    with pytest.raises(InputError, match="no route from node 1 to node 0"):
        network.path(1, 0)


def test_a_continuous_among_keeps_the_part_of_those_that_run() -> None:
    data = instance(
        {0: [0], 1: [], 2: []}, constraint("among", vms=[0, 1], parts=[[0, 1], [2]], continuous=True), ready=[1]
    )
    problem = problem_from_data(data)
    assert [problem.reach[row] for row in problem.always_v] == [frozenset({0, 1})] * 2
    assert not problem.amongs


GOOD = instance(
    {0: [0], 1: [1]},
    constraint("fence", vm=0, nodes=[1]),
    constraint("spread", vms=[0, 1], continuous=True),
    constraint("resourceCapacity", rc="mem", nodes=[0], amount=6),
    views=[resource("mem", 9, 4), star([0, 1], 1000)],
    vms={"0": {"memUsed": 100}},
)


@pytest.mark.parametrize(
    ("where", "value", "says"),
    [
        (("constraints", 0, "id"), "fense", "constraints[0]: constraint fense is not understood. Maybe fence?"),
        (("constraints", 0, "vm"), 9, "constraints[0].vm: VM 9 is not in the model's mapping"),
        (("constraints", 0, "nodes"), [7], "constraints[0].nodes: node 7 is not in the model's mapping"),
        (("constraints", 1, "continuous"), "yes", "constraints[1]: continuous is yes"),
        (("constraints", 2, "rc"), "men", "constraints[2]: unknown resource men. Maybe mem?"),
        (("constraints", 2, "amount"), -1, "constraints[2].amount: is -1, a whole number from 0 on is expected"),
        (("model", "mapping", "readyVMs"), [0], "model.mapping.readyVMs: VM 0 is there twice"),
        (("model", "views", 0, "defCapacity"), 1.5, "model.views[0].defCapacity: is 1.5"),
        (("model", "views", 0, "id"), "power", "model.views[0]: view power is not known"),
        (("model", "views", 1, "links", 0, "switch"), 4, "model.views[1].links[0]: switch 4"),
        (("model", "attributes", "vms"), {"0": {"memUsed": "much"}}, "model.attributes.vms.0.memUsed: is much"),
    ],
)
def test_a_wrong_instance_is_refused_by_one_line_that_says_where(
    where: tuple[Any, ...], value: Any, says: str
) -> None:
    data = json.loads(json.dumps(GOOD))
    entry = data
    for key in where[:-1]:
        entry = entry[key]
    entry[where[-1]] = value
    with pytest.raises(InputError) as caught:
        problem_from_data(data)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whatever_an_instance_holds_reading_it_ends_in_a_problem_or_one_line() -> None:
    rng = random.Random(3)
    strange = [None, -1, 2**70, 1.5, "x", [], {}, [None], {"0": None}, True]
    for _ in range(1500):
        data = json.loads(json.dumps(GOOD))
        entry: Any = data
        while True:
            keys = list(entry) if isinstance(entry, dict) else list(range(len(entry)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(entry[key], dict | list) and rng.random() < 0.8:
                entry = entry[key]
                continue
            if rng.random() < 0.2:
                del entry[key]
            else:
                entry[key] = rng.choice(strange)
            break
        said = ""
        try:
            as_estate(problem_from_data(data))
        except InputError as error:
            said = str(error)
        assert "\n" not in said


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    for name, content in (("a.json", b"{"), ("b.json.gz", b"\x1f\x8bxx"), ("c.json", b"[]")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=name):
            read_problem(tmp_path / name)
    with pytest.raises(InputError, match="cannot be read"):
        read_problem(tmp_path / "none.json")


def test_a_file_may_be_gzipped(tmp_path: Path) -> None:
    (tmp_path / "good.json.gz").write_bytes(gzip.compress(json.dumps(GOOD).encode()))
    assert read_problem(tmp_path / "good.json.gz").vms == (0, 1)


def _validated(estate: Estate) -> None:
    """Hold what is built from templates against what validation makes of it."""
    assert Estate.model_validate(estate.model_dump(by_alias=True, exclude_defaults=True)) == estate


def test_repeated_parts_are_read_as_if_each_were_there(tmp_path: Path) -> None:
    data = instance(
        {0: [0], 1: [1], 2: [2]},
        *(constraint("among", vms=[vm], parts=[[0, 1], [2]], continuous=True) for vm in range(3)),
        constraint("among", vms=[2], parts=[[1, 2]]),
    )
    (tmp_path / "parts.json").write_text(json.dumps(data, separators=(",", ":")))
    one, other = read_problem(tmp_path / "parts.json"), problem_from_data(data)
    assert one.reach == other.reach == (frozenset({0, 1}), frozenset({2}))
    assert one.reach_v.tolist() == other.reach_v.tolist() == [0, 0, 1]
    assert one.always_v.tolist() == other.always_v.tolist() == [0, 0, 1]


def _judge(problem: Problem, most_named: int) -> Callable[[dict[int, int]], bool]:
    """Return a function that says whether the estate's own rules accept a placement after the event."""
    translated = as_estate(problem, most_named=most_named)
    world = aftermath(World(translated.estate), translated.event).world
    units = {unit.name or unit.group: unit.index for unit in world.units}

    def accepts(where: dict[int, int]) -> bool:
        counts: dict[tuple[int, int], int] = {}
        for vm, node in where.items():
            position = problem.vms.index(vm)
            name = f"v{vm}" if position in translated.named else translated.group_v[position]
            key = (units[name], world.tree.by_id[f"n{node}"])
            counts[key] = counts.get(key, 0) + 1
        rows = [Row(unit, site, count) for (unit, site), count in counts.items()]
        return not any(v.hard for v in judge(View(world, rows)).violations)

    return accepts


def test_the_estate_accepts_exactly_the_placements_that_the_constraints_accept() -> None:
    rng = random.Random(11)
    accepted = refused = 0
    for _ in range(250):
        data = any_instance(rng)
        try:
            problem = problem_from_data(data)
            _validated(as_estate(problem, most_named=0).estate)
        except InputError:
            continue
        accepts = _judge(problem, rng.choice([0, 9]))
        wanted = [vm for position, vm in enumerate(problem.vms) if problem.wanted_v[position]]
        every = list(itertools.product(problem.nodes, repeat=len(wanted)))
        for nodes in rng.sample(every, min(12, len(every))):
            where = dict(zip(wanted, nodes, strict=True))
            good = not holds_at_end(data, where)
            assert accepts(where) == good, (data, where, holds_at_end(data, where))
            accepted += good
            refused += not good
    assert min(accepted, refused) > 200


def _live(action: str, start: int, end: int) -> Step:
    return Step(id=f"{action}.go", action=action, do=Operation.LIVE_MIGRATE, start_s=start, end_s=end)


def _migration(actions: list[Action], steps: list[Step]) -> Migration:
    return Migration(
        migration="btrplace",
        estate_fingerprint="",
        event={"mend": True},  # type: ignore[arg-type]
        status=Status.OPTIMAL,
        order_status=Status.OPTIMAL,
        actions=actions,
        steps=steps,
    )


def test_a_migration_is_told_vm_by_vm_with_a_way_over_a_third_node() -> None:
    """Two VMs change places over node 2, each of which holds one."""
    data = instance(
        {0: [0], 1: [1], 2: []},
        constraint("fence", vm=0, nodes=[1]),
        constraint("fence", vm=1, nodes=[0]),
        views=[resource("mem", 4, 4)],
    )
    translated = as_estate(problem_from_data(data), most_named=0)
    group = translated.group_v
    moves = [
        Action(id="a", kind="bypass", group=group[0], source="n0", target="n2"),
        Action(id="b", kind="move", group=group[1], source="n1", target="n0"),
        Action(id="c", kind="move", group=group[0], source="n2", target="n1"),
    ]
    steps = [_live("a", 0, 1), _live("b", 1, 2), _live("c", 2, 3)]
    plan = plan_data(translated.problem, timed_actions(translated, _migration(moves, steps)))
    verdict = replay(data, plan, strict=True)
    assert verdict.problems == []
    assert (verdict.migrations, verdict.bypasses, verdict.makespan) == (3, 1, 3)


def test_nodes_are_started_before_somebody_comes_and_switched_off_when_empty() -> None:
    data = instance(
        {0: [0]},
        constraint("offline", node=0),
        constraint("fence", vm=0, nodes=[1]),
        offline=[1],
        nodes={"0": {"shutdown": 17}, "1": {"boot": 120}},
    )
    translated = as_estate(problem_from_data(data), most_named=0)
    move = Action(id="a", kind="move", group=translated.group_v[0], source="n0", target="n1")
    plan = plan_data(translated.problem, timed_actions(translated, _migration([move], [_live("a", 120, 121)])))
    assert replay(data, plan).problems == []
    assert replay(data, plan).makespan == 138
    early = plan_data(translated.problem, timed_actions(translated, _migration([move], [_live("a", 119, 120)])))
    assert any("not online" in problem for problem in replay(data, early).problems)


def test_what_stays_grows_when_there_is_room_and_what_moves_grows_on_arrival() -> None:
    """Both change places at once, growing from 2 to 4 on nodes of 7: today's amount counts where they leave."""
    data = instance(
        {0: [0, 2], 1: [1]},
        constraint("ban", vm=0, nodes=[0]),
        constraint("ban", vm=1, nodes=[1]),
        *({"id": "preserve", "rc": "cpu", "vm": vm, "amount": 4} for vm in (0, 1)),
        {"id": "preserve", "rc": "cpu", "vm": 2, "amount": 3},
        views=[resource("cpu", 7, 2, vms={2: 1})],
    )
    problem = problem_from_data(data)
    actions = [Timed("migrateVM", 0, 1, 0, 0, 1), Timed("migrateVM", 0, 1, 1, 1, 0)]
    plan = plan_data(problem, actions)
    assert replay(data, plan).problems == []
    assert [a["start"] for a in plan["actions"] if a["id"] == "allocate"] == [1]
    assert replay(data, plan, strict=True).problems != []


FAULTS = {
    "starts too early": lambda plan: plan["actions"][2].update(start=1, end=2),
    "lasts too long": lambda plan: plan["actions"][0].update(end=2),
    "goes elsewhere": lambda plan: plan["actions"][1].update(to=2),
    "comes from elsewhere": lambda plan: plan["actions"][1].update({"from": 2}),
    "is left out": lambda plan: plan["actions"].pop(0),
    "is of another model": lambda plan: plan.update(origin={}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_replay_finds_what_is_wrong_with_a_plan(fault: str) -> None:
    data = instance(
        {0: [0], 1: [1], 2: []},
        constraint("fence", vm=0, nodes=[1]),
        constraint("fence", vm=1, nodes=[0]),
        views=[resource("mem", 4, 4)],
    )
    moves = [
        Timed("migrateVM", t, t + 1, vm, a, b) for t, (vm, a, b) in enumerate([(0, 0, 2), (1, 1, 0), (0, 2, 1)])
    ]
    plan = plan_data(problem_from_data(data), moves)
    assert replay(data, plan, strict=True).valid
    FAULTS[fault](plan)
    assert not replay(data, plan).valid


def test_the_replay_adds_up_links_by_direction() -> None:
    data = instance(
        {0: [0, 1], 1: [2]},
        *(constraint("fence", vm=vm, nodes=[1 - vm // 2]) for vm in (0, 1, 2)),
        views=[star([0, 1], 1000)],
        vms={str(vm): {"memUsed": 2000} for vm in (0, 1, 2)},
    )
    problem = problem_from_data(data)
    together = [Timed("migrateVM", 0, 18, 0, 0, 1), Timed("migrateVM", 0, 18, 2, 1, 0)]
    good = plan_data(problem, [*together, Timed("migrateVM", 18, 36, 1, 0, 1)])
    assert replay(data, good).problems == []
    bad = plan_data(problem, [*together, Timed("migrateVM", 17, 35, 1, 0, 1)])
    assert any("carries 2000 of 1000" in problem for problem in replay(data, bad).problems)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared data of BtrPlace's own instances")
def test_every_instance_of_the_shared_data_is_an_estate() -> None:
    files = sorted(SHARED.glob("*/*.json*"))
    assert len(files) >= 28
    for file in files:
        translated = as_estate(read_problem(file))
        _validated(translated.estate)
        world = World(translated.estate)
        assert sum(unit.count for unit in world.units) == int(translated.problem.wanted_v.sum())
