"""Play a migration plan event by event against its estate, from the data alone.

Second by second: at one instant ends come before starts, and a moment is judged once all of its ends and
starts are through. Nothing is shared with whoever made the plan but the documents' meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zonewright.models.aftermath import Aftermath, aftermath
from zonewright.models.executor.breach import Breach, Fault, Findings
from zonewright.models.executor.cast import Act, Cast, Deed, cast_of
from zonewright.models.executor.conformity import Conformity
from zonewright.models.executor.outcome import Outcome
from zonewright.models.executor.room import Room
from zonewright.models.executor.schedule import Traffic, beginning, judge_times
from zonewright.models.executor.serving import Serving, back_by_priority
from zonewright.models.executor.standing import Standing, unwatched
from zonewright.models.executor.subnets import Subnets
from zonewright.models.executor.things import Things
from zonewright.models.executor.whereabouts import Whereabouts
from zonewright.models.migration import Migration
from zonewright.models.operations import Operation
from zonewright.models.problems import InputError
from zonewright.models.rules import reach_rules
from zonewright.models.world import Unit, World


@dataclass(frozen=True)
class Peak:
    """The most that was used of something limited, at any moment."""

    domain: str | None
    what: str
    used: int
    limit: int


@dataclass(frozen=True)
class Figures:
    """What the plan comes to, recomputed."""

    moves: int
    """Running instances that change their site."""
    bypasses: int
    recoveries: int
    takeovers: int
    starts: int
    makespan_s: int
    downtime_s: dict[str, int]
    """Per action of instances."""
    data_loss_minutes: dict[str, float]
    """Per action that restores from copies whose age is known."""
    back_s: dict[int, int]
    """Priority to the second at which the last of what was lost serves again."""
    peaks: list[Peak]
    """Of every limit that the plan's instances count against."""


@dataclass(frozen=True)
class Execution:
    """What became of a migration plan when it was played."""

    violations: list[Breach]
    """Everything broken, in order of time."""
    claims: list[str]
    """Where the document says something else than what was found."""
    placement: dict[tuple[str, str | None], dict[str, int]]
    """(group, instance or None for the unnamed) to site and count, at the end."""
    figures: Figures
    not_watched: list[str] = field(default_factory=list)
    """Continuous rules that were judged at the end only."""

    @property
    def valid(self) -> bool:
        """Whether nothing is broken and the document's own figures are true."""
        return not self.violations and not self.claims


def execute(world: World, migration: Migration) -> Execution:
    """Play a migration plan against the estate that it was made for.

    Raises InputError when the plan is stale (the estate has changed since), or names what the estate does not
    have.
    """
    if migration.estate_fingerprint != world.estate.fingerprint:
        what = "the migration was made for another state of the estate (fingerprints differ): plan it anew"
        raise InputError(what, path=("estate_fingerprint",))
    after = aftermath(world, migration.event, lenient=migration.lenient, given_up=migration.given_up)
    return _Play(world, after, migration).execution()


