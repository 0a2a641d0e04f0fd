"""Why there and why not elsewhere, on estates small enough to see it."""

from __future__ import annotations

import threading

import pytest

from tests.solver.estates import group, world_of, zones
from zonewright.models import InputError, World
from zonewright.models.events import Event
from zonewright.models.plan import Placement, Plan, Status
from zonewright.solver import explain, place, plan_migration
from zonewright.solver.reasons.subject import find_subject, split_question


def two_zones(**more: object) -> World:
    """A cheap zone with room for four, a dear one with room for eight."""
    return world_of(
        zones=[
            {"id": "cheap", "in": "r1", "capacity": {"cpu_cores": 4}, "price": {"cpu_cores": 1}},
            {"id": "dear", "in": "r1", "capacity": {"cpu_cores": 8}, "price": {"cpu_cores": 3}},
        ],
        groups=[
            group("web", 4, demand={"cpu_cores": 1}),
            group("db", 2, demand={"cpu_cores": 2}),
        ],
        **more,
    )


def test_who_would_have_to_make_room_is_said() -> None:
    """Both of db fill the cheap zone where that is their place; web comes in if one of db leaves."""
    world = two_zones(rules=[{"rule": "domains", "id": "db-cheap", "groups": ["db"], "allow": ["cheap"]}])
    question = explain(world, why_not=["web[3]@cheap"], workers=1).why_not[0]
    (option,) = question.options
    assert (question.verdict, option.verdict) == ("impossible", "breaks")
    assert [(v.rule, v.what, v.amount) for v in option.broken] == [("capacity", "cpu_milli", 1000)]
    assert option.pushes == [("db", 1)]
    assert question.forced is not None
    assert {c.label for c in question.forced.clash} >= {"asked", "db-cheap"}
    assert question.forced.clash_minimal


def test_a_closed_site_names_the_rules_that_close_it() -> None:
    """The state of the zone and the rule of the estate, both."""
    world = world_of(
        zones=[*zones("z1"), {"id": "z2", "in": "r1", "state": "sold_out"}],
        groups=[group("web", 2)],
        rules=[{"rule": "domains", "id": "stay-out", "groups": ["web"], "forbid": ["z2"]}],
    )
    question = explain(world, why_not=["web@z2"], workers=1).why_not[0]
    assert question.verdict == "closed"
    assert [o.label for o in question.options[0].obstacles] == ["zone_state", "stay-out"]


def test_what_somebody_costs_elsewhere_is_exact_with_others_moved() -> None:
    """The cheap zone is full with one of db and two of web: another of db there changes places with those two."""
    world = world_of(
        zones=[
            {"id": "cheap", "in": "r1", "capacity": {"cpu_cores": 4}, "price": {"cpu_cores": 1}},
            {"id": "dear", "in": "r1", "capacity": {"cpu_cores": 8}, "price": {"cpu_cores": 3}},
        ],
        groups=[group("web", 2, demand={"cpu_cores": 1}), group("db", 2, demand={"cpu_cores": 2})],
        rules=[{"rule": "spread", "id": "both", "groups": ["db"], "least_domains": 2, "soft": {"weight": 5}}],
    )
    (answer,) = explain(world, why=["db"], workers=1).why
    option = next(o for o in answer.options if o.site == "cheap")
    assert (option.here, option.verdict) == (1, "breaks")
    assert option.forced is not None
    first = option.forced.first
    assert first is not None
    assert (first.goal, first.change, first.proven) == ("soft[0]", 5, True)


def test_why_somebody_left_says_what_stood_against_staying() -> None:
    """The zone that runs it today is closed by a rule."""
    world = world_of(
        zones=zones("z1", "z2"),
        groups=[group("web", 3, current={"z1": 2})],
        rules=[{"rule": "domains", "id": "out", "groups": ["web"], "forbid": ["z1"]}],
    )
    answer = explain(world, why=["web"], workers=1).why[0]
    assert answer.here == {"z2": 3}
    assert answer.today == {"z1": 2}
    (left,) = answer.moved
    assert (left.site, left.verdict, left.obstacles[0].label) == ("z1", "closed", "out")


def test_a_plan_that_is_not_the_best_is_told() -> None:
    """One of web in the dear zone, with room in the cheap one: elsewhere is better."""
    world = two_zones()
    best = place(world, workers=1).plan
    assert best is not None
    everybody = [Placement(group="web", site="dear", count=4), Placement(group="db", site="dear", count=2)]
    worse = best.model_copy(update={"placements": everybody, "bounds": []})
    found = explain(world, plan=worse, why_not=["web@cheap"], workers=1)
    assert found.status is Status.FEASIBLE
    assert found.why_not[0].verdict == "better"


