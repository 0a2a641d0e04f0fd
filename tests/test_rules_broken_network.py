"""Networks, subnets and load balancers, each broken by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.broken import SOURCE, Raw, at, catalogue, estate, findings, group, scope, zone


def test_no_network_in_the_region() -> None:
    """A group's only network is in region a; one of its instances is in b."""
    data = estate(regions=2, vpcs=[{"id": "v", "region": "a"}], groups=[group("web", 2, vpcs=["v"])])
    assert findings(data, [at("web", "a1"), at("web", "b1")]) == [("network", "web", "b", 1)]


def test_network_of_another_account() -> None:
    """A network in the right region that belongs to somebody else."""
    accounts = [{"id": "main"}, {"id": "other"}]
    vpcs = [{"id": "v", "region": "a", "account": "other"}]
    data = estate(accounts=accounts, vpcs=vpcs, groups=[group("web", 1, vpcs=["v"])])
    assert findings(data, [at("web", "a1")]) == [("network", "web", "a", 1)]


def _chain(**fields: Any) -> Raw:
    vpcs = [{"id": "va", "region": "a"}, {"id": "vb", "region": "b"}]
    groups = [group("web", 1, vpcs=["va"]), group("db", 1, vpcs=["vb"])]
    service = {"id": "shop", "chain": ["web", "db"]}
    return estate(regions=2, **{"vpcs": vpcs, "groups": groups, "services": [service], **fields})


def test_a_caller_reaches_nobody_across_regions() -> None:
    """Networks of different regions are not peered: the caller in a reaches nothing in b."""
    assert findings(_chain(), [at("web", "a1"), at("db", "b1")]) == [("network", "web", "a", 1)]


@pytest.mark.parametrize(
    "fields",
    [
        {"peerings": [{"between": ["va", "vb"]}]},
        {"links": [{"between": ["a", "b"], "private": True}]},
        {"services": [{"id": "shop", "chain": ["web", "db"], "public": True}]},
    ],
)
def test_a_caller_reaches_what_is_peered_linked_or_public(fields: Raw) -> None:
    """Peering, an interconnection, or public addresses make the same plan pass."""
    assert findings(_chain(**fields), [at("web", "a1"), at("db", "b1")]) == []


def test_networks_that_are_not_peered_inside_a_region() -> None:
    """Two networks of one region do not reach each other by themselves."""
    vpcs = [{"id": "va", "region": "a"}, {"id": "vb", "region": "a"}]
    data = _chain(vpcs=vpcs)
    assert findings(data, [at("web", "a1"), at("db", "a1")]) == [("network", "web", "a", 1)]


def test_accounts_never_reach_each_other() -> None:
    """The called group belongs to another account: even a peering does not help."""
    groups = [group("web", 1, vpcs=["va"]), group("db", 1, vpcs=["vb"], account="other")]
    data = _chain(accounts=[{"id": "main"}, {"id": "other"}], groups=groups, peerings=[{"between": ["va", "vb"]}])
    assert findings(data, [at("web", "a1"), at("db", "b1")]) == [("network", "web", "a", 1)]


def _subnets(*subnets: Raw, reach: str = "zonal", count: int = 2, kept: int = 0, **fields: Any) -> Raw:
    """A group in one network of region a, whose subnets are zonal unless said otherwise."""
    names: Raw = {"vpcs": [{"id": "v", "region": "a", "cidr": "10.0.0.0/27", **fields.pop("vpc", {})}]}
    catalog = scope("subnet", reach)
    if kept:
        catalog["addressing"] = {"reserved_per_subnet": kept, "source": SOURCE}
    groups = [group("web", count, vpcs=["v"], **fields.pop("web", {}))]
    return estate(catalogues=[catalog], subnets=list(subnets), groups=groups, **names, **fields)


S1: Raw = {"id": "s1", "vpc": "v", "cidr": "10.0.0.0/29", "zone": "a1"}
S2: Raw = {"id": "s2", "vpc": "v", "cidr": "10.0.0.8/29", "zone": "a2"}


def test_an_instance_in_no_subnet() -> None:
    """The network has subnets, so an instance has to sit in one."""
    data = _subnets(S1, S2)
    assert findings(data, [at("web", "a1", 2)]) == [("subnet", "web", "a1", 2)]
    assert findings(data, [at("web", "a1", 2, "s1")]) == []


def test_a_subnet_of_another_zone() -> None:
    """A zonal subnet reaches its own zone only."""
    placements = [at("web", "a1", 1, "s1"), at("web", "a2", 1, "s1")]
    assert findings(_subnets(S1, S2), placements) == [("subnet", "web", "a2", 1)]


