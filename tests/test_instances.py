"""Generated, read and bundled estates are what they say they are."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from zonewright.instances import shipped_estate_path, shipped_estates
from zonewright.instances.generator import generate_region, generate_zones, main, region_data, zones_data
from zonewright.instances.openb import main as openb_main
from zonewright.instances.openb import read_openb
from zonewright.instances.writing import save_estate
from zonewright.models import Estate, InputError, World, load_estate, load_world
from zonewright.models.rules import AntiAffinity, Domains, Spread, Survive

OPENB = Path(__file__).resolve().parents[2] / "shared" / "data" / "openb"
NODES, PODS = OPENB / "openb_node_list_all_node.csv", OPENB / "openb_pod_list_default.csv"

needs_openb = pytest.mark.skipif(not NODES.exists(), reason=f"the OpenB lists are not in {OPENB}")


def demand_and_capacity(estate: Estate) -> dict[str, tuple[int, int]]:
    """Return demand and capacity of each resource over the whole estate."""
    world = World(estate)
    found = {}
    for resource in world.resources:
        demand = sum(unit.count * unit.demand.get(resource, 0) for unit in world.units)
        found[resource] = demand, sum(world.tree.nodes[s].usable(resource) or 0 for s in world.tree.sites)
    return found


@pytest.fixture(scope="module")
def region() -> Estate:
    return generate_region(instances=5000, groups=400, hosts=600, fill=0.95, seed=7)


def test_a_region_has_the_sizes_that_were_asked_for(region: Estate) -> None:
    """5,000 instances in 400 groups of 1 to 300 and 120 shapes, 600 hosts of 6 types on 30 racks."""
    world = World(region)
    counts = [group.count for group in region.groups]
    assert (sum(counts), len(counts)) == (5000, 400)
    assert min(counts) >= 1
    assert 100 < max(counts) <= 300
    assert len({tuple(group.demand.items()) for group in region.groups}) == 120
    assert len(world.tree.domains_at("host")) == 600
    assert len(world.tree.domains_at("rack")) == 30
    assert len({host.labels["host_type"] for host in region.hosts}) == 6


def test_a_region_is_as_full_as_asked_in_cpu_and_memory(region: Estate) -> None:
    """Both resources are within a thousandth of 95 %."""
    fills = [demand / capacity for demand, capacity in demand_and_capacity(region).values()]
    assert fills == pytest.approx([0.95, 0.95], abs=0.001)


def test_zones_of_a_region_differ_in_size_and_price(region: Estate) -> None:
    """No two of the three zones have as many hosts, or the same price."""
    world = World(region)
    hosts = Counter(world.zone_of(site) for site in world.tree.sites)
    assert len(set(hosts.values())) == 3
    assert len({tuple(zone.price.items()) for zone in region.zones}) == 3


def test_a_tenth_of_the_groups_is_barred_from_one_zone(region: Estate) -> None:
    """40 of 400 groups, each from exactly one; and every group keeps one per host and even zones."""
    barred = [name for rule in region.rules if isinstance(rule, Domains) for name in rule.groups]
    assert len(barred) == len(set(barred)) == 40
    assert [rule.at_most for rule in region.rules if isinstance(rule, AntiAffinity)] == [1]
    assert [rule.skew for rule in region.rules if isinstance(rule, Spread)] == [1]


def test_the_same_seed_gives_the_same_region() -> None:
    """Equal data for equal arguments, other data for another seed."""
    one = region_data(instances=300, groups=30, hosts=40, racks=6, seed=3)
    assert one == region_data(instances=300, groups=30, hosts=40, racks=6, seed=3)
    assert one != region_data(instances=300, groups=30, hosts=40, racks=6, seed=4)


@pytest.mark.parametrize(
    ("instances", "groups", "hosts", "racks", "zones"),
    [(6, 4, 6, 3, 3), (60, 12, 12, 3, 3), (100, 100, 30, 4, 2), (400, 20, 60, 20, 5)],
)
def test_small_regions_come_out_too(instances: int, groups: int, hosts: int, racks: int, zones: int) -> None:
    """Sizes far from the usual ones are met exactly, with five seeds each."""
    for seed in range(5):
        estate = generate_region(
            instances=instances, groups=groups, hosts=hosts, racks=racks, zones=zones, fill=0.7, seed=seed
        )
        assert sum(group.count for group in estate.groups) == instances
        assert len(World(estate).tree.sites) == hosts


@pytest.mark.parametrize(
    "wrong",
    [
        {"instances": 0},
        {"groups": 100},
        {"hosts": 2},
        {"racks": 2},
        {"fill": 1.2},
        {"shapes": 0},
        {"host_types": 99},
        {"barred_share": 2.0},
        {"instances": 10_000_000},
    ],
)
def test_a_region_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    """Sizes that do not go together end in one line, not in a traceback from the depths."""
    asked = {"instances": 50, "groups": 10, "hosts": 12, "racks": 3, **wrong}
    with pytest.raises(InputError):
        region_data(**asked)  # type: ignore[arg-type]


def test_zones_hold_a_million_instances_in_groups_with_counts() -> None:
    """20,000 groups sum to exactly a million; a tenth is barred; all survive any zone by evacuation."""
    estate = generate_zones(seed=2)
    assert sum(group.count for group in estate.groups) == 1_000_000
    assert len(estate.groups) == 20_000
    assert len({tuple(group.demand.items()) for group in estate.groups}) == 120
    assert sum(len(rule.groups) for rule in estate.rules if isinstance(rule, Domains)) == 2000
    assert [rule.mode for rule in estate.rules if isinstance(rule, Survive)] == ["evacuate"]
    assert not estate.hosts
    assert len({zone.capacity["cpu_milli"].firm for zone in estate.zones}) == 3


@pytest.mark.parametrize("seed", range(3))
def test_what_a_lost_large_zone_leaves_is_nearly_full(seed: int) -> None:
    """Losing the first zone, memory is the scarcer one; losing the second, cpu: both at 94 to 97 %."""
    data = zones_data(instances=50_000, groups=1000, seed=seed)
    for lost, resource in ((0, "memory_mib"), (1, "cpu_milli")):
        demand = sum(group["count"] * group["demand"][resource] for group in data["groups"])
        left = sum(zone["capacity"][resource] for z, zone in enumerate(data["zones"]) if z != lost)
        assert 0.94 <= demand / left <= 0.97


def test_fewer_than_three_evacuable_zones_are_refused() -> None:
    """With two zones each would have to hold everything."""
    with pytest.raises(InputError, match="at least 3"):
        zones_data(instances=100, groups=10, zones=2)


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_the_command_writes_what_the_function_makes(ending: str, tmp_path: Path) -> None:
    """JSON and YAML hold the same estate."""
    path = tmp_path / f"region.{ending}"
    sizes = ["--instances", "60", "--groups", "12", "--hosts", "12", "--racks", "3", "--shapes", "8"]
    assert main(["region", *sizes, "--seed", "5", "-o", str(path)]) == 0
    wanted = generate_region(instances=60, groups=12, hosts=12, racks=3, shapes=8, seed=5)
    assert load_estate(path).fingerprint == wanted.fingerprint


def test_a_failing_command_says_why_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, one line on stderr, no file."""
    path = tmp_path / "zones.json"
    assert main(["zones", "--fill", "3", "-o", str(path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not path.exists()


def test_an_estate_that_was_saved_is_the_same_again(tmp_path: Path) -> None:
    """Every bundled estate, written as JSON and as YAML, keeps its fingerprint."""
    for shipped in shipped_estates():
        estate = load_estate(shipped_estate_path(shipped.name))
        for ending in ("json", "yaml"):
            path = tmp_path / f"{shipped.name}.{ending}"
            save_estate(estate, path)
            assert load_estate(path).fingerprint == estate.fingerprint


@needs_openb
def test_openb_keeps_every_pod_and_node() -> None:
    """8,152 pods in groups of equal ones, 1,523 nodes dealt in turn, GPUs in thousandths."""
    estate = read_openb(NODES, PODS)
    world = World(estate)
    assert sum(group.count for group in estate.groups) == 8152
    assert sorted(Counter(world.zone_of(s) for s in world.tree.sites).values()) == [507, 508, 508]
    assert demand_and_capacity(estate) == {
        "cpu_milli": (85_436_012, 125_514_000),
        "memory_mib": (303_546_211, 612_028_416),
        "gpu_milli": (6_086_800, 6_212_000),
    }
    by_qos = Counter({q: sum(g.count for g in estate.groups if g.labels["qos"] == q) for q in ("LS", "BE")})
    assert by_qos == {"LS": 4647, "BE": 3398}


def test_openb_pods_become_groups_with_reach(tmp_path: Path) -> None:
    """Equal pods merge, a specification becomes allowed labels, a pod that asks for nothing stays a pod."""
    nodes, pods = tmp_path / "nodes.csv", tmp_path / "pods.csv"
    nodes.write_text("sn,cpu_milli,memory_mib,gpu,model\nn0,8000,1024,2,T4\nn1,8000,1024,0,\n")
    head = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase\n"
    rows = ["p0,1000,512,2,1000,T4|P100,LS,Running", "p1,1000,512,2,1000,P100|T4,LS,Failed"]
    rows += ["p2,1000,512,1,460,,BE,Running", "p3,,,0,0,,BE,Pending"]
    pods.write_text(head + "\n".join(rows) + "\n")
    estate = read_openb(nodes, pods)
    assert [(g.count, g.priority, g.demand) for g in estate.groups] == [
        (2, 3, {"cpu_milli": 1000, "memory_mib": 512, "gpu_milli": 2000}),
        (1, 0, {"cpu_milli": 1000, "memory_mib": 512, "gpu_milli": 460}),
        (1, 0, {"memory_mib": 0}),
    ]
    (rule,) = estate.rules
    assert isinstance(rule, Domains)
    assert rule.allow_labels == {"gpu_model": ["P100", "T4"]}
    assert rule.groups == [estate.groups[0].id]
    assert World(estate).tree.nodes[World(estate).tree.by_id["n1"]].usable("gpu_milli") == 0


@pytest.mark.parametrize(
    ("pods", "message"),
    [
        ("name,cpu_milli\n", "has no column memory_mib"),
        (
            "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\np,-1,1,0,0,,LS\n",
            "pods.csv:2: cpu_milli: -1",
        ),
        (
            "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\np,1,1,0,0,,Lowest\n",
            "unknown qos Lowest",
        ),
    ],
)
def test_a_list_that_is_no_openb_list_is_refused(
    pods: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1 with the file and the line."""
    nodes, path = tmp_path / "nodes.csv", tmp_path / "pods.csv"
    nodes.write_text("sn,cpu_milli,memory_mib,gpu,model\nn0,8000,1024,2,T4\n")
    path.write_text(pods)
    assert openb_main([str(nodes), str(path), "-o", str(tmp_path / "openb.json")]) == 1
    assert message in capsys.readouterr().err


def test_the_list_of_bundled_estates_agrees_with_the_files() -> None:
    """Sorted, and every size that is announced is the size of the resolved estate."""
    listed = shipped_estates()
    assert [shipped.name for shipped in listed] == sorted(shipped.name for shipped in listed)
    for shipped in listed:
        world = load_world(shipped_estate_path(shipped.name))
        assert world.estate.estate == shipped.name
        assert sum(group.count for group in world.estate.groups) == shipped.instances
        hosts = world.tree.domains_at("host") if "host" in world.tree.levels else []
        assert len(hosts) == shipped.hosts
        assert all((shipped.title, shipped.story, shipped.hard))
        assert not world.warnings


def test_enough_estates_ship() -> None:
    """Six feasible ones, three of them large and two on hosts; four infeasible ones."""
    feasible = [shipped for shipped in shipped_estates() if shipped.feasible]
    assert len(feasible) >= 6
    assert sum(shipped.instances > 200 for shipped in feasible) >= 3
    assert sum(shipped.instances > 2000 and shipped.hosts > 0 for shipped in feasible) >= 2
    assert len(shipped_estates()) - len(feasible) >= 4


def test_an_unknown_bundled_estate_names_the_nearest() -> None:
    """A slip of the pen is answered with the name that was meant."""
    with pytest.raises(InputError, match="Maybe vk-moscow"):
        shipped_estate_path("vk-moskow")


def test_listing_reads_no_more_than_the_heads() -> None:
    """The head of every file holds what the list needs, within the bytes that are read."""
    for shipped in shipped_estates():
        text = shipped_estate_path(shipped.name).read_text("utf-8")
        assert len(text[: text.index("\nestate:")].encode()) < 4096


def test_json_has_one_entry_per_line(tmp_path: Path) -> None:
    """A group is a line, so that two estates can be compared by line."""
    path = tmp_path / "zones.json"
    save_estate(zones_data(instances=1000, groups=40, shapes=20), path)
    text = path.read_text("utf-8")
    assert sum(line.startswith(' {"id": "app-') for line in text.splitlines()) == 40
    assert len(json.loads(text)["groups"]) == 40
