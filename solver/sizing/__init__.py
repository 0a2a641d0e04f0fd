"""The cheapest additions to a fleet of hosts, with real packing and the loss of areas: arrays in, arrays out."""

from zonewright.solver.sizing.problem import BASE, AreaLimit, Placed, Sized, SizingProblem

__all__ = ["BASE", "AreaLimit", "Placed", "Sized", "SizingProblem"]
