"""Identifiers in the provider's form: another form is a warning, never an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zonewright.models.world import World

_SECTIONS = {
    "instances": "instance",
    "images": "image",
    "elastic_ips": "elastic_ip",
    "security_groups": "security_group",
    "disks": "disk",
    "snapshots": "snapshot",
    "load_balancers": "load_balancer",
    "vpcs": "vpc",
    "subnets": "subnet",
    "route_tables": "route_table",
    "key_pairs": "key_pair",
}


def identifier_warnings(world: World) -> Iterator[str]:
    """Yield one line per identifier that has the prefix of another kind, or of none.

    Only kinds whose form a catalogue states are looked at; a known alias of a prefix is in order.
    """
    forms: dict[str, list[str]] = {}
    for catalogue in world.catalogues:
        for kind in catalogue.resource_kinds:
            if kind.id_prefix:
                forms.setdefault(kind.kind, []).extend([kind.id_prefix, *kind.aliases])
    for section, kind_name in _SECTIONS.items():
        prefixes = forms.get(kind_name)
        if not prefixes:
            continue
        pattern = re.compile("^(" + "|".join(re.escape(p) for p in prefixes) + ")-[0-9a-z]{8}$")
        for entry in getattr(world.estate, section):
            if not pattern.match(entry.id):
                yield f"{section}: {entry.id} is not in the provider's form ({prefixes[0]}-xxxxxxxx)"
