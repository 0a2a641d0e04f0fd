"""Generate a region: zones of unequal size and price, racks, host types, and groups that fill them.

Arrays end in their axes: `g` group, `z` zone, `h` host, `t` host type, `r` resource.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zonewright.instances.demands import IntArray, demand_shapes, group_sizes, shapes_of_groups
from zonewright.instances.planting import FloatArray, Racks, Seats, plant, split_over_zones
from zonewright.models.problems import InputError

#: Cores and GiB of hosts as they are sold; scaled a little so that the region is as full as asked.
_HOST_TYPES = (
    (64, 256), (96, 384), (64, 384), (48, 256), (96, 256), (128, 512), (128, 768), (80, 256),
    (56, 192), (112, 448),
)  # fmt: skip
_UNITS = (0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8)


@dataclass(frozen=True)
class _Fleet:
    """Hosts by zone, rack and type."""

    zone_h: IntArray
    rack_h: IntArray
    type_h: IntArray
    capacity_tr: IntArray


def region_data(
    *,
    instances: int,
    groups: int,
    hosts: int,
    zones: int = 3,
    racks: int = 30,
    fill: float = 0.85,
    seed: int = 0,
    shapes: int = 120,
    host_types: int = 6,
    barred_share: float = 0.1,
    largest_group: int = 300,
    apart_in_racks: bool = False,
    in_place: bool = False,
) -> dict[str, Any]:
    """Generate a region, the same for the same arguments.

    A plan exists: groups are first put on hosts under every rule, then that plan is dropped, or kept as where
    everybody is. Group sizes have a heavy tail and sum to `instances`; `shapes` demands are distinct;
    `barred_share` of the groups may not enter one zone; cpu and memory are both filled to `fill` over the region.

    Parameters
    ----------
    instances, groups, hosts, zones, racks
        How many there are to be.
    fill
        Demand over capacity, for cpu and for memory.
    seed
        Of the random numbers.
    shapes, host_types
        How many distinct demands and host types; fewer where there are fewer groups or hosts.
    barred_share
        Share of the groups that one zone does not take.
    largest_group
        No group is larger; fewer where the hosts of a zone ask for it.
    apart_in_racks
        Whether a rack holds few of a group: as many as an even spread needs, and a quarter more.
    in_place
        Whether everybody runs already.

    Raises
    ------
    InputError
        When the sizes cannot go together, or no plan was found at this `fill`.

    Examples
    --------
    >>> data = region_data(instances=60, groups=12, hosts=12, racks=3, shapes=8, seed=1)
    >>> sum(group["count"] for group in data["groups"]), len(data["zones"])
    (60, 3)
    """
    _refuse_nonsense(instances, groups, hosts, zones, racks, fill, host_types, barred_share)
    rng = np.random.default_rng(seed)
    least_hosts = int(0.75 * hosts / zones)
    largest = min(largest_group, max(1, least_hosts) * max(1, zones - 1))
    # A few large hosts cannot always be filled as asked: small regions are drawn again, which is cheap.
    for _ in range(max(4, min(300, 200_000 // instances))):
        count_g = group_sizes(rng, instances=instances, groups=groups, largest=largest)
        demand_sr = demand_shapes(rng, min(shapes, groups))
        demand_gr = demand_sr[shapes_of_groups(rng, demand_sr, count_g)]
        demand_gr = _to_host_size(demand_gr, count_g, hosts, fill)
        price_z = rng.permutation(np.linspace(1.0, 1.0 + 0.07 * (zones - 1), zones))
        weight_z = rng.permutation(np.linspace(1.4, 0.7, zones))
        barred_g = _bar(rng, groups, zones, barred_share, weight_z)
        count_gz = split_over_zones(rng, count_g, barred_g, weight_z)
        fleet = _fleet(rng, count_gz, demand_gr, price_z, hosts, racks, min(host_types, hosts), fill)
        capacity_hr = fleet.capacity_tr[fleet.type_h].astype(float)
        racks_in = _rack_limits(count_gz, fleet) if apart_in_racks else None
        seats = _planted(rng, count_gz, demand_gr, capacity_hr, fleet, racks_in)
        if seats is not None:
            break
    else:
        what = f"no plan was found at {fill:.0%} full. Maybe a lower fill, or more instances per host"
        raise InputError(what, path=("fill",))
    name = f"region-{instances}x{groups}x{hosts}-{round(fill * 100)}pct-s{seed}"
    return {
        "estate": name,
        "description": f"Generated: {instances} instances, {groups} groups, {hosts} hosts, {fill:.0%} full",
        "role": "operator",
        "regions": [{"id": "r1"}],
        "zones": _zone_entries(rng, zones, price_z),
        "racks": _rack_entries(fleet),
        "hosts": _host_entries(fleet),
        "groups": _group_entries(count_g, demand_gr, _current(fleet, seats, groups) if in_place else None),
        "rules": [
            {"rule": "anti_affinity", "id": "one-per-host", "level": "host", "at_most": 1},
            *(_rack_rules(count_g, racks_in.most_g) if racks_in is not None else ()),
            {"rule": "spread", "id": "even-over-zones", "level": "zone", "skew": 1},
            *barring_rules(barred_g, zones),
        ],
    }


def _rack_limits(count_gz: IntArray, fleet: _Fleet) -> Racks:
    """Return the racks, in one numbering, and how many of each group one may hold."""
    racks_z = np.array([len(set(fleet.rack_h[fleet.zone_h == z])) for z in range(count_gz.shape[1])])
    most_g = np.ceil(1.25 * count_gz / racks_z).max(axis=1).astype(np.int64)
    return Racks(fleet.rack_h, np.maximum(1, most_g))


def _rack_rules(count_g: IntArray, most_g: IntArray) -> list[dict[str, Any]]:
    """Return one rule per limit, for the groups that it could bind."""
    found: list[dict[str, Any]] = []
    for most in np.unique(most_g).tolist():
        names = [f"app-{g:05d}" for g in np.flatnonzero((most_g == most) & (count_g > most))]
        if names:
            rule = {"rule": "anti_affinity", "id": f"{most}-per-rack", "level": "rack", "at_most": most}
            found.append({**rule, "groups": names})
    return found


def _planted(
    rng: np.random.Generator,
    count_gz: IntArray,
    demand_gr: IntArray,
    capacity_hr: FloatArray,
    fleet: _Fleet,
    racks: Racks | None,
) -> Seats | None:
    """Put every zone's groups on its hosts; return who is where in the region, None where that was not found."""
    found: list[Seats] = []
    for zone in range(count_gz.shape[1]):
        hosts = np.flatnonzero(fleet.zone_h == zone)
        inside = Racks(racks.rack_h[hosts], racks.most_g) if racks is not None else None
        seats = plant(rng, count_gz[:, zone], demand_gr, capacity_hr[hosts], inside)
        if seats is None:
            return None
        found.append(Seats(seats.group, hosts[seats.host]))
    return Seats(np.concatenate([s.group for s in found]), np.concatenate([s.host for s in found]))


