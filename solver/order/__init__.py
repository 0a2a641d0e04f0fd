"""When each step of a migration runs: tasks in time, what they hold, and which way each job is done."""

from zonewright.solver.order.arrange import arrange

__all__ = ["arrange"]
