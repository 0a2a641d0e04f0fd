"""Large fleets: an estate lowered to the arrays of `solver.sizing`, and its answer written as a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zonewright.models.world import World
from zonewright.solver.capacity.candidates import Candidate
from zonewright.solver.capacity.exact import Found
from zonewright.solver.capacity.job import Job


def suits(world: World, entries: Sequence[Candidate], job: Job) -> bool:
    """Return whether the arrays can say all of an estate."""
    return False


def solve_fleet(world: World, entries: Sequence[Candidate], job: Job) -> Found | None:
    """Return the cheapest purchases, None where the answer breaks what the arrays do not say."""
    return None


def fleet_confirmed(
    world: World, entries: Sequence[Candidate], witness: Mapping[str, Any], job: Job
) -> tuple[bool, str]:
    """Evaluate a witness again."""
    return False, ""
