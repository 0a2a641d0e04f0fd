"""What the solver says of why a tiny estate has no placement beside what trying everything says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from tests.analyses.clashes import Reasons, apart, shared
from tests.analyses.elements import FACTS, Element, domain_of
from tests.brute.facts import Facts
from zonewright.models import World, estate_from_data
from zonewright.models.plan import Status
from zonewright.solver.clashes import Clashes, find_clashes
from zonewright.solver.clashes import Element as Member
from zonewright.solver.deadline import Deadline

Raw = dict[str, Any]
LIMIT_S = 60.0


def told(data: Raw) -> Clashes:
    """What the solver says of why an estate has no placement."""
    world = World(estate_from_data(data))
    return find_clashes(world, Deadline(LIMIT_S, None, threading.Event()), workers=1, seed=0)


def element(facts: Facts, member: Member) -> Element:
    """A member of the solver's clash as the brute force calls it."""
    if member.rule in FACTS and member.domain is not None:
        return member.rule, member.group, domain_of(facts, member.rule, member.domain), None
    if member.rule == "subnet" and member.thing is None:
        return "subnet", None, None, member.domain
    if member.rule == "subnet":
        return "subnet", None, None, member.thing
    if member.rule == "load_balancer":
        return "load_balancer", member.group, None, None
    return member.label, member.group, member.domain, member.thing


def differences(data: Raw, reasons: Reasons) -> Iterator[str]:
    """In what the solver differs from the brute force."""
    facts = Facts(data)
    found = told(data)
    if reasons.feasible or found.status is not Status.INFEASIBLE:
        if reasons.feasible != (found.status is Status.FEASIBLE):
            yield f"the solver says {found.status.value}, it is {'feasible' if reasons.feasible else 'infeasible'}"
        return
    sets = [frozenset(element(facts, e) for e in clash.elements) for clash in found.clashes]
    for clash, members in zip(found.clashes, sets, strict=True):
        if members not in reasons.clashes:
            yield f"{'minimal' if clash.minimal else 'not minimal'} clash that is none: {shown(members)}"
    missing = [members for members in reasons.clashes if members not in sets]
    if missing:
        yield f"{len(missing)} clashes of {len(reasons.clashes)} missing, such as {shown(missing[0])}"
    if not found.complete:
        yield "the list is not called complete"
    first = [members for clash, members in zip(found.clashes, sets, strict=True) if clash.independent]
    yield from _independence(first, reasons)
    yield from _fixes(facts, found, reasons)


def _independence(first: list[frozenset[Element]], reasons: Reasons) -> Iterator[str]:
    if not apart(first):
        yield f"clashes called independent share something: {[shown(m) for m in first]}"
    gone = {e for members in first for e in members if shared(e)}
    left = [members for members in reasons.clashes if not members & gone]
    if left:
        yield f"independent of all that is called so: {shown(left[0])}"


def _fixes(facts: Facts, found: Clashes, reasons: Reasons) -> Iterator[str]:
    cheapest = min(len(fix) for fix in reasons.fixes)
    if not found.fixes:
        yield f"no fix is told, the cheapest costs {cheapest}"
        return
    if found.fixes[0].cost != cheapest:
        yield f"the cheapest fix costs {found.fixes[0].cost}, it is {cheapest}"
    if not found.fixes_proven:
        yield "the cheapest fix is not called proven"
    for fix in found.fixes:
        dropped = {element(facts, change.element) for change in fix.changes}
        if not any(known <= dropped for known in reasons.fixes):
            yield f"no fix: {shown(dropped)}"
        if not fix.verified:
            yield f"a fix is not verified: {shown(dropped)}"


def shown(members: Any) -> str:
    """Elements in a line."""
    return "{" + ", ".join(sorted("/".join(str(p) for p in e if p is not None) for e in members)) + "}"
