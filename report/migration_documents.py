"""What `migrate` and `check` say of a migration, as JSON documents for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zonewright.models import World
    from zonewright.models.executor import Execution
    from zonewright.models.migration import Migration
    from zonewright.solver.migrate.plan import MigrationResult


def migration_document(
    world: World, result: MigrationResult, saved: str | None, runbook: str | None
) -> dict[str, Any]:
    """Return the outcome of `migrate`; `migration` is the document that `-o` saves."""
    migration = result.migration
    return {
        "estate": world.estate.estate,
        "status": result.status.value,
        "order_status": migration.order_status.value if migration is not None else None,
        "reason": result.reason,
        "clash": [asdict(entry) for entry in result.clash],
        "blocked": list(result.blocked),
        "objective": [goal.model_dump(mode="json") for goal in result.objective],
        "gap": result.gap,
        "currency": world.estate.currency,
        **(_figures(migration) if migration is not None else {}),
        "migration": migration.model_dump(mode="json", exclude_defaults=True) if migration is not None else None,
        "saved": saved,
        "runbook": runbook,
        "assumptions": list(result.assumptions),
        "warnings": list(dict.fromkeys([*world.warnings, *result.warnings])),
        "interrupted": result.interrupted,
        "engine": result.engine,
        "seconds": round(result.seconds, 3),
    }


def _figures(migration: Migration) -> dict[str, Any]:
    return {
        "moves": migration.moves,
        "bypasses": migration.bypasses,
        "recoveries": migration.recoveries,
        "takeovers": migration.takeovers,
        "lost": sum(loss.count for loss in migration.losses),
        "makespan_s": migration.makespan_s,
        "waves": len({step.wave for step in migration.steps}),
        "order": [goal.model_dump(mode="json") for goal in migration.order],
    }


def migration_check_document(
    world: World, migration: Migration, execution: Execution, bounds: Sequence[Any] | None
) -> dict[str, Any]:
    """Return what the executor found of a migration."""
    return {
        "estate": world.estate.estate,
        "valid": execution.valid,
        "violations": [asdict(violation) for violation in execution.violations],
        "claims": list(execution.claims),
        "figures": asdict(execution.figures),
        "not_watched": list(execution.not_watched),
        "lost": sum(loss.count for loss in migration.losses),
        "bounds": None if bounds is None else [asdict(bound) for bound in bounds],
        "warnings": list(world.warnings),
    }
