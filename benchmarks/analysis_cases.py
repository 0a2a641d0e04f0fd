"""Tiny estates: what failure analysis, capacity planning and explanations say beside what trying everything says.

    python -m benchmarks.analysis_cases [--cases 300] [--seed 0] [--only reasons] [--processes 2] [--json]

For every number there are four estates: one that mostly has no placement (all minimal clashes, independent ones,
the cost of the cheapest fix), one where everybody runs (every loss of one and two zones and hosts and of a zone
with a host, with what remains and by evacuation), one that has outgrown its room (the cost of the cheapest
purchases), one with room (how many more of each group fit, with and without what it is to survive). Exits 1
where an answer differs, and where too few of the estates are what they are for.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from functools import partial

from tests.analyses.cases import QUESTIONS, Outcome, outcomes

#: Of 300 estates at least so many show this; of fewer as many in proportion.
LEAST = {"two independent clashes": 100, "something bought": 100}
LEAST_OF = 300


def asked(what: str, numbers: list[int], processes: int) -> list[Outcome]:
    """Ask a question of so many estates; tell what is wrong at once."""
    found: list[Outcome] = []
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool:
        for some in pool.imap(partial(outcomes, what), numbers):
            found += some
            for outcome in some:
                for text in outcome.wrong:
                    print(f"{outcome.name}: {text}", file=sys.stderr, flush=True)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=300, help="how many of each question")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first")
    parser.add_argument("--only", choices=sorted(QUESTIONS), help="this question alone")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    options = parser.parse_args(arguments)
    begun = time.perf_counter()
    numbers = list(range(options.seed, options.seed + options.cases))
    counts: dict[str, dict[str, int]] = {}
    for what in [options.only] if options.only else list(QUESTIONS):
        row = counts[what] = {"estates": len(numbers), "answers": 0, "wrong": 0}
        for outcome in asked(what, numbers, options.processes):
            row["answers"] += 1
            row["wrong"] += bool(outcome.wrong)
            for shown in outcome.shows:
                row[shown] = row.get(shown, 0) + 1
        if not options.json:
            print(f"{what:10} " + ", ".join(f"{name} {count}" for name, count in row.items()), flush=True)
    seconds = time.perf_counter() - begun
    seen = {name: count for row in counts.values() for name, count in row.items()}
    few = [
        f"{what}: {seen[what]}, at least {least * options.cases // LEAST_OF} are wanted"
        for what, least in LEAST.items()
        if what in seen and seen[what] * LEAST_OF < least * options.cases
    ]
    if options.json:
        print(json.dumps({"cases": options.cases, "seconds": round(seconds, 1), "counts": counts, "few": few}))
    else:
        print(f"{seconds:.1f} s")
        print("\n".join(few), end="\n" if few else "")
    return 1 if few or any(row["wrong"] for row in counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
