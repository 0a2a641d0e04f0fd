"""Entries that contradict one another."""

from __future__ import annotations

from tests.hostile.change import Change

CONTRADICTIONS = [
    Change(
        "zone in itself", "- id: z2\n    in: north", "- id: z2\n    in: z2", "zones[1].in", ("cannot be in",)
    ),
    Change(
        "region in a zone",
        "{id: south, country",
        "{id: south, in: z3, country",
        "regions[1].in",
        ("cannot be in",),
    ),
    Change(
        "level given twice",
        "levels: [region, zone, rack, host]",
        "levels: [region, zone, zone, host]",
        "levels[2]",
        ("twice",),
    ),
    Change(
        "level left out",
        "levels: [region, zone, rack, host]",
        "levels: [region, zone, host]",
        "racks[0]",
        ("unknown level rack",),
    ),
    Change(
        "level of another section",
        "- {id: r1, in: z1}",
        "- {id: r1, in: z1, level: zone}",
        "racks[0]",
        ("says level zone",),
    ),
    Change("duplicate group", "  - id: store\n", "  - id: web\n", "groups[1].id", ("web is given twice",)),
    Change("duplicate zone", "{id: z3, in: south", "{id: z1, in: south", "zones[2]", ("z1 is given twice",)),
    Change(
        "duplicate counted host",
        "hosts:\n",
        "hosts:\n  - {id: h-2, in: r1}\n",
        "hosts[1]",
        ("h-2 is given twice",),
    ),
    Change(
        "duplicate rule",
        "rule: budget, per_month",
        "rule: budget, id: live, per_month",
        "rules[11].id",
        ("twice",),
    ),
    Change(
        "duplicate key", "    count: 6\n", "    count: 6\n    count: 7\n", "", ("key count is given twice",)
    ),
    Change("duplicate key in a flow", "{id: z1, in: north,", "{id: z1, id: z4, in: north,", "", ("key id",)),
    Change(
        "state and states", "states: {vm: open}", "states: {vm: open}, state: failed", "zones[0]", ("both",)
    ),
    Change(
        "flavour and demand",
        "flavour: small\n",
        "flavour: small\n    demand: {cpu_milli: 1}\n",
        "groups[1]",
        ("exactly one",),
    ),
    Change(
        "spelling given twice",
        "      cpu_milli: 500",
        "      cpu_milli: 500\n      cpu_cores: 1",
        "groups[0].demand",
        ("cpu_milli twice",),
    ),
    Change(
        "known resource declared",
        "resource_names: [licences]",
        "resource_names: [licences, cpu_cores]",
        "resource_names[1]",
        ("known already",),
    ),
    Change(
        "rule at a level that sites lack",
        "rule: separation, level: zone",
        "rule: separation, level: rack",
        "rules[3].level",
        ("site z2 has no rack",),
    ),
    Change(
        "anti-affinity where hosts are hidden",
        "groups: [store], level: zone",
        "groups: [store], level: host",
        "rules[1].level",
        ("Maybe delegate: true",),
    ),
    Change(
        "scenario of another level",
        "domains: [z3]}",
        "domains: [north]}",
        "rules[11].domains[0]",
        ("north is no zone",),
    ),
    Change(
        "rule that asks for nothing",
        "level: zone, skew: 4, soft",
        "level: zone, soft",
        "rules[0]",
        ("asks for nothing",),
    ),
    Change(
        "rule for no group",
        "rule: spread, groups: [web]",
        "rule: spread, groups: []",
        "rules[0].groups",
        ("names no group",),
    ),
    Change(
        "latency of three",
        "between: [web, store], limit",
        "between: [web, store, web], limit",
        "rules[9].between",
        ("at most 2",),
    ),
    Change("goals without placed", "goals: [placed, soft,", "goals: [soft,", "goals", ("begin with placed",)),
    Change("goal twice", "moves, cost]", "cost, cost]", "goals", ("twice",)),
    Change(
        "prepaid without a date",
        "    flavour: small\n",
        "    flavour: small\n    billing: {mode: prepaid}\n",
        "groups[1].billing",
        ("paid_until",),
    ),
]
