"""Small random sizing problems."""

from __future__ import annotations

import numpy as np

from zonewright.solver.sizing import AreaLimit, SizingProblem


def tiny(seed: int) -> SizingProblem:
    """Return a problem that everything can be tried on."""
    random = np.random.default_rng(seed)
    areas = int(random.integers(1, 4))
    hosts, offers, classes = int(random.integers(0, 4)), int(random.integers(0, 3)), int(random.integers(1, 4))
    resources = int(random.integers(1, 3))
    demand_cr = random.integers(1, 4, (classes, resources))
    count_c = random.integers(1, 3, classes)
    capacity_hr = random.integers(2, 7, (hosts, resources))
    groups = int(random.integers(1, 3))
    group_c = random.integers(-1, groups, classes)
    per_host_g = random.integers(-1, 3, groups)
    at = _running(random, capacity_hr, demand_cr, count_c)
    scenarios = int(random.integers(0, 3)) if areas > 1 else 0
    lost_sa = np.zeros((scenarios, areas), bool)
    for s in range(scenarios):
        lost_sa[s, random.integers(areas)] = True
    masks = 2
    enter_mh, enter_mo = random.random((masks, hosts)) < 0.9, random.random((masks, offers)) < 0.9
    lot_o = random.integers(1, 3, offers)
    return SizingProblem(
        capacity_hr=capacity_hr.astype(np.int64),
        area_h=random.integers(0, areas, hosts),
        capacity_or=random.integers(2, 8, (offers, resources)),
        area_o=random.integers(0, areas, offers),
        price_o=random.integers(1, 8, offers),
        most_o=np.where(random.random(offers) < 0.5, -1, random.integers(1, 5, offers)),
        lot_o=lot_o,
        demand_cr=demand_cr.astype(np.int64),
        count_c=count_c.astype(np.int64),
        group_c=group_c.astype(np.int64),
        per_host_g=np.where(per_host_g == 0, 1, per_host_g).astype(np.int64),
        mask_c=random.integers(0, masks, classes),
        enter_mh=enter_mh,
        enter_mo=enter_mo,
        at_class_n=at[:, 0],
        at_host_n=at[:, 1],
        at_count_n=at[:, 2],
        lost_sa=lost_sa,
        evacuated_sc=random.random((scenarios, classes)) < 0.8,
        limits=tuple(_limits(random, areas, classes, scenarios)),
    )


def _running(
    random: np.random.Generator,
    capacity_hr: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    demand_cr: np.ndarray[tuple[int, int], np.dtype[np.int64]],
    count_c: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    rows = []
    room_hr = capacity_hr.copy()
    for c, n in enumerate(count_c.tolist()):
        for _ in range(int(random.integers(0, n + 1))):
            fits = np.flatnonzero(np.all(room_hr >= demand_cr[c], axis=1))
            if len(fits):
                h = int(random.choice(fits))
                room_hr[h] -= demand_cr[c]
                rows.append((c, h, 1))
    return np.array(rows, np.int64).reshape(-1, 3)


def _limits(random: np.random.Generator, areas: int, classes: int, scenarios: int) -> list[AreaLimit]:
    found = []
    while random.random() < 0.35:
        members = np.flatnonzero(random.random(classes) < 0.7)
        weight_a = random.integers(-1, 2, areas)
        kind = int(random.integers(3))
        layer = int(random.integers(-1, scenarios))
        most = 1 << 53
        low = int(random.integers(-1, 2)) if kind != 1 else -most
        high = int(random.integers(1, 4)) if kind != 0 else most
        found.append(AreaLimit(members.astype(np.int64), weight_a.astype(np.int64), low, high, layer))
    return found


def fleet(
    seed: int, *, areas: int = 3, groups: int = 40, instances: int = 200, limits: bool = False
) -> SizingProblem:
    """Return a fleet two thirds full: one of a group per host, any area may be lost, three types for sale."""
    random = np.random.default_rng(seed)
    shapes = np.array([(2, 4), (2, 8), (4, 8), (4, 16), (8, 16), (8, 32)], np.int64)
    types = np.array([(32, 128), (64, 192), (64, 384)], np.int64)
    demand_cr = shapes[random.integers(0, len(shapes), groups)]
    count_c = 1 + random.multinomial(instances - groups, np.full(groups, 1 / groups)).astype(np.int64)
    run_c = random.binomial(count_c, 0.65)
    used_r = run_c @ demand_cr
    type_h = random.integers(0, 3, areas * max(2, int(used_r[0] / 0.66 / 53 / areas)))
    capacity_hr, area_h = types[type_h], np.arange(len(type_h)) % areas
    room_hr, rows = capacity_hr.copy(), []
    for c in np.argsort(-demand_cr[:, 0], kind="stable").tolist():
        fits = np.flatnonzero(np.all(room_hr >= demand_cr[c], axis=1))
        for h in random.permutation(fits)[: run_c[c]].tolist():
            room_hr[h] -= demand_cr[c]
            rows.append((c, h, 1))
    at = np.array(rows, np.int64)
    offer_area = np.repeat(np.arange(areas), 3)
    prices = np.tile([330, 600, 640], areas) + random.integers(-20, 20, 3 * areas)
    most = 1 << 53
    spread = [
        AreaLimit(np.array([c]), np.eye(areas, dtype=np.int64)[a], -most, int(-(-count_c[c] * 2 // areas)) + 1)
        for c in range(0, groups, 4)
        for a in range(areas)
    ]
    return SizingProblem(
        capacity_hr=capacity_hr,
        area_h=area_h,
        capacity_or=np.tile(types, (areas, 1)),
        area_o=offer_area,
        price_o=prices,
        most_o=np.full(3 * areas, -1),
        lot_o=np.ones(3 * areas, np.int64),
        demand_cr=demand_cr,
        count_c=count_c,
        group_c=np.arange(groups),
        per_host_g=np.ones(groups, np.int64),
        mask_c=np.zeros(groups, np.int64),
        enter_mh=np.ones((1, len(type_h)), bool),
        enter_mo=np.ones((1, 3 * areas), bool),
        at_class_n=at[:, 0],
        at_host_n=at[:, 1],
        at_count_n=at[:, 2],
        lost_sa=np.eye(areas, dtype=bool) if areas > 1 else np.zeros((0, areas), bool),
        evacuated_sc=np.ones((areas if areas > 1 else 0, groups), bool),
        limits=tuple(spread) if limits else (),
    )
