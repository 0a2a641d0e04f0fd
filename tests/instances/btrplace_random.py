"""Small instances in BtrPlace's JSON, for tests: by hand and at random."""

from __future__ import annotations

import random
from typing import Any


def instance(
    running: dict[int, list[int]],
    *constraints: dict[str, Any],
    ready: list[int] | None = None,
    offline: list[int] | None = None,
    views: list[dict[str, Any]] | None = None,
    vms: dict[str, Any] | None = None,
    nodes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an instance: node to VMs that run there, and constraints."""
    online = {str(node): {"sleepingVMs": [], "runningVMs": here} for node, here in running.items()}
    return {
        "model": {
            "mapping": {"readyVMs": ready or [], "onlineNodes": online, "offlineNodes": offline or []},
            "attributes": {"nodes": nodes or {}, "vms": vms or {}},
            "views": views or [],
        },
        "constraints": list(constraints),
        "objective": {"id": "minimizeMTTR"},
    }


def resource(
    name: str, capacity: int, use: int, nodes: dict[int, int] | None = None, vms: dict[int, int] | None = None
) -> dict[str, Any]:
    """Return a view of a resource."""
    return {
        "id": "shareableResource",
        "rcId": name,
        "defCapacity": capacity,
        "defConsumption": use,
        "nodes": {str(n): v for n, v in (nodes or {}).items()},
        "vms": {str(n): v for n, v in (vms or {}).items()},
    }


def star(nodes: list[int], width: int) -> dict[str, Any]:
    """Return a network: every node linked to one switch."""
    links = [
        {"id": i, "capacity": width, "switch": 0, "physicalElement": {"type": "node", "id": n}}
        for i, n in enumerate(nodes)
    ]
    return {"id": "net", "routing": {"type": "default"}, "switches": [{"id": 0, "capacity": -1}], "links": links}


def constraint(kind: str, **fields: Any) -> dict[str, Any]:
    """Return a constraint, discrete unless it says otherwise."""
    return {"id": kind, "continuous": False} | fields


def any_instance(rng: random.Random, *, stated: bool = True) -> dict[str, Any]:
    """Return an instance of a few nodes and VMs under a few constraints, feasible or not.

    `stated`: with a view of room; without, only constraints.
    """
    nodes = list(range(rng.randint(2, 4)))
    offline = [nodes.pop()] if len(nodes) > 2 and rng.random() < 0.3 else []
    vms = list(range(rng.randint(2, 6)))
    running: dict[int, list[int]] = {node: [] for node in nodes}
    ready: list[int] = []
    for vm in vms:
        if rng.random() < 0.2:
            ready.append(vm)
        else:
            running[rng.choice(nodes)].append(vm)
    every = [*nodes, *offline]
    views = []
    for name in rng.sample(["mem", "cpu"], rng.randint(1, 2)) if stated else []:
        sizes = {vm: rng.randint(0, 4) for vm in vms}
        views.append(resource(name, rng.randint(4, 9), 1, {n: rng.randint(4, 10) for n in every[:1]}, sizes))
    constraints = [constraint("running", vm=vm) for vm in ready if rng.random() < 0.8]
    for _ in range(rng.randint(0, 4)):
        constraints.append(_any_constraint(rng, every, vms, [v["rcId"] for v in views]))
    return instance(running, *constraints, ready=ready, offline=offline, views=views)


def _any_constraint(rng: random.Random, nodes: list[int], vms: list[int], resources: list[str]) -> dict[str, Any]:
    some = rng.sample(vms, rng.randint(1, min(3, len(vms))))
    where = rng.sample(nodes, rng.randint(1, len(nodes) - 1))
    kinds = ["spread", "gather", "fence", "ban", "root", "runningCapacity", "offline", "online", "split", "among"]
    kind = rng.choice(kinds + ["resourceCapacity", "preserve", "overbook"] * bool(resources))
    if kind in ("spread", "gather"):
        return constraint(kind, vms=some)
    if kind in ("fence", "ban"):
        return constraint(kind, vm=some[0], nodes=where)
    if kind == "root":
        return {"id": "root", "vm": some[0]}
    if kind == "runningCapacity":
        return constraint(kind, nodes=where[:1], amount=rng.randint(0, 3))
    if kind == "resourceCapacity":
        return constraint(kind, rc=rng.choice(resources), nodes=where[:1], amount=rng.randint(0, 8))
    if kind == "preserve":
        return {"id": kind, "rc": rng.choice(resources), "vm": some[0], "amount": rng.randint(0, 6)}
    if kind == "overbook":
        return {"id": kind, "rc": rng.choice(resources), "node": where[0], "ratio": rng.choice([1.0, 1.5, 2.0])}
    if kind in ("offline", "online"):
        return constraint(kind, node=where[0])
    rest = [vm for vm in vms if vm not in some]
    if kind == "split" and rest:
        return constraint(kind, sets=[some, rest])
    other = [node for node in nodes if node not in where]
    return constraint("among", vms=some, parts=[where, other])
