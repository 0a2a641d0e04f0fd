"""Why somebody is here, and why not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest

from zonewright.models.check import Report
from zonewright.models.plan import Placement, Plan
from zonewright.models.view import View, Violation
from zonewright.models.world import Unit, World
from zonewright.solver.deadline import Deadline
from zonewright.solver.reasons.alone import Alone, Room, crowded, moved_alone, pushed_out
from zonewright.solver.reasons.forced import Difference, Forced, best_with
from zonewright.solver.reasons.result import Option, Why, WhyNot
from zonewright.solver.reasons.subject import Obstacle, Subject, obstacles

#: Kinds of members, and places they may come from, that are tried for one site.
MOST_SOURCES = 12

#: Up to so many sites every one is judged in full; beyond, one without room is said to lack that and no more.
FEW_SITES = 60

#: Told what is going on: (what, how many are done, of how many).
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Case:
    """A plan with everything that questions about it need."""

    world: World
    plan: Plan
    view: View
    report: Report
    deadline: Deadline
    workers: int
    seed: int
    told: Told
    before: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """After an event: where units (by index) ran before it, by site."""

    @cached_property
    def room(self) -> Room | None:
        """What capacity is used, where there are so many sites that each has to be looked at quickly."""
        return Room(self.view) if len(self.world.tree.sites) > FEW_SITES else None

    def today(self, unit: Unit) -> Mapping[int, int]:
        """Return where a unit's instances run, or ran before the event."""
        return self.before.get(unit.index, unit.current)


def why(case: Case, subject: Subject, *, seconds: float) -> Why:
    """Say why somebody is where he is: what every other site would do.

    Within `seconds`: first with everybody else as planned; then, where that breaks a rule or is worse, with
    everything free to change: of hosts that say the same, for one.
    """
    world, ends = case.world, case.deadline.seconds + seconds
    sites = _in_turns(world)
    options: list[Option] = []
    for number, site in enumerate(sites):
        case.told(f"why {subject.name}: sites", number, len(sites))
        late = case.deadline.over or case.deadline.seconds > ends - seconds / 2
        options.append(_not_checked(case, subject, site) if late else option_at(case, subject, site)[0])
    ways = _worth_solving(options)
    for number, n in enumerate(ways):
        left = ends - case.deadline.seconds
        if case.deadline.over or left <= 0:
            break
        case.told(f"why {subject.name}: solving again", number, len(ways))
        share = min(left, max(1.0, 2 * left / (len(ways) - number)))
        least = options[n].here + 1
        options[n] = replace(options[n], forced=_forced(case, subject, options[n].site, share, None, least=least))
    rank = {"here": 0, "better": 1, "same": 2, "worse": 3, "breaks": 4, "not_checked": 5, "closed": 6}
    options.sort(key=lambda o: (-o.here, -o.today, rank[o.verdict], o.site))
    return Why(subject, *_whereabouts(case, subject), options, sum(o.verdict != "not_checked" for o in options))


def _worth_solving(options: list[Option]) -> list[int]:
    """Return the options to solve again for: one for those that say the same, those with a past first."""
    first: dict[object, int] = {}
    for n, option in enumerate(options):
        if option.verdict in ("breaks", "worse"):
            rules = tuple((v.label, v.what, v.amount) for v in option.broken)
            gone = option.site if option.today > option.here else None
            key = (option.zone, option.verdict, rules, option.difference, option.here > 0, gone)
            first.setdefault(key, n)
    return sorted(first.values(), key=lambda n: (-options[n].today, options[n].verdict, n))


def why_not(case: Case, subject: Subject, domain: int, *, seconds: float) -> WhyNot:
    """Say why somebody is not in a domain: closed, impossible, or so much worse."""
    world, ends = case.world, case.deadline.seconds + seconds
    name = world.tree.nodes[domain].id
    inside = world.tree.sites_under[domain]
    here, _ = _whereabouts(case, subject)
    there = sum(here.get(world.tree.nodes[site].id, 0) for site in inside)
    if there:
        return WhyNot(subject, name, there, [], None)
    options: list[Option] = []
    best: Alone | None = None
    for number, site in enumerate(inside):
        case.told(f"why not {subject.name}@{name}: sites", number, len(inside))
        # Half of the time is for the solve with everything free to change.
        if options and (case.deadline.over or case.deadline.seconds > ends - seconds / 2):
            options.append(_not_checked(case, subject, site))
            continue
        option, alone = option_at(case, subject, site)
        options.append(option)
        if alone is not None and not alone.broken and (best is None or alone.objective < best.objective):
            best = alone
    forced = None
    if any(option.verdict != "closed" for option in options):
        case.told(f"why not {subject.name}@{name}: solving again", 0, 1)
        hint = None if best is None else plan_of(case, best)
        forced = _forced(case, subject, name, max(0.05, ends - case.deadline.seconds), hint, told=True)
    return WhyNot(subject, name, there, options, forced)


def _forced(
    case: Case,
    subject: Subject,
    domain: str,
    seconds: float,
    hint: Plan | None,
    *,
    least: int = 1,
    told: bool = False,
) -> Forced:
    return best_with(
        case.world,
        subject,
        domain,
        case.plan,
        case.deadline,
        seconds=seconds,
        workers=case.workers,
        seed=case.seed,
        hint=hint,
        least=least,
        told=told,
    )


