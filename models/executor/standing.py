"""Rules that hold at every moment, for instances at both ends of their move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from zonewright.models.executor.breach import Breach, Fault, Findings
from zonewright.models.executor.cast import Act, Deed
from zonewright.models.rules import (
    Affinity,
    AntiAffinity,
    Availability,
    GroupRule,
    LatencyLimit,
    Rule,
    Separation,
    Spread,
    Survive,
    SynchronousReplicas,
    all_rules,
)
from zonewright.models.view import View, Violation
from zonewright.models.world import World

#: Separations of more groups than this are judged as a whole, not pair by pair.
_MOST_PAIRED = 300


class Occupied(View):
    """Where groups take room: at both ends of a move. A domain with both ends of one instance holds it once."""

    def __init__(self, world: World, sites: dict[str, dict[int, int]]) -> None:
        super().__init__(world, [])
        self.__dict__["group_sites"] = sites
        self.doubled: dict[tuple[str, int], int] = {}
        """(group, domain) to how many are in it with both ends."""
        self.twice: dict[str, int] = {}
        """Group to how many are somewhere with both ends."""

    def total(self, group: str) -> int:
        """How many of a group there are."""
        return super().total(group) - self.twice.get(group, 0)

    def counts(self, group: str, level: str) -> Mapping[int, int]:
        """Domains of a level that hold the group, with counts; they change all the time."""
        found = self.count(group, level)
        if self.twice.get(group):
            for domain in found:
                found[domain] -= self.doubled.get((group, domain), 0)
        return found


@dataclass
class Watch:
    """One rule, or the part of it that is about one group or pair."""

    label: str
    rule: Rule
    groups: frozenset[str]
    begun: int = 0
    """How much is broken at second 0."""


class Standing:
    """Continuous rules; each is judged again only when one of its groups has changed."""

    def __init__(
        self,
        before: World,
        after: World,
        rules: World,
        dead: frozenset[int],
        moving: set[str],
        findings: Findings,
    ) -> None:
        self.findings = findings
        self.world = before
        sites: dict[str, dict[int, int]] = {group: {} for group in before.groups}
        for unit in before.units:
            of_group = sites[unit.group]
            for site, count in unit.current.items():
                if site not in dead:
                    of_group[site] = of_group.get(site, 0) + count
        self.view = Occupied(after, sites)
        self.watches: dict[str, list[Watch]] = {}
        for label, rule in all_rules(rules):
            if rule.continuous and rule.soft is None:
                for watch in _watches(after, label, rule, moving):
                    watch.begun = self._broken(watch)[0]
                    for group in watch.groups & moving:
                        self.watches.setdefault(group, []).append(watch)
        self._touched: dict[str, Deed] = {}

    def _broken(self, watch: Watch) -> tuple[int, Violation | None]:
        found = list(watch.rule.violations(self.view, watch.label))
        return sum(v.amount for v in found), max(found, key=lambda v: v.amount, default=None)

    def take(self, deed: Deed, *, other_end: bool) -> None:
        """An action's instances are at its target, too; `other_end`: they still are at their source."""
        act = deed.act
        if act.target is not None:
            self._change(deed, act.target, 1)
            if other_end:
                self._double(act, 1)

    def free(self, deed: Deed, *, other_end: bool) -> None:
        """An action's instances have left its source; `other_end`: they are at its target."""
        act = deed.act
        if act.source is not None:
            self._change(deed, act.source, -1)
            if other_end:
                self._double(act, -1)

    def _change(self, deed: Deed, site: int, sign: int) -> None:
        group = deed.act.action.group
        if group not in self.watches:
            return
        sites = self.view.group_sites[group]
        sites[site] = sites.get(site, 0) + sign * deed.act.action.count
        if not sites[site]:
            del sites[site]
        self._touched[group] = deed

    def _double(self, act: Act, sign: int) -> None:
        group = act.action.group
        if group not in self.watches or not act.keeps_identity or act.source is None or act.target is None:
            return
        nodes = self.world.tree.nodes
        count = sign * act.action.count
        for domain in set(nodes[act.source].ancestors) & set(nodes[act.target].ancestors):
            self.view.doubled[group, domain] = self.view.doubled.get((group, domain), 0) + count
        self.view.twice[group] = self.view.twice.get(group, 0) + count

    def settle(self, second: int) -> None:
        """Judge the moment: nothing is broken by more than at second 0."""
        seen: set[int] = set()
        for group, deed in self._touched.items():
            for watch in self.watches[group]:
                if id(watch) in seen:
                    continue
                seen.add(id(watch))
                amount, worst = self._broken(watch)
                if amount > watch.begun and worst is not None:
                    self.findings.add(
                        Breach(
                            Fault.RULE,
                            f"{watch.label}: {worst.message}",
                            step=deed.step.id,
                            action=deed.act.action.id,
                            group=worst.group,
                            domain=worst.domain,
                            second=second,
                            amount=amount - watch.begun,
                            rule=watch.label,
                        ),
                        watch.label,
                        worst.group,
                    )
        self._touched.clear()


def _watches(world: World, label: str, rule: Rule, moving: set[str]) -> Iterator[Watch]:
    """Yield a rule in the smallest parts that can be judged by themselves; only what moving groups concern."""
    if isinstance(rule, Separation):
        yield from _pairs(label, rule, moving)
    elif isinstance(rule, LatencyLimit):
        yield Watch(label, rule, frozenset(rule.concerned()))
    elif isinstance(rule, Affinity):
        yield Watch(label, rule, frozenset(rule.selected(world)).union(rule.company))
    elif isinstance(rule, AntiAffinity | Spread | SynchronousReplicas) or (
        isinstance(rule, Survive) and rule.mode == "static"
    ):
        for group in rule.selected(world):
            if group in moving:
                yield Watch(label, _only(rule, group), frozenset({group}))


def _only(rule: GroupRule, group: str) -> GroupRule:
    return rule.model_copy(update={"groups": [group], "with_labels": {}})


def _pairs(label: str, rule: Separation, moving: set[str]) -> Iterator[Watch]:
    names = list(dict.fromkeys(rule.groups))
    if len(names) > _MOST_PAIRED:
        yield Watch(label, rule, frozenset(names))
        return
    for position, one in enumerate(names):
        for other in names[position + 1 :]:
            if one in moving or other in moving:
                yield Watch(label, rule.model_copy(update={"groups": [one, other]}), frozenset({one, other}))


def _only_at_the_end(rule: Rule) -> bool:
    return isinstance(rule, Availability) or (isinstance(rule, Survive) and rule.mode == "evacuate")


def unwatched(world: World) -> Mapping[str, str]:
    """Return label to kind of continuous rules that no moment can be judged by: they hold at the end."""
    return {
        label: rule.rule
        for label, rule in all_rules(world)
        if rule.continuous and rule.soft is None and _only_at_the_end(rule)
    }
