"""Why a loss is not survived: what would have to be where, and how much of it may be there."""

from __future__ import annotations

from zonewright.solver.survival.evacuate import Settled
from zonewright.solver.survival.result import Binding
from zonewright.solver.survival.standing import Loss, Standing


def binding_of(
    standing: Standing, loss: Loss, settled: Settled, *, on_offer: bool
) -> tuple[list[Binding], dict[str, str]]:
    """Return what is short, the tightest first, and per group why some of it find no place."""
    return [], {}
