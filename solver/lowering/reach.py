"""Lowering of the rules that decide which sites a unit may use. Soft ones become sums over cells."""

from __future__ import annotations

import numpy as np

from zonewright.models.catalogue import Scope
from zonewright.models.resources import Regional
from zonewright.models.rules import Domains, Entitlement, Pin, Pinned, Residency, Rule, ZoneState
from zonewright.models.topology import Provision, State
from zonewright.models.world import Unit
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.moving import Away
from zonewright.solver.families.sums import Sum
from zonewright.solver.profiles import Mask, Profile, Reach

_STAYS = (State.OPEN, State.SOLD_OUT, State.DRAINING, State.SUSPECT)


def zone_state(ctx: Context, rule: ZoneState, label: str, layer: Layer | None) -> None:
    """Nothing enters where the product is not open; nothing stays where it cannot run."""
    if layer is not None:
        return
    reach = ctx.reach
    left = np.array([ctx.world.tree.must_leave(site) for site in reach.sites], bool)
    closed: dict[str, tuple[Mask, Mask]] = {}
    for profile in reach.profiles:
        product = profile.unit.product
        if product not in closed:
            states = [ctx.world.tree.state(site, product) for site in reach.sites]
            enter = np.array([s is not State.OPEN for s in states], bool)
            closed[product] = enter, left | np.array([s not in _STAYS for s in states], bool)
        reach.block(profile, rule.rule, label, *closed[product])


def entitlement(ctx: Context, rule: Entitlement, label: str, layer: Layer | None) -> None:
    """A zone that asks for an entitlement is closed to accounts without it."""
    if layer is not None:
        return
    reach, tree = ctx.reach, ctx.world.tree
    needed = [{r for a in tree.nodes[s].ancestors for r in tree.nodes[a].domain.requires} for s in reach.sites]
    for profile in reach.profiles:
        held = set(ctx.world.accounts[profile.unit.account].entitlements)
        reach.block(profile, rule.rule, label, np.array([not n <= held for n in needed], bool))


def compatibility(ctx: Context, rule: Rule, label: str, layer: Layer | None) -> None:
    """Pools by flavour family, hosts by CPU model."""
    if layer is not None:
        return
    reach, tree = ctx.reach, ctx.world.tree
    families = [
        [set(f) for a in tree.nodes[s].ancestors if (f := tree.nodes[a].domain.families)] for s in reach.sites
    ]
    models = [tree.nodes[s].labels.get("cpu_model") for s in reach.sites]
    any_family, any_model = any(families), any(models)
    for profile in reach.profiles:
        unit = profile.unit
        family = unit.flavour.family if unit.flavour else None
        wanted = unit.movability.cpu_model
        if not any_family and not (wanted is not None and any_model):
            continue
        blocked = [
            any(family not in f for f in families[s]) or (wanted is not None and models[s] not in (None, wanted))
            for s in range(len(reach.sites))
        ]
        reach.block(profile, rule.rule, label, np.array(blocked, bool))


def service_availability(ctx: Context, rule: Rule, label: str, layer: Layer | None) -> None:
    """A region that is known to lack a needed service is closed."""
    if layer is not None:
        return
    reach, tree = ctx.reach, ctx.world.tree
    for profile in reach.profiles:
        unit = profile.unit
        needed = set(ctx.world.groups[unit.group].needs_services)
        attached = {
            "disk": unit.disks,
            "snapshot": unit.snapshots,
            "elastic_ip": unit.elastic_ips,
            "image": unit.image,
        }
        for kind, names in attached.items():
            entry = ctx.world.resource_kind(unit.product, kind)
            if names and entry is not None and entry.service is not None:
                needed.add(entry.service)
        if not needed:
            continue
        missing = [any(tree.service(s, n) is Provision.MISSING for n in needed) for s in reach.sites]
        reach.block(profile, rule.rule, label, np.array(missing, bool))


def scope(ctx: Context, rule: Rule, label: str, layer: Layer | None) -> None:
    """Each attachment narrows the sites to its region or zone, or to none in another account."""
    if layer is not None:
        return
    for profile in ctx.reach.profiles:
        masks = _attachment_masks(ctx, profile.unit)
        if masks:
            ctx.reach.block(profile, rule.rule, label, ~np.logical_and.reduce(masks))


def _attachment_masks(ctx: Context, unit: Unit) -> list[Mask]:
    world, reach = ctx.world, ctx.reach
    everywhere, nowhere = np.ones(len(reach.sites), bool), np.zeros(len(reach.sites), bool)
    masks: list[Mask] = []
    if unit.image is not None:
        image = world.images[unit.image]
        if image.account is not None and image.account != unit.account:
            masks.append(nowhere)
        copies = image.copy_allowed and not all(map(world.tree.is_lost, image.regions))
        if image.regions and not copies and world.scope(unit.product, "image") is not Scope.GLOBAL:
            masks.append(_in(ctx, reach.region_s, set(image.regions)))
    attached = {
        "disk": unit.disks,
        "elastic_ip": unit.elastic_ips,
        "security_group": unit.security_groups,
        "key_pair": unit.key_pairs,
        "route_table": (unit.route_table,) if unit.route_table else (),
    }
    for kind, names in attached.items():
        reaches = world.scope(unit.product, kind)
        for name in names:
            thing: Regional = world.attachables[kind][name]
            if thing.account is not None and thing.account != unit.account:
                masks.append(nowhere)
            if reaches in (Scope.GLOBAL, Scope.NONE):
                masks.append(everywhere)
                continue
            free = kind in ("disk", "elastic_ip")
            if thing.region is not None and not (free and world.tree.is_left(thing.region)):
                masks.append(_in(ctx, reach.region_s, {thing.region}))
            at = thing.zone if reaches is Scope.ZONAL else None
            if at is not None and not (free and world.tree.is_left(at)):
                masks.append(_in(ctx, reach.zone_s, {at}))
    return masks


