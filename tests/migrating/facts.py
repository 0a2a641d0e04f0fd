"""A tiny estate and what happened to it, read from plain data: nothing of the planner or the models is asked.

Only what the cases of this package use is known here: hosts in zones or zones alone, groups with unnamed
instances, capacities, four kinds of rules, steps of fixed length.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

Raw = dict[str, Any]
#: Site to count.
Where = dict[str, int]


@dataclass(frozen=True)
class Squad:
    """The instances of one group; they are alike."""

    group: str
    count: int
    """How many are wanted after the event, without those lost for good."""
    running: tuple[tuple[str, int], ...]
    """Site to count of those that run on."""
    displaced: tuple[tuple[str, int], ...]
    """Dead site to count of those to be started again."""
    demand: tuple[tuple[str, int], ...]
    priority: int
    pinned: bool
    preemptible: bool
    may_stop: bool
    live: bool
    seconds: int
    """How long a live migration takes."""


class Facts:
    """An estate with an event. Sites are the domains without children."""

    def __init__(self, estate: Raw, event: Raw) -> None:
        self.estate, self.event = estate, event
        self.domains: dict[str, Raw] = {}
        self.level: dict[str, str] = {}
        for section in ("zones", "hosts"):
            for entry in estate.get(section, []):
                self.domains[entry["id"]] = entry
                self.level[entry["id"]] = section[:-1]
        holds = {entry.get("in") for entry in self.domains.values()}
        self.sites = [name for name in self.domains if name not in holds]
        self.above = {site: self._above(site) for site in self.sites}
        self.dead = self._inside(event.get("fail", []))
        self.left = self._inside([*event.get("drain", []), *event.get("suspect", [])]) - self.dead
        self.rules = [rule for rule in estate.get("rules", []) if rule["rule"] != "keep_running"]
        self.lost: dict[str, int] = {}
        """Group to how many nothing brings back."""
        self.squads = [self._squad(group) for group in estate["groups"]]

    def _above(self, site: str) -> list[str]:
        parent = self.domains[site].get("in")
        return [site] if parent is None else [site, parent]

    def _inside(self, names: list[str]) -> set[str]:
        return {site for site in self.sites if set(self.above[site]) & set(names)}

    def at(self, site: str, level: str) -> str | None:
        """Return the domain of a level that a site is in."""
        return next((d for d in self.above[site] if self.level[d] == level), None)

    def zone(self, site: str) -> str:
        """Return the zone of a site."""
        return self.above[site][-1]

    def _squad(self, group: Raw) -> Squad:
        movability = group.get("movability", {})
        running: Where = {}
        displaced: Where = {}
        for site, count in group.get("current", {}).items():
            if site not in self.dead:
                running[site] = count
            elif self._gone_for_good(group, site):
                self.lost[group["id"]] = self.lost.get(group["id"], 0) + count
            else:
                displaced[site] = count
        return Squad(
            group["id"],
            group["count"] - self.lost.get(group["id"], 0),
            tuple(running.items()),
            tuple(displaced.items()),
            tuple(group["demand"].items()),
            group.get("priority", 0),
            group.get("pinned", False),
            group.get("preemptible", False),
            movability.get("may_stop", True),
            not movability.get("local_disk", False),
            movability.get("migrate_seconds", 1),
        )

    def _gone_for_good(self, group: Raw, site: str) -> bool:
        """Return whether what ran on a dead site is lost: pinned there, or its data with no copy anywhere."""
        if group.get("pinned"):
            return True
        beside = [s for s in self.sites if self.zone(s) == self.zone(site)]
        disk_lives = any(s not in self.dead for s in beside) and not group.get("movability", {}).get("local_disk")
        return bool(group.get("stateful")) and not disk_lives

    def may_pass(self, group: str, source: str, via: str) -> bool:
        """Return whether a group's instances may go over a third site: a living host of their zone.

        Rules on places bind sources as they are today and targets at the end; third hosts where they always hold.
        """
        if self.level[via] != "host" or self.zone(via) != self.zone(source) or via in self.dead | self.left:
            return False
        always = [rule for rule in self.rules if rule["rule"] == "domains" and rule.get("continuous")]
        return not any(group in self.selected(rule) and via in self._inside(rule["forbid"]) for rule in always)

    # Limits.

    @cached_property
    def limits(self) -> list[tuple[str, str, int]]:
        """(Domain, resource, how much there is); `instances` counts heads."""
        found = []
        for name, entry in self.domains.items():
            found += [(name, what, most) for what, most in entry.get("capacity", {}).items()]
            if "most_instances" in entry:
                found.append((name, "instances", entry["most_instances"]))
        return found

    def share(self, squad: Squad, what: str) -> int:
        """Return what one instance takes of a resource."""
        return 1 if what == "instances" else dict(squad.demand).get(what, 0)

    def selected(self, rule: Raw) -> list[str]:
        """Return the groups of a rule; all where it names none."""
        return rule["groups"] or [g["id"] for g in self.estate["groups"]]

    # Rules on placements: (label, group, domain, what) to by how much it is broken.

    def broken(self, at: dict[str, Where], rules: list[tuple[str, Raw]]) -> dict[tuple[str | None, ...], int]:
        """Return all that a placement breaks of capacities and rules."""
        found: dict[tuple[str | None, ...], int] = {}
        for domain, what, most in self.limits:
            used = sum(
                n * self.share(squad, what)
                for squad in self.squads
                for site, n in at[squad.group].items()
                if domain in self.above[site]
            )
            if used > most:
                found["capacity", None, domain, what] = used - most
        for label, rule in rules:
            for group, domain, amount in self._of_rule(rule, at):
                if amount > 0:
                    key = (label, group, domain, None)
                    found[key] = found.get(key, 0) + amount
        return found

    def _of_rule(self, rule: Raw, at: dict[str, Where]) -> list[tuple[str, str, int]]:
        groups = self.selected(rule)
        if rule["rule"] == "domains":
            barred = self._inside(rule["forbid"])
            return [(g, site, n) for g in groups for site, n in at[g].items() if site in barred]
        counts = {g: self.by_level(at[g], rule["level"]) for g in groups}
        if rule["rule"] == "anti_affinity":
            return [(g, d, n - rule["at_most"]) for g in groups for d, n in counts[g].items()]
        if rule["rule"] == "separation":
            pairs = [(a, b) for k, a in enumerate(groups) for b in groups[k + 1 :]]
            return [(a, d, 1) for a, b in pairs for d in counts[a].keys() & counts[b].keys()]
        # A share of what is placed, in hundredths, rounded up.
        found = []
        for g in groups:
            most = -(-sum(at[g].values()) * round(100 * rule["largest_share"]) // 100)
            found += [(g, d, n - most) for d, n in counts[g].items()]
        return found

    def by_level(self, where: Where, level: str) -> Where:
        """Return counts by the domains of a level; none for 0."""
        found: Where = {}
        for site, n in where.items():
            domain = self.at(site, level)
            if n and domain is not None:
                found[domain] = found.get(domain, 0) + n
        return found

    @cached_property
    def labelled(self) -> list[tuple[str, Raw]]:
        """The rules on placements by label."""
        return [(rule["id"], rule) for rule in self.rules]
