"""From a movement to steps: which of the provider's procedures fit, and what one of them comes to.

The steps of a draft have durations and needs, no times yet: when they run is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from zonewright.models.catalogue import Scope
from zonewright.models.durations import best_rate, lanes_of, least_seconds, side_by_side
from zonewright.models.migration import Action, Step
from zonewright.models.operations import EFFECTS, Operation
from zonewright.models.problems import InputError
from zonewright.models.procedures import recipes_of
from zonewright.models.recipes import Recipe, RecipeStep
from zonewright.models.resources import Kind, Snapshot
from zonewright.solver.migrate.changes import changes_of
from zonewright.solver.migrate.conditions import image_can_be_had, other_subnet, starts_fresh, things_of
from zonewright.solver.migrate.copies import (
    at_hand,
    copy_of,
    dead_sites,
    disk_reaches,
    lives,
    minutes_lost,
)
from zonewright.solver.migrate.ordering import Draft
from zonewright.solver.migrate.texts import clipped, filled, those

if TYPE_CHECKING:
    from zonewright.models.aftermath import Takeover
    from zonewright.models.world import Unit, World
    from zonewright.solver.migrate.moves import Movement

Across = Literal["host", "zone", "region"]

#: The longest name that a document takes.
_LONGEST_NAME = 128


def ways(world: World, movement: Movement, dead: bool) -> list[Recipe]:
    """Return the recipes that get these instances from source to target, the preferred one first.

    `world` is the one after the event, whose incidents say what is dead; `dead` whether the source is. Empty
    where there is no way: `why_no_way` says why.
    """
    found = [r for r in _in_question(world, movement, dead) if _hindrance(world, r, movement) is None]
    return sorted(found, key=lambda recipe: (recipe.preference, recipe.id))


def why_no_way(world: World, movement: Movement, dead: bool) -> str:
    """Return in words why `ways` found nothing."""
    reasons = dict.fromkeys(
        f"{recipe.id}: {reason}"
        for recipe in _in_question(world, movement, dead)
        if (reason := _hindrance(world, recipe, movement)) is not None
    )
    if reasons:
        return clipped("; ".join(reasons))
    kind, unit = _kind(movement, dead), movement.unit
    if movement.source is None:
        return f"no recipe starts {unit.product}"
    how = f"across {across(world, movement.source, movement.target)}s"
    return f"no recipe of kind {kind} takes {unit.product} {how} for the role {world.estate.role}"


def across(world: World, source: int, target: int) -> Across:
    """Return how far it is from site to site: within a zone, a region, or to another region."""
    if not world.same_region(source, target):
        return "region"
    return "host" if world.zone_of(source) == world.zone_of(target) else "zone"


def expand(world: World, movement: Movement, recipe: Recipe, action_id: str) -> Draft:
    """Return the action and steps of a movement by a recipe, with durations, texts and what changes.

    Raises InputError where memory is written faster than it can be copied.
    """
    unit, source, target = movement.unit, movement.source, movement.target
    dead = source is not None and source in dead_sites(world)
    restored: list[Snapshot] = []
    builder = _Builder(world, recipe, action_id, unit, movement.count, None if dead else source, target)
    builder.words |= _words(world, movement)
    for step in recipe.steps:
        things = things_of(world, recipe, step, unit, source, target)
        if step.do is Operation.CHANGE_SUBNET and things:
            things = _waiting_place(world, movement)
        copies = [_restored_from(world, step, unit, thing, target) for thing in things]
        restored += [copy for copy in copies if copy is not None]
        builder.add(step, things, copies)
    steps = builder.steps
    lost = minutes_lost(world, restored) if recipe.data_loss == "age_of_copy" else 0.0
    nodes = world.tree.nodes
    action = Action(
        id=action_id,
        kind=movement.kind if movement.kind != "stop" else "resource",
        recipe=recipe.id,
        group=unit.group,
        count=movement.count,
        instances=movement.instances,
        source=nodes[source].id if source is not None else None,
        target=nodes[target].id,
        subnet=movement.subnet_after,
        downtime_s=downtime(steps, movement.kind),
        data_loss_minutes=None if recipe.data_loss == "all" else lost,
        keeps=list(recipe.keeps),
        changes=changes_of(world, movement, recipe),
    )
    said = _assumptions(movement.unit, recipe, steps, unknown=recipe.data_loss == "age_of_copy" and lost is None)
    return Draft(action, steps, movement, recipe, tuple(said))


def takeover_ways(world: World, takeover: Takeover) -> list[Recipe]:
    """Return the recipes by which a standby takes over, the preferred one first."""
    unit = _lost_unit(world, takeover)
    found = [r for r in recipes_of(world).values() if r.kind == "takeover" and for_product(world, r, unit.product)]
    return sorted(found, key=lambda recipe: (recipe.preference, recipe.id))


def expand_takeover(world: World, takeover: Takeover, recipe: Recipe, action_id: str) -> Draft:
    """Return how a standby takes over by the public addresses of what it stands for; nothing is started.

    Where it returns, the group itself takes them back. `world` is the one before the event: what was lost has
    its addresses there.
    """
    unit, nodes = _lost_unit(world, takeover), world.tree.nodes
    builder = _Builder(world, recipe, action_id, unit, takeover.count, None, takeover.target)
    instances = list(takeover.instances)
    builder.words |= _places(world, takeover.source, takeover.target)
    builder.words |= {
        "group": takeover.group,
        "count": str(takeover.count),
        "instance": those(takeover.group, instances, takeover.count),
    }
    for step in recipe.steps:
        builder.add(step, things_of(world, recipe, step, unit, takeover.source, takeover.target), [])
    steps = builder.steps
    action = Action(
        id=action_id,
        kind="takeover",
        recipe=recipe.id,
        group=takeover.group,
        count=takeover.count,
        instances=instances,
        source=nodes[takeover.source].id,
        target=nodes[takeover.target].id,
        takes_over=takeover.group if takeover.returns else takeover.standby,
        data_loss_minutes=0.0,
        keeps=list(recipe.keeps),
        why=_why_taken_over(world, takeover),
    )
    action = action.model_copy(update={"downtime_s": downtime_of(action, steps)})
    said = _assumptions(unit, recipe, steps, unknown=False)
    return Draft(action, steps, None, recipe, tuple(said))


def downtime(steps: Sequence[Step], kind: str) -> int:
    """Return how long the service is away, in seconds, by the times that the steps have.

    From the first interrupting step's start, without one from when the source stops, for what is lost
    already (a recovery, a takeover) from 0; to the end of the last step that serves. A start has none. Steps
    that all start at 0 count as running one after another.
    """
    starts, ends = _clock(steps)
    runs = [starts[s.id] if EFFECTS[s.do].runs == "start" else ends[s.id] for s in steps if EFFECTS[s.do].runs]
    back = max((ends[s.id] for s in steps if s.serves), default=min(runs, default=0))
    if kind in ("recovery", "takeover"):
        return back
    if kind == "start":
        return 0
    away = min((starts[s.id] for s in steps if s.interrupts), default=None)
    if away is None:
        stops = [(s, EFFECTS[s.do].stops) for s in steps]
        times = [starts[s.id] if when == "start" else ends[s.id] for s, when in stops if when is not None]
        away = min(times, default=back)
    return max(0, back - away)


def downtime_of(action: Action, steps: Sequence[Step]) -> int:
    """Return how long an action keeps its service away, in seconds; one that takes back what it lent is a move."""
    returns = action.kind == "takeover" and action.takes_over == action.group
    return downtime(steps, "move" if returns else action.kind)


def _clock(steps: Sequence[Step]) -> tuple[dict[str, int], dict[str, int]]:
    """Return start and end of each step; of drafts, whose steps all start at 0, one after another."""
    starts, ends, now = {}, {}, 0
    drafted = all(step.start_s == 0 for step in steps)
    for step in steps:
        starts[step.id] = step.start_s + (now if drafted else 0)
        ends[step.id] = step.end_s + (now if drafted else 0)
        now += step.end_s
    return starts, ends


class _Builder:
    """Turns the steps of one recipe into steps of one action."""

    def __init__(
        self,
        world: World,
        recipe: Recipe,
        action: str,
        unit: Unit,
        count: int,
        source: int | None,
        target: int,
    ) -> None:
        self.world, self.recipe, self.action = world, recipe, action
        self.unit, self.count, self.target = unit, count, target
        self.lanes = lanes_of(world, [site for site in (source, target) if site is not None])
        self.rate = best_rate(world, source, target, side_by_side(count, self.lanes))
        self.words: dict[str, str] = {}
        self.steps: list[Step] = []
        self.ids: set[str] = set()
        self.before: list[str] = []
        """The steps that the next ones need."""

    def add(
        self,
        step: RecipeStep,
        things: Sequence[str | None],
        copies: Sequence[Snapshot | None],
    ) -> None:
        """Append a step once for each thing, one after another: copies would share the bandwidth that there is."""
        added: list[str] = []
        source = step.source or self.recipe.source
        for number, thing in enumerate(things):
            seconds = least_seconds(self.world, step, self.unit, self.count, self.lanes, self.rate, thing)
            copy = copies[number] if number < len(copies) else None
            first = ""
            if copy is not None and not at_hand(self.world, self.unit, copy, self.target):
                # It has to be copied to the target's region before it can be read there: the same size again.
                seconds += seconds - step.seconds
                first = f"Copy {copy.id} from {copy.region} to {self.words['target_region']}. "
            words = {**self.words, "thing": thing or "<its own disk>", "copy": copy.id if copy else "<none>"}
            name = self._name(step.do, thing)
            self.steps.append(
                Step(
                    id=name,
                    action=self.action,
                    do=step.do,
                    thing=thing,
                    start_s=0,
                    end_s=seconds,
                    needs=[*self.before, *added[-1:]],
                    mib_per_second=self.rate if step.copies is not None else None,
                    interrupts=step.interrupts,
                    serves=step.serves,
                    console=_after(first, filled(step.console, words)),
                    command=filled(step.command, words),
                    check=filled(step.check, words),
                    undo=filled(step.undo, words),
                    assumed=source.assumption,
                )
            )
            added.append(name)
        if added:
            self.before = added

    def _name(self, do: Operation, thing: str | None) -> str:
        """Return an identifier that is the same in every run: the action's, the operation, the thing."""
        plain = f"{self.action}.{do.value}"
        name = f"{plain}.{thing}" if thing is not None else plain
        number = 1
        while name in self.ids or len(name) > _LONGEST_NAME:
            number += 1
            name = f"{plain}.{number}"
        self.ids.add(name)
        return name


