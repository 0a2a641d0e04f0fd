"""Who sits in which subnet: everybody if possible, in today's seat where that takes nobody else's."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.solver.estates import group, world_of, zones
from tests.solver.stand import few
from zonewright.models import World, check_plan
from zonewright.solver import place
from zonewright.solver.lowering.network import network_at
from zonewright.solver.seating import Seat, Seating, seat_subnets


def subnets(**rooms: int) -> list[dict[str, Any]]:
    """Return subnets of 8 addresses of which `rooms` are free, all in the first zone but `far`."""
    return [
        {
            "id": name,
            "vpc": "v",
            "cidr": f"10.0.{k}.0/29",
            "zone": "z2" if name == "far" else "z1",
            "reserved": 8 - room,
        }
        for k, (name, room) in enumerate(rooms.items())
    ]


def world(groups: list[dict[str, Any]], instances: list[dict[str, Any]], **rooms: int) -> World:
    entries = [{"vpcs": ["v"], **entry} for entry in groups]
    vpc = {"id": "v", "region": "r1", "cidr": "10.0.0.0/16"}
    return world_of(
        zones=zones("z1", "z2"), vpcs=[vpc], subnets=subnets(**rooms), groups=entries, instances=instances
    )


def seated(entry: World, at: str = "z1") -> Seating:
    """Seat everything at one site."""
    site = entry.tree.by_id[at]
    seats = [Seat(s.id, s.vpc, entry.tree.by_id[s.zone or ""], 8 - s.reserved) for s in entry.subnets.values()]
    return seat_subnets(entry, seats, {u.index: {site: u.count} for u in entry.units}, network_at)


def test_everybody_is_seated_where_only_one_way_does() -> None:
    """Three that fit `a` only and two that fit both: the two leave `a`, which has 3 seats, to the three."""
    tiny = world([group("both", 2), group("only-a", 3, subnets=["a"])], [], a=3, b=2)
    assert {u.group: seated(tiny)[u.index, tiny.tree.by_id["z1"]] for u in tiny.units} == {
        "both": {"b": 2},
        "only-a": {"a": 3},
    }


def test_a_subnet_in_another_zone_takes_nobody() -> None:
    """The only free seats are in the second zone: nobody at the first can have them."""
    with pytest.raises(ArithmeticError, match="no room"):
        seated(world([group("g", 2)], [], a=1, far=5))


def test_whoever_sits_somewhere_keeps_the_seat() -> None:
    """Of three in a group the one in `b` stays there, though `a` has room for all."""
    tiny = world([group("g", 3)], [{"id": "g-1", "group": "g", "site": "z1", "subnet": "b"}], a=5, b=5)
    named = next(u for u in tiny.units if u.name == "g-1")
    assert seated(tiny)[named.index, tiny.tree.by_id["z1"]] == {"b": 1}


def test_a_seat_is_given_up_where_another_fits_nowhere_else() -> None:
    """One sits in `a`, its last seat, and could use `b`; another fits `a` only: both are seated."""
    sits = {"id": "g-1", "group": "g", "site": "z1", "subnet": "a"}
    tiny = world([group("g", 1), group("only-a", 1, subnets=["a"])], [sits], a=1, b=1)
    assert sorted(next(iter(s)) for s in seated(tiny).values()) == ["a", "b"]


def test_no_more_seats_are_given_up_than_must_be() -> None:
    """Of three in `a` with three seats one makes way for who fits `a` only; the other two stay."""
    sits = [{"id": f"g-{k}", "group": "g", "site": "z1", "subnet": "a"} for k in range(3)]
    tiny = world([group("g", 3), group("only-a", 1, subnets=["a"])], sits, a=3, b=5)
    found = [s for (unit, _), s in seated(tiny).items() if tiny.units[unit].group == "g"]
    assert sorted(next(iter(s)) for s in found) == ["a", "a", "b"]


@few
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "c", None]), st.sets(st.sampled_from("abc"), min_size=1)),
        min_size=1,
        max_size=5,
    ),
    st.tuples(*[st.integers(0, 3)] * 3),
)
def test_seating_is_as_good_as_trying_all_ways(
    drawn: list[tuple[str | None, set[str]]], rooms: tuple[int, int, int]
) -> None:
    """Everybody is seated when some way exists, and no way keeps more people in their seats."""
    groups = [group(f"g{k}", 1, subnets=sorted(fits)) for k, (_, fits) in enumerate(drawn)]
    instances = [
        {"id": f"i{k}", "group": f"g{k}", "site": "z1", **({"subnet": now} if now else {})}
        for k, (now, _) in enumerate(drawn)
    ]
    tiny = world(groups, instances, a=rooms[0], b=rooms[1], c=rooms[2])
    room = dict(zip("abc", rooms, strict=True))
    ways = [
        way
        for way in itertools.product(*(sorted(fits) for _, fits in drawn))
        if all(way.count(name) <= room[name] for name in room)
    ]
    if not ways:
        with pytest.raises(ArithmeticError):
            seated(tiny)
        return
    found = seated(tiny)
    now = [u.current_subnet for u in tiny.units]
    mine = [next(iter(found[u.index, tiny.tree.by_id["z1"]])) for u in tiny.units]
    assert tuple(mine) in ways
    kept = sum(a == b for a, b in zip(mine, now, strict=True))
    assert kept == max(sum(a == b for a, b in zip(way, now, strict=True)) for way in ways)


# Seats after a loss: survivors keep theirs, what is lost leaves its own.


def trap(*displaced: tuple[str, str], seats: int = 1) -> World:
    """One that fits `a` and `b` sits in `a`; those displaced from other zones fit one of the two only."""
    others = [zone for _, zone in displaced]
    names = ["a", "b", *(f"{zone}-net" for zone in others)]
    nets = [
        {
            "id": name,
            "vpc": "v",
            "cidr": f"10.0.{k}.0/29",
            "zone": name.removesuffix("-net") if name.endswith("-net") else "z1",
            "reserved": 8 - seats,
        }
        for k, name in enumerate(names)
    ]
    return world_of(
        zones=zones("z1", *others),
        vpcs=[{"id": "v", "region": "r1", "cidr": "10.0.0.0/16"}],
        subnets=nets,
        groups=[
            group("any", 1, vpcs=["v"], subnets=["a", "b"]),
            *(
                group(f"to-{net}", 1, vpcs=["v"], subnets=[net, f"{z}-net"], current={z: 1})
                for net, z in displaced
            ),
        ],
        instances=[{"id": "any-1", "group": "any", "site": "z1", "subnet": "a"}],
        rules=[
            {"rule": "domains", "groups": ["any"], "allow": ["z1"]},
            *(
                {
                    "rule": "survive",
                    "mode": "evacuate",
                    "level": "zone",
                    "domains": [z],
                    "groups": [f"to-{net}"],
                }
                for net, z in displaced
            ),
        ],
    )


def test_a_survivor_sits_where_the_evacuated_do_not_need_to() -> None:
    """Losing z2 brings one to `a`, the only net it fits in z1: the survivor gives that seat up beforehand."""
    tiny = trap(("a", "z2"))
    result = place(tiny, workers=1)
    assert result.status == "OPTIMAL"
    assert result.plan is not None
    assert check_plan(tiny, result.plan).valid
    assert {p.group: p.subnet for p in result.plan.placements}["any"] == "b"
    assert [(p.group, p.subnet) for p in result.plan.scenarios[0].placements] == [("to-a", "a")]


def test_a_survivor_cannot_sit_right_for_two_scenarios_that_need_both_seats() -> None:
    """The loss of z2 needs `a`, that of z3 needs `b`; in one of them the survivor is in the way."""
    assert place(trap(("a", "z2"), ("b", "z3")), workers=1).status == "INFEASIBLE"
    assert place(trap(("a", "z2"), ("b", "z3"), seats=2), workers=1).status == "OPTIMAL"


def test_the_seats_of_what_is_lost_are_free_again() -> None:
    """Three on two hosts fill a net of three seats; what a lost host displaces takes its own seats again."""
    tiny = world_of(
        zones=zones("z1"),
        hosts=[{"id": h, "in": "z1", "capacity": {"cpu_milli": 3}} for h in ("h1", "h2")],
        vpcs=[{"id": "v", "region": "r1", "cidr": "10.0.0.0/16"}],
        subnets=subnets(a=3),
        groups=[group("g", 3, vpcs=["v"])],
        rules=[{"rule": "survive", "mode": "evacuate", "level": "host"}],
    )
    result = place(tiny, workers=1)
    assert result.status == "OPTIMAL"
    assert result.plan is not None
    assert check_plan(tiny, result.plan).valid
