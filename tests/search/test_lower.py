"""Lowering of estates to boards: what is refused and why, and what boards hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zonewright.models import World, estate_from_data
from zonewright.solver.lowering.goals import stage_names
from zonewright.solver.search.board import BROKEN, NO_LIMIT, Board
from zonewright.solver.search.lower import Refusal, lower_board
from zonewright.solver.search.oracle import judge_board

Raw = dict[str, Any]


def ground(**fields: Any) -> Raw:
    """Two zones with two hosts each, and two groups."""
    data: Raw = {
        "estate": "small",
        "regions": [{"id": "r"}],
        "zones": [{"id": z, "in": "r"} for z in ("z1", "z2")],
        "hosts": [{"id": f"{z}-{h}", "in": z} for z in ("z1", "z2") for h in (1, 2)],
        "groups": [
            {"id": "web", "count": 3, "demand": {"cpu_milli": 1000}},
            {"id": "db", "count": 2, "demand": {"cpu_milli": 2000}},
        ],
    }
    return data | fields


def board_of(data: Raw, *, partial: bool = False) -> Board:
    """Lower an estate that a board can say."""
    board = lower_board(World(estate_from_data(data)), partial=partial)
    assert isinstance(board, Board), board
    return board


def refusal_of(data: Raw, *, partial: bool = False) -> str:
    """Lower an estate that a board cannot say."""
    refusal = lower_board(World(estate_from_data(data)), partial=partial)
    assert isinstance(refusal, Refusal)
    return refusal.text


LATENCY = [{"between": ["z1", "z2"], "rtt_ms": 3}, {"between": ["z1", "z1"], "rtt_ms": 9}]
REFUSED: list[tuple[Raw, bool, list[str]]] = [
    ({"rules": [{"rule": "budget", "per_month": 5}]}, False, ["budget[0]"]),
    ({"rules": [{"rule": "survive", "id": "dr", "mode": "evacuate"}]}, False, ["dr", "zone"]),
    ({"rules": [{"rule": "survive", "lose": 2, "keep": 1}]}, False, ["survive[0]", "2 zones", "web"]),
    ({"rules": [{"rule": "survive", "keep": 9, "groups": ["db"]}]}, False, ["survive[0]", "db"]),
    ({"rules": [{"rule": "survive", "keep": 1}]}, True, ["survive[0]", "web"]),
    ({"rules": [{"rule": "spread", "largest_share": 0.5}]}, True, ["spread[0]", "web"]),
    ({"rules": [{"rule": "availability", "at_least": 0.9, "groups": ["db"]}]}, False, ["availability[0]", "db"]),
    ({"rules": [{"rule": "latency", "quorum": "db", "limit_ms": 1}]}, False, ["latency[0]", "db"]),
    (
        {"rules": [{"rule": "latency", "between": ["db", "db"], "limit_ms": 5}], "latencies": LATENCY},
        False,
        ["latency[0]", "z1", "db"],
    ),
    (
        {"rules": [{"rule": "affinity", "level": "zone", "groups": ["web", "db"], "soft": {}}]},
        False,
        ["affinity[0]", "web, db"],
    ),
    (
        {"rules": [{"rule": "avoid", "together": [{"group": "db", "domain": "z1"}]}]},
        False,
        ["avoid[0]", "db"],
    ),
    ({"tolerated": [{"rule": "capacity", "domain": "z1", "amount": 1}]}, False, ["capacity"]),
    (
        {"load_balancers": [{"id": "front", "kind": "any", "zones": ["z1"], "backends": ["web"]}]},
        False,
        ["load_balancer", "front"],
    ),
    (
        {
            "goals": ["placed", "cost"],
            "traffic": [{"from": "web", "to": "db", "gib_per_month": 7}],
            "traffic_prices": [{"between": ["z1", "z2"], "per_gib": 1}],
        },
        False,
        ["cost", "web", "db"],
    ),
]


@pytest.mark.parametrize(("fields", "partial", "words"), REFUSED)
def test_what_a_board_cannot_say_is_refused_by_name(fields: Raw, partial: bool, words: list[str]) -> None:
    """A refusal names the rule or goal, and who it is about."""
    text = refusal_of(ground(**fields), partial=partial)
    assert all(word in text for word in words), text


def test_clients_that_are_served_by_the_nearest_are_refused() -> None:
    """The goal is named."""
    data = ground(goals=["placed", "client_latency"], clients=[{"id": "town"}])
    data["groups"][1]["clients"] = {"town": 1}
    assert "client_latency" in refusal_of(data)
    data["groups"][1]["count"] = 0
    board_of(data)


def test_addresses_are_refused_only_where_somebody_needs_them() -> None:
    """A network with subnets that nobody is in says nothing."""
    data = ground(vpcs=[{"id": "net"}], subnets=[{"id": "sub", "vpc": "net", "cidr": "10.0.0.0/24"}])
    board_of(data)
    data["groups"][0]["vpcs"] = ["net"]
    assert all(word in refusal_of(data) for word in ("subnet", "web", "net"))


def test_nothing_to_place_is_refused() -> None:
    """An estate without instances has no board."""
    assert "nothing" in refusal_of(ground(groups=[{"id": "web", "count": 0, "demand": {"cpu_milli": 1}}]))


def test_sums_that_could_overflow_are_refused() -> None:
    """A hard rule may multiply amounts at their largest."""
    ratio = {"rule": "free_ratio", "resource": "cpu_milli", "beside": "disk_gib", "ratio": 1_000_000}
    data = ground(rules=[ratio])
    data["groups"][0]["demand"]["disk_gib"] = 1
    for host in data["hosts"]:
        host["capacity"] = {"cpu_milli": 10**12, "disk_gib": 10**12}
    assert "exactly" in refusal_of(data)
    ratio["ratio"] = 1000
    board_of(data)


@pytest.mark.parametrize("partial", [False, True])
def test_stages_are_the_goals(partial: bool) -> None:
    """One for one, after what is broken; who is nowhere breaks the placement unless that may be."""
    data = ground(goals=["placed", "urgent", "soft", "moves", "cost", "balance", "hosts"])
    data["groups"][0] |= {"current": {"z1-1": 2}, "priority": 3}
    data["rules"] = [
        {"rule": "load", "level": "zone", "most_share": 0.5, "soft": {"priority": priority}}
        for priority in (0, 1000, 7)
    ]
    board = board_of(data, partial=partial)
    assert board.stages == ("broken", *stage_names(World(estate_from_data(data))))
    value_k = judge_board(board, np.full(board.items, board.sites, np.int32)).value_k
    said = dict(zip(board.stages, value_k.tolist(), strict=True))
    assert said["stopped"] == said["moves"] == 2
    assert (said["placed[3]"], said["placed[0]"]) == (3, 2)
    assert said["broken"] == (0 if partial else 5)


def test_a_wish_that_no_goal_counts_is_left_out() -> None:
    """Without the goal `soft` a soft rule neither costs nor is refused."""
    data = ground(goals=["placed"], rules=[{"rule": "budget", "per_month": 1, "soft": {}}])
    assert board_of(data).stages == ("broken", "placed[0]")


def test_levels_and_nodes() -> None:
    """Level 0 is the sites, the last one the estate; levels that nothing asks for are not there."""
    data = ground(rules=[{"rule": "anti_affinity", "level": "zone", "at_most": 2}])
    data["regions"][0]["capacity"] = {"cpu_cores": 4}
    data["hosts"][3]["capacity"] = {"cpu_cores": 2}
    board = board_of(data)
    assert board.levels == ("host", "region", "zone", "estate")
    assert board.domains_l.tolist() == [4, 1, 2, 1]
    assert board.base_l.tolist() == [0, 4, 5, 7]
    assert board.dom_ls.tolist() == [[0, 1, 2, 3], [0] * 4, [0, 0, 1, 1], [0] * 4]
    cpu = board.limit_nr[:, board.resources.index("cpu_milli")]
    assert cpu.tolist() == [NO_LIMIT] * 3 + [2000, 4000] + [NO_LIMIT] * 3


def test_sites_of_several_levels() -> None:
    """A zone without hosts is a site beside hosts; both its own limit and that of the level hold."""
    data = ground(rules=[{"rule": "anti_affinity", "level": "zone", "at_most": 1, "groups": ["web"]}])
    data["zones"].append({"id": "z3", "in": "r", "capacity": {"cpu_cores": 1}})
    board = board_of(data)
    assert board.levels[0] == "site"
    assert board.sites == 5
    at = board.node_s.tolist().index(World(estate_from_data(data)).tree.by_id["z3"])
    judged = judge_board(board, np.full(board.items, at, np.int32))
    assert judged.by_family["capacity"][BROKEN] == 3000 + 4000 - 1000
    assert judged.by_family["at_most"][BROKEN] == 2


def test_members_of_a_group_are_neighbours() -> None:
    """Items come in the order of units: named ones of a group first, those with a place before the others."""
    data = ground(instances=[{"id": "web0", "group": "web", "site": "z2-1"}])
    data["groups"][0]["current"] = {"z1-1": 1}
    board = board_of(data)
    assert board.group_i.tolist() == [0, 0, 0, 1, 1]
    assert board.unit_i.tolist() == [0, 1, 1, 2, 2]
    assert board.home_i.tolist() == [2, 0, -1, -1, -1]
    assert board.members_x.tolist() == [0, 1, 2, 3, 4]
    assert board.members_ptr_g.tolist() == [0, 3, 5]


def test_prices_are_those_of_the_models() -> None:
    """By unit prices and by flavour, rounded once, nothing for who has paid ahead and stays."""
    data = ground(goals=["placed", "cost"], taken_at="2025-01-01T00:00:00Z")
    data["zones"][0]["price"] = {"cpu_cores": 1.00005, "memory_gib": 0.3333}
    data["zones"][1]["price"] = {"cpu_cores": 2}
    data["flavours"] = [{"id": "S", "resources": {"cpu_milli": 1}, "price": {"z1": 5.5}}]
    data["groups"][0] |= {"flavour": "S", "current": {"z1-1": 1}}
    data["groups"][0]["billing"] = {"mode": "prepaid", "paid_until": "2030-01-01T00:00:00Z"}
    del data["groups"][0]["demand"]
    data["groups"][1]["demand"] = {"cpu_milli": 333, "memory_mib": 777}
    world = World(estate_from_data(data))
    board = board_of(data)
    for i in range(board.items):
        for s, node in enumerate(board.node_s.tolist()):
            price = board.price_vq[board.price_class_i[i], board.price_key_s[s]]
            assert price == world.price(world.units[board.unit_i[i]], node)
    assert board.home_price_i.tolist() == [0] * 5
    assert (board.home_i >= 0).sum() == 1


def test_what_is_tolerated_raises_limits() -> None:
    """More than fits today may stay in its place, and no more; a limit that does not say where is refused."""
    data = ground()
    data["zones"][0]["capacity"] = {"cpu_cores": 2}
    data["groups"][0]["current"] = {"z1-1": 3}
    entry = {"rule": "capacity", "domain": "z1", "what": "cpu_milli", "amount": 1000}
    board = board_of(data | {"tolerated": [entry]})
    at_home = np.array([0, 0, 0, 2, 2], np.int32)
    assert judge_board(board, at_home).value_k[BROKEN] == 0
    assert judge_board(board, np.array([0, 0, 0, 0, 2], np.int32)).value_k[BROKEN] == 2000
    del entry["domain"]
    assert "capacity" in refusal_of(data | {"tolerated": [entry]})


def test_who_may_stay_where_it_should_not_be() -> None:
    """As many as the estate says, where all of them are that many; else the rule is refused by name."""
    data = ground()
    data["zones"][0]["state"] = "failed"
    data["groups"][0]["current"] = {"z1-1": 1, "z1-2": 1}
    assert not board_of(data).stay_i.any()
    entry = {"rule": "zone_state", "group": "web", "domain": "z1", "amount": 2}
    board = board_of(data | {"tolerated": [entry]})
    assert board.stay_i.tolist() == [True, True, False, False, False]
    assert not board.enter_ps[:, :2].any()
    entry["amount"] = 1
    assert all(word in refusal_of(data | {"tolerated": [entry]}) for word in ("zone_state", "web"))


def test_quotas_on_the_same_things_share_a_resource() -> None:
    """One resource for what several domains limit; another where a domain limits it twice."""
    quotas = [{"rule": "quota", "domain": z, "most": 1} for z in ("z1", "z2", "z1", "r")]
    board = board_of(ground(rules=[*quotas, {"rule": "quota", "domain": "z1", "most": 1, "groups": ["db"]}]))
    assert len(board.resources) == 3
    judged = judge_board(board, np.zeros(board.items, np.int32))
    assert judged.value_k[BROKEN] == 4 + 4 + 4 + 1
