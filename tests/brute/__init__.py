"""An independent judge: tiny estates, every placement, every rule in its own words.

Shares no code with `zonewright`. An estate is plain data, as it stands in YAML; a catalogue has to be inline.
`solve` tries every placement; `judge` says what a plan document breaks and what it is worth.
"""

from __future__ import annotations

from typing import Any

from tests.brute.documents import plan_of, scene_of
from tests.brute.judging import broken, labels, values
from tests.brute.scene import Scene
from tests.brute.search import Answer, binding, binds, size, solve

__all__ = ["Answer", "Scene", "binding", "binds", "judge", "labels", "plan_of", "scene_of", "size", "solve"]


def judge(data: dict[str, Any], plan: dict[str, Any]) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Return the total amount of each broken rule by label, and the objective."""
    scene = scene_of(data, plan)
    return broken(scene), values(scene)
