"""What has no room for one more: resources and stock by domain, or else the rules that stand against it."""

from __future__ import annotations

from collections.abc import Iterator

from zonewright.models.estate import Estate
from zonewright.models.rules import Survive, all_rules
from zonewright.models.topology import State
from zonewright.models.view import Row, View
from zonewright.models.world import World
from zonewright.solver.capacity.job import Job
from zonewright.solver.capacity.result import Binding
from zonewright.solver.lowering.survive import evacuation_layers, signature
from zonewright.solver.result import Clash

#: Seconds, and share of what is left, for asking what stands against one more.
REASON_S, REASON_SHARE = 5.0, 0.3


def binding_of(estate: Estate, group: str, fitting: int, job: Job) -> list[Binding]:
    """Return what keeps one more than fit from fitting: by counting where that says it, else as rules clash."""
    from zonewright.solver.capacity.room import grown_by
    from zonewright.solver.capacity.size import held
    from zonewright.solver.clashes.find import first_clash

    asked = grown_by(estate, group, fitting + 1)
    crowds = crowded(World(asked))
    counted = [b for b in crowds if (b.used or 0) > (b.limit or 0)]
    part = job.part(min(REASON_S, REASON_SHARE * job.deadline.left))
    if counted or part.deadline.over:
        return counted
    world = World(held(asked, job))
    members, _ = first_clash(world, part.deadline, workers=job.workers, seed=job.seed)
    told = [m for m in members if m.rule not in ("placed", "pin", "zone_state")]
    found = _by_zone(world, told)
    losses = [rule for rule in world.estate.rules if isinstance(rule, Survive) and rule.mode == "evacuate"]
    if losses and all(m.rule == "survive" for m in told):
        found += [b for b in crowds if b.text][
            :2
        ]  # Packing: what is fullest after a loss has no room in one piece.
    return found


def _by_zone(world: World, members: list[Clash]) -> list[Binding]:
    """Return the members of a clash, hosts of one zone that lack the same thing taken together."""
    tree = world.tree
    hosts: dict[tuple[str, str], int] = {}
    found: list[Binding] = []
    for member in members:
        node = tree.by_id.get(member.domain) if member.domain is not None else None
        if member.rule == "capacity" and node is not None:
            zone = tree.nodes[world.zone_of(node)].id
            key = (zone, member.what or _thing(member.text))
            hosts[key] = hosts.get(key, 0) + (0 if tree.nodes[node].id == zone else 1)
        else:
            found.append(Binding(member.domain, member.label, text=member.text))
    return [
        *(Binding(zone, what, text=_hosts_text(n)) for (zone, what), n in hosts.items()),
        *dict.fromkeys(found),
    ]


def _hosts_text(count: int) -> str:
    return "" if not count else f"on {count} host{'' if count == 1 else 's'}"


def _thing(text: str) -> str:
    """Return the resource or flavour that a limit in words is about."""
    return text.removesuffix(" usable").split(" ")[-1] if text.endswith(" usable") else text


def scarcest(view: View) -> list[Binding]:
    """Return the resources of zones by how much of them is used, before or after a loss, the fullest first.

    A zone without a capacity of its own has that of its hosts.
    """
    world = view.world
    fullest: dict[tuple[int, str], Binding] = {}
    for rows, lost, words in _moments(view):
        used = _used(world, rows, lost)
        for zone in world.tree.domains_at("zone") or list(world.tree.sites):
            for resource in world.resources:
                limit = _limit(world, zone, resource, firm=bool(words))
                amount = used.get((zone, resource), 0)
                before = fullest.get((zone, resource))
                if limit and (before is None or amount * (before.limit or 1) > (before.used or 0) * limit):
                    name = world.tree.nodes[zone].id
                    fullest[zone, resource] = Binding(name, resource, amount, limit, words)
    found = list(fullest.values())
    found.sort(key=_fullness)
    return found


