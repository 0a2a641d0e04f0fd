"""Kinds of clashes to plant: each adds groups and rules that cannot all hold, and says what resolves it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from zonewright.instances.clashing import LOCKED, ClashingEstate, Ground, Member, Planted, fact, limit, placed

#: Adds a clash to an estate.
Kind = Callable[[Ground], Planted]
ByZone = dict[str, dict[str, int]]


def _planted(ground: Ground, kind: str, releases: dict[Member, ByZone]) -> Planted:
    at = {member: ground.at(where) for member, where in releases.items()}
    return Planted(kind, frozenset(releases), at)


def too_few_domains(ground: Ground) -> Planted:
    """Three zones are asked for, two allowed."""
    g = ground.group(3)
    spread: Member = (ground.rule("spread", groups=[g], least_domains=3), g, None, None)
    return _planted(
        ground,
        "too_few_domains",
        {
            placed(g): {},
            spread: {g: {"z1": 2, "z2": 1}},
            ground.only(g, "z1", "z2"): {g: {"z1": 1, "z2": 1, "z3": 1}},
        },
    )


def anti_affinity(ground: Ground) -> Planted:
    """At most one in each of two zones, and three of them."""
    g = ground.group(3)
    apart: Member = (ground.rule("anti_affinity", groups=[g], level="zone"), g, None, None)
    return _planted(
        ground,
        "anti_affinity",
        {
            placed(g): {},
            apart: {g: {"z1": 2, "z2": 1}},
            ground.only(g, "z1", "z2"): {g: {"z1": 1, "z2": 1, "z3": 1}},
        },
    )


def capacity(ground: Ground) -> Planted:
    """One instance needs more than the only zone that it may use has."""
    g = ground.group(1, more={"gpu_cards": 5})
    return _planted(
        ground,
        "capacity",
        {
            placed(g): {},
            ground.only(g, "z1"): {g: {"z3": 1}},
            limit("z1", "gpu_milli"): {g: {"z1": 1}},
        },
    )


def capacity_together(ground: Ground) -> Planted:
    """Of three groups any two fit into the zone that all of them need."""
    a, b, c = (ground.group(1, more={"gpu_cards": 2}) for _ in range(3))
    only = [ground.only(g, "z2") for g in (a, b, c)]
    here: ByZone = {g: {"z2": 1} for g in (a, b, c)}
    releases: dict[Member, ByZone] = {limit("z2", "gpu_milli"): here}
    for g, rule in zip((a, b, c), only, strict=True):
        rest = {other: where for other, where in here.items() if other != g}
        releases[placed(g)] = rest
        releases[rule] = {**rest, g: {"z3": 1}}
    return _planted(ground, "capacity_together", releases)


def stock(ground: Ground) -> Planted:
    """Three of a flavour are wanted where two are in stock."""
    g = ground.group(3, flavour="slim")
    return _planted(
        ground,
        "stock",
        {
            placed(g): {},
            ground.only(g, "z2"): {g: {"z2": 2, "z3": 1}},
            limit("z2", "slim"): {g: {"z2": 3}},
        },
    )


def load(ground: Ground) -> Planted:
    """Every zone has what it takes, but half of it is to stay free."""
    g = ground.group(1, more={"licences": 5})
    half: Member = (
        ground.rule("load", level="zone", resources=["licences"], most_share=0.5), None, None, None
    )  # fmt: skip
    return _planted(ground, "load", {placed(g): {}, half: {g: {"z3": 1}}})


def quota(ground: Ground) -> Planted:
    """Two groups of two share a quota of three."""
    g, h = ground.group(2), ground.group(2)
    most: Member = (ground.rule("quota", groups=[g, h], most=3), None, None, None)
    return _planted(
        ground,
        "quota",
        {placed(g): {h: {"z1": 2}}, placed(h): {g: {"z1": 2}}, most: {g: {"z1": 2}, h: {"z2": 2}}},
    )


def budget(ground: Ground) -> Planted:
    """Three cores cost two each wherever they are, five may be spent."""
    g = ground.group(3)
    most: Member = (ground.rule("budget", groups=[g], per_month=5), None, None, None)
    return _planted(ground, "budget", {placed(g): {}, most: {g: {"z1": 3}}})


def affinity(ground: Ground) -> Planted:
    """Two groups belong together and are bound to different zones."""
    g, h = ground.group(2), ground.group(1)
    together: Member = (ground.rule("affinity", groups=[g, h], level="zone"), None, None, None)
    return _planted(
        ground,
        "affinity",
        {
            placed(g): {h: {"z2": 1}},
            placed(h): {g: {"z1": 2}},
            together: {g: {"z1": 2}, h: {"z2": 1}},
            ground.only(g, "z1"): {g: {"z2": 2}, h: {"z2": 1}},
            ground.only(h, "z2"): {g: {"z1": 2}, h: {"z1": 1}},
        },
    )


def company(ground: Ground) -> Planted:
    """A group needs another's company where that one may not be."""
    g, h = ground.group(2), ground.group(1)
    needs: Member = (ground.rule("affinity", groups=[g], to=h, level="zone"), g, None, None)
    return _planted(
        ground,
        "company",
        {
            placed(g): {h: {"z2": 1}},
            needs: {g: {"z1": 2}, h: {"z2": 1}},
            ground.only(g, "z1"): {g: {"z2": 2}, h: {"z2": 1}},
            ground.only(h, "z2"): {g: {"z1": 2}, h: {"z1": 1}},
        },
    )