def _current(fleet: _Fleet, seats: Seats, groups: int) -> list[dict[str, int]]:
    """Return the sites of every group's instances, by the names that hosts are counted out to."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for zone, rack, kind in zip(fleet.zone_h.tolist(), fleet.rack_h.tolist(), fleet.type_h.tolist(), strict=True):
        entry = _host_id(zone, rack, kind)
        names.append(f"{entry}-{seen.get(entry, 0)}")
        seen[entry] = seen.get(entry, 0) + 1
    current: list[dict[str, int]] = [{} for _ in range(groups)]
    for group, host in sorted(zip(seats.group.tolist(), seats.host.tolist(), strict=True)):
        current[group][names[host]] = 1
    return current


def _host_id(zone: int, rack: int, kind: int) -> str:
    """Return the name that equal hosts of a rack share."""
    return f"z{zone + 1}-k{rack:02d}-t{kind}"


def barring_rules(barred_g: IntArray, zones: int) -> list[dict[str, Any]]:
    """Return one rule per zone that keeps its barred groups out."""
    found: list[dict[str, Any]] = []
    for zone in range(zones):
        names = [f"app-{g:05d}" for g in np.flatnonzero(barred_g == zone)]
        if names:
            where = f"z{zone + 1}"
            found.append({"rule": "domains", "id": f"not-in-{where}", "groups": names, "forbid": [where]})
    return found


def _refuse_nonsense(
    instances: int,
    groups: int,
    hosts: int,
    zones: int,
    racks: int,
    fill: float,
    host_types: int,
    barred_share: float,
) -> None:
    for name, value in (
        ("instances", instances),
        ("groups", groups),
        ("hosts", hosts),
        ("zones", zones),
        ("racks", racks),
        ("host_types", host_types),
    ):
        if value < 1:
            raise InputError(f"is {value}, at least 1 is needed", path=(name,))
    if hosts < zones or not zones <= racks <= hosts:
        what = f"{zones} zones, {racks} racks, {hosts} hosts: every zone needs a rack, every rack a host"
        raise InputError(what, path=("racks",))
    if host_types > len(_HOST_TYPES):
        raise InputError(f"{host_types} host types: there are {len(_HOST_TYPES)}", path=("host_types",))
    if not 0 < fill < 1:
        raise InputError(f"is {fill}, between 0 and 1 is needed", path=("fill",))
    if not 0 <= barred_share <= 1 or (barred_share and zones < 2):
        raise InputError("is between 0 and 1, and needs two zones", path=("barred_share",))


def _bar(rng: np.random.Generator, groups: int, zones: int, share: float, weight_z: FloatArray) -> IntArray:
    """Return `barred_g`: the zone that a group may not enter, -1 for none; small zones bar more."""
    barred_g = np.full(groups, -1, dtype=np.int64)
    chosen = rng.permutation(groups)[: round(share * groups)]
    bars_z = 1 / weight_z
    barred_g[chosen] = rng.choice(zones, len(chosen), p=bars_z / bars_z.sum())
    return barred_g


def _to_host_size(demand_gr: IntArray, count_g: IntArray, hosts: int, fill: float) -> IntArray:
    """Scale all demands by one plain unit so that hosts come out about as large as they are sold."""
    wanted = fill * hosts * float(np.mean([cores for cores, _ in _HOST_TYPES])) * 1000
    factor = wanted / float((count_g * demand_gr[:, 0]).sum())
    unit = min(_UNITS, key=lambda u: abs(np.log(u / factor)))
    return np.maximum(1, np.round(demand_gr * unit)).astype(np.int64)


def _fleet(
    rng: np.random.Generator,
    count_gz: IntArray,
    demand_gr: IntArray,
    price_z: FloatArray,
    hosts: int,
    racks: int,
    host_types: int,
    fill: float,
) -> _Fleet:
    """Choose hosts for what each zone is to hold: the cheaper the zone, the less room is left in it."""
    zones = len(price_z)
    wanted_zr = count_gz.T @ demand_gr
    share_z = (wanted_zr / wanted_zr.sum(axis=0)).mean(axis=1)
    cheap_z = (price_z.mean() - price_z) / max(1e-9, np.ptp(price_z))
    fill_z = fill + 0.3 * (1 - fill) * cheap_z
    hosts_z = _apportion(share_z / fill_z, hosts, least=max(1, -(-racks // zones)))
    racks_z = _apportion(hosts_z, racks, least=1)
    zone_h = np.repeat(np.arange(zones), hosts_z)
    rack_h = np.concatenate([np.sort(np.arange(n) % k) for n, k in zip(hosts_z, racks_z, strict=True)])
    chosen = rng.permutation(len(_HOST_TYPES))[:host_types]
    # Every zone has the same mix of types, up to rounding: cpu and memory are then tight everywhere.
    type_h = np.concatenate([rng.permutation(np.arange(n) % host_types) for n in hosts_z])
    base_tr = np.array(_HOST_TYPES, dtype=float)[chosen]
    scale_r = wanted_zr.sum(axis=0) / fill / base_tr[type_h].sum(axis=0)
    grain_r = np.array([50, 64])
    capacity_tr = np.round(base_tr * scale_r / grain_r).astype(np.int64) * grain_r
    return _Fleet(zone_h, rack_h, type_h, capacity_tr)


def _apportion(weight_z: FloatArray | IntArray, total: int, *, least: int) -> IntArray:
    """Divide `total` by weight into whole parts of at least `least` each (largest remainder)."""
    exact_z = (total - least * len(weight_z)) * weight_z / weight_z.sum()
    part_z: IntArray = np.floor(exact_z).astype(np.int64)
    part_z[np.argsort(part_z - exact_z)[: total - least * len(weight_z) - part_z.sum()]] += 1
    part_z += least
    return part_z


def _group_entries(
    count_g: IntArray, demand_gr: IntArray, current: list[dict[str, int]] | None
) -> list[dict[str, Any]]:
    return [
        {
            "id": f"app-{g:05d}",
            "count": int(count_g[g]),
            "demand": {"cpu_milli": int(demand_gr[g, 0]), "memory_mib": int(demand_gr[g, 1])},
            **({"current": current[g]} if current is not None else {}),
        }
        for g in range(len(count_g))
    ]


def _zone_entries(rng: np.random.Generator, zones: int, price_z: FloatArray) -> list[dict[str, Any]]:
    entries = []
    for z in range(zones):
        cores, gib = price_z[z] * (1 + 0.02 * rng.uniform(-1, 1, 2))
        price = {"cpu_cores": round(float(7.2 * cores), 2), "memory_gib": round(float(1.8 * gib), 3)}
        entries.append({"id": f"z{z + 1}", "in": "r1", "price": price})
    return entries


def _rack_entries(fleet: _Fleet) -> list[dict[str, Any]]:
    pairs = sorted({(int(z), int(k)) for z, k in zip(fleet.zone_h, fleet.rack_h, strict=True)})
    return [{"id": f"z{z + 1}-k{k:02d}", "in": f"z{z + 1}"} for z, k in pairs]


def _host_entries(fleet: _Fleet) -> list[dict[str, Any]]:
    """Return hosts by rack and type, each a line with a count."""
    count: dict[tuple[int, int, int], int] = {}
    for key in zip(fleet.zone_h.tolist(), fleet.rack_h.tolist(), fleet.type_h.tolist(), strict=True):
        count[key] = count.get(key, 0) + 1
    entries = []
    for (zone, rack, kind), hosts in sorted(count.items()):
        cpu, memory = fleet.capacity_tr[kind].tolist()
        entries.append(
            {
                "id": _host_id(zone, rack, kind),
                "in": f"z{zone + 1}-k{rack:02d}",
                "count": hosts,
                "capacity": {"cpu_milli": cpu, "memory_mib": memory},
                "labels": {"host_type": f"t{kind}"},
            }
        )
    return entries
