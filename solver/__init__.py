"""How we decide: lower an estate to a program, solve it, prove how good the plan is."""

from zonewright.models.check import check_plan as check
from zonewright.solver.capacity.frontier import cost_frontier
from zonewright.solver.capacity.outlook import outlook
from zonewright.solver.capacity.result import FrontierPoint, HeadRoom, Outlook, Sizing
from zonewright.solver.capacity.room import head_room, head_rooms
from zonewright.solver.capacity.size import size_capacity, verify_sizing
from zonewright.solver.migrate.plan import MigrationResult, plan_migration
from zonewright.solver.migrate.proof import verify_migration_bound
from zonewright.solver.place import place
from zonewright.solver.reasons.explanation import explain
from zonewright.solver.reasons.result import Explanation
from zonewright.solver.result import Clash, Progress, Result
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
