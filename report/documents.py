"""Results as JSON documents for programs. Money is in ten-thousandths, as in plans."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zonewright.models import Plan, Report, World
    from zonewright.solver.result import Result


def print_document(document: Any) -> None:
    """Write one JSON document to stdout."""
    sys.stdout.write(json.dumps(document, indent=1, allow_nan=False) + "\n")


def result_document(world: World, result: Result, saved: str | None) -> dict[str, Any]:
    """Return the outcome of `place`."""
    plan = result.plan
    return {
        "estate": world.estate.estate,
        "status": result.status.value,
        "objective": [goal.model_dump(mode="json") for goal in result.objective],
        "bound": result.bound,
        "gap": result.gap,
        "reason": result.reason,
        "clash": [asdict(entry) for entry in result.clash],
        "clash_minimal": result.clash_minimal,
        "goals": list(world.estate.goals),
        "goals_by_default": "goals" not in world.estate.model_fields_set,
        "currency": world.estate.currency,
        "plan": plan.model_dump(mode="json", exclude_defaults=True) if plan is not None else None,
        "saved": saved,
        "assumptions": list(result.assumptions),
        "warnings": [*world.warnings, *result.warnings],
        "interrupted": result.interrupted,
        "engine": result.engine,
        "seconds": round(result.seconds, 3),
    }


def check_document(world: World, plan: Plan, report: Report, bounds: Sequence[Any] | None) -> dict[str, Any]:
    """Return what a check found."""
    return {
        "estate": world.estate.estate,
        "valid": report.valid,
        "violations": [asdict(violation) for violation in report.violations],
        "claims": list(report.claims),
        "objective": [{"goal": goal, "value": value} for goal, value in report.objective],
        "unplaced": sum(value for goal, value in report.objective if goal.startswith("placed")),
        "bounds": None
        if bounds is None
        else [
            {"goal": b.goal, "bound": b.bound, "kind": b.kind, "confirmed": b.confirmed, "text": b.text}
            for b in bounds
        ],
        "warnings": list(world.warnings),
    }
