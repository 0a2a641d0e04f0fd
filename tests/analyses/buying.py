"""The cheapest purchases with which everybody fits, by trying all of them, cheapest first."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from typing import Any

from tests.analyses.growing import fits
from tests.brute.numbers import amounts, money

Raw = dict[str, Any]
#: (offer, zone or None for a quota) to units.
Basket = dict[tuple[str, str | None], int]


@dataclass(frozen=True)
class Bought:
    """The cheapest purchases."""

    cost: int
    """Per month, in ten-thousandths."""
    basket: Basket


def cheapest(data: Raw) -> Bought | None:
    """Return what has to be bought at least, None where everything on offer does not suffice."""
    for cost, basket in sorted(baskets(data), key=lambda entry: entry[0]):
        if fits(bought(data, basket)) is not None:
            return Bought(cost, basket)
    return None


def baskets(data: Raw) -> Iterator[tuple[int, Basket]]:
    """Everything that can be bought, with what it costs."""
    offers = {offer["id"]: offer for offer in data.get("offers", [])}
    lines = [(name, zone) for name, offer in offers.items() for zone in offer.get("zones", [None])]
    for units in product(*(_units(offers[name]) for name, _ in lines)):
        basket = {line: number for line, number in zip(lines, units, strict=True) if number}
        yield sum(number * _price(offers[name], zone) for (name, zone), number in basket.items()), basket


def _units(offer: Raw) -> range:
    lot = offer.get("lot", 1)
    most = 1 if offer.get("opens") else offer["most"]
    return range(0, most + 1, lot)


def _price(offer: Raw, zone: str | None) -> int:
    return money(offer.get("prices", {}).get(zone, offer.get("price", 0)))


def bought(data: Raw, basket: Basket) -> Raw:
    """The estate once everything in the basket is there."""
    then = deepcopy(data)
    offers = {offer["id"]: offer for offer in then.pop("offers", [])}
    domains = {d["id"]: d for section in ("zones", "hosts") for d in then.get(section, [])}
    for (name, zone), units in basket.items():
        offer = offers[name]
        if zone is None:
            rule = next(rule for rule in then["rules"] if rule.get("id") == offer["quota"])
            rule["most"] += offer.get("step", 1) * units
        elif offer.get("host"):
            hosts = [{**offer["host"], "id": f"{name}-{zone}-{n + 1}", "in": zone} for n in range(units)]
            then.setdefault("hosts", []).extend(hosts)
        elif offer.get("opens"):
            domains[zone]["state"] = "open"
        else:
            _more(domains[zone], offer, units)
    _bare(then, offers)
    return then


def _more(zone: Raw, offer: Raw, units: int) -> None:
    """Add bought stock to what is owned or reserved in a zone."""
    part = offer.get("stock", "reserved")
    section = "flavours" if offer.get("flavour") else "capacity"
    more = {offer["flavour"]: 1} if offer.get("flavour") else amounts(offer["capacity"])
    known = zone[section]
    plain = {name: value for name, value in known.items() if not isinstance(value, dict)}
    stocks = {name: value for name, value in known.items() if isinstance(value, dict)}
    stocks |= {name: {"owned": value} for name, value in amounts(plain).items()}
    for name, amount in more.items():
        stocks[name] = {**stocks[name], part: stocks[name].get(part, 0) + amount * units}
    zone[section] = stocks


def _bare(data: Raw, offers: dict[str, Raw]) -> None:
    """Zones that are to have hosts take nobody before they have some."""
    filled = {host["in"] for host in data.get("hosts", [])}
    for offer in offers.values():
        for zone in data["zones"] if offer.get("host") else ():
            if zone["id"] in offer["zones"] and zone["id"] not in filled:
                zone["most_instances"] = 0
