"""Does the rule table notice a rule that is not there?

    python -m benchmarks.mutation [--rules spread survive] [--most 200]

For every rule, its lowering is replaced by one that adds nothing, then its checker by one that finds
nothing, and the rule table is run on that rule's estates until it turns red. Exits 1 if it ever stays green.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import Any, get_args

from benchmarks.rule_table import checked, placed
from tests.brute.cases import KINDS, cases
from tests.brute.duel import judged
from zonewright.models.rules import IMPLICIT_RULES, AnyRule, Rule
from zonewright.solver.lowering import LOWERINGS

#: Rules that no placement can break, so that nobody can notice their absence here, with the reason.
EXEMPT = {"keep_running": "only the execution of a migration can break it: see the tests of the executor"}

Deletion = Callable[[str], AbstractContextManager[None]]


def rule_classes() -> dict[str, type[Rule]]:
    """Return the class of every kind of rule."""
    written = get_args(get_args(AnyRule)[0])
    found = {get_args(c.model_fields["rule"].annotation)[0]: c for c in written}
    return found | {rule.rule: type(rule) for rule in IMPLICIT_RULES}


@contextmanager
def without_lowering(kind: str) -> Iterator[None]:
    """Replace a lowering by one that adds nothing."""
    kept = LOWERINGS[kind]
    LOWERINGS[kind] = lambda *arguments, **named: None
    try:
        yield
    finally:
        LOWERINGS[kind] = kept


@contextmanager
def without_checker(kind: str) -> Iterator[None]:
    """Replace a checker by one that finds nothing."""
    cls = rule_classes()[kind]
    own = cls.__dict__.get("violations")

    def silent(self: Rule, view: Any, label: str) -> Iterator[Any]:
        return iter(())

    cls.violations = silent  # type: ignore[method-assign]
    try:
        yield
    finally:
        if own is None:
            del cls.violations
        else:
            cls.violations = own  # type: ignore[method-assign]


DELETIONS: dict[str, Deletion] = {"lowering": without_lowering, "checker": without_checker}


def first_red(kind: str, delete: Deletion, most: int) -> tuple[int, str] | None:
    """Return after how many estates the table is red because of a deletion, and why; None if it never is."""
    tables = [name for name in KINDS if name == kind or name.startswith(f"{kind}_")]
    for position in range(most):
        for number, name in enumerate(tables):
            case = next(islice(cases(name, position), 1))
            with delete(kind):
                difference = judged(case, placed, checked)
            if difference and judged(case, placed, checked) is None:
                return position * len(tables) + number + 1, f"{case.name}: {difference}"
    return None


def main(arguments: list[str] | None = None) -> int:
    """Print what each deletion does; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rules", nargs="+", choices=list(LOWERINGS), default=sorted(LOWERINGS.keys() - EXEMPT), metavar="RULE"
    )
    parser.add_argument("--most", type=int, default=200, help="estates per deletion")
    options = parser.parse_args(arguments)
    green = 0
    print(f"{'rule':22}{'deleted':10}{'red after':>10}{'seconds':>9}  first difference")
    for kind in options.rules:
        for what, delete in DELETIONS.items():
            start = time.perf_counter()
            red = first_red(kind, delete, options.most)
            seconds = time.perf_counter() - start
            green += red is None
            after, why = red if red else ("never", "")
            print(f"{kind:22}{what:10}{after:>10}{seconds:9.1f}  {why[:140]}", flush=True)
    print("every deletion is noticed" if not green else f"{green} deletions go unnoticed")
    return 1 if green else 0


if __name__ == "__main__":
    sys.exit(main())
