"""Tiny migrations: what the planner says beside what trying everything says.

    python -m benchmarks.migration_cases [--cases 500] [--first 0] [--json]

Every case is an estate of two to five hosts or three zones with two to eight instances and an event. Trying
everything says which placement loses least and moves fewest among those that an order leads to, how few moves
over third hosts it takes, and, where few move, how fast it can be done. Exits 1 where the planner says anything
else, where its order breaks anything on the way, and where the cases are not what they are for.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

from tests.migrating.cases import case
from tests.migrating.duel import Outcome, duel

#: Of 500 cases at least so many are of a kind; of fewer cases as many in proportion.
LEAST = {"survivors move": 125, "over a third host": 50, "no order": 50}
LEAST_OF = 500


@dataclass(frozen=True)
class Table:
    """Counts by what cases show, over all and by family."""

    columns: tuple[str, ...]
    rows: dict[str, dict[str, int]]

    def text(self) -> str:
        """Return the table for people."""
        head = f"{'':22}" + "".join(f"{name:>8}" for name in self.columns)
        lines = [
            f"{what:22}" + "".join(f"{counts.get(name, 0):8}" for name in self.columns)
            for what, counts in self.rows.items()
        ]
        return "\n".join([head, *lines])


def _kinds(outcome: Outcome) -> Iterable[str]:
    yield "cases"
    yield outcome.verdict.replace("_", " ")
    shown = {
        "survivors move": outcome.survivors_move,
        "over a third host": outcome.bypass,
        "stopped on the way": outcome.stopped,
        "somebody lost": outcome.lost,
        "better has no order": outcome.ruled_out,
        "fastest known": outcome.timed,
        "wrong": bool(outcome.wrong),
    }
    yield from (what for what, holds in shown.items() if holds)


def tabulated(outcomes: Iterable[Outcome]) -> Table:
    """Return the counts of all outcomes."""
    kinds = ("cases", "planned", "no order", "no placement", "survivors move", "over a third host")
    kinds += ("stopped on the way", "somebody lost", "better has no order", "fastest known", "wrong")
    rows: dict[str, dict[str, int]] = {what: {} for what in kinds}
    families: list[str] = []
    for outcome in outcomes:
        if outcome.case.family not in families:
            families.append(outcome.case.family)
        for what in _kinds(outcome):
            for column in ("all", outcome.case.family):
                rows[what][column] = rows[what].get(column, 0) + 1
    return Table(("all", *sorted(families)), rows)


def main(arguments: list[str] | None = None) -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=500, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the number of the first")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    options = parser.parse_args(arguments)
    begun = time.perf_counter()
    outcomes: list[Outcome] = []
    for number in range(options.first, options.first + options.cases):
        outcomes.append(duel(case(number)))
        for text in outcomes[-1].wrong:
            print(f"{outcomes[-1].case.name}: {text}", file=sys.stderr)
    table = tabulated(outcomes)
    seconds = time.perf_counter() - begun
    few = [
        f"{what}: {table.rows[what].get('all', 0)}, at least {least * options.cases // LEAST_OF} are wanted"
        for what, least in LEAST.items()
        if table.rows[what].get("all", 0) * LEAST_OF < least * options.cases
    ]
    if options.json:
        print(json.dumps({"cases": options.cases, "seconds": round(seconds, 1), "table": table.rows, "few": few}))
    else:
        print(table.text())
        print(f"{seconds:.1f} s")
        print("\n".join(few), end="\n" if few else "")
    return 1 if few or table.rows["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
