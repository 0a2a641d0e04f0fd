"""Offers and forecasts as data, and the estate after something was bought."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.capacity.estates import built, halls, pools
from zonewright.models import Expected, InputError, Purchase, World, with_purchases
from zonewright.models.forecasts import read_forecast
from zonewright.models.rules import Quota
from zonewright.models.topology import State
from zonewright.solver.capacity.demand import counts_on, days


@pytest.mark.parametrize(
    ("offer", "place"),
    [
        ({"id": "x", "host": {}, "flavour": "big", "zones": ["a"]}, "offers[0]"),
        ({"id": "x", "zones": ["a"]}, "offers[0]"),
        ({"id": "x", "capacity": {"cpu_cores": 1}}, "offers[0]"),
        ({"id": "x", "quota": "few", "zones": ["a"]}, "offers[0]"),
        ({"id": "x", "quota": "fewer"}, "offers[0].quota"),
        ({"id": "x", "capacity": {"cpu_cores": 1}, "zones": ["aa"]}, "offers[0].zones[0]"),
        ({"id": "x", "capacity": {"memory_gib": 1}, "zones": ["a"]}, "offers[0].zones[0]"),
        ({"id": "x", "flavour": "big", "zones": ["b"]}, "offers[0].zones[0]"),
        ({"id": "x", "host": {"capacity": {"cpu_cores": 1}}, "zones": ["a"]}, "offers[0].zones[0]"),
        ({"id": "x", "capacity": {"cpu_cores": 1}, "zones": ["a"], "prices": {"b": 1}}, "offers[0].prices"),
        ({"id": "x", "capacity": {"cpu_cores": 1}, "zones": ["a"], "available_from": "soon"}, "offers[0]"),
    ],
)
def test_an_offer_that_means_nothing_is_refused_in_one_line(offer: dict[str, Any], place: str) -> None:
    """The place is named, and nothing else is said."""
    with pytest.raises(InputError) as refused:
        World(built(pools(offers=[offer])))
    assert str(refused.value).startswith(place)
    assert "\n" not in str(refused.value)


def test_bought_hosts_flavours_resources_quotas_and_zones_are_there() -> None:
    """Each kind of purchase, and nothing else is changed."""
    before = built(pools())
    after = with_purchases(
        before,
        [
            Purchase(offer="cores", zone="a", count=2),
            Purchase(offer="one-big", zone="a", count=3),
            Purchase(offer="quota", count=2),
            Purchase(offer="open", zone="c", count=1),
        ],
    )
    a, b, c = after.zones
    assert (a.capacity["cpu_milli"].owned, a.capacity["cpu_milli"].on_offer) == (12_000, 2_000)
    assert (a.flavours["big"].owned, a.flavours["big"].reserved) == (1, 3)
    assert b == before.zones[1]
    assert c.state is State.OPEN
    assert [rule.most for rule in after.rules if isinstance(rule, Quota)] == [13]
    World(after)


def test_bought_hosts_are_numbered_after_those_that_are_there() -> None:
    """OFFER-ZONE-1 and on, and once more from where it stopped."""
    once = with_purchases(built(halls()), [Purchase(offer="small", zone="b", count=2)])
    twice = with_purchases(once, [Purchase(offer="small", zone="b", count=1)])
    assert [host.id for host in twice.hosts[2:]] == ["small-b-1", "small-b-2", "small-b-3"]
    assert World(twice).tree.nodes[World(twice).tree.by_id["small-b-3"]].usable("cpu_milli") == 4_000


def test_a_zone_that_waits_for_its_first_host_takes_nobody() -> None:
    """Not before one is bought; then its hosts do."""
    data = halls(hosts=[{"id": "h", "in": "a", "count": 2, "capacity": {"cpu_cores": 4}}])
    world = World(built(data))
    assert world.tree.by_id["b"] not in world.tree.sites
    after = World(with_purchases(world, [Purchase(offer="big", zone="b", count=1)]))
    assert [after.tree.nodes[s].id for s in after.tree.sites] == ["h-0", "h-1", "big-b-1"]


def test_stock_of_a_catalogue_zone_can_be_bought() -> None:
    """The estate's own entry overrides the catalogue's."""
    catalogue = {
        "catalogue": "c",
        "provider": "p",
        "zones": [{"id": "z", "capacity": {"cpu_cores": 4, "memory_gib": 8}}],
    }
    offers = [{"id": "more", "capacity": {"cpu_cores": 2}, "zones": ["z"]}]
    after = World(with_purchases(built({"estate": "e", "catalogues": [catalogue], "offers": offers}), []))
    assert after.tree.nodes[0].usable("cpu_milli") == 4_000
    bought = World(with_purchases(after, [Purchase(offer="more", zone="z", count=3)]))
    assert bought.tree.nodes[0].usable("cpu_milli") == 10_000
    assert bought.tree.nodes[0].usable("memory_mib") == 8_192


def test_purchases_that_are_not_offered_are_refused() -> None:
    """Unknown offers and zones, with the nearest name."""
    with pytest.raises(InputError, match="Maybe cores"):
        with_purchases(built(pools()), [Purchase(offer="core", zone="a", count=1)])
    with pytest.raises(InputError, match="not offered in c"):
        with_purchases(built(pools()), [Purchase(offer="cores", zone="c", count=1)])


def test_the_latest_row_of_a_forecast_counts_and_the_one_that_names_a_group() -> None:
    """By day, by group, rounded up."""
    rows = [
        Expected.model_validate(row)
        for row in (
            {"date": "2027-01-01", "factor": 1.5},
            {"date": "2027-01-01", "groups": ["db"], "count": 7},
            {"date": "2027-06-01", "factor": 2},
            {"date": "2027-03-01", "groups": ["web"], "count": 4},
        )
    ]
    estate = built(halls())
    assert days(rows) == [date(2027, 1, 1), date(2027, 3, 1), date(2027, 6, 1)]
    assert counts_on(estate, rows, date(2026, 12, 31)) == {"web": 6, "db": 2}
    assert counts_on(estate, rows, date(2027, 2, 1)) == {"web": 9, "db": 7}
    assert counts_on(estate, rows, date(2027, 3, 1)) == {"web": 4, "db": 7}
    assert counts_on(estate, rows, date(2028, 1, 1)) == {"web": 12, "db": 4}


def test_a_forecast_is_read_from_a_table(tmp_path: Path) -> None:
    """Blanks, several groups, either column; what is wrong has its line."""
    path = tmp_path / "forecast.csv"
    path.write_text("date, groups, factor, count\n2027-01-01, *, 1.5,\n\n2027-02-01, web db,, 9\n", "utf-8")
    rows = read_forecast(path)
    assert [(row.groups, row.factor, row.count) for row in rows] == [("*", 1.5, None), (["web", "db"], None, 9)]
    for text, line, word in (
        ("day,factor\n", 1, "unknown column day"),
        ("date,factor\n2027-13-01,2\n", 2, "month"),
        ("date,factor\n2027-01-01,many\n", 2, "should be a number"),
        ("date,count\n2027-01-01,5\n", 2, "name the groups"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(InputError, match=word) as refused:
            read_forecast(path)
        assert refused.value.line == line
