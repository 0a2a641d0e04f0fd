"""Read an evacuation: hosts in zones, instances of apps on them, and the zone that has failed.

The file is JSON, plain or gzipped: `failed_zone`, `resources` (names), `hosts` (`id`, `zone`, `capacity` by
resource) and `instances` (`id`, `app`, `demand` by resource, `host`). It asks for at most one instance of an app
per host, and at most half of an app's instances, rounded up, per zone.

An app is a group. Its instances of the commonest demand are unnamed members, those of another demand named ones.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from zonewright.instances.packed import unpacked_text
from zonewright.models.estate import Estate
from zonewright.models.events import Event
from zonewright.models.files import estate_from_data
from zonewright.models.json_text import parse_json_text
from zonewright.models.plan import Placement
from zonewright.models.problems import InputError, maybe, printable
from zonewright.models.quantities import MOST_RESOURCE, RESOURCES, SPELLINGS

#: What other people call a resource, with the factor to its unit.
_KNOWN = {name: (name, 1) for name in RESOURCES} | SPELLINGS | {"cpu": SPELLINGS["cpu_cores"]}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+\-]{0,127}")

Path_ = tuple[str | int, ...]
Row = dict[str, Any]


@dataclass(frozen=True)
class Evacuation:
    """An estate, the failure of one of its zones, and what the file calls things."""

    estate: Estate
    event: Event
    host_names: Mapping[str, str]
    """Site of the estate to the host's identifier in the file."""
    members: Mapping[str, Sequence[tuple[str, str]]]
    """Group to its unnamed members: (identifier in the file, site today), in the order of the file."""
    named: Mapping[str, tuple[str, str]]
    """Named instance of the estate to the same."""

    def hosts_after(self, placements: Iterable[Placement]) -> dict[str, str | None]:
        """Return the host of every instance of the file, None where it has none. Who can stay stays."""
        site_of = dict.fromkeys(name for members in self.members.values() for name, _ in members)
        site_of |= dict.fromkeys(name for name, _ in self.named.values())
        seats: dict[str, Counter[str]] = {}
        for placement in placements:
            for name in placement.instances:
                site_of[self.named[name][0]] = placement.site
            unnamed = placement.count - len(placement.instances)
            if unnamed:
                seats.setdefault(placement.group, Counter())[placement.site] += unnamed
        for group, free in seats.items():
            movers: list[str] = []
            for name, site in self.members[group]:
                if free[site]:
                    free[site] -= 1
                    site_of[name] = site
                else:
                    movers.append(name)
            site_of.update(zip(movers, free.elements(), strict=False))
        return {name: self.host_names[site] if site is not None else None for name, site in site_of.items()}


def read_evacuation(path: str | Path) -> Evacuation:
    """Read a file. Raises InputError with file and place for one that is no such file."""
    source = str(path)
    data = parse_json_text(unpacked_text(path), source)
    try:
        return evacuation_from_data(data)
    except InputError as error:
        raise InputError(error.what, path=error.path, source=source, line=error.line) from None


def evacuation_from_data(data: object) -> Evacuation:
    """Build an evacuation from plain data. Raises InputError with the place of the first thing wrong."""
    if not isinstance(data, dict):
        raise InputError("is no object with failed_zone, resources, hosts and instances")
    for key in ("failed_zone", "resources", "hosts", "instances"):
        if key not in data:
            raise InputError(f"has no {key}.{maybe(key, map(str, data))}")
    resources = _resources(data["resources"])
    hosts = _rows(data["hosts"], "hosts", ("id", "zone"), "capacity", len(resources))
    instances = _rows(data["instances"], "instances", ("id", "app", "host"), "demand", len(resources))
    if not hosts:
        raise InputError("names no host", path=("hosts",))
    zones = list(dict.fromkeys(host["zone"] for host in hosts))
    failed = data["failed_zone"]
    if failed not in zones:
        raise InputError(f"no host is in zone {printable(failed)}.{maybe(failed, zones)}", path=("failed_zone",))
    known = {host["id"] for host in hosts}
    for position, instance in enumerate(instances):
        if instance["host"] not in known:
            what = f"unknown host {printable(instance['host'])}.{maybe(instance['host'], known)}"
            raise InputError(what, path=("instances", position, "host"))
    return _built(failed, resources, zones, hosts, instances)


def _resources(value: object) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise InputError("should be a list of names", path=("resources",))
    for position, name in enumerate(value):
        if name in value[:position]:
            raise InputError(f"{printable(name)} is given twice", path=("resources", position))
    return value


def _rows(value: object, section: str, texts: Sequence[str], sizes: str, resources: int) -> list[Row]:
    """Return the entries of a section, each with its texts and one size per resource; identifiers are unique."""
    if not isinstance(value, list):
        raise InputError("should be a list", path=(section,))
    seen: set[str] = set()
    for position, entry in enumerate(value):
        path: Path_ = (section, position)
        if not isinstance(entry, dict):
            raise InputError("should be an object", path=path)
        for key in texts:
            if not isinstance(entry.get(key), str) or not entry[key]:
                what = "should be text" if key in entry else "is missing"
                raise InputError(what, path=(*path, key))
        if entry["id"] in seen:
            raise InputError(f"{printable(entry['id'])} is given twice", path=(*path, "id"))
        seen.add(entry["id"])
        amounts = entry.get(sizes)
        if not isinstance(amounts, list) or len(amounts) != resources:
            raise InputError(f"should be a list of {resources} numbers, one per resource", path=(*path, sizes))
        for r, amount in enumerate(amounts):
            if type(amount) not in (int, float) or not 0 <= amount <= MOST_RESOURCE:
                what = f"{printable(amount)} is no number from 0 to {MOST_RESOURCE:.0e}"
                raise InputError(what, path=(*path, sizes, r))
    return value