def _after(first: str, text: str | None) -> str | None:
    return text if not first else clipped(first + (text or ""))


def _kind(movement: Movement, dead: bool) -> str:
    if movement.source is None:
        return "start"
    return "recovery" if dead else "move"


def _in_question(world: World, movement: Movement, dead: bool) -> list[Recipe]:
    """Return the recipes of the right kind, product, role and reach."""
    kind, product = _kind(movement, dead), movement.unit.product
    how = across(world, movement.source, movement.target) if movement.source is not None else None
    memo: dict[object, list[Recipe]] = world.__dict__.setdefault("_recipes_in_question", {})
    found = memo.get((kind, product, how))
    if found is None:
        found = memo[kind, product, how] = [
            recipe
            for recipe in recipes_of(world).values()
            if recipe.kind == kind and how in (None, recipe.across) and for_product(world, recipe, product)
        ]
    return found


def for_product(world: World, recipe: Recipe, product: str) -> bool:
    """Return whether a recipe is for a product and the planner's role."""
    if recipe.products and product not in recipe.products:
        return False
    if recipe.role not in (None, world.estate.role):
        return False
    return not (recipe.fallback and _ground(recipe, product) in _covered(world))


def _ground(recipe: Recipe, product: str) -> tuple[object, ...]:
    """Return what two recipes have in common that do the same work for a product."""
    if recipe.kind in ("move", "recovery"):
        return (product, recipe.kind, recipe.across)
    if recipe.kind == "resource":
        return (product, *(step.do for step in recipe.steps))
    return (product, recipe.kind)


