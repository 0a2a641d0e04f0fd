"""What every rule is: data that people write, and a checker that returns violations as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from zonewright.models.base import Name, Record, Text
from zonewright.models.view import View, Violation

if TYPE_CHECKING:
    from zonewright.models.world import Unit, World


#: Kinds of units times sites up to which a rule is first asked whether it closes anything at all.
MOST_PAIRS = 20_000


class Soft(Record):
    """A rule that a plan should respect: breaking it costs weight x amount, at its priority."""

    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    priority: Annotated[int, Field(ge=0, le=1000)] = 0


class Rule(Record):
    """A rule of an estate. Hard unless `soft` is given."""

    rule: str
    id: Name | None = None
    """Your own name for it, used wherever it is reported."""
    soft: Soft | None = None
    continuous: bool = False
    """Holds at every moment of a migration, for instances at both ends of their move."""

    #: Rules that the world itself imposes: always there, always hard.
    implicit: ClassVar[bool] = False
    #: Whether the rule holds in what remains after a domain is lost.
    in_events: ClassVar[bool] = True

    @property
    def suffers_from_loss(self) -> bool:
        """Whether losing instances can break the rule for those that remain.

        After an evacuation such a rule holds for the groups that were to be evacuated; others may be short.
        Every other rule holds for all that is there.
        """
        return False

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield what `view` breaks of this rule."""
        raise TypeError(f"{type(self).__name__} has no checker")

    def broken(
        self,
        label: str,
        group: str | None,
        domain: str | None,
        amount: int,
        message: str,
        what: str | None = None,
    ) -> Violation:
        """Return a violation of this rule."""
        soft = self.soft
        return Violation(
            rule=self.rule,
            label=label,
            group=group,
            domain=domain,
            amount=amount,
            message=message,
            hard=soft is None,
            weight=soft.weight if soft else 0,
            priority=soft.priority if soft else 0,
            what=what,
        )


class GroupRule(Rule):
    """A rule that holds for each of its groups by itself, unless its page says otherwise."""

    groups: list[Name] | Literal["*"] = "*"
    """Names of groups, or `"*"` for all."""
    with_labels: dict[Name, Text] = {}
    """Only groups that carry all of these labels."""

    def selected(self, world: World) -> list[str]:
        """Return the names of the groups that the rule is about."""
        names = list(world.groups) if self.groups == "*" else list(dict.fromkeys(self.groups))
        if not self.with_labels:
            return names
        wanted = self.with_labels.items()
        return [name for name in names if wanted <= world.groups[name].labels.items()]

    def concerns(self, world: World, group: str) -> bool:
        """Return whether the rule is about a group."""
        if self.groups != "*" and group not in self.groups:
            return False
        return not self.with_labels or self.with_labels.items() <= world.groups[group].labels.items()

    def kept_before(self, view: View, label: str, group: str) -> bool:
        """Return whether a scenario leaves a group as it was, and the rule was kept by it before."""
        if view.base is None or not view.untouched(group):
            return False
        memo: dict[tuple[str, str], bool] = view.base.__dict__.setdefault("_kept_rules", {})
        if (label, group) not in memo:
            memo[label, group] = next(iter(self.of_group(view.base, label, group)), None) is None
        return memo[label, group]

    def of_group(self, view: View, label: str, group: str) -> Iterator[Violation]:
        """Yield what one group breaks of the rule."""
        return self.model_copy(update={"groups": [group], "with_labels": {}}).violations(view, label)


class ReachRule(GroupRule):
    """A rule that says of every unit and site alone whether they go together."""

    def blocks(self, world: World, unit: Unit, site: int, *, entering: bool = True) -> str | None:
        """Return why the unit may not be at the site, None where it may.

        With `entering` the question is whether an instance may newly be put there; without, whether one
        that is there already may stay.
        """
        raise TypeError(f"{type(self).__name__} has no checker")

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield one violation for every unit at a site that it may not use."""
        world = view.world
        if not self.may_block(world, label):
            return
        concerned = set(self.selected(world))
        known: dict[tuple[int, int], str | None] = {}
        for index in self._in_question(view, label):
            unit, sites = world.units[index], view.unit_counts[index]
            if unit.group not in concerned:
                continue
            alike = world.alike[unit.index]
            for site, count in sites.items():
                key = (alike, site)
                if key not in known:
                    known[key] = self.blocks(world, unit, site, entering=True)
                reason = known[key]
                if reason is None:
                    continue
                there = _already_there(view, unit, site)
                staying = 0
                if there and self.blocks(world, unit, site, entering=False) is None:
                    staying = min(count, there)
                if count > staying:
                    domain = view.node_name(self.domain_of(world, site))
                    yield self.broken(label, unit.group, domain, count - staying, reason)

    def may_block(self, world: World, label: str) -> bool:
        """Return whether the rule may close a site to anybody: False only for one of the world's that does not."""
        if not self.implicit:
            return True
        memo: dict[str, bool] = world.__dict__.setdefault("_blocking_rules", {})
        if label not in memo:
            memo[label] = self._blocks_anything(world)
        return memo[label]

    def _in_question(self, view: View, label: str) -> Iterable[int]:
        """Return the units that may break the rule: in a scenario whoever moved, or may not even stay."""
        base = view.base
        if base is None:
            return range(len(view.unit_counts))
        memo: dict[str, list[int]] = base.__dict__.setdefault("_unwelcome", {})
        if label not in memo:
            memo[label] = self._unwelcome(base)
        both = zip(view.unit_counts, base.unit_counts, strict=True)
        moved = {index for index, (now, before) in enumerate(both) if now is not before}
        return sorted(moved.union(memo[label]))

    def _unwelcome(self, view: View) -> list[int]:
        """Return the units with instances at sites where they may not even stay."""
        world = view.world
        known: dict[tuple[int, int], bool] = {}
        found: list[int] = []
        for unit, sites in zip(world.units, view.unit_counts, strict=True):
            for site in sites:
                key = (world.alike[unit.index], site)
                if key not in known:
                    known[key] = self.blocks(world, unit, site, entering=False) is not None
                if known[key]:
                    found.append(unit.index)
                    break
        return found

    def _blocks_anything(self, world: World) -> bool:
        """Return whether any site is closed to any kind of unit; True as well where it costs too much to know."""
        kinds = dict(zip(world.alike, world.units, strict=True))
        sites = world.tree.sites
        if len(kinds) * len(sites) > MOST_PAIRS:
            return True
        return any(self.blocks(world, unit, site) is not None for unit in kinds.values() for site in sites)

    def domain_of(self, world: World, site: int) -> int:
        """Return the domain to name when the rule is broken at a site."""
        return site


def _already_there(view: View, unit: Unit, site: int) -> int:
    """Return how many of a unit were at a site before: today, or in a scenario before the loss."""
    if view.base is not None:
        return view.base.unit_counts[unit.index].get(site, 0)
    return unit.current.get(site, 0)
