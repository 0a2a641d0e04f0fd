"""Evacuations are read as they are meant, and bad files are refused in one line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from zonewright.instances.evacuation import evacuation_from_data, read_evacuation
from zonewright.models import InputError, Placement, World


def small() -> dict[str, Any]:
    return {
        "failed_zone": "z2",
        "resources": ["cpu", "memory_gib"],
        "hosts": [{"id": f"z{z}h{n}", "zone": f"z{z}", "capacity": [8, 32]} for z in range(3) for n in range(2)],
        "instances": [
            {"id": "a0", "app": "a", "demand": [2, 8], "host": "z0h0"},
            {"id": "a1", "app": "a", "demand": [2, 8], "host": "z1h0"},
            {"id": "a2", "app": "a", "demand": [2, 8], "host": "z2h0"},
            {"id": "b0", "app": "b", "demand": [1, 4], "host": "z0h1"},
            {"id": "b1", "app": "b", "demand": [4, 4], "host": "z2h1"},
        ],
    }


def test_apps_become_groups_and_sizes_that_differ_named_instances() -> None:
    read = evacuation_from_data(small())
    world = World(read.estate)
    a, b = read.estate.groups
    assert (a.id, a.count, a.demand) == ("a", 3, {"cpu_milli": 2000, "memory_mib": 8192})
    assert a.current == {"z0h0": 1, "z1h0": 1, "z2h0": 1}
    assert (b.count, b.current) == (2, {"z0h1": 1})
    assert [(i.id, i.site, i.demand) for i in read.estate.instances] == [
        ("b1", "z2h1", {"cpu_milli": 4000, "memory_mib": 4096})
    ]
    assert read.event.fail == ["z2"]
    assert sum(unit.count for unit in world.units) == 5


def test_limits_are_one_per_host_and_half_an_app_rounded_up_per_zone() -> None:
    rules = {rule.id: rule for rule in evacuation_from_data(small()).estate.rules}
    assert (rules["one-per-host"].level, rules["one-per-host"].at_most) == ("host", 1)
    assert (rules["1-per-zone"].groups, rules["1-per-zone"].at_most) == (["b"], 1)
    assert (rules["2-per-zone"].groups, rules["2-per-zone"].level) == (["a"], "zone")


def test_who_can_stay_keeps_the_host() -> None:
    read = evacuation_from_data(small())
    placements = [
        Placement(group="a", site="z0h0", count=1),
        Placement(group="a", site="z0h1", count=1),
        Placement(group="a", site="z1h0", count=1),
        Placement(group="b", site="z1h1", count=1, instances=["b1"]),
    ]
    assert read.hosts_after(placements) == {
        "a0": "z0h0",
        "a1": "z1h0",
        "a2": "z0h1",
        "b0": None,
        "b1": "z1h1",
    }


def test_names_that_no_estate_could_hold_come_back_as_they_were() -> None:
    data = small()
    data["hosts"][1]["id"] = data["instances"][3]["host"] = "host 1/ä"
    data["hosts"][2]["id"] = data["instances"][1]["host"] = "z0"
    data["instances"][0]["app"] = data["instances"][1]["app"] = data["instances"][2]["app"] = "an app"
    data["instances"][4]["id"] = "b one"
    read = evacuation_from_data(data)
    World(read.estate)
    group = read.estate.groups[0].id
    site = {host: site for site, host in read.host_names.items()}
    stays = [Placement(group=group, site=site[h], count=1) for h in ("z0h0", "z0")]
    moved = [Placement(group="b", site=site["host 1/ä"], count=2, instances=[read.estate.instances[0].id])]
    assert read.hosts_after([*stays, *moved]) == {
        "a0": "z0h0",
        "a1": "z0",
        "a2": None,
        "b0": "host 1/ä",
        "b one": "host 1/ä",
    }


@pytest.mark.parametrize(
    ("scale", "resources"), [(0.5, ["cpu", "memory_gib"]), (1.1, ["cpu", "memory_gib"]), (7, ["x", "y z"])]
)
def test_sizes_stay_in_proportion(scale: float, resources: list[str]) -> None:
    data = small()
    data["resources"] = resources
    for host in data["hosts"]:
        host["capacity"] = [round(scale * c, 6) for c in host["capacity"]]
    for instance in data["instances"]:
        instance["demand"] = [round(scale * d, 6) for d in instance["demand"]]
    estate = evacuation_from_data(data).estate
    World(estate)
    demand = list(estate.groups[0].demand.values())
    capacity = [stock.owned for stock in estate.hosts[0].capacity.values()]
    assert [c / d for c, d in zip(capacity, demand, strict=True)] == [4, 4]


def test_plain_and_gzipped_files_say_the_same(tmp_path: Path) -> None:
    text = json.dumps(small())
    (tmp_path / "plain.json").write_text(text)
    (tmp_path / "packed.json.gz").write_bytes(gzip.compress(text.encode()))
    assert read_evacuation(tmp_path / "plain.json") == read_evacuation(tmp_path / "packed.json.gz")


def broken(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    data: Any = small()
    at = data
    for step in path[:-1]:
        at = at[step]
    if value is KeyError:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return data  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("failed_zone",), "z9", "failed_zone: no host is in zone z9."),
        (("failed_zone",), ["z2"], "failed_zone: no host is in zone"),
        (("hosts",), KeyError, "has no hosts"),
        (("hosts",), [], "hosts: names no host"),
        (("hosts",), {}, "hosts: should be a list"),
        (("hosts", 1), 3, "hosts[1]: should be an object"),
        (("hosts", 1, "id"), "z0h0", "hosts[1].id: z0h0 is given twice"),
        (("hosts", 1, "capacity"), [8], "hosts[1].capacity: should be a list of 2 numbers"),
        (("hosts", 1, "capacity", 0), -1, "hosts[1].capacity[0]: -1 is no number from 0"),
        (("hosts", 1, "capacity", 0), True, "hosts[1].capacity[0]: True is no number from 0"),
        (("instances", 2, "host"), "z2h9", "instances[2].host: unknown host z2h9. Maybe z2h"),
        (("instances", 2, "host"), None, "instances[2].host: should be text"),
        (("instances", 2, "app"), KeyError, "instances[2].app: is missing"),
        (("instances", 2, "demand", 1), 0.1234567890123, "resources[1]: memory_gib is given in more digits"),
        (("resources",), [], "resources: should be a list of names"),
        (("resources",), ["cpu", "cpu"], "resources[1]: cpu is given twice"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(path: tuple[Any, ...], value: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        evacuation_from_data(broken(path, value))
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"{", "is no JSON"),
        (b"[]", "is no object"),
        (b"\x1f\x8bbroken", "is a damaged gzip file"),
        (gzip.compress(b'{"a": 1}' * 200, mtime=0)[:-20], "is a damaged gzip file"),
        (b"\xff\xfe", "is no UTF-8 text"),
        (b'{"hosts": [], "hosts": []}', "key hosts is given twice"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=said) as caught:
        read_evacuation(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named_with_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "zone.json").write_text("{}")
    with pytest.raises(InputError, match=r"no such file or directory\. Maybe zone\.json\?"):
        read_evacuation(tmp_path / "zones.json")


def test_every_instance_is_in_the_answer() -> None:
    answer = evacuation_from_data(small()).hosts_after([])
    assert answer == dict.fromkeys(["a0", "a1", "a2", "b0", "b1"])
