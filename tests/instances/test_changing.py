"""A change touches as many instances as asked, and a region in place keeps all of its own rules."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from zonewright.instances.changing import changed_data
from zonewright.instances.generator import generate_changed, generate_region, main, region_data
from zonewright.models import Estate, InputError, Plan, Status, World, estate_from_data, load_estate
from zonewright.models.check import judge
from zonewright.models.plan import Placement
from zonewright.models.rules import AntiAffinity
from zonewright.models.view import Row, View


def in_place(**sizes: Any) -> Estate:
    asked = {"instances": 400, "groups": 40, "hosts": 60, "racks": 12, "fill": 0.8, "seed": 1, **sizes}
    return generate_region(**asked, apart_in_racks=True, in_place=True)


def today(world: World) -> View:
    return View(world, [Row(unit.index, site, n) for unit in world.units for site, n in unit.current.items()])


def where(estate: Estate) -> Counter[tuple[str, str]]:
    """Return how many of each group are on each site today."""
    found = Counter({(group.id, site): n for group in estate.groups for site, n in group.current.items()})
    found.update((instance.group, instance.site) for instance in estate.instances if instance.site)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a_region_in_place_keeps_every_rule(seed: int) -> None:
    """Everybody has a place, one per host, few per rack, even over zones, nothing too full."""
    estate = in_place(seed=seed, fill=0.9)
    world = World(estate)
    report = judge(today(world))
    assert not report.violations
    assert dict(report.objective)["placed[0]"] == 0
    limits = [rule for rule in estate.rules if isinstance(rule, AntiAffinity) and rule.level == "rack"]
    assert limits
    assert all(world.groups[name].count > rule.at_most for rule in limits for name in rule.groups)


def test_where_everybody_is_is_the_only_difference() -> None:
    """With and without `in_place` a region is the same."""
    sizes = {"instances": 100, "groups": 20, "hosts": 20, "racks": 5, "seed": 3, "apart_in_racks": True}
    with_seats = region_data(**sizes, in_place=True)
    for group in with_seats["groups"]:
        assert sum(group.pop("current").values()) == group["count"]
    assert with_seats == region_data(**sizes)


@pytest.mark.parametrize("seed", range(5))
def test_a_hundredth_changes_half_new_half_resized(seed: int) -> None:
    """Of 400 instances 20 change at 5 %: ten more, ten of another size where they were; nobody moves."""
    before = in_place()
    after = generate_changed(before, share=0.05, seed=seed)
    World(after)
    assert sum(group.count for group in after.groups) == 410
    assert where(after) == where(before)
    assert len(after.instances) == 10
    demand = {group.id: group.demand for group in before.groups}
    largest = {r: max(host.capacity[r].total for host in before.hosts) for r in ("cpu_milli", "memory_mib")}
    for instance in after.instances:
        assert instance.demand is not None
        old = demand[instance.group]
        factors = {round(new / old[resource], 2) for resource, new in instance.demand.items()}
        assert factors <= {0.5, 1.5, 2.0} or min(old.values()) < 10
        assert instance.demand != old
        assert all(amount <= max(old[r], largest[r]) for r, amount in instance.demand.items())
    grown = [new.count - old.count for old, new in zip(before.groups, after.groups, strict=True)]
    assert min(grown) == 0
    assert sum(grown) == 10


def test_the_same_seed_gives_the_same_change() -> None:
    """Equal data for equal arguments, other data for another seed; the estate that was given stays as it is."""
    before = in_place()
    kept = before.model_copy(deep=True)
    one = changed_data(before, seed=3)
    assert one == changed_data(before, seed=3)
    assert one != changed_data(before, seed=4)
    assert before == kept


def test_a_plan_becomes_the_current_placement() -> None:
    """Named and unnamed members are where the plan has them, whatever the estate said before."""
    group = {"id": "web", "count": 4, "demand": {"cpu_cores": 2}, "current": {"a": 3}}
    data = {
        "estate": "e",
        "zones": [{"id": "a"}, {"id": "b"}],
        "groups": [group],
        "instances": [{"id": "web-x", "group": "web", "site": "a", "demand": {"cpu_cores": 4}}],
    }
    estate = estate_from_data(data)
    placements = [
        Placement(group="web", site="b", count=3, instances=["web-x"]),
        Placement(group="web", site="a", count=1),
    ]
    plan = Plan(plan="e", estate_fingerprint="", status=Status.FEASIBLE, placements=placements)
    changed = estate_from_data(changed_data(estate, plan, share=0.25))
    assert where(changed) == Counter({("web", "b"): 3, ("web", "a"): 1})
    stranger = plan.model_copy(update={"placements": [Placement(group="wed", site="a", count=1)]})
    with pytest.raises(InputError, match=r"wed, which is unknown. Maybe web\?"):
        changed_data(estate, stranger)


@pytest.mark.parametrize(("share", "what"), [(0.0, "more than 0"), (1.5, "at most 1"), (0.9, "are to be resized")])
def test_a_change_that_cannot_be_is_refused(share: float, what: str) -> None:
    """A share beyond all, or more to resize than run."""
    data = {"estate": "e", "zones": [{"id": "a"}], "groups": [{"id": "g", "count": 9, "demand": {"cpu_cores": 1}}]}
    with pytest.raises(InputError, match=what):
        changed_data(estate_from_data(data), share=share)


def test_from_file_to_file(tmp_path: Path) -> None:
    """The commands give what the calls give."""
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    asked = [
        "--instances",
        "80",
        "--groups",
        "12",
        "--hosts",
        "20",
        "--racks",
        "4",
        "--fill",
        "0.7",
        "--seed",
        "5",
    ]
    assert main(["region", *asked, "--apart-in-racks", "--in-place", "-o", str(before)]) == 0
    assert main(["changed", str(before), "--share", "0.1", "--seed", "2", "-o", str(after)]) == 0
    assert load_estate(after) == generate_changed(load_estate(before), share=0.1, seed=2)
    assert sum(group.count for group in load_estate(after).groups) == 84