class _Play:
    def __init__(self, world: World, after: Aftermath, migration: Migration) -> None:
        self.world, self.after, self.migration = world, after, migration
        self.dead = after.dead
        self.findings = Findings()
        self.cast: Cast = cast_of(world, migration, self.dead)
        self.people = Whereabouts(world, self.dead)
        moving = {act.action.group for act in self.cast.acts if act.action.group is not None and act.parts}
        # What an event is to mend becomes a wish; on the way it is still not to get worse.
        rules = after.world if after.dead or after.left else world
        self.passing = [(label, r) for label, r in reach_rules(rules) if r.implicit or r.continuous]
        self.room = Room(world, rules, self.dead, self.findings)
        self.subnets = Subnets(world, self.dead, migration.target, self.people, self.findings)
        self.things = Things(world, after.world, self.dead, self.subnets, self.findings)
        self.serving = Serving(world, after.world, self.dead, self.findings)
        self.standing = Standing(world, after.world, rules, self.dead, moving, self.findings)
        self.traffic = Traffic(world, self.cast, self.findings)
        self.billings = {i.id: i.billing for i in world.estate.instances if i.billing is not None}
        self.seats: dict[int, list[tuple[Unit, str | None, int]]] = {}
        """Action to where its instances had their addresses: unit, subnet, count."""
        self.at_source: set[int] = set()
        self.at_target: set[int] = set()
        """Actions whose instances take room at their source, at their target."""
        self.serves = {act.index: _serving_step(act) for act in self.cast.acts}
        self.goes = {act.index: _outage_begins(act) for act in self.cast.acts}
        self.marks: dict[tuple[int, str], Deed] = {
            (act.index, what): deed
            for act in self.cast.acts
            for what in ("takes_target", "frees_source", "runs")
            if (deed := act.first(what)) is not None
        }

    def execution(self) -> Execution:
        judge_times(self.world, self.migration, self.cast, self.findings)
        conformity = Conformity(self.world, self.things, self.findings)
        for act in self.cast.acts:
            conformity.judge(act)
            self._originals(act)
            self._dead_sources(act)
            if act.action.kind == "bypass":
                self._passes(act)
        self._run()
        self.things.finish()
        self.subnets.finish()
        outcome = Outcome(self.world, self.after, self.migration, self.cast, self.people, self.findings)
        outcome.judge()
        figures = self._figures()
        return Execution(
            violations=self.findings.listed(),
            claims=[*self._claims(figures), *outcome.claims],
            placement={
                (self.world.units[index].group, self.world.units[index].name): {
                    self.world.tree.nodes[site].id: count for site, count in sorted(sites.items())
                }
                for index, sites in self.people.placed().items()
                if sites
            },
            figures=figures,
            not_watched=sorted(unwatched(self.after.world)),
        )

    # What holds whatever the moment.

    def _originals(self, act: Act) -> None:
        """An original stops once it runs elsewhere; one that is paid for is kept until its term ends."""
        if act.source is None or act.action.kind not in ("move", "bypass"):
            return
        if act.first("runs") is not None and act.first("stops") is None and act.parts:
            self._act_fault(Fault.ORIGINAL, act, f"{act.action.id} never stops the original")
        origin = beginning(self.world, self.migration)
        for deed in act.deeds:
            if deed.step.do is not Operation.DESTROY_ORIGINAL:
                continue
            for unit, _ in act.parts:
                until = self._paid_until(unit)
                if until is not None and (origin is None or origin + timedelta(seconds=deed.start) < until):
                    message = f"{deed.step.id} destroys {unit.name or unit.group}, which is paid until {until}"
                    self._act_fault(Fault.ORIGINAL, act, message, deed)

    def _paid_until(self, unit: Unit) -> datetime | None:
        if not unit.prepaid:
            return None
        billing = self.world.groups[unit.group].billing
        if unit.name is not None:
            billing = self.billings.get(unit.name) or billing
        return billing.paid_until

    def _dead_sources(self, act: Act) -> None:
        kind = act.action.kind
        if kind in ("move", "bypass") and act.dead:
            message = f"{act.action.source} has failed: what was there is recovered, not moved"
            self._act_fault(Fault.SOURCE, act, message)
        if kind == "recovery" and not act.dead:
            self._act_fault(
                Fault.SOURCE, act, f"{act.action.source or 'its source'} lives: nothing to recover there"
            )
        if kind == "start" and act.source is not None:
            self._act_fault(Fault.SOURCE, act, f"{act.action.id} starts what never ran, and names a source")
        if act.target is not None and act.target in self.dead:
            self._act_fault(Fault.REACH, act, f"{act.action.target} has failed", domain=act.action.target)
        for deed in act.deeds:
            if deed.effect.needs_source and (act.dead or (act.source is None and kind != "resource")):
                message = f"{deed.step.id} needs an original that lives"
                self._act_fault(Fault.DEAD_SOURCE, act, message, deed)
            if deed.step.do is Operation.FENCE_ORIGINAL and act.source is not None and not act.dead:
                self._act_fault(Fault.ORIGINAL, act, f"{deed.step.id} fences an original that lives", deed)

    def _passes(self, act: Act) -> None:
        """A third site that instances pass through is one that the world lets them use.

        Rules that people wrote bind the target alone, unless they are to hold at every moment.
        """
        if act.target is None:
            return
        units = {(unit.group, unit.name): unit for unit, _ in act.parts}
        for unit in self.after.world.units_of[act.action.group or ""] if act.action.group else ():
            if (unit.group, unit.name) not in units:
                continue
            for label, rule in self.passing:
                if hasattr(rule, "selected") and unit.group not in rule.selected(self.after.world):
                    continue
                reason = rule.blocks(self.after.world, unit, act.target, entering=True)
                if reason is not None:
                    message = f"{act.action.id} passes through {act.action.target}, which {reason}"
                    self._act_fault(Fault.REACH, act, message, domain=act.action.target, rule=label)
            if unit.pinned:
                self._act_fault(Fault.REACH, act, f"{act.action.id} moves what is pinned", rule="pinned")

    def _act_fault(
        self,
        fault: Fault,
        act: Act,
        message: str,
        deed: Deed | None = None,
        domain: str | None = None,
        rule: str | None = None,
    ) -> None:
        self.findings.add(
            Breach(
                fault,
                message,
                step=deed.step.id if deed else None,
                action=act.action.id,
                group=act.action.group,
                domain=domain or act.action.source,
                second=deed.start if deed else None,
                rule=rule,
            )
        )

    # The play.

    def _run(self) -> None:
        """Go through all moments at which something starts or ends."""
        for second, ends, instants, starts in moments(self.cast):
            for deed in ends:
                self._end(deed)
            for deed in instants:
                self._start(deed)
                self._end(deed)
            for deed in starts:
                self._start(deed)
            self.traffic.spans(second)
            for judge in (self.room, self.subnets, self.serving, self.standing, self.traffic):
                judge.settle(second)

    def _start(self, deed: Deed) -> None:
        act = deed.act
        if act.index not in self.seats and act.parts:
            self._leave(act, deed)
        self.things.start(deed)
        if deed.step.do is Operation.DELETE_SUBNET:
            self.subnets.delete_starts(deed)
        elif deed.step.do is Operation.CREATE_SUBNET:
            self.subnets.create_starts(deed)
        elif deed.step.do is Operation.CHANGE_SUBNET:
            self._change_subnet(deed)
        self._effects(deed, "start")
        self.traffic.copies(deed, 1)
        self._service(deed, "start")

    def _end(self, deed: Deed) -> None:
        self.things.end(deed)
        if deed.step.do is Operation.DELETE_SUBNET:
            self.subnets.delete_ends(deed)
        elif deed.step.do is Operation.CREATE_SUBNET:
            self.subnets.create_ends(deed)
        self._effects(deed, "end")
        self.traffic.copies(deed, -1)
        self._service(deed, "end")

    def _effects(self, deed: Deed, when: str) -> None:
        act = deed.act
        if deed.effect.frees_source == when and self.marks[act.index, "frees_source"] is deed:
            self._free(deed)
        if deed.effect.takes_target == when and self.marks[act.index, "takes_target"] is deed:
            self._take(deed)
        if deed.effect.runs == when and self.marks[act.index, "runs"] is deed and act.target is not None:
            for unit, count in act.parts:
                self.people.arrive(unit, act.target, act.action.subnet, count)

    def _leave(self, act: Act, deed: Deed) -> None:
        """An action's instances are on their way from its first step on: nobody else can move them."""
        seats = self.seats[act.index] = []
        if act.action.kind == "takeover" or (act.action.kind == "resource" and not act.stops_for_good):
            return
        for unit, count in act.parts:
            if act.source is None:
                found = self.people.begin(unit, count)
            elif act.dead:
                found = self.people.bring_back(unit, act.source, count)
            else:
                left = self.people.leave(unit, act.source, count, act.action.subnet)
                seats += [(unit, subnet, n) for subnet, n in left]
                found = sum(n for _, n in left)
            if found < count:
                where = act.action.source or "nowhere"
                message = f"{count} of {unit.name or unit.group} leave {where}, {found} are there to leave"
                self.findings.add(
                    Breach(
                        Fault.SOURCE,
                        message,
                        step=deed.step.id,
                        action=act.action.id,
                        group=unit.group,
                        domain=act.action.source,
                        second=deed.start,
                        amount=count - found,
                    )
                )
        if act.source is not None and not act.dead:
            self.at_source.add(act.index)

    def _take(self, deed: Deed) -> None:
        act = deed.act
        if act.target is None or not act.parts:
            return
        other_end = act.index in self.at_source
        self.at_target.add(act.index)
        self.room.take(deed, other_end=other_end)
        self.standing.take(deed, other_end=other_end)
        name = act.action.subnet
        if name is not None:
            held = sum(n for _, subnet, n in self.seats[act.index] if subnet == name) if other_end else 0
            count = act.action.count - (held if act.keeps_address else 0)
            if count > 0:
                self.subnets.take(deed, name, count, act.target)

    def _free(self, deed: Deed) -> None:
        act = deed.act
        if act.index not in self.at_source or any(d.step.do is Operation.KEEP_ORIGINAL for d in act.deeds):
            return
        other_end = act.index in self.at_target
        self.at_source.discard(act.index)
        self.room.free(deed, other_end=other_end)
        self.standing.free(deed, other_end=other_end)
        for _, subnet, count in self.seats[act.index]:
            same = other_end and act.keeps_address and subnet == act.action.subnet
            if subnet is not None and not same:
                self.subnets.free(deed, subnet, count)

    def _change_subnet(self, deed: Deed) -> None:
        """The originals' addresses go to another subnet of their zone."""
        act, name = deed.act, deed.step.thing
        if name is None or act.source is None or act.index not in self.at_source:
            return
        moved = sum(count for _, _, count in self.seats[act.index])
        for _, subnet, count in self.seats[act.index]:
            if subnet is not None:
                self.subnets.free(deed, subnet, count)
        self.subnets.take(deed, name, moved, act.source)
        self.seats[act.index] = [(unit, name, count) for unit, _, count in self.seats[act.index]]

    def _service(self, deed: Deed, when: str) -> None:
        """Count who serves: a recovery, takeover or start from when it serves, a move but for its outage."""
        act = deed.act
        if not act.parts or (act.action.kind == "resource" and not act.stops_for_good):
            return
        count = act.action.count
        if act.dead or act.source is None:
            if when == "end" and self.serves[act.index] is deed:
                self.serving.change(deed, count)
            return
        if act.away is None:
            return
        begins, at = self.goes[act.index]
        if begins is deed and at == when:
            self.serving.change(deed, -count)
        if when == "end" and self.serves[act.index] is deed:
            self.serving.change(deed, count)

    # What it comes to.

    def _figures(self) -> Figures:
        count = dict.fromkeys(("move", "bypass", "recovery", "takeover", "start", "resource"), 0)
        losses: dict[str, float] = {}
        downtime: dict[str, int] = {}
        for act in self.cast.acts:
            count[act.action.kind] += act.action.count if act.parts else 0
            if act.parts and act.action.kind != "resource":
                downtime[act.action.id] = act.downtime
            if act.recipe is not None and act.recipe.data_loss == "age_of_copy":
                minutes = self.things.data_loss(act)
                if minutes is not None:
                    losses[act.action.id] = minutes
        return Figures(
            moves=count["move"],
            bypasses=count["bypass"],
            recoveries=count["recovery"],
            takeovers=count["takeover"],
            starts=count["start"],
            makespan_s=self.migration.makespan_s,
            downtime_s=downtime,
            data_loss_minutes=losses,
            back_s=back_by_priority(self.cast.acts),
            peaks=[Peak(m.domain, m.what, m.peak, m.limit) for m in self.room.meters],
        )

    def _claims(self, figures: Figures) -> Iterator[str]:
        for name in ("moves", "bypasses", "recoveries", "takeovers"):
            said, found = getattr(self.migration, name), getattr(figures, name)
            if said != found:
                yield f"{name}: the plan says {said}, it is {found}"
        for act in self.cast.acts:
            action = act.action
            found = figures.downtime_s.get(action.id, 0)
            if action.downtime_s != found:
                yield f"{action.id}: the plan says {action.downtime_s} s of downtime, it is {found} s"
            minutes = figures.data_loss_minutes.get(action.id)
            said = action.data_loss_minutes
            if minutes is not None and said is not None and abs(said - minutes) > 0.01:
                yield f"{action.id}: the plan says {said:g} minutes of data are lost, it is {minutes:g}"


