"""Times by themselves: what needs what, windows, what is under way at once, links, one domain after another."""

from __future__ import annotations

from datetime import datetime

from zonewright.models.durations import BITS_PER_MBIT, BITS_PER_MIB, crossed
from zonewright.models.executor.breach import Breach, Fault, Findings
from zonewright.models.executor.cast import WAITING, Act, Cast, Deed
from zonewright.models.executor.room import Gauge, Gauges
from zonewright.models.migration import Migration
from zonewright.models.world import World

#: Actions that count as under way.
_MOVING = frozenset({"move", "bypass", "recovery", "start"})


def judge_times(world: World, migration: Migration, cast: Cast, findings: Findings) -> None:
    """Judge what can be said without playing: ends, needs, the plan's length, windows, one at a time."""
    for deed, name in cast.unknown_needs:
        findings.add(_breach(Fault.DEPENDENCY, f"{deed.step.id} needs {name}, which is no step", deed))
    for deed in cast.deeds:
        if deed.end < deed.start:
            findings.add(_breach(Fault.TIME, f"{deed.step.id} ends before it starts", deed, deed.start - deed.end))
        for need in deed.needs:
            if need.end > deed.start or need is deed:
                message = f"{deed.step.id} starts before {need.step.id} is over, which it needs"
                findings.add(_breach(Fault.DEPENDENCY, message, deed, max(1, need.end - deed.start)))
    _ready(world, cast, findings)
    longest = int(world.estate.migration.longest_plan_hours * 3600)
    if migration.makespan_s > longest:
        message = f"the plan takes {migration.makespan_s} s, longest_plan_hours allows {longest} s"
        findings.add(Breach(Fault.TIME, message, amount=migration.makespan_s - longest), "length")
    _windows(world, migration, cast, findings)
    _one_at_a_time(world, cast, findings)


def _ready(world: World, cast: Cast, findings: Findings) -> None:
    """Nothing arrives in a domain that is off before it is ready."""
    nodes = world.tree.nodes
    for deed in cast.deeds:
        when = deed.effect.takes_target
        if when is None or deed.act.target is None:
            continue
        moment = deed.start if when == "start" else deed.end
        for ancestor in nodes[deed.act.target].ancestors:
            ready = nodes[ancestor].domain.ready_after_s or 0
            if moment < ready:
                message = f"{deed.step.id} takes room in {nodes[ancestor].id}, which is ready after {ready} s"
                findings.add(_breach(Fault.TIME, message, deed, ready - moment), "ready", ancestor)


def _windows(world: World, migration: Migration, cast: Cast, findings: Findings) -> None:
    windows = world.estate.migration.windows
    if not windows:
        return
    origin = beginning(world, migration)
    if origin is None:
        message = "windows are given and nobody says when the plan starts: give migration.starts_at or taken_at"
        findings.add(Breach(Fault.WINDOW, message), "origin")
        return
    spans = [((w.start - origin).total_seconds(), (w.end - origin).total_seconds()) for w in windows]
    for act in cast.acts:
        away = act.away
        if act.dead or away is None:
            continue
        for deed in act.deeds:
            if deed.start < away[0] or (away[1] is not None and deed.end > away[1]) or deed.step.do in WAITING:
                continue
            if not any(start <= deed.start and deed.end <= end for start, end in spans):
                message = f"{deed.step.id} runs while the service is away, and not inside a window"
                findings.add(_breach(Fault.WINDOW, message, deed), act.index)
                break


def beginning(world: World, migration: Migration) -> datetime | None:
    """Return the moment of second 0, None where nobody says."""
    return migration.starts_at or world.estate.migration.starts_at or world.estate.taken_at


