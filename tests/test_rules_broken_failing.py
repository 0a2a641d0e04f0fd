"""Latency, synchronous replicas and survival, each broken by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.broken import Raw, at, estate, findings, group, zone


def _far(rule: Raw, *groups: Raw, **fields: Any) -> Raw:
    """Zones of a are 1 ms apart, a and b 30 ms, zones of b an unknown time."""
    latencies = [{"between": ["a", "a"], "rtt_ms": 1}, {"between": ["a", "b"], "rtt_ms": 30}]
    rule = {"rule": "latency", "limit_ms": 2, **rule}
    return estate(rule, regions=2, groups=list(groups), latencies=[*latencies, *fields.pop("more", [])], **fields)


def test_latency_between_groups() -> None:
    """One web instance is 30 ms from the database."""
    data = _far({"between": ["web", "db"]}, group("web", 2), group("db", 1))
    assert findings(data, [at("web", "a2"), at("web", "b1"), at("db", "a1")]) == [("latency", "web", "b1", 1)]
    assert findings(data, [at("web", "a1"), at("web", "a2"), at("db", "a1")]) == []


def test_latency_that_nobody_states() -> None:
    """What is not known is too far; inside one zone it is near."""
    data = _far({"between": ["web", "web"]}, group("web", 2))
    assert findings(data, [at("web", "b1"), at("web", "b2")]) == [("latency", "web", "b1", 1)]
    assert findings(data, [at("web", "b1", 2)]) == []


def test_latency_inside_one_zone() -> None:
    """A stated round trip inside a zone counts."""
    inside = [{"between": ["a1", "a1"], "rtt_ms": 5}]
    data = _far({"between": ["web", "web"]}, group("web", 2), more=inside)
    assert findings(data, [at("web", "a1", 2)]) == [("latency", "web", "a1", 1)]


def test_latency_of_a_quorum() -> None:
    """Of five replicas the best leader, in a, has two near: one is missing from the majority of three."""
    data = _far({"quorum": "db"}, group("db", 5))
    placements = [at("db", "a1"), at("db", "a2"), at("db", "b1"), at("db", "b2", 2)]
    assert findings(data, placements) == [("latency", "db", "a1", 1)]
    assert findings(data, [at("db", "a1", 2), at("db", "a2"), at("db", "b1", 2)]) == []


def test_latency_of_a_quorum_with_its_leader() -> None:
    """The leader has to be in b1, where only one of three is near it."""
    data = _far({"quorum": "db", "leader": "b1"}, group("db", 3))
    assert findings(data, [at("db", "a1"), at("db", "a2"), at("db", "b1")]) == [("latency", "db", "b1", 1)]


def test_latency_of_a_quorum_under_failure() -> None:
    """Two of three are in a1: once it is lost, one is left of the majority of two."""
    data = _far({"quorum": "db", "under_failure": True}, group("db", 3))
    assert findings(data, [at("db", "a1", 2), at("db", "a2")]) == [("latency", "db", "a2", 1)]
    near = [{"between": [x, "b1"], "rtt_ms": 1} for x in ("a1", "a2")]
    data = _far({"quorum": "db", "under_failure": True}, group("db", 3), more=near)
    assert findings(data, [at("db", "a1"), at("db", "a2"), at("db", "b1")]) == []


def test_another_leads_when_the_leader_is_lost() -> None:
    """The leader's zone a1 is one of those that may fail; then a2 leads with b1 near."""
    near = [{"between": [x, "b1"], "rtt_ms": 1} for x in ("a1", "a2")]
    rule = {"quorum": "db", "leader": "a1", "under_failure": True}
    data = _far(rule, group("db", 3), more=near)
    assert findings(data, [at("db", "a1"), at("db", "a2"), at("db", "b1")]) == []


def _clients(**rule: Any) -> Raw:
    more = [{"between": ["north", "a"], "rtt_ms": 2}, {"between": ["south", "b"], "rtt_ms": 1}]
    clients = [{"id": "north"}, {"id": "south"}]
    shares = {"north": 0.5, "south": 0.5}
    return _far({"clients": "web", **rule}, group("web", 2, clients=shares), more=more, clients=clients)


