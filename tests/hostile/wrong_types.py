"""Values of another type than the field takes."""

from __future__ import annotations

from tests.hostile.change import Change

WRONG_TYPES = [
    Change("estate is a list", "estate: base", "estate: [base]", "estate", ("should be text",)),
    Change("name with a space", "estate: base", "estate: my base", "estate", ("plain name",)),
    Change(
        "regions is text",
        "regions:\n  - {id: north, country",
        "regions: north\nx:\n  - {id: north, country",
        "regions",
        ("should be a list",),
    ),
    Change(
        "zone is a number",
        "- {id: z1, in: north, states: {vm: open}, open_cost: 10}",
        "- 7",
        "zones[0]",
        ("should be fields", "found 7"),
    ),
    Change("levels is text", "levels: [region, zone, rack, host]", "levels: zone", "levels", ("a list",)),
    Change(
        "country is no",
        "country: DE, services",
        "country: no, services",
        "regions[0].country",
        ("should be text", "found false", "quotes"),
    ),
    Change("count is text", "count: 6", "count: six", "groups[0].count", ("whole number", "'six'")),
    Change("count is a quoted number", "count: 6", 'count: "6"', "groups[0].count", ("whole number",)),
    Change("count is true", "count: 6", "count: true", "groups[0].count", ("whole number", "true")),
    Change("priority is true", "priority: 3", "priority: yes", "groups[0].priority", ("whole number",)),
    Change("pinned is a number", "pinned: false", "pinned: 0", "instances[1].pinned", ("true or false",)),
    Change("share is true", "most_share: 0.9", "most_share: true", "rules[7].most_share", ("a number", "true")),
    Change(
        "demand is a list",
        "    demand:\n      cpu_milli: 500\n      memory_mib: 1024",
        "    demand: [500]",
        "groups[0].demand",
        ("should be fields",),
    ),
    Change(
        "demand is a fraction",
        "cpu_milli: 500",
        "cpu_milli: 0.5",
        "groups[0].demand.cpu_milli",
        ("whole number",),
    ),
    Change("capacity is null", "cpu_cores: 64", "cpu_cores:", "zones[1].capacity", ("cpu_milli",)),
    Change("price is text", "per_gib: 0.01", "per_gib: cheap", "traffic_prices[0].per_gib", ("number",)),
    Change("chain is text", "chain: [web, store]", "chain: web", "services[0].chain", ("a list",)),
    Change(
        "groups of a rule is a number",
        "rule: spread, groups: [web]",
        "rule: spread, groups: 3",
        "rules[0].groups",
        ("a list or '*'",),
    ),
    Change("rule is a number", "- {rule: budget, per_month: 10000}", "- 3", "rules[8]", ("fields",)),
    Change("rule without a kind", "rule: budget, ", "", "rules[8]", ("the field rule",)),
    Change("soft is a number", "soft: {weight: 5}", "soft: 5", "rules[0].soft", ("fields",)),
    Change("time without offset", "2026-01-31T12:00:00+03:00", "2026-01-31T12:00:00", "taken_at", ("offset",)),
    Change("time is a number", "2026-01-31T12:00:00+03:00", "1769850000", "taken_at", ("offset",)),
    Change("date only", "2026-01-30T00:00:00Z", "2026-01-30", "snapshots[0].taken_at", ("offset",)),
    Change("goals is empty", "goals: [placed, soft, moves, cost]", "goals: []", "goals", ("at least 1",)),
]
