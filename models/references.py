"""Names that an estate refers to must exist, and sizes must make sense: checked once, with the place."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zonewright.models.magnitudes import check_magnitudes
from zonewright.models.problems import InputError, maybe
from zonewright.models.quantities import RESOURCES, SPELLINGS, as_fraction
from zonewright.models.rules import all_rules
from zonewright.models.rules.company import Affinity, AntiAffinity
from zonewright.models.rules.distance import LatencyLimit
from zonewright.models.rules.during import Avoid
from zonewright.models.rules.limits import FreeRatio, Load, Quota
from zonewright.models.rules.moves import DoubleOccupancy, MoveCost
from zonewright.models.rules.reach import Domains, Pin
from zonewright.models.rules.survive import MOST_SCENARIOS, Survive

if TYPE_CHECKING:
    from zonewright.models.catalogue import Catalogue
    from zonewright.models.estate import Estate
    from zonewright.models.recipes import Recipe
    from zonewright.models.world import World

Path = tuple[str | int, ...]


def check_references(world: World) -> None:
    """Raise InputError at the first name that is not known, or size that cannot be right."""
    _unique(world)
    levels = _levels(world)
    _topology(world, levels)
    _networks(world, levels)
    _things(world, levels)
    _groups(world)
    _instances(world)
    _services(world)
    for position, rule in enumerate(world.estate.rules):
        _rule(world, rule, ("rules", position))
    _migrating(world)
    _tolerated(world)
    check_magnitudes(world)


def check_known(name: str | None, known: Iterable[str], what: str, path: Path) -> None:
    """Raise InputError where a name is given that is none of those known; it says the nearest of them."""
    if name is not None and name not in known:
        raise InputError(f"unknown {what} {name}.{maybe(name, known)}", path=path)


def _all_known(names: Sequence[str], known: Iterable[str], what: str, path: Path) -> None:
    for position, name in enumerate(names):
        check_known(name, known, what, (*path, position))


def _unique(world: World) -> None:
    estate = world.estate
    sections = (
        "accounts",
        "flavours",
        "clients",
        "vpcs",
        "subnets",
        "load_balancers",
        "elastic_ips",
        "disks",
        "images",
        "snapshots",
        "security_groups",
        "route_tables",
        "key_pairs",
        "groups",
        "instances",
        "services",
    )
    for section in sections:
        seen: set[str] = set()
        for position, entry in enumerate(getattr(estate, section)):
            if entry.id in seen:
                raise InputError(f"{entry.id} is given twice", path=(section, position, "id"))
            seen.add(entry.id)
    labels: set[str] = set()
    for position, rule in enumerate(estate.rules):
        if rule.id is not None:
            if rule.id in labels:
                raise InputError(f"{rule.id} is given twice", path=("rules", position, "id"))
            labels.add(rule.id)


def _resources(world: World, amounts: Mapping[str, Any], path: Path) -> None:
    known = world.estate.known_resources
    for name in amounts:
        check_known(name, known, "resource", (*path, name))


def _priced(world: World, prices: Mapping[str, Any], path: Path) -> None:
    for name in prices:
        check_known(name, (*SPELLINGS, *world.estate.known_resources), "resource", (*path, name))


def _topology(world: World, levels: Mapping[str, str]) -> None:
    estate = world.estate
    for position, name in enumerate(estate.resource_names):
        if name in (*RESOURCES, *SPELLINGS, *estate.resource_names[:position]):
            raise InputError(f"{name} is known already", path=("resource_names", position))
    places = {*levels, *world.clients}
    _topology_of(world, estate, places, ())
    for position, catalogue in enumerate(estate.catalogues):
        if not isinstance(catalogue, str):
            _topology_of(world, catalogue, places, ("catalogues", position))
    if not world.tree.sites and not world.tree.hosts_to_come:
        raise InputError("no zone or host to place anything in: give zones, or a catalogue")


def _topology_of(world: World, part: Estate | Catalogue, places: set[str], prefix: Path) -> None:
    for section in ("regions", "zones", "racks", "hosts", "domains"):
        for position, entry in enumerate(getattr(part, section)):
            path: Path = (*prefix, section, position)
            _resources(world, entry.capacity, (*path, "capacity"))
            _resources(world, entry.safe, (*path, "safe"))
            _resources(world, entry.overcommit, (*path, "overcommit"))
            _resources(world, entry.reserve, (*path, "reserve"))
            _priced(world, entry.price, (*path, "price"))
            for name in entry.flavours:
                check_known(name, world.flavours, "flavour", (*path, "flavours", name))
            for name in entry.states if world.products else ():
                check_known(name, world.products, "product", (*path, "states", name))
    for section in ("latencies", "links", "traffic_prices"):
        for position, entry in enumerate(getattr(part, section)):
            _all_known(entry.between, places, "domain", (*prefix, section, position, "between"))
    for position, client in enumerate(part.clients):
        check_known(client.region, places, "domain", (*prefix, "clients", position, "region"))
    for position, flavour in enumerate(part.flavours):
        path = (*prefix, "flavours", position)
        _resources(world, flavour.resources, (*path, "resources"))
        for name in flavour.price:
            check_known(name, places, "domain", (*path, "price", name))


def _levels(world: World) -> dict[str, str]:
    """Return the level of every domain, those that are not considered too."""
    found: dict[str, str] = {}
    parts: list[Estate | Catalogue] = [*world.catalogues, world.estate]
    for part in parts:
        for level in ("region", "zone", "rack", "host"):
            found.update((entry.id, level) for entry in getattr(part, f"{level}s"))
        found.update((entry.id, entry.level) for entry in part.domains if entry.level)
    return found | {node.id: node.level for node in world.tree.nodes}


def _place(name: str | None, level: str, levels: Mapping[str, str], path: Path) -> None:
    """Raise InputError unless the name is that of a domain of the level."""
    if name is None:
        return
    check_known(name, levels, level, path)
    if levels[name] != level:
        near = maybe(name, (other for other, at in levels.items() if at == level))
        raise InputError(f"{name} is a {levels[name]}, a {level} belongs here.{near}", path=path)


def _networks(world: World, levels: Mapping[str, str]) -> None:
    estate = world.estate
    for position, vpc in enumerate(estate.vpcs):
        _place(vpc.region, "region", levels, ("vpcs", position, "region"))
        check_known(vpc.account, world.accounts, "account", ("vpcs", position, "account"))
        if vpc.new_subnet_prefix is not None:
            if vpc.cidr is None:
                raise InputError("needs a cidr to cut new subnets from", path=("vpcs", position))
            if vpc.new_subnet_prefix < ipaddress.IPv4Network(vpc.cidr).prefixlen:
                what = f"a /{vpc.new_subnet_prefix} does not fit into {vpc.cidr}"
                raise InputError(what, path=("vpcs", position, "new_subnet_prefix"))
    for position, peering in enumerate(estate.peerings):
        _all_known(peering.between, world.vpcs, "network", ("peerings", position, "between"))
    blocks: dict[str, list[tuple[ipaddress.IPv4Network, int]]] = {}
    for position, subnet in enumerate(estate.subnets):
        path: Path = ("subnets", position)
        check_known(subnet.vpc, world.vpcs, "network", (*path, "vpc"))
        _place(subnet.zone, "zone", levels, (*path, "zone"))
        check_known(subnet.route_table, world.attachables["route_table"], "route table", (*path, "route_table"))
        if subnet.cidr is None:
            continue
        block = ipaddress.IPv4Network(subnet.cidr)
        whole = world.vpcs[subnet.vpc].cidr
        if whole is not None and not block.subnet_of(ipaddress.IPv4Network(whole)):
            raise InputError(f"{subnet.cidr} is not inside {subnet.vpc} ({whole})", path=(*path, "cidr"))
        blocks.setdefault(subnet.vpc, []).append((block, position))
    for taken in blocks.values():
        _disjoint(world, taken)


def _disjoint(world: World, blocks: list[tuple[ipaddress.IPv4Network, int]]) -> None:
    """Raise InputError where two blocks overlap: then one holds the other, which is next in order."""
    around: tuple[ipaddress.IPv4Network, int] | None = None
    for block, position in sorted(blocks, key=lambda entry: (entry[0].network_address, entry[0].prefixlen)):
        if around is not None and block.subnet_of(around[0]):
            subnets = world.estate.subnets
            first, last = sorted((position, around[1]))
            what = f"{subnets[last].cidr} overlaps {subnets[first].cidr} of {subnets[first].id}"
            raise InputError(what, path=("subnets", last, "cidr"))
        around = (block, position)


def _things(world: World, levels: Mapping[str, str]) -> None:
    estate = world.estate
    for section in ("elastic_ips", "disks", "snapshots", "security_groups", "route_tables", "key_pairs"):
        for position, thing in enumerate(getattr(estate, section)):
            path: Path = (section, position)
            _place(thing.region, "region", levels, (*path, "region"))
            _place(thing.zone, "zone", levels, (*path, "zone"))
            check_known(thing.account, world.accounts, "account", (*path, "account"))
    for position, address in enumerate(estate.elastic_ips):
        check_known(address.bound_to, world.groups, "group", ("elastic_ips", position, "bound_to"))
    for position, table in enumerate(estate.route_tables):
        check_known(table.vpc, world.vpcs, "network", ("route_tables", position, "vpc"))
    for position, image in enumerate(estate.images):
        for number, name in enumerate(image.regions):
            _place(name, "region", levels, ("images", position, "regions", number))
        check_known(image.account, world.accounts, "account", ("images", position, "account"))
    for position, balancer in enumerate(estate.load_balancers):
        path = ("load_balancers", position)
        _place(balancer.region, "region", levels, (*path, "region"))
        check_known(balancer.account, world.accounts, "account", (*path, "account"))
        for number, name in enumerate(balancer.zones):
            _place(name, "zone", levels, (*path, "zones", number))
        _all_known(balancer.backends, world.groups, "group", (*path, "backends"))
        check_known(balancer.subnet, world.subnets, "subnet", (*path, "subnet"))
        kinds = [b.kind for c in world.catalogues for b in c.balancers]
        if kinds:
            check_known(balancer.kind, kinds, "kind of load balancer", (*path, "kind"))


_ATTACHED = (
    ("disks", "disk"),
    ("elastic_ips", "elastic_ip"),
    ("security_groups", "security_group"),
    ("key_pairs", "key_pair"),
    ("snapshots", "snapshot"),
)


def _attachments(world: World, entry: Any, path: Path) -> None:
    check_known(entry.image, world.images, "image", (*path, "image"))
    for field, kind in _ATTACHED:
        if names := getattr(entry, field):
            _all_known(names, world.attachables[kind], kind.replace("_", " "), (*path, field))
    check_known(entry.route_table, world.attachables["route_table"], "route table", (*path, "route_table"))


def _groups(world: World) -> None:
    sites = {world.tree.nodes[s].id for s in world.tree.sites}
    services = _services_stated(world)
    for position, group in enumerate(world.estate.groups):
        path: Path = ("groups", position)
        check_known(group.account, world.accounts, "account", (*path, "account"))
        check_known(group.flavour, world.flavours, "flavour", (*path, "flavour"))
        _resources(world, group.demand, (*path, "demand"))
        if world.products:
            check_known(group.product, world.products, "product", (*path, "product"))
        _all_known(group.vpcs, world.vpcs, "network", (*path, "vpcs"))
        _all_known(group.subnets, world.subnets, "subnet", (*path, "subnets"))
        for name in group.clients:
            check_known(name, world.clients, "client location", (*path, "clients", name))
        if sum(map(as_fraction, group.clients.values())) > 1:
            raise InputError("the shares add up to more than 1", path=(*path, "clients"))
        for number, service in enumerate(group.needs_services):
            if service not in services and (near := maybe(service, services)):
                raise InputError(f"unknown service {service}.{near}", path=(*path, "needs_services", number))
        for name in group.current:
            _site(world, name, sites, (*path, "current", name))
        _attachments(world, group, path)
        check_known(group.standby_of, world.groups, "group", (*path, "standby_of"))
        if group.standby_of == group.id:
            raise InputError(f"{group.id} cannot be a standby of itself", path=(*path, "standby_of"))


def _site(world: World, name: str | None, sites: set[str], path: Path) -> None:
    if name is None or name in sites:
        return
    if name in world.tree.by_id:
        raise InputError(f"{name} is no site (a site is a leaf: a host, or a zone without hosts)", path=path)
    raise InputError(f"unknown site {name}.{maybe(name, sites)}", path=path)


def _services_stated(world: World) -> set[str]:
    """Return the services that a region or a catalogue speaks of; others are not stated, and may be meant."""
    kinds = {entry.service for c in world.catalogues for entry in c.resource_kinds if entry.service}
    return kinds | {service for node in world.tree.nodes for service in node.domain.services}


def _instances(world: World) -> None:
    sites = {world.tree.nodes[s].id for s in world.tree.sites}
    counts: dict[str, int] = {}
    for position, instance in enumerate(world.estate.instances):
        path: Path = ("instances", position)
        check_known(instance.group, world.groups, "group", (*path, "group"))
        _site(world, instance.site, sites, (*path, "site"))
        check_known(instance.subnet, world.subnets, "subnet", (*path, "subnet"))
        check_known(instance.flavour, world.flavours, "flavour", (*path, "flavour"))
        _resources(world, instance.demand or {}, (*path, "demand"))
        _attachments(world, instance, path)
        counts[instance.group] = counts.get(instance.group, 0) + 1
    for position, group in enumerate(world.estate.groups):
        named = counts.get(group.id, 0)
        placed = sum(group.current.values())
        if named > group.count:
            what = f"{group.id} has {named} named instances and a count of {group.count}"
            raise InputError(what, path=("groups", position, "count"))
        if placed > group.count - named:
            what = f"{placed} unnamed instances of {group.id} have a place, there are {group.count - named}"
            raise InputError(what, path=("groups", position, "current"))


def _services(world: World) -> None:
    for position, service in enumerate(world.estate.services):
        _all_known(service.chain, world.groups, "group", ("services", position, "chain"))
    for position, traffic in enumerate(world.estate.traffic):
        check_known(traffic.source, world.groups, "group", ("traffic", position, "from"))
        check_known(traffic.target, world.groups, "group", ("traffic", position, "to"))
    estate = world.estate
    if "client_latency" in estate.goals and not any(g.clients for g in estate.groups):
        raise InputError("client_latency needs groups with clients", path=("goals",))


def _rule(world: World, rule: Any, path: Path) -> None:
    groups = getattr(rule, "groups", None)
    if isinstance(groups, list):
        if not groups:
            raise InputError("names no group", path=(*path, "groups"))
        _all_known(groups, world.groups, "group", (*path, "groups"))
    level = getattr(rule, "level", None)
    if level is not None:
        _level(world, rule, level, path)
    domain = getattr(rule, "domain", None)
    check_known(domain, world.tree.by_id, "domain", (*path, "domain"))
    if isinstance(rule, Quota):
        check_known(rule.account, world.accounts, "account", (*path, "account"))
        check_known(rule.resource, world.estate.known_resources, "resource", (*path, "resource"))
        check_known(rule.flavour, world.flavours, "flavour", (*path, "flavour"))
        if world.products:
            check_known(rule.product, world.products, "product", (*path, "product"))
    elif isinstance(rule, Load):
        _load(world, rule, path)
    elif isinstance(rule, DoubleOccupancy):
        _all_known(rule.resources, world.estate.known_resources, "resource", (*path, "resources"))
    elif isinstance(rule, FreeRatio):
        _free_ratio(world, rule, path)
    elif isinstance(rule, MoveCost):
        _move_cost(world, rule, path)
    elif isinstance(rule, Affinity):
        _company(world, rule, path)
    elif isinstance(rule, Domains):
        _all_known(rule.allow, world.tree.by_id, "domain", (*path, "allow"))
        _all_known(rule.forbid, world.tree.by_id, "domain", (*path, "forbid"))
    elif isinstance(rule, Pin):
        _all_known(rule.instances, {i.id for i in world.estate.instances}, "instance", (*path, "instances"))
    elif isinstance(rule, Avoid):
        for position, held in enumerate(rule.together):
            check_known(held.group, world.groups, "group", (*path, "together", position, "group"))
            check_known(held.domain, world.tree.by_id, "domain", (*path, "together", position, "domain"))
            members = [i.id for i in world.estate.instances if i.group == held.group]
            check_known(held.like, members, "instance", (*path, "together", position, "like"))
    elif isinstance(rule, LatencyLimit):
        _latency(world, rule, path)
    elif isinstance(rule, Survive):
        _survive(world, rule, path)


def _load(world: World, rule: Load, path: Path) -> None:
    _all_known(rule.resources, world.estate.known_resources, "resource", (*path, "resources"))
    if rule.most_share is not None:
        return
    domains = [world.tree.nodes[node] for node in world.tree.domains_at(rule.level)]
    if not any(rule.limited(node) for node in domains):
        of_what = f" of {', '.join(rule.resources)}" if rule.resources else ""
        raise InputError(f"no {rule.level} says what is safe{of_what}: give safe there, or most_share", path=path)


def _free_ratio(world: World, rule: FreeRatio, path: Path) -> None:
    for field, name in (("resource", rule.resource), ("beside", rule.beside)):
        check_known(name, world.estate.known_resources, "resource", (*path, field))
    if not any(rule.usable(world.tree.nodes[node]) for node in world.tree.domains_at(rule.level)):
        raise InputError(f"no {rule.level} has a capacity of both {rule.resource} and {rule.beside}", path=path)


def _move_cost(world: World, rule: MoveCost, path: Path) -> None:
    for position, step in enumerate(rule.steps):
        check_known(step.within, world.tree.levels, "level", (*path, "steps", position, "within"))
    for position, pair in enumerate(rule.pairs):
        check_known(pair.source, world.tree.by_id, "domain", (*path, "pairs", position, "from"))
        check_known(pair.target, world.tree.by_id, "domain", (*path, "pairs", position, "to"))


def _company(world: World, rule: Affinity, path: Path) -> None:
    if isinstance(rule.to, str):
        check_known(rule.to, world.groups, "group", (*path, "to"))
    elif rule.to is not None:
        _all_known(rule.to, world.groups, "group", (*path, "to"))


def _migrating(world: World) -> None:
    settings = world.estate.migration
    for name in settings.most_at_once_per:
        check_known(name, world.tree.levels, "level", ("migration", "most_at_once_per", name))
    check_known(settings.one_at_a_time, world.tree.levels, "level", ("migration", "one_at_a_time"))
    _recipes(world, settings.recipes, ("migration", "recipes"))
    for position, catalogue in enumerate(world.estate.catalogues):
        if not isinstance(catalogue, str):
            _recipes(world, catalogue.recipes, ("catalogues", position, "recipes"))


def _recipes(world: World, recipes: Sequence[Recipe], path: Path) -> None:
    seen: set[str] = set()
    for position, recipe in enumerate(recipes):
        if recipe.id in seen:
            raise InputError(f"{recipe.id} is given twice", path=(*path, position, "id"))
        seen.add(recipe.id)
        if world.products:
            _all_known(recipe.products, world.products, "product", (*path, position, "products"))


def _tolerated(world: World) -> None:
    if not world.estate.tolerated:
        return
    labels = {label for label, _ in all_rules(world)}
    for position, entry in enumerate(world.estate.tolerated):
        path: Path = ("tolerated", position)
        check_known(entry.rule, labels, "rule", (*path, "rule"))
        check_known(entry.group, world.groups, "group", (*path, "group"))
        # A rule on latency names the location of the clients that it fails.
        check_known(entry.domain, {**world.tree.by_id, **world.clients}, "domain", (*path, "domain"))


def _level(world: World, rule: Any, level: str, path: Path) -> None:
    check_known(level, world.tree.levels, "level", (*path, "level"))
    if isinstance(rule, AntiAffinity) and rule.delegate:
        return
    without = world.tree.without(level)
    if without is not None:
        what = f"site {world.tree.nodes[without].id} has no {level}"
        hint = "Maybe a higher level, or `consider` only the domains that have it"
        if isinstance(rule, AntiAffinity):
            hint = "Maybe delegate: true, which leaves it to the provider"
        raise InputError(f"{what}, so {rule.rule} cannot be promised there. {hint}", path=(*path, "level"))


def _latency(world: World, rule: LatencyLimit, path: Path) -> None:
    _all_known(rule.concerned(), world.groups, "group", path)
    _all_known(rule.locations, world.clients, "client location", (*path, "locations"))
    check_known(rule.leader, world.tree.by_id, "domain", (*path, "leader"))
    if rule.clients is not None and not rule.client_locations(world):
        raise InputError(f"{rule.clients} has no clients: give locations", path=path)


def check_scenarios(estate: Estate) -> None:
    """Raise InputError where a rule on losses has too many scenarios, before hosts are counted out.

    Only where the estate's own entries tell how many domains there are.
    """
    if estate.catalogues or estate.consider or "zone" not in estate.levels:
        return
    sections = {"zone": estate.zones, "rack": estate.racks, "host": estate.hosts}
    low = estate.levels[estate.levels.index("zone") :]
    for position, rule in enumerate(estate.rules):
        if isinstance(rule, Survive) and not rule.domains and rule.level in low:
            entries = [*sections.get(rule.level, ()), *(d for d in estate.domains if d.level == rule.level)]
            pool = sum(entry.count or 1 for entry in entries)
            if pool >= rule.lose:
                _count_scenarios(pool, rule, ("rules", position))


def _survive(world: World, rule: Survive, path: Path) -> None:
    for position, name in enumerate(rule.domains):
        check_known(name, world.tree.by_id, "domain", (*path, "domains", position))
        if world.tree.nodes[world.tree.by_id[name]].level != rule.level:
            raise InputError(f"{name} is no {rule.level}", path=(*path, "domains", position))
    _count_scenarios(len(rule.domains) or len(world.tree.domains_at(rule.level)), rule, path)


def _count_scenarios(pool: int, rule: Survive, path: Path) -> None:
    if rule.lose > pool:
        raise InputError(f"there are only {pool} {rule.level}s to lose", path=(*path, "lose"))
    count = 1
    for number in range(rule.lose):
        count = count * (pool - number) // (number + 1)
    if count > MOST_SCENARIOS:
        what = f"{count} scenarios are more than {MOST_SCENARIOS}: name the domains, or lose fewer"
        raise InputError(what, path=(*path, "lose"))
