"""A migration plan as a document: what moves where, by which steps, when, and what proves that it is little."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zonewright.models.base import Member, Moment, Name, Record, Text
from zonewright.models.events import Event
from zonewright.models.operations import Operation
from zonewright.models.plan import BoundWitness, GoalValue, Plan, Status, Whole
from zonewright.models.recipes import Seconds
from zonewright.models.rules.during import Avoid

Members = Annotated[int, Field(ge=1, le=100_000_000)]


class Change(Record):
    """Something that others know the instance by and that is different afterwards."""

    what: Literal["identifier", "private_ip", "elastic_ip", "vip", "subnet", "balancer", "flavour"]
    of: Name
    """The group, instance, subnet or balancer."""
    before: Text | None = None
    after: Text | None = None
    """None: known only once it exists."""
    count: Members = 1


class Action(Record):
    """One move, recovery or takeover of equal instances, or the work on one subnet, balancer or image."""

    id: Name
    kind: Literal["move", "bypass", "recovery", "takeover", "start", "resource"]
    """`bypass` is the first half of a way over a third host; `start` places what never ran."""
    recipe: Name | None = None
    group: Name | None = None
    count: Members = 1
    instances: list[Member] = []
    """The named ones among them."""
    source: Name | None = None
    """The site that they leave or that is lost."""
    target: Name | None = None
    subnet: Name | None = None
    """The subnet that they sit in afterwards."""
    takes_over: Name | None = None
    """A takeover: the group whose instances serve from now on."""
    downtime_s: Seconds = 0
    """From the first interrupting step's start to the end of the step that serves again; for a recovery from 0."""
    data_loss_minutes: float | None = None
    keeps: list[Text] = []
    changes: list[Change] = []
    why: Text | None = None
    """What makes it necessary."""


class Step(Record):
    """One thing to do. Times are whole seconds from the plan's start."""

    id: Name
    action: Name
    do: Operation
    thing: Name | None = None
    """The disk, address, balancer, image or subnet that it acts on."""
    at: Name | None = None
    """The domain that it acts in, where that is neither the action's source nor its target."""
    cidr: Text | None = None
    """The block of a subnet that is created."""
    start_s: Seconds
    end_s: Seconds
    needs: list[Name] = []
    """Steps that have to be over before this one starts."""
    mib_per_second: Annotated[int, Field(ge=1, le=10**6)] | None = None
    """The rate of a copying step."""
    interrupts: bool = False
    """The service of its instances is away from its start on."""
    serves: bool = False
    """It is back at its end."""
    wave: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    console: Text | None = None
    command: Text | None = None
    check: Text | None = None
    undo: Text | None = None
    assumed: Text | None = None
    """Why the step is as it is, where no document says so."""


class Loss(Record):
    """Instances that are not back when the plan is done."""

    group: Name
    count: Members
    instances: list[Member] = []
    reason: Literal["no_room", "pinned", "no_copy", "no_image", "region_lost", "stopped_for_others", "left_behind"]
    message: Text
    priority: Annotated[int, Field(ge=0, le=1000)] = 0


class GivenUp(Record):
    """Instances that no recipe gets away from where they are or were: they are counted out beforehand."""

    group: Name
    instance: Member | None = None
    """None: of the group's unnamed ones."""
    site: Name
    """Where they run, or ran."""
    reason: Text
    """Why none of the recipes in question gets them away."""


class Degraded(Record):
    """A rule that cannot hold until what was lost is back."""

    rule: Text
    group: Name | None = None
    message: Text


class Migration(Record):
    """Ordered, timed steps from the current placement to a plan."""

    migration: Name
    """The estate's name."""
    format: Annotated[int, Field(ge=1, le=1)] = 1
    estate_fingerprint: Text
    """Of the estate that it was made for: for another state it is stale, and refused."""
    event: Event
    starts_at: Moment | None = None
    """Second 0."""
    lenient: bool = False
    """Rules that a loss alone can break are wishes: what remains could not keep them and bring as many back."""
    status: Status
    """How far the target is proven."""
    order_status: Status
    """How far the order is proven."""
    reason: Literal["no_placement", "no_order"] | None = None
    objective: list[GoalValue] = []
    """Losses by priority, moves of running instances (as weighed), then the estate's goals."""
    moves: Annotated[int, Field(ge=0)] = 0
    """Running instances that change their site."""
    bypasses: Annotated[int, Field(ge=0)] = 0
    """Extra moves over a third host."""
    recoveries: Annotated[int, Field(ge=0)] = 0
    """Instances restored whose site is gone."""
    takeovers: Annotated[int, Field(ge=0)] = 0
    order: list[GoalValue] = []
    """Of the order: extra moves, lateness, when the services are back, the end (s)."""
    losses: list[Loss] = []
    degraded: list[Degraded] = []
    actions: list[Action] = []
    steps: list[Step] = []
    target: Plan | None = None
    """Where everything is afterwards, for the estate as it is after the event."""
    bounds: list[BoundWitness] = []
    given_up: list[GivenUp] = []
    """What no recipe moves or recovers: the rest is planned without it."""
    ruled_out: list[Avoid] = []
    """Placements with fewer moves that no order leads to: the bound is about the others."""
    blocked: list[Text] = []
    """Where no order exists: what waits for what."""
    curve: list[tuple[Whole, Whole]] = []
    """The most that can be gained with at most so many moves: (moves, value of the goal that they are for)."""
    warnings: list[Text] = []
    assumptions: list[Text] = []
    engine: Text | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None

    @property
    def makespan_s(self) -> int:
        """When the last step ends."""
        return max((step.end_s for step in self.steps), default=0)