def test_latency_to_clients() -> None:
    """All replicas are in a: clients in the south have none near."""
    assert findings(_clients(), [at("web", "a1", 2)]) == [("latency", "web", "south", 1)]
    assert findings(_clients(), [at("web", "a1"), at("web", "b1")]) == []


def test_latency_to_named_clients() -> None:
    """Only the locations that are named count."""
    assert findings(_clients(locations=["north"]), [at("web", "b1", 2)]) == [("latency", "web", "north", 1)]
    assert findings(_clients(locations=["north"]), [at("web", "a1", 2)]) == []


def test_latency_to_clients_under_failure() -> None:
    """Two zones of a serve the north; the south has one zone, and none once it is lost."""
    rule = {"locations": ["north"], "under_failure": True}
    assert findings(_clients(**rule), [at("web", "a1"), at("web", "a2")]) == []
    assert findings(_clients(**rule), [at("web", "a1"), at("web", "b1")]) == [("latency", "web", "north", 1)]


def test_synchronous_replicas() -> None:
    """The network between a1 and a2 is fit, what is said of a and b is not, of b's zones nothing is said."""
    links = [
        {"between": ["a1", "a2"], "synchronous": True},
        {"between": ["a", "b"], "synchronous": False, "private": True},
    ]
    data = estate({"rule": "synchronous_replicas"}, regions=2, links=links, groups=[group("db", 2)])
    assert findings(data, [at("db", "a1"), at("db", "a2")]) == []
    assert findings(data, [at("db", "a1"), at("db", "b1")]) == [("synchronous_replicas", "db", "a1", 1)]
    assert findings(data, [at("db", "b1"), at("db", "b2")]) == [("synchronous_replicas", "db", "b1", 1)]


@pytest.mark.parametrize(
    ("asked", "web", "amount"),
    [
        ({}, {}, 1),
        ({"keep": 2}, {}, 2),
        ({"keep_share": 0.5}, {}, 2),
        ({}, {"load": 250, "throughput": 100}, 3),
        ({}, {"quorum": "majority"}, 3),
        ({}, {"quorum": 2}, 2),
        ({"keep": 1}, {"quorum": 2}, 2),
    ],
)
def test_survive_static(asked: Raw, web: Raw, amount: int) -> None:
    """All four are in a1; when it is lost, none is left of what is needed."""
    data = estate({"rule": "survive", **asked}, groups=[group("web", 4, **web)])
    assert findings(data, [at("web", "a1", 4)]) == [("survive", "web", "a1", amount)]


def test_survive_static_of_backends() -> None:
    """A balancer needs two backends of the group, after a failure too."""
    lb = {"id": "lb", "kind": "any", "region": "a", "zones": ["a1"], "backends": ["web"], "least_backends": 2}
    data = estate({"rule": "survive"}, load_balancers=[lb], groups=[group("web", 4)])
    assert findings(data, [at("web", "a1", 3), at("web", "a2")]) == [("survive", "web", "a1", 1)]
    assert findings(data, [at("web", "a1", 2), at("web", "a2", 2)]) == []


def test_survive_static_of_two_zones() -> None:
    """Any two zones may be lost together: a1 with a2 leaves none."""
    data = estate({"rule": "survive", "lose": 2}, regions=2, groups=[group("web", 2)])
    assert findings(data, [at("web", "a1"), at("web", "a2")]) == [("survive", "web", "a1+a2", 1)]


def test_survive_static_of_named_domains() -> None:
    """Only the zone that is named may be lost."""
    data = estate({"rule": "survive", "domains": ["a1"]}, groups=[group("web", 2)])
    assert findings(data, [at("web", "a2", 2)]) == []
    assert findings(data, [at("web", "a1", 2)]) == [("survive", "web", "a1", 1)]


def test_survive_static_of_a_host() -> None:
    """Both are on one host of two in the zone."""
    data = estate({"rule": "survive", "level": "host"}, hosts=2, groups=[group("web", 2)])
    assert findings(data, [at("web", "a1-h1", 2)]) == [("survive", "web", "a1-h1", 1)]
    assert findings(data, [at("web", "a1-h1"), at("web", "a1-h2")]) == []


