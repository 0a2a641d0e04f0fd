"""A placement in the brute force's own form: who is where, and what is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tests.brute.facts import Facts, Unit

#: (unit's index, site, subnet or None) to count.
Rows = dict[tuple[int, str, str | None], int]
#: What survives together: (level, number, on offer counted, domains named).
Joint = tuple[str, int, bool, tuple[str, ...]]
#: Where what is displaced goes, by what survives together and by what is lost.
Witnesses = dict[tuple[Joint, frozenset[str]], Rows]


@dataclass(eq=False)
class Scene:
    """Everything that a rule may look at."""

    facts: Facts
    rows: Rows
    serves: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Zones that the plan chose for balancers."""
    subnet_zones: Mapping[str, str] = field(default_factory=dict)
    """Zones that the plan chose for subnets."""
    new_subnets: Mapping[str, tuple[str, str | None, int]] = field(default_factory=dict)
    """Network, zone and addresses of subnets that the plan creates."""
    blocks: Mapping[str, str] | None = None
    """Blocks that a plan gives to subnets that have none; None where they are still to be chosen."""
    witnesses: Witnesses = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    """Labels of rules that are taken as absent."""
    lost: frozenset[str] = frozenset()
    """Sites that are gone."""
    before: Scene | None = None
    """The placement before the loss."""
    on_offer: bool = True

    @cached_property
    def at(self) -> list[dict[str, int]]:
        """Per unit: site to count."""
        found: list[dict[str, int]] = [{} for _ in self.facts.units]
        for (unit, site, _), count in self.rows.items():
            if count:
                found[unit][site] = found[unit].get(site, 0) + count
        return found

    @cached_property
    def of_group(self) -> dict[str, dict[str, int]]:
        """Per group: site to count."""
        found: dict[str, dict[str, int]] = {g: {} for g in self.facts.groups}
        for unit in self.facts.units:
            for site, count in self.at[unit.index].items():
                found[unit.group][site] = found[unit.group].get(site, 0) + count
        return found

    def total(self, group: str) -> int:
        return sum(self.of_group[group].values())

    def counts(self, group: str, level: str) -> dict[str, int]:
        """Domains of a level that hold some of a group."""
        found: dict[str, int] = {}
        for site, count in self.of_group[group].items():
            domain = self.facts.at(site, level)
            if domain is not None:
                found[domain] = found.get(domain, 0) + count
        return found

    def there_already(self, unit: Unit, site: str) -> int:
        """How many of a unit were at a site before: today, or before the loss."""
        return (self.before.at[unit.index] if self.before else unit.current).get(site, 0)

    def gone(self, domain: str) -> bool:
        """Whether a whole domain is lost."""
        sites = self.facts.inside(domain)
        return bool(sites) and all(s in self.lost for s in sites)


def vpc_at(facts: Facts, unit: Unit, site: str) -> str | None:
    """The unit's network in the region of a site."""
    for name in unit.own.get("vpcs", []):
        vpc = facts.vpcs[name]
        here = vpc.get("region", facts.region(site)) == facts.region(site)
        if here and vpc.get("account", unit.account) == unit.account:
            return str(name)
    return None


def remaining(rows: Rows, lost: Iterable[str]) -> Rows:
    """What is left of rows when sites are lost."""
    gone = set(lost)
    return {key: count for key, count in rows.items() if key[1] not in gone}
