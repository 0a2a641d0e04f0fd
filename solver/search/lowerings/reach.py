"""Which sites units may use: hard rules are in their profiles already, soft ones charge for every instance."""

from __future__ import annotations

import numpy as np

from zonewright.models.rules import Domains, Pin, Residency, Rule
from zonewright.solver.search.lowerings.draft import Draft


def by_reach(draft: Draft, rule: Rule, label: str) -> None:
    """Nothing more: the profiles of units, or their own mark, say it."""


def domains(draft: Draft, rule: Domains, label: str) -> None:
    """Softly: instances at sites that are not allowed."""
    _charge_outside(draft, rule, label)


def residency(draft: Draft, rule: Residency, label: str) -> None:
    """Softly: instances abroad. Disks and copies that are abroad break the rule in every plan."""
    _charge_outside(draft, rule, label)
    weight, stage = draft.charge(rule)
    draft.constant_k[stage] += weight * _things_abroad(draft, rule)


def _charge_outside(draft: Draft, rule: Domains | Residency, label: str) -> None:
    if rule.soft is None:
        return
    world, names = draft.world, rule.selected(draft.world)
    unit = next((u for name in names for u in world.units_of[name]), None)
    if unit is None:
        return
    outside = np.array([rule.blocks(world, unit, site) is not None for site in draft.sites], bool)
    draft.cost_outside(label, outside, draft.of_groups(names), *draft.charge(rule))


def _things_abroad(draft: Draft, rule: Residency) -> int:
    world, tree = draft.world, draft.world.tree
    found = 0
    for group in rule.selected(world):
        things = {("disk", name) for u in world.units_of[group] for name in u.disks}
        things |= {("snapshot", name) for u in world.units_of[group] for name in u.snapshots}
        regions = (world.attachables[kind][name].region for kind, name in things)
        known = (tree.by_id[region] for region in regions if region in tree.by_id)
        found += sum(tree.nodes[node].domain.country not in rule.countries for node in known)
    return found


def pin(draft: Draft, rule: Pin, label: str) -> None:
    """Stay in one domain, or where each is today."""
    names = set(rule.instances)
    concerned = draft.of_groups(rule.selected(draft.world))
    if names:
        concerned &= np.array([u.name in names for u in draft.world.units], bool)
    if rule.domain is not None:
        inside = draft.under(draft.world.tree.by_id[rule.domain])
        if rule.soft is None:
            draft.hold_to(inside, np.flatnonzero(concerned).tolist())
        else:
            draft.cost_outside(label, ~inside, concerned, *draft.charge(rule))
        return
    concerned &= draft.runs_u
    draft.stays_u |= concerned
    if rule.soft is None:
        draft.pinned_u |= concerned
        return
    weight, stage = draft.charge(rule)
    draft.away_uk[concerned, stage] += weight
    draft.gone_uk[concerned, stage] -= weight
