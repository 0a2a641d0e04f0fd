"""What planning capacity returns: what to buy, how much more fits, when room runs out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from zonewright.models.estate import Estate
from zonewright.models.offers import Purchase
from zonewright.models.plan import Plan, Status
from zonewright.models.quantities import MONEY

if TYPE_CHECKING:
    import pandas as pd

    from zonewright.solver.clashes import Clashes


@dataclass(frozen=True)
class Binding:
    """What has no room left: a resource or a flavour of a domain, or a rule."""

    domain: str | None
    what: str
    """The resource or flavour, or the rule's label."""
    used: int | None = None
    """In the smallest unit of the resource, or in instances; None where that is not counted."""
    limit: int | None = None
    text: str = ""
    """In words."""

    @property
    def free(self) -> int | None:
        """How much is left."""
        return self.limit - self.used if self.limit is not None and self.used is not None else None


@dataclass(frozen=True)
class Sizing:
    """The cheapest additions with which everything fits."""

    status: Status
    """OPTIMAL: nothing cheaper suffices. INFEASIBLE: everything on offer does not suffice."""
    purchases: list[Purchase] = field(default_factory=list)
    cost: int | None = None
    """Of all purchases per month, in ten-thousandths; None without an answer."""
    bound: int | None = None
    """No purchases that cost less suffice."""
    estate: Estate | None = None
    """With the demand, the rules and the purchases in it: an ordinary estate."""
    plan: Plan | None = None
    """Where everybody is in it, and goes in every scenario; it has passed every checker."""
    clashes: Clashes | None = None
    """INFEASIBLE: why everything on offer does not suffice."""
    witness: list[dict[str, Any]] = field(default_factory=list)
    """What the bound rests on, as plain data."""
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    engine: str = ""

    @property
    def gap(self) -> float | None:
        """Cost above the bound, relative to the cost; 0.0 when they meet, None without both."""
        if self.cost is None or self.bound is None:
            return None
        return (self.cost - self.bound) / self.cost if self.cost else 0.0

    def purchase_frame(self) -> pd.DataFrame:
        """Return a row per purchase: offer, zone, count, cost (per month), lead_days, needed_by, order_by."""
        import pandas as pd

        names = ["offer", "zone", "count", "cost", "lead_days", "needed_by", "order_by"]
        rows = [
            (p.offer, p.zone, p.count, p.cost / MONEY, p.lead_days, p.needed_by, p.order_by)
            for p in self.purchases
        ]
        return pd.DataFrame(rows, columns=names)


@dataclass(frozen=True)
class HeadRoom:
    """How many more of a group fit while everybody who runs stays where he is."""

    group: str
    more: int | None
    """None where nothing was found in time, or nothing limits it (see `unlimited`)."""
    bound: int | None
    """No more than this fit; None where nothing is proven."""
    guaranteed: bool
    """With every hard survive rule kept; else those are left aside."""
    binding: list[Binding] = field(default_factory=list)
    """What has no room for one more, the scarcest first."""
    unlimited: bool = False

    @property
    def proven(self) -> bool:
        """Whether not one more fits, for sure."""
        return self.unlimited or (self.more is not None and self.more == self.bound)


def room_frame(rooms: list[HeadRoom]) -> pd.DataFrame:
    """Return a row per group: group, guaranteed, more, bound, domain and resource that bind first."""
    import pandas as pd

    names = ["group", "guaranteed", "more", "bound", "domain", "what"]
    rows = [
        (
            r.group,
            r.guaranteed,
            r.more,
            r.bound,
            r.binding[0].domain if r.binding else None,
            r.binding[0].what if r.binding else None,
        )
        for r in rooms
    ]
    return pd.DataFrame(rows, columns=names)


@dataclass(frozen=True)
class FrontierPoint:
    """What it costs to survive so much."""

    survives: str
    """In words; `nothing` for no loss."""
    sizing: Sizing


def frontier_frame(points: list[FrontierPoint]) -> pd.DataFrame:
    """Return a row per point: survives, status, cost, bound (per month), gap, units bought."""
    import pandas as pd

    names = ["survives", "status", "cost", "bound", "gap", "units"]
    rows = [
        (
            p.survives,
            p.sizing.status.value,
            None if p.sizing.cost is None else p.sizing.cost / MONEY,
            None if p.sizing.bound is None else p.sizing.bound / MONEY,
            p.sizing.gap,
            sum(b.count for b in p.sizing.purchases),
        )
        for p in points
    ]
    return pd.DataFrame(rows, columns=names)


@dataclass(frozen=True)
class Stretch:
    """One day of the forecast on which demand changes."""

    day: date
    instances: int
    """How many there are to be."""
    fits: bool | None
    """With nothing bought; None where that is not known."""
    cost: int | None
    """Of what is needed by then, per month; None without an answer."""
    units: dict[tuple[str, str | None], int] = field(default_factory=dict)
    """Needed by then: (offer, zone) to units."""


@dataclass(frozen=True)
class Outlook:
    """A forecast met: what is needed, when, and when room would run out with nothing bought."""

    sizing: Sizing
    """For the last day; its purchases say by when each is needed and to be ordered."""
    stretches: list[Stretch]
    runs_out: date | None = None
    """The first day on which demand does not fit with nothing bought; None where it always fits."""
    runs_out_of: list[Binding] = field(default_factory=list)
    """What is fullest then, with as many placed as fit, before and after losses: the scarcest first."""

    @property
    def status(self) -> Status:
        """Of the sizing."""
        return self.sizing.status

    def frame(self) -> pd.DataFrame:
        """Return a row per day: day, instances, fits, cost (per month), units needed by then."""
        import pandas as pd

        names = ["day", "instances", "fits", "cost", "units"]
        rows = [
            (s.day, s.instances, s.fits, None if s.cost is None else s.cost / MONEY, sum(s.units.values()))
            for s in self.stretches
        ]
        return pd.DataFrame(rows, columns=names)


__all__ = [
    "Binding",
    "FrontierPoint",
    "HeadRoom",
    "Outlook",
    "Sizing",
    "Stretch",
    "frontier_frame",
    "room_frame",
]
