"""How a group is spread over the domains of a level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zonewright.models.base import Name
from zonewright.models.quantities import Share, as_fraction
from zonewright.models.rules.base import GroupRule
from zonewright.models.view import View, Violation


class Spread(GroupRule):
    """Least domains, least in each, skew, largest share, or a shape. Counts what is placed.

    Eligible domains are those of the level where an instance of the group may newly be put by the rules
    on reach and its load balancers' regions; lost ones are not.
    """

    rule: Literal["spread"]
    level: Name = "zone"
    least_domains: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """In at least this many domains."""
    most_domains: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """In at most this many domains."""
    least_each: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    """At least this many in each eligible domain."""
    skew: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    """Most minus least over the eligible domains is at most this."""
    largest_share: Share | None = None
    """No domain holds more than this share of what is placed, rounded up."""
    shape: Literal["even", "balanced", "any", "single"] = "any"
    """`even` is a skew of 1, `balanced` the least skew there can be (always soft), `single` one domain."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        parts = (self.least_domains, self.most_domains, self.least_each, self.skew, self.largest_share)
        if all(part is None for part in parts) and self.shape == "any":
            raise ValueError("asks for nothing: give least_domains, least_each, skew, largest_share or shape")
        if self.shape == "balanced" and self.soft is None:
            raise ValueError("shape balanced is a wish: give soft with a weight")
        return self

    @property
    def suffers_from_loss(self) -> bool:
        """A group that lost instances may be uneven."""
        return True

    @property
    def skew_limit(self) -> int | None:
        """The tightest skew that `skew` and `shape` ask for."""
        by_shape = {"even": 1, "balanced": 0}.get(self.shape)
        limits = [limit for limit in (self.skew, by_shape) if limit is not None]
        return min(limits) if limits else None

    @property
    def domain_limit(self) -> int | None:
        """The fewest domains that `most_domains` and `shape` allow."""
        limits = [limit for limit in (self.most_domains, 1 if self.shape == "single" else None) if limit]
        return min(limits) if limits else None

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield shortfalls and excesses, in domains for domain counts and in instances for the rest."""
        for group in self.selected(view.world):
            if not view.total(group) or (self.kept_before(view, label, group) and self._as_open(view, group)):
                continue
            yield from self.of_group(view, label, group)

    def _as_open(self, view: View, group: str) -> bool:
        """Return whether a scenario leaves a group as many eligible domains as before, where these count."""
        if view.base is None or (self.least_each is None and self.skew_limit is None):
            return True
        memo: dict[tuple[str, str], frozenset[int]] = view.base.__dict__.setdefault("_eligible_memo", {})
        if (group, self.level) not in memo:
            memo[group, self.level] = frozenset(view.base.eligible(group, self.level))
        wounded = view.wounded(self.level)
        return all(view.is_open(group, domain) for domain in wounded if domain in memo[group, self.level])

    def of_group(self, view: View, label: str, group: str) -> Iterator[Violation]:
        """Yield what one group, of which somebody is placed, breaks of the rule."""
        counts = view.counts(group, self.level)
        used = len(counts)
        most_at = max(counts, key=lambda d: (counts[d], view.node_name(d)))
        if self.least_domains is not None and not view.event and used < self.least_domains:
            message = f"in {used} {self.level}s, at least {self.least_domains} are asked"
            yield self.broken(label, group, view.node_name(most_at), self.least_domains - used, message, "domains")
        if self.domain_limit is not None and used > self.domain_limit:
            message = f"in {used} {self.level}s, at most {self.domain_limit}"
            yield self.broken(label, group, view.node_name(most_at), used - self.domain_limit, message, "domains")
        if self.largest_share is not None:
            limit = -(-view.total(group) * as_fraction(self.largest_share) // 1)
            for domain, count in counts.items():
                if count > limit:
                    message = f"{count} of {view.total(group)}, at most {limit}"
                    yield self.broken(label, group, view.node_name(domain), int(count - limit), message)
        if self.least_each is None and self.skew_limit is None:
            return
        eligible = {domain: counts.get(domain, 0) for domain in view.eligible(group, self.level)}
        if self.least_each is not None:
            for domain, count in eligible.items():
                if count < self.least_each:
                    message = f"{count} instances, at least {self.least_each} are asked"
                    yield self.broken(label, group, view.node_name(domain), self.least_each - count, message)
        if self.skew_limit is not None and eligible:
            low, high = min(eligible.values()), max(eligible.values())
            if high - low > self.skew_limit:
                at = max(eligible, key=lambda d: (eligible[d], view.node_name(d)))
                message = f"{high} here and {low} elsewhere, skew {self.skew_limit} is allowed"
                yield self.broken(label, group, view.node_name(at), high - low - self.skew_limit, message, "skew")
