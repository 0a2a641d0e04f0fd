"""The topology tree, resolved: catalogue and estate merged, hosts counted out, levels and sites known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeVar

from zonewright.models.catalogue import Catalogue
from zonewright.models.events import Incident
from zonewright.models.problems import InputError, maybe
from zonewright.models.quantities import as_fraction
from zonewright.models.topology import Domain, Provision, State, Stock

MOST_DOMAINS = 200_000

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Node:
    """One domain with what it inherits. `index` is its place in `Tree.nodes`, parents first."""

    index: int
    id: str
    """The domain's identifier."""
    domain: Domain
    """What the estate says of it; hosts that were counted out share one, whose identifier is their prefix."""
    level: str
    parent: int | None
    ancestors: tuple[int, ...]
    """From the root down, itself last; before the root what it is also in."""
    labels: dict[str, str]
    price: dict[str, float]

    def usable(self, resource: str, *, firm: bool = False) -> int | None:
        """Return how much of a resource can be used here, None where no limit is stated.

        The floor of (stock - reserve) x overcommit. `firm` leaves out what is only on offer.
        """
        stock = self.domain.capacity.get(resource)
        if stock is None:
            return None
        return self._scaled(stock, resource, firm)

    def usable_flavour(self, flavour: str, *, firm: bool = False) -> int | None:
        """Return how many instances of a flavour can be here, None where no limit is stated."""
        stock = self.domain.flavours.get(flavour)
        return None if stock is None else (stock.firm if firm else stock.total)

    def _scaled(self, stock: Stock, resource: str, firm: bool) -> int:
        amount = (stock.firm if firm else stock.total) - self.domain.reserve.get(resource, 0)
        if resource not in self.domain.overcommit:
            return max(0, amount)
        factor = as_fraction(self.domain.overcommit.get(resource, 1.0))
        return max(0, int(amount * factor))


