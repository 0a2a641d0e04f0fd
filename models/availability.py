"""Which share of time groups and services are up, from the failure rates of the domains that they stand on.

A domain is down for `failures_per_year * hours_to_repair / 8760` of the time, at most always. Domains fail
independently of each other; one that is in a failed one is down with it, so that a region's own rate is the common
cause of its zones. A group is up as long as what remains is enough (see `Survive.needed`); nothing is started
elsewhere. Software faults, human error and faults that spread are not in it: of a placement that waits for the
repair this is an upper bound. What states no rate is taken as never failing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from zonewright.models.quantities import as_fraction

if TYPE_CHECKING:
    from zonewright.models.outages import Exposure
    from zonewright.models.topology import Domain
    from zonewright.models.view import View
    from zonewright.models.world import World

HOURS_PER_YEAR = 8760
#: Shares of time are compared in billionths: 32 ms in a year.
PARTS = 10**9
#: By how many billionths a share may be below what is asked, since sums of doubles are rounded.
ROUNDING = 0.2
#: What is drawn for a service whose groups share too much to be counted.
SAMPLES = 400_000


@dataclass(frozen=True)
class Figure:
    """A share of time, between 0 and 1."""

    value: float
    low: float
    """Equal to the value where that is exact; else the lower end of a 95 % interval."""
    high: float
    exact: bool
    """But for rounding."""
    how: str
    """`nothing fails`, `convolution`, `conditioning` (on the domains that groups share) or `sampling`."""

    @property
    def minutes_down(self) -> float:
        """How many minutes of a year it is down."""
        return (1 - self.value) * HOURS_PER_YEAR * 60


def down_share(domain: Domain) -> float:
    """Return the share of time for which a domain is down by itself; 0.0 where it does not say."""
    return float(exact_down_share(domain))


def exact_down_share(domain: Domain) -> Fraction:
    """Return the share of time for which a domain is down by itself, from the decimals that were written."""
    if not domain.failures_per_year or not domain.hours_to_repair:
        return Fraction(0)
    share = as_fraction(domain.failures_per_year) * as_fraction(domain.hours_to_repair) / HOURS_PER_YEAR
    return min(Fraction(1), share)


def needed(world: World, group: str) -> int:
    """Return how many instances of a group have to remain for it to be up."""
    from zonewright.models.rules import Survive

    return Survive(rule="survive").needed(world, group, 0)


def counts_availability(world: World, site_counts: Mapping[int, int], enough: int) -> Figure:
    """Return the share of time in which at least `enough` of the instances are up: {site: count}."""
    from zonewright.models.outages import exact_share

    exposure = _exposure(world, [site_counts], [enough])
    return _figure(exact_share(exposure) or 0.0, exposure)


def group_availability(view: View, group: str) -> Figure:
    """Return the share of time in which a group is up where it is placed; 0 where it is not."""
    return counts_availability(view.world, view.group_sites[group], needed(view.world, group))


def service_availability(view: View, service: str, *, samples: int = SAMPLES, seed: int = 0) -> Figure:
    """Return the share of time in which all groups of a service's chain are up at once.

    Raises KeyError when there is no such service. Groups of no instances are left out. Sampled, with its interval,
    only where the groups share too many domains to be counted.
    """
    chain = {s.id: s.chain for s in view.world.estate.services}[service]
    return groups_availability(view, chain, samples=samples, seed=seed)


def groups_availability(view: View, groups: Iterable[str], *, samples: int = SAMPLES, seed: int = 0) -> Figure:
    """Return the share of time in which all of these groups are up at once."""
    from zonewright.models.outages import conditioned_share, exact_share, sampled_share

    world = view.world
    names = [g for g in dict.fromkeys(groups) if world.groups[g].count]
    exposure = _exposure(world, [view.group_sites[g] for g in names], [needed(world, g) for g in names])
    value = exact_share(exposure)
    if value is not None:
        return _figure(value, exposure)
    value = conditioned_share(exposure)
    if value is not None:
        return Figure(value, value, value, True, "conditioning")
    value, low, high = sampled_share(exposure, samples, seed)
    return Figure(value, low, high, False, "sampling")


def availability_assumptions(world: World, sites: Iterable[int]) -> list[str]:
    """Return what availability over these sites assumes: that every level without a stated rate never fails."""
    nodes = world.tree.nodes
    silent: dict[str, list[str]] = {}
    stated: dict[str, int] = {}
    for index in sorted({a for site in sites for a in nodes[site].ancestors}):
        node = nodes[index]
        if node.domain.failures_per_year is None or (
            node.domain.failures_per_year and node.domain.hours_to_repair is None
        ):
            silent.setdefault(node.level, []).append(node.id)
        else:
            stated[node.level] = stated.get(node.level, 0) + 1
    found = []
    for level, names in silent.items():
        if level not in stated:
            who = f"any {level}"
        else:
            who = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        found.append(f"failure rate of {who} is not stated: taken as never failing")
    return found


def _exposure(world: World, site_counts: list[Mapping[int, int]], enough: list[int]) -> Exposure:
    # Here and not above: reading an estate needs no arrays, and they take a while to load.
    from zonewright.models.outages import Exposure

    parent_n, down_n = _shares(world)
    slack = [sum(counts.values()) - least for counts, least in zip(site_counts, enough, strict=True)]
    return Exposure(parent_n, down_n, site_counts, slack)


def _shares(world: World) -> tuple[list[int], list[float]]:
    """Return the parent of every node (-1 for none) and the share of time for which it is down by itself."""
    memo: tuple[list[int], list[float]] | None = world.__dict__.get("_down_shares")
    if memo is None:
        nodes = world.tree.nodes
        memo = [n.parent if n.parent is not None else -1 for n in nodes], [down_share(n.domain) for n in nodes]
        world.__dict__["_down_shares"] = memo
    return memo


def _figure(value: float, exposure: Exposure) -> Figure:
    calm = not any(exposure.down_n[node] for node in exposure.used())
    return Figure(value, value, value, True, "nothing fails" if calm else "convolution")
