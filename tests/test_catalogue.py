"""The catalogues: every fact of the documents is there as data, with its source and in our own words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from zonewright.models.catalogue import (
    BalancerKind,
    Catalogue,
    Domain,
    Fact,
    ResourceKind,
    Scope,
    Source,
    shipped_catalogue,
    shipped_catalogues,
)
from zonewright.models.check import judge
from zonewright.models.files import estate_from_data, estate_from_text, resolve
from zonewright.models.problems import InputError
from zonewright.models.procedures import common_recipes
from zonewright.models.recipes import Recipe
from zonewright.models.resources import Kind
from zonewright.models.rules import reach_rules
from zonewright.models.topology import Provision, State
from zonewright.models.view import Row, View
from zonewright.models.world import World

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT.parent / "shared" / "seeds"
NAMES = ("tencent-cpm", "tencent-cvm", "vk-cloud")
SMALL = {"cpu_cores": 1, "memory_gib": 1}


@pytest.fixture
def cvm() -> Catalogue:
    return shipped_catalogue("tencent-cvm")


@pytest.fixture
def cpm() -> Catalogue:
    return shipped_catalogue("tencent-cpm")


@pytest.fixture
def vk() -> Catalogue:
    return shipped_catalogue("vk-cloud")


def world(catalogues: list[Any], **sections: Any) -> World:
    return resolve(estate_from_data({"estate": "test", "catalogues": catalogues, **sections}))


def one(**fields: Any) -> dict[str, Any]:
    return {"id": "web", "count": 1, "demand": SMALL, **fields}


def entry(entries: list[Any], name: str) -> Any:
    return next(e for e in entries if getattr(e, "id", None) == name or getattr(e, "kind", None) == name)


def holds(catalogue: Catalogue, fact: str) -> dict[str, Any]:
    found: Fact = entry(catalogue.facts, fact)
    return dict(found.holds)


def reasons(of: World, group: str = "web") -> dict[str, str]:
    """Return the sites that the group's first unit cannot enter, with the first reason."""
    unit = of.units_of[group][0]
    found: dict[str, str] = {}
    for site in of.tree.sites:
        for _, rule in reach_rules(of):
            reason = rule.blocks(of, unit, site)
            if reason is not None:
                found.setdefault(of.tree.nodes[site].id, reason)
    return found


def entries_with_sources(catalogue: Catalogue) -> Iterator[tuple[str, Source | None]]:
    for section in type(catalogue).model_fields:
        value = getattr(catalogue, section)
        for item in value if isinstance(value, list) else [value]:
            if "source" in getattr(type(item), "model_fields", {}):
                name = getattr(item, "id", None) or getattr(item, "kind", None) or getattr(item, "between", "")
                yield f"{section} {name}", item.source


def test_every_catalogue_loads_under_its_file_name() -> None:
    assert shipped_catalogues() == NAMES
    for name in NAMES:
        assert shipped_catalogue(name).catalogue == name


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_names_a_document_with_a_place_or_an_assumption(name: str) -> None:
    catalogue = shipped_catalogue(name)
    seen = 0
    for what, source in entries_with_sources(catalogue):
        assert source is not None, f"{what} has no source"
        assert (source.document is None) == (source.place is None), what
        assert source.document is not None or source.assumption, what
        assert source.document in (None, *catalogue.documents), what
        seen += 1
    assert seen > 30


@pytest.mark.parametrize("name", NAMES)
def test_identifiers_are_unique_and_parents_known(name: str) -> None:
    catalogue = shipped_catalogue(name)
    regions = [r.id for r in catalogue.regions]
    for section in (regions, [z.id for z in catalogue.zones], [f.id for f in catalogue.facts]):
        assert len(section) == len(set(section))
    assert len({k.kind for k in catalogue.resource_kinds}) == len(catalogue.resource_kinds)
    assert {z.parent for z in catalogue.zones} == set(regions)
    assert all(region.country for region in catalogue.regions)
    products = {p.id for p in catalogue.products}
    assert all(set(zone.states) == products for zone in catalogue.zones), "a zone lists its own products"
    assert all(set(balancer.binds) <= products for balancer in catalogue.balancers)


@pytest.mark.parametrize("name", NAMES)
def test_latencies_are_assumptions_inside_zones_and_between_zones_of_a_region(name: str) -> None:
    catalogue = shipped_catalogue(name)
    for latency in catalogue.latencies:
        assert latency.source is not None
        assert latency.source.assumption
        assert latency.source.document is None
    stated = {tuple(latency.between): latency.rtt_ms for latency in catalogue.latencies}
    expected = {(z.id, z.id): 0.3 for z in catalogue.zones} | {(r.id, r.id): 2 for r in catalogue.regions}
    assert stated == expected, "nothing is said of latency between regions"
    tree = world([name]).tree
    one_world = world([name])
    for a in tree.sites:
        for b in tree.sites:
            same_region = one_world.region_of(a) == one_world.region_of(b)
            assert one_world.latency(a, b) == (300 if a == b else 2000 if same_region else None)


