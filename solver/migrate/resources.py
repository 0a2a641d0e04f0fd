"""Work on the things that instances hang on: images, subnets, balancers; and who has to wait for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from zonewright.models.durations import least_seconds
from zonewright.models.migration import Action, Change, Step
from zonewright.models.operations import EFFECTS, Operation
from zonewright.models.plan import SubnetZone
from zonewright.models.procedures import recipes_of
from zonewright.models.recipes import Recipe, RecipeStep
from zonewright.models.resources import LoadBalancer, Subnet
from zonewright.models.rules.balancer import stays_behind
from zonewright.solver.migrate.conditions import image_is_missing, starts_fresh
from zonewright.solver.migrate.ordering import Draft, Work
from zonewright.solver.migrate.recipes import for_product, ways
from zonewright.solver.migrate.texts import filled

if TYPE_CHECKING:
    from zonewright.models.aftermath import Aftermath
    from zonewright.models.plan import Plan
    from zonewright.models.world import Unit, World
    from zonewright.solver.migrate.moves import Movement

_CARRY_SUBNET = (Operation.DELETE_SUBNET, Operation.CREATE_SUBNET)
_NEW_SUBNET = (Operation.CREATE_SUBNET,)
_CARRY_BALANCER = (Operation.DELETE_BALANCER, Operation.CREATE_BALANCER, Operation.BIND_BACKEND)
_NEW_BALANCER = (Operation.CREATE_BALANCER, Operation.BIND_BACKEND)
_SWITCH = (Operation.SWITCH_BALANCER,)
_COPY_IMAGE = (Operation.COPY_IMAGE,)


def resource_drafts(after: Aftermath, plan: Plan, movements: Sequence[Movement]) -> list[Draft]:
    """Return the work on images, subnets and balancers that a plan asks for, each thing once.

    Images that a region lacks are copied there. A subnet that changes its zone is deleted and made again with
    its block, with the internal balancers in it; others that the plan creates are created. A balancer that is
    lost with its zones, or has to leave them, is made anew; one with a zone left is switched by its provider.
    """
    drafts = [*_images(after, movements), *_subnets(after, plan), *_balancers(after, plan)]
    return [draft for draft in drafts if draft is not None]


def link(after: Aftermath, works: Sequence[Work]) -> list[Work]:
    """Return works whose steps wait for those of others: what they need of subnets, balancers and images.

    Whatever was linked before is linked anew.
    """
    linker = _Linker(after, works)
    if not linker.made:
        return list(works)
    return [replace(w, ways=[[linker.linked(draft, way) for draft in way] for way in w.ways]) for w in works]


def resource_recipe(world: World, product: str, operations: Sequence[Operation]) -> Recipe | None:
    """Return the preferred recipe of a product for work of exactly these operations; None where there is none."""
    found = [
        recipe
        for recipe in recipes_of(world).values()
        if recipe.kind == "resource"
        and tuple(step.do for step in recipe.steps) == tuple(operations)
        and for_product(world, recipe, product)
    ]
    return min(found, key=lambda recipe: (recipe.preference, recipe.id), default=None)


def _images(after: Aftermath, movements: Sequence[Movement]) -> Iterator[Draft | None]:
    """Yield one copy for each image and region that somebody starts from there."""
    world = after.world
    wanted: dict[tuple[str, int], Unit] = {}
    for movement in movements:
        unit = movement.unit
        if unit.image is None or not image_is_missing(world, unit, movement.target):
            continue
        fitting = ways(world, movement, movement.kind == "recovery")
        if fitting and starts_fresh([step.do for step in fitting[0].steps]):
            key = (unit.image, world.region_of(movement.target))
            known = wanted.get(key)
            if known is None or unit.demand.get("disk_gib", 0) > known.demand.get("disk_gib", 0):
                wanted[key] = unit
    for number, ((image, region), unit) in enumerate(sorted(wanted.items(), key=lambda w: w[0]), start=1):
        name = world.tree.nodes[region].id
        words = {"thing": image, "target": name, "target_zone": name, "target_region": name}
        words |= {"source_region": _living_home(world, image)}
        why = f"{image} is not in {name}, and instances are to start from it there"
        recipe = resource_recipe(world, unit.product, _COPY_IMAGE)
        action = Action(id=f"image-{number}", kind="resource", why=why)
        yield _draft(after, action, recipe, [(image, name)], words, unit)


def _living_home(world: World, image: str) -> str:
    from zonewright.solver.migrate.copies import lives

    known = world.tree.by_id
    homes = [name for name in world.images[image].regions if name in known and lives(world, known[name])]
    return homes[0] if homes else "<a region that has it>"


def _subnets(after: Aftermath, plan: Plan) -> Iterator[Draft | None]:
    number = 0
    seated = {placement.subnet for placement in plan.placements}
    seated |= {b.subnet for b in after.world.balancers.values() if b.internal and not stays_behind(after.world, b)}
    for entry in [*plan.subnets, *_unsaid(after, plan)]:
        before = after.before.subnets[entry.subnet]
        cidr = entry.cidr or before.cidr
        carried = entry.zone is not None and before.zone not in (None, entry.zone)
        missing = before.zone is None and (entry.zone is not None or before.cidr is None)
        if carried or (missing and before.id in seated):
            number += 1
            yield _subnet(after, f"subnet-{number}", before, entry.zone, cidr, carried=carried)
    for new in plan.new_subnets:
        number += 1
        made = Subnet(id=new.id, vpc=new.vpc, cidr=new.cidr)
        yield _subnet(after, f"subnet-{number}", made, new.zone, new.cidr, carried=False)


def _unsaid(after: Aftermath, plan: Plan) -> Iterator[SubnetZone]:
    """Yield the zone of subnets that leave theirs where the plan chooses none: that of those who sit in them."""
    world = after.world
    said = {entry.subnet for entry in plan.subnets}
    for subnet in after.before.subnets.values():
        if subnet.zone is None or subnet.id in said or world.subnets[subnet.id].zone is not None:
            continue
        sites = {world.tree.by_id[p.site] for p in plan.placements if p.subnet == subnet.id}
        zones = sorted({world.zone_of(site) for site in sites})
        if zones:
            yield SubnetZone(subnet=subnet.id, zone=world.tree.nodes[zones[0]].id)


def _subnet(
    after: Aftermath, name: str, subnet: Subnet, zone: str | None, cidr: str | None, *, carried: bool
) -> Draft | None:
    world = after.world
    region = _region_name(world, zone)
    words = {
        "thing": subnet.id,
        "cidr": cidr or "<block>",
        "target": zone or region,
        "target_zone": zone or region,
        "target_region": region,
        "source": subnet.zone or region,
        "source_zone": subnet.zone or region,
        "source_region": _region_name(world, subnet.zone) if subnet.zone else region,
    }
    action = Action(id=name, kind="resource", subnet=subnet.id, why=f"instances are to sit in {subnet.id}")
    product = _product_in(world, subnet.vpc)
    if not carried:
        recipe = resource_recipe(world, product, _NEW_SUBNET)
        return _draft(after, action, recipe, [(subnet.id, zone)], words, cidr=cidr)
    recipe = resource_recipe(world, product, _CARRY_SUBNET)
    change = Change(what="subnet", of=subnet.id, before=subnet.zone, after=zone)
    action = action.model_copy(
        update={"changes": [change], "why": f"{subnet.id} goes to {zone} with the private addresses in it"}
    )
    return _draft(after, action, recipe, [(subnet.id, subnet.zone), (subnet.id, zone)], words, cidr=cidr)


def _balancers(after: Aftermath, plan: Plan) -> Iterator[Draft | None]:
    chosen = {entry.balancer: entry.zones for entry in plan.balancers}
    carried = {
        entry.subnet: entry.zone
        for entry in [*plan.subnets, *_unsaid(after, plan)]
        if after.before.subnets[entry.subnet].zone not in (None, entry.zone)
    }
    number = 0
    for balancer in after.before.balancers.values():
        if stays_behind(after.world, after.world.balancers[balancer.id]):
            continue
        zones = chosen.get(balancer.id) or after.world.balancers[balancer.id].zones
        found = _work_on(after, balancer, zones, carried)
        if found is not None:
            number += 1
            operations, zone, why = found
            yield _balancer(after, f"balancer-{number}", balancer, operations, zone, why)


def _work_on(
    after: Aftermath, balancer: LoadBalancer, zones: Sequence[str], carried: dict[str, str | None]
) -> tuple[tuple[Operation, ...], str | None, str] | None:
    """Return what has to be done to a balancer, in which zone, and why; None where nothing has."""
    at = zones[0] if zones else None
    gone = [zone for zone in balancer.zones if _all_in(after, zone, after.dead)]
    if gone and len(gone) == len(balancer.zones):
        return _NEW_BALANCER, at, f"it is lost with {', '.join(gone)}"
    if balancer.internal and balancer.subnet in carried:
        return _CARRY_BALANCER, carried[balancer.subnet], f"its address is in {balancer.subnet}"
    kind = after.world.balancer_kind(balancer.kind)
    if gone and (kind is None or kind.switch_by_provider):
        return _SWITCH, at, f"it served from {', '.join(gone)}, too"
    if balancer.zones and not set(zones) & set(balancer.zones):
        return _CARRY_BALANCER, at, f"it has to leave {', '.join(balancer.zones)}"
    return None


def _all_in(after: Aftermath, zone: str, sites: frozenset[int]) -> bool:
    there = after.world.tree.sites_under[after.world.tree.by_id[zone]] if zone in after.world.tree.by_id else ()
    return bool(there) and sites.issuperset(there)


def _balancer(
    after: Aftermath,
    name: str,
    balancer: LoadBalancer,
    operations: tuple[Operation, ...],
    zone: str | None,
    why: str,
) -> Draft | None:
    world = after.world
    group = world.groups[balancer.backends[0]] if balancer.backends else None
    product = (group.product if group else None) or world.default_product
    recipe = resource_recipe(world, product, operations)
    subnet = after.world.balancers[balancer.id].subnet if balancer.internal else None
    region = balancer.region or _region_name(world, zone)
    words = {
        "thing": balancer.id,
        "subnet": subnet or "<subnet>",
        "target": zone or region,
        "target_zone": zone or region,
        "target_region": region,
        "source_region": region,
    }
    changes: list[Change] = []
    if Operation.CREATE_BALANCER in operations:
        changes.append(Change(what="balancer", of=balancer.id, before=balancer.id))
        if subnet is None or subnet != balancer.subnet:
            changes.append(Change(what="vip", of=balancer.id))
    action = Action(id=name, kind="resource", subnet=subnet, changes=changes, why=f"{balancer.id}: {why}")
    old = balancer.zones[0] if balancer.zones else None
    things = [(balancer.id, old if do is Operation.DELETE_BALANCER else zone) for do in operations]
    return _draft(after, action, recipe, things, words)


def _draft(
    after: Aftermath,
    action: Action,
    recipe: Recipe | None,
    things: Sequence[tuple[str, str | None]],
    words: dict[str, str],
    unit: Unit | None = None,
    cidr: str | None = None,
) -> Draft | None:
    """Return the draft of a recipe whose steps are about these things, each in a domain; None without a recipe."""
    if recipe is None:
        return None
    steps: list[Step] = []
    for step, (thing, at) in zip(recipe.steps, things, strict=True):
        source = step.source or recipe.source
        rate = after.world.estate.migration.mib_per_second
        copies = step.copies is not None and unit is not None
        creates = step.do is Operation.CREATE_SUBNET
        steps.append(
            Step(
                id=f"{action.id}.{step.do.value}",
                action=action.id,
                do=step.do,
                thing=thing,
                at=at,
                cidr=cidr if creates else None,
                start_s=0,
                end_s=_seconds(after.world, step, unit, rate),
                needs=[steps[-1].id] if steps else [],
                mib_per_second=rate if copies else None,
                interrupts=step.interrupts,
                serves=step.serves,
                console=filled(step.console, words),
                command=filled(step.command, words),
                check=filled(step.check, words),
                undo=filled(step.undo, words),
                assumed=source.assumption,
            )
        )
    action = action.model_copy(update={"recipe": recipe.id})
    said = (f"{recipe.id}: {recipe.source.assumption}",) if recipe.source.assumption else ()
    return Draft(action, steps, None, recipe, said)


def _seconds(world: World, step: RecipeStep, unit: Unit | None, rate: int) -> int:
    return step.seconds if unit is None else least_seconds(world, step, unit, 1, None, rate)


def _region_name(world: World, zone: str | None) -> str:
    if zone is None or zone not in world.tree.by_id:
        return "<region>"
    return world.tree.nodes[world.region_of(world.tree.by_id[zone])].id


def _product_in(world: World, vpc: str) -> str:
    """Return the product of the first group with a network, whose provider's subnets are meant."""
    group = next((g for g in world.groups.values() if vpc in g.vpcs), None)
    return (group.product if group else None) or world.default_product


