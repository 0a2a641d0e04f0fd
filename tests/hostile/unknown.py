"""Fields and names that nobody knows."""

from __future__ import annotations

from tests.hostile.change import Change

UNKNOWN_FIELDS = [
    Change(
        "misspelt section",
        "security_groups:\n  - {id: sg-1",
        "securty_groups:\n  - {id: sg-1",
        "securty_groups",
        ("Maybe security_groups?",),
    ),
    Change("misspelt field of a group", "    count: 6", "    cuont: 6", "groups[0].cuont", ("Maybe count?",)),
    Change(
        "misspelt field of a rule",
        "most_share: 0.9",
        "most_shares: 0.9",
        "rules[7].most_shares",
        ("Maybe most_share?",),
    ),
    Change(
        "field of another rule",
        "level: zone, skew: 4",
        "level: zone, at_most: 4",
        "rules[0].at_most",
        ("unknown field at_most",),
    ),
    Change(
        "misspelt field of a catalogue",
        "    provider: someone",
        "    provider: someone\n    product: []",
        "catalogues[0].product",
        ("Maybe products?",),
    ),
    Change(
        "misspelt kind of rule",
        "rule: anti_affinity",
        "rule: antiaffinity",
        "rules[1]",
        ("Maybe anti_affinity?",),
    ),
    Change(
        "misspelt stock",
        "flavours: {small: 40}",
        "flavours: {small: {onwed: 40}}",
        "zones[2].flavours.small.onwed",
        ("Maybe owned?",),
    ),
]