@pytest.mark.parametrize("name", NAMES)
def test_reserved_addresses_are_a_marked_assumption(name: str) -> None:
    addressing = shipped_catalogue(name).addressing
    assert addressing is not None
    assert addressing.reserved_per_subnet == 3
    assert addressing.source.assumption
    assert addressing.source.document is None


# Tencent CVM


@pytest.mark.parametrize(
    ("zone", "region", "country", "state", "requires"),
    [
        ("ap-guangzhou-1", "ap-guangzhou", "CN", "sold_out", []),
        ("ap-guangzhou-2", "ap-guangzhou", "CN", "open", []),
        ("ap-guangzhou-3", "ap-guangzhou", "CN", "open", []),
        ("ap-shenzhen-fsi-1", "ap-shenzhen-fsi", "CN", "open", ["finance"]),
        ("ap-shanghai-1", "ap-shanghai", "CN", "open", []),
        ("ap-shanghai-fsi-1", "ap-shanghai-fsi", "CN", "open", ["finance"]),
        ("ap-beijing-1", "ap-beijing", "CN", "open", []),
        ("ap-hongkong-1", "ap-hongkong", "HK", "open", []),
        ("ap-singapore-1", "ap-singapore", "SG", "open", []),
        ("na-toronto-1", "na-toronto", "CA", "open", []),
    ],
)
def test_cvm_zone_table(
    cvm: Catalogue, zone: str, region: str, country: str, state: str, requires: list[str]
) -> None:
    found: Domain = entry(cvm.zones, zone)
    assert found.parent == region
    assert found.states == {"cvm": State(state)}
    assert found.requires == requires
    assert found.source is not None
    assert "zone table" in (found.source.place or "")
    assert found.source.assumption, "the identifier is an assumption"
    of: Domain = entry(cvm.regions, region)
    assert of.country == country
    inside = region in ("ap-guangzhou", "ap-shanghai", "ap-beijing") or region.endswith("-fsi")
    assert of.labels["territory"] == ("within_china" if inside else "outside_china")


def test_cvm_zone_table_has_nothing_else(cvm: Catalogue) -> None:
    assert len(cvm.zones) == 10
    assert len(cvm.regions) == 8


def test_cvm_sold_out_zone_takes_nothing_new_and_finance_zones_need_the_entitlement() -> None:
    closed = reasons(world(["tencent-cvm"], groups=[one()]))
    assert set(closed) == {"ap-guangzhou-1", "ap-shenzhen-fsi-1", "ap-shanghai-fsi-1"}
    assert closed["ap-guangzhou-1"] == "is sold out for cvm"
    assert "finance" in closed["ap-shenzhen-fsi-1"]
    bank = {"id": "bank", "entitlements": ["finance"]}
    assert set(reasons(world(["tencent-cvm"], groups=[one()], accounts=[bank]))) == {"ap-guangzhou-1"}


def test_cvm_finance_zones(cvm: Catalogue) -> None:
    access = holds(cvm, "finance.access")
    assert access["entitlement"] == "finance"
    assert access["zones"] == ["ap-shenzhen-fsi-1", "ap-shanghai-fsi-1"]
    assert access["open_to"] == ["financial institutions", "financial enterprises"]
    assert access["how"] == "ticket"
    shanghai: Domain = entry(cvm.regions, "ap-shanghai-fsi")
    provided = {"cvm", "finance_database", "redis_storage", "face_recognition"}
    assert shanghai.services == dict.fromkeys(provided, Provision.PROVIDED)
    profile = holds(cvm, "finance.shanghai")
    assert set(profile["services"]) == provided
    assert profile["list_complete"] is False
    assert profile["identity_verified_first"] is True
    assert (profile["security"], profile["isolation"]) == ("high", "high")


COMMONLY_MISSING = {
    "cloud_memcached",
    "elastic_web_engine",
    "cloud_object_storage",
    "one_click_server_opening",
    "partitioned_domain_binding",
}


@pytest.mark.parametrize(
    ("region", "fact", "missing"),
    [
        ("ap-hongkong", "services.hongkong", {"cloud_block_storage"}),
        ("na-toronto", "services.northamerica", {"mobile_acceleration", "automated_testing"}),
    ],
)
def test_cvm_services_that_a_region_lacks(cvm: Catalogue, region: str, fact: str, missing: set[str]) -> None:
    expected = COMMONLY_MISSING | missing
    assert entry(cvm.regions, region).services == dict.fromkeys(expected, Provision.MISSING)
    assert set(holds(cvm, fact)["missing"]) == expected
    assert holds(cvm, fact)["missing_for_now"] is True
    tree = world(["tencent-cvm"]).tree
    zone = tree.by_id[f"{region}-1"]
    assert tree.service(zone, "cloud_memcached") is Provision.MISSING
    assert tree.service(zone, "cloud_database") is Provision.NOT_STATED


