"""Random placements, valid or not, of an estate."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.brute import network, survival, witness
from tests.brute.facts import Facts
from tests.brute.scene import Rows, Scene, Witnesses

Raw = dict[str, Any]


def guess(data: Raw, rng: Random) -> Scene:
    """Put everything anywhere: sites, subnets, zones of balancers and subnets, and ways out."""
    facts = Facts(data)
    zones = facts.domains_at("zone")
    scene = Scene(
        facts,
        {},
        serves={
            b["id"]: tuple(rng.sample(zones, min(len(zones), rng.randint(0, 2))))
            for b in facts.balancers.values()
            if not b.get("zones")
        },
        subnet_zones={
            s["id"]: rng.choice(zones) for s in facts.subnets.values() if not s.get("zone") and rng.random() < 0.7
        },
        new_subnets=_new_subnets(facts, rng, zones),
    )
    whole = rng.random() < 0.6
    scene.rows.update(_rows(scene, rng, [u.count if whole else rng.randint(0, u.count) for u in facts.units]))
    scene.witnesses.update(_witnesses(scene, rng))
    return scene


def _new_subnets(facts: Facts, rng: Random, zones: list[str]) -> dict[str, tuple[str, str | None, int]]:
    found: dict[str, tuple[str, str | None, int]] = {}
    empty = Scene(facts, {})
    for name, vpc in facts.vpcs.items():
        prefix = vpc.get("new_subnet_prefix")
        if prefix is None:
            continue
        to_cut = [s["prefix"] for s in facts.subnets.values() if s["vpc"] == name and s.get("prefix")]
        for number in range(rng.randint(0, 3)):
            if witness.blocks(empty, name, [*to_cut, *([prefix] * (number + 1))]) is not None:
                zone = rng.choice([*zones, None])
                found[f"new-{name}-{number}"] = (name, zone, network.new_room(facts, name, prefix))
    return found


def _rows(scene: Scene, rng: Random, counts: list[int], lost: frozenset[str] = frozenset()) -> Rows:
    facts = scene.facts
    sites = [s for s in facts.sites if s not in lost] or facts.sites
    if rng.random() < 0.5:
        sites = rng.sample(sites, rng.randint(1, len(sites)))
    names = [*facts.subnets, *scene.new_subnets]
    rows: Rows = {}
    for unit, count in zip(facts.units, counts, strict=True):
        for _ in range(count):
            site = rng.choice(sites)
            vpc = network.needs_subnet(scene, unit, site)
            fitting = [n for n in names if vpc and network.fits_subnet(scene, unit, site, vpc, n)]
            subnet = rng.choice(fitting) if fitting and rng.random() < 0.8 else rng.choice([None, *names])
            rows[unit.index, site, subnet] = rows.get((unit.index, site, subnet), 0) + 1
    return rows


def _witnesses(scene: Scene, rng: Random) -> Witnesses:
    found: Witnesses = {}
    for key, rules in survival.evacuations(scene.facts).items():
        groups = survival.evacuated(scene, key)
        for lost in survival.scenarios(scene.facts, rules[0]):
            if rng.random() < 0.2:
                continue
            gone = survival.sites_lost(scene.facts, lost)
            moved = survival.displaced(scene, groups, gone)
            counts = [moved.get(u.index, 0) for u in scene.facts.units]
            if rng.random() < 0.2:
                counts = [rng.randint(0, u.count) for u in scene.facts.units]
            found[key, lost] = _rows(scene, rng, counts, gone if rng.random() < 0.9 else frozenset())
    return found
