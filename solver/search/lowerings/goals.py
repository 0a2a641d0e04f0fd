"""What goals charge."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from zonewright.models.goals import move_weight, running, traffic_pairs, traffic_unit_price
from zonewright.models.quantities import MONEY, SPELLINGS, as_fraction, to_money
from zonewright.solver.search.board import BROKEN, Ints
from zonewright.solver.search.lowerings.draft import MOST_PAIRED, Draft, Refused

#: Entries of a table of prices.
MOST_PRICES = 50_000_000


def lower_goals(draft: Draft) -> None:
    """Charge every goal of the estate to its stage. Raises Refused where a board cannot say one."""
    goals = draft.world.estate.goals
    _placed(draft)
    if "moves" in goals:
        weights = [move_weight(draft.world, u) if u.current else 0 for u in draft.world.units]
        draft.away_uk[:, draft.stages.index("moves")] += np.array(weights, np.int64)
    if "cost" in goals:
        draft.price_stage = draft.stages.index("cost")
        _opening(draft)
        _traffic(draft)
    if "client_latency" in goals:
        name = next((n for n, g in draft.world.groups.items() if g.clients and g.count), None)
        if name is not None:
            raise Refused(f"the goal client_latency: which of {name} is nearest to its clients")
    if "balance" in goals:
        _balance(draft)
    if "hosts" in goals:
        stage = draft.stages.index("hosts")
        draft.opening += [(0, s, stage, 1) for s in range(len(draft.sites))]


def _placed(draft: Draft) -> None:
    for u, unit in enumerate(draft.world.units):
        draft.out_uk[u, draft.stages.index(f"placed[{unit.priority}]")] += 1
    if not draft.partial:
        draft.out_uk[:, BROKEN] += 1
    if any(running(draft.world, unit) for unit in draft.world.units):
        draft.running = draft.stages.index("stopped")


def _opening(draft: Draft) -> None:
    tree, stage = draft.world.tree, draft.stages.index("cost")
    for node in tree.nodes:
        if node.domain.open_cost and tree.sites_under[node.index]:
            draft.opening.append((*draft.at(node.index), stage, to_money(node.domain.open_cost)))


def _traffic(draft: Draft) -> None:
    world = draft.world
    if not world._traffic_prices:
        return
    zones = np.unique(draft.reach.zone_s).tolist()
    for source, target, gib in traffic_pairs(world):
        if not gib or not (world.groups[source].count and world.groups[target].count):
            continue
        priced = len(zones) > MOST_PAIRED or any(
            traffic_unit_price(world, source, target, gib, a, b) for a in zones for b in zones
        )
        if priced:
            raise Refused(f"the goal cost: what {source} sends to {target} has a price")


def _balance(draft: Draft) -> None:
    tree = draft.world.tree
    outside = next((s for s in draft.sites if tree.at_level(s, "zone") is None), None)
    if outside is not None:
        raise Refused(f"the goal balance: {tree.nodes[outside].id} is in no zone")
    draft.spans.append((draft.level("zone"), draft.resource("cpu_milli"), draft.stages.index("balance")))


def price_keys(draft: Draft) -> tuple[Ints, list[int]]:
    """Return the key of every site's prices, and a site (node of the tree) of each key."""
    tree = draft.world.tree
    priced = {tree.by_id[d] for f in draft.world.flavours.values() for d in f.price if d in tree.by_id}
    known: dict[object, int] = {}
    first: list[int] = []
    keys: list[int] = []
    by_object: dict[int, tuple[tuple[str, float], ...]] = {}
    for site in draft.sites:
        node = tree.nodes[site]
        if id(node.price) not in by_object:
            by_object[id(node.price)] = tuple(sorted(node.price.items()))
        above = tuple(a for a in node.ancestors if a in priced) if priced else ()
        key = (above, by_object[id(node.price)])
        if key not in known:
            known[key] = len(known)
            first.append(site)
        keys.append(known[key])
    return np.array(keys, np.int64), first


def price_table(draft: Draft) -> tuple[Ints, Ints, Ints]:
    """Return classes of units, keys of sites, and the price of one instance by both, in ten-thousandths."""
    key_s, first = price_keys(draft)
    units = draft.world.units
    names = sorted({SPELLINGS.get(name, (name, 1))[0] for s in first for name in draft.world.tree.nodes[s].price})
    known: dict[tuple[str | None, tuple[int, ...]], int] = {}
    examples: list[int] = []
    class_u = np.zeros(len(units), np.int64)
    for u, unit in enumerate(units):
        flavour = unit.flavour.id if unit.flavour and unit.flavour.price else None
        key = (flavour, tuple(unit.demand.get(name, 0) for name in names))
        if key not in known:
            known[key] = len(known)
            examples.append(u)
        class_u[u] = known[key]
    if len(examples) * len(first) > MOST_PRICES:
        what = f"{len(examples)} kinds of instances have {len(first)} prices each"
        raise Refused(f"the goal cost: {what}, which is too many")
    price_vq = np.zeros((len(examples), len(first)), np.int64)
    demand_vn = np.array([[units[u].demand.get(name, 0) for name in names] for u in examples], np.int64).reshape(
        len(examples), len(names)
    )
    for q, site in enumerate(first):
        price_vq[:, q] = _prices(draft, site, names, demand_vn)
    for v, (flavour, _) in enumerate(known):
        if flavour is not None:
            price_vq[v] = [draft.world.price(units[examples[v]], site) for site in first]
    return class_u, key_s, price_vq


def _prices(draft: Draft, site: int, names: list[str], demand_vn: Ints) -> Ints:
    """Return what demands cost at a site by its unit prices, rounded half up once."""
    each = dict.fromkeys(names, Fraction(0))
    for name, per_unit in draft.world.tree.nodes[site].price.items():
        resource, factor = SPELLINGS.get(name, (name, 1))
        each[resource] += as_fraction(per_unit) * MONEY / factor
    whole = int(np.lcm.reduce([fraction.denominator for fraction in each.values()] or [1]))
    parts = [2 * int(fraction * whole) for fraction in each.values()]
    most = sum(p * int(d) for p, d in zip(parts, demand_vn.max(axis=0, initial=0), strict=True)) + whole
    kind = np.int64 if most < 2**62 else object
    total = demand_vn.astype(kind) @ np.array(parts, kind) + whole
    return np.asarray(total // (2 * whole), np.int64)