def _covered(world: World) -> frozenset[tuple[object, ...]]:
    """Return the ground that recipes cover which name a product."""
    memo: frozenset[tuple[object, ...]] | None = world.__dict__.get("_covered_ground")
    if memo is None:
        memo = frozenset(
            _ground(recipe, product)
            for recipe in recipes_of(world).values()
            if not recipe.fallback and recipe.role in (None, world.estate.role)
            for product in recipe.products
        )
        world.__dict__["_covered_ground"] = memo
    return memo


def _hindrance(world: World, recipe: Recipe, movement: Movement) -> str | None:
    """Return why a recipe in question does not fit these instances; None where it does."""
    unit = movement.unit
    if recipe.stateful is not None and recipe.stateful != unit.stateful:
        return "is for instances with data" if recipe.stateful else "is for instances without data"
    if recipe.kind_of_instance is not None and recipe.kind_of_instance != unit.kind.value:
        return f"is for {recipe.kind_of_instance.replace('_', ' ')}"
    does = {step.do for step in recipe.steps}
    return (
        _not_live(world, recipe, movement)
        or _without_source(world, does, movement)
        or _disks(world, recipe, does, movement)
        or _subnet(world, recipe, does, movement)
    )


def _not_live(world: World, recipe: Recipe, movement: Movement) -> str | None:
    if not recipe.live:
        return None
    unit = movement.unit
    if unit.kind is Kind.BARE_METAL:
        return "bare metal does not move while it runs"
    if unit.movability.local_disk:
        return "its disk is the host's own"
    if unit.movability.passthrough:
        return "a device of the host is handed through to it"
    step = next((s for s in recipe.steps if s.do is Operation.LIVE_MIGRATE), None)
    if step is not None:
        try:
            least_seconds(world, step, unit, 1, None, best_rate(world, movement.source, movement.target))
        except InputError as error:
            return error.what
    return None