def _serving_step(act: Act) -> Deed | None:
    """Return the step at whose end the service is back."""
    serving = [deed for deed in act.deeds if deed.step.serves]
    return max(serving, key=lambda d: (d.end, d.index)) if serving else act.first("runs")


def _outage_begins(act: Act) -> tuple[Deed | None, str | None]:
    """Return the step, and whether its start or end, from which the service is away."""
    interrupting = [deed for deed in act.deeds if deed.step.interrupts]
    if interrupting:
        return min(interrupting, key=lambda d: (d.start, d.index)), "start"
    stopping = act.first("stops")
    return stopping, stopping.effect.stops if stopping is not None else None


def moments(cast: Cast) -> Iterator[tuple[int, list[Deed], list[Deed], list[Deed]]]:
    """Yield (second, what ends, what starts and ends at once in order of needs, what starts), in time."""
    ends: dict[int, list[Deed]] = {}
    instants: dict[int, list[Deed]] = {}
    starts: dict[int, list[Deed]] = {}
    for deed in cast.deeds:
        if deed.end > deed.start:
            starts.setdefault(deed.start, []).append(deed)
            ends.setdefault(deed.end, []).append(deed)
        else:
            instants.setdefault(deed.start, []).append(deed)
    for second in sorted({*ends, *instants, *starts}):
        yield (
            second,
            ends.get(second, []),
            _in_order(instants.get(second, [])),
            starts.get(second, []),
        )


def _in_order(deeds: list[Deed]) -> list[Deed]:
    """Return steps of one instant after those that they need, else in the document's order."""
    if len(deeds) < 2:
        return deeds
    among = {deed.index for deed in deeds}
    placed: dict[int, None] = {}
    for deed in sorted(deeds, key=lambda d: d.index):
        stack = [deed]
        entered: set[int] = set()
        while stack:
            top = stack[-1]
            waiting = [
                n for n in top.needs if n.index in among and n.index not in placed and n.index not in entered
            ]
            if top.index in placed or not waiting:
                placed.setdefault(top.index)
                stack.pop()
            else:
                entered.add(top.index)
                stack += waiting
    by_index = {deed.index: deed for deed in deeds}
    return [by_index[index] for index in placed]