def test_cvm_other_regions_state_no_service(cvm: Catalogue) -> None:
    silent = [r.id for r in cvm.regions if not r.services]
    assert silent == ["ap-guangzhou", "ap-shenzhen-fsi", "ap-shanghai", "ap-beijing", "ap-singapore"]


@pytest.mark.parametrize("kind", ["disk", "snapshot"])
def test_cvm_no_disk_or_snapshot_in_hong_kong(kind: str) -> None:
    thing = {"id": "disk-12345678" if kind == "disk" else "snap-12345678"}
    closed = reasons(world(["tencent-cvm"], groups=[one(**{f"{kind}s": [thing["id"]]})], **{f"{kind}s": [thing]}))
    assert closed["ap-hongkong-1"] == "cloud_block_storage is missing here"
    assert "na-toronto-1" not in closed, "North America lacks object storage, not block storage"


@pytest.mark.parametrize(
    ("kind", "scope", "prefix"),
    [
        ("account", Scope.GLOBAL, None),
        ("key_pair", Scope.GLOBAL, "skey"),
        ("instance", Scope.ZONAL, "ins"),
        ("image", Scope.REGIONAL, "img"),
        ("elastic_ip", Scope.REGIONAL, "eip"),
        ("security_group", Scope.REGIONAL, "sg"),
        ("disk", Scope.REGIONAL, "disk"),
        ("snapshot", Scope.REGIONAL, "snap"),
        ("load_balancer", Scope.REGIONAL, "clb"),
        ("vpc", Scope.REGIONAL, "vpc"),
        ("subnet", Scope.ZONAL, "subnet"),
        ("route_table", Scope.REGIONAL, "rtb"),
    ],
)
def test_cvm_table_of_resource_locations(cvm: Catalogue, kind: str, scope: Scope, prefix: str | None) -> None:
    found: ResourceKind = entry(cvm.resource_kinds, kind)
    assert (found.scope, found.id_prefix) == (scope, prefix)
    assert found.aliases == (["lb"] if kind == "load_balancer" else [])
    assert found.service == ("cloud_block_storage" if kind in ("disk", "snapshot") else None)
    assert (found.source.place or "").startswith("Locations of resources, row ")
    assert f"resource.{kind}" in {f.id for f in cvm.facts}, "the row's description is a fact"


