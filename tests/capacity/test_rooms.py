"""Head-room: how many more of a group fit, today and with every loss survived."""

from __future__ import annotations

from random import Random

import pytest

from tests.analyses import shopping
from tests.analyses.duel_capacity import rooms
from tests.capacity.estates import built, halls, pools
from zonewright.models import InputError
from zonewright.solver import head_room, head_rooms, place


@pytest.mark.parametrize("seed", range(2000, 2004))
def test_as_many_fit_as_trying_everything_finds(seed: int) -> None:
    """Every group, today and guaranteed."""
    assert list(rooms(shopping.drawn(Random(seed)))) == []


def test_room_is_counted_on_hosts_not_in_sums() -> None:
    """16 cores, 4 of them used by those who run, 8 more by the other web servers, 6 by databases on two hosts."""
    data = halls(rules=[])
    found = head_room(built(data), "db", workers=1, time_limit_s=20)
    assert (found.more, found.bound) == (0, 0)
    data["groups"] = data["groups"][:1]
    data["groups"][0]["count"] = 2
    more = head_room(
        built(data | {"groups": [*data["groups"], halls()["groups"][1] | {"count": 0}]}), "db", workers=1
    )
    assert (more.more, more.bound) == (3, 3)
    assert more.binding


def test_a_plan_stands_for_where_everybody_is() -> None:
    """Who is in the plan stays there."""
    estate = built(pools())
    plan = place(estate, time_limit_s=20, workers=1, partial=True).plan
    assert plan is not None
    found = head_room(estate, "web", plan=plan, workers=1, time_limit_s=20)
    assert found.more == 0


def test_without_any_limit_there_is_no_end() -> None:
    """Nothing states a capacity."""
    data = {"estate": "e", "zones": [{"id": "z"}], "groups": [{"id": "g", "count": 1, "demand": {"cpu_cores": 1}}]}
    found = head_room(built(data), "g", workers=1, time_limit_s=20)
    assert found.unlimited
    assert found.proven


def test_a_majority_asks_for_odd_numbers() -> None:
    """Two of a majority are no better than one: of 2 more 1 fits, of 1 more none."""
    zones = [{"id": z, "capacity": {"cpu_cores": 1}} for z in "abc"]
    group = {"id": "g", "count": 1, "demand": {"cpu_cores": 1}, "quorum": "majority"}
    rule = {"rule": "survive", "id": "s", "level": "zone"}
    data = {"estate": "e", "zones": zones, "groups": [group], "rules": [rule]}
    assert head_room(built(data), "g", guaranteed=True, workers=1, time_limit_s=20).more == 2


def test_all_groups_are_asked_and_unknown_ones_refused() -> None:
    """`all` is every group, twice where a loss is guarded against."""
    data = halls()
    data["rules"].append({"rule": "survive", "id": "s", "level": "zone", "mode": "evacuate"})
    found = head_rooms(built(data), ["all"], workers=1, time_limit_s=30)
    asked = [(room.group, room.guaranteed) for room in found]
    assert asked == [("web", False), ("web", True), ("db", False), ("db", True)]
    with pytest.raises(InputError, match="Maybe web"):
        head_rooms(built(data), ["wep"])
