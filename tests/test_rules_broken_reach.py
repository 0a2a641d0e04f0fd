"""Where a unit may be at all: states, entitlements, services, scopes, domains, countries; each broken by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.broken import SOURCE, Raw, at, catalogue, estate, findings, group, scope, zone


@pytest.mark.parametrize("state", ["sold_out", "coming_soon", "failed", "draining", "suspect"])
def test_nothing_enters_a_zone_that_is_not_open(state: str) -> None:
    """Two instances are put into a zone that takes none."""
    data = estate(groups=[group("web", 2)])
    zone(data, "a1")["state"] = state
    assert findings(data, [at("web", "a1", 2)]) == [("zone_state", "web", "a1", 2)]


@pytest.mark.parametrize("state", ["sold_out", "draining", "suspect"])
def test_what_is_there_may_stay(state: str) -> None:
    """One is there today and stays; a second one is one too many."""
    data = estate(groups=[group("web", 2, current={"a1": 1})])
    zone(data, "a1")["state"] = state
    assert findings(data, [at("web", "a1"), at("web", "a2")]) == []
    assert findings(data, [at("web", "a1", 2)]) == [("zone_state", "web", "a1", 1)]


@pytest.mark.parametrize("state", ["coming_soon", "failed"])
def test_nothing_stays_where_nothing_runs(state: str) -> None:
    """What is said to be there today cannot run there."""
    data = estate(groups=[group("web", 1, current={"a1": 1})])
    zone(data, "a1")["state"] = state
    assert findings(data, [at("web", "a1")]) == [("zone_state", "web", "a1", 1)]


def test_state_of_a_product() -> None:
    """A zone that is sold out for one product is open for another."""
    groups = [group("web", 1), group("db", 1, product="metal")]
    data = estate(catalogues=[catalogue()], groups=groups)
    zone(data, "a1")["states"] = {"vm": "open", "metal": "sold_out"}
    assert findings(data, [at("web", "a1"), at("db", "a1")]) == [("zone_state", "db", "a1", 1)]


def test_state_of_a_product_that_is_not_listed() -> None:
    """A zone that lists products offers only those."""
    data = estate(catalogues=[catalogue()], groups=[group("db", 1, product="metal")])
    zone(data, "a1")["states"] = {"vm": "open"}
    assert findings(data, [at("db", "a1")]) == [("zone_state", "db", "a1", 1)]


def test_entitlement() -> None:
    """An account without the entitlement uses a finance zone; one with it may."""
    accounts = [{"id": "main"}, {"id": "bank", "entitlements": ["finance"]}]
    data = estate(accounts=accounts, groups=[group("web", 1), group("ledger", 1, account="bank")])
    zone(data, "a1")["requires"] = ["finance"]
    assert findings(data, [at("web", "a1"), at("ledger", "a1")]) == [("entitlement", "web", "a1", 1)]


def test_compatibility_of_a_flavour_family() -> None:
    """A pool of one family gets a flavour of another."""
    flavours = [{"id": "M2", "family": "M", "resources": {"cpu_cores": 2}}]
    data = estate(flavours=flavours, groups=[group("web", 1, flavour="M2")])
    zone(data, "a1")["families"] = ["S"]
    assert findings(data, [at("web", "a1")]) == [("compatibility", "web", "a1", 1)]


def test_compatibility_of_a_cpu_model() -> None:
    """An instance tied to a CPU model is on a host of another; a host that does not say is in order."""
    data = estate(hosts=2, groups=[group("db", 2, movability={"cpu_model": "milan"})])
    zone(data, "a1-h1")["labels"] = {"cpu_model": "skylake"}
    placements = [at("db", "a1-h1"), at("db", "a1-h2")]
    assert findings(data, placements) == [("compatibility", "db", "a1-h1", 1)]


def test_service_that_a_group_needs() -> None:
    """A region is known to lack a service; one that does not say is assumed to have it."""
    data = estate(regions=2, groups=[group("web", 2, needs_services=["redis"])])
    zone(data, "a")["services"] = {"redis": "missing"}
    zone(data, "b")["services"] = {"redis": "not_stated"}
    assert findings(data, [at("web", "a1"), at("web", "b1")]) == [("service_availability", "web", "a", 1)]


@pytest.mark.parametrize(
    ("kind", "section", "attached"),
    [
        ("disk", "disks", {"disks": ["x"]}),
        ("snapshot", "snapshots", {"snapshots": ["x"]}),
        ("elastic_ip", "elastic_ips", {"elastic_ips": ["x"]}),
        ("image", "images", {"image": "x"}),
    ],
)
def test_service_that_an_attachment_implies(kind: str, section: str, attached: Raw) -> None:
    """No disk, snapshot, address or image where the service behind it is missing."""
    kinds = [{"kind": kind, "scope": "none", "service": "storage", "source": SOURCE}]
    things: Raw = {section: [{"id": "x"}]}
    data = estate(catalogues=[catalogue(resource_kinds=kinds)], groups=[group("web", 1, **attached)], **things)
    zone(data, "a")["services"] = {"storage": "missing"}
    assert findings(data, [at("web", "a1")]) == [("service_availability", "web", "a", 1)]


@pytest.mark.parametrize(
    ("kind", "section", "attached", "reach", "away"),
    [
        ("disk", "disks", {"disks": ["x"]}, "zonal", ["a2", "b1"]),
        ("disk", "disks", {"disks": ["x"]}, "regional", ["b1"]),
        ("elastic_ip", "elastic_ips", {"elastic_ips": ["x"]}, "regional", ["b1"]),
        ("security_group", "security_groups", {"security_groups": ["x"]}, "regional", ["b1"]),
        ("route_table", "route_tables", {"route_table": "x"}, "regional", ["b1"]),
        ("key_pair", "key_pairs", {"key_pairs": ["x"]}, "regional", ["b1"]),
        ("key_pair", "key_pairs", {"key_pairs": ["x"]}, "global", []),
    ],
)
def test_scope_of_an_attachment(kind: str, section: str, attached: Raw, reach: str, away: list[str]) -> None:
    """What belongs to zone a1 of region a cannot be used further than the catalogue says."""
    things: Raw = {section: [{"id": "x", "region": "a", "zone": "a1"}]}
    data = estate(regions=2, catalogues=[scope(kind, reach)], groups=[group("web", 1, **attached)], **things)
    for site in ("a1", "a2", "b1"):
        expected = [("scope", "web", site, 1)] if site in away else []
        assert findings(data, [at("web", site)]) == expected


@pytest.mark.parametrize("section", ["disks", "elastic_ips", "security_groups", "key_pairs"])
def test_scope_of_an_account(section: str) -> None:
    """An attachment of another account cannot be used."""
    things: Raw = {section: [{"id": "x", "account": "other"}]}
    data = estate(
        accounts=[{"id": "main"}, {"id": "other"}], groups=[group("web", 1, **{section: ["x"]})], **things
    )
    assert findings(data, [at("web", "a1")]) == [("scope", "web", "a1", 1)]


def test_scope_of_an_image() -> None:
    """An image that is not in the region, unless it may be copied."""
    image: Raw = {"id": "img", "regions": ["a"]}
    data = estate(regions=2, images=[image], groups=[group("web", 1, image="img")])
    assert findings(data, [at("web", "b1")]) == [("scope", "web", "b1", 1)]
    image["copy_allowed"] = True
    assert findings(data, [at("web", "b1")]) == []


def test_scope_of_an_image_of_another_account() -> None:
    """An image belongs to an account."""
    accounts = [{"id": "main"}, {"id": "other"}]
    images = [{"id": "img", "account": "other"}]
    data = estate(accounts=accounts, images=images, groups=[group("web", 1, image="img")])
    assert findings(data, [at("web", "a1")]) == [("scope", "web", "a1", 1)]


@pytest.mark.parametrize(
    "asked",
    [
        {"allow": ["a1"]},
        {"forbid": ["a2"]},
        {"allow": ["a"], "forbid": ["a2"]},
        {"allow_labels": {"power": "one"}},
        {"allow_labels": {"power": ["one", "three"]}},
        {"forbid_labels": {"power": "two"}},
    ],
)
def test_domains(asked: dict[str, Any]) -> None:
    """Two of three instances are where the rule does not want them; another group is free to be there."""
    rule = {"rule": "domains", "groups": ["web"], **asked}
    data = estate(rule, groups=[group("web", 3), group("job", 1)])
    zone(data, "a1")["labels"] = {"power": "one"}
    zone(data, "a2")["labels"] = {"power": "two"}
    placements = [at("web", "a1"), at("web", "a2", 2), at("job", "a2")]
    assert findings(data, placements) == [("domains", "web", "a2", 2)]


def test_residency_of_instances() -> None:
    """An instance is in a country that is not allowed, or not stated."""
    data = estate({"rule": "residency", "countries": ["CN"]}, regions=3, groups=[group("web", 3)])
    zone(data, "a")["country"] = "CN"
    zone(data, "b")["country"] = "RU"
    assert findings(data, [at("web", "a1", 2), at("web", "b1")]) == [("residency", "web", "b", 1)]
    assert findings(data, [at("web", "a1", 2), at("web", "c1")]) == [("residency", "web", "c", 1)]


@pytest.mark.parametrize("section", ["disks", "snapshots"])
def test_residency_of_data(section: str) -> None:
    """A disk or a copy abroad breaks the rule, wherever the instances are."""
    things: Raw = {section: [{"id": "x", "region": "b"}]}
    rule = {"rule": "residency", "countries": ["CN"], "groups": ["db"]}
    kinds = [{"kind": "disk", "scope": "none", "source": SOURCE}]
    data = estate(
        rule,
        regions=2,
        catalogues=[catalogue(resource_kinds=kinds)],
        groups=[group("db", 1, **{section: ["x"]})],
        **things,
    )
    zone(data, "a")["country"] = "CN"
    zone(data, "b")["country"] = "RU"
    assert findings(data, [at("db", "a1")]) == [("residency", "db", "b", 1)]
