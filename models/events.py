"""Why a migration is planned: what failed, what has to be left, what is to be better than today."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from zonewright.models.base import Name, Record
from zonewright.models.quantities import Count, Share


class Incident(StrEnum):
    """What has happened to a domain and all in it, whatever states its products have."""

    FAILED = "failed"
    """Nothing runs there, and nothing can be read from it."""
    SUSPECT = "suspect"
    """Still running, not trusted: whatever is there leaves as fast as it can."""
    DRAINED = "drained"
    """Still running: whatever is there leaves, in good order."""
    CLOSED = "closed"
    """Still running: nothing enters, and what is there may stay."""


class Event(Record):
    """What a migration is for. Parts can be combined: one zone failed, a host in another drained."""

    fail: list[Name] = []
    """Domains that are gone: regions, zones, racks or hosts."""
    suspect: list[Name] = []
    """Domains that still run and are not trusted: left first."""
    drain: list[Name] = []
    """Domains to be left, for maintenance."""
    restore: list[Name] = []
    """Domains that are back: what an earlier event took away may return."""
    mend: bool = False
    """Mend every rule that the current placement breaks, not only those of displaced groups."""
    strictly: bool = False
    """With `mend`: every hard rule has to hold afterwards; by default it is mended as far as that goes."""
    rebalance: Share | None = None
    """No host (or zone, where hosts are hidden) is to carry more than this share of any of its resources."""
    consolidate: bool = False
    """Free as many whole hosts as possible, to switch them off."""
    to: bool = False
    """Go to a given placement."""
    max_moves: Count | None = None
    """At most so many moves of running instances; recoveries are not among them."""
    min_gain: Annotated[float, Field(ge=0, le=1e12)] = 0.0
    """Leave out moves that are worth less than this each, in the goal that they are made for."""
    cooldown_hours: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    """What moved less than this before the estate was taken stays, unless its place is lost."""

    @model_validator(mode="after")
    def _something_happened(self) -> Self:
        parts = (self.fail, self.suspect, self.drain, self.restore, self.mend, self.consolidate, self.to)
        if not any(parts) and self.rebalance is None:
            what = "names nothing: give fail, suspect, drain, restore, mend, rebalance, consolidate or to"
            raise ValueError(what)
        if self.strictly and not self.mend:
            raise ValueError("strictly goes with mend")
        for name in self.fail:
            if name in (*self.suspect, *self.drain, *self.restore):
                raise ValueError(f"{name} cannot be failed and something else")
        return self

    @property
    def incidents(self) -> dict[str, Incident]:
        """Domain to what has happened to it."""
        found = dict.fromkeys(self.drain, Incident.DRAINED)
        found |= dict.fromkeys(self.suspect, Incident.SUSPECT)
        return found | dict.fromkeys(self.fail, Incident.FAILED)