def separation(ground: Ground) -> Planted:
    """Two groups that are to be apart are bound to one zone."""
    g, h = ground.group(1), ground.group(2)
    apart: Member = (ground.rule("separation", groups=[g, h], level="zone"), None, None, None)
    return _planted(
        ground,
        "separation",
        {
            placed(g): {h: {"z3": 2}},
            placed(h): {g: {"z3": 1}},
            apart: {g: {"z3": 1}, h: {"z3": 2}},
            ground.only(g, "z3"): {g: {"z1": 1}, h: {"z3": 2}},
            ground.only(h, "z3"): {g: {"z3": 1}, h: {"z1": 2}},
        },
    )


def latency_chain(ground: Ground) -> Planted:
    """The ends of a chain are bound to regions too far apart for the middle."""
    a, b, c = ground.group(1), ground.group(2), ground.group(1)
    first: Member = (ground.rule("latency", between=[a, b], limit_ms=5), None, None, None)
    second: Member = (ground.rule("latency", between=[b, c], limit_ms=5), None, None, None)
    here: ByZone = {a: {"z1": 1}, b: {"z2": 2}, c: {"z4": 1}}
    return _planted(
        ground,
        "latency_chain",
        {
            placed(a): {b: {"z4": 2}, c: {"z4": 1}},
            placed(b): {a: {"z1": 1}, c: {"z4": 1}},
            placed(c): {a: {"z1": 1}, b: {"z2": 2}},
            first: {**here, b: {"z4": 2}},
            second: here,
            ground.only(a, "z1"): {**here, a: {"z4": 1}, b: {"z4": 2}},
            ground.only(c, "z4"): {**here, c: {"z3": 1}},
        },
    )


def latency_quorum(ground: Ground) -> Planted:
    """Three replicas in three zones have no majority near each other."""
    g = ground.group(3)
    apart: Member = (ground.rule("anti_affinity", groups=[g], level="zone"), g, None, None)
    near: Member = (ground.rule("latency", quorum=g, limit_ms=0.5), None, None, None)
    return _planted(
        ground,
        "latency_quorum",
        {placed(g): {}, apart: {g: {"z1": 3}}, near: {g: {"z1": 1, "z2": 1, "z3": 1}}},
    )


