"""What a result hinges on that no document says, and what is left to the provider."""

from __future__ import annotations

from zonewright.models.rules import AntiAffinity, LatencyLimit, all_rules
from zonewright.models.topology import Provision
from zonewright.models.world import World


def assumptions_of(world: World, sites: dict[int, dict[int, int]] | None) -> list[str]:
    """Return the assumptions behind a placement, each once, in a fixed order.

    Without `sites`, behind the question itself.
    """
    found: dict[str, None] = {}
    used_kinds = _kinds_in_use(world)
    for catalogue in world.catalogues:
        for entry in catalogue.resource_kinds:
            if entry.kind in used_kinds and entry.source.assumption:
                found[f"{entry.kind} in {catalogue.catalogue}: {entry.source.assumption}"] = None
        if world.subnets and catalogue.addressing and catalogue.addressing.source.assumption:
            found[f"addresses: {catalogue.addressing.source.assumption}"] = None
    if (
        any(isinstance(rule, LatencyLimit) for _, rule in all_rules(world))
        or "client_latency" in world.estate.goals
    ):
        for pairs in (*(c.latencies for c in world.catalogues), world.estate.latencies):
            for pair in pairs:
                if pair.source and pair.source.assumption and all(n in world.tree.by_id for n in pair.between):
                    a, b = pair.between
                    found[f"latency {a} - {b} {pair.rtt_ms:g} ms: {pair.source.assumption}"] = None
    if sites is not None:
        found.update(dict.fromkeys(_not_stated(world, sites)))
    return list(found)


def _kinds_in_use(world: World) -> set[str]:
    kinds = {"instance"}
    if world.images:
        kinds.add("image")
    if world.subnets or world.vpcs:
        kinds |= {"subnet", "vpc"}
    if world.balancers:
        kinds.add("load_balancer")
    return kinds | {kind for kind, things in world.attachables.items() if things}


def _not_stated(world: World, sites: dict[int, dict[int, int]]) -> list[str]:
    """Return what is used without being stated: capacities, services."""
    tree = world.tree
    unlimited: dict[str, None] = {}
    services: dict[str, None] = {}
    used = {site for by_site in sites.values() for site in by_site}
    for site in sorted(used):
        if not any(
            tree.nodes[a].domain.capacity or tree.nodes[a].domain.flavours for a in tree.nodes[site].ancestors
        ):
            unlimited[f"capacity of {tree.nodes[site].id} is not stated: taken as unlimited"] = None
    for unit in world.units:
        for service in world.groups[unit.group].needs_services:
            for site in sites.get(unit.index, {}):
                if tree.service(site, service) is Provision.NOT_STATED:
                    region = tree.nodes[world.region_of(site)].id
                    services[f"{service} in {region} is not stated: taken as provided"] = None
    return [*unlimited, *services, *_assumed_domains(world, used)]


def _assumed_domains(world: World, used: set[int]) -> list[str]:
    """Return the assumptions that domains in use rest on, where no document stands behind them."""
    above = {a for site in used for a in world.tree.nodes[site].ancestors}
    found: dict[str, None] = {}
    for index in sorted(above):
        source = world.tree.nodes[index].domain.source
        if source is not None and source.assumption and not source.document:
            found[source.assumption] = None
    return list(found)


def delegated(world: World) -> list[str]:
    """Return the rules that are left to the provider where sites lack their level."""
    found = []
    for label, rule in all_rules(world):
        if isinstance(rule, AntiAffinity) and rule.delegate:
            hidden = any(world.tree.at_level(s, rule.level) is None for s in world.tree.sites)
            if hidden:
                found.append(
                    f"{label}: at most {rule.at_most} per {rule.level} is left to the provider's placement group"
                )
    return found
