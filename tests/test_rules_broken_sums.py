"""Capacity, load, quota and budget, each broken by hand: the check names that rule and nothing else."""

from __future__ import annotations

from tests.broken import at, catalogue, estate, findings, group, zone


def test_capacity_of_a_zone() -> None:
    """Three cores in a zone of two are 1,000 milli-cores too many."""
    data = estate(groups=[group("web", 3)])
    zone(data, "a1")["capacity"] = {"cpu_cores": 2}
    assert findings(data, [at("web", "a1", 3)]) == [("capacity", None, "a1", 1000)]
    assert findings(data, [at("web", "a1", 2), at("web", "a2", 1)]) == []


def test_capacity_of_a_region() -> None:
    """A region's limit counts all of its zones."""
    data = estate(groups=[group("web", 3)])
    zone(data, "a")["capacity"] = {"cpu_cores": 2}
    assert findings(data, [at("web", "a1", 2), at("web", "a2", 1)]) == [("capacity", None, "a", 1000)]


def test_capacity_reserve_and_overcommit() -> None:
    """Usable is (4 - 1) x 1.5 = 4.5 cores: five are half a core too many."""
    data = estate(groups=[group("web", 5)])
    zone(data, "a1").update(capacity={"cpu_cores": 4}, reserve={"cpu_cores": 1}, overcommit={"cpu_milli": 1.5})
    assert findings(data, [at("web", "a1", 5)]) == [("capacity", None, "a1", 500)]
    assert findings(data, [at("web", "a1", 4), at("web", "a2", 1)]) == []


def test_capacity_counts_owned_reserved_and_on_offer() -> None:
    """In normal operation all three kinds of stock can be used: 1 + 1 + 1 cores."""
    data = estate(groups=[group("web", 4)])
    zone(data, "a1")["capacity"] = {"cpu_milli": {"owned": 1000, "reserved": 1000, "on_offer": 1000}}
    assert findings(data, [at("web", "a1", 4)]) == [("capacity", None, "a1", 1000)]
    assert findings(data, [at("web", "a1", 3), at("web", "a2", 1)]) == []


def test_capacity_of_a_flavour() -> None:
    """Two of a flavour with one in stock."""
    data = estate(flavours=[{"id": "S2", "resources": {"cpu_cores": 2}}], groups=[group("web", 2, flavour="S2")])
    zone(data, "a1")["flavours"] = {"S2": 1}
    assert findings(data, [at("web", "a1", 2)]) == [("capacity", None, "a1", 1)]


def test_capacity_most_instances() -> None:
    """A host that takes two instances has three."""
    data = estate(hosts=1, groups=[group("web", 3)])
    zone(data, "a1-h1")["most_instances"] = 2
    assert findings(data, [at("web", "a1-h1", 3)]) == [("capacity", None, "a1-h1", 1)]


def test_load_of_a_zone() -> None:
    """Of ten cores 60 % may be used: seven are one too many."""
    data = estate({"rule": "load", "level": "zone", "most_share": 0.6}, groups=[group("web", 7)])
    zone(data, "a1")["capacity"] = {"cpu_cores": 10}
    assert findings(data, [at("web", "a1", 7)]) == [("load", None, "a1", 1000)]
    assert findings(data, [at("web", "a1", 6), at("web", "a2", 1)]) == []


def test_load_of_one_resource() -> None:
    """Only memory is limited; the cores of the zone may be used up."""
    demand = {"cpu_milli": 1000, "memory_mib": 1024}
    rule = {"rule": "load", "level": "zone", "most_share": 0.5, "resources": ["memory_mib"]}
    data = estate(rule, groups=[group("web", 3, demand=demand)])
    zone(data, "a1")["capacity"] = {"cpu_cores": 3, "memory_gib": 4}
    assert findings(data, [at("web", "a1", 3)]) == [("load", None, "a1", 1024)]


def test_quota_of_instances_in_a_domain() -> None:
    """Three instances in a zone with a quota of two."""
    data = estate({"rule": "quota", "domain": "a1", "most": 2}, groups=[group("web", 2), group("db", 2)])
    assert findings(data, [at("web", "a1", 2), at("db", "a1", 1), at("db", "a2")]) == [("quota", None, "a1", 1)]
    assert findings(data, [at("web", "a1", 2), at("db", "a2", 2)]) == []


def test_quota_of_a_resource() -> None:
    """Four cores where three are allowed anywhere."""
    data = estate({"rule": "quota", "resource": "cpu_milli", "most": 3000}, groups=[group("web", 4)])
    assert findings(data, [at("web", "a1", 2), at("web", "a2", 2)]) == [("quota", None, None, 1000)]