def _evacuate(*rules: Raw, count: int = 2, rule: Raw | None = None, **fields: Any) -> Raw:
    """Two zones of one core per instance and to spare, of which a1 may be lost."""
    survive = {"rule": "survive", "mode": "evacuate", "domains": ["a1"], **(rule or {})}
    data = estate(survive, *rules, **{"groups": [group("web", count, **fields.pop("web", {}))], **fields})
    zone(data, "a1")["capacity"] = {"cpu_cores": count}
    zone(data, "a2")["capacity"] = {"cpu_cores": count}
    return data


def _out(*placements: Raw, lost: str = "a1", signature: str = "zone-1-firm-of-a1") -> Raw:
    return {"scenarios": [{"signature": signature, "lost": [lost], "placements": list(placements)}]}


def test_evacuation_that_is_not_shown() -> None:
    """Two are displaced, the plan says nothing; with a witness it passes."""
    assert findings(_evacuate(), [at("web", "a1", 2)]) == [("survive", "web", "a1", 2)]
    assert findings(_evacuate(), [at("web", "a1", 2)], **_out(at("web", "a2", 2))) == []


def test_evacuation_to_the_lost_zone() -> None:
    """Nothing can be moved to what is lost."""
    assert findings(_evacuate(), [at("web", "a1", 2)], **_out(at("web", "a1", 2))) == [("survive", "web", "a1", 2)]


def test_evacuation_of_more_than_there_were() -> None:
    """One is displaced, two are said to be placed again."""
    placements = [at("web", "a1"), at("web", "a2")]
    assert findings(_evacuate(count=3), placements, **_out(at("web", "a2", 2))) == [("survive", "web", "a1", 1)]


def test_evacuation_beyond_capacity() -> None:
    """One core is left in a2, two are needed."""
    data = _evacuate(count=3)
    placements = [at("web", "a1", 1), at("web", "a2", 2)]
    assert findings(data, placements, **_out(at("web", "a2"))) == []
    zone(data, "a2")["capacity"] = {"cpu_cores": 2}
    assert findings(data, placements, **_out(at("web", "a2"))) == [("survive", None, "a1", 1000)]


def test_evacuation_to_stock_on_offer() -> None:
    """Stock that is only on offer takes no arrivals, unless the rule counts it; survivors keep theirs."""
    stock = {"cpu_milli": {"owned": 1000, "on_offer": 1000}}
    data = _evacuate(count=3)
    zone(data, "a2")["capacity"] = stock
    placements = [at("web", "a1", 2), at("web", "a2")]
    out = [at("web", "a2", 1)]
    assert findings(data, placements, **_out(*out))[-1] == ("survive", None, "a1", 1000)
    assert findings(data, [at("web", "a2", 2)]) == []
    data = _evacuate(rule={"on_offer": True})
    zone(data, "a2")["capacity"] = stock
    again = _out(at("web", "a2", 2), signature="zone-1-any-of-a1")
    assert findings(data, [at("web", "a1", 2)], **again) == []


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ({"rule": "anti_affinity", "level": "zone", "at_most": 3}, ("survive", "web", "a1", 1)),
        ({"rule": "quota", "domain": "a2", "most": 2}, ("survive", None, "a1", 2)),
        ({"rule": "pin", "domain": "a1"}, ("survive", "web", "a1", 2)),
        ({"rule": "spread", "least_domains": 2}, None),
    ],
)
def test_evacuation_under_the_other_rules(rule: Raw, broken: Any) -> None:
    """After a1 is lost all four are in a2: every hard rule holds, but least domains are counted before."""
    data = _evacuate(rule, count=4)
    placements = [at("web", "a1", 2), at("web", "a2", 2)]
    if rule["rule"] == "pin":
        placements = [at("web", "a1", 2)]
    found = findings(data, placements, **_out(at("web", "a2", 2)))
    assert found == ([broken] if broken else [])


@pytest.mark.parametrize(
    ("web", "snapshot", "recovers"),
    [
        ({"stateful": True}, {}, False),
        ({"stateful": True, "snapshots": ["s"]}, {"zone": "a1"}, False),
        ({"stateful": True, "snapshots": ["s"]}, {"zone": "a2"}, True),
        ({"stateful": True, "snapshots": ["s"]}, {"region": "a"}, True),
        ({"movability": {"local_disk": True}}, {}, True),
    ],
)
def test_evacuation_of_what_has_data(web: Raw, snapshot: Raw, recovers: bool) -> None:
    """Who has data needs a copy that outlives the zone."""
    data = _evacuate(web=web, snapshots=[{"id": "s", **snapshot}])
    found = findings(data, [at("web", "a1", 2)], **_out(at("web", "a2", 2)))
    assert found == ([] if recovers else [("survive", "web", "a1", 2)])


