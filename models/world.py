"""The estate resolved: names looked up, catalogues merged, groups split into units of identical instances.

The world holds facts only. What a rule makes of them is written twice, in `models.rules` to check a plan
and in `solver.lowering` to find one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from zonewright.models.base import Source
from zonewright.models.catalogue import (
    BalancerKind,
    Catalogue,
    Networking,
    ResourceKind,
    Scope,
    shipped_catalogue,
    shipped_catalogues,
)
from zonewright.models.estate import Estate
from zonewright.models.offers import check_offers
from zonewright.models.problems import InputError, maybe
from zonewright.models.quantities import MONEY, SPELLINGS, as_fraction, to_latency
from zonewright.models.references import check_references, check_scenarios
from zonewright.models.resources import Account, Billing, Flavour, Group, Instance, Kind, Movability, Regional
from zonewright.models.tree import Tree, build_tree


@dataclass(frozen=True)
class Unit:
    """Instances that are alike in every field: a named instance, or the unnamed rest of a group."""

    index: int
    group: str
    name: str | None
    """The instance's identifier; None for the unnamed members of a group."""
    count: int
    demand: Mapping[str, int]
    flavour: Flavour | None
    product: str
    kind: Kind
    account: str
    priority: int
    pinned: bool
    preemptible: bool
    stateful: bool
    snapshots: tuple[str, ...]
    movability: Movability
    move_cost: int
    prepaid: bool
    """Paid beyond the moment the estate was taken: staying costs nothing more."""
    image: str | None
    disks: tuple[str, ...]
    elastic_ips: tuple[str, ...]
    security_groups: tuple[str, ...]
    key_pairs: tuple[str, ...]
    route_table: str | None
    vpcs: tuple[str, ...]
    subnets: tuple[str, ...]
    current: Mapping[int, int]
    """Site (node index) to count, today."""
    current_subnet: str | None

    @cached_property
    def priced_as(self) -> object:
        """What prices depend on besides the site: units with equal ones ask the same anywhere."""
        return self.flavour.id if self.flavour else None, tuple(self.demand.items())


