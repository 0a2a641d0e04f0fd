"""Who may be with whom: anti-affinity, affinity, separation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from zonewright.models.base import Name, Record
from zonewright.models.rules.base import GroupRule, Rule
from zonewright.models.view import View, Violation


class Delegation(Record):
    """The provider's own placement group, for a level that the provider hides."""

    quota: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    """Instances that one placement group can hold."""


class AntiAffinity(GroupRule):
    """At most k instances of a group in any one domain of a level."""

    rule: Literal["anti_affinity"]
    level: Name
    at_most: Annotated[int, Field(ge=1, le=100_000_000)] = 1
    delegate: bool | Delegation = False
    """Where sites do not have the level: leave it to the provider's placement group, listed as not proven."""

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield every domain that holds more than `at_most`; amount in instances."""
        for group in self.selected(view.world):
            if self.kept_before(view, label, group):
                continue
            for domain, count in view.counts(group, self.level).items():
                if count > self.at_most:
                    message = f"{count} instances, at most {self.at_most} per {self.level}"
                    yield self.broken(label, group, view.node_name(domain), count - self.at_most, message)


class Affinity(GroupRule):
    """All of the groups together in one domain; or, with `to`, only where the other group is too."""

    rule: Literal["affinity"]
    level: Name
    to: Name | Annotated[list[Name], Field(min_length=1)] | None = None
    """Each domain that holds one of the groups must hold this one as well, or each of these."""

    @property
    def company(self) -> tuple[str, ...]:
        """The groups that `to` names."""
        if self.to is None:
            return ()
        return (self.to,) if isinstance(self.to, str) else tuple(dict.fromkeys(self.to))

    def lacking(self, other: str) -> str | None:
        """Return what a violation says is lacking: with a list, which of the groups in it."""
        return None if isinstance(self.to, str) else other

    @property
    def suffers_from_loss(self) -> bool:
        """Who needs company may lose it."""
        return self.to is not None

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield domains without company (amount 1 for each that lacks), or the domains beyond the first."""
        if self.to is not None:
            yield from self._alone(view, label)
            return
        used: dict[int, str] = {}
        for group in self.selected(view.world):
            for domain in view.counts(group, self.level):
                used.setdefault(domain, group)
        if len(used) > 1:
            names = ", ".join(sorted(view.node_name(d) for d in used))
            group = self.selected(view.world)[0]
            last = max(used, key=view.node_name)
            message = f"in {len(used)} {self.level}s ({names}), together in one is asked"
            yield self.broken(label, group, view.node_name(last), len(used) - 1, message)

    def _alone(self, view: View, label: str) -> Iterator[Violation]:
        selected = self.selected(view.world)
        for other in self.company:
            company = view.counts(other, self.level)
            for group in selected:
                for domain in view.counts(group, self.level):
                    if domain not in company:
                        message = f"{other} is not in this {self.level}"
                        what = self.lacking(other)
                        yield self.broken(label, group, view.node_name(domain), 1, message, what)


class Separation(Rule):
    """No two of these groups in the same domain of a level."""

    rule: Literal["separation"]
    level: Name
    groups: Annotated[list[Name], Field(min_length=2)]

    def selected(self, world: object) -> list[str]:
        """Return the groups."""
        return list(dict.fromkeys(self.groups))

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield every pair that meets in a domain; amount 1 each."""
        names = self.selected(view.world)
        where = {group: view.counts(group, self.level) for group in names}
        for position, one in enumerate(names):
            for other in names[position + 1 :]:
                for domain in where[one]:
                    if domain in where[other]:
                        message = f"{one} and {other} meet in this {self.level}"
                        yield self.broken(label, one, view.node_name(domain), 1, message)
