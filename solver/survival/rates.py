"""The share of time in which groups and services are up, for those of a placement."""

from __future__ import annotations

from zonewright.models.availability import (
    Figure,
    availability_assumptions,
    group_availability,
    service_availability,
)
from zonewright.models.rules import Availability
from zonewright.models.view import View
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.survival.result import AvailabilityFigure


def availability_figures(
    view: View, deadline: Deadline, share: float = 0.1
) -> tuple[list[AvailabilityFigure], list[str]]:
    """Return figures of groups and services, missed targets first, then the lowest; and what they assume.

    Nothing where no domain states how often it fails. What `share` of the time left does not suffice for is left
    out, groups without a target last, and said.
    """
    world = view.world
    if not any(node.domain.failures_per_year for node in world.tree.nodes):
        return [], []
    part = Deadline(share * deadline.left, None, deadline.stop)
    targets = _targets(world)
    groups = [group for group in world.groups if view.group_sites[group]]
    groups.sort(key=lambda group: group not in targets)
    found: list[AvailabilityFigure] = []
    left_out = 0
    for group in [group for group in groups if group in targets]:
        found.append(_figure(group_availability(view, group), "group", group, targets[group]))
    for service in world.estate.services:
        if part.over:
            left_out += 1
        elif any(view.group_sites[group] for group in service.chain):
            found.append(_figure(service_availability(view, service.id), "service", service.id, None))
    for group in [group for group in groups if group not in targets]:
        if part.over:
            left_out += 1
        else:
            found.append(_figure(group_availability(view, group), "group", group, None))
    found.sort(key=lambda figure: (figure.met, figure.target is None, figure.value, figure.name))
    sites = {site for group in groups for site in view.group_sites[group]}
    said = availability_assumptions(world, sites)
    if left_out:
        said.append(f"availability of {left_out:,} groups and services without a target was left out for time")
    return found, said


def _targets(world: World) -> dict[str, float]:
    """Return the share of time that is asked of groups: their own target, or what rules ask beyond it."""
    found = {
        name: g.targets.availability for name, g in world.groups.items() if g.targets.availability is not None
    }
    for rule in world.estate.rules:
        if isinstance(rule, Availability):
            for group, asked in rule.targets(world).items():
                found[group] = max(asked, found.get(group, 0.0))
    return found


def _figure(figure: Figure, kind: str, name: str, target: float | None) -> AvailabilityFigure:
    return AvailabilityFigure(
        name=name,
        kind="group" if kind == "group" else "service",
        value=figure.value,
        low=figure.low,
        high=figure.high,
        exact=figure.exact,
        target=target,
        text=figure.how,
    )
