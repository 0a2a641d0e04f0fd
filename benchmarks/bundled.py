"""Solve every bundled estate, check what its file claims, and find the rules that bind.

    python -m benchmarks.bundled [NAME ...]

A rule binds when the best plan without it is better. Exits 1 when an estate is not solved as claimed within the
limit, its plan does not pass, or fewer than five rules bind in a feasible one.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

from zonewright.instances import ShippedEstate, shipped_estate_path, shipped_estates
from zonewright.models import Estate, Status, World, check_plan, load_estate
from zonewright.solver import Result, place

LIMIT_S = 10.0
WORKERS = 2
LEAST_BINDING = 5


@dataclass
class Row:
    """One line of the table."""

    name: str
    status: str
    seconds: float
    objective: str
    bound: str
    gap: str
    check: str
    binding: str
    as_claimed: bool


def measure(shipped: ShippedEstate) -> Row:
    """Solve one estate and every variant of it that lacks one rule."""
    estate = load_estate(shipped_estate_path(shipped.name))
    began = time.perf_counter()
    result = solve(estate)
    seconds = time.perf_counter() - began
    wanted = Status.OPTIMAL if shipped.feasible else Status.INFEASIBLE
    check, sound = judged(estate, result) if shipped.feasible else (clash_of(result), bool(result.clash))
    binding = binding_rules(estate, result) if shipped.feasible else []
    as_claimed = (
        result.status is wanted
        and seconds <= LIMIT_S
        and sound
        and (not shipped.feasible or len(binding) >= LEAST_BINDING)
    )
    return Row(
        name=shipped.name,
        status=result.status.value,
        seconds=seconds,
        objective=" ".join(f"{g.goal}={g.value}" for g in result.objective),
        bound=" ".join("?" if b is None else str(b) for b in result.bound),
        gap="-" if result.gap is None else f"{result.gap:.4%}",
        check=check,
        binding=", ".join(binding),
        as_claimed=as_claimed,
    )


def solve(estate: Estate) -> Result:
    """Place an estate with the time and workers of the claim."""
    return place(World(estate), time_limit_s=LIMIT_S, workers=WORKERS)


def judged(estate: Estate, result: Result) -> tuple[str, bool]:
    """Return what the checkers of the models say of a plan."""
    if result.plan is None:
        return "no plan", False
    report = check_plan(World(estate), result.plan)
    found = [v.label for v in report.violations if v.hard] + report.claims
    return ("valid", True) if not found else ("; ".join(found[:3]), False)


def clash_of(result: Result) -> str:
    """Return the rules that are named as the reason."""
    return "clash: " + ", ".join(dict.fromkeys(c.label for c in result.clash))


def binding_rules(estate: Estate, result: Result) -> list[str]:
    """Return the labels of the rules without which the best plan is another, as far as that is proven."""
    found = []
    for position, rule in enumerate(estate.rules):
        rest = [*estate.rules[:position], *estate.rules[position + 1 :]]
        other = solve(estate.model_copy(update={"rules": rest}))
        label = rule.id or f"{rule.rule}[{position}]"
        if differs(result, other):
            found.append(label)
    return found


def differs(result: Result, other: Result) -> bool:
    """Return whether the best plan without a rule is better than the best with it."""
    mine, theirs = dict.fromkeys(g.goal for g in result.objective), {g.goal: g.value for g in other.objective}
    if result.status is not Status.OPTIMAL or not theirs:
        return False
    return [theirs.get(goal, 0) for goal in mine] < [g.value for g in result.objective]


def show(rows: list[Row]) -> None:
    """Print the table."""
    for row in rows:
        mark = "ok" if row.as_claimed else "NOT AS CLAIMED"
        print(f"{row.name:24} {row.status:11} {row.seconds:6.2f} s  gap {row.gap:9} {row.check}  [{mark}]")
        print(f"    objective  {row.objective}")
        print(f"    bound      {row.bound}")
        if row.binding:
            print(f"    binding    {row.binding}")


def main() -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bundled",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", help="estates (all)")
    names = parser.parse_args().names
    rows = []
    for shipped in shipped_estates():
        if not names or shipped.name in names:
            rows.append(measure(shipped))
            show(rows[-1:])
    return 0 if all(row.as_claimed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