def latency_clients(ground: Ground) -> Planted:
    """The clients are far from where the group has to be."""
    g = ground.group(2, clients={"south": 1.0})
    near: Member = (ground.rule("latency", clients=g, limit_ms=10), None, None, None)
    return _planted(
        ground,
        "latency_clients",
        {placed(g): {}, near: {g: {"z1": 2}}, ground.only(g, "z1", "z2"): {g: {"z4": 2}}},
    )


def synchronous(ground: Ground) -> Planted:
    """Two zones are asked for, and between those two nothing is synchronous."""
    g = ground.group(2)
    spread: Member = (ground.rule("spread", groups=[g], least_domains=2), g, None, None)
    links: Member = (ground.rule("synchronous_replicas", groups=[g]), g, None, None)
    return _planted(
        ground,
        "synchronous",
        {
            placed(g): {},
            spread: {g: {"z1": 2}},
            links: {g: {"z1": 1, "z3": 1}},
            ground.only(g, "z1", "z3"): {g: {"z1": 1, "z2": 1}},
        },
    )


def residency(ground: Ground) -> Planted:
    """The country and the zone are at odds."""
    g = ground.group(2)
    home: Member = (ground.rule("residency", groups=[g], countries=["BB"]), g, None, None)
    return _planted(
        ground, "residency", {placed(g): {}, home: {g: {"z1": 2}}, ground.only(g, "z1"): {g: {"z4": 2}}}
    )


def domains(ground: Ground) -> Planted:
    """One rule allows what another forbids."""
    g = ground.group(2)
    never: Member = (ground.rule("domains", groups=[g], forbid=["z2", "z4"]), g, None, None)
    return _planted(
        ground, "domains", {placed(g): {}, never: {g: {"z2": 2}}, ground.only(g, "z2"): {g: {"z1": 2}}}
    )


def pin(ground: Ground) -> Planted:
    """A pin to one zone, and only another allowed."""
    g = ground.group(2)
    stay: Member = (ground.rule("pin", groups=[g], domain="z3"), g, None, None)
    return _planted(ground, "pin", {placed(g): {}, stay: {g: {"z1": 2}}, ground.only(g, "z1"): {g: {"z3": 2}}})


def pin_today(ground: Ground) -> Planted:
    """Two that are to stay in one zone are to be in two."""
    g = ground.group(2)
    ground.groups[g]["current"] = dict(ground.at({g: {"z1": 2}})[g])
    stay: Member = (ground.rule("pin", groups=[g]), g, None, None)
    apart: Member = (ground.rule("spread", groups=[g], least_domains=2), g, None, None)
    return _planted(ground, "pin_today", {placed(g): {}, stay: {g: {"z1": 1, "z2": 1}}, apart: {g: {"z1": 2}}})


def pinned(ground: Ground) -> Planted:
    """Two that run in one zone for good are to be in two."""
    g = ground.group(2, pinned=True)
    ground.groups[g]["current"] = dict(ground.at({g: {"z2": 2}})[g])
    stay: Member = ("pinned", g, None, None)
    apart: Member = (ground.rule("anti_affinity", groups=[g], level="zone"), g, None, None)
    return _planted(ground, "pinned", {placed(g): {}, stay: {g: {"z1": 1, "z2": 1}}, apart: {g: {"z2": 2}}})


def zone_state(ground: Ground) -> Planted:
    """The product is sold out in the zones that are allowed."""
    g = ground.group(2, product="metal", kind="bare_metal")
    return _planted(
        ground,
        "zone_state",
        {
            placed(g): {},
            fact("zone_state", g, "z1"): {g: {"z1": 2}},
            fact("zone_state", g, "z2"): {g: {"z2": 2}},
            ground.only(g, "z1", "z2"): {g: {"z4": 2}},
        },
    )


def entitlement(ground: Ground) -> Planted:
    """The only zone allowed asks for what the account has not."""
    g = ground.group(2)
    return _planted(
        ground,
        "entitlement",
        {
            placed(g): {},
            fact("entitlement", g, LOCKED): {g: {LOCKED: 2}},
            ground.only(g, LOCKED): {g: {"z1": 2}},
        },
    )


