"""Small estates with something to buy, for the tests beside this file."""

from __future__ import annotations

from typing import Any

from zonewright.models import Estate, estate_from_data

Raw = dict[str, Any]


def halls(**more: Any) -> Raw:
    """Two zones with hosts of 4 cores; six web servers, two of which run, and two databases apart."""
    return {
        "estate": "halls",
        "regions": [{"id": "r"}],
        "zones": [{"id": "a", "in": "r"}, {"id": "b", "in": "r"}],
        "hosts": [
            {"id": "h", "in": "a", "count": 2, "capacity": {"cpu_cores": 4}},
            {"id": "g", "in": "b", "count": 2, "capacity": {"cpu_cores": 4}},
        ],
        "groups": [
            {"id": "web", "count": 6, "demand": {"cpu_cores": 2}, "current": {"h-0": 2}},
            {"id": "db", "count": 2, "demand": {"cpu_cores": 3}},
        ],
        "rules": [{"rule": "anti_affinity", "id": "apart", "groups": ["db"], "level": "host"}],
        "offers": [
            {"id": "small", "host": {"capacity": {"cpu_cores": 4}}, "zones": ["a", "b"], "price": 5},
            {"id": "big", "host": {"capacity": {"cpu_cores": 8}}, "zones": ["a", "b"], "price": 9},
        ],
        **more,
    }


def pools(**more: Any) -> Raw:
    """Two zones that sell themselves and one that is sold out, with offers of every kind but hosts."""
    return {
        "estate": "pools",
        "zones": [
            {"id": "a", "capacity": {"cpu_cores": {"owned": 8, "on_offer": 2}}, "flavours": {"big": 1}},
            {"id": "b", "capacity": {"cpu_cores": 8}},
            {"id": "c", "state": "sold_out", "capacity": {"cpu_cores": 100}},
        ],
        "flavours": [{"id": "big", "resources": {"cpu_cores": 3}}],
        "groups": [
            {"id": "web", "count": 6, "demand": {"cpu_cores": 2}, "current": {"a": 2}},
            {"id": "db", "count": 2, "flavour": "big"},
        ],
        "rules": [{"rule": "quota", "id": "few", "most": 7}],
        "offers": [
            {"id": "cores", "capacity": {"cpu_cores": 2}, "zones": ["a", "b"], "price": 5, "stock": "owned"},
            {"id": "one-big", "flavour": "big", "zones": ["a"], "price": 4},
            {"id": "quota", "quota": "few", "step": 3, "price": 1},
            {"id": "open", "opens": True, "zones": ["c"], "price": 14},
        ],
        **more,
    }


def built(data: Raw) -> Estate:
    """The estate that the data says."""
    return estate_from_data(data)
