"""Placements as plan documents and back."""

from __future__ import annotations

from typing import Any

from tests.brute import network, survival, witness
from tests.brute.facts import Facts
from tests.brute.scene import Rows, Scene, Witnesses

Raw = dict[str, Any]


def plan_of(scene: Scene, values: list[tuple[str, int]] | None = None) -> Raw:
    """The plan that says what a scene says."""
    facts = scene.facts
    plan: Raw = {
        "plan": facts.data["estate"],
        "estate_fingerprint": "",
        "status": "FEASIBLE",
        "objective": [{"goal": g, "value": v} for g, v in values or []],
        "placements": _placements(facts, scene.rows),
        "balancers": [{"balancer": b, "zones": list(z)} for b, z in scene.serves.items() if z],
        "subnets": [],
        "new_subnets": [],
        "scenarios": [
            {
                "signature": survival.signature(key),
                "lost": sorted(lost),
                "placements": _placements(facts, rows),
            }
            for (key, lost), rows in scene.witnesses.items()
            if rows
        ],
    }
    cidrs: dict[str, str] = {}
    for vpc, entry in facts.vpcs.items():
        names, prefixes = witness.wanted_blocks(scene, vpc)
        found = witness.blocks(scene, vpc, prefixes) if entry.get("cidr") else None
        cidrs.update(zip(names, found or [], strict=False))
    for name in dict.fromkeys([*scene.subnet_zones, *(n for n in cidrs if n in facts.subnets)]):
        plan["subnets"].append({"subnet": name, "zone": scene.subnet_zones.get(name), "cidr": cidrs.get(name)})
    for name, (vpc, zone, _) in scene.new_subnets.items():
        plan["new_subnets"].append({"id": name, "vpc": vpc, "zone": zone, "cidr": cidrs[name]})
    return plan


def _placements(facts: Facts, rows: Rows) -> list[Raw]:
    return [
        {
            "group": facts.units[index].group,
            "site": site,
            "count": count,
            "subnet": subnet,
            "instances": [facts.units[index].name] if facts.units[index].name else [],
        }
        for (index, site, subnet), count in rows.items()
        if count
    ]


def scene_of(data: Raw, plan: Raw) -> Scene:
    """The scene that a plan document describes."""
    facts = Facts(data)
    new = {
        entry["id"]: (
            entry["vpc"],
            entry.get("zone"),
            network.new_room(facts, entry["vpc"], int(entry["cidr"].split("/")[1])),
        )
        for entry in plan.get("new_subnets") or []
    }
    keys = {survival.signature(key): key for key in survival.evacuations(facts)}
    blocks = {e["subnet"]: e["cidr"] for e in plan.get("subnets") or [] if e.get("cidr")}
    blocks |= {e["id"]: e["cidr"] for e in plan.get("new_subnets") or []}
    witnesses: Witnesses = {
        (keys[entry["signature"]], frozenset(entry["lost"])): _rows(facts, entry["placements"])
        for entry in plan.get("scenarios") or []
    }
    return Scene(
        facts,
        _rows(facts, plan.get("placements") or []),
        serves={e["balancer"]: tuple(e["zones"]) for e in plan.get("balancers") or []},
        subnet_zones={e["subnet"]: e["zone"] for e in plan.get("subnets") or [] if e.get("zone")},
        new_subnets=new,
        blocks=blocks,
        witnesses=witnesses,
    )


def _rows(facts: Facts, placements: list[Raw]) -> Rows:
    rows: Rows = {}
    for entry in placements:
        names = entry.get("instances") or []
        counted = [(name, 1) for name in names] + [(None, entry["count"] - len(names))]
        for name, count in counted:
            if count:
                unit = next(u for u in facts.units if u.group == entry["group"] and u.name == name)
                place = (unit.index, entry["site"], entry.get("subnet"))
                rows[place] = rows.get(place, 0) + count
    return rows
