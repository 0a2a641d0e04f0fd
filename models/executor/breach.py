"""What a migration plan breaks, as data: what kind of fault, where, when, by how much."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum


class Fault(StrEnum):
    """A kind of breach."""

    TIME = "time"
    """A step ends before it starts, or the plan runs longer than it may."""
    DEPENDENCY = "dependency"
    """A step starts before one that it needs is over, or needs one that does not exist."""
    RECIPE = "recipe"
    """The recipe is not known, does not fit, or its steps are incomplete, out of order or not its own."""
    DURATION = "duration"
    """A step is shorter than its size and rate allow."""
    DEAD_SOURCE = "dead_source"
    """Something is read from, or done to, what has failed."""
    SOURCE = "source"
    """More instances leave than are there, or the kind of the action does not fit where they are."""
    ORIGINAL = "original"
    """An original that goes on running, is destroyed before its paid term ends, or is fenced though it lives."""
    CAPACITY = "capacity"
    """A domain holds more than it has, of a resource, a flavour or instances."""
    QUOTA = "quota"
    SUBNET = "subnet"
    """A subnet is overfull, is not there or not in the zone, is deleted while in use, or its block is taken."""
    REACH = "reach"
    """Instances pass through a site that they may not use."""
    RULE = "rule"
    """A rule that is to hold at every moment does not."""
    KEEP_RUNNING = "keep_running"
    """Too few of a group serve."""
    BACKENDS = "backends"
    """Too few serve behind a balancer."""
    BALANCER = "balancer"
    """A balancer is used while it is not there, or put where it cannot be."""
    IMAGE = "image"
    """An instance is created where its image is not."""
    COPY = "copy"
    """Something is restored that has no living copy."""
    DISK = "disk"
    """A disk is attached twice, or where it cannot be."""
    ELASTIC_IP = "elastic_ip"
    """An address is bound twice, or where it cannot be."""
    WINDOW = "window"
    """A running service is interrupted outside of the windows."""
    CONCURRENCY = "concurrency"
    """More is under way at once than may be."""
    UPLINK = "uplink"
    """More is copied at once than a link carries."""
    ONE_AT_A_TIME = "one_at_a_time"
    """Moves out of two domains overlap that are to be left one after the other."""
    TARGET = "target"
    """What is there at the end is not the target, or the target breaks a rule."""
    MISSING = "missing"
    """Instances are neither placed, nor taken over, nor listed as a loss."""


@dataclass(frozen=True)
class Breach:
    """One thing that a migration plan breaks."""

    fault: Fault
    message: str
    step: str | None = None
    action: str | None = None
    group: str | None = None
    domain: str | None = None
    second: int | None = None
    """When it is broken first; None for what does not depend on time."""
    amount: int = 1
    """By how much at the worst moment, in the fault's unit: instances, seconds, resource units, MiB/s."""
    rule: str | None = None
    """The label of the rule, where one is broken."""
    what: str | None = None
    """The resource, flavour or thing that it is about."""


@dataclass
class Findings:
    """Collects breaches: what lasts, or recurs in the same place, is one breach at its worst."""

    _found: dict[tuple[object, ...], Breach] = field(default_factory=dict)

    def add(self, breach: Breach, *key: object) -> None:
        """Take in a breach; of those with an equal key the first moment and the largest amount stay."""
        known = key or (breach.step, breach.action, breach.message)
        at = (breach.fault, *known)
        before = self._found.get(at)
        if before is None:
            self._found[at] = breach
        elif breach.amount > before.amount:
            self._found[at] = replace(breach, second=before.second, step=before.step, action=before.action)

    def listed(self) -> list[Breach]:
        """Return the breaches in order of time, those without a moment first."""
        return sorted(self._found.values(), key=lambda b: (-1 if b.second is None else b.second, b.fault.value))