def test_names_mean_instances_members_and_groups() -> None:
    """A name that is nobody's is refused with the nearest one; domains may be asked for with an @ in names."""
    world = world_of(
        zones=zones("z1", "z@2"),
        groups=[group("web", 2), group("a@b", 1)],
        instances=[{"id": "web[0]", "group": "web"}],
    )
    assert find_subject(world, "web[0]").instance == "web[0]"
    assert find_subject(world, "web[1]").instance is None
    assert split_question(world, "a@b@z@2")[0].group == "a@b"
    for wrong, said in (("wbe", "Maybe web"), ("web[2]", "numbered from 0")):
        with pytest.raises(InputError, match=said):
            find_subject(world, wrong)
    for wrong, said in (("web", "INSTANCE@DOMAIN"), ("web@z3", "unknown domain z3")):
        with pytest.raises(InputError, match=said):
            split_question(world, wrong)


def test_a_named_instance_is_held_where_it_is_asked_for_on_hosts() -> None:
    """Sixteen hosts alike, one of them asked for: the answer is proven, and others keep their limits."""
    world = world_of(
        zones=zones("z1", "z2"),
        hosts=[{"id": f"h{n}", "in": f"z{n % 2 + 1}", "capacity": {"cpu_cores": 4}} for n in range(16)],
        groups=[group("web", 12, demand={"cpu_cores": 3}), group("db", 3, demand={"cpu_cores": 1})],
        instances=[{"id": "web-a", "group": "web"}],
        rules=[
            {"rule": "anti_affinity", "id": "apart", "groups": ["web"], "level": "host"},
            {"rule": "anti_affinity", "id": "db-apart", "groups": ["db"], "level": "host"},
        ],
    )
    domains = ["h0", "h7", "z1"]
    found = explain(world, why_not=[f"{who}@{d}" for who in ("web-a", "db") for d in domains], workers=1)
    for question in found.why_not:
        assert question.verdict in ("there", "same")
        if question.forced is not None:
            assert question.forced.proven


def test_many_hosts_are_packed_around_the_one_that_is_asked_for() -> None:
    """Sixty-four hosts, twenty groups: counts per pool, with the host in question a pool of its own."""
    world = world_of(
        zones=zones("z1", "z2"),
        hosts=[
            {"id": f"h{n}", "in": f"z{n % 2 + 1}", "capacity": {"cpu_cores": 8}, "price": {"cpu_cores": 1 + n % 2}}
            for n in range(64)
        ],
        groups=[group(f"g{n}", 4, demand={"cpu_cores": 1 + n % 3}) for n in range(20)],
        instances=[{"id": "one", "group": "g1"}],
        rules=[{"rule": "anti_affinity", "id": "apart", "level": "host"}],
    )
    best = place(world, workers=1)
    assert (best.status, best.engine) == (Status.OPTIMAL, "pools and packing")
    found = explain(world, plan=best.plan, why_not=["one@h1", "one@z2", "g2@h3", "g2@h2"], workers=1)
    assert [q.verdict for q in found.why_not[:3]] == ["worse", "worse", "worse"]
    for question in found.why_not[:3]:
        first = question.forced.first if question.forced else None
        assert first is not None
        assert (first.goal, first.proven) == ("cost", True)
        assert question.forced is not None
        assert question.forced.plan is not None
        assert question.forced.plan.engine == "pools and packing"
    # A core costs one more in z2: two for `one`, three for a member of g2.
    assert [q.forced.first.change for q in found.why_not[:3] if q.forced and q.forced.first] == [2e4, 2e4, 3e4]
    assert found.why_not[3].verdict in ("there", "same")


def a_swap() -> World:
    """Two full hosts."""
    return world_of(
        role="operator",
        zones=zones("z1"),
        hosts=[{"id": f"h{n}", "in": "z1", "capacity": {"cpu_cores": 2}} for n in range(2)],
        groups=[
            group(
                f"g{n}",
                1,
                demand={"cpu_cores": 2, "memory_gib": 1},
                current={f"h{n}": 1},
                movability={"may_stop": False},
            )
            for n in range(2)
        ],
    )


def test_no_order_is_told_from_no_placement() -> None:
    """Two that are to change places, with no room to do it in: there is a target, and no way."""
    world = a_swap()
    places = [Placement(group=f"g{n}", site=f"h{1 - n}", count=1) for n in range(2)]
    target = Plan(plan="tiny", estate_fingerprint="", status=Status.FEASIBLE, placements=places)
    result = plan_migration(world, event=Event(to=True), target=target, workers=1, time_limit_s=10)
    assert (result.reason, result.migration is None) == ("no_order", False)
    found = explain(world, migration=result.migration, workers=1)
    assert (found.status, found.reason) == (Status.INFEASIBLE, "no_order")
    assert found.blocked
    assert found.clashes is None


def test_what_an_event_leaves_is_explained() -> None:
    """With one of two full hosts lost there is no room for all: the clash and the ways out say so."""
    found = explain(a_swap(), event=Event(fail=["h1"]), workers=1)
    assert (found.status, found.reason) == (Status.INFEASIBLE, "no_placement")
    assert found.clashes is not None
    labels = {member.label for clash in found.clashes.clashes for member in clash.members}
    assert labels >= {"placed", "zone_state", "capacity"}


def test_it_stops_when_asked_and_says_what_it_has() -> None:
    """With the signal set there is no plan, and no error."""
    stop = threading.Event()
    stop.set()
    found = explain(two_zones(), workers=1, stop=stop)
    assert found.interrupted
    assert found.reason in (None, "no_time")