def test_a_subnet_of_another_network() -> None:
    """The subnet belongs to a network that the group is not in."""
    data = _subnets(S1, {**S2, "vpc": "w"})
    data["vpcs"].append({"id": "w", "region": "a"})
    assert findings(data, [at("web", "a2", 2, "s2")]) == [("subnet", "web", "a2", 2)]


def test_a_subnet_that_the_group_may_not_use() -> None:
    """A group may be restricted to some subnets."""
    other = {"id": "s3", "vpc": "v", "cidr": "10.0.0.16/29", "zone": "a1"}
    data = _subnets(S1, other, web={"subnets": ["s1"]})
    assert findings(data, [at("web", "a1", 2, "s3")]) == [("subnet", "web", "a1", 2)]


def test_a_full_subnet() -> None:
    """Of 8 addresses the provider keeps 3, 1 is reserved and 2 are used: the third instance has none."""
    data = _subnets({**S1, "reserved": 1, "used": 2}, count=3, kept=3)
    assert findings(data, [at("web", "a1", 3, "s1")]) == [("subnet", None, "a1", 1)]


def test_a_balancer_takes_an_address() -> None:
    """Of 8 addresses 6 are used and one is the balancer's: one is left for two instances."""
    lb = {"id": "lb", "kind": "any", "region": "a", "zones": ["a1"], "internal": True, "subnet": "s1"}
    data = _subnets({**S1, "used": 6}, load_balancers=[lb])
    assert findings(data, [at("web", "a1", 2, "s1")]) == [("subnet", None, "a1", 1)]


def test_a_regional_subnet_reaches_every_zone() -> None:
    """Where subnets are regional, one without a zone serves them all; a full one is still full."""
    subnet = {"id": "s", "vpc": "v", "cidr": "10.0.0.0/29", "used": 7}
    data = _subnets(subnet, reach="regional")
    placements = [at("web", "a1", 1, "s"), at("web", "a2", 1, "s")]
    assert findings(data, placements) == [("subnet", None, None, 1)]


def test_a_zonal_subnet_needs_a_zone() -> None:
    """A subnet without a zone takes nobody until the plan gives it one."""
    data = _subnets({"id": "s", "vpc": "v", "cidr": "10.0.0.0/29"})
    placements = [at("web", "a1", 2, "s")]
    assert findings(data, placements) == [("subnet", "web", "a1", 2)]
    assert findings(data, placements, subnets=[{"subnet": "s", "zone": "a1"}]) == []


def test_a_subnet_that_exists_stays_in_its_zone() -> None:
    """The plan says that s1 goes to a2: it cannot."""
    moved = [{"subnet": "s1", "zone": "a2"}]
    assert findings(_subnets(S1, S2), [at("web", "a1", 2, "s1")], subnets=moved) == [("subnet", None, "a1", 1)]


@pytest.mark.parametrize("cidr", [None, "10.0.0.0/29", "10.0.1.0/29", "10.0.0.16/28"])
def test_the_block_of_a_subnet_to_be_cut(cidr: str | None) -> None:
    """It has to have a block of its length inside the network that overlaps nothing; 10.0.0.8/29 would do."""
    data = _subnets({"id": "new", "vpc": "v", "prefix": 29}, {**S1, "zone": "a2"})
    placements = [at("web", "a1", 2, "new")]
    chosen = {"subnet": "new", "zone": "a1", "cidr": cidr}
    assert findings(data, placements, subnets=[chosen]) == [("subnet", None, "a1", 1)]
    assert findings(data, placements, subnets=[{**chosen, "cidr": "10.0.0.8/29"}]) == []


@pytest.mark.parametrize("cidr", ["10.0.0.0/29", "10.0.0.32/29", "10.0.0.16/28"])
def test_the_block_of_a_new_subnet(cidr: str) -> None:
    """A new subnet overlaps an old one, lies outside the network, or has another length than asked."""
    data = _subnets({**S1, "zone": "a2"}, vpc={"new_subnet_prefix": 29})
    new = {"id": "n", "vpc": "v", "zone": "a1", "cidr": cidr}
    placements = [at("web", "a1", 2, "n")]
    assert findings(data, placements, new_subnets=[new]) == [("subnet", None, "a1", 1)]
    assert findings(data, placements, new_subnets=[{**new, "cidr": "10.0.0.8/29"}]) == []


def test_new_subnets_only_where_the_network_allows() -> None:
    """The network does not let the planner cut subnets."""
    new = {"id": "n", "vpc": "v", "zone": "a1", "cidr": "10.0.0.8/29"}
    placements = [at("web", "a1", 2, "n")]
    assert findings(_subnets(S1), placements, new_subnets=[new]) == [("subnet", None, "a1", 1)]


