"""Read BtrPlace's instances (JSON) into one neutral form, with everything that the format leaves open resolved.

BtrPlace is an open scheduler of virtual machines (the repository `btrplace/scheduler`, LGPL-3). Times are whole
seconds from 0, an action runs [start, end), and what ends at a moment makes room for what starts at it.

Room. A VM takes what it uses today until it has left its node, and what it needs afterwards (`preserve`, or what
it uses today) on its new node from the moment it starts to go there.

Duration. Without a network an action takes what the attribute of its name says, 1 s by default. With one, a
migration takes the whole bandwidth of its path as long as its memory, written again while it is copied, needs.
Links are full duplex: each direction has the capacity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic_core import from_json

from zonewright.instances.packed import unpacked
from zonewright.models.estate import Estate
from zonewright.models.events import Event
from zonewright.models.migration import Action, Migration
from zonewright.models.problems import InputError, maybe, printable
from zonewright.models.quantities import RESOURCES, SPELLINGS
from zonewright.models.reading import Document, validate
from zonewright.models.resources import Group, Movability
from zonewright.models.topology import Domain, Stock

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Larger numbers than this are not BtrPlace's: its own are 32-bit.
MOST = 2**31
#: More nodes or VMs than this are refused.
MOST_ELEMENTS = 2_000_000


@dataclass(frozen=True)
class Company:
    """VMs (positions) that a constraint is about together."""

    vms: tuple[int, ...]
    continuous: bool


@dataclass(frozen=True)
class Parts:
    """VMs whose nodes all lie in one of several parts (positions of nodes)."""

    vms: tuple[int, ...]
    parts: tuple[frozenset[int], ...]
    continuous: bool


@dataclass(frozen=True)
class Ceiling:
    """Several nodes together hold at most `amount` of a resource (position), or of VMs where it is None."""

    resource: int | None
    nodes: tuple[int, ...]
    amount: int
    continuous: bool


@dataclass(frozen=True)
class Channel:
    """One direction of a link, or a switch that does not pass everything: at most `capacity` Mbit/s at once."""

    name: str
    capacity: int


@dataclass(frozen=True)
class Network:
    """Links and switches, and the way from node to node."""

    channels: tuple[Channel, ...]
    uplinks: dict[int, tuple[int, int]]
    """Node position to its link and its switch."""
    link_ends: tuple[tuple[int, int | None], ...]
    """By link: its switch, and the switch at its other end, None for a node."""
    links_of_switch: tuple[tuple[int, ...], ...]
    switch_channel: tuple[int | None, ...]
    given: dict[tuple[int, int], tuple[tuple[int, bool], ...]] | None
    """Static routes: pair of nodes to (link, up); None where routes are found."""
    _routes: dict[tuple[int, int], tuple[tuple[int, bool], ...]] = field(default_factory=dict)

    def path(self, source: int, target: int) -> tuple[int, ...]:
        """Return the channels that a migration passes. Raises InputError where there is no way."""
        found: list[int] = []
        for link, up in self._links(source, target):
            found.append(2 * link + (0 if up else 1))
        for switch in dict.fromkeys(
            end for link, _ in self._links(source, target) for end in self.link_ends[link]
        ):
            channel = self.switch_channel[switch] if switch is not None else None
            if channel is not None:
                found.append(channel)
        return tuple(found)

    def bandwidth(self, source: int, target: int) -> int:
        """Return the Mbit/s that a migration takes all the way."""
        return min(self.channels[channel].capacity for channel in self.path(source, target))

    def _links(self, source: int, target: int) -> tuple[tuple[int, bool], ...]:
        if self.given is not None:
            if (source, target) not in self.given:
                raise InputError(f"the network has no route from node {source} to node {target}")
            return self.given[source, target]
        for node in (source, target):
            if node not in self.uplinks:
                raise InputError(f"the network does not connect node {node}")
        (first, a), (last, b) = self.uplinks[source], self.uplinks[target]
        if (a, b) not in self._routes:
            self._routes[a, b] = self._between(a, b, source, target)
        return ((first, True), *self._routes[a, b], (last, False))

    def _between(self, a: int, b: int, source: int, target: int) -> tuple[tuple[int, bool], ...]:
        """Return the first way from switch to switch that depth-first search finds, links in their order."""
        way: list[tuple[int, bool]] = []
        seen = {a}
        stack = [(a, iter(self.links_of_switch[a]))]
        while stack and stack[-1][0] != b:
            switch, links = stack[-1]
            for link in links:
                here, other = self.link_ends[link]
                if other is None:
                    continue
                beyond = other if here == switch else here
                if beyond not in seen:
                    seen.add(beyond)
                    way.append((link, here != switch))
                    stack.append((beyond, iter(self.links_of_switch[beyond])))
                    break
            else:
                stack.pop()
                if way:
                    way.pop()
        if not stack:
            raise InputError(f"the network has no way from node {source} to node {target}")
        return tuple(way)


@dataclass(frozen=True)
class Problem:
    """An instance with its meaning resolved. Nodes and VMs are positions, identified by `nodes` and `vms`."""

    name: str
    model: dict[str, Any]
    """The model as it was read: a plan repeats it."""
    objective: str
    nodes: tuple[int, ...]
    vms: tuple[int, ...]
    resources: tuple[str, ...]
    capacity_nr: Ints
    """What a node holds at any moment."""
    limit_nr: Ints
    """What it may hold in the end."""
    most_n: Ints
    """VMs that it may run in the end."""
    online_n: Bools
    stays_n: Bools
    """Online in the end if it is now."""
    starts_n: Bools
    """To be online in the end."""
    stops_n: Bools
    """To be offline in the end."""
    boot_n: Ints
    shutdown_n: Ints
    host_v: Ints
    """The node that runs it now, -1 for none."""
    wanted_v: Bools
    """To be running in the end."""
    use_vr: Ints
    """What it takes today."""
    need_vr: Ints
    """What it takes afterwards."""
    migrate_v: Ints
    """Seconds, where there is no network."""
    boot_v: Ints
    memory_v: Ints
    """MiB to copy, -1 where it is not stated."""
    hot_v: npt.NDArray[np.float64]
    hot_seconds_v: npt.NDArray[np.float64]
    cold_v: npt.NDArray[np.float64]
    reach: tuple[frozenset[int], ...]
    reach_v: Ints
    """Row of `reach` where it may be in the end, -1 for anywhere."""
    always_v: Ints
    """The same for every moment."""
    spreads: tuple[Company, ...]
    gathers: tuple[Company, ...]
    lonely: tuple[Company, ...]
    splits: tuple[tuple[tuple[int, ...], ...], ...]
    amongs: tuple[Parts, ...]
    ceilings: tuple[Ceiling, ...]
    network: Network | None

    def seconds(self, vm: int, source: int, target: int) -> int:
        """Return how long the VM's migration takes."""
        if self.network is None:
            return int(self.migrate_v[vm])
        if self.memory_v[vm] < 0:
            raise InputError(f"memUsed of VM {self.vms[vm]} is not stated: with a network a migration needs it")
        return copy_seconds(
            int(self.memory_v[vm]),
            float(self.hot_v[vm]),
            float(self.hot_seconds_v[vm]),
            float(self.cold_v[vm]),
            self.network.bandwidth(source, target),
        )