def option_at(case: Case, subject: Subject, site: int) -> tuple[Option, Alone | None]:
    """Return what becomes of the subject at a site, and the plan with him moved there alone."""
    blank = _not_checked(case, subject, site)
    if blank.verdict == "here":
        return blank, None
    closed: list[Obstacle] = []
    best: Alone | None = None
    for unit, source in _pairs(case, subject, site):
        found = obstacles(case.world, unit, site, case.view.unit_counts[unit.index].get(site, 0))
        if found:
            closed += found
            continue
        lacking = case.room.lacking(unit, source, site) if case.room is not None else []
        if lacking:
            alone = crowded(case.view, source, site, lacking)
        else:
            alone = moved_alone(case.view, case.report, unit, source, site)
        if best is None or _rank(alone) < _rank(best):
            best = alone
    if best is None:
        return replace(blank, verdict="closed", obstacles=list(dict.fromkeys(closed))), None
    return _judged(case, subject, blank, best), best


def _judged(case: Case, subject: Subject, blank: Option, best: Alone) -> Option:
    if best.broken:
        pushes = pushed_out(case.view, best.broken, subject.group)
        return replace(blank, verdict="breaks", source=best.source, broken=list(best.broken), pushes=pushes)
    first = next(
        (
            Difference(goal, old, new, None, None)
            for (goal, old), (_, new) in zip(case.report.objective, best.objective, strict=True)
            if old != new
        ),
        None,
    )
    if first is None:
        return replace(blank, verdict="same", source=best.source)
    return replace(blank, verdict="worse" if first.change > 0 else "better", source=best.source, difference=first)


def _rank(alone: Alone) -> tuple[int, int, list[int]]:
    return (len(alone.broken), _amount(alone.broken), [value for _, value in alone.objective])


def _amount(violations: list[Violation]) -> int:
    return sum(v.amount for v in violations)


def _not_checked(case: Case, subject: Subject, site: int) -> Option:
    world = case.world
    today = sum(case.today(unit).get(site, 0) for unit in subject.units)
    here = sum(case.view.unit_counts[unit.index].get(site, 0) for unit in subject.units)
    name, zone = world.tree.nodes[site].id, world.tree.nodes[world.zone_of(site)].id
    everybody = here == sum(unit.count for unit in subject.units)
    return Option(name, zone, "here" if everybody else "not_checked", here, today)


def _pairs(case: Case, subject: Subject, site: int) -> Iterator[tuple[Unit, int | None]]:
    """Yield who may come from where: units that are alike stand for each other."""
    seen: set[object] = set()
    for unit in subject.units:
        placed = case.view.unit_counts[unit.index]
        sources: list[int | None] = [s for s in placed if s != site]
        if sum(placed.values()) < unit.count:
            sources.append(None)
        for source in sources:
            alike = (
                case.world.alike[unit.index],
                tuple(sorted(unit.demand.items())),
                unit.flavour.id if unit.flavour else None,
                (unit.priority, unit.pinned, unit.prepaid),
                unit.name if unit.current or unit.pinned else None,
                source,
            )
            if alike not in seen:
                seen.add(alike)
                yield unit, source
            if len(seen) >= MOST_SOURCES:
                return


def _in_turns(world: World) -> list[int]:
    """Return all sites, zones taking turns: whenever time is up, every zone has been looked at."""
    by_zone: dict[int, list[int]] = {}
    for site in world.tree.sites:
        by_zone.setdefault(world.zone_of(site), []).append(site)
    return [site for turn in zip_longest(*by_zone.values()) for site in turn if site is not None]


def _whereabouts(case: Case, subject: Subject) -> tuple[dict[str, int], dict[str, int]]:
    """Return where those asked for are in the plan, and where they are today."""
    here: dict[str, int] = {}
    today: dict[str, int] = {}
    for unit in subject.units:
        for found, sites in ((here, case.view.unit_counts[unit.index]), (today, case.today(unit))):
            for site, count in sites.items():
                name = case.view.node_name(site)
                found[name] = found.get(name, 0) + count
    return here, today


def plan_of(case: Case, alone: Alone) -> Plan:
    """Return the plan with one instance moved, as a plan to start from."""
    view = alone.view
    scenarios = [
        entry.model_copy(
            update={"placements": _placements(view, view.witness(entry.signature, _nodes(case, entry.lost)))}
        )
        for entry in case.plan.scenarios
    ]
    return case.plan.model_copy(
        update={"placements": _placements(view, view.rows), "scenarios": scenarios, "bounds": [], "objective": []}
    )


def _nodes(case: Case, names: list[str]) -> tuple[int, ...]:
    return tuple(sorted(case.world.tree.by_id[name] for name in names))


def _placements(view: View, rows: list) -> list[Placement]:  # type: ignore[type-arg]
    found = []
    for row in rows:
        if row.count:
            unit = view.world.units[row.unit]
            names = [unit.name] if unit.name else []
            found.append(
                Placement(
                    group=unit.group,
                    site=view.node_name(row.site),
                    count=row.count,
                    subnet=row.subnet,
                    instances=names,
                )
            )
    return found


__all__ = ["Case", "option_at", "plan_of", "why", "why_not"]
