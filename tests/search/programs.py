"""Small random estates with several rules at once, on which every family of a board has something to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from zonewright.models import World, estate_from_data
from zonewright.models.check import judge
from zonewright.models.view import Row, View

Raw = dict[str, Any]

#: Goals in the orders that are drawn; urgent wishes come before the moves in one of them.
GOALS = (
    ["placed", "soft", "moves", "cost"],
    ["placed", "urgent", "moves", "soft", "hosts"],
    ["placed", "cost", "soft", "balance"],
    ["placed", "moves", "hosts", "soft", "cost"],
    ["placed", "soft", "balance", "moves"],
)

#: Share of estates that tolerate what is broken today, as far as boards can say it.
BROKEN_TODAY = 0.12
MAY_BE_BROKEN = frozenset(("capacity", "quota", "load", "zone_state", "domains"))
#: Share of estates with so many hosts that kernels keep no table of counts by host.
MANY_HOSTS = 0.04


@dataclass
class Program:
    """An estate, and whether instances may stay unplaced."""

    seed: int
    data: Raw
    partial: bool
    inexact: bool = False
    """By how much a hard rule is broken is counted in another way on boards than by the checkers."""


@dataclass
class Sketch:
    """An estate in the making."""

    rng: Random
    data: Raw
    partial: bool
    inexact: bool = False
    levels: list[str] = field(default_factory=list)

    @property
    def groups(self) -> list[str]:
        """Names of the groups."""
        return [g["id"] for g in self.data["groups"]]

    @property
    def hosts(self) -> list[str]:
        """Names of the sites."""
        return [h["id"] for h in self.data["hosts"]]

    @property
    def zones(self) -> list[str]:
        """Names of the zones."""
        return [z["id"] for z in self.data["zones"]]

    def some(self) -> Any:
        """Some groups, or all."""
        return self.rng.choice(("*", self.rng.sample(self.groups, self.rng.randint(1, len(self.groups)))))

    def level(self) -> str:
        """A level that every host has."""
        return self.rng.choice(self.levels)

    def soft(self, chance: float = 0.4) -> Raw:
        """Make a rule a wish, now and then."""
        if self.rng.random() >= chance:
            return {}
        priority = self.rng.choice((0, 0, 2, 1000))
        return {"soft": {"weight": self.rng.choice((1, 3, 10)), "priority": priority}}

    def rule(self, kind: str, **fields: Any) -> None:
        """Add a rule."""
        self.data["rules"].append({"rule": kind, **fields})


def program(seed: int) -> Program:
    """Return the estate of a seed."""
    rng = Random(f"board-{seed}")
    sketch = _ground(rng)
    for feature in rng.sample(FEATURES, rng.randint(3, 7)):
        feature(sketch)
    if rng.random() < BROKEN_TODAY:
        _tolerate(sketch)
    return Program(seed, sketch.data, sketch.partial, sketch.inexact)


def _tolerate(sketch: Sketch) -> None:
    """Let some of what today's placement breaks be as it is."""
    world = World(estate_from_data(sketch.data))
    rows = [Row(u.index, site, count) for u in world.units for site, count in u.current.items()]
    sketch.data["tolerated"] = [
        {"rule": v.label, "group": v.group, "domain": v.domain, "what": v.what, "amount": v.amount}
        for v in judge(View(world, rows)).violations
        if v.hard and v.rule in MAY_BE_BROKEN
    ]
    sketch.inexact = True


def _ground(rng: Random) -> Sketch:
    regions = rng.choice((1, 1, 2))
    zones = rng.choice((2, 2, 3))
    sketch = Sketch(rng, {"estate": "board", "groups": [], "rules": []}, rng.random() < 0.5)
    data = sketch.data
    data["regions"] = [{"id": f"r{i}"} for i in range(regions)]
    data["zones"] = [
        {"id": f"z{i}", "in": f"r{i % regions}", "price": {"cpu_cores": rng.choice((1, 2.5, 4))}}
        for i in range(zones)
    ]
    data["domains"] = [{"id": f"f{i}", "level": "feed"} for i in range(2)]
    hosts = rng.randint(65, 70) if rng.random() < MANY_HOSTS else rng.randint(zones, 6)
    data["hosts"] = [
        {"id": f"h{h}", "in": f"z{h % zones}", "also_in": [rng.choice(("f0", "f1"))]} for h in range(hosts)
    ]
    data["levels"] = ["region", "feed", "zone", "host"]
    sketch.levels = ["host", "host", "zone", "zone", "feed", "region"]
    data["goals"] = list(rng.choice(GOALS))
    named = rng.random() < 0.7
    for name in ("a", "b", "c")[: rng.randint(2, 3)]:
        _group(sketch, name, named)
    total = sum(g["count"] * g["demand"]["cpu_milli"] for g in data["groups"])
    for host in data["hosts"]:
        share = rng.uniform(0.9, 2.5) / min(6, hosts)
        host["capacity"] = {"cpu_milli": round(total * share) + rng.choice((0, 500)), "memory_mib": 1024 * 6}
    return sketch