def compatibility(ground: Ground) -> Planted:
    """The only site allowed has another processor."""
    g = ground.group(2, movability={"cpu_model": "new"})
    site = ground.spots.get("z1", ["z1"])[0]
    found = _planted(ground, "compatibility", {placed(g): {}, ground.only(g, site): {g: {"z2": 2}}})
    model = fact("compatibility", g, site)
    return Planted(found.kind, found.members | {model}, {**found.releases, model: {g: {site: 2}}})


def service(ground: Ground) -> Planted:
    """The region allowed lacks a service."""
    g = ground.group(2, needs_services=["queue"])
    return _planted(
        ground,
        "service",
        {
            placed(g): {},
            fact("service_availability", g, "r1"): {g: {"z2": 2}},
            ground.only(g, "z1", "z2"): {g: {"z4": 2}},
        },
    )


def scope(ground: Ground) -> Planted:
    """The image is in another region."""
    g = ground.group(2, image="base-far")
    site = ground.spots.get("z3", ["z3"])[1 if ground.deep else 0]
    found = _planted(ground, "scope", {placed(g): {}, ground.only(g, site): {g: {"z4": 2}}})
    image = fact("scope", g, site)
    return Planted(found.kind, found.members | {image}, {**found.releases, image: {g: {site: 2}}})


def network(ground: Ground) -> Planted:
    """The network is in another region."""
    g = ground.group(2, vpcs=["far"])
    return _planted(
        ground,
        "network",
        {placed(g): {}, fact("network", g, "r1"): {g: {"z3": 2}}, ground.only(g, "z2", "z3"): {g: {"z4": 2}}},
    )


def addresses(ground: Ground) -> Planted:
    """The subnet of the only zone allowed has two addresses left, three are needed."""
    g = ground.group(3, vpcs=["near"])
    return _planted(
        ground,
        "addresses",
        {
            placed(g): {},
            ("subnet", None, None, "net-z1"): {g: {"z1": 3}},
            ground.only(g, "z1"): {g: {"z2": 3}},
        },
    )


def balancer(ground: Ground) -> Planted:
    """A balancer wants backends in a zone that is not allowed."""
    g = ground.group(2)
    ground.entry("load_balancers", id="front", kind="any", zones=["z1", "z3"], backends=[g], least_per_zone=1)
    return _planted(
        ground,
        "balancer",
        {
            placed(g): {},
            ("load_balancer", g, None, None): {g: {"z1": 2}},
            ground.only(g, "z1", "z2"): {g: {"z1": 1, "z3": 1}},
        },
    )


def survive_static(ground: Ground) -> Planted:
    """A majority is to outlive any zone, and there are two of them."""
    g = ground.group(3, quorum="majority")
    outlive: Member = (ground.rule("survive", groups=[g]), g, None, None)
    return _planted(
        ground,
        "survive_static",
        {
            placed(g): {},
            outlive: {g: {"z1": 2, "z2": 1}},
            ground.only(g, "z1", "z2"): {g: {"z1": 1, "z2": 1, "z3": 1}},
        },
    )


def survive_evacuate(ground: Ground) -> Planted:
    """When its only zone is lost there is nowhere to go."""
    g = ground.group(1)
    outlive: Member = (ground.rule("survive", mode="evacuate", groups=[g]), g, None, None)
    only = ground.only(g, "z1")
    found = _planted(ground, "survive_evacuate", {placed(g): {}, outlive: {g: {"z1": 1}}, only: {g: {"z1": 1}}})
    return Planted(found.kind, found.members, found.releases, {only: {"z1": ground.at({g: {"z2": 1}})}})


