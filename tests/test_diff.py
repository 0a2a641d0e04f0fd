"""`zonewright diff`: what differs between two placements, and what is no difference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import run
from zonewright.models import Placement, Plan, Status, save_plan
from zonewright.models.events import Event
from zonewright.models.migration import Action, Migration, Step
from zonewright.models.migration_files import save_migration
from zonewright.models.operations import Operation
from zonewright.models.plan import BalancerZones, GoalValue
from zonewright.report.differences import Side, difference

ESTATE = """\
estate: shop
currency: EUR
zones:
  - {id: a, capacity: {cpu_cores: 20}, price: {cpu_cores: 10}}
  - {id: b, capacity: {cpu_cores: 20}, price: {cpu_cores: 12}}
  - {id: c, capacity: {cpu_cores: 20}, price: {cpu_cores: 12}}
groups:
  - {id: web, count: 6, demand: {cpu_cores: 1}, current: {a: 4, b: 2}}
  - {id: db, count: 2, demand: {cpu_cores: 1}}
instances: [{id: db-1, group: db, site: a}, {id: db-2, group: db, site: b}]
rules: [{rule: anti_affinity, id: apart, groups: [db], level: zone, soft: {weight: 5}}]
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("estate.yaml").write_text(ESTATE)


def a_plan(web: dict[str, int], db: dict[str, str], **others: Any) -> Plan:
    placements = [Placement(group="web", site=site, count=count) for site, count in web.items()]
    placements += [Placement(group="db", site=site, count=1, instances=[name]) for name, site in db.items()]
    return Plan(plan="shop", estate_fingerprint="", status=Status.FEASIBLE, placements=placements, **others)


TODAY = a_plan({"a": 4, "b": 2}, {"db-1": "a", "db-2": "b"})
OTHER = a_plan({"a": 1, "b": 2, "c": 3}, {"db-1": "b", "db-2": "a"})


def compare(first: Plan, second: Plan) -> Any:
    return difference(Side("first", "plan", first), Side("second", "plan", second))


