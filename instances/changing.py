"""Change a little of an estate: some instances are new, some have another size, all others stay as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from zonewright.instances.writing import estate_data
from zonewright.models.estate import Estate
from zonewright.models.plan import Plan
from zonewright.models.problems import InputError, maybe

#: What a demand is multiplied with.
_FACTORS = (0.5, 1.5, 2.0)

Row = dict[str, Any]


def changed_data(estate: Estate, plan: Plan | None = None, *, share: float = 0.01, seed: int = 0) -> Row:
    """Return an estate as plain data in which a share of the instances has changed, the same for the same seed.

    Half of them, rounded down, are new members of groups drawn at random; the others are running instances that
    need half, one and a half times or twice as much as before, and are named for it. No demand grows beyond half
    of what the smallest host, or zone where there are no hosts, has.

    Parameters
    ----------
    estate
        The estate before the change.
    plan
        Where everybody is then; by default where the estate says that they are.
    share
        Of all instances that there are to be before the change, rounded to whole ones, at least 1.
    seed
        Of the random numbers.

    Raises
    ------
    InputError
        When the plan is of another estate, or fewer run than are to be resized.

    Examples
    --------
    >>> from zonewright.models import estate_from_data
    >>> group = {"id": "web", "count": 100, "demand": {"cpu_cores": 4}, "current": {"z": 100}}
    >>> small = estate_from_data({"estate": "e", "zones": [{"id": "z"}], "groups": [group]})
    >>> data = changed_data(small, share=0.04)
    >>> data["groups"][0]["count"], data["groups"][0]["current"], len(data["instances"])
    (102, {'z': 98}, 2)
    """
    if not 0 < share <= 1:
        raise InputError(f"is {share}, more than 0 and at most 1 is needed", path=("share",))
    data = estate_data(estate)
    groups: dict[str, Row] = {group["id"]: group for group in data.get("groups", [])}
    instances: dict[str, Row] = {instance["id"]: instance for instance in data.get("instances", [])}
    if plan is not None:
        _put_in_place(groups, instances, plan)
    total = sum(group["count"] for group in groups.values())
    changed = max(1, round(share * total))
    rng = np.random.default_rng(seed)
    if not groups:
        raise InputError("has no group: there is nothing to change")
    _resize(rng, estate, groups, instances, changed - changed // 2)
    names = list(groups)
    for number in rng.integers(len(names), size=changed // 2).tolist():
        groups[names[number]]["count"] += 1
    data["estate"] = f"{estate.estate[:100]}-changed-s{seed}"
    data["instances"] = list(instances.values())
    return data


def _put_in_place(groups: dict[str, Row], instances: dict[str, Row], plan: Plan) -> None:
    """Make a plan the current placement."""
    for group in groups.values():
        group.pop("current", None)
    for instance in instances.values():
        instance.pop("site", None)
    for position, entry in enumerate(plan.placements):
        group = groups.get(entry.group, {})
        if not group:
            what = f"the plan places {entry.group}, which is unknown.{maybe(entry.group, groups)}"
            raise InputError(what, path=("placements", position))
        for name in entry.instances:
            if name not in instances:
                what = f"the plan places {name}, which is unknown.{maybe(name, instances)}"
                raise InputError(what, path=("placements", position))
            instances[name]["site"] = entry.site
        unnamed = entry.count - len(entry.instances)
        if unnamed:
            current = group.setdefault("current", {})
            current[entry.site] = current.get(entry.site, 0) + unnamed


def _resize(
    rng: np.random.Generator, estate: Estate, groups: dict[str, Row], instances: dict[str, Row], count: int
) -> None:
    """Give running instances another demand. Unnamed ones get a name, and leave their group's `current`."""
    sized = {name: group for name, group in groups.items() if group.get("demand")}
    seats = [(name, site, n) for name, group in sized.items() for site, n in group.get("current", {}).items()]
    named = [i for i in instances.values() if i.get("site") and not i.get("flavour") and i["group"] in sized]
    last = np.cumsum([n for *_, n in seats] + [1] * len(named))
    running = int(last[-1]) if len(last) else 0
    if running < count:
        raise InputError(f"{running} instances run with a demand of their own, {count} are to be resized")
    room = _room(estate)
    for number in np.sort(rng.choice(running, count, replace=False)).tolist():
        position = int(np.searchsorted(last, number, side="right"))
        if position >= len(seats):
            instance = named[position - len(seats)]
        else:
            name, site, _ = seats[position]
            instance = {"id": f"{name[:100]}:resized-{number}", "group": name, "site": site}
            instances[instance["id"]] = instance
            current = sized[name]["current"]
            current[site] -= 1
            if not current[site]:
                del current[site]
        demand = instance.get("demand") or sized[instance["group"]]["demand"]
        factors = [f for f in _FACTORS if all(f * n <= max(n, room.get(r, n * f)) for r, n in demand.items())]
        factor = factors[int(rng.integers(len(factors)))]
        instance["demand"] = {resource: round(factor * amount) for resource, amount in demand.items()}


def _room(estate: Estate) -> dict[str, int]:
    """Return half of the least capacity of any host, or where there are none of any zone, by resource."""
    found: dict[str, int] = {}
    for domain in estate.hosts or estate.zones:
        for resource, stock in domain.capacity.items():
            found[resource] = min(found.get(resource, stock.total), stock.total)
    return {resource: amount // 2 for resource, amount in found.items()}
