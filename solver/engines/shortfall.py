"""Which decisions are down for too long after all, where the rows on availability were relaxed."""

from __future__ import annotations

from zonewright.models.availability import counts_availability
from zonewright.models.rules import Availability, all_rules
from zonewright.solver.context import Context
from zonewright.solver.decode import Sites
from zonewright.solver.lowering.availability import targets
from zonewright.solver.lowering.survive import needed_to_be_up
from zonewright.solver.outages import ALWAYS, NEGLIGIBLE, Outage, allowed_down, outage_of


def shortfalls(ctx: Context, sites: Sites, known: tuple[Outage, ...]) -> tuple[tuple[Outage, ...], bool]:
    """Return the states in which groups are down that rows did not count, and whether all hard rules hold.

    States that are known already are left out.
    """
    found: list[Outage] = []
    kept = True
    for label, rule in all_rules(ctx.world):
        if not isinstance(rule, Availability) or label not in ctx.relaxed:
            continue
        for group, counts in short_groups(ctx, rule, sites).items():
            kept &= rule.soft is not None or label in ctx.tolerance.labels
            asked = targets(ctx.world, rule)[group]
            slack = sum(counts.values()) - needed_to_be_up(ctx.world, group)
            most = allowed_down(asked) if rule.soft is None else None
            outage = outage_of(ctx.world, label, group, counts, slack, most)
            if outage is not None and outage not in known:
                found.append(outage)
    return tuple(found), kept


def down_too_long(ctx: Context, sites: Sites) -> list[dict[str, dict[int, int]]]:
    """Return, for each hard rule that was relaxed, the groups that are up for less time than is asked."""
    rules = [
        rule for label, rule in all_rules(ctx.world) if isinstance(rule, Availability) and label in ctx.relaxed
    ]
    return [short_groups(ctx, rule, sites) for rule in rules if rule.soft is None]


def short_groups(ctx: Context, rule: Availability, sites: Sites) -> dict[str, dict[int, int]]:
    """Return the groups that are up for less time than is asked, with how many of them are at which site."""
    asked = targets(ctx.world, rule)
    found: dict[str, dict[int, int]] = {}
    for group, target in asked.items():
        counts: dict[int, int] = {}
        for unit in ctx.world.units_of[group]:
            for site, count in sites.get(unit.index, {}).items():
                counts[site] = counts.get(site, 0) + count
        if sum(counts.values()):
            share = counts_availability(ctx.world, counts, needed_to_be_up(ctx.world, group)).value
            if share * ALWAYS < float(target * ALWAYS) - NEGLIGIBLE:
                found[group] = counts
    return found