def copy_seconds(memory: int, hot: float, hot_seconds: float, cold: float, mbit_s: int) -> int:
    """Return the seconds of a live migration: memory (MiB) and what is written meanwhile, at a bandwidth.

    `hot` MiB are written again and again within `hot_seconds`, and `cold` MiB per second beyond. Nine bits
    carry a byte, as BtrPlace counts. Raises InputError where memory is written faster than it can be copied.
    """
    rate = mbit_s / 9.0
    hot_rate = hot / hot_seconds if hot_seconds > 0 else 0.0
    if rate <= hot_rate or rate <= cold:
        raise InputError(f"memory is written faster than {mbit_s} Mbit/s can copy: the migration never ends")
    least = memory / rate
    if least > hot_seconds:
        again = (hot + (least - hot_seconds) * cold) / (rate - cold)
        total = least + again + hot / rate * (hot_rate / (rate - hot_rate))
    else:
        total = least + hot_rate * least / (rate - hot_rate)
    return max(1, math.floor(total + 0.5))


def read_problem(path: str | Path) -> Problem:
    """Read an instance, plain or gzipped. Raises InputError with file and place."""
    path = Path(path)
    content = unpacked(path)
    try:
        content, parts = _without_repeats(content)
        data = from_json(content)
    except ValueError as error:
        raise InputError(f"is no JSON: {error}", source=str(path)) from None
    try:
        return _Reader(_mapping(data, ()), path.name.split(".")[0], parts).read()
    except InputError as error:
        raise InputError(error.what, path=error.path, source=str(path), line=error.line) from None


def problem_from_data(data: Any, name: str = "btrplace") -> Problem:
    """Resolve an instance that was read from JSON. Raises InputError with the place."""
    return _Reader(_mapping(data, ()), name).read()


#: Stands for parts that were taken out of a file; no file can hold it, for it is no text.
_TAKEN_OUT = b'"parts":"\\u0000%d"'


def _without_repeats(content: bytes) -> tuple[bytes, dict[str, Any]]:
    """Take out lists of parts that a file repeats in hundreds of constraints: nine tenths of it, parsed once.

    Returns the rest of the file, and what the words left in their place stand for. Raises ValueError.
    """
    found: dict[str, Any] = {}
    at = content.find(b'"parts":[[')
    while at >= 0 and len(found) < 8:
        end = content.find(b"]]", at) + 2
        text = content[at:end]
        if end < 2 or content.find(text, end) < 0:
            break
        content = content.replace(text, _TAKEN_OUT % len(found))
        found[f"\0{len(found)}"] = from_json(text[len(b'"parts":') :])
        at = content.find(b'"parts":[[', at)
    return content, found


Place = tuple[str | int, ...]


def _mapping(value: Any, path: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"is {printable(value, 30)}, an object is expected", path=path)
    return value


def _array(value: Any, path: Place) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"is {printable(value, 30)}, a list is expected", path=path)
    return value


