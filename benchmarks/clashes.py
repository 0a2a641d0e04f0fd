"""Why estates have no placement, where it is known: clashes planted into feasible estates.

    python -m benchmarks.clashes planted [--seeds 30] [--first 0] [--time-limit 9.5] [--workers 2]
    python -m benchmarks.clashes large [--seeds 5] [--first 0] [--time-limit 19] [--workers 2]

`planted`: every second estate has its instances on some hundred hosts, the others on zones. One to three clashes
are planted in each, so that every kind has its turn; the groups of each clash are placed alone, too, which has to
be impossible. `large`: 5,000 instances on 400 hosts in three zones have no placement for one reason, which is a
matter of counting, of packing or of latency; the right one has to be told, by kind and by members.

Before the solver is asked, the checkers of `models` confirm that with a member of each clash dropped there is a
placement of everybody. Exits 1 where a clash is missing, where one is told that is none, or too late.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.analyses.duel_clashes import element, shown
from tests.analyses.planted import alone, faults
from tests.brute.facts import Facts
from zonewright.instances.clash_kinds import HOST_KINDS, KINDS, Kind, clashing_estate, compatible
from zonewright.instances.clashing import ClashingEstate, Member
from zonewright.instances.stalled import stalled_estate
from zonewright.models import estate_from_data
from zonewright.models.plan import Status
from zonewright.solver import explain, place
from zonewright.solver.clashes import Clashes

HOSTS = 100
#: Seconds within which it has to be told; the solver is given a little less.
MOST_S = {"planted": 10.0, "large": 20.0}
#: Facts that are said of a site, or of its zone where there are many.
WIDE = ("compatibility", "scope")


@dataclass
class Row:
    """What came of one estate."""

    name: str
    kinds: list[str]
    seconds: float = 0.0
    told: int = 0
    wrong: list[str] = field(default_factory=list)


def turns(number: int) -> list[list[Kind]]:
    """The kinds of clashes of so many estates: one to three each, all of them in turn."""
    rng = Random("turns")
    left: dict[bool, list[Kind]] = {True: [], False: []}
    found: list[list[Kind]] = []
    for position in range(number):
        deep = position % 2 == 1
        chosen: list[Kind] = []
        for _ in range((1, 2, 3, 3)[position // 2 % 4]):
            if not left[deep]:
                left[deep] = rng.sample(
                    [*KINDS, *(HOST_KINDS if deep else ())], len(KINDS) + deep * len(HOST_KINDS)
                )
            fitting = [kind for kind in left[deep] if compatible([*chosen, kind])]
            if fitting:
                chosen.append(fitting[0])
                left[deep].remove(fitting[0])
        found.append(chosen)
    return found


def planted(number: int, first: int, instances: int, time_limit: float, workers: int) -> list[Row]:
    """Run so many estates."""
    rows = []
    for position, kinds in enumerate(turns(first + number)):
        if position < first:
            continue
        deep = position % 2 == 1
        estate = clashing_estate(position, instances=instances, hosts=HOSTS if deep else 0, kinds=kinds)
        row = Row(f"{'hosts' if deep else 'zones'}-{position}", [kind.__name__ for kind in kinds])
        row.wrong += [f"badly planted: {fault}" for fault in faults(estate)]
        row.wrong += [f"possible alone: {p.kind}" for p in estate.planted if not _impossible(alone(estate, p))]
        begun = time.perf_counter()
        found = explain(estate_from_data(estate.data), time_limit_s=time_limit, workers=workers)
        row.seconds = time.perf_counter() - begun
        row.wrong += _differences(estate, found.status, found.clashes)
        row.told = len(found.clashes.clashes) if found.clashes else 0
        if row.seconds > MOST_S["planted"]:
            row.wrong.append(f"{row.seconds:.1f} s")
        rows.append(row)
        _tell(row)
    return rows


def large(number: int, first: int, instances: int, time_limit: float, workers: int) -> list[Row]:
    """Run so many regions with one reason each."""
    rows = []
    for seed in range(first, first + number):
        estate = stalled_estate(seed, instances=instances, hosts=instances * 4 // 50)
        row = Row(f"large-{seed}", [estate.planted[0].kind])
        row.wrong += [f"badly planted: {fault}" for fault in faults(estate)]
        begun = time.perf_counter()
        found = explain(estate_from_data(estate.data), time_limit_s=time_limit, workers=workers)
        row.seconds = time.perf_counter() - begun
        row.wrong += _other_reason(estate, found.clashes)
        row.told = len(found.clashes.clashes) if found.clashes else 0
        if row.seconds > MOST_S["large"]:
            row.wrong.append(f"{row.seconds:.1f} s")
        rows.append(row)
        _tell(row)
    return rows


def _other_reason(estate: ClashingEstate, found: Clashes | None) -> list[str]:
    """In what the first reason that is told differs from the one there is. Alike hosts may be told as one."""
    if found is None or not found.clashes:
        return ["no clashes" if found is None else f"{found.status.value}, no clashes"]
    facts = Facts(estate.data)
    clash, reason = found.clashes[0], estate.planted[0]
    said = {element(facts, e) for e in clash.elements}
    wrong = [] if clash.kind == reason.kind else [f"{clash.kind}, it is {reason.kind}"]
    if {e for e in said if e[0] != "capacity"} != {e for e in reason.members if e[0] != "capacity"}:
        wrong.append(f"members {shown(said)}, it is {shown(reason.members)}")
    limits = {e for e in reason.members if e[0] == "capacity"}
    told = {e for e in said if e[0] == "capacity"}
    if bool(limits) != bool(told) or not {e[3] for e in told} <= {e[3] for e in limits}:
        wrong.append(f"limits {shown(told)}, it is {shown(limits)}")
    if not clash.minimal:
        wrong.append("not called minimal")
    return wrong


def _tell(row: Row) -> None:
    print(f"{row.name:10} {row.seconds:5.1f} s  {', '.join(row.kinds)}", flush=True)
    for text in row.wrong:
        print(f"           {text}", flush=True)


def _impossible(data: dict[str, Any]) -> bool:
    return place(estate_from_data(data), time_limit_s=30, workers=1).status is Status.INFEASIBLE


def _differences(estate: ClashingEstate, status: Status, found: Clashes | None) -> list[str]:
    """In what the clashes that are told differ from those that were planted."""
    if found is None or status is not Status.INFEASIBLE:
        return [f"{status.value}, {'no clashes' if found is None else found.status.value}"]
    facts = Facts(estate.data)
    sets = [frozenset(_wide(facts, element(facts, e)) for e in clash.elements) for clash in found.clashes]
    expected = [frozenset(_wide(facts, m) for m in p.members) for p in estate.planted]
    wrong = [
        f"missing: {p.kind} {shown(e)}" for p, e in zip(estate.planted, expected, strict=True) if e not in sets
    ]
    for clash, members in zip(found.clashes, sets, strict=True):
        if members not in expected:
            wrong.append(f"is none{'' if clash.minimal else ', and not called minimal'}: {shown(members)}")
        elif not clash.minimal:
            wrong.append(f"not called minimal: {shown(members)}")
        elif not clash.independent:
            wrong.append(f"not called independent: {shown(members)}")
    if not found.complete:
        wrong.append("the list is not called complete")
    return wrong


def _wide(facts: Facts, member: Member) -> Member:
    label, group, domain, thing = member
    if label in WIDE and domain in facts.domains:
        return label, group, facts.zone(domain), thing
    return member


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.clashes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="what", required=True)
    small = kinds.add_parser("planted", help="one to three clashes of every kind in estates of 1,000 instances")
    small.add_argument("--seeds", type=int, default=30, help="how many estates (%(default)s)")
    small.add_argument("--first", type=int, default=0, help="the number of the first")
    small.add_argument("--instances", type=int, default=1000)
    small.add_argument("--time-limit", type=float, default=9.5)
    big = kinds.add_parser("large", help="one reason in estates of 5,000 instances on 400 hosts")
    big.add_argument("--seeds", type=int, default=5, help="how many estates (%(default)s)")
    big.add_argument("--first", type=int, default=0, help="the number of the first")
    big.add_argument("--instances", type=int, default=5000)
    big.add_argument("--time-limit", type=float, default=19.0)
    for each in (small, big):
        each.add_argument("--workers", type=int, default=2)
        each.add_argument("--json", action="store_true", help="print a line of JSON at the end")
    options = parser.parse_args(arguments)
    run = planted if options.what == "planted" else large
    rows = run(options.seeds, options.first, options.instances, options.time_limit, options.workers)
    wrong = sum(bool(row.wrong) for row in rows)
    slowest = max(row.seconds for row in rows)
    clashes = sum(len(row.kinds) for row in rows)
    print(f"{len(rows)} estates, {clashes} clashes planted, {wrong} estates wrong, slowest {slowest:.1f} s")
    if options.json:
        print(json.dumps([vars(row) for row in rows]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