def test_growth_of_a_new_subnet() -> None:
    """Of 8 addresses the provider keeps 3; with room to grow by 1.5 the other 5 are for 2 instances."""
    data = _subnets(S1, count=3, kept=3, vpc={"new_subnet_prefix": 29, "growth": 1.5})
    new = {"id": "n", "vpc": "v", "zone": "a2", "cidr": "10.0.0.8/29"}
    assert findings(data, [at("web", "a2", 3, "n")], new_subnets=[new]) == [("subnet", None, "a2", 1)]


def _balanced(lb: Raw, count: int = 4, regions: int = 1, **fields: Any) -> Raw:
    groups = [group("web", count, **fields.pop("web", {}))]
    balancer = {"id": "lb", "kind": "clb", "backends": ["web"], **lb}
    return estate(regions=regions, load_balancers=[balancer], **{"groups": groups, **fields})


def test_a_balancer_binds_its_own_products() -> None:
    """A balancer for machines cannot have metal behind it."""
    kinds = [{"kind": "clb", "scope": "regional", "binds": ["vm"], "source": SOURCE}]
    data = _balanced(
        {"region": "a", "zones": ["a1"]}, web={"product": "metal"}, catalogues=[catalogue(balancers=kinds)]
    )
    assert findings(data, [at("web", "a1", 4)]) == [("load_balancer", "web", "a", 4)]


def test_a_balancer_of_another_account() -> None:
    """Backends and balancer belong to one account."""
    accounts = [{"id": "main"}, {"id": "other"}]
    data = _balanced({"region": "a", "zones": ["a1"], "account": "other"}, accounts=accounts)
    assert findings(data, [at("web", "a1", 4)]) == [("load_balancer", "web", "a", 4)]


def test_backends_outside_the_region() -> None:
    """One of four backends is in another region."""
    data = _balanced({"region": "a", "zones": ["a1"]}, regions=2)
    assert findings(data, [at("web", "a1", 3), at("web", "b1")]) == [("load_balancer", "web", "b", 1)]


def test_least_backends() -> None:
    """Five are asked, there are four."""
    data = _balanced({"region": "a", "zones": ["a1"], "least_backends": 5})
    assert findings(data, [at("web", "a1", 4)]) == [("load_balancer", "web", "a", 1)]


def test_least_backends_per_zone() -> None:
    """Two per zone are asked, one is in the second; nothing is asked of zones that it does not serve."""
    data = _balanced({"region": "a", "zones": ["a1", "a2"], "least_per_zone": 2})
    assert findings(data, [at("web", "a1", 3), at("web", "a2")]) == [("load_balancer", "web", "a2", 1)]
    data = _balanced({"region": "a", "zones": ["a1"], "least_per_zone": 2})
    assert findings(data, [at("web", "a1", 3), at("web", "a2")]) == []


def test_a_balancer_serves_from_as_many_zones_as_asked() -> None:
    """The plan has to choose two zones; it chose one."""
    data = _balanced({"region": "a", "zone_count": 2})
    one = [{"balancer": "lb", "zones": ["a1"]}]
    assert findings(data, [at("web", "a1", 4)], balancers=one) == [("load_balancer", None, "a", 1)]


def test_a_balancer_serves_from_zones_that_run() -> None:
    """A zone that is not open yet serves nothing; one of another region neither."""
    data = _balanced({"region": "a"}, regions=2)
    zone(data, "a2")["state"] = "coming_soon"
    for name in ("a2", "b1"):
        chosen = [{"balancer": "lb", "zones": [name]}]
        assert findings(data, [at("web", "a1", 4)], balancers=chosen) == [("load_balancer", None, name, 1)]


def test_a_balancer_serves_from_zones_of_its_account() -> None:
    """A finance zone needs the entitlement for the balancer as well."""
    data = _balanced({"region": "a"})
    zone(data, "a2")["requires"] = ["finance"]
    chosen = [{"balancer": "lb", "zones": ["a2"]}]
    assert findings(data, [at("web", "a1", 4)], balancers=chosen) == [("load_balancer", None, "a2", 1)]


def test_the_address_of_an_internal_balancer() -> None:
    """Its address is in a subnet of a2, but it serves from a1."""
    lb = {"region": "a", "zones": ["a1"], "internal": True, "subnet": "s2"}
    data = _balanced(lb, catalogues=[scope("subnet", "zonal")], vpcs=[{"id": "v", "region": "a"}], subnets=[S2])
    data["catalogues"][0]["balancers"] = [{"kind": "clb", "scope": "regional", "binds": ["vm"], "source": SOURCE}]
    assert findings(data, [at("web", "a1", 4)]) == [("load_balancer", None, "a2", 1)]
