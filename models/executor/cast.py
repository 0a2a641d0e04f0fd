"""Who plays: the document's actions and steps with every name looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from zonewright.models.durations import lanes_of, side_by_side
from zonewright.models.migration import Action, Migration, Step
from zonewright.models.operations import EFFECTS, Effect, Operation
from zonewright.models.problems import InputError
from zonewright.models.procedures import recipes_of
from zonewright.models.recipes import Recipe, RecipeStep
from zonewright.models.references import check_known
from zonewright.models.world import Unit, World

#: Steps in which nothing is under way.
WAITING = frozenset({Operation.KEEP_ORIGINAL, Operation.UPDATE_CONFIGURATION, Operation.SWITCH_BALANCER})


@dataclass
class Deed:
    """One step, resolved."""

    index: int
    """Its place in the document."""
    step: Step
    act: Act
    effect: Effect
    at: int | None
    needs: list[Deed] = field(default_factory=list)
    of_recipe: RecipeStep | None = None
    """The step of the recipe that it takes."""
    level: int = -1
    """The place of that step in the recipe."""

    @property
    def start(self) -> int:
        """When it starts."""
        return self.step.start_s

    @property
    def end(self) -> int:
        """When it ends."""
        return self.step.end_s


@dataclass
class Act:
    """One action, resolved. Sites are node indices; units those of the world before the event."""

    index: int
    action: Action
    parts: list[tuple[Unit, int]]
    """Who moves: units and how many of each."""
    source: int | None
    target: int | None
    dead: bool
    """Whether the source has failed."""
    recipe: Recipe | None
    lanes: int | None
    """How many instances go at once; None: all."""
    deeds: list[Deed] = field(default_factory=list)
    """Its steps, in order of time."""

    @property
    def keeps_identity(self) -> bool:
        """Whether the instance stays the same, so that a domain with both ends holds it once."""
        return self.recipe is not None and "identifier" in self.recipe.keeps

    @property
    def keeps_address(self) -> bool:
        """Whether an address of a subnet with both ends is taken once."""
        return self.recipe is not None and ("identifier" in self.recipe.keeps or "private_ip" in self.recipe.keeps)

    @property
    def at_once(self) -> int:
        """How many instances are under way at the same time."""
        return side_by_side(self.action.count, self.lanes)

    @cached_property
    def stops_for_good(self) -> bool:
        """Whether its instances give their room to others and are not started anywhere."""
        return (
            bool(self.parts)
            and self.source is not None
            and self.target is None
            and self.first("stops") is not None
        )

    def first(self, what: str) -> Deed | None:
        """Return the first step with an effect: `takes_target`, `frees_source`, `stops`, `runs`."""
        return next((deed for deed in self.deeds if getattr(deed.effect, what) is not None), None)

    def first_second(self, what: str) -> int | None:
        """Return the second at which an effect sets in, None where it never does."""
        deed = self.first(what)
        if deed is None:
            return None
        return deed.start if getattr(deed.effect, what) == "start" else deed.end

    @cached_property
    def span(self) -> tuple[int, int] | None:
        """When it is under way: from its first step's start to its last one's end, waiting left aside."""
        working = [deed for deed in self.deeds if deed.step.do not in WAITING]
        if not working:
            return None
        return min(d.start for d in working), max(d.end for d in working)

    @cached_property
    def serves_at(self) -> int | None:
        """When the service is back: the end of the last step that says so, else when the instances run."""
        ends = [deed.end for deed in self.deeds if deed.step.serves]
        return max(ends) if ends else self.first_second("runs")

    @cached_property
    def away(self) -> tuple[int, int | None] | None:
        """From when to when the service is away; the end is None where it never comes back."""
        back = self.serves_at
        if self.dead or self.source is None:
            return (0, back) if self.dead else None
        starts = [deed.start for deed in self.deeds if deed.step.interrupts]
        gone = min(starts) if starts else self.first_second("stops")
        if gone is None or (back is not None and back <= gone):
            return None
        return gone, back

    @property
    def downtime(self) -> int:
        """How long the service is away, in seconds; 0 for what never comes back."""
        away = self.away
        return 0 if away is None or away[1] is None else away[1] - away[0]


@dataclass
class Cast:
    """All actions and steps of a migration."""

    acts: list[Act]
    deeds: list[Deed]
    unknown_needs: list[tuple[Deed, str]]
    """Needs that name no step."""


def cast_of(world: World, migration: Migration, dead: frozenset[int]) -> Cast:
    """Look up every name of a migration. Raises InputError at the first that the estate does not have."""
    recipes = recipes_of(world)
    sites = frozenset(world.tree.sites)
    units = {(unit.group, unit.name): unit for unit in world.units}
    known_lanes: dict[tuple[int, ...], int | None] = {}
    acts: dict[str, Act] = {}
    for position, action in enumerate(migration.actions):
        path: tuple[str | int, ...] = ("actions", position)
        if action.id in acts:
            raise InputError(f"{action.id} is given twice", path=(*path, "id"))
        source = _site(world, action.source, sites, (*path, "source"))
        target = _site(world, action.target, sites, (*path, "target"))
        check_known(action.group, world.groups, "group", (*path, "group"))
        check_known(action.takes_over, world.groups, "group", (*path, "takes_over"))
        check_known(action.recipe, recipes, "recipe", (*path, "recipe"))
        gone = source is not None and source in dead
        concerned = tuple(site for site in (None if gone else source, target) if site is not None)
        if concerned not in known_lanes:
            known_lanes[concerned] = lanes_of(world, concerned)
        lanes = known_lanes[concerned]
        acts[action.id] = Act(
            index=position,
            action=action,
            parts=_parts(units, action, path),
            source=source,
            target=target,
            dead=gone,
            recipe=recipes[action.recipe] if action.recipe is not None else None,
            lanes=lanes,
        )
    deeds: dict[str, Deed] = {}
    for position, step in enumerate(migration.steps):
        path = ("steps", position)
        if step.id in deeds:
            raise InputError(f"{step.id} is given twice", path=(*path, "id"))
        check_known(step.action, acts, "action", (*path, "action"))
        check_known(step.at, world.tree.by_id, "domain", (*path, "at"))
        at = world.tree.by_id[step.at] if step.at is not None else None
        deeds[step.id] = deed = Deed(position, step, acts[step.action], EFFECTS[step.do], at)
        deed.act.deeds.append(deed)
    unknown: list[tuple[Deed, str]] = []
    for deed in deeds.values():
        for name in deed.step.needs:
            if name in deeds:
                deed.needs.append(deeds[name])
            else:
                unknown.append((deed, name))
    for act in acts.values():
        act.deeds.sort(key=lambda d: (d.start, d.end, d.index))
    return Cast(list(acts.values()), list(deeds.values()), unknown)


def _site(world: World, name: str | None, sites: frozenset[int], path: tuple[str | int, ...]) -> int | None:
    if name is None:
        return None
    index = world.tree.require(name, path)
    if index not in sites:
        raise InputError(f"{name} is no site: instances sit in leaves", path=path)
    return index


def _parts(
    units: Mapping[tuple[str, str | None], Unit], action: Action, path: tuple[str | int, ...]
) -> list[tuple[Unit, int]]:
    if action.group is None:
        return []
    parts: list[tuple[Unit, int]] = []
    if len(action.instances) > action.count:
        raise InputError(f"names {len(action.instances)} instances, its count is {action.count}", path=path)
    for name in action.instances:
        unit = units.get((action.group, name))
        if unit is None:
            raise InputError(f"unknown instance {name} of {action.group}", path=(*path, "instances"))
        parts.append((unit, 1))
    rest = action.count - len(parts)
    if rest:
        unit = units.get((action.group, None))
        if unit is None:
            what = f"{rest} unnamed instances, all of {action.group} have names: list them"
            raise InputError(what, path=path)
        parts.append((unit, rest))
    return parts
