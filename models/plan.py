"""A plan as a document: where everything is to be, how good that is, and what proves it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from zonewright.models.base import Member, Name, Record, Text
from zonewright.models.resources import Cidr


class Status(StrEnum):
    """How far solving got."""

    OPTIMAL = "OPTIMAL"
    """Every goal is proven: no plan is better."""
    FEASIBLE = "FEASIBLE"
    """A valid plan; a better one may exist."""
    INFEASIBLE = "INFEASIBLE"
    """Proven: no plan respects every hard rule."""
    UNKNOWN = "UNKNOWN"
    """Nothing was found within the limit, and nothing proven."""


class Placement(Record):
    """Instances of one group at one site."""

    group: Name
    site: Name
    count: Annotated[int, Field(ge=1, le=100_000_000)]
    subnet: Name | None = None
    instances: list[Member] = []
    """The named instances among them; the rest are unnamed members of the group."""


#: Values of goals: well inside what 64 bits hold.
Whole = Annotated[int, Field(ge=-(2**62), le=2**62)]


class GoalValue(Record):
    """One goal of the plan's objective, smaller is better. Money is in ten-thousandths."""

    goal: Text
    value: Whole
    bound: Whole | None = None
    """No plan that is as good in the goals before has a smaller value. None: nothing is proven."""

    @property
    def closed(self) -> bool:
        """Whether value and bound meet."""
        return self.bound is not None and self.value <= self.bound


class NewSubnet(Record):
    """A subnet that the plan creates."""

    id: Name
    vpc: Name
    zone: Name | None = None
    cidr: Cidr


class SubnetZone(Record):
    """The zone and block of a subnet that the estate left open."""

    subnet: Name
    zone: Name | None = None
    cidr: Cidr | None = None


class BalancerZones(Record):
    """The zones a balancer serves from."""

    balancer: Name
    zones: list[Name]


class Unplaced(Record):
    """Instances of a group that have no place in the plan."""

    group: Name
    count: Annotated[int, Field(ge=1, le=100_000_000)]
    instances: list[Member] = []


class ImageCopy(Record):
    """An image that has to be copied before the plan can be carried out."""

    image: Name
    region: Name


class Scenario(Record):
    """Where what is displaced goes when these domains are lost together."""

    signature: Text
    """Which survive rules it is for."""
    lost: list[Name]
    placements: list[Placement]


class BoundWitness(Record):
    """What proves the bound of one goal; `check --bound` evaluates it again, exactly."""

    goal: Text
    kind: Name
    """`trivial`, `linear` (multipliers), `tree` (branches with multipliers at every leaf), `search` (a search
    that found nothing better), `parts` (one witness for each independent part), `relocation` (who must leave
    hosts at least); on single instances `sums` and `prices` (of limits), `leavers` (who must leave home),
    `volumes` and `holds` (what whole sites with room for everything cost), or `patterns` (prices of shapes)."""
    bound: Whole
    data: dict[str, Any] = {}


class Plan(Record):
    """Where everything is to be."""

    plan: Name
    """The estate's name."""
    format: Annotated[int, Field(ge=1, le=1)] = 1
    estate_fingerprint: Text
    """Of the estate the plan was made for; `check` says when it is another."""
    status: Status
    objective: list[GoalValue] = []
    placements: list[Placement] = []
    unplaced: list[Unplaced] = []
    balancers: list[BalancerZones] = []
    subnets: list[SubnetZone] = []
    new_subnets: list[NewSubnet] = []
    image_copies: list[ImageCopy] = []
    scenarios: list[Scenario] = []
    """Witnesses of the evacuation rules."""
    bounds: list[BoundWitness] = []
    assumptions: list[Text] = []
    """What the documents do not say and the plan hinges on."""
    not_proven: list[Text] = []
    """Rules that were left to the provider."""
    engine: Text | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None

    @property
    def gap(self) -> float | None:
        """Relative distance of value and bound in the first goal that is open; 0.0 when all are closed."""
        for goal in self.objective:
            if goal.bound is None:
                return None
            if not goal.closed:
                return (goal.value - goal.bound) / max(1, abs(goal.value))
        return 0.0
