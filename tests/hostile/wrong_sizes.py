"""Numbers, blocks and counts that cannot be."""

from __future__ import annotations

from tests.hostile.change import Change

WRONG_SIZES = [
    Change("negative count", "count: 6", "count: -6", "groups[0].count", ("at least 0",)),
    Change("huge count", "count: 6", "count: 99999999999999999999", "groups[0].count", ("at most",)),
    Change("count beyond any integer", "count: 6", f"count: {'9' * 400}", "", ("too large",)),
    Change("not a number", "most_share: 0.9", "most_share: .nan", "", (".nan is no number",)),
    Change("infinity", "open_cost: 10", "open_cost: .inf", "", (".inf is no number",)),
    Change("1e400", "per_month: 10000", "per_month: 1e400", "", ("1e400 is no number",)),
    Change("number to the base of sixty", "count: 6", "count: 6:30", "", ("no plain decimal number",)),
    Change("octal", "count: 6", "count: 0o17", "groups[0].count", ("whole number",)),
    Change("negative price", "open_cost: 10", "open_cost: -10", "zones[0].open_cost", ("at least 0",)),
    Change("share above one", "most_share: 0.9", "most_share: 1.9", "rules[7].most_share", ("at most 1",)),
    Change(
        "shares of clients above one",
        "{berlin: 0.75}",
        "{berlin: 0.75, munich: 0.5}",
        "groups[0].clients",
        ("more than 1",),
    ),
    Change(
        "half a mebibyte", "memory_gib: 256", "memory_gib: 0.0001", "zones[1].capacity", ("no whole number",)
    ),
    Change(
        "demand beyond 2^53",
        "count: 6\n    demand:\n      cpu_milli: 500",
        "count: 100000000\n    demand:\n      cpu_milli: 1000000000",
        "groups[0].count",
        ("cpu_milli", "exact"),
    ),
    Change(
        "cost beyond 2^53",
        "count: 6\n    demand:\n      cpu_milli: 500",
        "count: 100000000\n    demand:\n      cpu_milli: 1000000",
        "groups[0].count",
        ("the cost in ten-thousandths",),
    ),
    Change(
        "soft weights beyond 2^53",
        "count: 6\n",
        "count: 100000000\n",
        "rules[7].soft",
        ("weight x amount",),
    ),
    Change(
        "hosts by the million",
        "id: h, in: r1, count: 4",
        "id: h, in: r1, count: 1000000",
        "hosts[0]",
        ("more than 200000 domains",),
    ),
    Change(
        "hosts by the hundred thousand twice",
        "  - {id: h, in: r1, count: 4,",
        "  - {id: i, in: r1, count: 150000}\n  - {id: h, in: r1, count: 150000,",
        "hosts[1]",
        ("more than 200000 domains",),
    ),
    Change(
        "too many scenarios",
        "rule: survive, id: live, groups: [web], level: zone, domains: [z3]",
        "rule: survive, level: host, lose: 4",
        "rules[11].lose",
        ("at most 3",),
    ),
    Change(
        "more losses than zones", "domains: [z3]}", "domains: [z3], lose: 2}", "rules[11].lose", ("to lose",)
    ),
    Change(
        "host bits in a CIDR", "cidr: 10.0.1.0/24", "cidr: 10.0.1.7/24", "subnets[1].cidr", ("host bits",)
    ),
    Change("IPv6", "cidr: 10.0.1.0/24", 'cidr: "fd00::/64"', "subnets[1].cidr", ("no IPv4 network",)),
    Change(
        "overlapping CIDRs",
        "cidr: 10.0.1.0/24",
        "cidr: 10.0.0.128/25",
        "subnets[1].cidr",
        ("overlaps 10.0.0.0/24 of sub-1",),
    ),
    Change("equal CIDRs", "cidr: 10.0.1.0/24", "cidr: 10.0.0.0/24", "subnets[1].cidr", ("overlaps",)),
    Change(
        "CIDR outside its network",
        "cidr: 10.0.1.0/24",
        "cidr: 10.9.1.0/24",
        "subnets[1].cidr",
        ("not inside",),
    ),
    Change("prefix too small", "prefix: 26", "prefix: 31", "subnets[2].prefix", ("at most 29",)),
    Change(
        "prefix larger than the network",
        "new_subnet_prefix: 24",
        "new_subnet_prefix: 12",
        "vpcs[0].new_subnet_prefix",
        ("does not fit",),
    ),
    Change(
        "current beyond count", "current: {z2: 2}", "current: {z2: 7}", "groups[0].current", ("there are 6",)
    ),
    Change("more names than count", "count: 3", "count: 1", "groups[1].count", ("2 named instances",)),
    Change("description too long", "everything once", "x" * 500, "description", ("longer than 400",)),
    Change("name too long", "id: sg-1", f"id: {'s' * 200}", "security_groups[0].id", ("plain name",)),
]