def crowded(world: World) -> list[Binding]:
    """Return what everybody needs of what is there, before any loss and after each, by counting, the worst first.

    Used is what is to be in the open zones that remain; it may be above the limit. Who runs elsewhere stays there.
    """
    layers: list[tuple[tuple[int, ...], frozenset[str], str]] = [((), frozenset(world.groups), "")]
    for name, lost, _ in evacuation_layers(world):
        words = "+".join(world.tree.nodes[d].id for d in lost)
        layers.append((lost, _evacuated(world, name), f"when {words} is lost"))
    found: list[Binding] = []
    for lost, groups, words in layers:
        gone = {s for d in lost for s in world.tree.sites_under[d]}
        alive = [z for z in _open_zones(world) if not gone.issuperset(world.tree.sites_under[z])]
        where = "+".join(world.tree.nodes[z].id for z in alive)
        inside = {s for z in alive for s in world.tree.sites_under[z]} | gone
        for resource in world.resources:
            limits = [_limit(world, z, resource, firm=bool(words)) for z in alive]
            if not limits or any(limit is None for limit in limits):
                continue
            need = 0
            for unit in world.units:
                if unit.group in groups:
                    stays = sum(n for site, n in unit.current.items() if site not in inside)
                    need += unit.demand.get(resource, 0) * (unit.count - stays)
            found.append(Binding(where, resource, need, sum(limit or 0 for limit in limits), words))
    found.sort(key=_fullness)
    return found


def _open_zones(world: World) -> list[int]:
    """Return the zones that somebody may enter."""
    products = {unit.product for unit in world.units}
    tree = world.tree
    open_sites = [s for s in tree.sites if any(tree.state(s, p) is State.OPEN for p in products)]
    return sorted({world.zone_of(site) for site in open_sites})


def _fullness(binding: Binding) -> tuple[float, str, str]:
    return -(binding.used or 0) / (binding.limit or 1), binding.domain or "", binding.what


def evacuees(world: World) -> frozenset[str]:
    """Return the groups that every hard evacuation places again."""
    names = {name for name, _, _ in evacuation_layers(world)}
    return frozenset(world.groups).intersection(*(_evacuated(world, name) for name in names))


def _evacuated(world: World, name: str) -> frozenset[str]:
    return frozenset(
        group
        for _, rule in all_rules(world)
        if isinstance(rule, Survive) and rule.mode == "evacuate" and rule.soft is None and signature(rule) == name
        for group in rule.selected(world)
    )


def _moments(view: View) -> Iterator[tuple[list[Row], frozenset[int], str]]:
    """Yield who is where before any loss, and after each that the plan has a way out of."""
    yield view.rows, frozenset(), ""
    tree = view.world.tree
    for of_rules in view.witnesses.values():
        for scenario, arrivals in of_rules.items():
            lost = frozenset(s for d in scenario for s in tree.sites_under[d])
            name = "+".join(tree.nodes[d].id for d in scenario)
            yield [*(r for r in view.rows if r.site not in lost), *arrivals], lost, f"when {name} is lost"


def _used(world: World, rows: list[Row], lost: frozenset[int]) -> dict[tuple[int, str], int]:
    used: dict[tuple[int, str], int] = {}
    for row in rows:
        for node in world.tree.nodes[row.site].ancestors if row.site not in lost else ():
            for resource, amount in world.units[row.unit].demand.items():
                used[node, resource] = used.get((node, resource), 0) + amount * row.count
    return used


def _limit(world: World, zone: int, resource: str, *, firm: bool) -> int | None:
    """Return what a zone has of a resource, by itself or over its hosts; None where that is not stated."""
    tree = world.tree
    limit = tree.nodes[zone].usable(resource, firm=firm)
    if limit is not None:
        return limit
    below = [tree.nodes[s].usable(resource, firm=firm) for s in tree.sites_under[zone]]
    return None if any(b is None for b in below) else sum(b for b in below if b is not None)


__all__ = ["binding_of", "scarcest"]
