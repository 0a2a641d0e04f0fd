"""What the solver says of purchases and head-room of a tiny estate beside what trying everything says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.analyses.buying import Bought, bought
from tests.analyses.growing import head_room
from tests.analyses.shopping import MOST_MORE
from tests.brute.documents import scene_of
from tests.brute.judging import intolerable
from zonewright.models import check_plan, estate_from_data
from zonewright.models.plan import Status
from zonewright.models.world import World
from zonewright.solver.capacity.room import head_room as solved_room
from zonewright.solver.capacity.size import size_capacity

Raw = dict[str, Any]
LIMIT_S = 60.0


def differences(data: Raw, best: Bought | None) -> Iterator[str]:
    """In what the solver's purchases differ from the cheapest there are."""
    found = size_capacity(estate_from_data(data), time_limit_s=LIMIT_S, workers=1)
    if best is None:
        if found.status is not Status.INFEASIBLE:
            yield f"{found.status.value} at {found.cost}, everything on offer does not suffice"
        return
    if found.status is not Status.OPTIMAL or found.cost is None or found.estate is None or found.plan is None:
        yield f"{found.status.value} at {found.cost}, the cheapest costs {best.cost}: {best.basket}"
        return
    if (found.cost, found.bound) != (best.cost, best.cost):
        yield f"{found.cost}, bound {found.bound}, the cheapest costs {best.cost}: {best.basket}"
    basket = {(p.offer, p.zone): p.count for p in found.purchases}
    report = check_plan(World(found.estate), found.plan)
    if not report.valid:
        yield f"the checker finds {[v.message for v in report.violations if v.hard]} {report.claims}"
    then = bought(data, basket)
    scene = scene_of(then, found.plan.model_dump(mode="json"))
    if intolerable(scene):
        yield f"the brute force finds {intolerable(scene)} broken with {basket}"
    if any(n > scene.at[u.index].get(site, 0) for u in scene.facts.units for site, n in u.current.items()):
        yield "somebody who runs is elsewhere"


def rooms(data: Raw) -> Iterator[str]:
    """In what the solver's head-room differs from what fits."""
    estate = estate_from_data(data)
    for group in data["groups"]:
        for guaranteed in (False, True):
            expected = head_room(data, group["id"], guaranteed=guaranteed, most=MOST_MORE)
            found = solved_room(estate, group["id"], guaranteed=guaranteed, time_limit_s=LIMIT_S, workers=1)
            more = MOST_MORE if found.unlimited else min(MOST_MORE, found.more if found.more is not None else -1)
            if more != expected:
                yield f"{group['id']}, guaranteed {guaranteed}: {found.more} ({found.bound}), it is {expected}"
            elif not found.proven:
                yield f"{group['id']}, guaranteed {guaranteed}: {found.more} is not proven ({found.bound})"