def _group(sketch: Sketch, name: str, named: bool) -> None:
    rng, data = sketch.rng, sketch.data
    count = rng.randint(1, 4)
    demand = {"cpu_milli": 500 * rng.randint(1, 4), "memory_mib": 1024}
    group: Raw = {"id": name, "count": count, "demand": demand, "move_cost": rng.randint(0, 3)}
    data["groups"].append(group)
    if not named:
        for _ in range(rng.randint(0, count)):
            current = group.setdefault("current", {})
            host = rng.choice(sketch.hosts)
            current[host] = current.get(host, 0) + 1
        return
    for i in range(count):
        instance: Raw = {"id": f"{name}{i}", "group": name, "move_cost": rng.randint(1, 4)}
        if rng.random() < 0.7:
            instance["site"] = rng.choice(sketch.hosts)
        if rng.random() < 0.3:
            instance["demand"] = {"cpu_milli": 500 * rng.randint(1, 5), "memory_mib": 1024}
        data.setdefault("instances", []).append(instance)


def closed(s: Sketch) -> None:
    """Sites that are not for everybody."""
    chosen = s.rng.choice(s.hosts)
    drawn: list[Raw] = [
        {"rule": "domains", "forbid": [chosen], "groups": s.some()},
        {"rule": "domains", "allow": [chosen, s.zones[0]], "groups": [s.groups[0]], **s.soft(0.7)},
        {"rule": "pin", "domain": s.zones[-1], "groups": [s.groups[-1]], **s.soft()},
    ]
    if s.rng.random() < 0.5:
        s.data["rules"].append(s.rng.choice(drawn))
    else:
        zone = s.rng.choice(s.data["zones"])
        zone["state"] = s.rng.choice(("sold_out", "draining", "suspect"))


def abroad(s: Sketch) -> None:
    """Countries."""
    for n, region in enumerate(s.data["regions"]):
        region["country"] = ("FR", "DE")[n % 2]
    s.rule("residency", countries=["FR"], groups=s.some(), **s.soft(0.8))


def stay(s: Sketch) -> None:
    """Instances that stay where they are."""
    if s.rng.random() < 0.3:
        s.rng.choice(s.data["groups"])["pinned"] = True
        s.inexact = True
    else:
        s.rule("pin", groups=[s.rng.choice(s.groups)], **s.soft(0.7))


