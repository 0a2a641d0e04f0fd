"""Plan migrations of wild estates and judge all that plans promise.

    python -m benchmarks.migration_fuzz 0 200 [--json]

Exits 1 when a promise is broken.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter

from tests.migrating.fuzz import outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=int)
    parser.add_argument("end", type=int)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    verdicts: Counter[str] = Counter()
    recipes: Counter[str] = Counter()
    wrong: dict[int, list[str]] = {}
    slowest = (0.0, given.first)
    for seed in range(given.first, given.end):
        found = outcome(seed)
        verdicts[found.verdict or "none"] += 1
        recipes.update(found.recipes)
        slowest = max(slowest, (found.seconds, seed))
        if found.wrong:
            wrong[seed] = found.wrong
            for fault in found.wrong:
                print(f"{seed} ({found.case.provider}, {found.case.event}): {fault}", file=sys.stderr)
    summary = {
        "verdicts": dict(verdicts.most_common()),
        "recipes": dict(recipes.most_common()),
        "slowest": {"seed": slowest[1], "seconds": round(slowest[0], 1)},
        "wrong": {str(seed): faults for seed, faults in wrong.items()},
    }
    if given.json:
        print(json.dumps(summary))
    else:
        for what, counts in (("verdict", verdicts), ("recipe", recipes)):
            for name, count in counts.most_common():
                print(f"{count:6} {what} {name}")
        print(f"{len(wrong):6} wrong; slowest {slowest[0]:.1f} s (seed {slowest[1]})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
