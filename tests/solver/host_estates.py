"""Random small estates on hosts: two zones, racks, two types of host, rules at every level."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.solver.estates import Data, group, world_of
from zonewright.models import World

#: Rules below the zone that packing expresses, and evacuations of whole zones.
FINE = (
    "anti_host",
    "anti_rack",
    "static_host",
    "static_rack",
    "evacuate_zone",
    "spread_zone",
    "domains",
)
#: Rules below the zone that pools can only leave out, or count from one side.
COARSE = (
    "quota_rack",
    "budget_host",
    "load_host",
    "separation_host",
    "affinity_rack",
    "spread_rack",
    "soft_anti_rack",
    "soft_domains",
    "pin_host",
    "evacuate_host",
)
GOALS = (["placed", "soft", "moves", "cost"], ["placed", "soft", "cost", "hosts", "balance"])


def _rule(draw: st.DrawFn, name: str, groups: list[str], hosts: list[str]) -> Data:
    some = sorted(draw(st.sets(st.sampled_from(groups), min_size=1)))
    kind, _, level = name.rpartition("_")
    at = draw(st.sampled_from(hosts))
    few = draw(st.integers(1, 3))
    rules: dict[str, Data] = {
        "anti": {"rule": "anti_affinity", "level": level, "at_most": few, "groups": some},
        "static": {"rule": "survive", "level": level, "keep": few - 1, "groups": some},
        "evacuate": {"rule": "survive", "mode": "evacuate", "level": level, "groups": some},
        "spread": {"rule": "spread", "level": level, "skew": few, "groups": some},
        "": {"rule": "domains", "groups": some, "forbid": ["z1"]},
        "quota": {"rule": "quota", "domain": at.rsplit("-", 1)[0], "most": few},
        "budget": {"rule": "budget", "domain": at, "per_month": few * 20},
        "load": {"rule": "load", "level": level, "most_share": 0.25 * few},
        "separation": {"rule": "separation", "level": level, "groups": groups[:2]},
        "affinity": {"rule": "affinity", "level": level, "groups": some[:1]},
        "soft_anti": {
            "rule": "anti_affinity",
            "level": level,
            "at_most": few,
            "groups": some,
            "soft": {"weight": 2},
        },
        "soft": {"rule": "domains", "groups": some, "forbid": [at], "soft": {"weight": 1}},
        "pin": {"rule": "pin", "groups": some[:1], "domain": at},
    }
    return {"id": name, **rules[kind]}


@st.composite
def host_worlds(draw: st.DrawFn, names: tuple[str, ...], *, opening: bool = True) -> World:
    """Draw an estate whose rules are some of `names`."""
    zone_entries: list[Data] = [
        {"id": f"z{z}", "in": "r1", "price": {"cpu_cores": draw(st.sampled_from([5.0, 7.0, 8.0]))}} for z in (1, 2)
    ]
    racks: list[Data] = []
    hosts: list[Data] = []
    types = [{"cpu_milli": 4000, "memory_mib": 6000}, {"cpu_milli": 6000, "memory_mib": 4000}]
    for z in (1, 2):
        for k in (1, 2):
            cost = draw(st.sampled_from([0, 0, 30])) if opening else 0
            racks.append({"id": f"z{z}-k{k}", "in": f"z{z}", "open_cost": cost})
            for h in range(draw(st.integers(1, 2))):
                more: dict[str, Any] = {"most_instances": 3} if draw(st.integers(0, 3)) == 0 else {}
                opened = draw(st.sampled_from([0, 0, 11])) if opening else 0
                kind = draw(st.sampled_from(types))
                at = {"id": f"z{z}-k{k}-h{h}", "in": f"z{z}-k{k}", "capacity": kind, "open_cost": opened}
                hosts.append({**at, **more})
    where = [h["id"] for h in hosts]
    groups = []
    for g in range(draw(st.integers(2, 3))):
        count = draw(st.integers(1, 4))
        cpu, memory = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        at = {draw(st.sampled_from(where)): draw(st.integers(1, count))} if draw(st.booleans()) else {}
        demand = {"cpu_milli": 1000 * cpu, "memory_mib": 1000 * memory}
        groups.append(group(f"g{g}", count, demand=demand, current=at))
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=4))
    rules = [_rule(draw, name, [g["id"] for g in groups], where) for name in chosen]
    goals = draw(
        st.sampled_from([["placed", "soft", "moves", "cost"], ["placed", "soft", "cost", "hosts", "balance"]])
    )
    return world_of(zones=zone_entries, racks=racks, hosts=hosts, groups=groups, rules=rules, goals=goals)
