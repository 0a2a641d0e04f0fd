"""The goals, each from its plain meaning; smaller is better."""

from __future__ import annotations

from itertools import pairwise

from tests.brute.facts import Facts, Unit
from tests.brute.numbers import exact, half_up, money
from tests.brute.scene import Scene
from tests.brute.sums import priced

DEFAULT = ("placed", "soft", "moves", "cost")
#: Wishes of this priority are a goal of their own where the estate asks for it.
URGENT = 1000


def objective(scene: Scene, soft: dict[int, int]) -> list[tuple[str, int]]:
    """`soft` is what broken wishes weigh, by priority."""
    found: list[tuple[str, int]] = []
    for goal in scene.facts.data.get("goals", DEFAULT):
        if goal == "placed":
            if any(running(scene.facts, unit) for unit in scene.facts.units):
                found.append(("stopped", stopped(scene)))
            found += [(f"placed[{p}]", n) for p, n in sorted(unplaced(scene).items(), reverse=True)]
        elif goal in ("urgent", "soft"):
            first = "urgent" in scene.facts.data["goals"] if "goals" in scene.facts.data else False
            mine = [p for p in soft if (p >= URGENT) == (goal == "urgent") or not first]
            found += [(f"soft[{p}]", soft[p]) for p in sorted(mine, reverse=True)]
        else:
            found.append((goal, GOALS[goal](scene)))
    return found


def unplaced(scene: Scene) -> dict[int, int]:
    found: dict[int, int] = {}
    for unit in scene.facts.units:
        priority = unit.own.get("priority", 0)
        found[priority] = found.get(priority, 0) + unit.count - sum(scene.at[unit.index].values())
    return found


def running(facts: Facts, unit: Unit) -> int:
    if unit.own.get("preemptible"):
        return 0
    gone = ("failed", "coming_soon")
    runs = {s: n for s, n in unit.current.items() if facts.state(s, unit.product) not in gone}
    return sum(n for s, n in runs.items() if not facts.to_be_left(s))


def stopped(scene: Scene) -> int:
    return sum(
        max(0, running(scene.facts, unit) - sum(scene.at[unit.index].values())) for unit in scene.facts.units
    )


def moves(scene: Scene) -> int:
    return sum(
        weight(scene.facts, unit) * max(0, n - scene.at[unit.index].get(site, 0))
        for unit in scene.facts.units
        for site, n in unit.current.items()
    )


def weight(facts: Facts, unit: Unit) -> int:
    """What one move of an instance counts."""
    settings = facts.data.get("migration", {})
    memory, disk = unit.demand.get("memory_mib", 0), unit.demand.get("disk_gib", 0)
    by = settings.get("weigh", "count")
    if by in ("memory", "disk"):
        return max(1, memory if by == "memory" else disk)
    if by == "downtime":
        movable = unit.own.get("movability", {})
        if facts.data.get("role") == "operator" and not (movable.get("local_disk") or movable.get("passthrough")):
            return 1
        return 60 + (memory + 1024 * disk) // int(settings.get("mib_per_second", 100))
    return 1


def hosts(scene: Scene) -> int:
    return len({site for sites in scene.at for site in sites})


def balance(scene: Scene) -> int:
    facts = scene.facts
    cpu = dict.fromkeys(facts.domains_at("zone"), 0)
    for unit in facts.units:
        for site, count in scene.at[unit.index].items():
            zone = facts.zone(site)
            cpu[zone] = cpu.get(zone, 0) + count * unit.demand.get("cpu_milli", 0)
    return max(cpu.values()) - min(cpu.values()) if cpu else 0


def client_latency(scene: Scene) -> int:
    facts = scene.facts
    worst = max(facts.latencies.values(), default=0)
    total = 0
    for name, group in facts.groups.items():
        zones = {facts.zone(s) for s in scene.of_group[name]}
        for client, share in group.get("clients", {}).items() if zones else ():
            times = [t for z in zones if (t := facts.client_latency(client, z)) is not None]
            total += half_up(exact(share) * 1_000_000) * (min(times) if times else worst)
    return total


def cost(scene: Scene) -> int:
    facts = scene.facts
    total = sum(priced(facts, unit, scene.at[unit.index]) for unit in facts.units)
    opened = {d for sites in scene.at for s in sites for d in facts.up[s]}
    total += sum(money(facts.domains[d].get("open_cost", 0)) for d in opened)
    volume: dict[tuple[str, str], int] = {}
    for entry in facts.data.get("traffic", []):
        pair = (entry["from"], entry["to"])
        volume[pair] = volume.get(pair, 0) + entry["gib_per_month"]
    return total + sum(traffic(scene, a, b, gib) for (a, b), gib in volume.items())


def traffic(scene: Scene, source: str, target: str, gib: int) -> int:
    """The cheapest way to send a month's traffic: every sender the same, every receiver the same.

    With n senders and m receivers in all, a sender has m pieces of gib / (n m) and a receiver takes n.
    """
    facts = scene.facts
    senders, receivers = facts.groups[source]["count"], facts.groups[target]["count"]
    have: dict[str, int] = {}
    take: dict[str, int] = {}
    for site, count in scene.of_group[source].items():
        have[facts.zone(site)] = have.get(facts.zone(site), 0) + count * receivers
    for site, count in scene.of_group[target].items():
        take[facts.zone(site)] = take.get(facts.zone(site), 0) + count * senders
    prices = {(a, b): _piece(facts, a, b, gib, senders * receivers) for a in have for b in take}
    return transport(have, take, prices)


def _piece(facts: Facts, a: str, b: str, gib: int, pieces: int) -> int:
    return half_up(exact(gib * facts.traffic_price(a, b)) / pieces)


def transport(have: dict[str, int], take: dict[str, int], prices: dict[tuple[str, str], int]) -> int:
    """The least cost of sending as much as can be sent, along one shortest path after another."""
    edges: dict[tuple[str, str], list[int]] = {}
    """(from, to) to [left, price]; senders are `<zone`, receivers `>zone`."""
    for (a, b), price in prices.items():
        edges["<" + a, ">" + b] = [min(have[a], take[b]), price]
        edges[">" + b, "<" + a] = [0, -price]
    for a, amount in have.items():
        edges["source", "<" + a] = [amount, 0]
        edges["<" + a, "source"] = [0, 0]
    for b, amount in take.items():
        edges[">" + b, "sink"] = [amount, 0]
        edges["sink", ">" + b] = [0, 0]
    total = 0
    while path := _cheapest(edges):
        amount = min(edges[step][0] for step in pairwise(path))
        for a, b in pairwise(path):
            edges[a, b][0] -= amount
            edges[b, a][0] += amount
            total += amount * edges[a, b][1]
    return total


def _cheapest(edges: dict[tuple[str, str], list[int]]) -> list[str]:
    """The cheapest path from source to sink with something left (Bellman and Ford), [] where none is."""
    best: dict[str, tuple[int, list[str]]] = {"source": (0, ["source"])}
    for _ in range(len(edges)):
        changed = False
        for (a, b), (left, price) in edges.items():
            if left and a in best and (b not in best or best[a][0] + price < best[b][0]):
                best[b] = (best[a][0] + price, [*best[a][1], b])
                changed = True
        if not changed:
            break
    return best["sink"][1] if "sink" in best else []


GOALS = {"moves": moves, "cost": cost, "client_latency": client_latency, "balance": balance, "hosts": hosts}
