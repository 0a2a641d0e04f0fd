"""How we decide: lower an estate to a program, solve it, prove how good the plan is."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from zonewright.models.check import check_plan as check
from zonewright.solver.place import place
from zonewright.solver.result import Clash, Progress, Result

if TYPE_CHECKING:
    from zonewright.solver.capacity.frontier import cost_frontier
    from zonewright.solver.capacity.outlook import outlook
    from zonewright.solver.capacity.result import FrontierPoint, HeadRoom, Outlook, Sizing
    from zonewright.solver.capacity.room import head_room, head_rooms
    from zonewright.solver.capacity.size import size_capacity, verify_sizing
    from zonewright.solver.migrate.plan import MigrationResult, plan_migration
    from zonewright.solver.migrate.proof import verify_migration_bound
    from zonewright.solver.reasons.explanation import explain
    from zonewright.solver.reasons.result import Explanation
    from zonewright.solver.survival.survey import survive
    from zonewright.solver.witness import BoundFinding, verify_bound

__all__ = [
    "BoundFinding",
    "Clash",
    "Explanation",
    "FrontierPoint",
    "HeadRoom",
    "MigrationResult",
    "Outlook",
    "Progress",
    "Result",
    "Sizing",
    "check",
    "cost_frontier",
    "explain",
    "head_room",
    "head_rooms",
    "outlook",
    "place",
    "plan_migration",
    "size_capacity",
    "survive",
    "verify_bound",
    "verify_migration_bound",
    "verify_sizing",
]

#: Where names come from that are imported when they are first asked for: one verb does not wait for the others.
_LATER = {
    "BoundFinding": "witness",
    "Explanation": "reasons.result",
    "FrontierPoint": "capacity.result",
    "HeadRoom": "capacity.result",
    "MigrationResult": "migrate.plan",
    "Outlook": "capacity.result",
    "Sizing": "capacity.result",
    "cost_frontier": "capacity.frontier",
    "explain": "reasons.explanation",
    "head_room": "capacity.room",
    "head_rooms": "capacity.room",
    "outlook": "capacity.outlook",
    "plan_migration": "migrate.plan",
    "size_capacity": "capacity.size",
    "survive": "survival.survey",
    "verify_bound": "witness",
    "verify_migration_bound": "migrate.proof",
    "verify_sizing": "capacity.size",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