def availability(ground: Ground) -> Planted:
    """The only zone allowed is down too often."""
    ground.data["zones"][0] |= {"failures_per_year": 12, "hours_to_repair": 73}
    g = ground.group(2)
    up: Member = (ground.rule("availability", groups=[g], at_least=0.99), g, None, None)
    return _planted(
        ground, "availability", {placed(g): {}, up: {g: {"z1": 2}}, ground.only(g, "z1"): {g: {"z2": 2}}}
    )


def move_limit(ground: Ground) -> Planted:
    """Two have to leave, and nobody may move."""
    g = ground.group(2)
    ground.groups[g]["current"] = dict(ground.at({g: {"z1": 2}})[g])
    leave: Member = (ground.rule("domains", groups=[g], forbid=["z1"]), g, None, None)
    most: Member = (ground.rule("move_limit", most=0), None, None, None)
    return _planted(ground, "move_limit", {leave: {g: {"z1": 2}}, most: {g: {"z2": 2}}})


def group_moves(ground: Ground) -> Planted:
    """Two have to leave, and one of the group may move."""
    g = ground.group(2)
    ground.groups[g]["current"] = dict(ground.at({g: {"z1": 2}})[g])
    leave: Member = (ground.rule("domains", groups=[g], forbid=["z1"]), g, None, None)
    most: Member = (ground.rule("group_moves", groups=[g], most=1), None, None, None)
    return _planted(ground, "group_moves", {leave: {g: {"z1": 2}}, most: {g: {"z2": 2}}})


def double_occupancy(ground: Ground) -> Planted:
    """One needs the room that another has, or holds until it has left."""
    _resource(ground, "ports", dict.fromkeys(("z1", "z2", "z3"), 8))
    g, h = ground.group(1, more={"ports": 5}), ground.group(1, more={"ports": 5})
    ground.groups[g]["current"] = dict(ground.at({g: {"z1": 1}})[g])
    both: Member = (ground.rule("double_occupancy", level="zone", resources=["ports"]), None, None, None)
    return _planted(
        ground,
        "double_occupancy",
        {
            placed(h): {g: {"z1": 1}},
            ground.only(h, "z1"): {g: {"z1": 1}, h: {"z2": 1}},
            limit("z1", "ports"): {g: {"z1": 1}, h: {"z1": 1}},
            both: {g: {"z2": 1}, h: {"z1": 1}},
        },
    )


def free_ratio(ground: Ground) -> Planted:
    """All shelves of the only zone allowed are taken, and its slots are left over."""
    _resource(ground, "slots", {"z1": 2})
    _resource(ground, "shelves", {"z1": 2})
    g = ground.group(1, more={"shelves": 2})
    fit: Member = (
        ground.rule("free_ratio", level="zone", resource="slots", ratio=1, beside="shelves"), None, None, None
    )  # fmt: skip
    return _planted(
        ground, "free_ratio", {placed(g): {}, fit: {g: {"z1": 1}}, ground.only(g, "z1"): {g: {"z2": 1}}}
    )


def _resource(ground: Ground, name: str, capacity: dict[str, int]) -> None:
    """Add a resource that nobody else uses."""
    ground.data["resource_names"].append(name)
    for zone in ground.data["zones"]:
        if zone["id"] in capacity:
            zone["capacity"][name] = capacity[zone["id"]]


def avoid(ground: Ground) -> Planted:
    """The only zone allowed is to be avoided."""
    g = ground.group(2)
    never: Member = (ground.rule("avoid", together=[{"group": g, "domain": "z3"}]), None, None, None)
    return _planted(ground, "avoid", {placed(g): {}, never: {g: {"z3": 2}}, ground.only(g, "z3"): {g: {"z1": 2}}})


def rack_too_small(ground: Ground) -> Planted:
    """One to a host, in a rack with fewer hosts than there are to be."""
    spots = ground.spots["z2"]
    g = ground.group(len(spots) + 1)
    apart: Member = (ground.rule("anti_affinity", groups=[g], level="host"), g, None, None)
    here = dict.fromkeys(spots, 1)
    return _on_hosts(
        "rack_too_small",
        {
            placed(g): {},
            apart: {g: {**here, spots[0]: 2}},
            ground.only(g, ground.spare["z2"]): {g: {**here, ground.spots["z1"][0]: 1}},
        },
    )