def _without_source(world: World, does: set[Operation], movement: Movement) -> str | None:
    """Return what is missing to make the instance anew or to start it from its volumes."""
    unit, target = movement.unit, movement.target
    if does & {Operation.STOP, Operation.SHELVE} and not unit.movability.may_stop:
        return "it may not be stopped"
    if Operation.START in does and movement.kind == "recovery" and movement.source is not None:
        if unit.movability.local_disk or unit.kind is Kind.BARE_METAL:
            return "its disk was the host's own"
        if not lives(world, world.zone_of(movement.source)):
            return "its volumes are lost with their zone"
    if Operation.RESTORE_SYSTEM in does and copy_of(world, unit, None, target) is None:
        return "there is no copy of its system that lives"
    if starts_fresh(does) and not image_can_be_had(world, unit, target):
        return f"its image {unit.image} is not in {world.tree.nodes[world.region_of(target)].id}"
    return None


def _disks(world: World, recipe: Recipe, does: set[Operation], movement: Movement) -> str | None:
    unit, source, target = movement.unit, movement.source, movement.target
    if recipe.kind not in ("move", "recovery"):
        return None
    away = [d for d in unit.disks if not disk_reaches(world, unit, d, source, target)]
    carries = does & {Operation.COPY_DISK, Operation.RESTORE_DISK, Operation.RETYPE_VOLUME}
    if away and unit.stateful and not carries:
        return f"its disk {away[0]} cannot be reached from the target"
    if unit.stateful and Operation.RESTORE_DISK in does:
        for disk in away:
            if copy_of(world, unit, disk, target) is None:
                return f"there is no copy of its disk {disk} that lives"
    return None


def _subnet(world: World, recipe: Recipe, does: set[Operation], movement: Movement) -> str | None:
    """Return why the private address cannot go, or stay, as the recipe has it."""
    if recipe.kind != "move" or recipe.across == "host" or "identifier" in recipe.keeps:
        return None
    along = goes_along(world, movement)
    if along and "private_ip" not in recipe.keeps:
        return "it would change the private address, which is to be kept"
    if not along and "private_ip" in recipe.keeps:
        return "it keeps the private address, which only goes along with the whole subnet"
    if not is_remade(world, movement) or movement.source is None or movement.subnet_before is None:
        return None
    used = world.subnets[movement.subnet_before].used
    if used:
        return f"{movement.subnet_before} holds {used} other things, which have to leave it first"
    if not movement.unit.prepaid:
        return None
    if Operation.CHANGE_SUBNET not in does:
        return "its paid original would stay in the subnet, which is to be made again elsewhere"
    if other_subnet(world, movement.source, movement.subnet_before) is None:
        return "its paid original has no other subnet in its zone to wait in"
    return None


