"""Rules that speak of migrations: how many stay up while one runs, and how many move at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from zonewright.models.base import Member, Name, Record
from zonewright.models.quantities import Count
from zonewright.models.rules.base import GroupRule, Rule
from zonewright.models.view import View, Violation, leaving

if TYPE_CHECKING:
    from zonewright.models.world import Unit, World


class KeepRunning(GroupRule):
    """At every moment of a migration enough of each group serve. A placement alone cannot break it.

    What an event took away is not held against the migration: it asks for the least it found.
    """

    rule: Literal["keep_running"]
    least: Count | None = None
    """At least this many serve."""
    most_down: Count | None = None
    """At most this many of those that served at the start are down at once."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.soft is not None:
            raise ValueError("has no soft form")
        if (self.least is None) == (self.most_down is None):
            raise ValueError("needs exactly one of least and most_down")
        return self

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield nothing: only the execution of a migration can break it."""
        return iter(())

    def needed(self, running: int) -> int:
        """Return how many have to serve at every moment where `running` serve at the start."""
        asked = self.least if self.least is not None else running - (self.most_down or 0)
        return max(0, min(asked, running))


class Held(Record):
    """Instances of a group in a domain."""

    group: Name
    domain: Name
    count: Annotated[int, Field(ge=1, le=100_000_000)] = 1
    like: Member | None = None
    """Only those of the group's instances whose demand is this one's."""
    outside: bool = False
    """Everywhere but in the domain; who is left out is outside, too."""

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.count} of {self.group} {'outside' if self.outside else 'in'} {self.domain}"

    def held(self, view: View) -> int:
        """Return how many of those meant are there in a placement."""
        world = view.world
        inside = world.tree.sites_under[world.tree.by_id[self.domain]]
        units = [unit for unit in world.units_of[self.group] if self.counts(unit, world)]
        there = sum(view.unit_counts[unit.index].get(site, 0) for unit in units for site in inside)
        return sum(unit.count for unit in units) - there if self.outside else there

    def counts(self, unit: Unit, world: World) -> bool:
        """Return whether a unit's instances are meant."""
        if unit.group != self.group or self.like is None:
            return unit.group == self.group
        model = next((u for u in world.units_of[self.group] if u.name == self.like), None)
        return model is not None and dict(model.demand) == dict(unit.demand)


class Avoid(Rule):
    """Not all of these at once: each says that a domain, or all but it, holds at least so many of a group.

    The planner of migrations adds one for a placement that no order leads to.
    """

    rule: Literal["avoid"]
    together: Annotated[list[Held], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_hard(self) -> Self:
        if self.soft is not None:
            raise ValueError("has no soft form")
        return self

    def concerned(self) -> list[str]:
        """Return the groups it speaks of."""
        return list(dict.fromkeys(held.group for held in self.together))

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield one violation where all hold."""
        if view.base is not None:
            return
        if any(held.held(view) < held.count for held in self.together):
            return
        first = self.together[0]
        said = ", ".join(str(held) for held in self.together)
        yield self.broken(label, first.group, first.domain, 1, f"all at once: {said}")


class MoveLimit(Rule):
    """At most so many instances that run today are elsewhere in the plan, or nowhere."""

    rule: Literal["move_limit"]
    most: Annotated[int, Field(ge=0, le=100_000_000)]

    @model_validator(mode="after")
    def _is_hard(self) -> Self:
        if self.soft is not None:
            raise ValueError("has no soft form: moves are a goal already")
        return self

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield the moves beyond the limit, in instances."""
        if view.base is not None:
            return
        moved = 0
        for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
            moved += leaving(unit.current, sites)
        if moved > self.most:
            yield self.broken(label, None, None, moved - self.most, f"{moved} moves, at most {self.most}")
