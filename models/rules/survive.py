"""Surviving the loss of domains: with what remains, or by moving what is displaced."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from zonewright.models.base import Name
from zonewright.models.quantities import Count, Share, as_fraction
from zonewright.models.rules.base import GroupRule, Rule
from zonewright.models.view import Row, View, Violation

if TYPE_CHECKING:
    from zonewright.models.world import Unit, World

MOST_SCENARIOS = 20_000


class Survive(GroupRule):
    """The groups survive the loss of any `lose` domains of a level.

    `static`: nothing is started, what remains is enough. `evacuate`: what is displaced of the groups fits
    again among the rest under every hard rule, and the plan says where each goes. Survivors stay where they
    are; of other groups nothing is started again. Rules that agree in level, number, domains and stock share
    one evacuation, so that their groups need room at the same time. A scenario that displaces none of the
    rule's groups asks nothing.

    After an evacuation all hard rules hold but survival and `all_or_nothing`; those that a loss alone can
    break (spread, affinity `to`, balancers, private reach, quorum and client latency) hold for the evacuated
    groups only, and only where the evacuation is not just a wish. Stock that is on offer takes no arrivals,
    while survivors keep what they have bought of it: see `Capacity`.
    """

    rule: Literal["survive"]
    mode: Literal["static", "evacuate"] = "static"
    level: Name = "zone"
    lose: Annotated[int, Field(ge=1, le=3)] = 1
    """How many domains are lost at once."""
    domains: list[Name] = []
    """Only these domains are lost; by default any of the level."""
    keep: Count | None = None
    """Static: at least this many remain."""
    keep_share: Share | None = None
    """Static: at least this share of what is placed remains, rounded up."""
    on_offer: bool = False
    """Evacuate: count capacity that is only on offer; in a zone's loss everybody buys the same stock."""

    in_events: ClassVar[bool] = False

    def scenarios(self, world: World) -> list[tuple[int, ...]]:
        """Return every set of domains that may be lost together, as node indices."""
        if self.domains:
            pool = [world.tree.by_id[d] for d in self.domains]
        else:
            pool = world.tree.domains_at(self.level)
        return list(itertools.combinations(sorted(pool), self.lose))

    def needed(self, world: World, group: str, placed: int) -> int:
        """Return how many instances of a group must remain, of `placed` (static).

        The largest of: what carries the load, the quorum, the balancers' least backends, `keep` and
        `keep_share`; 1 where none of them is stated.
        """
        entry = world.groups[group]
        asked: list[int] = []
        if entry.load is not None and entry.throughput is not None:
            asked.append(-(-entry.load // entry.throughput))
        if entry.quorum is not None:
            asked.append(entry.count // 2 + 1 if entry.quorum == "majority" else entry.quorum)
        asked += [b.least_backends for b in world.balancers.values() if group in b.backends and b.least_backends]
        if self.keep is not None:
            asked.append(self.keep)
        if self.keep_share is not None:
            asked.append(math.ceil(as_fraction(self.keep_share) * placed))
        return max(asked, default=1)

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield, per scenario, how many instances are missing from what has to remain or to fit again."""
        for scenario in self.scenarios(view.world):
            gone = frozenset(s for d in scenario for s in view.world.tree.sites_under[d])
            name = "+".join(view.node_name(d) for d in scenario)
            if self.mode == "static":
                yield from self._static(view, label, gone, name)
            else:
                yield from self._evacuate(view, label, scenario, gone, name)

    def _static(self, view: View, label: str, gone: frozenset[int], name: str) -> Iterator[Violation]:
        for group in self.selected(view.world):
            placed = view.total(group)
            if not placed:
                continue
            remaining = sum(n for s, n in view.group_sites[group].items() if s not in gone)
            needed = self.needed(view.world, group, placed)
            if remaining < needed:
                message = f"{remaining} remain when this is lost, {needed} are needed"
                yield self.broken(label, group, name, needed - remaining, message)

    def _evacuate(
        self, view: View, label: str, scenario: tuple[int, ...], gone: frozenset[int], name: str
    ) -> Iterator[Violation]:
        world = view.world
        concerned = set(self.selected(world))
        displaced: dict[int, int] = {}
        for unit, sites in zip(world.units, view.unit_counts, strict=True):
            lost = sum(n for s, n in sites.items() if s in gone)
            if lost and unit.group in concerned:
                displaced[unit.index] = lost
        if not displaced:
            return
        witness = view.witness(self.signature(world), scenario)
        landed: dict[int, int] = {}
        for row in witness:
            if row.site in gone or row.count < 0:
                yield self.broken(label, world.units[row.unit].group, name, row.count, "is moved to a lost site")
                return
            landed[row.unit] = landed.get(row.unit, 0) + row.count
        for index, lost in displaced.items():
            unit = world.units[index]
            back = landed.get(index, 0) if recoverable(world, unit, self.level, scenario) else 0
            if back < lost:
                why = "no copy to recover from" if back == 0 and landed.get(index, 0) else "no room is shown"
                message = f"{lost - back} displaced when this is lost are not placed again: {why}"
                yield self.broken(label, unit.group, name, lost - back, message)
        evacuated = self.evacuated(world)
        for index, back in landed.items():
            unit = world.units[index]
            lost = sum(n for s, n in view.unit_counts[index].items() if s in gone)
            most = lost if unit.group in evacuated else 0
            if back > most:
                message = f"{back} placed again when this is lost, only {most} were to be"
                yield self.broken(label, unit.group, name, back - most, message)
        yield from self._after(view, label, gone, name, witness, self.evacuated(world, hard=True))

    def _after(
        self,
        view: View,
        label: str,
        gone: frozenset[int],
        name: str,
        witness: list[Row],
        whole: frozenset[str],
    ) -> Iterator[Violation]:
        for found in broken_after(view, gone, witness, whole, on_offer=self.on_offer):
            message = f"when this is lost: {found.rule} in {found.domain}: {found.message}"
            yield self.broken(label, found.group, name, found.amount, message)

    def evacuated(self, world: World, *, hard: bool = False) -> frozenset[str]:
        """Return the groups of all rules (or all hard ones) that share this one's evacuation."""
        own = self.signature(world)
        return frozenset(
            group
            for rule in world.estate.rules
            if isinstance(rule, Survive) and rule.mode == "evacuate" and rule.signature(world) == own
            if rule.soft is None or not hard
            for group in rule.selected(world)
        )

    def signature(self, world: World) -> str:
        """Return what evacuation rules that are planned together share."""
        only = f"-of-{','.join(sorted(self.domains))}" if self.domains else ""
        return f"{self.level}-{self.lose}-{'any' if self.on_offer else 'firm'}{only}"


def broken_after(
    view: View, gone: frozenset[int], witness: list[Row], whole: Collection[str], *, on_offer: bool = False
) -> Iterator[Violation]:
    """Yield what is broken of the hard rules once sites are gone and what they displaced is where it is shown.

    Rules that a loss alone can break are asked of the groups in `whole` only.
    """
    from zonewright.models.rules import all_rules

    after = view.after(gone, witness, on_offer=on_offer)
    for label, rule in all_rules(view.world):
        if rule.soft is not None or not rule.in_events:
            continue
        for found in rule.violations(after, label):
            if not (rule.suffers_from_loss and found.group is not None and found.group not in whole):
                yield found


def recoverable(world: World, unit: Unit, level: str, scenario: tuple[int, ...]) -> bool:
    """Return whether an instance whose site is lost can be started again elsewhere.

    A pinned one cannot. A stateful one needs copies that outlive the scenario; below the zone its disks
    do, unless they are local.
    """
    if unit.pinned:
        return False
    levels = world.tree.levels
    below_zone = "zone" in levels and levels.index(level) > levels.index("zone")
    if below_zone and not unit.movability.local_disk:
        return True
    if not unit.stateful and not unit.movability.local_disk:
        return True
    if not unit.stateful:
        return True
    copies = [world.attachables["snapshot"][name] for name in unit.snapshots]
    return any(not _inside(world, place, scenario) for place in ((c.zone, c.region) for c in copies))


def _inside(world: World, places: tuple[str | None, ...], scenario: tuple[int, ...]) -> bool:
    """Return whether any of the named domains is in one of the lost."""
    known = [world.tree.by_id[name] for name in places if name in world.tree.by_id]
    return any(d in world.tree.nodes[node].ancestors for node in known for d in scenario)


class AllOrNothing(Rule):
    """A group marked `all_or_nothing` is placed whole or not at all."""

    rule: Literal["all_or_nothing"] = "all_or_nothing"
    implicit: ClassVar[bool] = True
    in_events: ClassVar[bool] = False

    def violations(self, view: View, label: str) -> Iterator[Violation]:
        """Yield groups that are placed in part; amount is what is missing."""
        for name, group in view.world.groups.items():
            placed = view.total(name)
            if group.all_or_nothing and 0 < placed < group.count:
                message = f"{placed} of {group.count} placed"
                yield self.broken(label, name, None, group.count - placed, message)