def _built(
    failed: str, resources: list[str], zones: list[str], hosts: list[Row], instances: list[Row]
) -> Evacuation:
    units = _units(resources, hosts, instances)
    taken: set[str] = set()
    zone_named = _named("zone", zones, taken)
    host_named = _named("host", [host["id"] for host in hosts], taken)
    apps: dict[str, list[Row]] = {}
    for instance in instances:
        apps.setdefault(instance["app"], []).append(instance)
    group_named = _named("app", apps, set())
    name_of = _named("instance", [instance["id"] for instance in instances], set())
    amounts: dict[tuple[float, ...], dict[str, int]] = {}
    groups: list[dict[str, Any]] = []
    singles: list[dict[str, Any]] = []
    members: dict[str, list[tuple[str, str]]] = {}
    named: dict[str, tuple[str, str]] = {}
    of_limit: dict[int, list[str]] = {}
    for app, rows in apps.items():
        group = group_named[app]
        sizes = Counter(tuple(row["demand"]) for row in rows)
        usual = sizes.most_common(1)[0][0]
        current: Counter[str] = Counter()
        unnamed = members.setdefault(group, [])
        for row in rows:
            size, site = tuple(row["demand"]), host_named[row["host"]]
            if size == usual:
                current[site] += 1
                unnamed.append((row["id"], site))
                continue
            name = name_of[row["id"]]
            named[name] = (row["id"], site)
            demand = amounts.setdefault(size, units.amounts(size))
            singles.append({"id": name, "group": group, "site": site, "demand": demand})
        demand = amounts.setdefault(usual, units.amounts(usual))
        groups.append({"id": group, "count": len(rows), "demand": demand, "current": dict(current)})
        if len(rows) > 1:
            of_limit.setdefault(-(-len(rows) // 2), []).append(group)
    rules: list[dict[str, Any]] = [{"rule": "anti_affinity", "id": "one-per-host", "level": "host", "at_most": 1}]
    rules += [
        {"rule": "anti_affinity", "id": f"{limit}-per-zone", "level": "zone", "at_most": limit, "groups": names}
        for limit, names in sorted(of_limit.items())
    ]
    data = {
        "estate": "evacuation",
        "role": "operator",
        "goals": ["placed", "moves"],
        "resource_names": units.own,
        "zones": [{"id": zone_named[zone]} for zone in zones],
        "hosts": [
            {
                "id": host_named[host["id"]],
                "in": zone_named[host["zone"]],
                "capacity": units.amounts(tuple(host["capacity"])),
            }
            for host in hosts
        ],
        "groups": groups,
        "instances": singles,
        "rules": rules,
    }
    sites = {name: host for host, name in host_named.items()}
    return Evacuation(estate_from_data(data), Event(fail=[zone_named[failed]]), sites, members, named)


def _named(kind: str, ids: Iterable[str], taken: set[str]) -> dict[str, str]:
    """Return the file's identifier to the estate's: the same where it can be, a number otherwise."""
    found: dict[str, str] = {}
    odd: list[tuple[int, str]] = []
    for position, name in enumerate(ids):
        if name in taken or not _NAME.fullmatch(name):
            odd.append((position, name))
            continue
        found[name] = name
        taken.add(name)
    for position, name in odd:
        other = f"{kind}-{position}"
        while other in taken:
            other += "-"
        found[name] = other
        taken.add(other)
    return found


@dataclass(frozen=True)
class _Units:
    """What each resource of the file is in the estate, and the factor to its unit."""

    names: tuple[str, ...]
    factors: tuple[int, ...]
    own: list[str]
    """Resources that only this file knows."""

    def amounts(self, sizes: Sequence[float]) -> dict[str, int]:
        """Return whole amounts by resource."""
        return {
            name: size * factor if type(size) is int else int(Fraction(str(size)) * factor)
            for name, factor, size in zip(self.names, self.factors, sizes, strict=True)
        }


def _units(resources: list[str], hosts: list[Row], instances: list[Row]) -> _Units:
    """Choose units in which every size is whole: a resource's own, or as many decimals as the file has.

    Raises InputError where a size is too fine to be counted.
    """
    names: list[str] = []
    factors: list[int] = []
    own: list[str] = []
    for r, resource in enumerate(resources):
        sizes = {host["capacity"][r] for host in hosts} | {row["demand"][r] for row in instances}
        fine = math.lcm(*(Fraction(str(size)).denominator for size in sizes))
        largest = max(sizes)
        name, factor = _KNOWN.get(resource, (resource, fine))
        if factor % fine or largest * factor > MOST_RESOURCE or name in names or not _NAME.fullmatch(name):
            name, factor = f"resource-{r}", fine
        if largest * factor > MOST_RESOURCE:
            what = f"{printable(resource)} is given in more digits than can be counted: round it"
            raise InputError(what, path=("resources", r))
        if name not in RESOURCES:
            own.append(name)
        names.append(name)
        factors.append(factor)
    return _Units(tuple(names), tuple(factors), own)