def stock(s: Sketch) -> None:
    """Room of domains above hosts, and numbers of instances."""
    total = sum(g["count"] for g in s.data["groups"])
    s.rng.choice(s.data["zones"])["most_instances"] = s.rng.randint(1, max(1, total // 2))
    s.rng.choice(s.data["hosts"])["most_instances"] = s.rng.randint(1, 3)
    s.data["regions"][0]["capacity"] = {"cpu_milli": 500 * s.rng.randint(3, 12)}


def sold(s: Sketch) -> None:
    """A flavour with a stock and prices."""
    price = {zone: s.rng.choice((2, 3.25)) for zone in s.zones if s.rng.random() < 0.6}
    resources = {"cpu_milli": 1000, "memory_mib": 1024}
    s.data["flavours"] = [{"id": "S1", "resources": resources, "price": price}]
    group = s.data["groups"][0]
    del group["demand"]
    group["flavour"] = "S1"
    for host in s.data["hosts"][::2]:
        host["flavours"] = {"S1": s.rng.choice((0, 1, 2))}


def loaded(s: Sketch) -> None:
    """What is comfortably used."""
    level = s.rng.choice(("host", "host", "region"))
    domains = s.data["hosts"] if level == "host" else s.data["regions"]
    for domain in domains:
        domain["safe"] = {"cpu_milli": 500 * s.rng.randint(0, 4)}
    s.rule("load", level=level, resources=["cpu_milli"], soft={"weight": s.rng.choice((1, 4))})
    if s.rng.random() < 0.4:
        share = s.rng.choice((0.4, 0.7))
        s.rule("load", level="host", most_share=share, **s.soft(0.6))


def quotas(s: Sketch) -> None:
    """Numbers of instances, or amounts, by domain."""
    domain: Raw = {"domain": s.rng.choice([*s.zones, *s.hosts, "f0"])} if s.rng.random() < 0.8 else {}
    what: Raw = s.rng.choice(({"most": s.rng.randint(0, 3)}, {"most": 2000, "resource": "cpu_milli"}))
    s.rule("quota", groups=s.some(), **what, **domain, **s.soft())


def matched(s: Sketch) -> None:
    """What is free of one resource beside another."""
    level = "host"
    ratio = s.rng.choice((1, 2, 5))
    s.rule("free_ratio", level=level, resource="cpu_milli", beside="memory_mib", ratio=ratio, **s.soft(0.8))


def apart(s: Sketch) -> None:
    """At most so many in a domain."""
    s.rule("anti_affinity", level=s.level(), at_most=s.rng.choice((1, 1, 2)), groups=s.some(), **s.soft())


def together(s: Sketch) -> None:
    """All in one domain, one group or several."""
    groups = s.rng.sample(s.groups, s.rng.choice((1, 1, 2)))
    s.inexact |= len(groups) > 1
    s.rule("affinity", level=s.level(), groups=groups, **(s.soft() if len(groups) == 1 else {}))


def company(s: Sketch) -> None:
    """Only where others are."""
    one, *others = s.rng.sample(s.groups, len(s.groups))
    to: Any = others if s.rng.random() < 0.5 else others[0]
    s.rule("affinity", level=s.level(), groups=[one], to=to, **s.soft())


def strangers(s: Sketch) -> None:
    """Never in one domain."""
    s.rule("separation", level=s.level(), groups=s.rng.sample(s.groups, 2), **s.soft())


def scattered(s: Sketch) -> None:
    """In many domains, or in few."""
    s.rule("spread", level=s.level(), least_domains=s.rng.choice((2, 3)), groups=s.some(), **s.soft())


def gathered(s: Sketch) -> None:
    """In few domains."""
    s.rule("spread", level=s.level(), most_domains=s.rng.choice((1, 2)), groups=s.some(), **s.soft())


def everywhere(s: Sketch) -> None:
    """Some in each."""
    s.rule("spread", level=s.level(), least_each=s.rng.choice((1, 2)), groups=s.some(), **s.soft())


def even(s: Sketch) -> None:
    """As many here as there."""
    s.rule("spread", level=s.level(), skew=s.rng.choice((0, 1)), groups=s.some(), **s.soft())


def shared(s: Sketch) -> None:
    """A largest share, and what remains after a loss: of groups that are placed whole."""
    s.partial = False
    s.rule("spread", level=s.level(), largest_share=s.rng.choice((0.4, 0.6)), groups=s.some(), **s.soft())
    group = max(s.data["groups"], key=lambda g: g["count"])
    if group["count"] > 1:
        lost: Raw = {"domains": s.rng.sample(s.zones, 1)} if s.rng.random() < 0.4 else {}
        s.rule("survive", level="zone", keep=1, groups=[group["id"]], **lost, **s.soft())


def whole(s: Sketch) -> None:
    """All or nothing."""
    s.rng.choice(s.data["groups"])["all_or_nothing"] = True


def near(s: Sketch) -> None:
    """Round trips between groups, or within one."""
    zones = s.zones
    pairs = [(a, b) for n, a in enumerate(zones) for b in zones[n + 1 :]]
    s.data["latencies"] = [{"between": [a, b], "rtt_ms": s.rng.choice((1, 5))} for a, b in pairs]
    between = [s.rng.choice(s.groups), s.rng.choice(s.groups)]
    s.rule("latency", between=between, limit_ms=2, level=s.rng.choice(("zone", "host")), **s.soft())


def clients(s: Sketch) -> None:
    """Somebody near each location of clients."""
    s.data["clients"] = [{"id": "town"}]
    s.data.setdefault("latencies", [])
    s.data["latencies"] += [{"between": ["town", z], "rtt_ms": s.rng.choice((1, 9))} for z in s.zones]
    fails = s.rng.random() < 0.3
    s.inexact |= fails
    limit: Raw = {"limit_ms": 2, "locations": ["town"], "clients": s.rng.choice(s.groups)}
    s.rule("latency", under_failure=fails, **limit, **({} if fails else s.soft()))


def copies(s: Sketch) -> None:
    """Replicas only where the network is fit for them."""
    a, b = s.rng.sample(s.zones, 2)
    s.data["links"] = [{"between": [a, b], "synchronous": True}]
    s.rule("synchronous_replicas", groups=s.some(), **s.soft())


def held(s: Sketch) -> None:
    """What leaves holds its room."""
    resources: Raw = {"resources": ["cpu_milli"]} if s.rng.random() < 0.5 else {}
    s.rule("double_occupancy", **resources, **({"level": "region"} if s.rng.random() < 0.2 else {}))
    s.data["regions"][0].setdefault("capacity", {"cpu_milli": 4000})


def cost_of_moves(s: Sketch) -> None:
    """What moves cost by themselves or by distance."""
    wish: Raw = {"soft": {"weight": s.rng.choice((1, 5)), "priority": s.rng.choice((0, 2))}}
    kind = s.rng.choice(("own", "steps", "steps", "pairs", "beyond"))
    how: Raw = {"groups": s.some(), **wish}
    if kind == "own":
        s.rule("move_cost", own=True, **how)
    elif kind == "steps":
        zone, feed = s.rng.randint(0, 2), s.rng.randint(0, 4)
        steps = [{"within": "zone", "cost": zone}, {"within": "feed", "cost": feed}]
        s.rule("move_cost", steps=steps, beyond=s.rng.randint(0, 6), **how)
    elif kind == "pairs":
        ends = s.rng.sample([*s.hosts, *s.zones, "f0"], 3)
        pairs = [{"from": a, "to": b, "cost": s.rng.randint(0, 5)} for a in ends for b in ends]
        s.rule("move_cost", pairs=pairs, beyond=s.rng.randint(0, 3), **how)
    else:
        s.rule("move_cost", beyond=3, **how)


def most_of_a_group(s: Sketch) -> None:
    """The group with the most moves."""
    s.rule("group_moves", most=s.rng.choice((0, 0, 1)), groups=s.some(), **s.soft(0.7))


def few_moves(s: Sketch) -> None:
    """A limit on moves."""
    s.rule("move_limit", most=s.rng.randint(0, 4))


def opened(s: Sketch) -> None:
    """What domains cost once anything is in them; who has paid ahead."""
    for domain in (*s.data["hosts"], s.data["zones"][0], s.data["domains"][0]):
        if s.rng.random() < 0.6:
            domain["open_cost"] = s.rng.choice((0.5, 2, 7))
    if s.rng.random() < 0.5:
        paid = {"mode": "prepaid", "paid_until": "2030-01-01T00:00:00Z"}
        s.data["taken_at"] = "2025-01-01T00:00:00Z"
        s.rng.choice(s.data["groups"])["billing"] = paid


def ranked(s: Sketch) -> None:
    """Some matter more, and some may be stopped for others."""
    s.rng.choice(s.data["groups"])["priority"] = 5
    s.rng.choice(s.data["groups"])["preemptible"] = True
    if s.rng.random() < 0.5:
        s.data["incidents"] = {s.rng.choice(s.hosts): s.rng.choice(("failed", "drained"))}


FEATURES: list[Callable[[Sketch], None]] = [
    closed,
    abroad,
    stay,
    stock,
    sold,
    loaded,
    quotas,
    matched,
    apart,
    together,
    company,
    strangers,
    scattered,
    gathered,
    everywhere,
    even,
    shared,
    whole,
    near,
    clients,
    copies,
    held,
    cost_of_moves,
    most_of_a_group,
    few_moves,
    opened,
    ranked,
]

__all__ = ["FEATURES", "Program", "program"]
