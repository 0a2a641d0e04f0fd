"""What may be bought in an estate, one entry for each offer and zone, and the estate with every host of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from zonewright.models.offers import Offer, Purchase
from zonewright.models.purchases import host_name, next_number, with_purchases
from zonewright.models.world import World

#: Stands for "no limit" of units where the estate gives no better one.
MOST_UNITS = 100_000_000


@dataclass(frozen=True)
class Candidate:
    """An offer in one zone: `most` units at `price` each, in whole lots."""

    offer: Offer
    zone: str | None
    price: int
    """Of one unit, in ten-thousandths per month."""
    most: int
    hosts: tuple[str, ...] = ()
    """The names that bought hosts would have, in order; as many as are looked at."""

    @property
    def key(self) -> tuple[str, str | None]:
        """(offer, zone)."""
        return self.offer.id, self.zone

    @property
    def lots(self) -> int:
        """The most lots."""
        return self.most // self.offer.lot

    def purchase(self, units: int) -> Purchase:
        """Return the purchase of so many units."""
        return Purchase(
            offer=self.offer.id,
            zone=self.zone,
            count=units,
            cost=units * self.price,
            lead_days=self.offer.lead_days,
        )


def candidates(
    world: World, *, by: date | None = None, limits: dict[tuple[str, str | None], int] | None = None
) -> list[Candidate]:
    """Return what may be bought: with `by`, only what is there on that day; with `limits`, at most so many units.

    More hosts than instances have to be placed, before and after a loss, help nobody.
    """
    total = 2 * sum(group.count for group in world.groups.values())
    found: list[Candidate] = []
    for offer in world.estate.offers:
        if by is not None and offer.available_from is not None and offer.available_from > by:
            continue
        for zone in offer.places:
            most = _most(world, offer, zone, total)
            if limits is not None:
                most = min(most, limits.get((offer.id, zone), 0))
            most -= most % offer.lot
            if most > 0:
                found.append(Candidate(offer, zone, offer.price_in(zone), most))
    return found


def _most(world: World, offer: Offer, zone: str | None, total: int) -> int:
    """Return the most units that can be of use; `total` instances may have to be placed."""
    most = offer.most_units()
    if offer.host is not None or offer.flavour is not None:
        needed = total
    elif offer.capacity:
        needed = max(
            -(-2 * _demand(world, resource) // amount) if amount else 0
            for resource, amount in offer.capacity.items()
        )
        needed += _set_aside(world, offer, zone)
    elif offer.quota is not None:
        needed = -(-2 * _quota_use(world, offer.quota) // offer.step)
    else:
        needed = 1
    needed += -needed % offer.lot
    return min(MOST_UNITS, needed if most is None else min(most, needed))


def _demand(world: World, resource: str) -> int:
    return sum(unit.demand.get(resource, 0) * unit.count for unit in world.units)


def _set_aside(world: World, offer: Offer, zone: str | None) -> int:
    """Return how many units a reserve beyond today's stock, or a factor below 1, may take on top."""
    domain = world.tree.nodes[world.tree.by_id[zone]].domain if zone is not None else None
    found = 0
    for resource, amount in offer.capacity.items():
        if domain is None or not amount:
            continue
        factor = min(1.0, domain.overcommit.get(resource, 1.0))
        gross = domain.reserve.get(resource, 0) + int(2 * _demand(world, resource) * (1 / factor - 1)) + 1
        found = max(found, -(-gross // amount))
    return found


def _quota_use(world: World, label: str) -> int:
    from zonewright.models.rules import Quota

    rule = next(r for r in world.estate.rules if isinstance(r, Quota) and r.id == label)
    if rule.resource is not None:
        return _demand(world, rule.resource)
    return sum(unit.count for unit in world.units)


def with_hosts(world: World, chosen: Sequence[Candidate], most_hosts: int) -> tuple[World, list[Candidate]]:
    """Return the estate with all hosts that may be bought, at most so many of each, and the entries with names."""
    named: list[Candidate] = []
    bought: list[Purchase] = []
    for entry in chosen:
        if entry.offer.host is None or entry.zone is None:
            named.append(entry)
            continue
        most = min(entry.most, -(-most_hosts // entry.offer.lot) * entry.offer.lot)
        first = next_number(world, entry.offer.id, entry.zone)
        names = tuple(host_name(entry.offer.id, entry.zone, first + k) for k in range(most))
        named.append(Candidate(entry.offer, entry.zone, entry.price, most, names))
        bought.append(entry.purchase(most))
    return World(with_purchases(world, bought)), named


__all__ = ["MOST_UNITS", "Candidate", "candidates", "with_hosts"]
