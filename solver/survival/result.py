"""What failure analysis returns: one outcome for each loss that was looked at, in the estate's own names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from zonewright.models.plan import Scenario, Status

if TYPE_CHECKING:
    import pandas as pd

#: What a share of time may be short of a target by: doubles are rounded.
_ROUNDING = 2e-10

Verdict = Literal["survives", "fails", "open"]
"""`open`: no way was found in time, and none was ruled out."""

State = Literal["kept", "reduced", "degraded", "lost"]
"""As many as before; fewer but enough; fewer than are needed; none."""


@dataclass(frozen=True)
class Binding:
    """What is short where: more would have to be there than may."""

    domain: str
    """One domain, or several joined by `+`; empty for the whole estate."""
    resource: str
    """A resource, a flavour, or the kind of rule that limits it."""
    used: int | None
    """What would have to be there; None where only what is short is known."""
    limit: int | None
    short: int
    text: str = ""
    """In words."""
    proven: bool = False
    """Reckoned exactly: without more of it not everybody can be placed again."""


@dataclass(frozen=True)
class GroupOutcome:
    """What a loss makes of one group."""

    group: str
    placed: int
    """How many run before the loss."""
    lost: int
    """How many of them the loss takes."""
    remaining: int
    """How many run afterwards: survivors, and with evacuation those that are placed again."""
    needed: int
    """How many it needs to do its work."""
    recovered: int
    short: int
    """How many are missing: static of what is needed, with evacuation of what is lost."""
    state: State
    reason: str = ""
    """Why some do not come back."""
    recovery_s: int | None = None
    """When its last recovery is done, from the moment of the loss."""
    recovery_target_s: int | None = None
    data_loss_s: int | None = None
    """The age of the oldest copy that it restores from; None where nothing is restored or nothing says it."""
    data_loss_target_s: int | None = None

    @property
    def late(self) -> bool:
        """Whether it is back later than it is meant to be, or loses more data than it may."""
        slow = self.recovery_target_s is not None and (self.recovery_s or 0) > self.recovery_target_s
        loses = self.data_loss_target_s is not None and (self.data_loss_s or 0) > self.data_loss_target_s
        return slow or loses


@dataclass(frozen=True)
class ServiceOutcome:
    """What a loss makes of one service: it is up if every group of its chain has what it needs."""

    service: str
    up: bool
    down_by: tuple[str, ...] = ()
    """The groups that have not."""


@dataclass(frozen=True)
class ScenarioOutcome:
    """What happens when these domains are lost together."""

    lost: tuple[str, ...]
    verdict: Verdict
    displaced: int
    """Instances whose site is gone."""
    recovered: int = 0
    """Of these, how many are placed again; 0 with static survival, where nothing is started."""
    unrecoverable: int = 0
    """Of these, how many nothing brings back: pinned there, or without a copy that outlives the loss."""
    unplaced: dict[int, int] = field(default_factory=dict)
    """Priority to how many could be brought back and find no place."""
    moves: int | None = None
    """Moves of survivors in the way back; None where it was not planned."""
    recoveries: int | None = None
    """Recoveries in the way back; None where it was not planned."""
    recovery_s: int | None = None
    """When the last recovery is done."""
    recovery_proven: bool = False
    """The time is the best there is."""
    lost_for_good: int | None = None
    """How many the planned way back does not bring back."""
    groups: list[GroupOutcome] = field(default_factory=list)
    """The groups that lose somebody; of very many scenarios only those that fall short."""
    services: list[ServiceOutcome] = field(default_factory=list)
    """The services with such a group; of very many scenarios only those that are down."""
    binding: list[Binding] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    """Rules that what is left cannot keep, in words."""
    witness: Scenario | None = None
    """Where those that are placed again go."""
    how: str = ""
    """What the verdict rests on: `static`, `plan` (its own witness), `certificate`, `exact`, `patterns` ..."""
    recovery_note: str = ""
    """Why no way back was planned."""

    @property
    def survived(self) -> bool:
        """Whether the loss is survived, proven by what remains or by a place for everybody."""
        return self.verdict == "survives"

    @property
    def name(self) -> str:
        """The lost domains in one word."""
        return "+".join(self.lost)

    @property
    def late(self) -> bool:
        """Whether a group misses a target on recovery time or data loss."""
        return any(group.late for group in self.groups)


@dataclass(frozen=True)
class AvailabilityFigure:
    """The share of time that a group or service has what it needs, by the failure rates of domains."""

    name: str
    kind: Literal["group", "service"]
    value: float
    """An upper bound: domains fail independently but for what is above them."""
    low: float
    high: float
    """Of an estimate: the confidence interval; equal to the value where it is exact."""
    exact: bool
    target: float | None = None
    text: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met, for certain as far as the figure goes."""
        return self.target is None or self.low >= self.target - _ROUNDING


@dataclass(frozen=True)
class Survival:
    """The outcome of `survive`."""

    status: Status
    """OPTIMAL: every scenario that exists was looked at and settled; FEASIBLE: some were not; UNKNOWN: none."""
    level: str
    lose: int
    mode: Literal["static", "evacuate"]
    checked: int
    existing: int
    scenarios: list[ScenarioOutcome] = field(default_factory=list)
    """The severest first."""
    availability: list[AvailabilityFigure] = field(default_factory=list)
    recovered_for: int = 0
    """For how many scenarios a way back was planned."""
    placement: str = ""
    """Whose placement is looked at: `plan`, `current` or `placed` (by `place`, since nobody runs yet)."""
    assumptions: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def survived(self) -> bool:
        """Whether every scenario that exists was looked at and is survived."""
        return self.checked == self.existing and all(s.survived for s in self.scenarios)

    @property
    def failing(self) -> list[ScenarioOutcome]:
        """The scenarios that are not survived, or not shown to be."""
        return [s for s in self.scenarios if not s.survived]

    @property
    def missed(self) -> list[str]:
        """Targets that are missed, in words."""
        found = []
        for scenario in self.scenarios:
            for group in scenario.groups:
                if group.late:
                    found.append(f"{group.group} when {scenario.name} is lost")
        return found + [f"availability of {figure.name}" for figure in self.availability if not figure.met]

    def scenario_frame(self) -> pd.DataFrame:
        """Return one row per scenario."""
        import pandas as pd

        rows = [
            {
                "lost": s.name,
                "verdict": s.verdict,
                "displaced": s.displaced,
                "recovered": s.recovered,
                "unrecoverable": s.unrecoverable,
                "unplaced": sum(s.unplaced.values()),
                "moves": s.moves,
                "recoveries": s.recoveries,
                "recovery_s": s.recovery_s,
                "binding": "; ".join(b.text for b in s.binding),
                "how": s.how,
            }
            for s in self.scenarios
        ]
        return pd.DataFrame(rows, columns=_SCENARIO_COLUMNS)

    def group_frame(self) -> pd.DataFrame:
        """Return one row per scenario and affected group."""
        import pandas as pd

        rows: list[dict[str, Any]] = [{"lost": s.name, **vars(g)} for s in self.scenarios for g in s.groups]
        columns = ["lost", *GroupOutcome.__dataclass_fields__]
        return pd.DataFrame(rows, columns=columns)


_SCENARIO_COLUMNS = [
    "lost",
    "verdict",
    "displaced",
    "recovered",
    "unrecoverable",
    "unplaced",
    "moves",
    "recoveries",
    "recovery_s",
    "binding",
    "how",
]
