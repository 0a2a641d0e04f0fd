"""How long a step takes: from its recipe, what it copies, and how many go side by side.

Exact: fractions throughout, rounded up once to whole seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from zonewright.models.operations import EFFECTS, Operation
from zonewright.models.problems import InputError
from zonewright.models.quantities import as_fraction
from zonewright.models.resources import Disk

if TYPE_CHECKING:
    from zonewright.models.recipes import RecipeStep
    from zonewright.models.world import Unit, World

MIB_PER_GIB = 1024
#: Bits per second of one MiB per second, and of one Mbit per second.
BITS_PER_MIB, BITS_PER_MBIT = 8 * 2**20, 10**6


def least_seconds(
    world: World,
    step: RecipeStep,
    unit: Unit,
    count: int,
    lanes: int | None,
    rate: int,
    thing: str | None = None,
) -> int:
    """Return how long a step of a recipe takes at least, in whole seconds.

    For `count` equal instances of `unit`, `lanes` of them at once (None: all), each copied at `rate` MiB/s.
    An operation on a thing (a disk, an address, a balancer, an image, a subnet) is done once, whatever the
    count; `thing` names it. Raises InputError where memory is written faster than the rate can copy it.
    """
    if step.do is Operation.LIVE_MIGRATE and unit.movability.migrate_seconds is not None:
        each = unit.movability.migrate_seconds
    elif step.copies == "memory":
        each = step.seconds + ceiling(copying_memory(unit, rate))
    elif step.copies is not None:
        each = step.seconds + ceiling(Fraction(size_mib(world, step, unit, thing), rate))
    else:
        each = step.seconds
    return each * rounds(count, lanes) if EFFECTS[step.do].per == "instance" else each


def rounds(count: int, lanes: int | None) -> int:
    """Return how many times after each other a step is done, with `lanes` instances at once (None: all)."""
    return 1 if lanes is None else -(-count // lanes)


def size_mib(world: World, step: RecipeStep, unit: Unit, thing: str | None = None) -> int:
    """Return what a step copies of one instance, in MiB; memory without what is written meanwhile.

    A step on a disk copies that disk; any other step that copies a disk or an image copies the instance's own
    disk, its demand of `disk_gib`. A size that nobody states is 0.
    """
    if step.copies is None:
        return 0
    if step.copies == "memory":
        used = unit.movability.memory_used_mib
        return unit.demand.get("memory_mib", 0) if used is None else used
    if EFFECTS[step.do].per == "disk" and thing is not None:
        disk = world.attachables["disk"].get(thing)
        return disk.size_gib * MIB_PER_GIB if isinstance(disk, Disk) else 0
    return unit.demand.get("disk_gib", 0) * MIB_PER_GIB


def copying_memory(unit: Unit, rate: int) -> Fraction:
    """Return the seconds that copying an instance's memory takes at `rate` MiB/s while it runs.

    Its memory once; then what was written meanwhile, which takes time in which more is written, and so on: a
    geometric series. Hot pages (`hot_mib`, written over and over within `hot_seconds`) count once however
    long the first pass took; cold ones are written at `dirty_mib_s` once the hot ones have all been.
    """
    movability = unit.movability
    used = movability.memory_used_mib
    memory = unit.demand.get("memory_mib", 0) if used is None else used
    written = (movability.hot_mib, movability.hot_seconds, movability.dirty_mib_s)
    seconds = _copying_memory(memory, rate, *written)
    if seconds is None:
        hot = movability.hot_mib / movability.hot_seconds if movability.hot_seconds else 0.0
        most = max(hot, movability.dirty_mib_s)
        what = f"{unit.name or unit.group}: writes {most:g} MiB/s and is copied at {rate}"
        raise InputError(f"{what}: its live migration would never end. Maybe a higher rate, or stop it first")
    return seconds


@lru_cache(maxsize=65536)
def _copying_memory(
    memory: int, rate: int, hot_mib: int, hot_seconds: float, dirty_mib_s: float
) -> Fraction | None:
    """Return the seconds of `copying_memory`; None where it never ends."""
    first = Fraction(memory, rate)
    hot, within = Fraction(hot_mib), as_fraction(hot_seconds)
    cold_rate = as_fraction(dirty_mib_s)
    hot_rate = hot / within if within else Fraction(0)
    if rate <= max(hot_rate, cold_rate):
        return None
    if within and first <= within:
        return first + hot_rate * first / (rate - hot_rate)
    cold = (hot + (first - within) * cold_rate) / (rate - cold_rate)
    return first + cold + hot / rate * hot_rate / (rate - hot_rate)


def ceiling(seconds: Fraction) -> int:
    """Return whole seconds, rounded up."""
    return -(-seconds.numerator // seconds.denominator)


def lanes_of(world: World, sites: Iterable[int]) -> int | None:
    """Return how many instances may be under way at once between these sites, None where nobody says.

    The least of `most_at_once` and of `most_at_once_per` at the levels that the sites have.
    """
    migrating, tree = world.estate.migration, world.tree
    limits = [] if migrating.most_at_once is None else [migrating.most_at_once]
    for site in sites:
        levels = {tree.nodes[a].level for a in tree.nodes[site].ancestors}
        limits += [most for level, most in migrating.most_at_once_per.items() if level in levels]
    return min(limits, default=None)


def side_by_side(count: int, lanes: int | None) -> int:
    """Return how many of some instances are under way at the same time, with `lanes` at most (None: all)."""
    return count if lanes is None else min(count, lanes)


def crossed(world: World, source: int, target: int) -> tuple[list[int], list[int]]:
    """Return the domains that a copy from site to site leaves, and those that it enters, lowest first.

    Those below the lowest domain that holds both; it crosses their uplinks.
    """
    nodes = world.tree.nodes
    out, into = nodes[source].ancestors, nodes[target].ancestors
    both = set(out) & set(into)
    return [a for a in reversed(out) if a not in both], [a for a in reversed(into) if a not in both]


def best_rate(world: World, source: int | None, target: int | None, at_once: int = 1) -> int:
    """Return the fastest rate at which each of `at_once` instances can be copied, in MiB/s, at least 1.

    `mib_per_second`, or less where their share of an uplink in between is less. Without one of the sites its side
    says nothing.
    """
    rate = world.estate.migration.mib_per_second
    if source is None or target is None:
        domains = [*world.tree.nodes[source].ancestors] if source is not None else []
        domains += [*world.tree.nodes[target].ancestors] if target is not None else []
    else:
        out, into = crossed(world, source, target)
        domains = out + into
    for domain in domains:
        uplink = world.tree.nodes[domain].domain.uplink_mbit_s
        if uplink is not None:
            rate = min(rate, uplink * BITS_PER_MBIT // (BITS_PER_MIB * at_once))
    return max(1, rate)
