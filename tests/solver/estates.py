"""Small estates for tests, in the words of an estate file."""

from __future__ import annotations

from typing import Any

from zonewright.models import World, estate_from_data

Data = dict[str, Any]


def zones(*names: str, **more: Any) -> list[Data]:
    """Return zones of one region."""
    return [{"id": name, "in": "r1", **more} for name in names]


def world_of(**parts: Any) -> World:
    """Resolve an estate of one region from its parts."""
    return World(estate_from_data({"estate": "tiny", "regions": [{"id": "r1"}], **parts}))


def group(name: str, count: int, **more: Any) -> Data:
    """Return a group; one thousandth of a core and one MiB each unless told otherwise."""
    return {"id": name, "count": count, **({"demand": {"cpu_milli": 1}} | more)}
