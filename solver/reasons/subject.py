"""Whom a question is about, and which sites are closed to him by what."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zonewright.models.problems import InputError, maybe
from zonewright.models.rules import Pin, all_rules, reach_rules
from zonewright.models.rules.balancer import backend_fits, stays_behind
from zonewright.models.world import Unit, World

_MEMBER = re.compile(r"^(?P<group>.+)\[(?P<number>\d{1,9})\]$")


@dataclass(frozen=True)
class Subject:
    """An instance with a name of its own, or any member of a group."""

    name: str
    """As it was asked for."""
    group: str
    instance: str | None
    """The named instance; None: any member of the group, which are alike but for the named ones."""
    units: tuple[Unit, ...]
    """The kinds of instances that may be meant."""

    @property
    def words(self) -> str:
        """Return whom it stands for."""
        return self.instance or f"a member of {self.group}"


@dataclass(frozen=True)
class Obstacle:
    """A hard rule that closes a site, whoever else is where."""

    rule: str
    label: str
    reason: str


def find_subject(world: World, name: str, *, where: str = "why") -> Subject:
    """Return whom a name means: a named instance, a member `web[17]` of a group, or a group.

    Raises InputError, with the nearest name, where it is none of these. `where` is what asked.
    """
    for unit in world.units:
        if unit.name == name:
            return Subject(name, unit.group, name, (unit,))
    group = name
    member = _MEMBER.match(name)
    if member and member["group"] in world.groups:
        group = member["group"]
        if int(member["number"]) >= world.groups[group].count:
            what = f"there is no {name}: {group} has {world.groups[group].count} instances, numbered from 0"
            raise InputError(what, path=(where,))
    if group not in world.groups:
        known = [*world.groups, *(unit.name for unit in world.units if unit.name)]
        raise InputError(f"no instance and no group {name}.{maybe(name, known)}", path=(where,))
    if not world.groups[group].count:
        raise InputError(f"{group} has no instances", path=(where,))
    return Subject(name, group, None, tuple(world.units_of[group]))


def split_question(world: World, text: str) -> tuple[Subject, int]:
    """Return whom and which domain `INSTANCE@DOMAIN` means; names may hold an @ themselves.

    Raises InputError where it is no such question, or names what is not there.
    """
    pieces = text.split("@")
    if len(pieces) < 2:
        raise InputError(f"{text} names no domain: ask for INSTANCE@DOMAIN", path=("why-not",))
    for cut in range(len(pieces) - 1, 0, -1):
        who, domain = "@".join(pieces[:cut]), "@".join(pieces[cut:])
        if domain in world.tree.by_id:
            return find_subject(world, who, where="why-not"), world.tree.by_id[domain]
    who, _, domain = text.rpartition("@")
    find_subject(world, who, where="why-not")
    raise InputError(f"unknown domain {domain}.{maybe(domain, world.tree.by_id)}", path=("why-not",))


def obstacles(world: World, unit: Unit, site: int, planned: int = 0) -> list[Obstacle]:
    """Return the hard rules that close a site to one more of a unit than the `planned` who are there.

    None where it may enter; or where more of the unit are there today than planned, and may stay.
    """
    here = unit.current.get(site, 0) > planned
    suffered = {entry.rule for entry in world.estate.tolerated} if here else set()
    found: list[Obstacle] = []
    for label, rule in reach_rules(world):
        reason = rule.blocks(world, unit, site, entering=True)
        if reason is None or (
            here and (label in suffered or rule.blocks(world, unit, site, entering=False) is None)
        ):
            continue
        found.append(Obstacle(rule.rule, label, reason))
    if not backend_fits(world, unit.group, site):
        found.append(Obstacle("load_balancer", "load_balancer", _unfit_backend(world, unit.group)))
    return found + _pins(world, unit, site)


def _unfit_backend(world: World, group: str) -> str:
    names = [
        f"{b.id} in {b.region}" if b.region else b.id
        for b in world.balancers.values()
        if group in b.backends and not stays_behind(world, b)
    ]
    return f"cannot be behind {', '.join(names)} here"


def _pins(world: World, unit: Unit, site: int) -> list[Obstacle]:
    """Return pins that keep every instance of a unit from a site."""
    found: list[Obstacle] = []
    all_placed = sum(unit.current.values()) >= unit.count and site not in unit.current
    where = ", ".join(sorted(world.tree.nodes[s].id for s in unit.current))
    if unit.pinned and all_placed:
        found.append(Obstacle("pinned", "pinned", f"is pinned to where it runs: {where}"))
    for label, rule in all_rules(world):
        if not isinstance(rule, Pin) or rule.soft is not None or unit.group not in rule.selected(world):
            continue
        if rule.instances and unit.name not in rule.instances:
            continue
        if rule.domain is None:
            if all_placed:
                found.append(Obstacle("pin", label, f"is pinned to where it runs: {where}"))
        elif site not in world.tree.sites_under[world.tree.by_id[rule.domain]]:
            found.append(Obstacle("pin", label, f"is to stay in {rule.domain}"))
    return found


__all__ = ["Obstacle", "Subject", "find_subject", "obstacles", "split_question"]
