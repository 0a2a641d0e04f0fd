"""Generate a region with hosts that has no placement, for one reason that no name gives away.

Everybody but the culprits is placed first; hosts set aside in every zone take the culprits once any member of the
planted clash is dropped (see `clashing`).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from zonewright.instances.clashing import ClashingEstate, Member, Names, Planted, limit, placed
from zonewright.models.problems import InputError

Raw = dict[str, Any]
ByHost = dict[str, dict[str, int]]

#: Cores and GiB of hosts.
_TYPES = ((48, 192), (64, 256), (96, 512))
_SHARES = {"z1": 0.38, "z2": 0.33, "z3": 0.29}
_NEAR = {("z1", "z2"): 0.8, ("z2", "z3"): 0.9, ("z1", "z3"): 2.4}
#: Hosts set aside in each zone, and what each of them has in GiB.
_SPARE, _GIB = 7, 256


class Stall:
    """A region under construction."""

    def __init__(self, seed: int, *, instances: int = 5000, hosts: int = 400) -> None:
        self.rng = Random(f"stalled-{seed}-{instances}-{hosts}")
        self.names = Names(self.rng)
        self.spare: dict[str, list[str]] = {}
        """Per zone, hosts that nobody else uses."""
        self.base: ByHost = {}
        self.data: Raw = {
            "estate": f"region-{instances}x{hosts}-s{seed}",
            "role": "operator",
            "goals": ["placed"],
            "regions": [{"id": "r1"}],
            "zones": [{"id": zone, "in": "r1"} for zone in _SHARES],
            "racks": [],
            "hosts": [],
            "latencies": [{"between": list(pair), "rtt_ms": ms} for pair, ms in _NEAR.items()],
            "groups": [],
            "rules": [],
        }
        free = self._hosts(hosts)
        self._fill(instances, free)
        self._rules()

    def group(self, count: int, cores: int, gib: int) -> str:
        """Add a group somewhere among the others; return its name."""
        name = self.names.group()
        entry = {"id": name, "count": count, "demand": {"cpu_cores": cores, "memory_gib": gib}}
        self.data["groups"].insert(self.rng.randrange(len(self.data["groups"]) + 1), entry)
        return name

    def rule(self, kind: str, **fields: Any) -> str:
        """Add a rule somewhere among the others; return its label."""
        label = self.names.rule()
        entry = {"rule": kind, "id": label, **fields}
        self.data["rules"].insert(self.rng.randrange(len(self.data["rules"]) + 1), entry)
        return label

    def _hosts(self, hosts: int) -> dict[str, list[list[Any]]]:
        """Add racks of hosts; return what is free on those that anybody may use, by zone."""
        free: dict[str, list[list[Any]]] = {}
        for zone, share in _SHARES.items():
            number = round(hosts * share)
            if number < 3 * _SPARE:
                raise InputError(f"is {hosts}: more are needed", path=("hosts",))
            for position in range(number):
                rack = f"{zone}-k{position % 10}"
                if position < 10:
                    self.data["racks"].append({"id": rack, "in": zone})
                cores, gib = self.rng.choice(_TYPES)
                entry: Raw = {"id": f"{zone}-h{position:03d}", "in": rack}
                if position % (number // _SPARE) == 1 and len(self.spare.get(zone, [])) < _SPARE:
                    cores, gib = 64, _GIB
                    entry["labels"] = {"series": "s4"}
                    self.spare.setdefault(zone, []).append(entry["id"])
                else:
                    entry["labels"] = {"series": self.rng.choice(("s1", "s2", "s3"))}
                    free.setdefault(zone, []).append([cores, gib, entry["id"]])
                entry["capacity"] = {"cpu_cores": cores, "memory_gib": gib}
                self.data["hosts"].append(entry)
        return free

    def _fill(self, instances: int, free: dict[str, list[list[Any]]]) -> None:
        """Seat groups on the emptiest hosts, at most one on each."""
        left = instances
        while left:
            count = min(left, self.rng.choice((3, 5, 8, 12, 20, 30, 45)))
            cores = self.rng.choice((2, 3, 4, 4, 6))
            gib = cores * self.rng.choice((3, 4, 5))
            zones = (
                sorted(self.rng.sample(list(_SHARES), self.rng.choice((1, 2, 3, 3)))) if count < 30 else [*_SHARES]
            )
            name = self.group(count, cores, gib)
            self.base[name] = {}
            for position, zone in enumerate(zones):
                number = count // len(zones) + (position < count % len(zones))
                for host in sorted(free[zone], reverse=True)[:number]:
                    if host[0] < cores or host[1] < gib:
                        raise InputError("do not fit: fewer instances, or more hosts", path=("instances",))
                    host[0] -= cores
                    host[1] -= gib
                    self.base[name][host[2]] = 1
            left -= count

    def _rules(self) -> None:
        """Add what the placement of everybody respects."""
        self.rule("anti_affinity", groups=sorted(self.base), level="host")
        homes = {name: sorted({host.split("-")[0] for host in at}) for name, at in self.base.items()}
        for name, zones in homes.items():
            if len(zones) == 3 and self.rng.random() < 0.6:
                self.rule("spread", groups=[name], skew=1)
            elif len(zones) == 2:
                self.rule("domains", groups=[name], allow=zones)
                if self.rng.random() < 0.5:
                    self.rule("spread", groups=[name], least_domains=2)
            if self.rng.random() < 0.25:
                others = [o for o in homes if o != name and homes[o] == zones]
                if others:
                    self.rule(
                        "latency", between=[name, self.rng.choice(others)], limit_ms=0.5 if len(zones) == 1 else 3
                    )
            if len(zones) > 1 and self.rng.random() < 0.2:
                self.rule("survive", groups=[name], keep=1)


def _planted(kind: str, releases: dict[Member, ByHost]) -> Planted:
    return Planted(kind, frozenset(releases), releases)


def series_too_short(stall: Stall) -> Planted:
    """Counting: one to a host, and one more than there are hosts of the series."""
    spots = [host for zone in _SHARES for host in stall.spare[zone]]
    g = stall.group(len(spots) + 1, 2, 4)
    apart: Member = (stall.rule("anti_affinity", groups=[g], level="host"), g, None, None)
    only: Member = (stall.rule("domains", groups=[g], allow_labels={"series": "s4"}), g, None, None)
    here = dict.fromkeys(spots, 1)
    other = _roomiest(stall)
    return _planted("counting", {placed(g): {}, apart: {g: {**here, spots[0]: 2}}, only: {g: {**here, other: 1}}})


def racks_too_few(stall: Stall) -> Planted:
    """Counting: one to a rack, and one more than the only zone allowed has racks."""
    firsts: dict[str, str] = {}
    for host in stall.data["hosts"]:
        if host["in"].startswith("z1-"):
            firsts.setdefault(host["in"], host["id"])
    g = stall.group(len(firsts) + 1, 1, 1)
    apart: Member = (stall.rule("anti_affinity", groups=[g], level="rack"), g, None, None)
    only: Member = (stall.rule("domains", groups=[g], allow=["z1"]), g, None, None)
    here = dict.fromkeys(firsts.values(), 1)
    first = next(iter(here))
    return _planted(
        "counting",
        {placed(g): {}, apart: {g: {**here, first: 2}}, only: {g: {**here, stall.spare["z2"][0]: 1}}},
    )


def one_to_a_host_by_size(stall: Stall) -> Planted:
    """Packing: more than half a host each, one more of them than hosts."""
    spots = stall.spare["z2"]
    g = stall.group(len(spots) + 1, 4, 150)
    only: Member = (stall.rule("domains", groups=[g], allow=["z2"], allow_labels={"series": "s4"}), g, None, None)
    here = dict.fromkeys(spots, 1)
    releases: dict[Member, ByHost] = {placed(g): {}, only: {g: {**here, stall.spare["z1"][0]: 1}}}
    for host in spots:
        releases[limit(host, "memory_mib")] = {g: {**here, host: 2}}
    return _planted("packing", releases)


def sizes_that_do_not_go_together(stall: Stall) -> Planted:
    """Packing: 60 % and 45 % of a host: two of the small ones share one, no large one takes a small one in."""
    spots = stall.spare["z3"]
    large, small = 3, 2 * (len(spots) - 3) + 1
    g, h = stall.group(large, 4, 154), stall.group(small, 4, 116)
    near = {"allow": ["z3"], "allow_labels": {"series": "s4"}}
    of_g: Member = (stall.rule("domains", groups=[g], **near), g, None, None)
    of_h: Member = (stall.rule("domains", groups=[h], **near), h, None, None)
    big, rest = dict.fromkeys(spots[:3], 1), dict.fromkeys(spots[3:], 2)
    away = stall.spare["z1"][0]
    releases: dict[Member, ByHost] = {
        placed(g): {h: {**rest, spots[0]: 1}},
        placed(h): {g: big},
        of_g: {g: {**dict.fromkeys(spots[:2], 1), away: 1}, h: {**rest, spots[2]: 1}},
        of_h: {g: big, h: {**rest, away: 1}},
    }
    for host in spots:
        others = [spot for spot in spots if spot != host]
        seats = dict.fromkeys(others[large:], 2)
        releases[limit(host, "memory_mib")] = {
            g: dict.fromkeys(others[:large], 1),
            h: {**seats, host: small - sum(seats.values())},
        }
    return _planted("packing", releases)


def chain_too_long(stall: Stall) -> Planted:
    """Latency: the ends of a chain are bound to two zones, the middle may not be between them."""
    a, b, c = stall.group(4, 2, 4), stall.group(6, 2, 4), stall.group(4, 2, 4)
    first: Member = (stall.rule("latency", between=[a, b], limit_ms=1), None, None, None)
    second: Member = (stall.rule("latency", between=[b, c], limit_ms=1), None, None, None)
    of_a: Member = (stall.rule("domains", groups=[a], allow=["z1"]), a, None, None)
    of_b: Member = (stall.rule("domains", groups=[b], forbid=["z2"]), b, None, None)
    of_c: Member = (stall.rule("domains", groups=[c], allow=["z3"]), c, None, None)
    at = {zone: stall.spare[zone][1] for zone in _SHARES}
    here: ByHost = {a: {at["z1"]: 4}, b: {at["z3"]: 6}, c: {at["z3"]: 4}}
    return _planted(
        "latency",
        {
            placed(a): {b: here[b], c: here[c]},
            placed(b): {a: here[a], c: here[c]},
            placed(c): {a: here[a], b: {at["z1"]: 6}},
            first: here,
            second: {**here, b: {at["z1"]: 6}},
            of_a: {**here, a: {at["z3"]: 4}},
            of_b: {**here, b: {at["z2"]: 6}},
            of_c: {**here, b: {at["z1"]: 6}, c: {at["z1"]: 4}},
        },
    )


def _roomiest(stall: Stall) -> str:
    """Return the host outside the series that is used least."""
    used: dict[str, int] = {}
    for at in stall.base.values():
        for host, count in at.items():
            used[host] = used.get(host, 0) + count
    spots = {host for hosts in stall.spare.values() for host in hosts}
    rest = [host for host in stall.data["hosts"] if host["id"] not in spots]
    return str(max(rest, key=lambda h: h["capacity"]["cpu_cores"] - 4 * used.get(h["id"], 0))["id"])


#: The reasons in turn.
REASONS: tuple[Callable[[Stall], Planted], ...] = (
    one_to_a_host_by_size,
    chain_too_long,
    series_too_short,
    sizes_that_do_not_go_together,
    racks_too_few,
)


def stalled_estate(seed: int, *, instances: int = 5000, hosts: int = 400) -> ClashingEstate:
    """Return a region that has no placement for one reason; the kind of the clash says which.

    The same for the same arguments. Raises InputError where that many instances do not fit.
    """
    stall = Stall(seed, instances=instances, hosts=hosts)
    clash = REASONS[seed % len(REASONS)](stall)
    return ClashingEstate(stall.data, stall.base, (clash,))
