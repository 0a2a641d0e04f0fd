"""Cloud balancing is read as it is meant, solved to the optimum, and written back in its own form."""

from __future__ import annotations

import itertools
import json
import lzma
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cloudbalancing import cost_of
from zonewright.instances.cloudbalancing import (
    cloudbalancing_from_data,
    main,
    read_cloudbalancing,
    write_cloudbalancing,
)
from zonewright.models import InputError, Placement, Status, load_estate
from zonewright.solver import place

NEEDS = ("requiredCpuPower", "requiredMemory", "requiredNetworkBandwidth")
HAS = ("cpuPower", "memory", "networkBandwidth")


def balance(seed: int = 0, computers: int = 3, processes: int = 6) -> dict[str, Any]:
    """Return a problem in which one computer alone is too small."""
    rng = random.Random(seed)
    needs = [[rng.randint(1, 4) for _ in NEEDS] for _ in range(processes)]
    most = [max(sum(need[r] for need in needs) * 2 // 3, 4) for r in range(3)]
    return {
        "id": 0,
        "computerList": [
            {
                "id": 10 * c,
                **{name: most[r] + rng.randint(0, 2) for r, name in enumerate(HAS)},
                "cost": 100 + 7 * c,
            }
            for c in range(computers)
        ],
        "processList": [
            {"id": p, **dict(zip(NEEDS, need, strict=True)), "computer": None} for p, need in enumerate(needs)
        ],
        "score": None,
    }


def test_processes_that_need_the_same_are_one_group() -> None:
    """Hosts have the computers' capacities and costs, groups one demand each."""
    data = balance()
    for process in data["processList"][:3]:
        process.update(dict.fromkeys(NEEDS, 2))
    estate = cloudbalancing_from_data(data).estate
    assert [host.id for host in estate.hosts] == ["c0", "c10", "c20"]
    assert [host.open_cost for host in estate.hosts] == [100, 107, 114]
    assert estate.hosts[0].capacity["cpu_power"].owned == data["computerList"][0]["cpuPower"]
    assert estate.groups[0].count >= 3
    assert estate.groups[0].demand == {"cpu_power": 2, "memory": 2, "network_bandwidth": 2}
    assert sum(group.count for group in estate.groups) == 6


@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_is_found_and_comes_back_in_the_files_own_form(seed: int, tmp_path: Path) -> None:
    """Every way to put six processes on three computers is tried; the answer passes a check of its own."""
    data = balance(seed)
    (tmp_path / "in.json").write_text(json.dumps(data))
    problem = read_cloudbalancing(tmp_path / "in.json")
    result = place(problem.estate, time_limit_s=20, workers=1)
    assert result.status is Status.OPTIMAL
    assert result.plan is not None
    write_cloudbalancing(problem, problem.computers_after(result.plan.placements), tmp_path / "out.json")
    answer = json.loads((tmp_path / "out.json").read_text())
    best = min(
        cost for chosen in itertools.product([0, 10, 20], repeat=6) if (cost := _cost(data, chosen)) is not None
    )
    assert cost_of(data, answer) == best == next(g.value for g in result.objective if g.goal == "cost") // 10_000
    assert {**answer, "processList": data["processList"]} == data


def _cost(data: dict[str, Any], chosen: tuple[int, ...]) -> int | None:
    """Return what an assignment costs, None where it does not fit."""
    rows = zip(data["processList"], chosen, strict=True)
    try:
        return cost_of(data, {**data, "processList": [{**process, "computer": c} for process, c in rows]})
    except ValueError:
        return None


def test_the_check_of_answers_finds_what_is_wrong() -> None:
    """Too much on a computer, nobody's process, another problem's answer."""
    data = balance()
    everywhere = [{**process, "computer": 0} for process in data["processList"]]
    with pytest.raises(ValueError, match="computer 0 takes"):
        cost_of(data, {**data, "processList": everywhere})
    with pytest.raises(ValueError, match="process 0 has no computer"):
        cost_of(data, data)
    with pytest.raises(ValueError, match="not of this problem"):
        cost_of(data, {**data, "computerList": []})
    everywhere[2]["requiredMemory"] = 0
    with pytest.raises(ValueError, match="process 2 is not what it was"):
        cost_of(data, {**data, "processList": everywhere})


def test_who_can_stay_stays() -> None:
    """Where processes run today is a number or an object; alike ones change places only if they have to."""
    data = balance()
    for process in data["processList"]:
        process.update(dict.fromkeys(NEEDS, 1))
    data["processList"][1]["computer"] = 20
    data["processList"][4]["computer"] = {"id": 10, "cost": 107}
    problem = cloudbalancing_from_data(data)
    assert problem.estate.groups[0].current == {"c20": 1, "c10": 1}
    group = problem.estate.groups[0].id
    placements = [Placement(group=group, site="c20", count=2), Placement(group=group, site="c0", count=3)]
    assert problem.computers_after(placements) == [20, 20, 0, 0, 0, None]


def test_an_estate_is_written_for_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the command writes is the estate that was read; a bad file is one line and exit 1."""
    (tmp_path / "in.json").write_text(json.dumps(balance()))
    assert main([str(tmp_path / "in.json"), "-o", str(tmp_path / "estate.yaml")]) == 0
    assert load_estate(tmp_path / "estate.yaml") == read_cloudbalancing(tmp_path / "in.json").estate
    assert main([str(tmp_path / "none.json"), "-o", str(tmp_path / "x.yaml")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_packed_files_say_the_same(tmp_path: Path) -> None:
    """xz is known by its content."""
    text = json.dumps(balance())
    (tmp_path / "plain.json").write_text(text)
    (tmp_path / "packed.json").write_bytes(lzma.compress(text.encode()))
    assert read_cloudbalancing(tmp_path / "plain.json") == read_cloudbalancing(tmp_path / "packed.json")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda d: d.pop("computerList"), "computerList: is missing"),
        (lambda d: d.update(computerList=[]), "computerList: names no computer"),
        (lambda d: d.update(processList={}), "processList: should be a list"),
        (lambda d: d["processList"].append(7), "processList[6]: should be an object"),
        (lambda d: d["processList"][1].pop("requiredMemory"), "processList[1].requiredMemory: is missing"),
        (lambda d: d["computerList"][0].update(memory=-1), "computerList[0].memory: -1 is no whole number"),
        (lambda d: d["computerList"][0].update(memory=1.5), "computerList[0].memory: 1.5 is no whole number"),
        (lambda d: d["computerList"][0].update(memory=True), "computerList[0].memory: True is no whole number"),
        (lambda d: d["computerList"][0].update(cost=10**12), "computerList[0].cost: 1000000000000 is no"),
        (lambda d: d["computerList"][1].update(id=0), "computerList[1].id: 0 is given twice"),
        (lambda d: d["processList"][2].update(computer=5), "processList[2].computer: there is no computer 5"),
        (lambda d: d["processList"][2].update(computer=[0]), "processList[2].computer: there is no computer [0]"),
        (lambda d: d["processList"][2].update(computer={}), "processList[2].computer: there is no computer {}"),
    ],
)
def test_bad_files_end_in_one_line(tmp_path: Path, change: Any, what: str) -> None:
    """File, place and what is wrong."""
    data = balance()
    change(data)
    (tmp_path / "bad.json").write_text(json.dumps(data))
    with pytest.raises(InputError) as caught:
        read_cloudbalancing(tmp_path / "bad.json")
    assert str(caught.value).startswith(f"{tmp_path}/bad.json: {what}")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"[1]", "is no object"),
        (b"{", "is no JSON"),
        (b"\xff\xfe", "is no UTF-8 text"),
        (b"\xfd7zXZ\x00rubbish", "is a damaged xz file"),
    ],
)
def test_files_that_are_no_json_end_in_one_line(tmp_path: Path, content: bytes, what: str) -> None:
    """Whatever the bytes are."""
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(InputError, match=what):
        read_cloudbalancing(tmp_path / "bad.json")
