"""Fewest moves between hosts: arrays in, a placement with proven bounds out."""

from zonewright.solver.relocation.problem import (
    Apart,
    DomainCapacity,
    Limit,
    Relocated,
    Relocation,
    Together,
    values_of,
)
from zonewright.solver.relocation.relocate import relocate, warm_up
from zonewright.solver.relocation.witness import verify

__all__ = [
    "Apart",
    "DomainCapacity",
    "Limit",
    "Relocated",
    "Relocation",
    "Together",
    "relocate",
    "values_of",
    "verify",
    "warm_up",
]
