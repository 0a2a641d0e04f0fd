"""An estate after something was bought: an ordinary estate, to be placed, checked and migrated as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zonewright.models.estate import Estate
from zonewright.models.offers import Offer, Purchase
from zonewright.models.problems import InputError, maybe
from zonewright.models.topology import Domain, State, Stock
from zonewright.models.world import World

#: Section of an estate by level; domains of any other level stand under `domains`.
SECTIONS = {"region": "regions", "zone": "zones", "rack": "racks", "host": "hosts"}


def with_purchases(estate: Estate | World, purchases: Iterable[Purchase]) -> Estate:
    """Return the estate with everything that was bought in it.

    Hosts are called OFFER-ZONE-1 and so on, after those that are there already. Raises InputError for an offer
    that is not known, and for a zone where it is not offered.
    """
    world = estate if isinstance(estate, World) else World(estate)
    reached = _Bought(world)
    for position, purchase in enumerate(purchases):
        reached.add(purchase, ("purchases", position))
    return reached.estate()


def host_name(offer: str, zone: str, number: int) -> str:
    """Return the name of a host that was bought; numbers begin at 1."""
    return f"{offer}-{zone}-{number}"


def next_number(world: World, offer: str, zone: str) -> int:
    """Return the number of the next host of an offer in a zone."""
    start = f"{offer}-{zone}-"
    taken = [n[len(start) :] for n in world.tree.by_id if n.startswith(start)]
    return 1 + max((int(text) for text in taken if text.isdecimal()), default=0)


class _Bought:
    """What the purchases so far make of an estate's domains and rules."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.offers = {offer.id: offer for offer in world.estate.offers}
        self.changed: dict[str, dict[str, Any]] = {}
        """Domain to the fields that are other than before."""
        self.hosts: list[Domain] = []
        self.raised: dict[str, int] = {}
        """Quota to by how much it is raised."""

    def add(self, purchase: Purchase, path: tuple[str | int, ...]) -> None:
        offer = self.offers.get(purchase.offer)
        if offer is None:
            what = f"unknown offer {purchase.offer}.{maybe(purchase.offer, self.offers)}"
            raise InputError(what, path=path)
        if purchase.zone not in offer.places:
            near = maybe(purchase.zone, offer.zones)
            raise InputError(f"{offer.id} is not offered in {purchase.zone}.{near}", path=path)
        if purchase.zone is None:
            self._raise_quota(offer, purchase.count)
        elif offer.host is not None:
            self._more_hosts(offer, purchase.zone, purchase.count)
        elif offer.opens:
            self._open(purchase.zone)
        else:
            more = {offer.flavour: 1} if offer.flavour is not None else offer.capacity
            field = "flavours" if offer.flavour is not None else "capacity"
            self._more_stock(purchase.zone, field, offer.stock, more, purchase.count)

    def _raise_quota(self, offer: Offer, units: int) -> None:
        if offer.quota is not None:
            self.raised[offer.quota] = self.raised.get(offer.quota, 0) + offer.step * units

    def _more_hosts(self, offer: Offer, zone: str, count: int) -> None:
        fields = offer.host.model_dump(exclude_unset=True) if offer.host is not None else {}
        first = next_number(self.world, offer.id, zone)
        first += sum(host.id.startswith(f"{offer.id}-{zone}-") for host in self.hosts)
        for number in range(first, first + count):
            name = host_name(offer.id, zone, number)
            if name in self.world.tree.by_id:
                raise InputError(f"{name} is the name of another domain", path=("offers",))
            self.hosts.append(Domain.model_validate({"id": name, "in": zone, **fields}))

    def _more_stock(self, zone: str, field: str, part: str, more: Mapping[str, int], units: int) -> None:
        fields = self._fields(zone)
        stocks: dict[str, Stock] = dict(fields.get(field) or getattr(self._domain(zone), field))
        for name, amount in more.items():
            known = stocks.get(name, Stock())
            stocks[name] = known.model_copy(update={part: getattr(known, part) + amount * units})
        fields[field] = stocks

    def _open(self, zone: str) -> None:
        domain, fields = self._domain(zone), self._fields(zone)
        closed = (State.SOLD_OUT, State.COMING_SOON)
        if domain.states:
            fields["states"] = {p: State.OPEN if s in closed else s for p, s in domain.states.items()}
        elif domain.state in closed:
            fields["state"] = State.OPEN

    def _fields(self, name: str) -> dict[str, Any]:
        return self.changed.setdefault(name, {})

    def _domain(self, name: str) -> Domain:
        return self.world.tree.nodes[self.world.tree.by_id[name]].domain

    def estate(self) -> Estate:
        before = self.world.estate
        update: dict[str, Any] = {}
        for section in (*SECTIONS.values(), "domains"):
            entries = list(getattr(before, section))
            changed = [self._updated(entry) for entry in entries]
            missing = [name for name in self.changed if self._section(name) == section]
            missing = [name for name in missing if not any(_stands_for(e, name) for e in entries)]
            # A catalogue's domain: the estate's own entry overrides the fields that it sets.
            changed += [Domain(id=name).model_copy(update=self.changed[name]) for name in missing]
            if section == "hosts":
                changed += self.hosts
            if len(changed) != len(entries) or any(a is not b for a, b in zip(changed, entries, strict=True)):
                update[section] = changed
        if self.raised:
            update["rules"] = [
                rule.model_copy(update={"most": rule.most + self.raised[rule.id]})
                if rule.rule == "quota" and rule.id in self.raised
                else rule
                for rule in before.rules
            ]
        return before.model_copy(update=update)

    def _section(self, name: str) -> str:
        return SECTIONS.get(self.world.tree.nodes[self.world.tree.by_id[name]].level, "domains")

    def _updated(self, entry: Domain) -> Domain:
        fields = self.changed.get(entry.id)
        return entry.model_copy(update=fields) if fields else entry


def _stands_for(entry: Domain, name: str) -> bool:
    """Return whether an entry is the domain of this name; raise InputError where it counts out several."""
    if entry.count is not None and name.startswith(f"{entry.id}-") and name[len(entry.id) + 1 :].isdecimal():
        raise InputError(
            f"{name} is one of {entry.count} counted together: offer it for its zone", path=("offers",)
        )
    return entry.id == name


__all__ = ["SECTIONS", "host_name", "next_number", "with_purchases"]