def host_too_small(ground: Ground) -> Planted:
    """An instance is larger than any host of the only rack allowed."""
    g = ground.group(1, more={"disk_gib": 300})
    releases: dict[Member, ByZone] = {
        placed(g): {},
        ground.only(g, ground.spare["z1"]): {g: {ground.spots["z3"][0]: 1}},
    }
    for host in ground.spots["z1"]:
        releases[limit(host, "disk_gib")] = {g: {host: 1}}
    return _on_hosts("host_too_small", releases)


def packing(ground: Ground) -> Planted:
    """Enough in sum: more than half a host each, and one more of them than hosts in the only rack allowed."""
    spots = ground.spots["z2"]
    g = ground.group(len(spots) + 1, more={"disk_gib": 60})
    here = dict.fromkeys(spots, 1)
    releases: dict[Member, ByZone] = {
        placed(g): {},
        ground.only(g, ground.spare["z2"]): {g: {**here, ground.spots["z3"][1]: 1}},
    }
    for host in spots:
        releases[limit(host, "disk_gib")] = {g: {**here, host: 2}}
    return _on_hosts("packing", releases)


def racks_apart(ground: Ground) -> Planted:
    """Two racks are asked for, one is allowed."""
    g = ground.group(2)
    spread: Member = (ground.rule("spread", groups=[g], level="rack", least_domains=2), g, None, None)
    one, other = ground.spots["z3"][0], ground.spots["z1"][1]
    return _on_hosts(
        "racks_apart",
        {placed(g): {}, spread: {g: {one: 2}}, ground.only(g, ground.spare["z3"]): {g: {one: 1, other: 1}}},
    )


def _on_hosts(kind: str, releases: dict[Member, ByZone]) -> Planted:
    return Planted(kind, frozenset(releases), releases)


#: Every kind; those in `_TODAY` speak of who runs today and go one at a time.
KINDS: tuple[Kind, ...] = (
    too_few_domains, anti_affinity, capacity, capacity_together, stock, load, quota, budget, affinity, company,
    separation, latency_chain, latency_quorum, latency_clients, synchronous, residency, domains, pin, pin_today,
    pinned, zone_state, entitlement, compatibility, service, scope, network, addresses, balancer, survive_static,
    survive_evacuate, availability, move_limit, avoid, group_moves, double_occupancy, free_ratio,
)  # fmt: skip
#: On hosts there are these, too.
HOST_KINDS: tuple[Kind, ...] = (rack_too_small, host_too_small, packing, racks_apart)
_TODAY = {pin_today, pinned, move_limit, group_moves, double_occupancy}


def clashing_estate(
    seed: int, *, instances: int = 1000, hosts: int = 0, kinds: Sequence[Kind] = ()
) -> ClashingEstate:
    """Return a feasible estate with one clash of each kind planted, by default one to three kinds drawn at random.

    Without `hosts` the sites are zones. The same for the same arguments.
    """
    rng = Random(f"clashing-{seed}-{instances}-{hosts}")
    ground = Ground(rng, instances=instances, hosts=hosts)
    chosen = list(kinds) or _drawn(rng, KINDS + (HOST_KINDS if hosts else ()))
    planted = tuple(kind(ground) for kind in chosen)
    return ClashingEstate(ground.data, ground.base, planted)


def _drawn(rng: Random, kinds: Sequence[Kind]) -> list[Kind]:
    chosen = rng.sample(kinds, rng.choice((1, 2, 2, 3, 3)))
    return chosen if compatible(chosen) else _drawn(rng, kinds)


def compatible(chosen: Sequence[Kind]) -> bool:
    """Return whether clashes of these kinds do not get into each other's way."""
    return len(set(chosen)) == len(chosen) and len(_TODAY & set(chosen)) <= 1