def test_cvm_table_of_resource_locations_has_nothing_else(cvm: Catalogue) -> None:
    assert len(cvm.resource_kinds) == 12


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("resource.account", {"id_form": "free", "unique": "globally", "one_account_for_all_regions": True}),
        ("resource.id_form", {"characters": 8, "of": ["digits", "letters"]}),
        ("resource.key_pair", {"regions": "all", "binds_to": "any CVM of the account"}),
        ("resource.instance", {"zones": 1, "zone_named_at_creation": True}),
        ("resource.image", {"usable_in": "every zone of its region", "other_regions": "copy first"}),
        ("resource.elastic_ip", {"belongs_to": "region", "binds_to": "instances of its region"}),
        ("resource.security_group", {"binds_to": "instances of its region", "made_by_default": 3}),
        ("resource.disk", {"created_apart_from_instance": True, "mounts_on": "instances of its region"}),
        ("resource.disk_today", {"scope_in_document": "regional", "scope_today_may_be": "zonal"}),
        ("resource.snapshot", {"of": "disk", "usable_in": "its region", "used_for": "creating disks"}),
        ("resource.load_balancer", {"binds": "cvm", "backends_in_several_zones": True}),
        ("resource.vpc", {"belongs_to": "region", "members_in_several_zones": True}),
        ("resource.subnet", {"zones": 1, "can_cross_zones": False}),
        ("resource.route_table", {"needs": "vpc", "location": "that of its vpc"}),
        ("image.copy", {"image_must_be_in_region": True, "remedy": "copy the image to the region"}),
        ("region.isolation", {"regions_isolated": True, "for": ["stability", "fault tolerance"]}),
        ("region.coverage", {"abroad": ["Hong Kong", "Singapore", "Toronto"], "more_to_come": True}),
        ("region.naming", {"name_made_of": ["area served", "city of the data centre"]}),
        ("region.operations", {"start_acts_on": "one_region", "view_acts_on": "one_region"}),
        ("zone.isolation", {"independent": ["power", "network"], "low_latency_private_links": True}),
        (
            "zone.failure",
            {"failure_stays_in_zone": True, "except": ["large-scale disaster", "major power failure"]},
        ),
        ("zone.choice", {"chosen_at_start": True}),
        ("access.private", {"across_zones_of_region": True, "across_regions_by_default": False}),
        ("access.accounts", {"same_account_only": True, "private_between_accounts": False}),
        ("access.unreachable", {"from": "cvm", "to": ["cvm", "cloud_database", "cloud_memcached"]}),
        ("access.public", {"across_regions": True, "over": "public IP"}),
        ("access.peering", {"across_regions": True, "only_in": "vpc"}),
        ("balancer.binding", {"kind": "clb", "backends_of_own_region_only": True}),
        ("balancer.forwarding", {"kind": "clb", "forwards_across_regions": False}),
        ("advice.nearest_region", {"for": ["access latency", "download speed"]}),
        ("advice.several_zones", {"spread_over": "zones", "against": "single point of failure"}),
        ("advice.failover", {"instance_in_other_zone_takes_over": True, "by": ["clb", "elastic_ip"]}),
        ("advice.jump_server.hongkong", {"region": "ap-hongkong", "log_in_by": "jump server"}),
        ("advice.jump_server.northamerica", {"region": "na-toronto", "log_in_by": "jump server"}),
        ("latency.northamerica", {"between": ["na-toronto", "China"], "considerable": True}),
        (
            "services.partitioned",
            {"separate_services": ["one_click_server_opening", "partitioned_domain_binding"]},
        ),
    ],
)
def test_cvm_facts(cvm: Catalogue, fact: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= holds(cvm, fact).items()


def test_cvm_disks_today_are_an_assumption(cvm: Catalogue) -> None:
    source: Source = entry(cvm.facts, "resource.disk_today").source
    assert source.document is None
    assert "zonal today" in (source.assumption or "")


def test_cvm_networks(cvm: Catalogue) -> None:
    networking = cvm.networking
    assert networking is not None
    assert networking.within_region
    assert networking.peering
    assert networking.public_between_regions
    assert not networking.across_regions
    assert not networking.across_accounts
    assert not networking.interconnection_on_request
    assert {tuple(link.between) for link in cvm.links} == {(r.id, r.id) for r in cvm.regions}
    assert all(link.private and link.synchronous is None for link in cvm.links)


def test_cvm_balancer_binds_cvm_of_its_region(cvm: Catalogue) -> None:
    clb: BalancerKind = entry(cvm.balancers, "clb")
    assert (clb.scope, clb.binds) == (Scope.REGIONAL, ["cvm"])


def test_cvm_migration_procedure(cvm: Catalogue) -> None:
    assert holds(cvm, "migration.zone_fixed")["zone_of_started_instance_can_change"] is False
    steps = holds(cvm, "migration.steps")
    assert steps["steps"] == [
        "create_image",
        "recreate_subnet",
        "start_instance",
        "rebind_elastic_ip",
        "dispose_of_original",
    ]
    assert steps["only_to_keep_private_ip"] == ["recreate_subnet"]
    assert steps["only_with_elastic_ip"] == ["rebind_elastic_ip"]
    assert steps["optional"] == ["dispose_of_original"]
    assert steps["configuration_updated_afterwards"] is True
    subnet = holds(cvm, "migration.subnet")
    assert subnet["order"] == ["delete_old_subnet", "create_new_subnet"]
    assert (subnet["same_cidr"], subnet["new_zone"], subnet["network"]) == (True, True, "vpc")
    assert holds(cvm, "migration.subnet_empty")["subnet_deletable_only_when_empty"] is True
    assert holds(cvm, "migration.start")["flavour"] == ["same", "other"]
    assert holds(cvm, "migration.elastic_ip")["order"] == ["dissociate_from_old", "associate_with_new"]
    assert holds(cvm, "migration.pay_as_you_go")["original"] == "destroy at once"
    assert holds(cvm, "migration.prepaid")["original"] == "wait until it expires"
    numbered = [
        f.source.place for f in cvm.facts if f.id.startswith("migration.") and "step" in (f.source.place or "")
    ]
    assert {place[-1] for place in numbered if place} == {"1", "2", "3", "4", "5"}


def test_cvm_scopes_reach_the_rules() -> None:
    things = {
        "images": [{"id": "img-12345678", "regions": ["ap-beijing"]}],
        "elastic_ips": [{"id": "eip-12345678", "region": "ap-shanghai"}],
        "key_pairs": [{"id": "skey-12345678", "region": "ap-shanghai"}],
    }
    image = reasons(world(["tencent-cvm"], groups=[one(image="img-12345678")], **things))
    assert "ap-beijing-1" not in image
    assert image["ap-shanghai-1"] == "image img-12345678 is not in ap-shanghai"
    address = reasons(world(["tencent-cvm"], groups=[one(elastic_ips=["eip-12345678"])], **things))
    assert "ap-shanghai-1" not in address
    assert address["ap-guangzhou-2"] == "elastic ip eip-12345678 is in ap-shanghai"
    key = reasons(world(["tencent-cvm"], groups=[one(key_pairs=["skey-12345678"])], **things))
    assert "ap-singapore-1" not in key, "a key is good in every region"


# Tencent CPM


def test_cpm_zone_table(cpm: Catalogue) -> None:
    assert [(z.id, z.states) for z in cpm.zones] == [
        ("ap-beijing-1", {"cpm": State.OPEN}),
        ("ap-beijing-2", {"cpm": State.COMING_SOON}),
        ("ap-shanghai-1", {"cpm": State.OPEN}),
        ("ap-guangzhou-1", {"cpm": State.COMING_SOON}),
    ]
    assert cpm.products[0].kind is Kind.BARE_METAL
    assert set(reasons(world(["tencent-cpm"], groups=[one(kind="bare_metal")]))) == {
        "ap-beijing-2",
        "ap-guangzhou-1",
    }


def test_cpm_networks(cpm: Catalogue) -> None:
    networking = cpm.networking
    assert networking is not None
    assert networking.within_region
    assert networking.interconnection_on_request
    assert not networking.across_regions
    assert not networking.across_accounts
    assert not networking.peering
    assert all(link.private for link in cpm.links)


def test_cpm_balancer_binds_cpm_of_its_region(cpm: Catalogue) -> None:
    assert [(b.kind, b.scope, b.binds) for b in cpm.balancers] == [("bm_lb", Scope.REGIONAL, ["cpm"])]


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("cpm.region.isolation", {"regions_isolated": True}),
        ("cpm.region.coverage", {"in_china": ["North China", "East China"], "more_to_come": True}),
        ("cpm.zone.listed", {"table_holds": ["zones on sale", "zones under construction"]}),
        ("cpm.zone.isolation", {"independent": ["power", "network equipment"]}),
        (
            "cpm.zone.failure",
            {"failure_stays_in_zone": True, "except": ["large-scale disaster", "major power failure"]},
        ),
        ("cpm.zone.choice", {"chosen_at_purchase": True}),
        (
            "cpm.access.regions",
            {"private_by_default": False, "private_on_request": True, "same_account_only": True},
        ),
        ("cpm.access.accounts", {"private_between_accounts": False}),
        ("cpm.balancer.binding", {"binds": "cpm", "backends_of_own_region_only": True}),
        ("cpm.advice.nearest_region", {"for": ["access latency", "download speed"]}),
        ("cpm.advice.several_zones", {"spread_over": "zones"}),
    ],
)
def test_cpm_facts(cpm: Catalogue, fact: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= holds(cpm, fact).items()


@pytest.mark.parametrize("order", [["tencent-cvm", "tencent-cpm"], ["tencent-cpm", "tencent-cvm"]])
def test_combined_catalogues_keep_a_state_for_each_product(order: list[str]) -> None:
    both = world(order)
    zone = both.tree.by_id["ap-guangzhou-1"]
    assert both.tree.state(zone, "cvm") is State.SOLD_OUT
    assert both.tree.state(zone, "cpm") is State.COMING_SOON
    assert both.tree.state(both.tree.by_id["ap-beijing-1"], "cvm") is State.OPEN
    assert both.tree.state(both.tree.by_id["ap-beijing-1"], "cpm") is State.OPEN
    assert both.tree.state(both.tree.by_id["ap-guangzhou-2"], "cpm") is not State.OPEN, "CVM only"
    assert both.tree.state(both.tree.by_id["ap-beijing-2"], "cvm") is not State.OPEN, "CPM only"
    assert len(both.tree.domains_at("zone")) == 11
    assert both.balancer_kind("clb").binds == ["cvm"]
    assert both.balancer_kind("bm_lb").binds == ["cpm"]
    assert both.tree.service(both.tree.by_id["ap-hongkong-1"], "cloud_memcached") is Provision.MISSING


def test_a_balancer_of_one_product_does_not_bind_the_others() -> None:
    balancer = {"id": "clb-12345678", "kind": "clb", "region": "ap-beijing", "backends": ["web"]}
    both = world(
        ["tencent-cvm", "tencent-cpm"],
        groups=[one(product="cpm", kind="bare_metal")],
        load_balancers=[balancer],
    )
    beijing, shanghai = both.tree.by_id["ap-beijing-1"], both.tree.by_id["ap-shanghai-1"]
    zones = {"clb-12345678": (beijing,)}
    here = judge(View(both, [Row(0, beijing, 1)], balancer_zones=zones)).violations
    assert [v.message for v in here] == ["clb-12345678 (clb) binds cvm, not cpm"]
    there = judge(View(both, [Row(0, shanghai, 1)], balancer_zones=zones)).violations
    assert "backends of clb-12345678 must be in ap-beijing" in [v.message for v in there]


# VK Cloud


def test_vk_zones_and_their_data_centres(vk: Catalogue) -> None:
    assert [(z.id, z.parent, z.labels["datacentre"]) for z in vk.zones] == [
        ("GZ1", "vk-moscow", "Goznak"),
        ("MS1", "vk-moscow", "DataLine NORD4"),
        ("QAZ", "vk-kazakhstan", "QazCloud"),
    ]
    assert [(r.id, r.country) for r in vk.regions] == [("vk-moscow", "RU"), ("vk-kazakhstan", "KZ")]
    assert entry(vk.zones, "MS1").labels["alias"] == "ko1"
    assert holds(vk, "vk.zone.alias") == {"zone": "MS1", "also_called": ["ko1"]}
    assert holds(vk, "vk.zone.listed") == {"GZ1": "Goznak", "MS1": "DataLine NORD4", "QAZ": "QazCloud"}
    centres = holds(vk, "vk.zone.datacentres")
    assert (centres["least_per_zone"], centres["may_be_several"]) == (1, True)
    assert centres["independent"] == ["power", "cooling", "network"]
    assert "Prospekt Mira 105" in entry(vk.zones, "GZ1").labels["address"]
    assert "Korovinskoe" in entry(vk.zones, "MS1").labels["address"]
    assert "Kosshy" in entry(vk.zones, "QAZ").labels["address"]


def test_vk_network_is_fit_for_synchronous_replication_inside_a_region() -> None:
    of = world(["vk-cloud"])
    gz1, ms1, qaz = (of.tree.by_id[z] for z in ("GZ1", "MS1", "QAZ"))
    assert of.link(gz1, ms1, "synchronous") is True
    assert of.link(qaz, qaz, "synchronous") is True
    assert of.link(gz1, qaz, "synchronous") is None
    assert holds(shipped_catalogue("vk-cloud"), "vk.network.zones")["synchronous_replication"] is True


@pytest.mark.parametrize(
    ("kind", "scope", "assumed"),
    [
        ("instance", Scope.ZONAL, True),
        ("bucket", Scope.REGIONAL, False),
        ("vpc", Scope.REGIONAL, False),
        ("subnet", Scope.REGIONAL, True),
        ("disk", Scope.ZONAL, True),
        ("load_balancer", Scope.ZONAL, True),
        ("snapshot", Scope.REGIONAL, True),
        ("image", Scope.REGIONAL, True),
        ("elastic_ip", Scope.REGIONAL, True),
    ],
)
def test_vk_scopes(vk: Catalogue, kind: str, scope: Scope, assumed: bool) -> None:
    found: ResourceKind = entry(vk.resource_kinds, kind)
    assert found.scope is scope
    assert (found.source.assumption is not None) == assumed


def test_vk_balancer_is_zonal_by_assumption(vk: Catalogue) -> None:
    found: BalancerKind = entry(vk.balancers, "vk_lb")
    assert (found.scope, found.binds) == (Scope.ZONAL, ["vk_vm"])
    assert found.source.document is None


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("vk.zone.choice", {"region": "vk-moscow", "customer_chooses": True}),
        (
            "vk.resource.without_zone",
            {"examples": ["bucket", "vpc"], "moscow_bound_to_zone": False, "moscow_reach": "global"},
        ),
        ("vk.resource.without_zone_reach", {"moscow": "regional", "kazakhstan": "regional"}),
        ("vk.advice.several_zones", {"of": ["applications", "databases"]}),
        (
            "vk.live_migration",
            {
                "interrupts_users": False,
                "purposes": ["load_balancing", "maintenance", "power_management", "fault_tolerance"],
            },
        ),
        ("vk.live_migration.load_balancing", {"event": "rebalanced"}),
        ("vk.live_migration.maintenance", {"event": "drained"}),
        ("vk.live_migration.power_management", {"event": "consolidated"}),
        ("vk.live_migration.fault_tolerance", {"event": "suspect"}),
    ],
)
def test_vk_facts(vk: Catalogue, fact: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= holds(vk, fact).items()


def test_providers_side_by_side_do_not_take_each_others_instances() -> None:
    of = world(["tencent-cvm", "vk-cloud"], groups=[one(product="vk_vm")])
    open_to_it = {of.tree.nodes[s].id for s in of.tree.sites} - set(reasons(of))
    assert open_to_it == {"GZ1", "MS1", "QAZ"}


# Catalogues of one's own

OWN = """
estate: own
catalogues:
  - catalogue: acme
    provider: acme
    products:
      - {id: acme_vm, kind: vm, source: {document: handbook, place: page 1}}
    documents: {handbook: ACME handbook}
    regions:
      - id: north
        country: "NO"
        services: {object_storage: missing}
        source: {document: handbook, place: page 2}
    zones:
      - {id: north-a, in: north, states: {acme_vm: open}, source: {document: handbook, place: page 2}}
      - {id: north-b, in: north, states: {acme_vm: sold_out}, source: {document: handbook, place: page 2}}
    resource_kinds:
      - {kind: subnet, scope: regional, source: {assumption: as everywhere}}
      - kind: image
        scope: global
        id_prefix: pic
        service: object_storage
        source: {document: handbook, place: page 3}
    balancers:
      - {kind: front, scope: zonal, binds: [acme_vm], source: {document: handbook, place: page 4}}
    latencies:
      - {between: [north, north], rtt_ms: 1.5, source: {assumption: measured once}}
groups:
  - {id: web, count: 2, demand: {cpu_cores: 1}}
"""


def test_a_catalogue_written_in_the_estate_needs_no_code() -> None:
    own = resolve(estate_from_text(OWN))
    assert own.default_product == "acme_vm"
    assert reasons(own) == {"north-b": "is sold out for acme_vm"}
    assert own.scope("acme_vm", "subnet") is Scope.REGIONAL
    assert own.balancer_kind("front").scope is Scope.ZONAL
    a, b = (own.tree.by_id[z] for z in ("north-a", "north-b"))
    assert own.latency(a, b) == 1500


def test_a_service_that_a_catalogue_ties_to_a_kind_counts() -> None:
    text = OWN + "images: [{id: pic-12345678}]\n"
    own = resolve(estate_from_text(text.replace("{cpu_cores: 1}}", "{cpu_cores: 1}, image: pic-12345678}")))
    assert reasons(own)["north-a"] == "object_storage is missing here"


def test_an_estate_overrides_single_fields_of_a_shipped_catalogue() -> None:
    of = world(
        ["tencent-cvm"],
        groups=[one(), one(id="metal", product="cvm")],
        zones=[
            {"id": "ap-guangzhou-1", "states": {"cvm": "open"}},
            {"id": "ap-guangzhou-4", "in": "ap-guangzhou", "states": {"cvm": "open"}},
        ],
        regions=[{"id": "ap-hongkong", "services": {"cloud_block_storage": "provided"}}],
        latencies=[{"between": ["ap-guangzhou", "ap-guangzhou"], "rtt_ms": 1.1}],
    )
    assert "ap-guangzhou-1" not in reasons(of)
    first, fourth = of.tree.by_id["ap-guangzhou-1"], of.tree.by_id["ap-guangzhou-4"]
    assert of.tree.nodes[first].domain.parent == "ap-guangzhou", "what is not overridden stays"
    assert of.latency(first, fourth) == 1100
    hongkong = of.tree.by_id["ap-hongkong-1"]
    assert of.tree.service(hongkong, "cloud_block_storage") is Provision.PROVIDED
    assert of.tree.service(hongkong, "cloud_memcached") is Provision.MISSING


def test_a_later_catalogue_overrides_one_kind_and_leaves_the_others() -> None:
    own = {
        "catalogue": "mine",
        "provider": "tencent",
        "products": [{"id": "cvm", "kind": "vm", "source": {"assumption": "as shipped"}}],
        "resource_kinds": [
            {"kind": "disk", "scope": "zonal", "source": {"assumption": "our disks do not leave their zone"}}
        ],
    }
    of = world(["tencent-cvm", own], groups=[one()])
    assert of.scope("cvm", "disk") is Scope.ZONAL
    assert of.scope("cvm", "subnet") is Scope.ZONAL
    assert of.scope("cvm", "image") is Scope.REGIONAL
    assert of.resource_kind("cvm", "volume") is None


def test_an_unknown_catalogue_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"Maybe tencent-cvm\?"):
        world(["tencent-cmv"])


