"""What is broken today may stay so, by as much: limits of domains are raised, and who is there stays."""

from __future__ import annotations

from zonewright.models.rules import ReachRule, all_rules
from zonewright.solver.search.lowerings.draft import Draft, Key, Refused


def check_tolerated(draft: Draft) -> None:
    """Raise Refused unless every entry is in the limits, or allows those to stay who are there today."""
    stays = _stays(draft)
    for key, amount in draft.tolerated.items():
        label, group, domain, _ = key
        if group is None and key not in draft.raised:
            raise Refused(f"{label}: is tolerated to be broken as it is today")
        own = (k for k in stays if k == key or (domain is None and k[:2] == key[:2] and k not in draft.tolerated))
        if group is not None and (label not in draft.stay_labels or sum(stays.pop(k) for k in list(own)) > amount):
            raise Refused(f"{label}: is tolerated to be broken by {group} as it is today")
    if stays:
        label, group, domain, _ = next(iter(stays))
        raise Refused(f"{label}: not all of {group} in {domain} may stay there")


def _stays(draft: Draft) -> dict[Key, int]:
    """Return how many of each group are today where a rule that is tolerated would have them leave."""
    world, reach = draft.world, draft.reach
    rules = dict(all_rules(world))
    draft.stay_labels = {label for label in reach.tolerated if isinstance(rules.get(label), ReachRule)}
    found: dict[Key, int] = {}
    for u, unit in enumerate(world.units):
        for label, mask in reach.profiles[reach.of_unit[u]].tolerated if unit.current else ():
            rule = rules[label]
            for site, count in unit.current.items():
                if mask[reach.position[site]] and isinstance(rule, ReachRule):
                    domain = world.tree.nodes[rule.domain_of(world, site)].id
                    key = (label, unit.group, domain, None)
                    found[key] = found.get(key, 0) + count
    return found
