"""Bounds of the machine reassignment files beside the best that is known.

`python -m benchmarks.bounds --data DIR [--seconds S] [--instances a1_1 ...]` reads `NAME.model.txt.xz` and
`NAME.assignment.txt.xz`, bounds the first goal that is open, evaluates the witness again from the estate, and
prints a row per file; `DIR/results.tsv`, where present, says the trivial bound and the best cost. Exit 1 where a
bound is above it, or not confirmed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from pathlib import Path

from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.search.bounds import evaluate
from zonewright.solver.search.bounds.engine import bound_stage
from zonewright.solver.search.lower import Refusal, lower_board

COLUMNS = "instance bound trivial best kind seconds_to_first seconds confirmed"


def known_values(folder: Path) -> dict[str, dict[str, int]]:
    """Return the trivial bound and the best cost by file, as far as they are known."""
    path = folder / "results.tsv"
    if not path.exists():
        return {}
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    found = {}
    for row in rows:
        first = {name: str(row.get(name) or "").split() for name in ("trivial_lb", "best_found")}
        found[row["instance"]] = {name: int(text[0]) for name, text in first.items() if text and text[0].isdigit()}
    return found


def main() -> int:
    """Bound every file and compare."""
    from zonewright.instances.roadef2012 import read_reassignment

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--instances", nargs="*")
    asked = parser.parse_args()
    known, wrong = known_values(asked.data), 0
    print(COLUMNS.replace(" ", "\t"), flush=True)
    for path in sorted(asked.data.glob("*.model.txt.xz")):
        name = path.name.removesuffix(".model.txt.xz")
        if asked.instances and name not in asked.instances:
            continue
        world = World(read_reassignment(path, path.with_name(f"{name}.assignment.txt.xz")).estate)
        board = lower_board(world)
        if isinstance(board, Refusal):
            print(f"{name}\t{board.text}", flush=True)
            wrong += 1
            continue
        stage, began, firsts = len(board.stages) - 1, time.monotonic(), []
        proof = bound_stage(
            board,
            stage,
            [0] * stage,
            Deadline(asked.seconds),
            news=lambda p, began=began, firsts=firsts: firsts.append(time.monotonic() - began),
        )
        seconds = time.monotonic() - began
        assert proof is not None
        confirmed = evaluate(board, json.loads(json.dumps(proof.data))) >= proof.bound
        values = known.get(name, {})
        best = values.get("best_found")
        wrong += not confirmed or (best is not None and proof.bound > best)
        times = f"{firsts[0]:.2f}", f"{seconds:.1f}"
        row = (name, proof.bound, values.get("trivial_lb", ""), best or "", proof.kind, *times)
        print("\t".join(map(str, (*row, "yes" if confirmed else "NO"))), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
