"""Relocations for tests: small random ones, and the evacuations of the shared data."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np

from zonewright.solver.relocation import Apart, DomainCapacity, Limit, Relocation, Together

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def small(seed: int) -> Relocation:
    """Return a tiny relocation with everything in it, drawn from a seed."""
    draw = np.random.default_rng(seed)
    hosts, classes, resources = int(draw.integers(2, 5)), int(draw.integers(2, 6)), int(draw.integers(1, 3))
    capacity = draw.integers(3, 9, (hosts, resources))
    demand = draw.integers(1, 5, (classes, resources))
    if draw.random() < 0.2:
        demand[:, -1] = draw.integers(0, 3, classes)
    if draw.random() < 0.6:
        demand = demand[draw.integers(0, 2, classes)]
    running: Counter[tuple[int, int]] = Counter()
    count = np.zeros(classes, np.int64)
    free = capacity.astype(int).copy()
    over = draw.random() < 0.3
    for c in range(classes):
        for _ in range(int(draw.integers(0, 3))):
            h = int(draw.integers(0, hosts))
            if over or (free[h] >= demand[c]).all():
                running[c, h] += 1
                free[h] -= demand[c]
                count[c] += 1
        if count[c] < 2 and draw.random() < 0.5:
            count[c] += 1
    masks = int(draw.integers(1, 3))
    enter = draw.random((masks, hosts)) < 0.85
    stay = draw.random((masks, hosts)) < 0.8
    domains = draw.integers(-1 if draw.random() < 0.3 else 0, 2, hosts)
    single = np.arange(hosts)
    limits = []
    for c in range(classes):
        if draw.random() < 0.3:
            limits.append(Limit(np.array([c]), single, np.broadcast_to(np.int64(1), hosts)))
        if draw.random() < 0.3:
            limits.append(Limit(np.array([c]), domains, draw.integers(0, 3, 2)))
    if draw.random() < 0.3:
        some = np.flatnonzero(draw.random(classes) < 0.6)
        limits.append(Limit(some, single if draw.random() < 0.5 else domains, np.full(hosts, draw.integers(1, 3))))
    apart: tuple[Apart, ...] = ()
    together: tuple[Together, ...] = ()
    caps: tuple[DomainCapacity, ...] = ()
    if draw.random() < 0.25:
        sides = draw.integers(0, 3, classes)
        where = single if draw.random() < 0.5 else domains
        apart = (Apart(np.flatnonzero(sides == 0), np.flatnonzero(sides == 1), where),)
    if draw.random() < 0.25:
        some = np.flatnonzero(draw.random(classes) < 0.5)
        together = (Together(some, single if draw.random() < 0.3 else domains),)
    if draw.random() < 0.25:
        caps = (DomainCapacity(domains, draw.integers(4, 14, (2, resources))),)
    entries = sorted(running.items())
    return Relocation(
        capacity_hr=capacity.astype(np.int64),
        demand_cr=demand.astype(np.int64),
        count_c=count,
        priority_c=draw.integers(0, 2, classes) if draw.random() < 0.3 else np.zeros(classes, np.int64),
        weight_c=draw.integers(1, 4, classes) if draw.random() < 0.3 else np.ones(classes, np.int64),
        at_class_n=np.array([c for (c, _), _ in entries], np.int64),
        at_host_n=np.array([h for (_, h), _ in entries], np.int64),
        at_count_n=np.array([n for _, n in entries], np.int64),
        enter_mh=enter,
        stay_mh=stay,
        mask_c=draw.integers(0, masks, classes),
        limits=tuple(limits),
        apart=apart,
        together=together,
        domain_capacity=caps,
    )


def evacuation(path: Path) -> Relocation:
    """Return an evacuation file as a relocation: one class per app and demand, the failed zone's hosts closed."""
    with gzip.open(path) as stream:
        data = json.load(stream)
    hosts, instances = data["hosts"], data["instances"]
    index = {host["id"]: h for h, host in enumerate(hosts)}
    zones = sorted({host["zone"] for host in hosts})
    zone_h = np.array([zones.index(host["zone"]) for host in hosts])
    failed = zone_h == zones.index(data["failed_zone"])
    classes: dict[tuple[str, tuple[int, ...]], int] = {}
    of_app: dict[str, set[int]] = {}
    at: Counter[tuple[int, int]] = Counter()
    in_zone: Counter[tuple[str, int]] = Counter()
    total: Counter[str] = Counter()
    for instance in instances:
        c = classes.setdefault((instance["app"], tuple(instance["demand"])), len(classes))
        of_app.setdefault(instance["app"], set()).add(c)
        h = index[instance["host"]]
        at[c, h] += 1
        in_zone[instance["app"], int(zone_h[h])] += 1
        total[instance["app"]] += 1
    single, one = np.arange(len(hosts)), np.broadcast_to(np.int64(1), len(hosts))
    limits: list[Limit] = []
    for app, members in of_app.items():
        some = np.array(sorted(members))
        most = [max(-(-total[app] // 2), in_zone[app, z]) for z in range(len(zones))]
        limits += [Limit(some, single, one), Limit(some, zone_h, np.array(most))]
    entries = sorted(at.items())
    count = len(classes)
    at_class = np.array([c for (c, _), _ in entries])
    at_count = np.array([n for _, n in entries])
    return Relocation(
        capacity_hr=np.array([host["capacity"] for host in hosts], np.int64),
        demand_cr=np.array([demand for _, demand in classes], np.int64),
        count_c=np.bincount(at_class, at_count, count).astype(np.int64),
        priority_c=np.zeros(count, np.int64),
        weight_c=np.ones(count, np.int64),
        at_class_n=at_class,
        at_host_n=np.array([h for (_, h), _ in entries]),
        at_count_n=at_count,
        enter_mh=~failed[None, :],
        stay_mh=~failed[None, :],
        mask_c=np.zeros(count, np.int64),
        limits=tuple(limits),
    )