def test_evacuation_of_what_is_pinned() -> None:
    """Two pinned instances are where they belong; once that is lost, they are."""
    data = _evacuate(web={"pinned": True, "current": {"a1": 2}})
    assert findings(data, [at("web", "a1", 2)]) == [("survive", "web", "a1", 2)]


@pytest.mark.parametrize(("local", "recovers"), [(True, False), (False, True)])
def test_evacuation_of_a_host(local: bool, recovers: bool) -> None:
    """Below the zone the disks outlive a host, unless they are local."""
    rule = {"level": "host", "domains": ["a1-h1"]}
    web = {"stateful": True, "movability": {"local_disk": local}}
    data = _evacuate(rule=rule, hosts=2, web=web)
    out = _out(at("web", "a1-h2", 2), lost="a1-h1", signature="host-1-firm-of-a1-h1")
    found = findings(data, [at("web", "a1-h1", 2)], **out)
    assert found == ([] if recovers else [("survive", "web", "a1-h1", 2)])


def test_evacuation_of_groups_that_nobody_asked_for() -> None:
    """Only the group of the rule is evacuated: another one cannot be placed again at its expense."""
    data = _evacuate(rule={"groups": ["web"]}, groups=[group("web", 1), group("job", 1)])
    placements = [at("web", "a1"), at("job", "a1")]
    zone(data, "a1")["capacity"] = zone(data, "a2")["capacity"] = {"cpu_cores": 2}
    assert findings(data, placements, **_out(at("web", "a2"))) == []
    both = _out(at("web", "a2"), at("job", "a2"))
    assert findings(data, placements, **both) == [("survive", "job", "a1", 1)]


def _rated(target: float | None = None, asked: float | None = None, **web: Any) -> Raw:
    """Every zone is down for a thousandth of the time, their region for a ten-thousandth."""
    rule: Raw = {"rule": "availability"} | ({"at_least": asked} if asked is not None else {})
    fields = {"targets": {"availability": target}} if target is not None else {}
    data = estate(rule, groups=[group("web", 4, **fields, **web)])
    for domain in data["zones"]:
        domain |= {"failures_per_year": 1, "hours_to_repair": 8.76}
    for domain in data["regions"]:
        domain |= {"failures_per_year": 0.1, "hours_to_repair": 8.76}
    return data


def test_availability_of_one_zone() -> None:
    """Up for 0.9999 x 0.999 = 0.9989001 of the time: 99,900 billionths are missing."""
    assert findings(_rated(asked=0.999), [at("web", "a1", 4)]) == [("availability", "web", None, 99_900)]


def test_availability_of_two_zones() -> None:
    """One of four is enough: both zones are down for a millionth of the time; the region counts in any case."""
    placements = [at("web", "a1", 2), at("web", "a2", 2)]
    assert findings(_rated(asked=0.9998), placements) == []
    assert findings(_rated(asked=0.99991), placements) == [("availability", "web", None, 11_000)]


def test_availability_of_who_needs_both_zones() -> None:
    """Three of four have to remain: 0.9999 x 0.998001 = 0.9979011999; a fifth of a billionth is forgiven."""
    placements = [at("web", "a1", 2), at("web", "a2", 2)]
    data = _rated(asked=0.998, load=3, throughput=1)
    assert findings(data, placements) == [("availability", "web", None, 98_800)]


def test_availability_by_the_groups_own_target() -> None:
    """A group without a target is not concerned; what is asked by the rule counts before the group's own."""
    assert findings(_rated(), [at("web", "a1", 4)]) == []
    assert findings(_rated(target=0.999), [at("web", "a1", 4)]) == [("availability", "web", None, 99_900)]
    assert findings(_rated(target=0.999, asked=0.9), [at("web", "a1", 4)]) == []


def test_availability_of_who_is_not_placed() -> None:
    """Nobody is there to be up."""
    found = findings(_rated(asked=0.999), [])
    assert [entry for entry in found if entry[0] == "availability"] == []
