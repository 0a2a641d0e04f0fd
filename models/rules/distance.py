"""Latency limits and synchronous replication: what distance does to pairs in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from zonewright.models.base import Name
from zonewright.models.quantities import Millis, to_latency
from zonewright.models.rules.base import GroupRule, Rule
from zonewright.models.view import View, Violation

if TYPE_CHECKING:
    from zonewright.models.world import World


class LatencyLimit(Rule):
    """A limit on round trips: between two groups, within a quorum, or to clients.

    A latency that nobody states is above every limit, except inside one domain.
    """

    rule: Literal["latency"]
    between: Annotated[list[Name], Field(min_length=2, max_length=2)] | None = None
    """Every pair of domains in use by the two groups is within the limit; one group twice for itself."""
    quorum: Name | None = None
    """Some domain of this group, the leader's, has a majority of its replicas within the limit."""
    clients: Name | None = None
    """Every client location has a replica of this group within the limit."""
    locations: list[Name] = []
    """The client locations; by default those of the group."""
    leader: Name | None = None
    """The domain of the leader, for a quorum; by default, and once this one is lost, the best there is."""
    limit_ms: Millis
    level: Name = "zone"
    under_failure: bool = False
    """Holds after the loss of any one domain of the level (quorum and clients) and after evacuations too."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(x is not None for x in (self.between, self.quorum, self.clients)) != 1:
            raise ValueError("needs exactly one of between, quorum and clients")
        return self

    @property
    def suffers_from_loss(self) -> bool:
        """A quorum or the nearest replica may be lost."""
        return self.between is None

    def concerned(self) -> list[str]:
        """Return the groups that the rule is about."""
        return list(dict.fromkeys(self.between or [self.quorum or self.clients or ""]))

    def within(self, world: World, a: int, b: int) -> bool:
        """Return whether the round trip between two domains is known and within the limit."""
        found = world.latency(a, b)
        return found is not None and found <= to_latency(self.limit_ms)

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield pairs (amount 1 each), missing replicas of a majority, or unserved client locations."""
        if view.event and not self.under_failure:
            return
        if self.between is not None:
            yield from self._pairs(view, label, *self.between)
            return
        group = self.quorum or self.clients or ""
        counts = view.counts(group, self.level)
        if not counts:
            return
        judge = self._quorum if self.quorum is not None else self._clients
        yield from judge(view, label, group, counts, None)
        if self.under_failure and not view.event:
            for gone in sorted(counts):
                rest = {d: n for d, n in counts.items() if d != gone}
                yield from judge(view, label, group, rest, gone)

    def _pairs(self, view: View, label: str, one: str, other: str) -> Iterator[Violation]:
        seen: set[tuple[int, int]] = set()
        for a in view.counts(one, self.level):
            for b in view.counts(other, self.level):
                pair = (min(a, b), max(a, b)) if one == other else (a, b)
                if pair in seen:
                    continue
                seen.add(pair)
                if not self.within(view.world, a, b):
                    message = f"to {other} in {view.node_name(b)} is beyond {self.limit_ms} ms"
                    yield self.broken(label, one, view.node_name(a), 1, message)

    def _quorum(
        self, view: View, label: str, group: str, counts: Mapping[int, int], gone: int | None
    ) -> Iterator[Violation]:
        majority = view.world.groups[group].count // 2 + 1
        best, at = 0, None
        fixed = self._fixed_leader(view, gone)
        for leader in sorted(counts):
            if fixed not in (None, leader):
                continue
            near = sum(n for d, n in counts.items() if self.within(view.world, leader, d))
            if at is None or near > best:
                best, at = near, leader
        if best < majority:
            name = view.node_name(at) if at is not None else self.leader
            message = f"{best} replicas within {self.limit_ms} ms of the leader, a majority is {majority}"
            yield self.broken(label, group, name, majority - best, message + _after(view, gone))

    def _fixed_leader(self, view: View, gone: int | None) -> int | None:
        if self.leader is None:
            return None
        leader = view.world.tree.by_id[self.leader]
        lost = leader == gone or set(view.world.tree.sites_under[leader]) <= view.lost
        return None if lost else leader

    def _clients(
        self, view: View, label: str, group: str, counts: Mapping[int, int], gone: int | None
    ) -> Iterator[Violation]:
        for location in self.client_locations(view.world):
            times = [view.world.client_latency(location, d) for d in counts]
            if not any(t is not None and t <= to_latency(self.limit_ms) for t in times):
                message = f"no replica within {self.limit_ms} ms of {location}"
                yield self.broken(label, group, location, 1, message + _after(view, gone))

    def client_locations(self, world: World) -> list[str]:
        """Return the client locations that count."""
        return self.locations or list(world.groups[self.clients or ""].clients)


def _after(view: View, gone: int | None) -> str:
    return "" if gone is None else f" after the loss of {view.node_name(gone)}"


class SynchronousReplicas(GroupRule):
    """Replicas are in different domains only where the network is fit for synchronous replication."""

    rule: Literal["synchronous_replicas"]
    level: Name = "zone"

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield pairs of domains in use whose network is not known to be fit; amount 1 each."""
        for group in self.selected(view.world):
            used = sorted(view.counts(group, self.level))
            for position, a in enumerate(used):
                for b in used[position + 1 :]:
                    if view.world.link(a, b, "synchronous") is not True:
                        message = f"the network to {view.node_name(b)} is not fit for synchronous replication"
                        yield self.broken(label, group, view.node_name(a), 1, message)