class World:
    """Everything an estate says, ready to be asked.

    Raises InputError on a name that is not known, a size that cannot be right, or a rule that does not
    fit the topology.
    """

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        check_scenarios(estate)
        self.catalogues = _load_catalogues(estate)
        self.tree: Tree = build_tree(
            (
                ("regions", "region", estate.regions),
                ("zones", "zone", estate.zones),
                ("racks", "rack", estate.racks),
                ("hosts", "host", estate.hosts),
                ("domains", None, estate.domains),
            ),
            self.catalogues,
            tuple(estate.levels),
            estate.consider,
        )
        self.tree.hosts_to_come = frozenset(z for o in estate.offers if o.host is not None for z in o.zones)
        for name, incident in estate.incidents.items():
            self.tree.incidents[self.tree.require(name, ("incidents", name))] = incident
        self.accounts: dict[str, Account] = {a.id: a for a in estate.accounts} or {
            "default": Account(id="default")
        }
        self.default_account = next(iter(self.accounts))
        self.flavours: dict[str, Flavour] = {f.id: f for c in self.catalogues for f in c.flavours}
        self.flavours |= {f.id: f for f in estate.flavours}
        self.groups: dict[str, Group] = {g.id: g for g in estate.groups}
        self.products: dict[str, Catalogue] = {p.id: c for c in self.catalogues for p in c.products}
        self.default_product = next(iter(self.products), "instance")
        self.clients = {c.id: c for cat in self.catalogues for c in cat.clients} | {
            c.id: c for c in estate.clients
        }
        self.vpcs = {v.id: v for v in estate.vpcs}
        self.subnets = {s.id: s for s in estate.subnets}
        self.balancers = {b.id: b for b in estate.load_balancers}
        self.images = {i.id: i for i in estate.images}
        self.attachables: dict[str, dict[str, Regional]] = {
            "disk": {x.id: x for x in estate.disks},
            "elastic_ip": {x.id: x for x in estate.elastic_ips},
            "snapshot": {x.id: x for x in estate.snapshots},
            "security_group": {x.id: x for x in estate.security_groups},
            "route_table": {x.id: x for x in estate.route_tables},
            "key_pair": {x.id: x for x in estate.key_pairs},
        }
        check_references(self)
        self.units: list[Unit] = list(self._make_units())
        self.units_of: dict[str, list[Unit]] = {g: [] for g in self.groups}
        for unit in self.units:
            self.units_of[unit.group].append(unit)
        check_offers(self)

    @cached_property
    def resources(self) -> tuple[str, ...]:
        """Resources that somebody demands, in the order of the estate's known names."""
        used = {name for unit in self.units for name in unit.demand}
        return tuple(name for name in self.estate.known_resources if name in used)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Things that are odd but do not stop anybody, such as identifiers in another provider's form."""
        from zonewright.models.identifiers import identifier_warnings

        return tuple(identifier_warnings(self))

    @cached_property
    def alike(self) -> list[int]:
        """Unit index to the number of its likeness: units that no rule on sites tells apart share one.

        Which groups a rule selects is not part of it.
        """
        numbers: dict[object, int] = {}
        return [numbers.setdefault(self._likeness(unit), len(numbers)) for unit in self.units]

    def _likeness(self, unit: Unit) -> object:
        return (
            unit.product,
            unit.kind,
            unit.account,
            unit.flavour.family if unit.flavour else None,
            unit.movability.cpu_model,
            tuple(self.groups[unit.group].needs_services),
            (unit.image, unit.disks, unit.snapshots, unit.elastic_ips),
            (unit.security_groups, unit.key_pairs, unit.route_table),
            unit.vpcs,
            unit.subnets,
        )

    def resource_kind(self, product: str, kind: str) -> ResourceKind | None:
        """Return the entry for a kind of resource, None where no catalogue of the product has one.

        Of several catalogues that list the product the last with an entry for the kind counts.
        """
        return self._resource_kinds.get((product, kind))

    @cached_property
    def _resource_kinds(self) -> dict[tuple[str, str], ResourceKind]:
        entries = ((p.id, kind) for c in self.catalogues for p in c.products for kind in c.resource_kinds)
        return {(product, kind.kind): kind for product, kind in entries}

    def scope(self, product: str, kind: str) -> Scope:
        """Return how far a kind of resource reaches for a product.

        Where no catalogue says it: images, addresses, security groups, snapshots and networks are taken
        as regional, key pairs as global, disks as zonal, and subnets as zonal when they name a zone.
        """
        entry = self.resource_kind(product, kind)
        return entry.scope if entry else _ASSUMED_SCOPES.get(kind, Scope.REGIONAL)

    def networking(self, product: str) -> Networking:
        """Return who reaches whom over private addresses for a product.

        Without a catalogue that says it: within a region and an account, and between peered networks.
        """
        catalogue = self.products.get(product)
        return catalogue.networking if catalogue and catalogue.networking else _ASSUMED_NETWORKING

    def balancer_kind(self, kind: str) -> BalancerKind | None:
        """Return the catalogue's entry for a kind of balancer."""
        for catalogue in reversed(self.catalogues):
            for entry in catalogue.balancers:
                if entry.kind == kind:
                    return entry
        return None

    def region_of(self, node: int) -> int:
        """Return the region a node is in; for all that is in none the same node, the first root of these."""
        region = self.tree.at_level(node, "region")
        return region if region is not None else self._first_outside

    @cached_property
    def _first_outside(self) -> int:
        outside = (node.index for node in self.tree.nodes if node.parent is None and node.level != "region")
        return next(outside, 0)

    def home_of(self, node: int) -> int:
        """Return the region a node is in, or the root of its branch where it is in none: who has its country."""
        region = self.tree.at_level(node, "region")
        return region if region is not None else self.tree.root(node)

    def same_region(self, a: int, b: int) -> bool:
        """Return whether two nodes are in one region; what is in no region is in one together."""
        return self.tree.at_level(a, "region") == self.tree.at_level(b, "region")

    def region_sites(self, node: int) -> tuple[int, ...]:
        """Return the sites of the region a node is in; without one, all sites that are in none."""
        region = self.tree.at_level(node, "region")
        if region is not None:
            return self.tree.sites_under[region]
        return self._outside_regions

    @cached_property
    def _outside_regions(self) -> tuple[int, ...]:
        return tuple(site for site in self.tree.sites if self.tree.at_level(site, "region") is None)

    def zone_of(self, node: int) -> int:
        """Return the zone a node is in, or the node itself where it is above zones."""
        zone = self.tree.at_level(node, "zone")
        return zone if zone is not None else node

    def price(self, unit: Unit, site: int) -> int:
        """Return the price of one instance per month at a site, in ten-thousandths of the currency.

        A flavour's price at the nearest ancestor that has one; otherwise the resources at the site's unit
        prices, rounded half up once; otherwise nothing.
        """
        key = unit.priced_as, self.price_key(site)
        found = self._prices.get(key)
        if found is None:
            found = self._prices[key] = self._price(unit, site)
        return found

    @cached_property
    def _prices(self) -> dict[object, int]:
        return {}

    @cached_property
    def _price_keys(self) -> dict[int, object]:
        return {}

    def price_key(self, site: int) -> object:
        """Return what an instance's price at a site depends on: sites with equal keys ask the same of anybody."""
        found = self._price_keys.get(site)
        if found is None:
            node = self.tree.nodes[site]
            priced = {d for f in self.flavours.values() for d in f.price} if self.flavours else set()
            nearest = tuple(self.tree.nodes[a].id for a in node.ancestors if self.tree.nodes[a].id in priced)
            found = self._price_keys[site] = (nearest, tuple(sorted(node.price.items())))
        return found

    def _price(self, unit: Unit, site: int) -> int:
        node = self.tree.nodes[site]
        if unit.flavour and unit.flavour.price:
            for ancestor in reversed(node.ancestors):
                price = unit.flavour.price.get(self.tree.nodes[ancestor].id)
                if price is not None:
                    return int(as_fraction(price) * MONEY + as_fraction(0.5))
        total = as_fraction(0)
        for name, per_unit in node.price.items():
            resource, factor = SPELLINGS.get(name, (name, 1))
            total += as_fraction(per_unit) * unit.demand.get(resource, 0) / factor
        return int(total * MONEY + as_fraction(0.5))

    @cached_property
    def _latencies(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for entries in (*(c.latencies for c in self.catalogues), self.estate.latencies):
            for entry in entries:
                a, b = entry.between
                found[a, b] = found[b, a] = to_latency(entry.rtt_ms)
        return found

    def latency(self, a: int, b: int) -> int | None:
        """Return the round trip between two nodes in microseconds, None where it is not stated.

        The lowest pair of ancestors that has an entry counts. Inside one site it is 0 unless stated.
        """
        nodes = self.tree.nodes
        for left in reversed(nodes[a].ancestors):
            for right in reversed(nodes[b].ancestors):
                found = self._latencies.get((nodes[left].id, nodes[right].id))
                if found is not None:
                    return found
            if left in nodes[b].ancestors:
                break
        return 0 if a == b else None

    def client_latency(self, client: str, node: int) -> int | None:
        """Return the round trip between a client location and a node in microseconds, None if not stated."""
        nodes = self.tree.nodes
        names = [client]
        entry = self.clients.get(client)
        if entry and entry.region and entry.region in self.tree.by_id:
            names += [nodes[a].id for a in reversed(nodes[self.tree.by_id[entry.region]].ancestors)]
        for name in names:
            for ancestor in reversed(nodes[node].ancestors):
                found = self._latencies.get((name, nodes[ancestor].id))
                if found is not None:
                    return found
        return None

    @cached_property
    def _links(self) -> dict[tuple[str, str], tuple[bool | None, bool | None]]:
        found: dict[tuple[str, str], tuple[bool | None, bool | None]] = {}
        for entries in (*(c.links for c in self.catalogues), self.estate.links):
            for entry in entries:
                a, b = entry.between
                found[a, b] = found[b, a] = (entry.synchronous, entry.private)
        return found

    def link(self, a: int, b: int, what: str) -> bool | None:
        """Return whether the network between two nodes is fit for `synchronous` or `private` use.

        None where no entry says so. The lowest pair of ancestors that says it counts.
        """
        position = ("synchronous", "private").index(what)
        nodes = self.tree.nodes
        for left in reversed(nodes[a].ancestors):
            for right in reversed(nodes[b].ancestors):
                entry = self._links.get((nodes[left].id, nodes[right].id))
                if entry is not None and entry[position] is not None:
                    return entry[position]
        return None

    @cached_property
    def peered(self) -> frozenset[tuple[str, str]]:
        """Pairs of networks that reach each other, in both orders."""
        pairs = [tuple(p.between) for p in self.estate.peerings]
        return frozenset((a, b) for a, b in pairs) | frozenset((b, a) for a, b in pairs)

    def traffic_price(self, a: int, b: int) -> int:
        """Return the price of one GiB from site to site in ten-thousandths; 0 where none is stated."""
        nodes = self.tree.nodes
        for left in reversed(nodes[a].ancestors):
            for right in reversed(nodes[b].ancestors):
                found = self._traffic_prices.get((nodes[left].id, nodes[right].id))
                if found is not None and not (left == right and self.zone_of(a) == self.zone_of(b)):
                    return found
        return 0

    @cached_property
    def _traffic_prices(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for entries in (*(c.traffic_prices for c in self.catalogues), self.estate.traffic_prices):
            for entry in entries:
                a, b = entry.between
                price = int(as_fraction(entry.per_gib) * MONEY + as_fraction(0.5))
                found[a, b] = found[b, a] = price
        return found

    def _make_units(self) -> Iterable[Unit]:
        named: dict[str, list[Instance]] = {g: [] for g in self.groups}
        for instance in self.estate.instances:
            named[instance.group].append(instance)
        index = 0
        for group in self.estate.groups:
            shared = self._shared(group)
            for instance in named[group.id]:
                yield Unit(index=index, name=instance.id, count=1, **self._own(shared, group, instance))
                index += 1
            rest = group.count - len(named[group.id])
            if rest:
                known = self.tree.by_id
                current = {known[s]: n for s, n in group.current.items() if n and s in known}
                yield Unit(index=index, name=None, count=rest, current=current, current_subnet=None, **shared)
                index += 1

    def _shared(self, group: Group) -> dict[str, Any]:
        """Return what the units of a group share where their instances say nothing else."""
        flavour = self.flavours[group.flavour] if group.flavour is not None else None
        return {
            "group": group.id,
            "demand": flavour.resources if flavour else group.demand,
            "flavour": flavour,
            "product": group.product or self.default_product,
            "kind": flavour.kind if flavour else group.kind,
            "account": group.account or self.default_account,
            "prepaid": self._prepaid(group.billing),
            "vpcs": tuple(group.vpcs),
            "subnets": tuple(group.subnets),
            **{name: getattr(group, name) for name in _OWN},
            **{name: tuple(getattr(group, name)) for name in _OWN_LISTS},
        }

    def _own(self, shared: dict[str, Any], group: Group, instance: Instance) -> dict[str, Any]:
        """Return a named instance's fields: what it does not give is the group's."""
        site = self.tree.by_id.get(instance.site) if instance.site is not None else None
        found = {
            **shared,
            "current": {site: 1} if site is not None else {},
            "current_subnet": instance.subnet,
        }
        given = instance.model_fields_set - _PLACE
        for name in _OWN:
            if name in given and (value := getattr(instance, name)) is not None:
                found[name] = value
        for name in _OWN_LISTS:
            if name in given and (names := getattr(instance, name)):
                found[name] = tuple(names)
        if instance.billing is not None:
            found["prepaid"] = self._prepaid(instance.billing)
        if instance.demand is not None:
            found |= {"flavour": None, "demand": instance.demand, "kind": group.kind}
        elif instance.flavour is not None:
            flavour = self.flavours[instance.flavour]
            found |= {"flavour": flavour, "demand": flavour.resources, "kind": flavour.kind}
        return found

    def _prepaid(self, billing: Billing) -> bool:
        taken = self.estate.taken_at
        return billing.paid_until is not None and (taken is None or billing.paid_until > taken)


#: What an instance may say in its group's place: single values, and lists.
_OWN = (
    "priority", "pinned", "preemptible", "stateful", "movability", "move_cost", "image", "route_table",
)  # fmt: skip
_OWN_LISTS = ("snapshots", "disks", "elastic_ips", "security_groups", "key_pairs")
_PLACE = frozenset({"id", "group", "site", "subnet", "demand"})

_ASSUMED_NETWORKING = Networking(
    peering=True,
    source=Source(assumption="no catalogue says who reaches whom: private within region and account"),
)

_ASSUMED_SCOPES = {
    "key_pair": Scope.GLOBAL,
    "disk": Scope.ZONAL,
    "instance": Scope.ZONAL,
    "subnet": Scope.NONE,
}


def _load_catalogues(estate: Estate) -> list[Catalogue]:
    found: list[Catalogue] = []
    for position, entry in enumerate(estate.catalogues):
        if isinstance(entry, Catalogue):
            found.append(entry)
        elif entry in shipped_catalogues():
            found.append(shipped_catalogue(entry))
        else:
            known = shipped_catalogues()
            what = f"unknown catalogue {entry}.{maybe(entry, known)} Shipped: {', '.join(known)}"
            raise InputError(what, path=("catalogues", position))
    return found