# Words


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", html.unescape(re.sub(r"<[^>]*>", " ", text)).lower())


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + length]) for i in range(len(found) - length + 1)}


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the source documents are not beside the repository")
def test_no_sentence_of_the_documents_is_copied() -> None:
    theirs = {run for path in SEEDS.glob("*.txt") for run in runs(path.read_text("utf-8"), 8)}
    assert len(theirs) > 1000
    ours = [ROOT / "models" / "catalogues" / f"{name}.yaml" for name in NAMES]
    pages = [ROOT / "docs" / name for name in ("catalogue.md", "recipes.md")]
    for path in (*ours, ROOT / "models" / "procedures.yaml", *pages):
        copied = runs(path.read_text("utf-8"), 8) & theirs
        assert not copied, f"{path.name}: {' '.join(sorted(copied)[0])}"


@pytest.mark.parametrize("name", NAMES)
def test_the_page_names_every_region_zone_kind_and_fact(name: str) -> None:
    page = (ROOT / "docs" / "catalogue.md").read_text("utf-8")
    catalogue = shipped_catalogue(name)
    for item in (*catalogue.regions, *catalogue.zones, *catalogue.facts, *catalogue.products):
        assert f"`{item.id}`" in page, item.id
    for kind in (*catalogue.resource_kinds, *catalogue.balancers):
        assert f"`{kind.kind}`" in page, kind.kind
    for what, source in entries_with_sources(catalogue):
        if source is not None and source.assumption and not what.startswith("recipes "):
            assert " ".join(source.assumption.split()) in " ".join(page.split()), source.assumption


