"""Placement with a guarantee against placement without: what it costs, and what the next loss does to both.

    python -m benchmarks.guarantee [NAME ...] [--region] [--fill 0.85] [--levels zone rack host] [--time-limit 60]

Every estate is placed as it is, and once with each guarantee as a hard rule: the loss of any one zone, rack or
host, by evacuation and by what remains, for all of its groups but those for which it is impossible; these are
named with the reason. Then every loss is looked at for both plans, as far as it hurts the groups that are promised
something: with the checker and the plan's witnesses, and, where everybody is promised it, by looking for a way
anew. Exits 1 where a plan does not pass its check, or one with a guarantee does not survive a loss.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from zonewright.instances import shipped_estate_path, shipped_estates
from zonewright.models import Estate, Plan, Status, World, check_plan, estate_from_data, load_estate
from zonewright.solver import Result, place, survive

GUARANTEE = "guarantee"
LEVELS = ("zone", "rack", "host")
MODES = ("evacuate", "static")


@dataclass
class Line:
    """One guarantee of one estate."""

    estate: str
    guarantee: str
    status: str
    seconds: float
    gap: str
    cost: str
    without: str
    with_it: str
    faults: list[str]


def lines(name: str, estate: Estate, options: argparse.Namespace) -> Iterator[Line]:
    """Place an estate without and with every guarantee that its levels allow."""
    plain = _placed(estate, options)
    if plain.plan is None or plain.status is Status.INFEASIBLE:
        yield Line(name, "none", plain.status.value, plain.seconds, "", "no plan to begin with", "", "", [])
        return
    yield Line(name, "none", plain.status.value, plain.seconds, _gap(plain), _hosts(plain.plan), "", "", [])
    world = World(estate)
    for level in options.levels:
        if level not in world.tree.levels or len(world.tree.domains_at(level)) < 2:
            continue
        if any(world.tree.at_level(site, level) is None for site in world.tree.sites):
            continue
        for mode in options.modes:
            yield _line(name, estate, plain, level, mode, options)


def _line(name: str, estate: Estate, plain: Result, level: str, mode: str, options: argparse.Namespace) -> Line:
    guarantee = f"{level} {mode}"
    left_out: dict[str, str] = {}
    while True:
        asked = _asked(estate, level, mode, left_out)
        result = _placed(asked, options)
        clash = {c.group: _why(c, result) for c in result.clash if c.label == GUARANTEE and c.group}
        more = {group: why for group, why in clash.items() if group not in left_out}
        if result.status is not Status.INFEASIBLE or not more or len(left_out) >= options.most_left_out:
            break
        left_out |= dict([sorted(more.items())[0]])
        if len(left_out) == sum(group.count > 0 for group in estate.groups):
            why = "; ".join(f"{group}: {why}" for group, why in left_out.items())
            return Line(name, guarantee, "none", result.seconds, "", f"possible for nobody: {why}", "", "", [])
    before = _failing(estate, plain.plan, level, mode, left_out, options)[0]
    but = "; ".join(f"not for {group}: {why}" for group, why in left_out.items())
    if result.plan is None or result.status not in (Status.OPTIMAL, Status.FEASIBLE):
        reason = "; ".join(dict.fromkeys(_said(c) for c in result.clash)) or "nothing found in time"
        return Line(name, guarantee, result.status.value, result.seconds, "", f"{reason}; {but}", before, "", [])
    report = check_plan(World(asked), result.plan)
    faults = [f"{v.label}: {v.message}" for v in report.violations if v.hard] + report.claims
    broken = {v.domain for v in report.violations if v.label == GUARANTEE}
    after = f"{len(broken)} of {before.split()[2]} fail"
    if not left_out:
        after, failing = _failing(asked, result.plan, level, mode, left_out, options)
        faults += [f"{lost} is not survived" for lost in failing]
    cost = f"{_difference(plain, result)}; {_hosts(result.plan)}" + (f"; {but}" if but else "")
    gap = _gap(result)
    return Line(name, guarantee, result.status.value, result.seconds, gap, cost, before, after, faults)


def _asked(estate: Estate, level: str, mode: str, left_out: Collection[str]) -> Estate:
    """Return the estate with the guarantee for all groups but those that are left out."""
    rule: dict[str, Any] = {"rule": "survive", "id": GUARANTEE, "mode": mode, "level": level}
    if left_out:
        rule["groups"] = [group.id for group in estate.groups if group.id not in left_out]
    data = estate.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return estate_from_data({**data, "rules": [*data.get("rules", []), rule]})


def _why(clash: Any, result: Result) -> str:
    """Return what stands against the guarantee for a group, in short."""
    others = [_said(other) for other in result.clash if other is not clash and other.rule != "placed"]
    return ", ".join(dict.fromkeys(others)) or clash.text or "impossible"


def _placed(estate: Estate, options: argparse.Namespace) -> Result:
    return place(estate, time_limit_s=options.time_limit, workers=options.workers)


def _failing(
    estate: Estate,
    plan: Plan | None,
    level: str,
    mode: Any,
    left_out: Collection[str],
    options: argparse.Namespace,
) -> tuple[str, list[str]]:
    """Return how many losses a plan does not survive, groups that are left out aside, in words, and which."""
    found = survive(
        estate,
        plan=plan,
        level=level,
        mode=mode,
        recovery=False,
        time_limit_s=options.time_limit,
        workers=options.workers,
    )
    failing = [
        scenario.name
        for scenario in found.scenarios
        if not scenario.survived
        and (not left_out or any(group.short and group.group not in left_out for group in scenario.groups))
    ]
    return f"{len(failing)} of {found.checked} fail", failing


def _difference(plain: Result, result: Result) -> str:
    """Return the first goal in which a guarantee costs something, and how much."""
    known = {goal.goal: goal.value for goal in plain.objective}
    for goal in result.objective:
        before = known.get(goal.goal, 0)
        if goal.value != before:
            share = f" ({100 * (goal.value - before) / before:+.2f} %)" if before else ""
            return f"{goal.goal} {goal.value - before:+,}{share}"
    return "nothing"


def _hosts(plan: Plan) -> str:
    return f"{len({entry.site for entry in plan.placements})} sites in use"


def _gap(result: Result) -> str:
    gap = result.plan.gap if result.plan is not None else None
    return "" if gap is None else f"{100 * gap:.2f} %"


def _said(clash: Any) -> str:
    return " ".join(str(part) for part in (clash.label, clash.group, clash.domain) if part)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.guarantee",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", help="bundled estates; all feasible ones by default")
    parser.add_argument("--region", action="store_true", help="the generated region instead")
    parser.add_argument("--instances", type=int, default=5000)
    parser.add_argument("--groups", type=int, default=400)
    parser.add_argument("--hosts", type=int, default=600)
    parser.add_argument("--fill", type=float, default=0.85)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--levels", nargs="+", default=list(LEVELS))
    parser.add_argument("--modes", nargs="+", default=list(MODES), choices=MODES)
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--most-left-out", type=int, default=12, help="groups to leave out before giving up")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    print(f"limit {options.time_limit:g} s, {options.workers} workers, load {os.getloadavg()[0]:.1f}")
    print(f"{'estate':24} {'guarantee':14} {'status':10} {'s':>6} {'gap':>7}  {'without':>16} {'with':>16}  costs")
    faults = 0
    for name, estate in _estates(options):
        for line in lines(name, estate, options):
            print(
                f"{line.estate:24} {line.guarantee:14} {line.status:10} {line.seconds:6.1f} {line.gap:>7}  "
                f"{line.without:>16} {line.with_it:>16}  {line.cost}",
                flush=True,
            )
            for fault in line.faults:
                print(f"    {fault}", flush=True)
            faults += len(line.faults)
    return 1 if faults else 0


def _estates(options: argparse.Namespace) -> Iterator[tuple[str, Estate]]:
    if options.region:
        from zonewright.instances.region import region_data

        data = region_data(
            instances=options.instances,
            groups=options.groups,
            hosts=options.hosts,
            fill=options.fill,
            seed=options.seed,
        )
        yield "region", estate_from_data(data)
        return
    shipped = {entry.name: entry for entry in shipped_estates()}
    for name in options.names or [n for n, entry in shipped.items() if entry.feasible]:
        yield name, load_estate(shipped_estate_path(name))


if __name__ == "__main__":
    sys.exit(main())
