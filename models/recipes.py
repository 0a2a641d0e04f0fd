"""A provider's procedures for one move or recovery, as data; and what an estate says about migrating."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zonewright.models.base import Moment, Name, Record, Source, Text
from zonewright.models.operations import Operation
from zonewright.models.quantities import Count

Seconds = Annotated[int, Field(ge=0, le=10**8)]

#: What decides whether a step of a recipe is taken at all, and for which things. All of it as things stand
#: at second 0:
#: `elastic_ip`: once for each elastic IP that can be used at the target; `no_elastic_ip`: where there is none.
#: `disks`: once for each data disk; `reachable_disks`: for each that can be attached at the target as it is, by
#: its kind's scope, and lives; `unreachable_disks`: for each other. `local_disk`: where its disk is the host's.
#: `backends`: once for each balancer that its group is behind, of the source's region for what is undone there,
#: of the target's region otherwise.
#: `image_missing`: where the target's region lacks its image.
#: `prepaid`, `pay_as_you_go`: how it is paid for.
#: `address_changes`: where the recipe does not keep the private address.
Condition = Literal[
    "elastic_ip",
    "no_elastic_ip",
    "disks",
    "reachable_disks",
    "unreachable_disks",
    "local_disk",
    "backends",
    "image_missing",
    "prepaid",
    "pay_as_you_go",
    "address_changes",
]


class RecipeStep(Record):
    """One step of a recipe, after the one before. Texts may use {instance} {source} {target} {thing} {count}."""

    do: Operation
    only_with: Condition | None = None
    """Left out where the instance has none of it; taken once for each of them where it has several."""
    seconds: Seconds = 0
    """How long it takes, whatever the size."""
    copies: Literal["memory", "disk", "image"] | None = None
    """Takes longer by the size that is copied over the rate there is."""
    interrupts: bool = False
    """The service of the instance is away from this step's start on."""
    serves: bool = False
    """The service of the instance is back at this step's end; of several such steps taken, at the last one's."""
    console: Text | None = None
    """What to do in the provider's console."""
    command: Text | None = None
    """The command line that does it."""
    check: Text | None = None
    """How to see that it worked."""
    undo: Text | None = None
    """The way back if it did not."""
    source: Source | None = None
    """Where the step comes from; the recipe's own source where it is silent."""


class Recipe(Record):
    """How instances of a product get from one site to another, or what is done to a thing that they hang on."""

    id: Name
    name: Text
    kind: Literal["move", "recovery", "takeover", "start", "resource"]
    """A move has a source that runs, a recovery none; a takeover starts nothing; a start is of what never ran.

    `resource`: the work on one subnet, balancer or image; which one its operations say.
    """
    products: list[Name] = []
    """Only for these products; by default for any."""
    role: Literal["tenant", "operator"] | None = None
    """Only for planners of this role."""
    across: Literal["host", "zone", "region"] = "zone"
    """To another site of the zone, another zone of the region, another region; nothing to a start or resource."""
    live: bool = False
    """Only for instances that nothing keeps from moving while they run."""
    stateful: bool | None = None
    """Only for stateful ones, or only for stateless ones."""
    kind_of_instance: Literal["vm", "bare_metal"] | None = None
    fallback: bool = False
    """Only where no recipe that names the product is of this kind and reach."""
    preference: Annotated[int, Field(ge=0, le=1000)] = 100
    """Of several that fit the smallest is taken; the others are ways out where that has no order."""
    keeps: list[Literal["identifier", "private_ip", "elastic_ip", "data"]] = []
    """What stays as it was; of the rest the plan lists every change."""
    data_loss: Literal["none", "age_of_copy", "all"] = "none"
    steps: Annotated[list[RecipeStep], Field(min_length=1)]
    source: Source

    @model_validator(mode="after")
    def _says_when_it_serves(self) -> Self:
        if self.kind != "resource" and not any(step.serves for step in self.steps):
            raise ValueError(f"{self.id}: no step says that it serves, so nobody knows when the service is back")
        return self


class Window(Record):
    """A time in which steps that interrupt a service may run."""

    start: Moment
    end: Moment

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.end <= self.start:
            raise ValueError("ends before it starts")
        return self


class Migrating(Record):
    """How migrations run here: what may go on at once, how fast, when."""

    most_at_once: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Moves and recoveries under way at any moment, in all."""
    most_at_once_per: dict[Name, Annotated[int, Field(ge=1, le=1_000_000)]] = {}
    """The same by level (`host: 2`, `zone: 50`): into and out of any one domain of it."""
    mib_per_second: Annotated[int, Field(ge=1, le=10**6)] = 100
    """How fast memory, disks and images are copied where no uplink says less."""
    one_at_a_time: Name | None = None
    """A level (`zone`): no move out of one of its domains is under way beside one out of another."""
    windows: list[Window] = []
    """Steps that interrupt a running service lie inside one of these; recoveries wait for none."""
    starts_at: Moment | None = None
    """Second 0 of the plan; by default the time the estate was taken."""
    cooldown_hours: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    """What moved less than this ago stays, unless its place is lost."""
    weigh: Literal["count", "memory", "disk", "downtime"] = "count"
    """What makes a move dear: 1 each, its memory in MiB, its disk in GiB, or its downtime in seconds."""
    longest_plan_hours: Annotated[float, Field(gt=0, le=10_000)] = 2000.0
    """Nothing is planned beyond this."""
    recipes: list[Recipe] = []
    """Procedures of your own; one with the identifier of a catalogue's takes its place."""


class Tolerated(Record):
    """A hard rule that is broken already: it may stay broken by as much, in the same place, and no more."""

    rule: Text
    """Its label: the identifier, or kind and position."""
    group: Name | None = None
    domain: Name | None = None
    """None: wherever it is broken, as a sum over the group."""
    what: Name | None = None
    """Which of several things that the rule limits: a resource, a flavour."""
    amount: Count
