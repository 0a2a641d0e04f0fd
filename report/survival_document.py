"""What `survive` found, as a JSON document for programs. Times are in seconds."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zonewright.models import World
    from zonewright.solver.survival.result import ScenarioOutcome, Survival


def survival_document(world: World, result: Survival) -> dict[str, Any]:
    """Return the outcome of `survive`: what was looked at, every scenario, availability."""
    return {
        "estate": world.estate.estate,
        "status": result.status.value,
        "survived": result.survived,
        "level": result.level,
        "lose": result.lose,
        "mode": result.mode,
        "placement": result.placement,
        "checked": result.checked,
        "existing": result.existing,
        "recovered_for": result.recovered_for,
        "scenarios": [_scenario(scenario) for scenario in result.scenarios],
        "availability": [asdict(figure) | {"met": figure.met} for figure in result.availability],
        "missed": result.missed,
        "assumptions": list(result.assumptions),
        "warnings": list(dict.fromkeys([*world.warnings, *result.warnings])),
        "interrupted": result.interrupted,
        "seconds": round(result.seconds, 3),
    }


def survival_text(world: World, result: Survival) -> str:
    """Return the document as it is saved."""
    return json.dumps(survival_document(world, result), indent=1, allow_nan=False) + "\n"


def _scenario(scenario: ScenarioOutcome) -> dict[str, Any]:
    found = {
        name: getattr(scenario, name)
        for name in scenario.__dataclass_fields__
        if name not in ("groups", "services", "binding", "witness", "unplaced")
    }
    return {
        **found,
        "unplaced": {str(priority): count for priority, count in scenario.unplaced.items()},
        "groups": [asdict(group) | {"late": group.late} for group in scenario.groups],
        "services": [asdict(service) for service in scenario.services],
        "binding": [asdict(entry) for entry in scenario.binding],
        "witness": scenario.witness.model_dump(mode="json", exclude_defaults=True) if scenario.witness else None,
    }