def _one_at_a_time(world: World, cast: Cast, findings: Findings) -> None:
    level = world.estate.migration.one_at_a_time
    if level is None:
        return
    tree = world.tree
    leaving: list[tuple[int, int, int, Act]] = []
    for act in cast.acts:
        span = act.span
        if act.source is None or act.dead or act.action.kind not in _MOVING or span is None:
            continue
        domain = tree.at_level(act.source, level)
        there = tree.at_level(act.target, level) if act.target is not None else None
        if domain is not None and domain != there and span[1] > span[0]:
            leaving.append((*span, domain, act))
    leaving.sort(key=lambda entry: entry[:3])
    until: dict[int, int] = {}
    for start, end, domain, act in leaving:
        others = {other: stop for other, stop in until.items() if other != domain and stop > start}
        if others:
            other = max(others, key=others.__getitem__)
            name, that = tree.nodes[domain].id, tree.nodes[other].id
            message = f"{act.action.id} leaves {name} while {that} is still being left"
            amount = min(end, others[other]) - start
            findings.add(
                Breach(
                    Fault.ONE_AT_A_TIME,
                    message,
                    action=act.action.id,
                    group=act.action.group,
                    domain=name,
                    second=start,
                    amount=amount,
                ),
                min(domain, other),
                max(domain, other),
            )
        until[domain] = max(until.get(domain, 0), end)


class Traffic:
    """What is under way, and what is copied over which link, at every moment."""

    def __init__(self, world: World, cast: Cast, findings: Findings) -> None:
        self.world = world
        self.gauges = Gauges(findings)
        self.first: dict[int, list[Act]] = {}
        self.last: dict[int, list[Act]] = {}
        """Second to the actions whose span begins, or is over."""
        settings = world.estate.migration
        self.limited = settings.most_at_once is not None or bool(settings.most_at_once_per)
        for act in cast.acts if self.limited else ():
            span = act.span
            if act.action.kind in _MOVING and act.parts and span is not None and span[1] > span[0]:
                self.first.setdefault(span[0], []).append(act)
                self.last.setdefault(span[1], []).append(act)

    def spans(self, second: int) -> None:
        """Count the actions whose span begins or is over at a second."""
        for act in self.last.get(second, ()):
            self._under_way(act, -act.at_once)
        for act in self.first.get(second, ()):
            self._under_way(act, act.at_once)

    def _under_way(self, act: Act, amount: int) -> None:
        settings, tree = self.world.estate.migration, self.world.tree
        deed = act.deeds[0]
        if settings.most_at_once is not None:
            gauge = Gauge(Fault.CONCURRENCY, None, settings.most_at_once, "under way")
            self.gauges.change(("under way",), gauge, amount, deed)
        sites = [site for site in (None if act.dead else act.source, act.target) if site is not None]
        for level, most in settings.most_at_once_per.items():
            for domain in {tree.at_level(site, level) for site in sites}:
                if domain is not None:
                    gauge = Gauge(Fault.CONCURRENCY, tree.nodes[domain].id, most, "under way into and out")
                    self.gauges.change(("under way", domain), gauge, amount, deed)

    def copies(self, deed: Deed, sign: int) -> None:
        """Count a copying step in or out of the links that it crosses."""
        act, rate = deed.act, deed.step.mib_per_second
        if rate is None or act.target is None or deed.of_recipe is None or deed.of_recipe.copies is None:
            return
        nodes = self.world.tree.nodes
        out: list[int] = []
        into = list(nodes[act.target].ancestors)
        if act.source is not None:
            out, into = crossed(self.world, act.source, act.target)
        at_once = act.at_once if deed.effect.per == "instance" else 1
        amount = sign * rate * at_once * BITS_PER_MIB
        for way, domains in (("out", [] if act.dead else out), ("in", into)):
            for domain in domains:
                uplink = nodes[domain].domain.uplink_mbit_s
                if uplink is not None:
                    gauge = Gauge(Fault.UPLINK, nodes[domain].id, uplink * BITS_PER_MBIT, f"bit/s {way}")
                    self.gauges.change(("link", way, domain), gauge, amount, deed)

    def settle(self, second: int) -> None:
        """Judge the moment."""
        self.gauges.settle(second)


def _breach(fault: Fault, message: str, deed: Deed, amount: int = 1) -> Breach:
    action = deed.act.action
    return Breach(
        fault, message, step=deed.step.id, action=action.id, group=action.group, second=deed.start, amount=amount
    )