def _in(ctx: Context, node_s: np.ndarray, names: set[str]) -> Mask:
    nodes = ctx.world.tree.nodes
    return np.array([nodes[int(n)].id in names for n in node_s], bool)


def domains(ctx: Context, rule: Domains, label: str, layer: Layer | None) -> None:
    """Allowed and forbidden domains and labels."""
    reach, tree = ctx.reach, ctx.world.tree
    outside = np.zeros(len(reach.sites), bool)
    if rule.allow:
        outside |= ~reach.under(rule.allow)
    if rule.forbid:
        outside |= reach.under(rule.forbid)
    for key, values in rule.allow_labels.items():
        wanted = {values} if isinstance(values, str) else set(values)
        outside |= np.array([tree.nodes[s].labels.get(key) not in wanted for s in reach.sites], bool)
    for key, values in rule.forbid_labels.items():
        barred = {values} if isinstance(values, str) else set(values)
        outside |= np.array([tree.nodes[s].labels.get(key, None) in barred for s in reach.sites], bool)
    _close(ctx, rule, label, layer, outside, rule.selected(ctx.world))


def residency(ctx: Context, rule: Residency, label: str, layer: Layer | None) -> None:
    """Regions in the allowed countries only; a copy or disk abroad breaks the rule by itself."""
    reach, tree = ctx.reach, ctx.world.tree
    allowed = set(rule.countries)
    homes = [tree.nodes[ctx.world.home_of(site)] for site in reach.sites]
    abroad = np.array([home.domain.country not in allowed for home in homes], bool)
    groups = rule.selected(ctx.world)
    _close(ctx, rule, label, layer, abroad, groups)
    if layer is not ctx.layers[0] if ctx.layers else True:
        return
    for group in groups:
        things = {("disk", n) for u in ctx.world.units_of[group] for n in u.disks}
        things |= {("snapshot", n) for u in ctx.world.units_of[group] for n in u.snapshots}
        for kind, name in sorted(things):
            region = ctx.world.attachables[kind][name].region
            node = tree.by_id.get(region) if region is not None else None
            if node is not None and tree.nodes[node].domain.country not in allowed:
                tag = ctx.tag(rule, label, group, node, f"{kind} {name} is there")
                ctx.add(Sum(tag, (), (), low=1, soften=ctx.soften(rule.soft)))


def _close(ctx: Context, rule: Rule, label: str, layer: Layer | None, outside: Mask, groups: list[str]) -> None:
    """Close sites to groups: for good, or as a sum that costs."""
    concerned = set(groups)
    if rule.soft is None:
        if layer is None:
            for profile in _profiles_of(ctx.reach, concerned):
                ctx.reach.block(profile, rule.rule, label, outside)
        return
    if layer is None or layer.event:
        return
    for cls in ctx.classes:
        if cls.unit.group not in concerned:
            continue
        columns = tuple(
            j
            for p, j in layer.cells[cls.index].items()
            if all(outside[ctx.reach.position[site]] for site in ctx.places[p].sites)
        )
        tag = ctx.tag(rule, label, cls.unit.group)
        ctx.add(Sum(tag, columns, (1,) * len(columns), high=0, soften=ctx.soften(rule.soft)))


def _profiles_of(reach: Reach, groups: set[str]) -> list[Profile]:
    concerned = {reach.of_unit[unit.index] for group in groups for unit in reach.world.units_of[group]}
    return [reach.profiles[f] for f in sorted(concerned)]


def pin(ctx: Context, rule: Pin, label: str, layer: Layer | None) -> None:
    """Stay in a domain, or where each is today; after an evacuation too."""
    if layer is None or (layer.event and rule.soft is not None):
        return
    concerned = set(rule.selected(ctx.world))
    for cls in ctx.classes:
        unit = cls.unit
        if unit.group not in concerned or (rule.instances and unit.name not in rule.instances):
            continue
        cells = layer.cells[cls.index]
        tag = ctx.tag(rule, label, unit.group)
        if rule.domain is None:
            _away(ctx, layer, cls.index, tag, ctx.soften(rule.soft))
            continue
        inside = ctx.inside(ctx.world.tree.by_id[rule.domain])
        outside = [(p, j) for p, j in cells.items() if p not in inside]
        if rule.soft is None and label in ctx.tolerance.labels:
            for place, column in outside:
                at = ctx.tag(rule, label, unit.group, ctx.places[place].site)
                ctx.add(Sum(at, (column,), (1,), high=0))
            continue
        columns = tuple(j for _, j in outside)
        ctx.add(Sum(tag, columns, (1,) * len(columns), high=0, soften=ctx.soften(rule.soft)))


def pinned(ctx: Context, rule: Pinned, label: str, layer: Layer | None) -> None:
    """What is marked pinned stays where it is; evacuations leave it alone anyway."""
    if layer is None or layer.event:
        return
    for cls in ctx.classes:
        if cls.unit.pinned and cls.current:
            _away(ctx, layer, cls.index, ctx.tag(rule, label, cls.unit.group), None)


def _away(ctx: Context, layer: Layer, c: int, tag: object, soften: object) -> None:
    cls = ctx.classes[c]
    current: dict[int, int] = {}
    for site, count in cls.current.items():
        place = ctx.place_of.get(site)
        if place is not None:
            current[place] = current.get(place, 0) + count
    cells = layer.cells[c]
    columns = tuple(cells.values())
    here = tuple(current.get(p, 0) for p in cells)
    ctx.add(Away(tag, columns, here, cls.count - sum(cls.current.values()), soften))  # type: ignore[arg-type]
