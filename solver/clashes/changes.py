"""From an element and an amount to a change of the estate: in words, and as edits that can be pasted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from zonewright.models.purchases import SECTIONS
from zonewright.models.quantities import MONEY, SPELLINGS, as_fraction
from zonewright.models.rules import (
    AntiAffinity,
    Budget,
    GroupMoves,
    GroupRule,
    LatencyLimit,
    Load,
    MoveLimit,
    Quota,
    Rule,
    Spread,
    Survive,
    all_rules,
)
from zonewright.models.rules.reach import services_needed
from zonewright.models.topology import Provision, State, Stock
from zonewright.models.tree import Node
from zonewright.models.world import World
from zonewright.solver.clashes.elements import Element
from zonewright.solver.clashes.result import Change

#: By how much each part of an element has to give way.
Amounts = Mapping[str, int]
#: A share that is proposed has so many digits.
DIGITS = 4
_SPELLED = {unit: (name, factor) for name, (unit, factor) in SPELLINGS.items()}
_WORDS = {"cpu_cores": "CPU cores", "memory_gib": "GiB of memory", "gpu_cards": "GPUs", "disk_tib": "TiB of disk"}


def edit(path: str, value: object) -> str:
    """Return an edit in its written form."""
    return f"{path}={json.dumps(value, ensure_ascii=False)}"


def spelled(resource: str, amount: int) -> tuple[str, int]:
    """Return a resource and an amount in the larger unit where that is a whole number."""
    name, factor = _SPELLED.get(resource, (resource, 1))
    return (name, amount // factor) if amount % factor == 0 else (resource, amount)


def said(resource: str, amount: int) -> str:
    """Return an amount of a resource in words."""
    name, number = spelled(resource, amount)
    return f"{number:,} {_WORDS.get(name, name)}"


class Changes:
    """Writes changes of one estate."""

    def __init__(self, world: World, alike: Mapping[str, str]) -> None:
        self.world = world
        self.rules = dict(all_rules(world))
        self.labels = {entry.id or f"{entry.rule}[{n}]": entry for n, entry in enumerate(world.estate.rules)}
        self.alike: dict[str, list[str]] = {}
        for name, first in alike.items():
            self.alike.setdefault(first, []).append(name)

    def of(self, given: Mapping[Element, Amounts]) -> tuple[Change, ...]:
        """Return the changes that let elements give way by some amounts; dropped where there are none.

        Changes of one rule for several groups are one edit.
        """
        self.gone: dict[str, set[str]] = {}
        self.most: dict[str, dict[str, int]] = {}
        self.entitled: dict[str, dict[str, None]] = {}
        for element, amounts in given.items():
            if element.rule == "entitlement":
                self._needs(element)
            if element.kind != "rule" or element.group is None:
                continue
            if not amounts:
                self.gone.setdefault(element.label, set()).add(element.group)
            most = self.most.setdefault(element.label, {})
            for part, by in amounts.items():
                most[part] = max(by, most.get(part, 0))
        return tuple(self._one(element, amounts) for element, amounts in given.items())

    def _one(self, element: Element, amounts: Amounts) -> Change:
        by = sum(amounts.values()) or None
        if element.kind == "demand":
            text, edits = self._fewer(element, amounts)
        elif element.kind == "rule":
            text, edits = self._rule(element, amounts)
        elif element.rule == "capacity":
            text, edits = self._capacity(element, amounts)
        elif element.rule == "subnet":
            text, edits = self._addresses(element, amounts)
        else:
            text, edits = self._fact(element)
        return Change(text, tuple(edits), element, by)

    def _fewer(self, element: Element, amounts: Amounts) -> tuple[str, list[str]]:
        group = self.world.groups[element.group or ""]
        fewer = min(group.count, amounts.get("count", group.count))
        left = group.count - fewer
        edits: list[str] = []
        named = [i.id for i in self.world.estate.instances if i.group == group.id]
        edits += [edit(f"instances.{name}", None) for name in named[left:]]
        rest = max(0, left - len(named))
        if sum(group.current.values()) > rest:
            current: dict[str, int] = {}
            for site, here in group.current.items():
                current[site] = min(here, rest)
                rest -= current[site]
            edits.append(edit(f"groups.{group.id}.current", {s: n for s, n in current.items() if n}))
        edits.append(edit(f"groups.{group.id}.count", left))
        if not left:
            return f"leave out {group.id} (all {group.count})", edits
        return f"{fewer} fewer of {group.id}: {left} instead of {group.count}", edits

    def _capacity(self, element: Element, amounts: Amounts) -> tuple[str, list[str]]:
        tree = self.world.tree
        node = tree.nodes[tree.by_id[element.domain or ""]]
        hosts = self.alike.get(node.id, [node.id])
        where = node.id if len(hosts) == 1 else f"each of the {len(hosts)} hosts like {node.id}"
        more = amounts.get("limit")
        thing = element.thing or ""
        if thing == "instances":
            most = node.domain.most_instances or 0
            new = most + more if more is not None else None
            text = f"at most {new} instances on {where} instead of {most}" if more else f"any number on {where}"
            return text, [edit(f"{path}.most_instances", new) for path in self._paths(node, hosts)]
        flavour = thing in node.domain.flavours and thing not in node.domain.capacity
        table = node.domain.flavours if flavour else node.domain.capacity
        stock = table[thing]
        field = "flavours" if flavour else "capacity"
        if more is None:
            text = f"{'as many as wanted of ' if flavour else 'any amount of '}{thing} on {where}"
            return text, [edit(f"{path}.{field}.{thing}", None) for path in self._paths(node, hosts)]
        factor = as_fraction(1.0 if flavour else node.domain.overcommit.get(thing, 1.0))
        usable = node.usable_flavour(thing) if flavour else node.usable(thing)
        kept = 0 if flavour else node.domain.reserve.get(thing, 0)
        added = max(1, -int(-Fraction((usable or 0) + more) / factor // 1) + kept - stock.total)
        text = f"{self._amount(thing, added, flavour)} more on {where}"
        text += f": {self._amount(thing, stock.total + added, flavour)} instead of "
        text += f"{self._amount(thing, stock.total, flavour)}"
        tail, value = self._stocked(thing, stock, added)
        return text, [edit(f"{path}.{field}.{tail}", value) for path in self._paths(node, hosts)]

    @staticmethod
    def _amount(thing: str, amount: int, flavour: bool) -> str:
        return f"{amount} of {thing}" if flavour else said(thing, amount)

    @staticmethod
    def _stocked(thing: str, stock: Stock, added: int) -> tuple[str, int]:
        if stock.reserved or stock.on_offer:
            return f"{thing}.owned", stock.owned + added
        return spelled(thing, stock.owned + added)

    def _paths(self, node: Node, hosts: list[str]) -> list[str]:
        """Return the path of a domain, or of every entry that stands for hosts like it."""
        section = SECTIONS.get(node.level, "domains")
        entries: dict[str, None] = {}
        counted = {e.id: e.count for e in getattr(self.world.estate, section) if e.count is not None}
        chosen = set(hosts)
        for name in hosts:
            prefix = name.rpartition("-")[0]
            count = counted.get(prefix)
            whole = count is not None and all(f"{prefix}-{n}" in chosen for n in range(count))
            entries[prefix if whole else name] = None
        return [f"{section}.{name}" for name in entries]

    def _addresses(self, element: Element, amounts: Amounts) -> tuple[str, list[str]]:
        more = amounts.get("limit")
        name = element.thing or ""
        what = f"{more} more addresses" if more is not None else "more addresses"
        if name not in self.world.subnets:
            return f"room for another subnet in {name}", []
        subnet = self.world.subnets[name]
        if more is None:
            return f"{what} in {name}", []
        for field, there in (("reserved", subnet.reserved), ("used", subnet.used)):
            if there >= more:
                return f"{what} in {name}: {field} {there - more} instead of {there}", [
                    edit(f"subnets.{name}.{field}", there - more)
                ]
        return f"{what} in {name}", self._another_subnet(name, more)

    def _another_subnet(self, name: str, more: int) -> list[str]:
        """Return the edit that adds a subnet beside one, in a free block of its network; none without room."""
        from ipaddress import IPv4Network

        world, subnet = self.world, self.world.subnets[name]
        vpc = world.vpcs[subnet.vpc]
        if vpc.cidr is None or subnet.cidr is None:
            return []
        if any(name in unit.subnets for unit in world.units):
            return []
        kept = next((c.addressing.reserved_per_subnet for c in reversed(world.catalogues) if c.addressing), 0)
        prefix = 29
        while prefix > 8 and (1 << (32 - prefix)) - kept < more:
            prefix -= 1
        taken = [IPv4Network(s.cidr) for s in world.subnets.values() if s.vpc == subnet.vpc and s.cidr is not None]
        whole = IPv4Network(vpc.cidr)
        if prefix < whole.prefixlen:
            return []
        for block in whole.subnets(new_prefix=prefix):
            if not any(block.overlaps(other) for other in taken):
                new: dict[str, Any] = {"id": f"{name}-more", "vpc": subnet.vpc, "cidr": str(block)}
                if subnet.zone is not None:
                    new["zone"] = subnet.zone
                return [f"subnets+={json.dumps(new)}"]
        return []

    def _fact(self, element: Element) -> tuple[str, list[str]]:
        group, domain = element.group, element.domain
        if element.rule == "load_balancer":
            return self._balancer(element)
        if group is None or domain is None:
            return (
                self._free(group)
                if element.rule == "pinned" and group is not None
                else (f"lift {element.rule}", [])
            )
        if element.rule == "zone_state":
            return self._open(group, domain)
        if element.rule == "entitlement":
            return self._entitled(group, domain)
        if element.rule == "service_availability":
            return self._provided(group, domain)
        if element.rule == "compatibility":
            return self._compatible(group, domain)
        what = {"scope": "what it hangs on within reach", "network": "a network"}.get(element.rule, element.rule)
        return f"{what} for {group} in {domain}", []

    def _path(self, domain: str) -> str:
        node = self.world.tree.nodes[self.world.tree.by_id[domain]]
        return f"{SECTIONS.get(node.level, 'domains')}.{domain}"

    def _open(self, group: str, domain: str) -> tuple[str, list[str]]:
        product = self.world.groups[group].product or self.world.default_product
        tree = self.world.tree
        edits: list[str] = []
        for ancestor in tree.nodes[tree.by_id[domain]].ancestors:
            node = tree.nodes[ancestor]
            if node.domain.states and node.domain.states.get(product) is not State.OPEN:
                edits.append(edit(f"{self._path(node.id)}.states.{product}", State.OPEN.value))
            elif node.domain.state not in (None, State.OPEN):
                edits.append(edit(f"{self._path(node.id)}.state", State.OPEN.value))
        return f"open {domain}" + (f" for {product}" if "states" in "".join(edits) else ""), edits

    def _free(self, group: str) -> tuple[str, list[str]]:
        names = [i.id for i in self.world.estate.instances if i.group == group and i.pinned]
        edits = [edit(f"instances.{name}.pinned", False) for name in names]
        if self.world.groups[group].pinned:
            edits.append(edit(f"groups.{group}.pinned", False))
        return f"let {group} move", edits

    def _needs(self, element: Element) -> None:
        """Note the entitlements that an account lacks for a domain."""
        world = self.world
        account = world.groups[element.group or ""].account or world.default_account
        held = world.accounts[account].entitlements
        node = world.tree.nodes[world.tree.by_id[element.domain or ""]]
        needed = [r for a in node.ancestors for r in world.tree.nodes[a].domain.requires if r not in held]
        self.entitled.setdefault(account, {}).update(dict.fromkeys(needed))

    def _entitled(self, group: str, domain: str) -> tuple[str, list[str]]:
        world = self.world
        account = world.groups[group].account or world.default_account
        held = world.accounts[account].entitlements
        needed = list(self.entitled[account])
        text = f"the entitlement {', '.join(needed)} for account {account}, as {domain} asks"
        if not world.estate.accounts:
            return text, [f"accounts+={json.dumps({'id': account, 'entitlements': needed})}"]
        return text, [edit(f"accounts.{account}.entitlements", [*held, *needed])]

    def _provided(self, group: str, domain: str) -> tuple[str, list[str]]:
        tree = self.world.tree
        node = tree.nodes[tree.by_id[domain]]
        needed = {s for unit in self.world.units_of[group] for s in services_needed(self.world, unit)}
        missing = sorted(
            {
                (tree.nodes[at].id, service)
                for site in tree.sites_under[node.index]
                for at in tree.nodes[site].ancestors
                for service in needed
                if tree.nodes[at].domain.services.get(service) is Provision.MISSING
            }
        )
        edits = [edit(f"{self._path(at)}.services.{service}", "provided") for at, service in missing]
        return f"{', '.join(dict.fromkeys(s for _, s in missing))} in {domain}", edits

    def _compatible(self, group: str, domain: str) -> tuple[str, list[str]]:
        tree = self.world.tree
        edits: dict[str, None] = {}
        for unit in self.world.units_of[group]:
            family = unit.flavour.family if unit.flavour else None
            for site in tree.sites_under[tree.by_id[domain]]:
                for at in tree.nodes[site].ancestors:
                    node = tree.nodes[at]
                    if node.domain.families and family not in node.domain.families:
                        families = [*node.domain.families, family] if family is not None else []
                        edits[edit(f"{self._path(node.id)}.families", families)] = None
                wanted = unit.movability.cpu_model
                if wanted is not None and tree.nodes[site].labels.get("cpu_model", wanted) != wanted:
                    edits[edit(f"{self._path(tree.nodes[site].id)}.labels.cpu_model", wanted)] = None
        return f"{domain} fit for {group}", list(edits)

    def _balancer(self, element: Element) -> tuple[str, list[str]]:
        group = element.group
        balancers = self.world.balancers
        if group is None:
            names = [element.thing] if element.thing in balancers else []
            return f"without the load balancer {element.thing}", [edit(f"load_balancers.{n}", None) for n in names]
        edits = [
            edit(f"load_balancers.{b.id}.backends", [name for name in b.backends if name != group])
            for b in balancers.values()
            if group in b.backends
        ]
        names = [b.id for b in balancers.values() if group in b.backends]
        return f"{group} no longer behind {', '.join(names)}", edits

    def _rule(self, element: Element, amounts: Amounts) -> tuple[str, list[str]]:
        rule = self.labels[element.label]
        path = f"rules.{element.label}"
        most = self.most[element.label] if amounts and element.group is not None else amounts
        given = self._given(rule, path, element.group, most) if amounts else None
        if given is not None:
            return given
        if element.group is not None and isinstance(rule, GroupRule):
            gone = self.gone.get(element.label, set()) | {element.group}
            others = [name for name in rule.selected(self.world) if name not in gone]
            if others:
                return f"{element.label} no longer for {element.group}", [edit(f"{path}.groups", others)]
        return f"without {element.label}", [edit(path, None)]

    def _given(self, rule: Rule, path: str, group: str | None, amounts: Amounts) -> tuple[str, list[str]] | None:
        """Return the change of a rule's numbers, None where it is better dropped."""
        label = path.removeprefix("rules.")
        by = amounts.get("limit", 0)
        if isinstance(rule, Quota):
            new = rule.most + by
            return f"{label}: at most {new} instead of {rule.most}", [edit(f"{path}.most", new)]
        if isinstance(rule, MoveLimit | GroupMoves):
            new = rule.most + by
            return f"{label}: at most {new} moves instead of {rule.most}", [edit(f"{path}.most", new)]
        if isinstance(rule, Budget):
            money = as_fraction(rule.per_month) + Fraction(by, MONEY)
            new_money = float(-(-money * 100 // 1) / 100)
            text = f"{label}: {new_money:g} a month instead of {rule.per_month:g}"
            return text, [edit(f"{path}.per_month", new_money)]
        if isinstance(rule, AntiAffinity):
            new = rule.at_most + by
            text = f"{label}: at most {new} per {rule.level} instead of {rule.at_most}"
            return text, [edit(f"{path}.at_most", new)]
        if isinstance(rule, LatencyLimit) and "limit_us" in amounts:
            new_ms = amounts["limit_us"] / 1000
            return f"{label}: {new_ms:g} ms instead of {rule.limit_ms:g}", [edit(f"{path}.limit_ms", new_ms)]
        if isinstance(rule, Spread) and group is not None:
            return self._spread(rule, path, group, amounts)
        if isinstance(rule, Load):
            return self._load(rule, path, amounts) if rule.most_share is not None else None
        if isinstance(rule, Survive) and group is not None:
            return self._survive(rule, path, group, by)
        return None

    def _spread(self, rule: Spread, path: str, group: str, amounts: Amounts) -> tuple[str, list[str]] | None:
        edits: list[str] = []
        said_parts: list[str] = []
        for part, by in amounts.items():
            if not by:
                continue
            new: float | None
            if part == "largest_share":
                new = _share(rule, self.world.groups[group].count, by)
            elif part in ("least_domains", "least_each"):
                new = (getattr(rule, part) or 0) - by
                new = new if new >= 1 else None
            else:
                limit = rule.skew_limit if part == "skew" else rule.domain_limit
                new = (limit or 0) + by
                if rule.shape in ("even", "single"):
                    edits.append(edit(f"{path}.shape", "any"))
            edits.append(edit(f"{path}.{part}", new))
            said_parts.append(f"{part.replace('_', ' ')} {new if new is not None else 'not asked'}")
        if any(text.endswith("=null") for text in edits):
            return None  # What is left of the rule may say nothing.
        old = path.removeprefix("rules.")
        return f"{old}: {', '.join(said_parts)}", edits

    def _load(self, rule: Load, path: str, amounts: Amounts) -> tuple[str, list[str]]:
        old = rule.most_share or 0.0
        share = as_fraction(old)
        for part, by in amounts.items():
            domain, _, resource = part.partition(" ")
            node = self.world.tree.nodes[self.world.tree.by_id[domain]]
            usable = node.usable(resource) or 1
            share = max(share, Fraction(int(usable * as_fraction(old)) + by, usable))
        new = min(1.0, float(-(-share * 10**DIGITS // 1)) / 10**DIGITS)
        label = path.removeprefix("rules.")
        return f"{label}: a share of {new:g} instead of {old:g}", [edit(f"{path}.most_share", new)]

    def _survive(self, rule: Survive, path: str, group: str, by: int) -> tuple[str, list[str]] | None:
        if rule.mode != "static" or rule.keep is None or rule.keep_share is not None:
            return None
        least = rule.model_copy(update={"keep": None}).needed(self.world, group, self.world.groups[group].count)
        new = rule.keep - by
        if new < max(1, least):
            return None
        label = path.removeprefix("rules.")
        return f"{label}: {new} remain instead of {rule.keep}", [edit(f"{path}.keep", new)]


def _share(rule: Spread, count: int, by: int) -> float | None:
    """Return the share that lets one domain hold so many more of a group; None where that is all of it."""
    limit = int(-(-as_fraction(rule.largest_share or 0) * count // 1)) + by
    if limit >= count:
        return None
    return float(Fraction(limit * 10**DIGITS // count, 10**DIGITS))


__all__ = ["Amounts", "Changes", "edit", "said", "spelled"]
