"""Being up for a share of time, by the failure rates of the domains that a group stands on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from zonewright.models.availability import PARTS, ROUNDING, group_availability, needed
from zonewright.models.quantities import Share, as_fraction
from zonewright.models.rules.base import GroupRule
from zonewright.models.view import View, Violation

if TYPE_CHECKING:
    from zonewright.models.world import World


class Availability(GroupRule):
    """Each group is up for at least a share of time, as `failures_per_year` and `hours_to_repair` of domains say.

    Up is a group as long as what remains is enough; nothing is started elsewhere. Domains fail independently,
    and what is in one that is down is down with it: an upper bound of what will be seen. What states no rate
    never fails.
    """

    rule: Literal["availability"]
    at_least: Share | None = None
    """By default each group's own `targets.availability`; groups without either are not concerned."""

    in_events: ClassVar[bool] = False

    @property
    def suffers_from_loss(self) -> bool:
        """A group that lost instances is up less."""
        return True

    def targets(self, world: World) -> dict[str, float]:
        """Return the share of time that is asked, by group."""
        found: dict[str, float] = {}
        for group in self.selected(world):
            asked = self.at_least if self.at_least is not None else world.groups[group].targets.availability
            if asked is not None:
                found[group] = asked
        return found

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield, per group that is placed, by how many billionths of the time it falls short, rounded up."""
        for group, asked in self.targets(view.world).items():
            placed = view.total(group)
            if not placed:
                continue
            share = group_availability(view, group).value
            short = math.ceil(float(as_fraction(asked) * PARTS) - share * PARTS - ROUNDING)
            if short > 0:
                enough = needed(view.world, group)
                up = f"up {_digits(share, asked)} of the time, {asked:.10g} is asked"
                message = f"{up}: {enough} of {placed} have to remain"
                yield self.broken(label, group, None, short, message)


def _digits(share: float, asked: float) -> str:
    """Return a share with enough digits to tell it from what is asked."""
    for digits in range(5, 12):
        text = f"{share:.{digits}f}"
        if float(text) < asked:
            return text
    return f"{share:.12f}"
