"""Search against everybody else who can judge a placement, on small random estates with many rules at once.

    python -m benchmarks.search_cases [--programs 1000] [--seed 0] [--steps 12] [--mutate]

Every estate is lowered to a board. Random shifts, swaps and chains are made; after each of them the change by the
kernels is compared with the difference by the oracle, and every third placement with the checkers' verdict on the
decoded plan and with the rows of the program of columns, solved by CP-SAT with the decisions fixed. A family binds
where a move changes what it adds. With `--mutate` every family is taken from the kernels, and every rule from the
lowering, one at a time, to see after how many estates somebody notices. Exits 1 on a mismatch, where a family
binds in too few estates, or where a deletion goes unnoticed.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.search.programs import program
from tests.search.walking import Walk, walk
from zonewright.solver.search.lowerings import BOARD_LOWERINGS
from zonewright.solver.search.oracle import FAMILIES

#: Estates in which a family has to bind, of a thousand.
LEAST_BINDING = 30
#: Rules whose lowering adds nothing: rules on reach are profiles, others cannot be broken or are refused.
SILENT = frozenset(
    (
        "availability",
        "avoid",
        "budget",
        "compatibility",
        "entitlement",
        "keep_running",
        "load_balancer",
        "network",
        "pinned",
        "scope",
        "service_availability",
        "subnet",
        "zone_state",
    )
)
#: Estates of a rule or family that are walked over before a deletion counts as unnoticed.
MOST_TRIED = 40


@dataclass
class Row:
    """What all walks showed of one family."""

    programs: int = 0
    binding: int = 0
    moves: int = 0
    mismatches: int = 0


@dataclass
class Table:
    """What all walks showed."""

    rows: dict[str, Row] = field(default_factory=lambda: {name: Row() for name in FAMILIES})
    walks: int = 0
    moves: int = 0
    judged: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    binding_seeds: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in FAMILIES})

    def add(self, found: Walk) -> None:
        """Count one walk."""
        if found.refused is not None:
            self.refused[found.refused] += 1
            return
        self.walks += 1
        self.moves += found.moves
        self.judged += found.judged
        self.faults += [f"{found.seed}: {text}" for text in found.mismatches]
        for name, row in self.rows.items():
            row.programs += name in found.present
            if found.binding[name]:
                row.binding += 1
                row.moves += found.binding[name]
                row.mismatches += bool(found.mismatches)
                self.binding_seeds[name].append(found.seed)


def walked(first: int, programs: int, steps: int) -> Table:
    """Walk over so many programs that boards can say, from a seed on."""
    table = Table()
    for seed in itertools.count(first):
        if table.walks == programs:
            break
        table.add(walk(seed, steps=steps))
    return table


def without_family(name: str) -> Any:
    """Return a change of the kernels' facts that deletes a family's term."""
    from zonewright.solver.search.state import without

    if name == "pinned":
        return lambda facts: replace(facts, pinned_i=facts.pinned_i & False)
    return lambda facts: without(facts, name)


@contextmanager
def without_lowering(kind: str) -> Iterator[None]:
    """Replace a rule's lowering by one that adds nothing."""
    kept = BOARD_LOWERINGS[kind]
    BOARD_LOWERINGS[kind] = lambda draft, rule, label: None
    try:
        yield
    finally:
        BOARD_LOWERINGS[kind] = kept


def family_red(name: str, seeds: Iterable[int], steps: int) -> tuple[int, str] | None:
    """Return after how many programs in which a family binds its deletion is noticed; None if it never is."""
    mutation = without_family(name)
    for number, seed in zip(range(1, MOST_TRIED + 1), seeds, strict=False):
        found = walk(seed, steps=steps, mutation=mutation, others=False)
        if found.mismatches:
            return number, f"{seed}: {found.mismatches[0]}"
    return None


def rule_red(kind: str, first: int, steps: int) -> tuple[int, str] | None:
    """Return after how many programs with a rule its deletion is noticed; None if it never is."""
    tried = 0
    for seed in range(first, first + 100 * MOST_TRIED):
        if kind != "capacity" and not _has_rule(seed, kind):
            continue
        tried += 1
        with without_lowering(kind):
            found = walk(seed, steps=steps, kernels=False)
        if found.mismatches:
            return tried, f"{seed}: {found.mismatches[0]}"
        if tried == MOST_TRIED:
            break
    return None


def _has_rule(seed: int, kind: str) -> bool:
    entry = program(seed)
    if kind == "all_or_nothing":
        return entry.partial and any(g.get("all_or_nothing") for g in entry.data["groups"])
    return any(rule["rule"] == kind for rule in entry.data["rules"])


def print_table(table: Table, seconds: float) -> None:
    """Print a row per family."""
    print(f"{'family':16}{'programs':>10}{'binding':>9}{'moves':>8}{'mismatches':>12}")
    for name, row in table.rows.items():
        print(f"{name:16}{row.programs:10}{row.binding:9}{row.moves:8}{row.mismatches:12}")
    print(f"{table.walks} programs, {table.moves} moves, {table.judged} placements judged by all, {seconds:.0f} s")
    for text, count in table.refused.most_common():
        print(f"refused {count}: {text}")
    for text in table.faults:
        print(f"    {text}", file=sys.stderr)


def mutate(table: Table, first: int, steps: int) -> int:
    """Print what every deletion does; return how many go unnoticed."""
    unnoticed = 0
    print(f"{'deleted':30}{'red after':>10}{'seconds':>9}  first difference")
    kinds = sorted(BOARD_LOWERINGS.keys() - SILENT)
    for what, name in [*(("family", f) for f in FAMILIES), *(("rule", k) for k in kinds)]:
        start = time.perf_counter()
        red = (
            family_red(name, table.binding_seeds[name], steps)
            if what == "family"
            else rule_red(name, first, steps)
        )
        unnoticed += red is None
        after, why = red if red else ("never", "")
        seconds = time.perf_counter() - start
        print(f"{what + ' ' + name:30}{after:>10}{seconds:9.1f}  {why[:120]}", flush=True)
    return unnoticed


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first program; the others follow")
    parser.add_argument("--steps", type=int, default=12, help="moves per program")
    parser.add_argument("--mutate", action="store_true", help="delete families and rules one by one, too")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    table = walked(options.seed, options.programs, options.steps)
    print_table(table, time.perf_counter() - start)
    asked = LEAST_BINDING * options.programs / 1000
    scarce = [name for name, row in table.rows.items() if row.binding < asked]
    unnoticed = mutate(table, options.seed, options.steps) if options.mutate else 0
    if scarce:
        print(f"binding in fewer than {asked:g} programs: {', '.join(scarce)}")
    if unnoticed:
        print(f"{unnoticed} deletions go unnoticed")
    return 1 if table.faults or scarce or unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
