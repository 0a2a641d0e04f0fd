"""What has no room for one more: resources and stock by domain, or else the rules that stand against it."""

from __future__ import annotations

from collections.abc import Iterator

from zonewright.models.estate import Estate
from zonewright.models.view import Row, View
from zonewright.models.world import World
from zonewright.solver.capacity.job import Job
from zonewright.solver.capacity.result import Binding

#: Seconds, and share of what is left, for asking what stands against one more.
REASON_S, REASON_SHARE = 5.0, 0.3


def binding_of(estate: Estate, group: str, fitting: int, job: Job) -> list[Binding]:
    """Return what keeps one more than fit from fitting, scarcest first."""
    from zonewright.solver.capacity.room import grown_by
    from zonewright.solver.capacity.size import held
    from zonewright.solver.clashes.find import first_clash

    part = job.part(min(REASON_S, REASON_SHARE * job.deadline.left))
    if part.deadline.over:
        return []
    world = World(held(grown_by(estate, group, fitting + 1), job))
    members, _ = first_clash(world, part.deadline, workers=job.workers, seed=job.seed)
    found = [
        Binding(m.domain, _thing(m.text) if m.rule == "capacity" else m.label, text=m.text)
        for m in members
        if m.rule not in ("placed", "pin")
    ]
    return list(dict.fromkeys(found))


def _thing(text: str) -> str:
    return text.split(" usable")[0].split(" ")[-1] if " usable" in text else text


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
    found.sort(key=lambda b: (-(b.used or 0) / (b.limit or 1), b.domain or "", b.what))
    return found


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
