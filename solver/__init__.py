"""How we decide: lower an estate to a program, solve it, prove how good the plan is."""

from zonewright.models.check import check_plan as check
from zonewright.solver.place import place
from zonewright.solver.result import Clash, Progress, Result

__all__ = ["Clash", "Progress", "Result", "check", "place"]
