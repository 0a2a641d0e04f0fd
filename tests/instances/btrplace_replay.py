"""Play a plan in BtrPlace's JSON against the instance it was made for, from scratch at every instant.

Reads the two raw documents and nothing else; shares no code with the reader or the planner. `strict` asks for more
than BtrPlace does: what a VM needs afterwards counts at both ends, the limits of the end hold all the time, and
what is exceeded at the start is never exceeded more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

#: Fields that say where: by action, with the state that the VM must be in before.
PLACES = {
    "migrateVM": ("vm", "from", "to"),
    "bootVM": ("vm", "to"),
    "shutdownVM": ("vm", "on"),
    "killVM": ("vm", "on"),
    "allocate": ("vm", "on", "rc", "amount"),
    "bootNode": ("node",),
    "shutdownNode": ("node",),
}


@dataclass
class Verdict:
    problems: list[str] = field(default_factory=list)
    migrations: int = 0
    boots: int = 0
    relocations: int = 0
    bypasses: int = 0
    makespan: int = 0
    channel_peak: dict[object, int] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return not self.problems


def replay(instance: dict[str, Any], plan: dict[str, Any], *, strict: bool = False) -> Verdict:
    """Return what is wrong with the plan, and its figures."""
    return _Replay(instance, plan, strict).run()


def holds_at_end(instance: dict[str, Any], where: dict[int, int]) -> list[str]:
    """Return what is wrong with a placement as an end, however it came about."""
    play = _Replay(instance, {"origin": instance["model"], "actions": []}, strict=False)
    play.capacity = {rc: {n: play._capacity(rc, n) for n in play.online | play.offline} for rc in play.views}
    play.limit = play._limits()
    play.use = {rc: {vm: play._need(rc, vm) for vm in amounts} for rc, amounts in play.use.items()}
    play.online |= set(where.values())
    play.offline -= set(where.values())
    for c in instance["constraints"]:
        if c["id"] in ("online", "offline"):
            here, there = (play.offline, play.online) if c["id"] == "online" else (play.online, play.offline)
            for node in set(c.get("nodes", [c.get("node")])) - set(where.values()):
                here.discard(node)
                there.add(node)
    play.where = dict(where)
    play._final()
    return play.out.problems


class _Replay:
    def __init__(self, instance: dict[str, Any], plan: dict[str, Any], strict: bool) -> None:
        self.model, self.constraints, self.strict = instance["model"], instance["constraints"], strict
        self.plan = plan
        self.out = Verdict()
        mapping = self.model["mapping"]
        self.online = {int(node) for node in mapping["onlineNodes"]}
        self.offline = set(mapping.get("offlineNodes", []))
        self.where = {vm: int(n) for n, e in mapping["onlineNodes"].items() for vm in e.get("runningVMs", [])}
        self.start_where = dict(self.where)
        self.ready = set(mapping.get("readyVMs", []))
        self.views = {v["rcId"]: v for v in self.model["views"] if v["id"] == "shareableResource"}
        self.net = next((v for v in self.model["views"] if v["id"] == "net"), None)
        self.attributes = self.model.get("attributes") or {}
        self.preserved = {(c["rc"], c["vm"]): c["amount"] for c in self.constraints if c["id"] == "preserve"}
        self.use = {rc: {vm: self._today(rc, vm) for vm in [*self.where, *self.ready]} for rc in self.views}
        self.moving: dict[int, dict[str, Any]] = {}
        self.stopping: set[int] = set()

    def _today(self, rc: str, vm: int) -> int:
        view = self.views[rc]
        return view["vms"].get(str(vm), view["defConsumption"])

    def _need(self, rc: str, vm: int) -> int:
        return self.preserved.get((rc, vm), self._today(rc, vm))

    def _capacity(self, rc: str, node: int) -> int:
        view = self.views[rc]
        capacity = view["nodes"].get(str(node), view["defCapacity"])
        for c in self.constraints:
            if c["id"] == "overbook" and c["rc"] == rc and node in c.get("nodes", [c.get("node")]):
                capacity = int(capacity * c["ratio"])
        return capacity

    def _limits(self) -> dict[str, dict[int, int]]:
        found = {rc: dict(by_node) for rc, by_node in self.capacity.items()}
        for c in self.constraints:
            if c["id"] == "resourceCapacity" and len(c["nodes"]) == 1:
                by_node = found[c["rc"]]
                by_node[c["nodes"][0]] = min(by_node[c["nodes"][0]], c["amount"])
        return found

    def bad(self, text: str) -> None:
        if len(self.out.problems) < 50:
            self.out.problems.append(text)

    def run(self) -> Verdict:
        if self.plan.get("origin") != self.model:
            self.bad("origin is another model")
        actions = self.plan["actions"]
        starts: dict[int, list[dict[str, Any]]] = defaultdict(list)
        ends: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for action in actions:
            fields = PLACES.get(action["id"])
            if fields is None or any(name not in action for name in (*fields, "start", "end")):
                self.bad(f"malformed {action}")
                return self.out
            if not 0 <= action["start"] <= action["end"]:
                self.bad(f"times {action}")
            starts[action["start"]].append(action)
            ends[action["end"]].append(action)
            self._duration(action)
        self.out.migrations = sum(a["id"] == "migrateVM" for a in actions)
        self.out.boots = sum(a["id"] == "bootVM" for a in actions)
        self.out.makespan = max((a["end"] for a in actions), default=0)
        self.capacity = {rc: {n: self._capacity(rc, n) for n in self.online | self.offline} for rc in self.views}
        self.limit = self._limits()
        before = self._excess()
        self._continuous(0, first=True)
        for moment in sorted({*starts, *ends}):
            for action in ends[moment]:
                if action["start"] < moment:
                    self._end(action, moment)
            for action in sorted(starts[moment], key=lambda a: a["id"] != "allocate"):
                self._start(action, moment)
                if action["start"] == action["end"]:
                    self._end(action, moment)
            before = self._room(moment, before)
            self._channels(moment)
            self._continuous(moment)
        self._final()
        self.out.relocations = sum(self.where.get(vm) != node for vm, node in self.start_where.items())
        self.out.bypasses = self.out.migrations - self.out.relocations
        return self.out

    # durations

    def _attribute(self, kind: str, element: int, name: str) -> int:
        return (self.attributes.get(kind) or {}).get(str(element), {}).get(name, 1)

    def _duration(self, action: dict[str, Any]) -> None:
        kind = action["id"]
        if kind == "allocate":
            return
        if kind == "migrateVM":
            due = self._migration(action) if self.net else self._attribute("vms", action["vm"], "migrate")
        elif kind in ("bootNode", "shutdownNode"):
            due = self._attribute("nodes", action["node"], "boot" if kind == "bootNode" else "shutdown")
        else:
            due = self._attribute(
                "vms", action["vm"], {"bootVM": "boot", "shutdownVM": "shutdown"}.get(kind, "kill")
            )
        if action["end"] - action["start"] != due:
            self.bad(f"{action} lasts {action['end'] - action['start']}, not {due}")

    def _way(self, source: int, target: int) -> list[tuple[int, str]]:
        """Return (position of the link, direction), searched depth first over links in the file's order."""
        links = self.net["links"]

        def ends(link: dict[str, Any]) -> set[tuple[str, int]]:
            return {("switch", link["switch"]), (link["physicalElement"]["type"], link["physicalElement"]["id"])}

        def search(at: tuple[str, int], used: list[tuple[int, str]]) -> list[tuple[int, str]] | None:
            for number, link in enumerate(links):
                if at not in ends(link) or any(number == n for n, _ in used):
                    continue
                beyond = next(iter(ends(link) - {at}))
                step = [*used, (number, "up" if ("switch", link["switch"]) != at else "down")]
                if beyond == ("node", target):
                    return step
                if beyond[0] == "switch" and (found := search(beyond, step)):
                    return found
            return None

        return search(("node", source), []) or []

    def _bandwidth(self, way: list[tuple[int, str]]) -> int:
        capacities = [self.net["links"][number]["capacity"] for number, _ in way]
        passed = {self.net["links"][number]["switch"] for number, _ in way}
        capacities += [s["capacity"] for s in self.net["switches"] if s["id"] in passed and s["capacity"] > 0]
        return min(capacities)

    def _migration(self, action: dict[str, Any]) -> int:
        of = self.attributes["vms"][str(action["vm"])]
        o = self._bandwidth(self._way(action["from"], action["to"])) / 9.0
        size, window, cold = (
            of.get("hotDirtySize", 5.0),
            of.get("hotDirtyDuration", 2.0),
            of.get("coldDirtyRate", 0.0),
        )
        least = of["memUsed"] / o
        if least > window:
            total = least + (size + (least - window) * cold) / (o - cold)
            total += size / o * ((size / window) / (o - size / window))
        else:
            total = least + (size / window) * least / (o - size / window)
        return max(1, math.floor(total + 0.5))

    # state

    def _start(self, action: dict[str, Any], moment: int) -> None:
        kind = action["id"]
        if kind == "migrateVM":
            vm = action["vm"]
            if vm in self.moving or self.where.get(vm) != action["from"] or action["from"] == action["to"]:
                self.bad(f"{moment}: {action} but the VM is on {self.where.get(vm)}, moving {self.moving.get(vm)}")
            self._usable(action["to"], action, moment)
            self.moving[vm] = action
        elif kind == "bootVM":
            vm = action["vm"]
            if vm not in self.ready:
                self.bad(f"{moment}: {action} but it is not ready")
            self.ready.discard(vm)
            self._usable(action["to"], action, moment)
            self._hook(action, "pre")
            self.moving[vm] = action
        elif kind == "allocate":
            if self.where.get(action["vm"]) != action["on"] or action["vm"] in self.moving:
                self.bad(f"{moment}: {action} but the VM is elsewhere")
            self.use[action["rc"]][action["vm"]] = action["amount"]
        elif kind == "bootNode":
            if action["node"] not in self.offline:
                self.bad(f"{moment}: {action} but it is not offline")
            if any(
                c["id"] == "offline" and action["node"] in c.get("nodes", [c.get("node")])
                for c in self.constraints
            ):
                self.bad(f"{moment}: {action} but it is to be offline")
        elif kind == "shutdownNode":
            node = action["node"]
            if node not in self.online or node in self.stopping:
                self.bad(f"{moment}: {action} but it is not online")
            self.stopping.add(node)
            if node in self.where.values() or any(a.get("to") == node for a in self.moving.values()):
                self.bad(f"{moment}: {action} but it is not empty")
        elif self.where.get(action["vm"]) != action["on"]:
            self.bad(f"{moment}: {action} but it runs on {self.where.get(action['vm'])}")

    def _usable(self, node: int, action: dict[str, Any], moment: int) -> None:
        if node not in self.online or node in self.stopping:
            self.bad(f"{moment}: {action} but node {node} is not online")

    def _hook(self, action: dict[str, Any], name: str) -> None:
        for event in (action.get("hooks") or {}).get(name, []):
            if event["id"] == "allocate":
                self.use[event["rc"]][event["vm"]] = event["amount"]

    def _arriving(self, action: dict[str, Any], rc: str) -> int:
        for event in (action.get("hooks") or {}).get("post", []):
            if event["id"] == "allocate" and event["rc"] == rc:
                return event["amount"]
        return self.use[rc][action["vm"]]

    def _end(self, action: dict[str, Any], moment: int) -> None:
        kind = action["id"]
        if kind in ("migrateVM", "bootVM"):
            self.moving.pop(action["vm"], None)
            self.where[action["vm"]] = action["to"]
            self._hook(action, "post")
        elif kind in ("shutdownVM", "killVM"):
            self.where.pop(action["vm"], None)
        elif kind == "bootNode":
            self.offline.discard(action["node"])
            self.online.add(action["node"])
        elif kind == "shutdownNode":
            self.online.discard(action["node"])
            self.offline.add(action["node"])

    # what holds at every moment

    def _loads(self, rc: str) -> dict[int, int]:
        load: dict[int, int] = defaultdict(int)
        for vm, node in self.where.items():
            load[node] += self._need(rc, vm) if self.strict else self.use[rc][vm]
        for vm, action in self.moving.items():
            load[action["to"]] += self._need(rc, vm) if self.strict else self._arriving(action, rc)
        return load

    def _excess(self) -> dict[tuple[str, int], int]:
        found = {}
        for rc in self.views:
            limit = self.limit[rc] if self.strict else self.capacity[rc]
            for node, load in self._loads(rc).items():
                if load > limit[node]:
                    found[rc, node] = load - limit[node]
        return found

    def _room(self, moment: int, before: dict[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        now = self._excess()
        for place, amount in now.items():
            if amount > before.get(place, 0):
                self.bad(f"{moment}: {place} is exceeded by {amount}, by {before.get(place, 0)} before")
        return now

    def _channels(self, moment: int) -> None:
        if self.net is None:
            return
        load: dict[object, int] = defaultdict(int)
        for action in self.moving.values():
            if action["id"] != "migrateVM":
                continue
            way = self._way(action["from"], action["to"])
            width = self._bandwidth(way)
            if action.get("bw", width) != width:
                self.bad(f"{action}: bw is {width}")
            for channel in way:
                load[channel] += width
            for switch in {e for n, _ in way for e in self._switches(n)}:
                load["switch", switch] += width
        for channel, amount in load.items():
            if channel[0] == "switch":
                most = next(s["capacity"] for s in self.net["switches"] if s["id"] == channel[1])
                if most <= 0:
                    continue
            else:
                most = self.net["links"][channel[0]]["capacity"]
            self.out.channel_peak[channel] = max(amount, self.out.channel_peak.get(channel, 0))
            if amount > most:
                self.bad(f"{moment}: {channel} carries {amount} of {most}")

    def _switches(self, number: int) -> list[int]:
        link = self.net["links"][number]
        other = link["physicalElement"]
        return [link["switch"], *([other["id"]] if other["type"] == "switch" else [])]

    def _nodes_of(self, vm: int) -> list[int]:
        """Return where the VM takes room now: both ends while it moves."""
        found = [self.where[vm]] if vm in self.where else []
        return found + ([self.moving[vm]["to"]] if vm in self.moving else [])

    def _continuous(self, moment: int, *, first: bool = False) -> None:
        for number, c in enumerate(self.constraints):
            if not c.get("continuous"):
                continue
            vms = c.get("vms", [c.get("vm")])
            nodes = [node for vm in vms for node in set(self._nodes_of(vm))]
            kind = c["id"]
            if kind == "spread":
                broken = len(nodes) - len(set(nodes))
                if first:
                    self.worst = {**getattr(self, "worst", {}), number: broken}
                broken = broken > self.worst[number]
            elif kind == "among":
                broken = bool(nodes) and not any(set(nodes) <= set(part) for part in c["parts"])
            elif kind == "gather":
                broken = len(set(nodes)) > 1
            elif kind == "fence":
                broken = not set(nodes) <= set(c["nodes"])
            elif kind == "ban":
                broken = bool(set(nodes) & set(c["nodes"]))
            elif kind == "resourceCapacity":
                broken = sum(self._loads(c["rc"])[node] for node in c["nodes"]) > c["amount"]
            elif kind == "runningCapacity":
                broken = sum(node in c["nodes"] for vm in self.where for node in self._nodes_of(vm)) > c["amount"]
            else:
                broken = kind not in ("lonely",)
            if broken:
                self.bad(f"{moment}: broken {str(c)[:120]}")

    # the end

    def _final(self) -> None:
        if self.moving:
            self.bad(f"still moving: {list(self.moving)[:5]}")
        for rc in self.views:
            for vm in self.where:
                if self.use[rc][vm] < self.preserved.get((rc, vm), 0):
                    self.bad(f"{vm} has {self.use[rc][vm]} of {rc}, {self.preserved[rc, vm]} are to be preserved")
            for node, load in self._loads(rc).items():
                if load > self.limit[rc][node]:
                    self.bad(f"end: {rc} of {node} is {load} of {self.limit[rc][node]}")
        for vm in self.start_where:
            if vm not in self.where and not any(
                c["id"] in ("ready", "killed", "sleeping") and c.get("vm") == vm for c in self.constraints
            ):
                self.bad(f"{vm} does not run any more")
        for c in self.constraints:
            if not self._holds(c):
                self.bad(f"end: broken {str(c)[:120]}")

    def _holds(self, c: dict[str, Any]) -> bool:
        kind = c["id"]
        vms = c.get("vms", [c["vm"]] if "vm" in c else [])
        nodes = c.get("nodes", [c["node"]] if "node" in c else [])
        at = [self.where[vm] for vm in vms if vm in self.where]
        if kind == "spread":
            return len(set(at)) == len(at)
        if kind == "among":
            return not at or any(set(at) <= set(part) for part in c["parts"])
        if kind == "gather":
            return len(set(at)) <= 1
        if kind == "fence":
            return set(at) <= set(nodes)
        if kind == "ban":
            return not set(at) & set(nodes)
        if kind == "split":
            places = [{self.where[vm] for vm in each if vm in self.where} for each in c.get("sets") or c["parts"]]
            return sum(map(len, places)) == len(set().union(*places))
        if kind == "root":
            return all(self.where.get(vm) == self.start_where[vm] for vm in vms if vm in self.start_where)
        if kind == "running":
            return all(vm in self.where for vm in vms)
        if kind in ("ready", "sleeping", "killed"):
            return not at
        if kind == "online":
            return set(nodes) <= self.online
        if kind == "offline":
            return set(nodes) <= self.offline
        if kind == "resourceCapacity":
            return sum(self._loads(c["rc"])[node] for node in nodes) <= c["amount"]
        if kind == "runningCapacity":
            return sum(node in nodes for node in self.where.values()) <= c["amount"]
        if kind == "lonely":
            return not {n for vm, n in self.where.items() if vm not in vms} & set(at)
        return kind in ("preserve", "overbook")
