"""How we decide: lower an estate to a program, solve it, prove how good the plan is."""

from zonewright.models.check import check_plan as check
from zonewright.solver.place import place
from zonewright.solver.result import Clash, Progress, Result
from zonewright.solver.witness import BoundFinding, verify_bound

__all__ = ["BoundFinding", "Clash", "Progress", "Result", "check", "place", "verify_bound"]