@dataclass
class Tree:
    """All domains, parents before children."""

    nodes: list[Node]
    levels: tuple[str, ...]
    by_id: dict[str, int] = field(default_factory=dict)
    incidents: dict[int, Incident] = field(default_factory=dict)
    """What has happened to domains."""
    hosts_to_come: frozenset[str] = frozenset()
    """Domains in which hosts are on offer: a leaf among them is no site, it only waits for its first host."""

    def __post_init__(self) -> None:
        self.by_id = {node.id: node.index for node in self.nodes}

    @cached_property
    def overlays(self) -> frozenset[str]:
        """Levels that others are also in: they cut across the tree, and hold no instances themselves."""
        return frozenset(self.nodes[self.by_id[name]].level for node in self.nodes for name in node.domain.also_in)

    def root(self, index: int) -> int:
        """Return the topmost domain of a node's branch."""
        parent = self.nodes[index].parent
        return index if parent is None else self.root(parent)

    @cached_property
    def children(self) -> list[list[int]]:
        """Children of every node."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for node in self.nodes:
            if node.parent is not None:
                found[node.parent].append(node.index)
        return found

    @cached_property
    def sites(self) -> tuple[int, ...]:
        """Nodes where instances can be put: leaves at zone level or below, of levels that nothing is also in."""
        lowest = self.levels.index("zone") if "zone" in self.levels else 0
        low = set(self.levels[lowest:]) - self.overlays
        return tuple(
            node.index
            for node, below in zip(self.nodes, self.children, strict=True)
            if not below and node.level in low and not self.waits(node)
        )

    def waits(self, node: Node) -> bool:
        """Return whether a leaf waits for its first host: hosts are on offer there, and it has nothing itself."""
        return node.id in self.hosts_to_come and not (node.domain.capacity or node.domain.flavours)

    @cached_property
    def sites_under(self) -> list[tuple[int, ...]]:
        """Sites in every node's branch."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for site in self.sites:
            for ancestor in self.nodes[site].ancestors:
                found[ancestor].append(site)
        return [tuple(sites) for sites in found]

    def at_level(self, index: int, level: str) -> int | None:
        """Return the ancestor of a node (or itself) at a level, None where its branch lacks the level."""
        found = self._at_level.get(level)
        if found is None:
            found = self._at_level[level] = self._ancestors_at(level)
        return found[index]

    @cached_property
    def _at_level(self) -> dict[str, list[int | None]]:
        return {}

    def without(self, level: str) -> int | None:
        """Return the first site that is in no domain of a level, None where all are in one."""
        if level not in self._without:
            self._without[level] = next((s for s in self.sites if self.at_level(s, level) is None), None)
        return self._without[level]

    @cached_property
    def _without(self) -> dict[str, int | None]:
        return {}

    def _ancestors_at(self, level: str) -> list[int | None]:
        """Return every node's ancestor at a level."""
        at = {node.index for node in self.nodes if node.level == level}
        return [next((a for a in node.ancestors if a in at), None) for node in self.nodes]

    def domains_at(self, level: str) -> list[int]:
        """Return the nodes of a level that have sites."""
        return list(self._by_level.get(level, ()))

    @cached_property
    def _by_level(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for node in self.nodes:
            if self.sites_under[node.index]:
                found.setdefault(node.level, []).append(node.index)
        return found

    def require(self, name: str, path: tuple[str | int, ...]) -> int:
        """Return the index of a domain by name; raise InputError with the nearest known name."""
        index = self.by_id.get(name)
        if index is None:
            raise InputError(f"unknown domain {name}.{maybe(name, self.by_id)}", path=path)
        return index

    def state(self, index: int, product: str) -> State:
        """Return the state of a product at a node: the worst of the node and its ancestors.

        A zone that lists products offers only those it lists: any other is coming soon there.
        """
        worst = State.OPEN
        for ancestor in self.nodes[index].ancestors:
            domain = self.nodes[ancestor].domain
            if domain.states:
                state = domain.states.get(product, State.COMING_SOON)
            else:
                state = domain.state or State.OPEN
            if ancestor in self.incidents:
                state = max(state, _AFTER[self.incidents[ancestor]], key=_SEVERITY.__getitem__)
            if _SEVERITY[state] > _SEVERITY[worst]:
                worst = state
        return worst

    def must_leave(self, index: int) -> bool:
        """Return whether whoever is at a node has to leave it: something has happened there."""
        return bool(self.incidents) and any(
            self.incidents.get(a, Incident.CLOSED) is not Incident.CLOSED for a in self.nodes[index].ancestors
        )

    def is_left(self, name: str) -> bool:
        """Return whether all of a domain has to be left; False for one that is not there."""
        index = self.by_id.get(name)
        if index is None or not self.incidents or not self.sites_under[index]:
            return False
        return all(self.must_leave(site) for site in self.sites_under[index])

    def is_lost(self, name: str) -> bool:
        """Return whether all of a domain has failed; False for one that is not there."""
        index = self.by_id.get(name)
        if index is None or not self.incidents or not self.sites_under[index]:
            return False
        failed = {node for node, what in self.incidents.items() if what is Incident.FAILED}
        return all(failed.intersection(self.nodes[site].ancestors) for site in self.sites_under[index])

    def service(self, index: int, service: str) -> Provision:
        """Return whether the branch of a node has a service: the lowest statement counts."""
        for ancestor in reversed(self.nodes[index].ancestors):
            provision = self.nodes[ancestor].domain.services.get(service)
            if provision is not None:
                return provision
        return Provision.NOT_STATED


_SEVERITY = {
    State.OPEN: 0,
    State.DRAINING: 1,
    State.SUSPECT: 2,
    State.SOLD_OUT: 3,
    State.COMING_SOON: 4,
    State.FAILED: 5,
}


_AFTER = {
    Incident.CLOSED: State.DRAINING,
    Incident.DRAINED: State.DRAINING,
    Incident.SUSPECT: State.SUSPECT,
    Incident.FAILED: State.FAILED,
}


class Said(NamedTuple):
    """What an input says of a domain, and where; hosts that were counted out share one."""

    domain: Domain
    level: str
    path: tuple[str | int, ...]


def build_tree(
    sections: Iterable[tuple[str, str | None, Iterable[Domain]]],
    catalogues: Iterable[Catalogue],
    levels: tuple[str, ...],
    consider: Iterable[str],
) -> Tree:
    """Merge catalogues and the estate's own sections into one tree.

    `sections` are (name in the document, level it implies, entries). An estate's entry with the identifier
    of a catalogue's overrides the fields that it sets.
    """
    merged: dict[str, Said] = {}
    sections = tuple((name, level, tuple(entries)) for name, level, entries in sections)
    of_catalogues = [(f"catalogue {c.catalogue}", *section) for c in catalogues for section in _sections(c)]
    _not_too_many([(name, entries) for _, name, _, entries in of_catalogues] + [(n, e) for n, _, e in sections])
    for catalogue, name, level, entries in of_catalogues:
        _merge(merged, name, level, entries, (catalogue,))
    own: set[str] = set()
    for name, level, entries in sections:
        _merge(merged, name, level, entries, (), own=own)
    return _resolve(merged, levels, tuple(consider))


def _sections(catalogue: Catalogue) -> tuple[tuple[str, str | None, Iterable[Domain]], ...]:
    return (
        ("regions", "region", catalogue.regions),
        ("zones", "zone", catalogue.zones),
        ("racks", "rack", catalogue.racks),
        ("hosts", "host", catalogue.hosts),
        ("domains", None, catalogue.domains),
    )


def _not_too_many(sections: Iterable[tuple[str, Iterable[Domain]]]) -> None:
    """Raise InputError before hosts are counted out, where there would be too many."""
    total = 0
    for name, entries in sections:
        for position, entry in enumerate(entries):
            total += entry.count or 1
            if total > MOST_DOMAINS:
                raise InputError(f"more than {MOST_DOMAINS} domains", path=(name, position))


def _merge(
    merged: dict[str, Said],
    section: str,
    level: str | None,
    entries: Iterable[Domain],
    prefix: tuple[str | int, ...],
    *,
    own: set[str] | None = None,
) -> None:
    for position, entry in enumerate(entries):
        path = (*prefix, section, position)
        at = level or entry.level
        if at is None:
            raise InputError(f"{entry.id} needs its level", path=path)
        if entry.level is not None and entry.level != at:
            raise InputError(f"{entry.id} says level {entry.level} under {section}", path=path)
        said = Said(entry, at, path)
        for name in _counted(entry):
            if own is not None:
                if name in own:
                    raise InputError(f"{name} is given twice", path=path)
                own.add(name)
            known = merged.get(name)
            if known is None:
                merged[name] = said
                continue
            if known.level != at:
                raise InputError(f"{name} is a {known.level} in the catalogue, not a {at}", path=path)
            merged[name] = Said(_overridden(known.domain, entry), at, path)


def _overridden(base: Domain, entry: Domain) -> Domain:
    update = {name: getattr(entry, name) for name in entry.model_fields_set}
    for name in ("states", "services", "labels"):
        if name in update and getattr(base, name):
            update[name] = {**getattr(base, name), **update[name]}
    if "state" in update and base.states:
        update["states"] = {}
    if "states" in update:
        update["state"] = None
    return base.model_copy(update=update)


def _counted(entry: Domain) -> Iterable[str]:
    """Return the identifiers that an entry stands for."""
    if entry.count is None:
        return (entry.id,)
    return [f"{entry.id}-{number}" for number in range(entry.count)]


def _resolve(
    merged: dict[str, Said],
    levels: tuple[str, ...],
    consider: tuple[str, ...],
) -> Tree:
    for position, level in enumerate(levels):
        if level in levels[:position]:
            raise InputError(f"{level} is given twice", path=("levels", position))
    rank = {level: position for position, level in enumerate(levels)}
    for said in merged.values():
        if said.level not in rank:
            raise InputError(f"unknown level {said.level}.{maybe(said.level, levels)}", path=said.path)
    checked: Said | None = None
    for name, said in merged.items():
        if said is not checked:
            _check_above(merged, rank, name, said)
            checked = said
    nodes: list[Node] = []
    index_of: dict[str, int] = {}
    inherited, heir = _Inherited(None, (), {}, {}), None
    for name in sorted(_considered(merged, consider), key=lambda name: rank[merged[name].level]):
        said = merged[name]
        if said is not heir:
            inherited, heir = _inherit(nodes, index_of, name, said), said
        index = index_of[name] = len(nodes)
        ancestors = (*inherited.ancestors, index)
        nodes.append(
            Node(
                index,
                name,
                said.domain,
                said.level,
                inherited.parent,
                ancestors,
                inherited.labels,
                inherited.price,
            )
        )
    return Tree(nodes, levels)


class _Inherited(NamedTuple):
    """What a node has from above, its own labels and prices merged in; `ancestors` without itself."""

    parent: int | None
    ancestors: tuple[int, ...]
    labels: dict[str, str]
    price: dict[str, float]


def _inherit(nodes: list[Node], index_of: dict[str, int], name: str, said: Said) -> _Inherited:
    """Return what all domains have from above of which one thing is said; those above are nodes already."""
    domain = said.domain
    parent = index_of[domain.parent] if domain.parent is not None else None
    over = nodes[parent] if parent is not None else None
    ancestors, labels, price = (over.ancestors, over.labels, over.price) if over else ((), {}, {})
    for further in (nodes[index_of[other]] for other in domain.also_in):
        ancestors = (*(a for a in further.ancestors if a not in ancestors), *ancestors)
        labels, price = _merged(further.labels, labels), _merged(further.price, price)
    if domain.also_in:
        _one_of_each_level(nodes, name, ancestors, (*said.path, "also_in"))
    return _Inherited(parent, ancestors, _merged(labels, domain.labels), _merged(price, domain.price))


def _check_above(merged: dict[str, Said], rank: dict[str, int], name: str, said: Said) -> None:
    """Raise InputError unless all that a domain is in are there and above it."""
    if said.domain.parent is not None:
        _above(merged, rank, name, said.domain.parent, (*said.path, "in"))
    for position, other in enumerate(said.domain.also_in):
        _above(merged, rank, name, other, (*said.path, "also_in", position))


def _above(
    merged: dict[str, Said],
    rank: dict[str, int],
    name: str,
    above: str,
    path: tuple[str | int, ...],
) -> None:
    """Raise InputError unless a domain that another is in exists, and is of a higher level."""
    if above not in merged:
        raise InputError(f"{name} is in {above}, which is unknown.{maybe(above, merged)}", path=path)
    level, higher = merged[name].level, merged[above].level
    if rank[higher] >= rank[level]:
        raise InputError(f"{name} ({level}) cannot be in {above} ({higher})", path=path)


def _one_of_each_level(
    nodes: list[Node], name: str, ancestors: tuple[int, ...], path: tuple[str | int, ...]
) -> None:
    """Raise InputError where a domain is in two of one level."""
    seen: dict[str, str] = {}
    for ancestor in ancestors:
        node = nodes[ancestor]
        if node.level in seen:
            what = f"{name} is in two {node.level}s, {seen[node.level]} and {node.id}"
            raise InputError(what, path=path)
        seen[node.level] = node.id


def _merged(above: dict[str, V], own: dict[str, V]) -> dict[str, V]:
    return {**above, **own} if above and own else own or above


def _considered(merged: dict[str, Said], consider: tuple[str, ...]) -> list[str]:
    if not consider:
        return list(merged)
    wanted = set(consider)
    for position, name in enumerate(consider):
        if name not in merged:
            raise InputError(f"unknown domain {name}.{maybe(name, merged)}", path=("consider", position))
    keep: set[str] = set()
    for name in merged:
        chain = [name]
        for link in chain:
            domain = merged[link].domain
            above = [*domain.also_in, *([domain.parent] if domain.parent is not None else [])]
            chain += [other for other in above if other not in chain]
        if wanted & set(chain):
            keep.update(chain)
    return [name for name in merged if name in keep]