class _Linker:
    """Says which steps of other works a step needs."""

    def __init__(self, after: Aftermath, works: Sequence[Work]) -> None:
        self.after = after
        self.drafts = [(way, draft) for work in works for way in work.ways for draft in way]
        self.made: dict[tuple[Operation, str | None, str | None], str] = {}
        """(operation, thing, region of an image) to the step of a resource that does it."""
        self.with_address: set[str] = set()
        """Balancers whose address is in a subnet that is made again."""
        for _, draft in self.drafts:
            if draft.action.kind == "resource":
                for step in draft.steps:
                    place = step.at if step.do is Operation.COPY_IMAGE else None
                    self.made[step.do, step.thing, place] = step.id
        for _, draft in self.drafts:
            for step in draft.steps:
                subnet = draft.action.subnet
                if step.do is Operation.DELETE_BALANCER and (Operation.DELETE_SUBNET, subnet, None) in self.made:
                    self.with_address.add(step.thing or "")

    def linked(self, draft: Draft, way: Sequence[Draft]) -> Draft:
        """Return a draft whose steps need what they need of others, besides each other."""
        own = {step.id for leg in way for step in leg.steps}
        steps = []
        for step in draft.steps:
            needs = [need for need in step.needs if need in own]
            needs += [need for need in dict.fromkeys(self._of_others(draft, step)) if need not in needs]
            steps.append(step if needs == step.needs else step.model_copy(update={"needs": needs}))
        return replace(draft, steps=steps)

    def _of_others(self, draft: Draft, step: Step) -> Iterator[str]:
        if step.do is Operation.DELETE_SUBNET:
            yield from self._departures(step.thing)
        elif step.do is Operation.DELETE_BALANCER:
            yield from self._last_needs(step.thing or "")
        elif step.do is Operation.CREATE_BALANCER:
            yield from self._known(Operation.CREATE_SUBNET, draft.action.subnet)
        elif step.do is Operation.BIND_BACKEND and draft.movement is not None:
            yield from self._known(Operation.CREATE_BALANCER, step.thing)
        elif EFFECTS[step.do].takes_target is not None and draft.movement is not None:
            yield from self._known(Operation.CREATE_SUBNET, draft.movement.subnet_after)
            if step.do is Operation.CREATE_INSTANCE and starts_fresh([s.do for s in draft.steps]):
                yield from self._image(draft.movement)

    def _known(self, do: Operation, thing: str | None, place: str | None = None) -> Iterator[str]:
        step = self.made.get((do, thing, place)) if thing is not None else None
        if step is not None:
            yield step

    def _image(self, movement: Movement) -> Iterator[str]:
        world = self.after.world
        region = world.tree.nodes[world.region_of(movement.target)].id
        yield from self._known(Operation.COPY_IMAGE, movement.unit.image, region)

    def _departures(self, subnet: str | None) -> Iterator[str]:
        """Yield the steps by which instances and balancers give up their addresses in a subnet."""
        for _, draft in self.drafts:
            movement = draft.movement
            if movement is not None and movement.kind == "move" and movement.subnet_before == subnet:
                yield from (s.id for s in draft.steps if _gives_up(s))
            elif draft.action.kind == "resource" and draft.action.subnet == subnet:
                yield from (s.id for s in draft.steps if s.do is Operation.DELETE_BALANCER)

    def _last_needs(self, balancer: str) -> Iterator[str]:
        """Yield what comes before a balancer is deleted, so that it is away as short as can be.

        With its subnet it goes once its backends are out of it; else once the new ones are ready to be bound.
        """
        behind = set(self.after.before.balancers[balancer].backends)
        for _, draft in self.drafts:
            if draft.movement is None or draft.movement.unit.group not in behind:
                continue
            binds = [s for s in draft.steps if s.do is Operation.BIND_BACKEND and s.thing == balancer]
            unbinds = [s for s in draft.steps if s.do is Operation.UNBIND_BACKEND and s.thing == balancer]
            if balancer in self.with_address:
                yield from (s.id for s in unbinds)
            elif binds:
                own = {s.id for s in draft.steps}
                yield from (need for step in binds for need in step.needs if need in own)
            else:
                yield from (s.id for s in draft.steps if s.serves)


def _gives_up(step: Step) -> bool:
    return EFFECTS[step.do].frees_source is not None or step.do is Operation.CHANGE_SUBNET
