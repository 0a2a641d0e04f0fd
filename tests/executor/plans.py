"""Random estates with valid plans, and mutants of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from tests.executor.script import Script, estate, hosts, truthful
from tests.executor.test_valid import carried, carried_target, networked
from zonewright.models import InputError, World
from zonewright.models.aftermath import aftermath
from zonewright.models.estate import Estate
from zonewright.models.events import Event
from zonewright.models.executor import Execution, execute
from zonewright.models.migration import Loss, Migration
from zonewright.models.rules import AnyRule
from zonewright.solver.migrate.plan import plan_migration

Case = tuple[Estate, Migration]


# What the executor found, in the words of the replay.


def keys_of(execution: Execution, migration: Migration) -> set[tuple[Any, ...]]:
    """Return the breaches by what tells them apart, with seconds and amounts where both can know them."""
    do = {step.id: step.do.value for step in migration.steps}
    found: set[tuple[Any, ...]] = set()
    for b in execution.violations:
        fault = b.fault.value
        if fault in ("time", "dependency", "duration", "image", "copy", "disk", "elastic_ip", "balancer"):
            found.add((fault, b.step))
        elif fault in ("recipe", "dead_source", "source", "original", "reach", "window"):
            found.add((fault, b.action))
        elif fault == "capacity":
            found.add((fault, b.domain, b.what, b.second, b.amount))
        elif fault == "quota":
            found.add((fault, b.rule, b.second, b.amount))
        elif fault in ("rule", "keep_running", "backends"):
            found.add((fault, b.rule, b.group, b.second, b.amount))
        elif fault in ("concurrency", "uplink"):
            found.add((fault, b.domain, b.second, b.amount))
        elif fault == "one_at_a_time":
            found.add((fault,))
        elif fault == "missing":
            found.add((fault, b.group, b.amount))
        elif fault == "target":
            found.add((fault, b.rule, b.group, b.domain))
        elif b.step is None:
            found.add((fault, "end", b.what))
        elif "taken at once" in b.message:
            found.add((fault, "addresses", b.what, b.second, b.amount))
        elif do[b.step] in ("delete_subnet", "create_subnet"):
            found.add((fault, b.step))
        else:
            found.add((fault, "seats", b.action))
    return found


# Valid plans.


def random_case(rng: random.Random) -> Case:
    """Return an estate and a valid plan for it, with as much going on at once as was found."""
    while True:
        of, event = (_hosts if rng.random() < 0.6 else _zones)(rng)
        script = Script(of, **event)
        _write(script, rng)
        if not script.steps:
            continue
        migration = _compressed(script, rng)
        if migration is not None:
            return of, migration


def planned_case(rng: random.Random) -> Case | None:
    """Return an estate with the plan that the planner makes for it; None where there is nothing to do."""
    of, event = (_hosts if rng.random() < 0.6 else _zones)(rng)
    if "to" in event:
        event = {"drain": [of.hosts[0].id]}
    planned = plan_migration(of, event=Event(**event), workers=1, time_limit_s=10).migration
    return (of, planned) if planned is not None and planned.steps else None


def written_cases() -> list[Case]:
    """Return cases that chance would not write: a way over a third host, and a subnet that goes along."""
    full = [{"id": f"h{i}", "in": "z1", "capacity": {"cpu_milli": 4000}} for i in (1, 2, 3)]
    groups = [
        {"id": g, "count": 1, "demand": {"cpu_milli": 4000, "memory_mib": 500}, "current": {h: 1}}
        for g, h in (("a", "h1"), ("b", "h2"))
    ]
    swap = Script(hosts(zones=[{"id": "z1"}], hosts=full, groups=groups), to=True)
    now = swap.act("x1", "bypass", "live", group="a", source="h1", target="h3")
    now = swap.act("y", "move", "live", at=now, group="b", source="h2", target="h1", after=["x1.live_migrate"])
    swap.act("x2", "move", "live", at=now, group="a", source="h3", target="h2", after=["y.live_migrate"])
    carry = Script(networked(), drain=["za"])
    carried(carry)
    return [(swap.estate, swap.migration()), (carry.estate, carry.migration(target=carried_target()))]


def _hosts(rng: random.Random) -> tuple[Estate, dict[str, Any]]:
    zones = [{"id": f"z{i}"} for i in range(rng.choice((1, 2)))]
    for zone in zones:
        if rng.random() < 0.2:
            zone["uplink_mbit_s"] = rng.choice((900, 2000))  # type: ignore[assignment]
    machines: list[dict[str, Any]] = []
    for number in range(rng.randint(3, 6)):
        host: dict[str, Any] = {"id": f"h{number}", "in": zones[number % len(zones)]["id"]}
        host["capacity"] = {"cpu_milli": 1000 * rng.randint(4, 10), "memory_mib": 8000}
        if rng.random() < 0.3:
            host["uplink_mbit_s"] = rng.choice((850, 1700))
        if rng.random() < 0.2:
            host["most_instances"] = 4
        machines.append(host)
    free = {host["id"]: host["capacity"]["cpu_milli"] for host in machines}
    groups: list[dict[str, Any]] = []
    for number in range(rng.randint(2, 4)):
        cpu = 1000 * rng.randint(1, 3)
        current: dict[str, int] = {}
        for _ in range(rng.randint(1, 4)):
            host = rng.choice(machines)
            if free[host["id"]] >= cpu and current.get(host["id"], 0) < 1:
                free[host["id"]] -= cpu
                current[host["id"]] = 1
        if not current:
            continue
        group = {"id": f"g{number}", "count": sum(current.values()), "current": current}
        group["demand"] = {"cpu_milli": cpu, "memory_mib": 100 * rng.randint(1, 12)}
        if rng.random() < 0.2:
            group["movability"] = {"dirty_mib_s": 10, "hot_mib": 50, "hot_seconds": rng.choice((0, 2))}
        if rng.random() < 0.1:
            group["movability"] = {"migrate_seconds": 7}
        groups.append(group)
    groups = groups or [{"id": "g0", "count": 1, "demand": {"cpu_milli": 1}, "current": {"h0": 1}}]
    names = [group["id"] for group in groups]
    rules: list[dict[str, Any]] = []
    if rng.random() < 0.5:
        continuous = rng.random() < 0.7
        rules.append(
            {"rule": "anti_affinity", "groups": [rng.choice(names)], "level": "host", "continuous": continuous}
        )
    if rng.random() < 0.5:
        rules.append({"rule": "keep_running", "groups": "*", "most_down": 1})
    if rng.random() < 0.3:
        rules.append({"rule": "quota", "domain": rng.choice(zones)["id"], "most": rng.randint(4, 9)})
    if len(names) > 1 and rng.random() < 0.3:
        pair = rng.sample(names, 2)
        rules.append({"rule": "separation", "groups": pair, "level": "host", "continuous": True})
    settings: dict[str, Any] = {}
    if rng.random() < 0.3:
        settings["most_at_once_per"] = {"host": rng.randint(1, 2)}
    if rng.random() < 0.2:
        settings["most_at_once"] = rng.randint(1, 3)
    if rng.random() < 0.15:
        settings["one_at_a_time"] = "host"
    if rng.random() < 0.15:
        settings["windows"] = [{"start": "2026-03-01T00:00:00Z", "end": "2026-03-01T00:30:00Z"}]
    of = estate(role="operator", zones=zones, hosts=machines, groups=groups, rules=rules, migration=settings)
    lost = rng.choice(machines)["id"]
    return of, rng.choice(({"fail": [lost]}, {"drain": [lost]}, {"drain": [lost]}, {"to": True}))


def _zones(rng: random.Random) -> tuple[Estate, dict[str, Any]]:
    zones = [
        {"id": name, "in": "r1", "capacity": {"cpu_milli": 1000 * rng.randint(20, 40)}}
        for name in ("za", "zb", "zc")
    ]
    subnets = [
        {"id": f"sub-{z}", "vpc": "vpc", "zone": z, "cidr": f"10.0.{k}.0/{rng.choice((27, 28))}"}
        for k, z in enumerate(("za", "zb", "zc"))
    ]
    groups: list[dict[str, Any]] = [
        {"id": "web", "count": 2, "demand": {"cpu_milli": 1000, "disk_gib": 1}, "image": "img-1"},
        {
            "id": "db",
            "count": 1,
            "demand": {"cpu_milli": 2000, "disk_gib": 2},
            "stateful": True,
            "vpcs": ["vpc"],
            "billing": rng.choice(
                ({"mode": "pay_as_you_go"}, {"mode": "prepaid", "paid_until": "2026-04-01T00:00:00Z"})
            ),
        },
        {
            "id": "job",
            "count": 12,
            "demand": {"cpu_milli": 1000},
            "vpcs": ["vpc"],
            "image": "img-1",
            "current": {"za": rng.randint(1, 6), "zb": rng.randint(1, 6)},
        },
    ]
    instances = [
        {"id": "web-1", "group": "web", "site": "za", "elastic_ips": ["eip-1"]},
        {"id": "web-2", "group": "web", "site": rng.choice(("za", "zb"))},
        {
            "id": "db-1",
            "group": "db",
            "site": "za",
            "subnet": "sub-za",
            "disks": ["disk-1"],
            "snapshots": ["snap-1", "snap-2"],
        },
    ]
    settings: dict[str, Any] = {}
    if rng.random() < 0.4:
        settings["most_at_once"] = rng.randint(2, 5)
    rules: list[dict[str, Any]] = []
    if rng.random() < 0.5:
        rules.append({"rule": "quota", "domain": "r1", "most": rng.randint(18, 30)})
    if rng.random() < 0.5:
        rules.append({"rule": "keep_running", "groups": ["web", "job"], "least": 1})
    of = estate(
        regions=[{"id": "r1"}],
        zones=zones,
        vpcs=[{"id": "vpc", "cidr": "10.0.0.0/16"}],
        subnets=subnets,
        groups=groups,
        instances=instances,
        rules=rules,
        migration=settings,
        elastic_ips=[{"id": "eip-1", "region": "r1"}],
        disks=[{"id": "disk-1", "region": "r1", "zone": "za", "size_gib": 1}],
        images=[{"id": "img-1", "regions": ["r1"]}],
        snapshots=[
            {"id": "snap-1", "region": "r1", "of": "db-1", "taken_at": "2026-02-28T23:00:00Z"},
            {"id": "snap-2", "region": "r1", "of": "disk-1", "taken_at": "2026-02-28T22:00:00Z"},
        ],
        load_balancers=[
            {"id": "lb", "kind": "clb", "region": "r1", "zones": ["zb"], "backends": ["web"], "least_backends": 1}
        ],
    )
    return of, rng.choice(({"fail": ["za"]}, {"drain": ["za"]}, {"drain": ["za"]}))


def _write(script: Script, rng: random.Random) -> None:
    """Move everybody who has to leave, and some others, one after another, wherever a rule allows it."""
    world, tree = script.world, script.world.tree
    after = aftermath(world, script.event)
    now = 0
    for unit in world.units:
        for site, count in unit.current.items():
            leaves = site in after.left or site in after.dead
            if not leaves and rng.random() < (0.4 if script.event.to else 0.85):
                continue
            for _ in range(6):
                target = rng.choice(tree.sites)
                if target == site or target in after.dead or target in after.left:
                    continue
                kept = script.actions[:], script.steps[:]
                now_then = _one(script, rng, unit, count, site, target, site in after.dead, now)
                if execute(world, _doc(script)).violations == [] or _only_left(script):
                    now = now_then
                    break
                script.actions, script.steps = kept


def _only_left(script: Script) -> bool:
    """Return whether nothing is wrong but that the plan is not finished yet."""
    return {b.fault.value for b in execute(script.world, _doc(script)).violations} <= {"target", "missing"}


def _doc(script: Script) -> Migration:
    return script.migration()


def _one(
    script: Script, rng: random.Random, unit: Any, count: int, site: int, target: int, dead: bool, now: int
) -> int:
    nodes, world = script.world.tree.nodes, script.world
    same = world.zone_of(site) == world.zone_of(target)
    things: dict[str, list[str]] = {}
    if dead:
        recipe = "restart" if same else ("restore" if unit.stateful else "anew")
        if not same:
            things |= {"restore_disk": list(unit.disks), "attach_disk": list(unit.disks)}
            things |= {"associate_address": list(unit.elastic_ips)}
            things |= {"bind_backend": ["lb"] if unit.group == "web" else []}
    elif same:
        recipe = rng.choice(("live", "live", "stop-start"))
    elif script.estate.role == "operator" or rng.random() < 0.3:
        recipe = "shelving"
        things |= {"retype_volume": list(unit.disks)}
    else:
        recipe = "replace"
        things |= {"copy_disk": list(unit.disks), "attach_disk": list(unit.disks)}
        things |= {"dissociate_address": list(unit.elastic_ips), "associate_address": list(unit.elastic_ips)}
        things |= {op: ["lb"] for op in ("bind_backend", "unbind_backend") if unit.group == "web"}
    return script.act(
        f"a{len(script.actions)}",
        "recovery" if dead else "move",
        recipe,
        at=now,
        group=unit.group,
        count=count,
        instances=[unit.name] if unit.name else [],
        source=nodes[site].id,
        target=nodes[target].id,
        subnet=f"sub-{nodes[target].id}" if unit.vpcs else None,
        things={op: names for op, names in things.items() if names},
    )


def _compressed(script: Script, rng: random.Random) -> Migration | None:
    """Start actions earlier where the plan stays valid; None where it is not valid to begin with."""
    for unit in script.world.units:
        if unit.vpcs:
            script.seated.setdefault(unit.group, "")
    best = _doc(_seat(script))
    if not execute(script.world, best).valid:
        return None
    for action in best.actions:
        steps = [s for s in best.steps if s.action == action.id]
        first = min(s.start_s for s in steps)
        for shift in {first, first // 2, rng.randint(0, first)} - {0}:
            moved = [
                s.model_copy(update={"start_s": s.start_s - shift, "end_s": s.end_s - shift}) if s in steps else s
                for s in best.steps
            ]
            tried = truthful(script.world, best.model_copy(update={"steps": moved}))
            if execute(script.world, tried).valid:
                best = tried
                break
    return best


def _seat(script: Script) -> Script:
    """Give those who stay the subnet of their zone."""
    script.seated = {}
    plain = script.placements

    def placements() -> list[Any]:
        rows = plain()
        vpcs = {u.group for u in script.world.units if u.vpcs}
        return [
            row.model_copy(update={"subnet": f"sub-{row.site}"})
            if row.group in vpcs and row.subnet is None
            else row
            for row in rows
        ]

    script.placements = placements  # type: ignore[method-assign]
    return script


# Mutants.


def mutant(rng: random.Random, case: Case) -> tuple[str, Case] | None:
    """Return a case with one thing changed, and its name; None where the change makes no document."""
    name = rng.choice(list(MUTATIONS))
    changed = MUTATIONS[name](rng, *case)
    if changed is None:
        return None
    of, migration = changed
    if of is not case[0]:
        try:
            after = aftermath(World(of), migration.event)
        except InputError:
            return None
        target = migration.target
        assert target is not None
        migration = migration.model_copy(
            update={
                "estate_fingerprint": of.fingerprint,
                "target": target.model_copy(update={"estate_fingerprint": after.estate.fingerprint}),
            }
        )
    return name, (of, migration)


def _with_step(rng: random.Random, m: Migration, change: Callable[[Any], dict[str, Any]]) -> Migration:
    chosen = rng.randrange(len(m.steps))
    steps = list(m.steps)
    steps[chosen] = steps[chosen].model_copy(update=change(steps[chosen]))
    return m.model_copy(update={"steps": steps})


def _with_action(rng: random.Random, m: Migration, change: Callable[[Any], dict[str, Any]]) -> Migration:
    chosen = rng.randrange(len(m.actions))
    actions = list(m.actions)
    actions[chosen] = actions[chosen].model_copy(update=change(actions[chosen]))
    return m.model_copy(update={"actions": actions})


def _shifted(rng: random.Random, of: Estate, m: Migration) -> Case:
    def change(step: Any) -> dict[str, Any]:
        by = rng.choice((-60, -10, -1, 1, 10, 60))
        start = max(0, step.start_s + by)
        return {"start_s": start, "end_s": start + step.end_s - step.start_s}

    return of, _with_step(rng, m, change)


def _action_shifted(rng: random.Random, of: Estate, m: Migration) -> Case:
    name = rng.choice(m.actions).id
    first = min((s.start_s for s in m.steps if s.action == name), default=0)
    by = max(rng.choice((-first, -first, -30, -1, 1, 30, 100)), -first)
    steps = [
        s.model_copy(update={"start_s": s.start_s + by, "end_s": s.end_s + by}) if s.action == name else s
        for s in m.steps
    ]
    return of, m.model_copy(update={"steps": steps})


def _shortened(rng: random.Random, of: Estate, m: Migration) -> Case:
    return of, _with_step(rng, m, lambda s: {"end_s": max(0, s.end_s - rng.choice((1, 5, 100)))})


def _elsewhere(rng: random.Random, of: Estate, m: Migration) -> Case:
    sites = [World(of).tree.nodes[s].id for s in World(of).tree.sites]
    end = rng.choice(("source", "target"))
    return of, _with_action(rng, m, lambda a: {end: rng.choice(sites)})


def _unneeded(rng: random.Random, of: Estate, m: Migration) -> Case:
    return of, _with_step(rng, m, lambda s: {"needs": s.needs[1:]})


def _needing(rng: random.Random, of: Estate, m: Migration) -> Case:
    return of, _with_step(rng, m, lambda s: {"needs": [*s.needs, rng.choice(m.steps).id]})


def _rated(rng: random.Random, of: Estate, m: Migration) -> Case:
    return of, _with_step(rng, m, lambda s: {"mib_per_second": rng.choice((50, 99, 120, None))})


def _flagged(rng: random.Random, of: Estate, m: Migration) -> Case:
    flag = rng.choice(("interrupts", "serves"))
    return of, _with_step(rng, m, lambda s: {flag: not getattr(s, flag)})


def _counted(rng: random.Random, of: Estate, m: Migration) -> Case | None:
    action = rng.choice(m.actions)
    if action.instances:
        return None
    count = max(1, action.count + rng.choice((-1, 1, 2)))
    actions = [a.model_copy(update={"count": count}) if a.id == action.id else a for a in m.actions]
    return of, m.model_copy(update={"actions": actions})


def _another_recipe(rng: random.Random, of: Estate, m: Migration) -> Case:
    names = [r.id for r in of.migration.recipes if r.kind in ("move", "recovery")]
    return of, _with_action(rng, m, lambda a: {"recipe": rng.choice(names)})


def _another_subnet(rng: random.Random, of: Estate, m: Migration) -> Case | None:
    if not of.subnets:
        return None
    return of, _with_action(rng, m, lambda a: {"subnet": rng.choice(of.subnets).id if a.subnet else None})


def _without_step(rng: random.Random, of: Estate, m: Migration) -> Case:
    gone = rng.choice(m.steps)
    return of, m.model_copy(update={"steps": [s for s in m.steps if s.id != gone.id]})


def _without_action(rng: random.Random, of: Estate, m: Migration) -> Case:
    gone = rng.choice(m.actions).id
    actions = [a for a in m.actions if a.id != gone]
    return of, m.model_copy(update={"actions": actions, "steps": [s for s in m.steps if s.action != gone]})


def _lost(rng: random.Random, of: Estate, m: Migration) -> Case:
    group = rng.choice(of.groups).id
    loss = Loss(group=group, count=1, reason="no_room", message="no room")
    return of, m.model_copy(update={"losses": [*m.losses, loss]})


def _smaller(rng: random.Random, of: Estate, m: Migration) -> Case:
    """Less capacity somewhere."""
    section = "hosts" if of.hosts else "zones"
    domains = list(getattr(of, section))
    chosen = rng.randrange(len(domains))
    stock = domains[chosen].capacity["cpu_milli"]
    less = {**domains[chosen].capacity, "cpu_milli": stock.model_copy(update={"owned": stock.owned * 2 // 3})}
    domains[chosen] = domains[chosen].model_copy(update={"capacity": less})
    return of.model_copy(update={section: domains}), m


def _larger(rng: random.Random, of: Estate, m: Migration) -> Case:
    """A group that demands more."""
    groups = list(of.groups)
    chosen = rng.randrange(len(groups))
    what = rng.choice(("cpu_milli", "memory_mib", "disk_gib"))
    demand = dict(groups[chosen].demand)
    demand[what] = demand.get(what, 0) * 2 + (500 if what != "disk_gib" else 1)
    groups[chosen] = groups[chosen].model_copy(update={"demand": demand})
    return of.model_copy(update={"groups": groups}), m


def _killed(rng: random.Random, of: Estate, m: Migration) -> Case | None:
    """A replica that is not there any more, though the plan counts on it."""
    groups = list(of.groups)
    chosen = rng.randrange(len(groups))
    group = groups[chosen]
    if not group.current or m.target is None:
        return None
    site = rng.choice(list(group.current))
    current = {s: n - (s == site) for s, n in group.current.items() if n - (s == site)}
    groups[chosen] = group.model_copy(update={"current": current, "count": group.count - 1})
    rows = list(m.target.placements)
    own = [k for k, row in enumerate(rows) if row.group == group.id and len(row.instances) < row.count]
    if not own:
        return None
    position = rng.choice(own)
    row = rows.pop(position)
    if row.count > 1:
        rows.insert(position, row.model_copy(update={"count": row.count - 1}))
    target = m.target.model_copy(update={"placements": rows})
    return of.model_copy(update={"groups": groups}), m.model_copy(update={"target": target})


def _stricter(rng: random.Random, of: Estate, m: Migration) -> Case:
    """One more rule."""
    names = [group.id for group in of.groups]
    level = "host" if of.hosts else "zone"
    new: list[dict[str, Any]] = [
        {
            "rule": "anti_affinity",
            "groups": names,
            "level": level,
            "at_most": rng.randint(1, 3),
            "continuous": True,
        },
        {"rule": "keep_running", "groups": names, "most_down": 0},
        {"rule": "quota", "domain": (of.zones or of.regions)[0].id, "most": rng.randint(1, 12)},
        {"rule": "quota", "domain": of.zones[-1].id, "resource": "cpu_milli", "most": 1000 * rng.randint(1, 12)},
    ]
    if len(names) > 1:
        new.append({"rule": "separation", "groups": names, "level": level, "continuous": True})
    rule = TypeAdapter(AnyRule).validate_python(rng.choice(new))
    return of.model_copy(update={"rules": [*of.rules, rule]}), m


def _narrower(rng: random.Random, of: Estate, m: Migration) -> Case:
    """Less at once."""
    settings = of.migration.model_copy(
        update=rng.choice(
            (
                {"most_at_once": 1},
                {"most_at_once_per": {"zone": 1}},
                {"mib_per_second": 80},
                {"one_at_a_time": "zone"},
                {"longest_plan_hours": 0.01},
            )
        )
    )
    return of.model_copy(update={"migration": settings}), m


MUTATIONS: dict[str, Callable[[random.Random, Estate, Migration], Case | None]] = {
    "a step's time": _shifted,
    "an action's time": _action_shifted,
    "a step's length": _shortened,
    "a site": _elsewhere,
    "a need less": _unneeded,
    "a need more": _needing,
    "a rate": _rated,
    "an outage": _flagged,
    "a count": _counted,
    "a recipe": _another_recipe,
    "a subnet": _another_subnet,
    "a step less": _without_step,
    "an action less": _without_action,
    "a loss": _lost,
    "a capacity": _smaller,
    "a size": _larger,
    "a replica": _killed,
    "a rule": _stricter,
    "a setting": _narrower,
}