def document(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = run("diff", *arguments, "--json")
    assert done.err == ""
    return done.code, json.loads(done.out)


def test_equal_plans_are_the_same_whatever_their_bounds_and_engines() -> None:
    goals = [GoalValue(goal="cost", value=5, bound=3)]
    save_plan(TODAY.model_copy(update={"objective": goals, "engine": "x"}), "1.json")
    closer = [GoalValue(goal="cost", value=5, bound=5)]
    save_plan(TODAY.model_copy(update={"objective": closer, "seed": 4, "status": Status.OPTIMAL}), "2.json")
    done = run("diff", "1.json", "2.json")
    assert done.code == 0, done.out
    assert "1.json and 2.json: the same" in done.out
    assert document("1.json", "2.json")[1]["differs"] is False


def test_rows_that_are_cut_otherwise_are_the_same() -> None:
    split = TODAY.model_copy(
        update={
            "placements": [
                Placement(group="web", site="a", count=2),
                *TODAY.placements[1:],
                Placement(group="web", site="a", count=2),
            ]
        }
    )
    assert not compare(TODAY, split).differs


def test_named_instances_are_followed_one_by_one() -> None:
    found = compare(TODAY, OTHER)
    assert [(s.group, s.source, s.target, s.count, s.instances) for s in found.shifts] == [
        ("db", "a", "b", 1, ("db-1",)),
        ("db", "b", "a", 1, ("db-2",)),
        ("web", "a", "c", 3, ()),
    ]
    assert found.moved == 5
    assert found.counts == [("web", "a", 4, 1), ("web", "c", 0, 3)]
    assert found.rules is None


def test_what_is_on_one_side_only_is_said_to_be() -> None:
    found = compare(TODAY, a_plan({"a": 4}, {"db-1": "a", "db-2": "b"}))
    assert [(s.source, s.target, s.count) for s in found.shifts] == [("b", None, 2)]
    assert found.moved == 0
    assert found.differs


def test_today_against_a_plan_is_what_would_move() -> None:
    save_plan(OTHER, "plan.json")
    done = run("diff", "estate.yaml", "plan.json")
    assert done.code == 5, done.err
    assert "5 instances at another site" in done.out
    code, found = document("estate.yaml", "plan.json")
    assert code == 5
    goals = {entry["goal"]: (entry["first"], entry["second"]) for entry in found["objective"]}
    assert goals["moves"] == (0, 5)
    assert goals["cost"] == (860_000, 920_000)
    assert found["rules"] == []
    save_plan(TODAY, "today.json")
    assert run("diff", "estate.yaml", "today.json").code == 0


def test_rules_are_compared_where_an_estate_says_which() -> None:
    save_plan(TODAY, "1.json")
    save_plan(a_plan({"a": 4, "b": 2}, {"db-1": "a", "db-2": "a"}), "2.json")
    assert "--estate ESTATE says which" in run("diff", "1.json", "2.json").out
    code, found = document("1.json", "2.json", "--estate", "estate.yaml")
    assert code == 5
    assert found["rules"] == [{"rule": "apart", "group": "db", "domain": "a", "first": 0, "second": 1}]
    assert {"goal": "soft[0]", "first": 0, "second": 5} in found["objective"]


def test_choices_of_plans_are_compared() -> None:
    first = a_plan({"a": 6}, {}, balancers=[BalancerZones(balancer="clb", zones=["a"])])
    second = a_plan({"a": 6}, {}, balancers=[BalancerZones(balancer="clb", zones=["b"])])
    assert compare(first, second).settings == [("zones of balancer", "clb", "a", "b")]


def test_another_subnet_is_a_difference() -> None:
    first = a_plan({}, {})
    seats = [
        first.model_copy(update={"placements": [Placement(group="web", site="a", count=6, subnet=name)]})
        for name in ("subnet-1", "subnet-2")
    ]
    found = compare(*seats)
    assert found.differs
    assert not found.shifts
    assert ("web at a in subnet", "subnet-1", "6", None) in found.settings


def a_migration(*, start: int = 0, target: str = "c", name: str = "move-1") -> Migration:
    action = Action(id=name, kind="move", group="web", count=3, source="a", target=target)
    step = Step(id=f"{name}.live", action=name, do=Operation.LIVE_MIGRATE, start_s=start, end_s=start + 10)
    return Migration(
        migration="shop",
        estate_fingerprint="",
        event=Event(drain=["a"]),
        status=Status.OPTIMAL,
        order_status=Status.OPTIMAL,
        moves=3,
        actions=[action],
        steps=[step],
        target=OTHER,
    )


def test_migrations_are_compared_by_what_they_do_not_by_what_it_is_called() -> None:
    save_migration(a_migration(), "1.json")
    save_migration(a_migration(name="other-7"), "2.json")
    assert run("diff", "1.json", "2.json").code == 0
    save_migration(a_migration(start=5), "3.json")
    code, found = document("1.json", "3.json")
    assert code == 5
    assert found["retimed"] == 1
    assert {"figure": "makespan_s", "first": 10, "second": 15} in found["migration"]
    save_migration(a_migration(target="b"), "4.json")
    code, found = document("1.json", "4.json")
    assert code == 5
    assert (found["only_first"], found["only_second"]) == (["move-1.live"], ["move-1.live"])
    assert "Steps of the first only" in run("diff", "1.json", "4.json").out


def test_a_migration_without_a_target_is_compared_by_its_figures() -> None:
    save_migration(a_migration(), "1.json")
    save_migration(a_migration().model_copy(update={"target": None}), "2.json")
    code, found = document("1.json", "2.json")
    assert (code, found["moves"]) == (0, [])


def test_names_that_the_estate_lacks_are_refused_with_their_line() -> None:
    save_plan(a_plan({"q": 3}, {}), "plan.json")
    done = run("diff", "estate.yaml", "plan.json")
    assert done.code == 1
    assert done.err.startswith("error: plan.json:")
    assert "unknown domain q" in done.err
    assert done.err.count("\n") == 1
    assert run("diff", "plan.json", "nothing.json").err == "error: nothing.json: no such file.\n"


def test_a_plan_for_another_state_is_said_to_be() -> None:
    save_plan(TODAY.model_copy(update={"estate_fingerprint": "feed"}), "plan.json")
    done = run("diff", "estate.yaml", "plan.json")
    assert done.code == 0
    assert "warning: plan.json was made for another state" in done.err


def test_a_shipped_estate_is_known_by_its_name() -> None:
    assert run("diff", "shop-guangzhou", "shop-guangzhou").code == 0
