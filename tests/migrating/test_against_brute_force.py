"""The planner says what trying everything says; `python -m benchmarks.migration_cases` has more cases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.migrating.cases import case
from tests.migrating.duel import duel
from tests.migrating.facts import Facts
from tests.migrating.orders import STOP, Found, best_order
from tests.migrating.targets import Aim, aims

Raw = dict[str, Any]


@pytest.mark.parametrize("number", range(150))
def test_says_what_trying_everything_says(number: int) -> None:
    outcome = duel(case(number))
    assert not outcome.wrong, outcome.wrong


# Trying everything by itself, where the answer is known.


def _estate(rooms: list[int], groups: list[Raw], rules: list[Raw] | None = None, **settings: Any) -> Raw:
    steps = {"operator-stop-start": (1, 2), "operator-restart": (1, 2), "stop-for-others": (1,)}
    recipes = [{"id": name, "steps": [{"seconds": n} for n in seconds]} for name, seconds in steps.items()]
    hosts = [{"id": f"h{k}", "in": "z", "capacity": {"cpu_milli": room}} for k, room in enumerate(rooms)]
    named = [{"id": f"r{k}", **rule} for k, rule in enumerate(rules or [])]
    migration = {"recipes": recipes, **settings}
    return {"zones": [{"id": "z"}], "hosts": hosts, "groups": groups, "rules": named, "migration": migration}


def _one(name: str, host: str, size: int, seconds: int = 1, *, may_stop: bool = False, **more: Any) -> Raw:
    movability = {"migrate_seconds": seconds, "may_stop": may_stop}
    demand = {"cpu_milli": size}
    return {"id": name, "count": 1, "demand": demand, "current": {host: 1}, "movability": movability, **more}


def _only(group: str, host: str, hosts: int) -> Raw:
    barred = [f"h{k}" for k in range(hosts) if f"h{k}" != host]
    return {"rule": "domains", "groups": [group], "forbid": barred}


def _first(facts: Facts) -> tuple[Aim, Found] | None:
    for aim in aims(facts):
        found = best_order(facts, aim, timed=True)
        if found is not None:
            return aim, found
    return None


def _swap(third: int, *, may_stop: bool = False) -> Facts:
    groups = [_one("a", "h0", 4, 3, may_stop=may_stop), _one("b", "h1", 4, 2)]
    rules = [_only("a", "h1", 3), _only("b", "h0", 3)]
    return Facts(_estate([4, 4, third], groups, rules), {"mend": True, "strictly": True})


def test_two_change_places_over_a_third_host() -> None:
    answer = _first(_swap(4))
    assert answer is not None
    assert (answer[0].moves, answer[1]) == (2, Found(1, 2 + 3 + 2))


def test_two_cannot_change_places_without_room() -> None:
    assert _first(_swap(3)) is None


def test_one_of_two_stops_where_it_may() -> None:
    answer = _first(_swap(3, may_stop=True))
    assert answer is not None
    assert answer[1] == Found(STOP, 1 + 2 + 2)


def test_a_small_one_makes_room_for_a_large_one() -> None:
    groups = [_one("large", "h0", 3, 2), _one("small", "h1", 1, 4)]
    facts = Facts(_estate([3, 3, 1], groups), {"drain": ["h0"]})
    answer = _first(facts)
    assert answer is not None
    assert (answer[0].out, answer[0].moves, answer[1]) == ((0, 0), 2, Found(0, 4 + 2))


def test_the_lost_come_back_by_priority() -> None:
    groups = [_one("much", "h0", 2, priority=5), _one("little", "h0", 2)]
    facts = Facts(_estate([4, 2], groups), {"fail": ["h0"]})
    answer = _first(facts)
    assert answer is not None
    assert (answer[0].at["much"], answer[0].out, answer[1]) == ({"h1": 1}, (0, 0, 1), Found(0, 3))


def test_nobody_enters_a_host_that_is_too_full_already() -> None:
    groups = [_one("a", "h0", 2), _one("b", "h1", 2), _one("c", "h1", 1)]
    facts = Facts(_estate([2, 2, 1], groups), {"drain": ["h0"]})
    # Who has to leave and cannot is left behind; nobody is stopped for others.
    assert aims(facts)[0].out == (0, 1)


def test_one_after_the_other_where_one_at_once_is_the_limit() -> None:
    groups = [_one("a", "h0", 1, 3), _one("b", "h0", 1, 4)]
    event = {"drain": ["h0"]}
    fast = _first(Facts(_estate([2, 2], groups), event))
    slow = _first(Facts(_estate([2, 2], groups, most_at_once=1), event))
    assert fast is not None
    assert slow is not None
    assert (fast[1].makespan, slow[1].makespan) == (4, 7)