def test_the_example_of_the_page_resolves() -> None:
    page = (ROOT / "docs" / "catalogue.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    estates = [block for block in blocks if block.startswith("estate:")]
    assert len(estates) == 2
    own = resolve(estate_from_text(estates[0]))
    assert own.scope("fjord_vm", "disk") is Scope.ZONAL
    assert reasons(own) == {"oslo-c": "is coming soon for fjord_vm"}
    assert own.warnings == ("disks: data is not in the provider's form (vol-xxxxxxxx)",)
    changed = resolve(estate_from_text(estates[1]))
    assert "ap-guangzhou-1" in reasons(changed)
    assert "ap-guangzhou-3" in reasons(changed)
    assert "ap-guangzhou-2" not in reasons(changed)
    assert changed.scope("cvm", "disk") is Scope.ZONAL


# Recipes


def recipe_sources(recipes: Iterable[Recipe]) -> Iterator[tuple[str, Source]]:
    for recipe in recipes:
        yield recipe.id, recipe.source
        for step in recipe.steps:
            if step.source is not None:
                yield f"{recipe.id}, {step.do.value}", step.source


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_and_step_names_its_source(name: str) -> None:
    catalogue = shipped_catalogue(name)
    assert catalogue.recipes
    for what, source in recipe_sources(catalogue.recipes):
        assert (source.document is None) == (source.place is None), what
        assert source.document in (None, *catalogue.documents), what
        assert source.document or source.assumption, what


def test_recipes_have_names_of_their_own_and_are_for_their_catalogue() -> None:
    seen: list[str] = [recipe.id for recipe in common_recipes()]
    for name in NAMES:
        catalogue = shipped_catalogue(name)
        products = [product.id for product in catalogue.products]
        for recipe in catalogue.recipes:
            assert recipe.products == products, recipe.id
            seen.append(recipe.id)
    assert len(seen) == len(set(seen))
    for recipe in common_recipes():
        assert recipe.source.document is None, "no document speaks of what no catalogue is for"
        assert recipe.source.assumption
        own_first = recipe.fallback or recipe.role == "operator" or recipe.kind == "resource"
        assert own_first, "a catalogue's own recipes come first"


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_on_migration_is_in_a_recipe_with_the_same_source(name: str) -> None:
    catalogue = shipped_catalogue(name)
    places = {source.place for _, source in recipe_sources(catalogue.recipes)}
    facts = [f for f in catalogue.facts if f.about in ("migration", "live_migration")]
    assert bool(facts) == (name != "tencent-cpm"), "only the document on CPM is silent"
    for fact in facts:
        place = fact.source.place or ""
        listed = place.startswith("Automigration, list") and "Automigration, first paragraph and list" in places
        assert place in places or listed, fact.id


def test_the_steps_of_the_document_are_those_of_the_recipe(cvm: Catalogue) -> None:
    """Step by step, in its order, with its conditions."""
    carry = next(recipe for recipe in cvm.recipes if recipe.id == "cvm-carry-subnet")
    numbered = [
        (s.source.place or "")[-1] for s in carry.steps if s.source and ", step " in (s.source.place or "")
    ]
    assert numbered == ["1", "4", "2", "5", "5", "3", "4"], "the subnet has to be empty before it is made again"
    replace = next(recipe for recipe in cvm.recipes if recipe.id == "cvm-replace")
    does = [step.do.value for step in replace.steps]
    wanted = ["create_image", "create_instance", "dissociate_address", "associate_address", "destroy_original"]
    assert [do for do in does if do in wanted] == wanted
    billed = {step.do.value: step.only_with for step in replace.steps}
    assert (billed["destroy_original"], billed["keep_original"]) == ("pay_as_you_go", "prepaid")


@pytest.mark.parametrize("name", [*NAMES, "common"])
def test_the_page_of_recipes_holds_them_all(name: str) -> None:
    page = " ".join((ROOT / "docs" / "recipes.md").read_text("utf-8").split())
    recipes = common_recipes() if name == "common" else tuple(shipped_catalogue(name).recipes)
    for recipe in recipes:
        assert f"#### {recipe.id} " in page
    for what, source in recipe_sources(recipes):
        if source.assumption:
            assert " ".join(source.assumption.split()) in page, what