def test_quota_of_a_flavour() -> None:
    """Only instances of the flavour count."""
    flavours = [{"id": "S2", "resources": {"cpu_cores": 2}}]
    rule = {"rule": "quota", "domain": "a", "flavour": "S2", "most": 1}
    data = estate(rule, flavours=flavours, groups=[group("web", 2, flavour="S2"), group("db", 3)])
    assert findings(data, [at("web", "a1", 2), at("db", "a1", 3)]) == [("quota", None, "a", 1)]


def test_quota_of_an_account() -> None:
    """Only instances of the account count."""
    accounts = [{"id": "main"}, {"id": "other"}]
    rule = {"rule": "quota", "domain": "a", "account": "other", "most": 1}
    data = estate(rule, accounts=accounts, groups=[group("web", 2, account="other"), group("db", 3)])
    assert findings(data, [at("web", "a1", 2), at("db", "a1", 3)]) == [("quota", None, "a", 1)]


def test_quota_of_a_product() -> None:
    """Only instances of the product count."""
    rule = {"rule": "quota", "domain": "a", "product": "metal", "most": 1}
    groups = [group("web", 2), group("db", 2, product="metal")]
    data = estate(rule, catalogues=[catalogue()], groups=groups)
    assert findings(data, [at("web", "a1", 2), at("db", "a1", 2)]) == [("quota", None, "a", 1)]


def test_quota_of_labelled_groups() -> None:
    """Only groups that carry the labels count."""
    rule = {"rule": "quota", "domain": "a", "with_labels": {"tier": "front"}, "most": 1}
    groups = [group("web", 2, labels={"tier": "front"}), group("db", 2)]
    assert findings(estate(rule, groups=groups), [at("web", "a1", 2), at("db", "a1", 2)]) == [
        ("quota", None, "a", 1)
    ]


def test_budget() -> None:
    """Two cores at 10 a month each cost 20, the budget is 15: 5.0000 too much."""
    data = estate({"rule": "budget", "per_month": 15}, groups=[group("web", 2)])
    zone(data, "a1")["price"] = {"cpu_cores": 10}
    assert findings(data, [at("web", "a1", 2)]) == [("budget", None, None, 50_000)]
    assert findings(data, [at("web", "a1"), at("web", "a2")]) == []


def test_budget_of_a_domain() -> None:
    """Only what is inside counts."""
    data = estate({"rule": "budget", "per_month": 15, "domain": "a2"}, groups=[group("web", 4)])
    zone(data, "a")["price"] = {"cpu_cores": 10}
    placements = [at("web", "a1", 2), at("web", "a2", 2)]
    assert findings(data, placements) == [("budget", None, "a2", 50_000)]


def test_budget_leaves_out_what_is_prepaid_and_stays() -> None:
    """Two prepaid instances that stay cost nothing more; one that moved costs its new price."""
    billing = {"mode": "prepaid", "paid_until": "2026-01-01T00:00:00Z"}
    groups = [group("web", 2, billing=billing, current={"a1": 2})]
    data = estate({"rule": "budget", "per_month": 5}, taken_at="2025-01-01T00:00:00Z", groups=groups)
    zone(data, "a")["price"] = {"cpu_cores": 10}
    assert findings(data, [at("web", "a1", 2)]) == []
    assert findings(data, [at("web", "a1"), at("web", "a2")]) == [("budget", None, None, 50_000)]


def test_a_soft_rule_is_reported_and_does_not_break_the_plan() -> None:
    """A wish that is not met is listed with its amount; only hard rules make a plan invalid."""
    soft = {"rule": "quota", "domain": "a1", "most": 2, "soft": {"weight": 3}}
    data = estate(soft, groups=[group("web", 3)])
    assert findings(data, [at("web", "a1", 3)]) == [("quota", None, "a1", 1)]


def test_load_beyond_what_is_safe() -> None:
    """One zone calls two cores safe, the other says nothing: three here are one too many, there none."""
    data = estate({"rule": "load", "level": "zone"}, groups=[group("web", 3)])
    zone(data, "a1").update(capacity={"cpu_cores": 10}, safe={"cpu_cores": 2})
    assert findings(data, [at("web", "a1", 3)]) == [("load", None, "a1", 1000)]
    assert findings(data, [at("web", "a2", 3)]) == []


def test_free_ratio() -> None:
    """Of four cores and 8 GiB one core and 6 GiB are free: 2 GiB a core would do, 8 are asked."""
    demand = {"cpu_milli": 3000, "memory_mib": 2048}
    rule = {"rule": "free_ratio", "level": "zone", "resource": "cpu_milli", "ratio": 8, "beside": "memory_mib"}
    data = estate(rule, groups=[group("web", 1, demand=demand)])
    zone(data, "a1")["capacity"] = {"cpu_milli": 4000, "memory_mib": 8192}
    assert findings(data, [at("web", "a1")]) == [("free_ratio", None, "a1", 8 * 1000 - 6144)]
    assert findings(data, []) == [("free_ratio", None, "a1", 8 * 4000 - 8192)]
