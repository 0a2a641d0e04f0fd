"""All minimal clashes and all minimal fixes of a tiny estate, from all its placements.

A set of elements is feasible when some placement breaks none of it. So the minimal sets that placements break are
the minimal fixes, and the minimal sets that meet all of those are the minimal clashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod
from typing import Any

from tests.analyses.elements import FACTS, Element, Elements, landings, least, ways
from tests.brute.facts import Facts
from tests.brute.scene import Rows, Scene

Raw = dict[str, Any]


@dataclass(frozen=True)
class Reasons:
    """Why an estate has no placement, and what would help."""

    fixes: list[Elements]
    """Minimal sets without which there is a placement; one empty set where there is one anyway."""
    clashes: list[Elements]
    """Minimal sets that leave no placement."""

    @property
    def feasible(self) -> bool:
        return not self.clashes

    def independent(self) -> int:
        """How many clashes there are at most of which no two share a demand, a rule or a limit."""
        for number in range(len(self.clashes), 0, -1):
            if any(apart(chosen) for chosen in combinations(self.clashes, number)):
                return number
        return 0

    def pairs(self) -> bool:
        """Whether two clashes share nothing."""
        return any(apart(pair) for pair in combinations(self.clashes, 2))


def reasons(data: Raw) -> Reasons:
    """Try every placement, partial ones too."""
    facts = Facts(data)
    found: list[Elements] = []
    for rows in placements(facts):
        for breaks in ways(Scene(facts, rows)):
            if not any(known <= breaks for known in found):
                found = [known for known in found if not breaks <= known]
                found.append(breaks)
    return Reasons(found, transversals(found))


def placements(facts: Facts) -> Iterator[Rows]:
    """Every way to put some or all of everybody anywhere."""
    choices = [list(landings({unit.index: unit.count}, facts.sites)) for unit in facts.units]
    for choice in product(*choices):
        rows: Rows = {}
        for part in choice:
            rows.update(part)
        yield rows


def size(data: Raw) -> int:
    """How many placements there are to try."""
    facts = Facts(data)
    return prod(comb(unit.count + len(facts.sites), unit.count) for unit in facts.units)


def transversals(sets: Iterable[Elements]) -> list[Elements]:
    """Minimal sets that meet every one of these (Berge's way)."""
    found: list[Elements] = [frozenset()]
    for one in sets:
        hit = [t for t in found if t & one]
        missed = [t for t in found if not t & one]
        found = least([*hit, *(t | {e} for t in missed for e in one)])
    return found


def shared(element: Element) -> bool:
    """Whether two clashes with this element are not independent: facts of the world do not count."""
    return element[0] not in FACTS


def apart(chosen: Iterable[Elements]) -> bool:
    """Whether no two clashes share a demand, a rule or a limit."""
    return not any(any(shared(e) for e in one & other) for one, other in combinations(chosen, 2))
