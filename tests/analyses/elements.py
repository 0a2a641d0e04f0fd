"""What a placement breaks, element by element: the pieces that reasons and fixes are made of.

An element is the demand of a group, a rule (for one group, where it speaks of each by itself), a limit of a
domain, or a fact of the world that keeps a group out of a domain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import product
from typing import Any

from tests.brute import judging, network, reach, sums, survival
from tests.brute.facts import Facts, Unit
from tests.brute.numbers import amounts
from tests.brute.scene import Joint, Rows, Scene

Raw = dict[str, Any]
#: (label, group, domain, thing); the demand of a group is ("placed", group, None, None).
Element = tuple[str, str | None, str | None, str | None]
Elements = frozenset[Element]

#: Facts by kind, and the level of the domain that each is said of.
FACTS = {
    "zone_state": "zone",
    "entitlement": "zone",
    "compatibility": "site",
    "scope": "site",
    "service_availability": "region",
    "network": "region",
}
#: Rules that say something of several groups at once.
WHOLE = (
    "separation", "latency", "quota", "budget", "load", "avoid", "move_limit", "group_moves", "free_ratio",
    "double_occupancy",
)  # fmt: skip
#: Rules that ask nothing of what is left after a loss.
BEFORE = ("survive", "availability")
#: Rules that no placement breaks, or that nobody could drop.
NEVER = ("keep_running", "all_or_nothing")


def placed(group: str) -> Element:
    """The demand of a group."""
    return "placed", group, None, None


def is_whole(rule: Raw) -> bool:
    """Whether a rule is one element for all its groups."""
    return rule["rule"] in WHOLE or (rule["rule"] == "affinity" and not rule.get("to"))


def domain_of(facts: Facts, kind: str, site: str) -> str:
    """The domain that a fact about a site is said of."""
    if FACTS[kind] == "region":
        return facts.region(site)
    return facts.zone(site) if FACTS[kind] == "zone" else site


def broken(scene: Scene, whole: Collection[str] = ()) -> Elements:
    """What a placement breaks; how evacuations go is judged apart.

    After a loss, rules that losing instances alone can break hold for the groups that are `whole` again.
    """
    found = set(_unplaced(scene)) if scene.before is None else set()
    found |= set(_facts(scene)) | set(_limits(scene)) | set(_addresses(scene))
    for kind, label, rule, check in judging.active(scene):
        if kind in FACTS or kind in ("capacity", "subnet") or kind in NEVER:
            continue
        if rule.get("soft") or _evacuates(rule) or (kind in BEFORE and scene.before is not None):
            continue
        excused = scene.before is not None and hurt_by_loss(kind, rule)
        for group, amount in check(scene, rule):
            if amount > 0 and not (excused and group is not None and group not in whole):
                found.add((label, None if rule and is_whole(rule) else group, None, None))
    return frozenset(found)


def hurt_by_loss(kind: str, rule: Raw) -> bool:
    """Whether losing instances alone can break a rule for those that remain."""
    if kind == "affinity":
        return bool(rule.get("to"))
    return kind in survival.HURT_BY_LOSS and not (kind == "latency" and rule.get("between"))


def _evacuates(rule: Raw) -> bool:
    return bool(rule.get("mode") == "evacuate")


def _unplaced(scene: Scene) -> Iterator[Element]:
    for name, group in scene.facts.groups.items():
        if scene.total(name) < group["count"]:
            yield placed(name)


def _facts(scene: Scene) -> Iterator[Element]:
    for unit, sites in zip(scene.facts.units, scene.at, strict=True):
        for site, count in sites.items():
            for kind in FACTS:
                if _keeps_out(scene, kind, unit, site, count):
                    yield kind, unit.group, domain_of(scene.facts, kind, site), None


def _keeps_out(scene: Scene, kind: str, unit: Unit, site: str, count: int) -> bool:
    forbids = reach.IMPLICIT[kind]
    if not forbids(scene.facts, {}, unit, site, True):
        return False
    stays = not forbids(scene.facts, {}, unit, site, False)
    return count > (scene.there_already(unit, site) if stays else 0)


def _limits(scene: Scene) -> Iterator[Element]:
    """Domains that hold more than they have; after a loss arrivals get what is owned or reserved."""
    facts = scene.facts
    firm = scene.before is not None and not scene.on_offer
    for domain, entry in facts.domains.items():
        limits: dict[str, int | None] = {}
        for name in entry.get("capacity", {}):
            for resource in amounts({name: 0}):
                limits[resource] = sums.usable(facts, domain, resource, firm)
        for flavour in entry.get("flavours", {}):
            limits[flavour] = sums.stock_of(entry["flavours"], flavour, firm)
        for thing, limit in limits.items():
            if limit is None:
                continue
            if firm and scene.before is not None:
                limit = max(limit, sums.used(scene.before, domain, thing, scene.lost))
            if sums.used(scene, domain, thing) > limit:
                yield "capacity", None, domain, thing
        here = sum(n for sites in scene.at for s, n in sites.items() if domain in facts.up[s])
        if here > entry.get("most_instances", here):
            yield "capacity", None, domain, "instances"


def _addresses(scene: Scene) -> Iterator[Element]:
    """Subnets with too many in them; only where there is one subnet for everybody at a site."""
    used: dict[str, int] = {}
    for unit, sites in zip(scene.facts.units, scene.at, strict=True):
        for site, count in sites.items():
            vpc = network.needs_subnet(scene, unit, site)
            if vpc is None or not count:
                continue
            fitting = [n for n in scene.facts.subnets if network.fits_subnet(scene, unit, site, vpc, n)]
            if len(fitting) != 1:
                raise ValueError(f"{len(fitting)} subnets for {unit.group} at {site}: one is needed")
            used[fitting[0]] = used.get(fitting[0], 0) + count
    for name, count in used.items():
        if count > network.room(scene, name):
            yield "subnet", None, None, name


def least(sets: Iterable[Elements]) -> list[Elements]:
    """Those that have no other of them inside, each once."""
    found: list[Elements] = []
    for one in sorted(set(sets), key=len):
        if not any(other <= one for other in found):
            found.append(one)
    return found


def ways(scene: Scene) -> list[Elements]:
    """What a placement breaks at least, for each way of evacuating it that is no worse than another."""
    found = [broken(scene)]
    for key in survival.evacuations(scene.facts):
        for lost in _losses(scene.facts, key):
            here = _evacuations(scene, key, lost)
            found = least(one | other for one, other in product(found, here))
    return found


def _losses(facts: Facts, key: Joint) -> list[frozenset[str]]:
    rule = survival.evacuations(facts)[key][0]
    return survival.scenarios(facts, rule)


def _evacuations(scene: Scene, key: Joint, lost: frozenset[str]) -> list[Elements]:
    """What each way of putting the displaced elsewhere breaks, as far as none is worse than another."""
    facts = scene.facts
    gone = survival.sites_lost(facts, lost)
    evacuated = survival.evacuated(scene, key)
    moved = survival.displaced(scene, evacuated, gone)
    if not moved:
        return [frozenset()]
    labels = [
        (label, group)
        for label, rule in facts.rules
        if rule["rule"] == "survive" and _evacuates(rule) and survival.joint(rule) == key
        for group in facts.selected(rule)
    ]
    left = [site for site in facts.sites if site not in gone]
    found: list[Elements] = []
    for landed in landings(moved, left):
        back: dict[int, int] = {}
        for (index, _, _), count in landed.items():
            back[index] = back.get(index, 0) + count
        short = {
            facts.units[index].group
            for index, count in moved.items()
            if back.get(index, 0) < count or not survival.recoverable(facts, facts.units[index], key[0], lost)
        }
        failed = {(label, group, None, None) for label, group in labels if group in short}
        then = survival.after(scene, key, gone, landed)
        found.append(frozenset(failed) | broken(then, evacuated - short))
    return least(found)


def landings(moved: dict[int, int], sites: list[str]) -> Iterator[Rows]:
    """Ways to put some or all of the displaced on sites."""
    choices = [list(_dealt(index, count, sites)) for index, count in moved.items()]
    for choice in product(*choices):
        yield {cell: count for way in choice for cell, count in way}


def _dealt(index: int, total: int, sites: list[str]) -> Iterator[list[tuple[tuple[int, str, None], int]]]:
    if not sites:
        yield []
        return
    for here in range(total + 1):
        for rest in _dealt(index, total - here, sites[1:]):
            yield [((index, sites[0], None), here), *rest] if here else rest