def _waiting_place(world: World, movement: Movement) -> tuple[str, ...]:
    """Return the subnet that a paid original goes to; nothing where its own stays as it is."""
    if movement.source is None or not is_remade(world, movement):
        return ()
    place = other_subnet(world, movement.source, movement.subnet_before)
    return (place,) if place is not None else ()


def is_remade(world: World, movement: Movement) -> bool:
    """Return whether the zonal subnet that instances sit in is deleted, to be made again in another zone."""
    if movement.subnet_before is None:
        return False
    subnet = world.subnets[movement.subnet_before]
    return subnet.zone is None and subnet.cidr is not None and _is_zonal(world, movement)


def _is_zonal(world: World, movement: Movement) -> bool:
    """Return whether the subnets are zonal: by their scope, or without one because addresses go with them."""
    scope = world.scope(movement.unit.product, "subnet")
    return scope is Scope.ZONAL or (scope is Scope.NONE and world.groups[movement.unit.group].keep_private_ip)


def goes_along(world: World, movement: Movement) -> bool:
    """Return whether a movement takes its zonal subnet with it to another zone."""
    subnet = movement.subnet_before
    if subnet is None or subnet != movement.subnet_after or movement.source is None:
        return False
    if world.zone_of(movement.source) == world.zone_of(movement.target):
        return False
    return _is_zonal(world, movement)


def _restored_from(world: World, step: RecipeStep, unit: Unit, thing: str | None, target: int) -> Snapshot | None:
    if step.do is Operation.RESTORE_SYSTEM:
        return copy_of(world, unit, None, target)
    if step.do is Operation.RESTORE_DISK and thing is not None:
        return copy_of(world, unit, thing, target)
    return None


def _words(world: World, movement: Movement) -> dict[str, str]:
    unit = movement.unit
    return {
        **_places(world, movement.source, movement.target),
        "instance": those(unit.group, movement.instances, movement.count),
        "group": unit.group,
        "count": str(movement.count),
        "subnet": movement.subnet_after or "<subnet>",
        "image": unit.image or f"<image of {unit.group}>",
    }


def _places(world: World, source: int | None, target: int) -> dict[str, str]:
    nodes = world.tree.nodes
    found = {
        "target": nodes[target].id,
        "target_zone": nodes[world.zone_of(target)].id,
        "target_region": nodes[world.region_of(target)].id,
    }
    if source is not None:
        found |= {
            "source": nodes[source].id,
            "source_zone": nodes[world.zone_of(source)].id,
            "source_region": nodes[world.region_of(source)].id,
        }
    return found


def _assumptions(unit: Unit, recipe: Recipe, steps: Sequence[Step], *, unknown: bool) -> list[str]:
    """Return what a draft hinges on that no document says; `unknown`: how much data is lost is."""
    found: list[str] = []
    for source in (recipe.source, *(step.source for step in recipe.steps)):
        if source is not None and source.assumption is not None:
            found.append(f"{recipe.id}: {' '.join(source.assumption.split())}")
    if unknown:
        found.append(f"{unit.group}: nobody says when its copies were made, so how much data is lost is unknown")
    if unit.image is None and starts_fresh([step.do for step in steps]):
        found.append(f"{unit.group}: there is an image to start it from, though the estate names none")
    return list(dict.fromkeys(found))


def _why_taken_over(world: World, takeover: Takeover) -> str:
    nodes = world.tree.nodes
    if takeover.returns:
        return f"{nodes[takeover.target].id} is back: {takeover.group} serves again in place of {takeover.standby}"
    return f"{nodes[takeover.source].id} is lost: {takeover.standby} serves in place of {takeover.group}"


def _lost_unit(world: World, takeover: Takeover) -> Unit:
    """Return the unit whose instances are lost: the named one, or the group's unnamed rest."""
    units = world.units_of[takeover.group]
    name = takeover.instances[0] if takeover.instances else None
    return next((u for u in units if u.name == name), units[0])