def _whole(value: Any, path: Place, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < MOST:
        raise InputError(f"is {printable(value, 30)}, a whole number from {least} on is expected", path=path)
    return value


def _real(value: Any, path: Place) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST
    if not good:
        raise InputError(f"is {printable(value, 30)}, a number from 0 on is expected", path=path)
    return float(value)


def _identifier(text: Any, path: Place) -> int:
    if isinstance(text, int) and not isinstance(text, bool):
        return _whole(text, path)
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 10:
        return _whole(int(text), path)
    raise InputError(f"{printable(text, 30)} is no identifier", path=path)


def _field(entry: dict[str, Any], key: str, path: Place) -> Any:
    if key not in entry:
        raise InputError(f"has no {key}", path=path)
    return entry[key]


class _Reader:
    """One instance being read; every method raises InputError with the place."""

    def __init__(self, data: dict[str, Any], name: str, parts: dict[str, Any] | None = None) -> None:
        self.data, self.name = data, name
        self.taken_out = parts or {}
        self.model = _mapping(_field(data, "model", ()), ("model",))
        self.sets: list[frozenset[int]] = []
        self.numbers: dict[frozenset[int], int] = {}
        self.spreads: list[Company] = []
        self.gathers: list[Company] = []
        self.lonely: list[Company] = []
        self.splits: list[tuple[tuple[int, ...], ...]] = []
        self.amongs: list[Parts] = []
        self.ceilings: list[Ceiling] = []
        self.part_lists: list[tuple[list[Any], tuple[frozenset[int], ...]]] = []

    def read(self) -> Problem:
        """Return the instance."""
        self._placement()
        self._views()
        self._attributes()
        self.reach_v = np.full(len(self.vms), -1, np.int64)
        self.always_v = np.full(len(self.vms), -1, np.int64)
        self._constraints()
        objective = self.data.get("objective")
        return Problem(
            name=self.name,
            model=self.model,
            objective=str(objective.get("id", "")) if isinstance(objective, dict) else "",
            nodes=self.nodes,
            vms=self.vms,
            resources=tuple(self.resources),
            capacity_nr=self.capacity_nr,
            limit_nr=self.limit_nr,
            most_n=self.most_n,
            online_n=self.online_n,
            stays_n=self.online_n & ~self.stops_n,
            starts_n=self.starts_n,
            stops_n=self.stops_n,
            boot_n=self.boot_n,
            shutdown_n=self.shutdown_n,
            host_v=self.host_v,
            wanted_v=self.wanted_v,
            use_vr=self.use_vr,
            need_vr=self.need_vr,
            migrate_v=self.migrate_v,
            boot_v=self.boot_v,
            memory_v=self.memory_v,
            hot_v=self.hot_v,
            hot_seconds_v=self.hot_seconds_v,
            cold_v=self.cold_v,
            reach=tuple(self.sets),
            reach_v=self.reach_v,
            always_v=self.always_v,
            spreads=tuple(self.spreads),
            gathers=tuple(self.gathers),
            lonely=tuple(self.lonely),
            splits=tuple(self.splits),
            amongs=tuple(self.amongs),
            ceilings=tuple(self.ceilings),
            network=self.network,
        )

    def _placement(self) -> None:
        path: Place = ("model", "mapping")
        mapping = _mapping(_field(self.model, "mapping", ("model",)), path)
        online = _mapping(mapping.get("onlineNodes", {}), (*path, "onlineNodes"))
        offline = _array(mapping.get("offlineNodes", []), (*path, "offlineNodes"))
        ready = _array(mapping.get("readyVMs", []), (*path, "readyVMs"))
        host: dict[int, int] = {}
        nodes: dict[int, bool] = {}
        asleep: list[int] = []
        for key, entry in online.items():
            here = (*path, "onlineNodes", key)
            node = _identifier(key, here)
            self._once(node, nodes, "node", here)
            nodes[node] = True
            entry = _mapping(entry, here)
            for vm in _array(entry.get("runningVMs", []), (*here, "runningVMs")):
                self._once(_identifier(vm, here), host, "VM", here)
                host[vm] = node
            for vm in _array(entry.get("sleepingVMs", []), (*here, "sleepingVMs")):
                self._once(_identifier(vm, here), host, "VM", here)
                host[vm] = -1
                asleep.append(vm)
        for position, node in enumerate(offline):
            self._once(
                _identifier(node, (*path, "offlineNodes", position)), nodes, "node", (*path, "offlineNodes")
            )
            nodes[node] = False
        for position, vm in enumerate(ready):
            self._once(_identifier(vm, (*path, "readyVMs", position)), host, "VM", (*path, "readyVMs"))
            host[vm] = -1
        if len(nodes) > MOST_ELEMENTS or len(host) > MOST_ELEMENTS:
            raise InputError(f"has more than {MOST_ELEMENTS} nodes or VMs", path=path)
        self.nodes = tuple(sorted(nodes))
        self.vms = tuple(sorted(host))
        self.node_at = {node: position for position, node in enumerate(self.nodes)}
        self.vm_at = {vm: position for position, vm in enumerate(self.vms)}
        self.node_keys = {str(node): position for node, position in self.node_at.items()}
        self.vm_keys = {str(vm): position for vm, position in self.vm_at.items()}
        self.online_n = np.array([nodes[node] for node in self.nodes], dtype=np.bool_)
        at = self.node_at
        self.host_v = np.array([at[host[vm]] if host[vm] >= 0 else -1 for vm in self.vms], dtype=np.int64)
        self.wanted_v = self.host_v >= 0
        self.asleep = frozenset(self.vm_at[vm] for vm in asleep)
        self.stops_n = np.zeros(len(nodes), np.bool_)
        self.starts_n = np.zeros(len(nodes), np.bool_)
        self.most_n = np.full(len(nodes), len(host), np.int64)

    def _once(self, element: int, known: dict[int, Any], what: str, path: Place) -> None:
        if element in known:
            raise InputError(f"{what} {element} is there twice", path=path)

    def _node(self, value: Any, path: Place) -> int:
        node = _identifier(value, path)
        if node not in self.node_at:
            raise InputError(f"node {node} is not in the model's mapping", path=path)
        return self.node_at[node]

    def _vm(self, value: Any, path: Place) -> int:
        vm = _identifier(value, path)
        if vm not in self.vm_at:
            raise InputError(f"VM {vm} is not in the model's mapping", path=path)
        return self.vm_at[vm]

    def _views(self) -> None:
        self.resources: list[str] = []
        capacities: list[Ints] = []
        uses: list[Ints] = []
        self.network: Network | None = None
        for position, view in enumerate(_array(self.model.get("views", []), ("model", "views"))):
            path: Place = ("model", "views", position)
            kind = _mapping(view, path).get("id")
            if kind == "shareableResource":
                resource = _field(view, "rcId", path)
                if not isinstance(resource, str) or resource in self.resources:
                    raise InputError(f"rcId {printable(resource, 30)} is no name of its own", path=path)
                self.resources.append(resource)
                capacities.append(self._amounts(view, "nodes", "defCapacity", self.node_at, path))
                uses.append(self._amounts(view, "vms", "defConsumption", self.vm_at, path))
            elif kind == "net":
                self.network = self._network(view, path)
            elif kind != "ns":
                raise InputError(
                    f"view {printable(kind, 30)} is not known: shareableResource, net or ns", path=path
                )
        shape_n, shape_v = (len(self.nodes), 0), (len(self.vms), 0)
        self.capacity_nr = np.stack(capacities, axis=1) if capacities else np.zeros(shape_n, np.int64)
        self.use_vr = np.stack(uses, axis=1) if uses else np.zeros(shape_v, np.int64)
        self.limit_nr = self.capacity_nr.copy()
        self.need_vr = self.use_vr.copy()

    def _amounts(self, view: dict[str, Any], key: str, default: str, at: dict[int, int], path: Place) -> Ints:
        found = np.full(len(at), _whole(view.get(default, 0), (*path, default)), np.int64)
        stated = _mapping(view.get(key, {}), (*path, key))
        keys = self.node_keys if key == "nodes" else self.vm_keys
        if set(map(type, stated.values())) <= {int} and stated.keys() <= keys.keys():
            amounts = list(stated.values())
            if amounts and 0 <= min(amounts) <= max(amounts) < MOST:
                found[[keys[name] for name in stated]] = amounts
                return found
        for name, amount in stated.items():
            position = at.get(_identifier(name, (*path, key)))
            if position is None:
                raise InputError(f"{name} is not in the model's mapping", path=(*path, key))
            found[position] = _whole(amount, (*path, key, name))
        return found

    def _network(self, view: dict[str, Any], path: Place) -> Network:
        if self.network is not None:
            raise InputError("is a second network", path=path)
        switches: dict[int, int] = {}
        passing: list[int] = []
        for number, entry in enumerate(_array(view.get("switches", []), (*path, "switches"))):
            here = (*path, "switches", number)
            switches[_identifier(_field(_mapping(entry, here), "id", here), here)] = number
            capacity = entry.get("capacity", -1)
            passing.append(0 if isinstance(capacity, int) and capacity <= 0 else _whole(capacity, here))
        channels: list[Channel] = []
        link_at: dict[int, int] = {}
        ends: list[tuple[int, int | None]] = []
        uplinks: dict[int, tuple[int, int]] = {}
        of_switch: list[list[int]] = [[] for _ in passing]
        for number, entry in enumerate(_array(view.get("links", []), (*path, "links"))):
            here = (*path, "links", number)
            link = _identifier(_field(_mapping(entry, here), "id", here), here)
            link_at[link] = number
            capacity = _whole(_field(entry, "capacity", here), (*here, "capacity"), 1)
            channels += [Channel(f"link {link} up", capacity), Channel(f"link {link} down", capacity)]
            switch = self._switch(_field(entry, "switch", here), switches, here)
            other = _mapping(_field(entry, "physicalElement", here), here)
            of_switch[switch].append(number)
            if other.get("type") == "switch":
                far = self._switch(_field(other, "id", here), switches, here)
                of_switch[far].append(number)
                ends.append((switch, far))
            elif other.get("type") == "node":
                ends.append((switch, None))
                uplinks.setdefault(self._node(_field(other, "id", here), here), (number, switch))
            else:
                raise InputError("physicalElement is neither node nor switch", path=here)
        limited: list[int | None] = []
        for (switch_id, _), capacity in zip(switches.items(), passing, strict=True):
            limited.append(len(channels) if capacity else None)
            if capacity:
                channels.append(Channel(f"switch {switch_id}", capacity))
        return Network(
            channels=tuple(channels),
            uplinks=uplinks,
            link_ends=tuple(ends),
            links_of_switch=tuple(tuple(links) for links in of_switch),
            switch_channel=tuple(limited),
            given=self._routes(view.get("routing"), link_at, ends, uplinks, path),
        )

    def _switch(self, value: Any, switches: dict[int, int], path: Place) -> int:
        switch = _identifier(value, path)
        if switch not in switches:
            raise InputError(f"switch {switch} is not among the switches", path=path)
        return switches[switch]

    def _routes(
        self,
        routing: Any,
        link_at: dict[int, int],
        ends: Sequence[tuple[int, int | None]],
        uplinks: dict[int, tuple[int, int]],
        path: Place,
    ) -> dict[tuple[int, int], tuple[tuple[int, bool], ...]] | None:
        here = (*path, "routing")
        kind = routing.get("type") if isinstance(routing, dict) else "default"
        if kind == "default":
            return None
        if kind != "static":
            raise InputError(f"routing {printable(kind, 30)} is not known: default or static", path=here)
        found: dict[tuple[int, int], tuple[tuple[int, bool], ...]] = {}
        for route in _array(routing.get("routes", []), here):
            route = _mapping(route, here)
            pair = _array(_field(route, "nodes_map", here), here)
            if len(pair) != 2:
                raise InputError("nodes_map names no two nodes", path=here)
            nodes = [
                self._node(_field(_mapping(end, here), key, here), here)
                for end, key in zip(pair, ("src", "dst"), strict=True)
            ]
            way: list[tuple[int, bool]] = []
            for step in _array(_field(route, "links", here), here):
                link = _identifier(_field(_mapping(step, here), "link", here), here)
                if link not in link_at:
                    raise InputError(f"link {link} is not among the links", path=here)
                way.append((link_at[link], str(step.get("direction", "uplink")).lower().startswith("up")))
            found[nodes[0], nodes[1]] = tuple(way)
        return found

    def _attributes(self) -> None:
        path: Place = ("model", "attributes")
        attributes = _mapping(self.model.get("attributes", {}), path)
        of_node = _mapping(attributes.get("nodes", {}), (*path, "nodes"))
        of_vm = _mapping(attributes.get("vms", {}), (*path, "vms"))
        self.boot_n = self._attribute(of_node, "boot", 1, self.node_at, (*path, "nodes"), 1)
        self.shutdown_n = self._attribute(of_node, "shutdown", 1, self.node_at, (*path, "nodes"), 1)
        vms = (*path, "vms")
        self.migrate_v = self._attribute(of_vm, "migrate", 1, self.vm_at, vms, 1)
        self.boot_v = self._attribute(of_vm, "boot", 1, self.vm_at, vms, 1)
        self.memory_v = self._attribute(of_vm, "memUsed", -1, self.vm_at, vms, 0)
        self.hot_v = self._measure(of_vm, "hotDirtySize", 5.0, vms)
        self.hot_seconds_v = self._measure(of_vm, "hotDirtyDuration", 2.0, vms)
        self.cold_v = self._measure(of_vm, "coldDirtyRate", 0.0, vms)

    def _attribute(
        self, entries: dict[str, Any], key: str, default: int, at: dict[int, int], path: Place, least: int
    ) -> Ints:
        found = np.full(len(at), default, np.int64)
        for name, entry in entries.items():
            if isinstance(entry, dict) and key in entry:
                position = self._position(name, at, path)
                if position is not None:
                    found[position] = _whole(entry[key], (*path, name, key), least)
        return found

    def _measure(self, entries: dict[str, Any], key: str, default: float, path: Place) -> npt.NDArray[np.float64]:
        found = np.full(len(self.vms), default, np.float64)
        for name, entry in entries.items():
            if isinstance(entry, dict) and key in entry:
                position = self._position(name, self.vm_at, path)
                if position is not None:
                    found[position] = _real(entry[key], (*path, name, key))
        return found

    def _position(self, name: str, at: dict[int, int], path: Place) -> int | None:
        known = (self.vm_keys if at is self.vm_at else self.node_keys).get(name)
        return known if known is not None else at.get(_identifier(name, path))

    def _constraints(self) -> None:
        kept: list[tuple[dict[str, Any], Place]] = []
        for number, entry in enumerate(_array(self.data.get("constraints", []), ("constraints",))):
            path: Place = ("constraints", number)
            kind = _mapping(entry, path).get("id")
            if not isinstance(kind, str) or kind not in _KINDS:
                what = f"constraint {printable(kind, 30)} is not understood.{maybe(kind, _KINDS)}"
                raise InputError(what, path=path)
            if kind in _LAST:
                kept.append((entry, path))
            else:
                _KINDS[kind](self, entry, path)
        for entry, path in kept:
            _KINDS[entry["id"]](self, entry, path)
        both = np.flatnonzero(self.starts_n & self.stops_n)
        if len(both):
            raise InputError(f"node {self.nodes[both[0]]} is to be online and offline", path=("constraints",))

    def _one_vm(self, entry: dict[str, Any], path: Place) -> list[int]:
        if "vm" in entry:
            return [self._vm(entry["vm"], (*path, "vm"))]
        return self._many_vms(entry, path)

    def _many_vms(self, entry: dict[str, Any], path: Place) -> list[int]:
        found = [self._vm(vm, (*path, "vms")) for vm in _array(_field(entry, "vms", path), (*path, "vms"))]
        return list(dict.fromkeys(found))

    def _some_nodes(self, entry: dict[str, Any], path: Place) -> list[int]:
        if "node" in entry:
            return [self._node(entry["node"], (*path, "node"))]
        found = [
            self._node(node, (*path, "nodes")) for node in _array(_field(entry, "nodes", path), (*path, "nodes"))
        ]
        return list(dict.fromkeys(found))

    def _state(self, entry: dict[str, Any], path: Place) -> None:
        for vm in self._one_vm(entry, path):
            runs = bool(self.host_v[vm] >= 0)
            if entry["id"] == "running":
                if vm in self.asleep:
                    raise InputError(f"VM {self.vms[vm]} sleeps: waking VMs is not supported", path=path)
                self.wanted_v[vm] = True
            elif runs:
                what = f"VM {self.vms[vm]} runs: stopping VMs ({entry['id']}) is not supported"
                raise InputError(what, path=path)
            else:
                self.wanted_v[vm] = False

    def _power(self, entry: dict[str, Any], path: Place) -> None:
        nodes = self._some_nodes(entry, path)
        (self.starts_n if entry["id"] == "online" else self.stops_n)[nodes] = True

    def _confine(self, vms: Iterable[int], nodes: frozenset[int], *, always: bool) -> None:
        for vm in vms:
            for row_v in (self.reach_v, self.always_v) if always else (self.reach_v,):
                before = int(row_v[vm])
                row_v[vm] = self._row(nodes if before < 0 else self.sets[before] & nodes)

    def _row(self, nodes: frozenset[int]) -> int:
        number = self.numbers.setdefault(nodes, len(self.sets))
        if number == len(self.sets):
            self.sets.append(nodes)
        return number

    def _fence(self, entry: dict[str, Any], path: Place) -> None:
        vms, nodes = self._one_vm(entry, path), frozenset(self._some_nodes(entry, path))
        self._confine(vms, nodes, always=self._continuous(entry, path))

    def _ban(self, entry: dict[str, Any], path: Place) -> None:
        vms, nodes = self._one_vm(entry, path), frozenset(self._some_nodes(entry, path))
        allowed = frozenset(range(len(self.nodes))) - nodes
        self._confine(vms, allowed, always=self._continuous(entry, path))

    def _root(self, entry: dict[str, Any], path: Place) -> None:
        for vm in self._one_vm(entry, path):
            if self.host_v[vm] >= 0:
                self._confine([vm], frozenset([int(self.host_v[vm])]), always=True)

    def _continuous(self, entry: dict[str, Any], path: Place) -> bool:
        value = entry.get("continuous", False)
        if not isinstance(value, bool):
            raise InputError(f"continuous is {printable(value, 30)}, true or false is expected", path=path)
        return value

    def _company(self, entry: dict[str, Any], path: Place) -> None:
        found = Company(tuple(self._many_vms(entry, path)), self._continuous(entry, path))
        if entry["id"] == "spread":
            self.spreads.append(found)
        elif entry["id"] == "gather":
            self.gathers.append(found)
        else:
            self.lonely.append(found)

    def _split(self, entry: dict[str, Any], path: Place) -> None:
        sets = _array(self._stated(entry, "sets" if "sets" in entry else "parts", path), path)
        self.splits.append(tuple(tuple(self._vm(vm, path) for vm in _array(each, path)) for each in sets))

    def _stated(self, entry: dict[str, Any], key: str, path: Place) -> Any:
        value = _field(entry, key, path)
        return self.taken_out.get(value, value) if isinstance(value, str) else value

    def _among(self, entry: dict[str, Any], path: Place) -> None:
        vms, continuous = self._many_vms(entry, path), self._continuous(entry, path)
        parts = self._part_list(_array(self._stated(entry, "parts", path), (*path, "parts")), (*path, "parts"))
        here = {int(self.host_v[vm]) for vm in vms if self.host_v[vm] >= 0}
        if continuous and here:
            one = next(iter(here))
            kept = [part for part in parts if one in part and here <= part]
            if not kept:
                raise InputError("holds at every moment but does not hold now", path=path)
            self._confine(vms, kept[0], always=True)
        elif len(parts) == 1:
            self._confine(vms, parts[0], always=continuous)
        else:
            self.amongs.append(Parts(tuple(vms), parts, continuous))

    def _part_list(self, value: list[Any], path: Place) -> tuple[frozenset[int], ...]:
        """Return parts as positions. Equal lists, as hundreds of constraints repeat them, are read once."""
        for known, parts in self.part_lists:
            if known is value or known == value:
                return parts
        parts = tuple(frozenset(self._node(node, path) for node in _array(part, path)) for part in value)
        if len(self.part_lists) < 8:
            self.part_lists.append((value, parts))
        return parts

    def _preserve(self, entry: dict[str, Any], path: Place) -> None:
        resource = self._resource(entry, path)
        amount = _whole(_field(entry, "amount", path), (*path, "amount"))
        for vm in self._one_vm(entry, path):
            self.need_vr[vm, resource] = amount

    def _resource(self, entry: dict[str, Any], path: Place) -> int:
        name = _field(entry, "rc", path)
        if name not in self.resources:
            raise InputError(f"unknown resource {printable(name, 30)}.{maybe(name, self.resources)}", path=path)
        return self.resources.index(name)

    def _ceiling(self, entry: dict[str, Any], path: Place) -> None:
        counts = entry["id"] == "runningCapacity"
        resource = None if counts else self._resource(entry, path)
        nodes = self._some_nodes(entry, path)
        amount = _whole(_field(entry, "amount", path), (*path, "amount"))
        continuous = self._continuous(entry, path)
        if len(nodes) > 1 or continuous:
            self.ceilings.append(Ceiling(resource, tuple(nodes), amount, continuous))
        elif resource is None:
            self.most_n[nodes] = np.minimum(self.most_n[nodes], amount)
        else:
            self.limit_nr[nodes, resource] = np.minimum(self.limit_nr[nodes, resource], amount)

    def _overbook(self, entry: dict[str, Any], path: Place) -> None:
        resource, ratio = self._resource(entry, path), _real(_field(entry, "ratio", path), path)
        for node in self._some_nodes(entry, path):
            self.capacity_nr[node, resource] = int(self.capacity_nr[node, resource] * ratio)
            self.limit_nr[node, resource] = self.capacity_nr[node, resource]


_KINDS: dict[str, Callable[[_Reader, dict[str, Any], Place], None]] = {
    "running": _Reader._state,
    "ready": _Reader._state,
    "sleeping": _Reader._state,
    "killed": _Reader._state,
    "online": _Reader._power,
    "offline": _Reader._power,
    "fence": _Reader._fence,
    "ban": _Reader._ban,
    "root": _Reader._root,
    "spread": _Reader._company,
    "gather": _Reader._company,
    "lonely": _Reader._company,
    "split": _Reader._split,
    "among": _Reader._among,
    "preserve": _Reader._preserve,
    "overbook": _Reader._overbook,
    "resourceCapacity": _Reader._ceiling,
    "runningCapacity": _Reader._ceiling,
}
#: Constraints that narrow what others set, read after them.
_LAST = frozenset({"resourceCapacity"})


@dataclass(frozen=True)
class AsEstate:
    """An instance as an estate, with what is needed to find its VMs again."""

    problem: Problem
    estate: Estate
    event: Event
    group_v: tuple[str, ...]
    """The group of each VM; empty for one that is not to run."""
    named: frozenset[int]
    """VMs that are instances of their own, `v` and their identifier; the others are counted."""

    def host(self, name: str) -> int:
        """Return the node (position) of a site."""
        return self._hosts[name]

    @cached_property
    def _hosts(self) -> dict[str, int]:
        return {_host(self.problem, n): n for n in range(len(self.problem.nodes))}


def _host(problem: Problem, node: int) -> str:
    return f"n{problem.nodes[node]}"


#: Of so many VMs each is an instance with its name, so that each moves when it can; of more those that differ.
MOST_NAMED = 2000


def as_estate(problem: Problem, *, most_named: int = MOST_NAMED) -> AsEstate:
    """Return the instance as an estate and the event that asks for what its constraints ask for.

    Nodes are hosts of one zone, in racks where the network or parts say so. VMs that no constraint tells apart
    are one group. Raises InputError for what an estate cannot say.
    """
    return _Translation(problem, most_named).result()


class _Translation:
    """One instance on its way to an estate."""

    def __init__(self, problem: Problem, most_named: int) -> None:
        self.problem = problem
        self.counts = int(problem.wanted_v.sum()) > most_named
        self.resources = [_resource_name(name, number) for number, name in enumerate(problem.resources)]
        self.rules: list[dict[str, Any]] = []
        self.plain = Group(id="group", count=0, demand={"memory_mib": 0})
        self.movabilities: dict[int, Movability] = {}
        self.groups: list[Group] = []
        self.members: dict[str, list[int]] = {}
        self.instances: list[dict[str, Any]] = []

    def result(self) -> AsEstate:
        """Return the estate."""
        problem = self.problem
        self._racks()
        self._groups()
        self._reach()
        self._company()
        estate = validate(
            Estate,
            Document(
                {
                    "estate": "btrplace",
                    "role": "operator",
                    "goals": ["placed", "moves"],
                    "resource_names": [r for r in self.resources if r not in RESOURCES],
                    "zones": [{"id": "all"}],
                    "racks": self.racks,
                    "hosts": self._hosts(),
                    "groups": self.groups,
                    "instances": self.instances,
                    "rules": self.rules,
                    "migration": self._migrating(),
                },
                None,
                None,
            ),
        )
        off = [_host(problem, int(n)) for n in np.flatnonzero(problem.stops_n)]
        return AsEstate(
            problem, estate, Event(mend=True, strictly=True, drain=off), tuple(self.group_v), frozenset(self.named)
        )

    def _migrating(self) -> dict[str, Any]:
        """Return how migrations run: at the links' full rate, live; a first start takes what the fastest takes."""
        problem = self.problem
        first = problem.boot_v[problem.wanted_v & (problem.host_v < 0)]
        start = {
            "id": "btrplace-boot",
            "name": "Start on a node",
            "kind": "start",
            "preference": 0,
            "source": {"assumption": "BtrPlace's bootVM: it takes room from the moment it begins"},
            "steps": [{"do": "start", "seconds": int(first.min()) if len(first) else 1, "serves": True}],
        }
        return {"mib_per_second": 10**6, "longest_plan_hours": 10_000.0, "recipes": [start]}

    def _racks(self) -> None:
        """Put hosts into racks: by their switch, or by the parts that VMs choose from."""
        problem = self.problem
        self.rack_n: list[str] = ["all"] * len(problem.nodes)
        self.racks: list[dict[str, Any]] = []
        self.uplink_n: list[int | None] = [None] * len(problem.nodes)
        if problem.network is not None:
            self._switches(problem.network)
        self.part_names: dict[frozenset[int], str] = {}
        chosen = {part: None for among in problem.amongs for part in among.parts}
        if self.racks and chosen:
            raise InputError("among over several parts beside a network of several switches is not supported")
        if len(problem.nodes) < sum(map(len, chosen)) or len(frozenset().union(*chosen)) < sum(map(len, chosen)):
            raise InputError("among with parts that overlap is not supported")
        # Large sets of nodes that VMs are confined to make rules short where they are racks.
        wide = {s: None for s in problem.reach if 1 < len(s) < len(problem.nodes)}
        taken: set[int] = set()
        for part in () if self.racks else chosen or wide:
            if not taken & part:
                taken |= part
                self._rack(part)

    def _rack(self, part: frozenset[int]) -> None:
        name = f"p{len(self.racks)}"
        self.part_names[part] = name
        self.racks.append({"id": name, "in": "all"})
        for node in part:
            self.rack_n[node] = name

    def _switches(self, network: Network) -> None:
        if network.given is not None or any(channel is not None for channel in network.switch_channel):
            raise InputError("static routes and switches that do not pass everything are not supported")
        used = {switch for _, switch in network.uplinks.values()}
        trunks = [(n, ends) for n, ends in enumerate(network.link_ends) if ends[1] is not None]
        tops = {switch for switch in range(len(network.links_of_switch)) if switch not in used}
        for node, (link, _) in network.uplinks.items():
            self.uplink_n[node] = network.channels[2 * link].capacity
        if not trunks:
            return
        if len(tops) != 1 or any(not ({a, b} & tops) for _, (a, b) in trunks):
            raise InputError("a network of other form than hosts, switches and one switch above is not supported")
        rack: dict[int, str] = {}
        for link, (a, b) in trunks:
            low = b if a in tops else a
            if low is None or low in rack:
                raise InputError("two links between the same switches are not supported")
            rack[low] = f"s{low}"
            self.racks.append({"id": rack[low], "in": "all", "uplink_mbit_s": network.channels[2 * link].capacity})
        for node, (_, switch) in network.uplinks.items():
            self.rack_n[node] = rack[switch]

    def _hosts(self) -> list[Domain]:
        """Return the hosts. They are copies of one that was validated: nothing of theirs is a user's text."""
        problem = self.problem
        plain = Domain.model_validate({"id": "host", "in": "all"})
        stocks: dict[int, Stock] = {}
        found: list[Domain] = []
        limit_nr = np.minimum(problem.limit_nr, problem.capacity_nr).tolist()
        every = len(problem.vms)
        most_n = problem.most_n.tolist()
        waits_n = (~problem.online_n & ~problem.stops_n).tolist()
        for node, limits in enumerate(limit_nr):
            for limit in limits:
                if limit not in stocks:
                    stocks[limit] = Stock(owned=limit)
            host: dict[str, Any] = {
                "id": _host(problem, node),
                "parent": self.rack_n[node],
                "capacity": {name: stocks[limit] for name, limit in zip(self.resources, limits, strict=True)},
            }
            if most_n[node] < every:
                host["most_instances"] = most_n[node]
            if waits_n[node]:
                host["ready_after_s"] = int(problem.boot_n[node])
            if self.uplink_n[node] is not None:
                host["uplink_mbit_s"] = self.uplink_n[node]
            found.append(plain.model_copy(update=host))
        return found

    def _groups(self) -> None:
        problem = self.problem
        company: dict[int, list[tuple[str, int, int]]] = {}
        for kind, entries in (
            ("spread", [(c.vms,) for c in problem.spreads]),
            ("gather", [(c.vms,) for c in problem.gathers]),
            ("among", [(a.vms,) for a in problem.amongs]),
            ("split", problem.splits),
        ):
            for number, sides in enumerate(entries):
                for side, vms in enumerate(sides):
                    for vm in vms:
                        company.setdefault(vm, []).append((kind, number, side))
        if problem.lonely:
            raise InputError("lonely is not supported")
        if problem.ceilings:
            raise InputError("a ceiling over several nodes, or at every moment, is not supported")
        self.group_v: list[str] = [""] * len(problem.vms)
        self.named: set[int] = set()
        need_vr, host_v = problem.need_vr.tolist(), problem.host_v.tolist()
        reach_v, always_v = problem.reach_v.tolist(), problem.always_v.tolist()
        wanted_v = problem.wanted_v.tolist()
        movable = self._movability()
        cells: dict[object, list[int]] = {}
        for vm, wanted in enumerate(wanted_v):
            if wanted:
                together, place = company.get(vm), (reach_v[vm], always_v[vm])
                alike = (tuple(need_vr[vm]), movable[vm][0])
                key: object = (tuple(together), place) if together else (alike, place)
                cells.setdefault(key, []).append(vm)
        for number, alike_vms in enumerate(cells.values()):
            kinds = {(tuple(need_vr[vm]), movable[vm][0]) for vm in alike_vms}
            self._group(f"g{number}", alike_vms, need_vr, movable, host_v, counted=self.counts and len(kinds) == 1)

    def _group(
        self,
        name: str,
        vms: list[int],
        need_vr: list[list[int]],
        movable: list[tuple[int, dict[str, Any]]],
        host_v: list[int],
        *,
        counted: bool,
    ) -> None:
        """Add a group: of VMs that are alike, or of VMs that are named because they differ."""
        first = vms[0]
        demand, movability = self._demand(need_vr[first]), self._moving(movable[first][1])
        group: dict[str, Any] = {"id": name, "count": len(vms), "demand": demand, "movability": movability}
        self.members[name] = vms
        current: dict[str, int] = {}
        for vm in vms:
            self.group_v[vm] = name
            site = _host(self.problem, host_v[vm]) if host_v[vm] >= 0 else None
            if counted:
                if site is not None:
                    current[site] = current.get(site, 0) + 1
                continue
            instance: dict[str, Any] = {"id": f"v{self.problem.vms[vm]}", "group": name}
            instance |= {"demand": self._demand(need_vr[vm]), "movability": movable[vm][1]}
            if site is not None:
                instance["site"] = site
            self.instances.append(instance)
            self.named.add(vm)
        if current:
            group["current"] = current
        self.groups.append(self.plain.model_copy(update=group))

    def _moving(self, fields: dict[str, Any]) -> Movability:
        seconds = fields["migrate_seconds"]
        if seconds not in self.movabilities:
            self.movabilities[seconds] = Movability(**fields)
        return self.movabilities[seconds]

    def _demand(self, amounts: Sequence[int]) -> dict[str, int]:
        asked = {name: amount for name, amount in zip(self.resources, amounts, strict=True) if amount}
        # A VM that asks for nothing still is one: a demand of no memory at all states that.
        return asked or {"memory_mib": 0}

    def _movability(self) -> list[tuple[int, dict[str, Any]]]:
        """Return, for each VM, what its migration takes: a key, and the field."""
        problem = self.problem
        if problem.network is None:
            return [
                (seconds, {"migrate_seconds": seconds, "may_stop": False})
                for seconds in problem.migrate_v.tolist()
            ]
        found: list[tuple[int, dict[str, Any]]] = []
        widths = {link for link in self.uplink_n if link is not None}
        for vm, host in enumerate(problem.host_v.tolist()):
            row = int(problem.reach_v[vm])
            sites = problem.reach[row] if row >= 0 else frozenset(range(len(problem.nodes)))
            seconds = 1
            if host >= 0 and sites - {host}:
                ways = sorted(sites - {host}) if len(widths) > 1 else [min(sites - {host})]
                seconds = max(problem.seconds(vm, host, target) for target in ways)
            found.append((seconds, {"migrate_seconds": seconds, "may_stop": False}))
        return found

    def _reach(self) -> None:
        problem = self.problem
        of_row: dict[tuple[int, bool], list[str]] = {}
        for name, vms in self.members.items():
            for row_v, always in ((problem.always_v, True), (problem.reach_v, False)):
                row = int(row_v[vms[0]])
                if row >= 0 and not (not always and row == int(problem.always_v[vms[0]])):
                    of_row.setdefault((row, always), []).append(name)
        for (row, always), names in of_row.items():
            nodes = problem.reach[row]
            allowed = [self.part_names[nodes]] if nodes in self.part_names else self._names(nodes)
            # Who may be nowhere is confined to nothing: that is no placement, and no wrong input.
            rule = {"rule": "domains", "groups": names} | ({"allow": allowed} if allowed else {"forbid": ["all"]})
            self.rules.append(rule | ({"continuous": True} if always else {}))

    def _names(self, nodes: Iterable[int]) -> list[str]:
        return [_host(self.problem, node) for node in sorted(nodes)]

    def _company(self) -> None:
        problem = self.problem
        alone: dict[bool, list[str]] = {False: [], True: []}
        for spread in problem.spreads:
            names = self._groups_of(spread.vms)
            alone[spread.continuous] += names
            if len(names) > 1:
                self._rule("separation", spread.continuous, groups=names, level="host")
        for continuous, names in alone.items():
            if names:
                self._rule("anti_affinity", continuous, groups=list(dict.fromkeys(names)), level="host")
        for gather in problem.gathers:
            if names := self._groups_of(gather.vms):
                self._rule("affinity", gather.continuous, groups=names, level="host")
        for among in problem.amongs:
            if names := self._groups_of(among.vms):
                self._rule("affinity", among.continuous, groups=names, level="rack")
                allowed = [self.part_names[part] for part in among.parts]
                self._rule("domains", among.continuous, groups=names, allow=allowed)
        for sets in problem.splits:
            cells = [self._groups_of(vms) for vms in sets]
            for position, left in enumerate(cells):
                for right in cells[position + 1 :]:
                    for a in left:
                        for b in right:
                            self._rule("separation", False, groups=[a, b], level="host")

    def _groups_of(self, vms: Iterable[int]) -> list[str]:
        """Return the groups of the VMs that are to run. A group is wholly in a company or wholly out of it."""
        return list(dict.fromkeys(self.group_v[vm] for vm in vms if self.group_v[vm]))

    def _rule(self, kind: str, continuous: bool, **fields: Any) -> None:
        self.rules.append({"rule": kind, **fields} | ({"continuous": True} if continuous else {}))


def _resource_name(name: str, number: int) -> str:
    """Return a resource's own name where an estate can use it as it is."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and name not in SPELLINGS and len(name) < 100
    return name if plain else f"r{number}"


@dataclass(frozen=True)
class Timed:
    """Something that happens to one VM or node: BtrPlace's identifier of the action, and when."""

    kind: str
    start: int
    end: int
    vm: int | None = None
    source: int | None = None
    target: int | None = None


def timed_actions(translated: AsEstate, migration: Migration | None) -> list[Timed]:
    """Return a migration of the estate as what happens to single VMs and nodes, in the order of time.

    None stands for a migration without steps.

    Which VMs of a group go is open: any that are there will do. Nodes that are off are started at second 0
    where somebody comes, nodes that are to be off are switched off when the last VM has left.
    """
    return _Telling(translated, migration).actions()


class _Telling:
    """A migration being told VM by VM."""

    def __init__(self, translated: AsEstate, migration: Migration | None) -> None:
        self.translated, self.problem = translated, translated.problem
        self.planned = migration.actions if migration is not None else []
        self.steps = migration.steps if migration is not None else []
        self.vm_of = {f"v{self.problem.vms[vm]}": vm for vm in translated.named}
        self.here: dict[tuple[str, int], list[int]] = {}
        for vm, group in enumerate(translated.group_v):
            if group and vm not in translated.named:
                self.here.setdefault((group, int(self.problem.host_v[vm])), []).append(vm)

    def actions(self) -> list[Timed]:
        """Return everything that happens."""
        times = self._times()
        queue = sorted((a for a in self.planned if a.id in times), key=lambda a: times[a.id])
        found: list[Timed] = []
        arriving: list[tuple[int, str, int, int]] = []
        for action in queue:
            start, _ = times[action.id]
            arriving.sort()
            while arriving and arriving[0][0] <= start:
                _, group, node, vm = arriving.pop(0)
                self.here.setdefault((group, node), []).append(vm)
            for timed in self._of_action(action, start):
                found.append(timed)
                if timed.vm not in self.translated.named and timed.vm is not None and timed.target is not None:
                    arriving.append((timed.end, action.group or "", timed.target, timed.vm))
        return with_nodes(self.problem, found)

    def _times(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for step in self.steps:
            start, end = found.get(step.action, (step.start_s, step.end_s))
            found[step.action] = (min(start, step.start_s), max(end, step.end_s))
        return found

    def _of_action(self, action: Action, start: int) -> Iterator[Timed]:
        target = self.translated.host(action.target or "")
        source = self.translated.host(action.source) if action.source is not None else -1
        for vm in self._who(action, source):
            if source < 0:
                yield Timed("bootVM", start, start + int(self.problem.boot_v[vm]), vm, None, target)
            else:
                seconds = self.problem.seconds(vm, source, target)
                yield Timed("migrateVM", start, start + seconds, vm, source, target)

    def _who(self, action: Action, source: int) -> list[int]:
        if action.instances:
            return [self.vm_of[name] for name in action.instances]
        there = self.here.get((action.group or "", source), [])
        if len(there) < action.count:
            raise InputError(f"{action.id} moves {action.count} of {action.group}, {len(there)} are there")
        chosen = there[len(there) - action.count :]
        del there[len(there) - action.count :]
        return chosen


def with_nodes(problem: Problem, happened: Sequence[Timed]) -> list[Timed]:
    """Return what happens to VMs with what has to happen to nodes: started in time, switched off when empty."""
    used = {timed.target for timed in happened}
    left: dict[int, int] = {}
    for timed in happened:
        for node in (timed.source, timed.target):
            if node is not None:
                left[node] = max(left.get(node, 0), timed.end)
    found = list(happened)
    for node in range(len(problem.nodes)):
        if not problem.online_n[node] and (node in used or problem.starts_n[node]):
            found.append(Timed("bootNode", 0, int(problem.boot_n[node]), target=node))
        if problem.online_n[node] and problem.stops_n[node]:
            start = left.get(node, 0)
            found.append(Timed("shutdownNode", start, start + int(problem.shutdown_n[node]), target=node))
    return sorted(found, key=lambda t: (t.start, t.end, t.kind, -1 if t.vm is None else t.vm))


def plan_data(problem: Problem, actions: Sequence[Timed]) -> dict[str, Any]:
    """Return actions in BtrPlace's plan format: the model they start from, and what happens when."""
    found: list[dict[str, Any]] = []
    for timed in actions:
        entry: dict[str, Any] = {"id": timed.kind, "start": timed.start, "end": timed.end}
        if timed.vm is None:
            entry["node"] = problem.nodes[_sure(timed.target)]
        else:
            entry["vm"] = problem.vms[timed.vm]
            entry["to"] = problem.nodes[_sure(timed.target)]
            if timed.source is not None:
                entry["from"] = problem.nodes[timed.source]
                if problem.network is not None:
                    entry["bw"] = problem.network.bandwidth(timed.source, _sure(timed.target))
            changes = _changes(problem, timed.vm)
            hook = "pre" if timed.source is None else "post"
            entry["hooks"] = {hook: [{"id": "allocate", **change} for change in changes]} if changes else {}
        found.append(entry)
    found += _allocations(problem, actions)
    return {"origin": problem.model, "actions": sorted(found, key=lambda entry: (entry["start"], entry["end"]))}


def _sure(position: int | None) -> int:
    assert position is not None
    return position


def _changes(problem: Problem, vm: int) -> list[dict[str, Any]]:
    """Return what a VM takes afterwards, where that differs from today."""
    return [
        {"vm": problem.vms[vm], "rc": name, "amount": int(problem.need_vr[vm, r])}
        for r, name in enumerate(problem.resources)
        if problem.need_vr[vm, r] != problem.use_vr[vm, r]
    ]


def _allocations(problem: Problem, actions: Sequence[Timed]) -> Iterator[dict[str, Any]]:
    """Yield when VMs that stay begin to take what they need: less at once, more when there is room for it all."""
    moved = {timed.vm for timed in actions if timed.vm is not None}
    growing: dict[tuple[int, int], list[int]] = {}
    for vm, r in np.argwhere(problem.need_vr != problem.use_vr).tolist():
        node = int(problem.host_v[vm])
        if node < 0 or vm in moved or not problem.wanted_v[vm]:
            continue
        if problem.need_vr[vm, r] > problem.use_vr[vm, r]:
            growing.setdefault((node, r), []).append(vm)
        else:
            yield _allocate(problem, vm, r, 0)
    load_nr = np.zeros_like(problem.capacity_nr)
    np.add.at(load_nr, problem.host_v[problem.host_v >= 0], problem.need_vr[problem.host_v >= 0])
    for (node, r), vms in growing.items():
        moment = _room_from(problem, actions, node, r, int(load_nr[node, r]))
        for vm in vms:
            yield _allocate(problem, vm, r, moment)


def _allocate(problem: Problem, vm: int, r: int, moment: int) -> dict[str, Any]:
    return {
        "id": "allocate",
        "vm": problem.vms[vm],
        "on": problem.nodes[int(problem.host_v[vm])],
        "rc": problem.resources[r],
        "amount": int(problem.need_vr[vm, r]),
        "start": moment,
        "end": moment,
        "hooks": {},
    }


def _room_from(problem: Problem, actions: Sequence[Timed], node: int, r: int, load: int) -> int:
    """Return the first second from which everything on a node, at what it needs (now `load`), fits for good."""
    deltas: dict[int, int] = {}
    for timed in actions:
        if timed.vm is not None:
            amount = int(problem.need_vr[timed.vm, r])
            if timed.source == node:
                amount = max(amount, int(problem.use_vr[timed.vm, r]))
                load += amount - int(problem.need_vr[timed.vm, r])
                deltas[timed.end] = deltas.get(timed.end, 0) - amount
            elif timed.target == node:
                deltas[timed.start] = deltas.get(timed.start, 0) + amount
    capacity = int(problem.capacity_nr[node, r])
    moment: int | None = 0 if load <= capacity else None
    for time in sorted(deltas):
        load += deltas[time]
        if load > capacity:
            moment = None
        elif moment is None:
            moment = time
    return max(deltas, default=0) if moment is None else moment
