"""Whether what is planted in an estate is what clashes there, without asking any solver.

Every planted set is impossible for its groups by trying everything; and with any one member of each dropped there
is a placement of everybody, which the checkers of `models` find to break those members and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from tests.analyses.clashes import reasons
from tests.analyses.elements import FACTS, is_whole
from zonewright.instances.clashing import ClashingEstate, Member, Planted
from zonewright.models import Plan, World, check_plan, estate_from_data

Raw = dict[str, Any]
#: Rules that name no groups and speak of all.
_OF_ALL = ("double_occupancy", "free_ratio", "load", "move_limit")
#: Combinations of dropped members that are tried.
MOST_TRIED = 200


def faults(estate: ClashingEstate) -> Iterator[str]:
    """What is not as it is said to be."""
    world = World(estate_from_data(estate.data))
    choices = [sorted(planted.members, key=str) for planted in estate.planted]
    for number, dropped in enumerate(product(*choices)):
        if number == MOST_TRIED:
            break
        judged, own = world, None
        if any(planted.evacuations for planted in estate.planted):
            # After a loss, what is broken is told as a break of the rule that asks for the evacuation.
            kept = [
                rule for rule in estate.data["rules"] if rule["id"] not in {label for label, _, _, _ in dropped}
            ]
            judged = World(estate_from_data({**estate.data, "rules": kept}))
            own = {g for p in estate.planted if p.evacuations for where in p.releases.values() for g in where}
        said = {m for m in _broken(judged, estate, dropped) if not _elsewhere(judged, m, own)} - set(dropped)
        if said:
            yield f"without {dropped} these are broken, too: {sorted(said, key=str)}"


def _elsewhere(world: World, member: Member, own: set[str] | None) -> bool:
    """Whether an evacuation is said to break what another clash's dropped member is about."""
    label, group, _, _ = member
    rule = next((r for r in world.estate.rules if r.id == label), None)
    return own is not None and getattr(rule, "mode", None) == "evacuate" and group not in own


def _broken(world: World, estate: ClashingEstate, dropped: tuple[Member, ...]) -> Iterator[Member]:
    """What the placement breaks that is said to be one without some members."""
    where: dict[str, dict[str, int]] = {group: dict(sites) for group, sites in estate.base.items()}
    for planted, member in zip(estate.planted, dropped, strict=True):
        where |= {group: dict(sites) for group, sites in planted.releases[member].items()}
    lines = [
        {"group": g, "site": s, "count": n, "subnet": _subnet(world, g, s)}
        for g, at in where.items()
        for s, n in at.items()
        if n
    ]
    plan = {"plan": "planted", "estate_fingerprint": "", "status": "FEASIBLE", "placements": lines}
    plan["scenarios"] = [
        {"signature": "zone-1-firm", "lost": [zone], "placements": [
            {"group": g, "site": s, "count": n} for g, at in goes.items() for s, n in at.items()
        ]}
        for planted, member in zip(estate.planted, dropped, strict=True)
        for zone, goes in planted.evacuations.get(member, {}).items()
    ]  # fmt: skip
    for violation in check_plan(world, Plan.model_validate(plan)).violations:
        yield member_of(world, violation.rule, violation.label, violation.group, violation.domain, violation.what)
    for name, group in world.groups.items():
        if sum(where.get(name, {}).values()) < group.count:
            yield "placed", name, None, None


def _subnet(world: World, group: str, site: str) -> str | None:
    if "near" not in world.groups[group].vpcs:
        return None
    zone = world.tree.nodes[world.zone_of(world.tree.by_id[site])].id
    return f"net-{zone}"


def member_of(
    world: World, rule: str, label: str, group: str | None, domain: str | None, what: str | None
) -> Member:
    """A violation or a clash's part as a member: the names by which elements are told apart."""
    if rule == "placed":
        return "placed", group, None, None
    if rule == "capacity":
        return "capacity", None, domain, what or "instances"
    if rule == "subnet":
        return "subnet", None, None, f"net-{domain}" if domain and not domain.startswith("net-") else domain
    if rule in FACTS:
        return rule, group, domain, None
    own = next((r for r in world.estate.rules if r.id == label), None)
    whole = own is not None and is_whole({"rule": own.rule, "to": getattr(own, "to", None)})
    return label, None if whole else group, None, None


def alone(estate: ClashingEstate, planted: Planted) -> Raw:
    """The estate with nobody but a clash's own groups."""
    names = {g for where in planted.releases.values() for g in where}
    names |= {group for _, group, _, _ in planted.members if group is not None}
    data = dict(estate.data)
    data["groups"] = [group for group in data["groups"] if group["id"] in names]
    data["load_balancers"] = [b for b in data.get("load_balancers", []) if set(b["backends"]) <= names]
    data["rules"] = [rule for rule in data["rules"] if _about(rule) <= names]
    data["rules"] = [rule for rule in data["rules"] if rule["rule"] not in _OF_ALL or _named(rule, planted)]
    return data


def _named(rule: Raw, planted: Planted) -> bool:
    return any(label == rule["id"] for label, _, _, _ in planted.members)


def _about(rule: Raw) -> set[str]:
    names = (
        set(rule.get("groups", [])) | set(rule.get("between", [])) | {h["group"] for h in rule.get("together", [])}
    )
    return names | {rule[key] for key in ("quorum", "clients", "to") if rule.get(key)}


def clashes_alone(estate: ClashingEstate, planted: Planted) -> list[frozenset[Member]]:
    """All minimal clashes of a planted one's groups by themselves, by trying everything; for estates of zones."""
    return reasons(alone(estate, planted)).clashes
