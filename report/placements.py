"""Placements for people: every row of a small plan, groups by zones of a large one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console

from zonewright.report.console import print_table

if TYPE_CHECKING:
    from zonewright.models import Plan, World

MOST_ROWS = 40
MOST_ZONES = 9


def print_placements(console: Console, world: World, plan: Plan) -> None:
    """Print where everything goes: row by row where a person can read it all, summed up otherwise."""
    if len(plan.placements) <= MOST_ROWS:
        _every_row(console, plan)
    else:
        _by_zone(console, world, plan)


def _every_row(console: Console, plan: Plan) -> None:
    networked = any(entry.subnet for entry in plan.placements)
    named = any(entry.instances for entry in plan.placements)
    columns = [
        "group",
        "site",
        "count>",
        *(["subnet"] if networked else []),
        *(["instances"] if named else []),
    ]
    rows: list[list[object]] = []
    for entry in plan.placements:
        row: list[object] = [entry.group, entry.site, entry.count]
        if networked:
            row.append(entry.subnet)
        if named:
            row.append(", ".join(entry.instances))
        rows.append(row)
    print_table(console, "Placement", columns, rows)


def _by_zone(console: Console, world: World, plan: Plan) -> None:
    """Count instances, and hosts where zones have them, by group and zone."""
    tree = world.tree
    counts: dict[str, Counter[str]] = {}
    hosts: dict[tuple[str, str], set[str]] = {}
    zones: Counter[str] = Counter()
    all_hosts: dict[str, set[str]] = {}
    for entry in plan.placements:
        site = tree.by_id[entry.site]
        zone = tree.nodes[world.zone_of(site)].id
        counts.setdefault(entry.group, Counter())[zone] += entry.count
        zones[zone] += entry.count
        if zone != entry.site:
            hosts.setdefault((entry.group, zone), set()).add(entry.site)
            all_hosts.setdefault(zone, set()).add(entry.site)
    shown = sorted(zone for zone, _ in zones.most_common(MOST_ZONES))
    others = len(zones) - len(shown)

    def row(name: str, of_group: Counter[str], where: dict[str, set[str]]) -> list[object]:
        cells: list[object] = [name]
        for zone in shown:
            at = where.get(zone, ())
            count = f"{of_group[zone]:,}" if of_group[zone] else ""
            cells.append(f"{count} on {len(at):,}" if at else count)
        if others:
            cells.append(of_group.total() - sum(of_group[zone] for zone in shown))
        return [*cells, of_group.total()]

    largest = sorted(counts, key=lambda name: (-counts[name].total(), name))
    top = largest if len(largest) <= MOST_ROWS else largest[: MOST_ROWS - 1]
    rows = [row(g, counts[g], {z: hosts.get((g, z), set()) for z in shown}) for g in top]
    if len(top) < len(largest):
        rest: Counter[str] = Counter()
        for name in largest[len(top) :]:
            rest.update(counts[name])
        rows.append(row(f"… {len(largest) - len(top):,} more groups", rest, {}))
    rows.append(row("all", zones, all_hosts))
    title = "Placement by group and zone" + (" (instances on hosts)" if all_hosts else "")
    columns = ["group", *(f"{zone}>" for zone in shown), *([f"{others} more>"] if others else []), "all>"]
    print_table(console, title, columns, rows)
