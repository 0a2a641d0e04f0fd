"""What moves cost, and what they hold at both ends until they are done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from zonewright.models.base import Name, Record
from zonewright.models.quantities import Count
from zonewright.models.rules.base import GroupRule, Rule
from zonewright.models.transport import cheapest
from zonewright.models.tree import Node, Tree
from zonewright.models.view import View, Violation, leaving

if TYPE_CHECKING:
    from zonewright.models.world import World

#: Domain to resource to amount.
Amounts = dict[int, dict[str, int]]


class DoubleOccupancy(Rule):
    """What leaves a domain holds these resources there until all moves are done.

    A domain that holds more today than is usable may go on holding as much.
    """

    rule: Literal["double_occupancy"]
    level: Name = "host"
    """The level whose domains are left; what stays inside one does not leave it."""
    resources: list[Name] = []
    """By default every resource that the domains have."""

    in_events: ClassVar[bool] = False

    @model_validator(mode="after")
    def _is_hard(self) -> Self:
        if self.soft is not None:
            raise ValueError("has no soft form")
        return self

    def counts(self, resource: str) -> bool:
        """Return whether the rule is about a resource."""
        return not self.resources or resource in self.resources

    def limit(self, world: World, node: Node, resource: str) -> int | None:
        """Return how much there is for both, None where no limit is stated: what is usable, or today's use."""
        usable = node.usable(resource)
        if usable is None:
            return None
        return max(usable, used_today(world, self.level).get(node.index, {}).get(resource, 0))

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield every domain and resource where what leaves no longer fits, beyond what is too much anyway."""
        if view.base is not None:
            return
        world = view.world
        held = self._held(view)
        for index in sorted(held):
            node = world.tree.nodes[index]
            used = view.usage.resources.get(index, {})
            for resource, amount in held[index].items():
                limit = self.limit(world, node, resource) if amount and self.counts(resource) else None
                if limit is None:
                    continue
                use = used.get(resource, 0)
                over = max(0, use + amount - limit) - max(0, use - limit)
                if over:
                    message = f"{resource}: {use} used and {amount} held by who leaves, {limit} usable"
                    yield self.broken(label, None, node.id, over, message, resource)

    def _held(self, view: View) -> Amounts:
        """Return what is held by those that leave, by domain."""
        tree = view.world.tree
        found: Amounts = {}
        for unit, sites in zip(view.world.units, view.unit_counts, strict=True):
            if not leaving(unit.current, sites):
                continue
            now = _by_domain(tree, self.level, sites)
            for domain, count in _by_domain(tree, self.level, unit.current).items():
                left = count - now.get(domain, 0)
                if left > 0:
                    _add(found.setdefault(domain, {}), unit.demand, left)
        return found


def used_today(world: World, level: str) -> Amounts:
    """Return what is used today by domain of a level."""
    memo: dict[str, Amounts] = world.__dict__.setdefault("_used_today", {})
    if level not in memo:
        found = memo[level] = {}
        for unit in world.units:
            for domain, count in _by_domain(world.tree, level, unit.current).items():
                _add(found.setdefault(domain, {}), unit.demand, count)
    return memo[level]


def _by_domain(tree: Tree, level: str, sites: Mapping[int, int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for site, count in sites.items():
        domain = tree.at_level(site, level)
        if domain is not None:
            found[domain] = found.get(domain, 0) + count
    return found


def _add(to: dict[str, int], demand: Mapping[str, int], count: int) -> None:
    for resource, amount in demand.items():
        to[resource] = to.get(resource, 0) + amount * count


class MoveStep(Record):
    """What it costs to move within a domain of a level."""

    within: Name
    """The level."""
    cost: Count
    """Of one move."""


class MovePair(Record):
    """What it costs to move from one domain to another."""

    source: Name = Field(alias="from")
    """Where from."""
    target: Name = Field(alias="to")
    """Where to."""
    cost: Count
    """Of one move."""


class MoveCost(GroupRule):
    """What moves cost: by what is moved, or by where from and where to. Counts what runs today.

    Who has no place any more has left as well, and costs the most that the rule knows.
    """

    rule: Literal["move_cost"]
    own: bool = False
    """Each instance costs its own `move_cost`, wherever it goes."""
    steps: list[MoveStep] = []
    """By distance: the first level that has both ends in one domain."""
    pairs: list[MovePair] = []
    """By both ends: the nearest domains above them that have an entry."""
    beyond: Count = 0
    """What no step and no pair covers."""

    in_events: ClassVar[bool] = False

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if self.soft is None:
            raise ValueError("is a wish: give soft with a weight")
        if self.own and (self.steps or self.pairs or self.beyond):
            raise ValueError("own goes without steps, pairs and beyond: write two rules")
        if self.steps and self.pairs:
            raise ValueError("gives both steps and pairs: write two rules")
        if not (self.own or self.steps or self.pairs or self.beyond):
            raise ValueError("asks for nothing: give own, steps, pairs or beyond")
        seen: set[str] = set()
        for step in self.steps:
            if step.within in seen:
                raise ValueError(f"gives {step.within} twice")
            seen.add(step.within)
        ends = [(pair.source, pair.target) for pair in self.pairs]
        if len(set(ends)) != len(ends):
            raise ValueError("gives one pair twice")
        return self

    @property
    def farthest(self) -> int:
        """The most that one move costs by distance."""
        return max([self.beyond, *(step.cost for step in self.steps), *(pair.cost for pair in self.pairs)])

    def between(self, tree: Tree, source: int, target: int) -> int:
        """Return what a move from one site to another costs by distance; nothing for who stays."""
        if source == target:
            return 0
        for step in self.steps:
            domain = tree.at_level(source, step.within)
            if domain is not None and domain == tree.at_level(target, step.within):
                return step.cost
        return self._of_pair(tree, source, target) if self.pairs else self.beyond

    def _of_pair(self, tree: Tree, source: int, target: int) -> int:
        nodes = tree.nodes
        for left in reversed(nodes[source].ancestors):
            for right in reversed(nodes[target].ancestors):
                cost = self._cost_of.get((nodes[left].id, nodes[right].id))
                if cost is not None:
                    return cost
        return self.beyond

    @cached_property
    def _cost_of(self) -> dict[tuple[str, str], int]:
        return {(pair.source, pair.target): pair.cost for pair in self.pairs}

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield what all moves cost together."""
        if view.base is not None:
            return
        world = view.world
        concerned = set(self.selected(world))
        amount = moved = 0
        for unit, sites in zip(world.units, view.unit_counts, strict=True):
            if unit.group not in concerned:
                continue
            left = leaving(unit.current, sites)
            if left:
                moved += left
                own = left * unit.move_cost
                amount += own if self.own else self.of_unit(world.tree, unit.current, sites)
        if amount:
            yield self.broken(label, None, None, amount, f"{moved} moves cost {amount}")

    def of_unit(self, tree: Tree, before: Mapping[int, int], after: Mapping[int, int]) -> int:
        """Return what the moves of instances that are alike cost by distance, from counts by site.

        Who can stay stays; who goes where of the others is chosen as cheaply as can be.
        """
        leavers = {s: n - after.get(s, 0) for s, n in before.items() if n > after.get(s, 0)}
        arrivals = {s: n - before.get(s, 0) for s, n in after.items() if n > before.get(s, 0)}
        gone = sum(leavers.values()) - sum(arrivals.values())
        lost = gone * self.farthest if gone > 0 else 0
        if len(leavers) == len(arrivals) == 1:
            (source, left), (target, arrived) = leavers.popitem(), arrivals.popitem()
            return lost + min(left, arrived) * self.between(tree, source, target)
        price = [[self.between(tree, a, b) for b in arrivals] for a in leavers]
        return lost + cheapest(list(leavers.values()), list(arrivals.values()), price)


class GroupMoves(GroupRule):
    """No group has more than so many instances moved. Soft, the group with the most moves counts alone."""

    rule: Literal["group_moves"]
    most: Count = 0
    """The most of any one group that run today and are elsewhere in the plan, or nowhere."""

    in_events: ClassVar[bool] = False

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield the group with the most moves beyond the limit, in instances."""
        if view.base is not None:
            return
        world = view.world
        moved = dict.fromkeys(self.selected(world), 0)
        for unit, sites in zip(world.units, view.unit_counts, strict=True):
            if unit.group in moved:
                moved[unit.group] += leaving(unit.current, sites)
        group = max(moved, key=lambda g: moved[g], default=None)
        if group is not None and moved[group] > self.most:
            message = f"{moved[group]} of {group} move, at most {self.most} of each group"
            yield self.broken(label, group, None, moved[group] - self.most, message)