UNKNOWN_NAMES = [
    Change(
        "region of a zone",
        "- id: z2\n    in: north",
        "- id: z2\n    in: nort",
        "zones[1].in",
        ("Maybe north?",),
    ),
    Change(
        "considered region",
        "consider: [north, south]",
        "consider: [north, suoth]",
        "consider[1]",
        ("Maybe south?",),
    ),
    Change(
        "resource in a demand",
        "      cpu_milli: 500",
        "      cpu_mili: 500",
        "groups[0].demand.cpu_mili",
        ("unknown resource cpu_mili. Maybe cpu_milli?",),
    ),
    Change(
        "resource in a capacity",
        "      memory_gib: 256",
        "      memry_gib: 256",
        "zones[1].capacity.memry_gib",
        ("unknown resource",),
    ),
    Change(
        "resource in a price",
        "price: {cpu_cores: 10.5}",
        "price: {cpu_core: 10.5}",
        "zones[1].price.cpu_core",
        ("Maybe cpu_cores?",),
    ),
    Change(
        "resource in an overcommit",
        "overcommit: {cpu_milli: 1.5}",
        "overcommit: {cpus: 1.5}",
        "zones[1].overcommit.cpus",
        ("unknown resource",),
    ),
    Change(
        "flavour in stock",
        "flavours: {small: 40}",
        "flavours: {smal: 40}",
        "zones[2].flavours.smal",
        ("Maybe small?",),
    ),
    Change(
        "product in states",
        "states: {vm: open}",
        "states: {vms: open}",
        "zones[0].states.vms",
        ("Maybe vm?",),
    ),
    Change(
        "state", "states: {vm: open}", "states: {vm: sold-out}", "zones[0].states.vm", ("Maybe sold_out?",)
    ),
    Change(
        "domain of a latency", "between: [z1, z3]", "between: [z1, z9]", "latencies[0].between[1]", ("z9",)
    ),
    Change(
        "domain of a catalogue's latency",
        "between: [z1, z2]",
        "between: [z1, z8]",
        "catalogues[0].latencies[0].between[1]",
        ("z8",),
    ),
    Change(
        "client's region",
        "id: berlin, region: north",
        "id: berlin, region: norht",
        "clients[0].region",
        ("Maybe north?",),
    ),
    Change(
        "region of a network",
        "id: net-s, region: south",
        "id: net-s, region: z3",
        "vpcs[1].region",
        ("z3 is a zone",),
    ),
    Change(
        "peered network",
        "between: [net-n, net-s]",
        "between: [net-n, net-x]",
        "peerings[0].between[1]",
        ("unknown network",),
    ),
    Change(
        "network of a subnet", "id: sub-2, vpc: net-n", "id: sub-2, vpc: net-m", "subnets[1].vpc", ("Maybe",)
    ),
    Change(
        "zone of a subnet",
        "cidr: 10.0.1.0/24, zone: z2",
        "cidr: 10.0.1.0/24, zone: north",
        "subnets[1].zone",
        ("north is a region",),
    ),
    Change("backend", "backends: [web]", "backends: [wbe]", "load_balancers[0].backends[0]", ("Maybe web?",)),
    Change(
        "kind of balancer", "kind: lb, region", "kind: clb, region", "load_balancers[0].kind", ("Maybe lb?",)
    ),
    Change(
        "account of a group", "    account: main", "    account: mian", "groups[0].account", ("Maybe main?",)
    ),
    Change(
        "product of a group", "    product: vm", "    product: bm", "groups[0].product", ("unknown product",)
    ),
    Change(
        "flavour of a group", "flavour: small\n", "flavour: smoll\n", "groups[1].flavour", ("Maybe small?",)
    ),
    Change("image", "image: img-1", "image: img-2", "groups[0].image", ("Maybe img-1?",)),
    Change("subnet of a group", "subnets: [sub-2]", "subnets: [sub-9]", "groups[0].subnets[0]", ("Maybe",)),
    Change(
        "client location",
        "clients: {berlin: 0.75}",
        "clients: {bern: 0.75}",
        "groups[0].clients.bern",
        ("bern",),
    ),
    Change(
        "service",
        "needs_services: [block_storage]",
        "needs_services: [block_storge]",
        "groups[0].needs_services[0]",
        ("Maybe block_storage?",),
    ),
    Change(
        "current site", "current: {z2: 2}", "current: {z22: 2}", "groups[0].current.z22", ("unknown site",)
    ),
    Change(
        "current site is no leaf",
        "current: {z2: 2}",
        "current: {z1: 2}",
        "groups[0].current.z1",
        ("is no site",),
    ),
    Change("site of an instance", "site: h-1", "site: h-4", "instances[0].site", ("unknown site",)),
    Change(
        "group of an instance",
        "id: store-b, group: store",
        "id: store-b, group: stores",
        "instances[1].group",
        ("Maybe store?",),
    ),
    Change("disk", "disks: [disk-1]", "disks: [disc-1]", "instances[0].disks[0]", ("Maybe disk-1?",)),
    Change(
        "group in a chain",
        "chain: [web, store]",
        "chain: [web, stor]",
        "services[0].chain[1]",
        ("Maybe store?",),
    ),
    Change("group of traffic", "to: store, gib", "to: sotre, gib", "traffic[0].to", ("Maybe store?",)),
    Change(
        "group of a rule",
        "rule: spread, groups: [web]",
        "rule: spread, groups: [weg]",
        "rules[0].groups[0]",
        ("Maybe web?",),
    ),
    Change(
        "level of a rule",
        "groups: [store], level: zone",
        "groups: [store], level: zones",
        "rules[1].level",
        ("Maybe zone?",),
    ),
    Change("other group of an affinity", "to: store}", "to: stroe}", "rules[2].to", ("Maybe store?",)),
    Change("forbidden domain", "forbid: [z3]", "forbid: [z33]", "rules[4].forbid[0]", ("Maybe z3?",)),
    Change(
        "pinned instance",
        'instances: ["store[0]"]',
        'instances: ["store[9]"]',
        "rules[5].instances[0]",
        ("Maybe store[0]?",),
    ),
    Change(
        "product of a quota", "product: vm, most", "product: cvm, most", "rules[6].product", ("Maybe vm?",)
    ),
    Change("goal", "moves, cost]", "moves, costs]", "goals[3]", ("Maybe cost?",)),
    Change(
        "catalogue",
        "catalogues:\n",
        "catalogues:\n  - tencent-cmv\n",
        "catalogues[0]",
        ("unknown catalogue",),
    ),
]
