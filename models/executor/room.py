"""Who takes room where at every moment, kept up to date step by step, and every limit on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zonewright.models.executor.breach import Breach, Fault, Findings
from zonewright.models.executor.cast import Deed
from zonewright.models.rules import Load, Quota, all_rules
from zonewright.models.world import Unit, World


@dataclass
class Meter:
    """One limit: how much is used of it, now and at most."""

    fault: Fault
    what: str
    """The resource, flavour or `instances`."""
    domain: str | None
    limit: int
    rule: str | None = None
    used: int = 0
    begun: int = 0
    """What was used at second 0."""
    settled: int = 0
    """What was used when the last moment was over."""
    peak: int = 0

    @property
    def allowed(self) -> int:
        """How much may be used now: a rule's excess never passes that at second 0, any other never grows."""
        return max(self.limit, self.begun if self.fault is Fault.RULE else self.settled)


class Room:
    """Meters of domains and quotas.

    Both ends of a move take room. A meter that both ends count in counts an instance once where it stays the
    same instance, twice where a second one is created.
    """

    def __init__(self, before: World, rules: World, dead: frozenset[int], findings: Findings) -> None:
        self.world, self.findings = before, findings
        self.dead = dead
        self.meters: list[Meter] = []
        self._shared: dict[tuple[int, str, str], int] = {}
        self._loads: list[tuple[str, Load]] = []
        self._quotas: list[tuple[int, Quota, frozenset[str], frozenset[int] | None]] = []
        for label, rule in all_rules(rules):
            if rule.soft is not None:
                continue
            if isinstance(rule, Load) and rule.continuous:
                self._loads.append((label, rule))
            elif isinstance(rule, Quota):
                self._add_quota(label, rule)
        self._of: dict[tuple[int, int], tuple[tuple[int, int], ...]] = {}
        self._touched: dict[int, Deed] = {}
        for unit in before.units:
            for site, count in unit.current.items():
                if site not in dead:
                    for meter, amount in self.shares(unit, site):
                        self.meters[meter].used += amount * count
        for known in self.meters:
            known.begun = known.settled = known.peak = known.used

    def _add_quota(self, label: str, rule: Quota) -> None:
        tree = self.world.tree
        inside = frozenset(tree.sites_under[tree.by_id[rule.domain]]) if rule.domain is not None else None
        what = rule.resource or rule.flavour or "instances"
        self.meters.append(Meter(Fault.QUOTA, what, rule.domain, rule.most, label))
        self._quotas.append((len(self.meters) - 1, rule, frozenset(rule.selected(self.world)), inside))

    def shares(self, unit: Unit, site: int) -> tuple[tuple[int, int], ...]:
        """Return (meter, amount) of one instance of a unit at a site."""
        key = (unit.index, site)
        found = self._of.get(key)
        if found is None:
            found = self._of[key] = tuple(self._shares(unit, site))
        return found

    def _shares(self, unit: Unit, site: int) -> Iterable[tuple[int, int]]:
        nodes = self.world.tree.nodes
        for ancestor in nodes[site].ancestors:
            node = nodes[ancestor]
            for resource, amount in unit.demand.items():
                limit = node.usable(resource)
                if amount and limit is not None:
                    yield self._meter(ancestor, "r", resource, limit), amount
                    for label, load in self._loads:
                        most = load.limit(node, resource) if load.level == node.level else None
                        if most is not None:
                            yield self._meter(ancestor, label, resource, most, label), amount
            if unit.flavour is not None:
                limit = node.usable_flavour(unit.flavour.id)
                if limit is not None:
                    yield self._meter(ancestor, "f", unit.flavour.id, limit), 1
            if node.domain.most_instances is not None:
                yield self._meter(ancestor, "i", "instances", node.domain.most_instances), 1
        for meter, rule, groups, inside in self._quotas:
            if unit.group not in groups or (inside is not None and site not in inside):
                continue
            if rule.account not in (None, unit.account) or rule.product not in (None, unit.product):
                continue
            if rule.flavour is not None and (unit.flavour is None or unit.flavour.id != rule.flavour):
                continue
            each = unit.demand.get(rule.resource, 0) if rule.resource is not None else 1
            if each:
                yield meter, each

    def _meter(self, node: int, kind: str, what: str, limit: int, rule: str | None = None) -> int:
        key = (node, kind, what)
        found = self._shared.get(key)
        if found is None:
            found = self._shared[key] = len(self.meters)
            fault = Fault.RULE if rule is not None else Fault.CAPACITY
            self.meters.append(Meter(fault, what, self.world.tree.nodes[node].id, limit, rule))
        return found

    def take(self, deed: Deed, *, other_end: bool) -> None:
        """An action's instances take room at its target; `other_end`: they still have it at their source."""
        act = deed.act
        if act.target is not None:
            self._change(deed, act.target, act.source if other_end else None, 1)

    def free(self, deed: Deed, *, other_end: bool) -> None:
        """An action's instances give back their room at its source; `other_end`: they have it at their target."""
        act = deed.act
        if act.source is not None:
            self._change(deed, act.source, act.target if other_end else None, -1)

    def _change(self, deed: Deed, site: int, other: int | None, sign: int) -> None:
        for unit, count in deed.act.parts:
            once: Iterable[int] = ()
            if other is not None and deed.act.keeps_identity:
                once = {meter for meter, _ in self.shares(unit, other)}
            for meter, amount in self.shares(unit, site):
                if meter not in once:
                    self.meters[meter].used += sign * amount * count
                    if sign > 0 or meter not in self._touched:
                        self._touched[meter] = deed

    def settle(self, second: int) -> None:
        """Judge the moment: no excess is larger than it may be."""
        for index, deed in self._touched.items():
            meter = self.meters[index]
            if meter.used > meter.allowed:
                where = f" in {meter.domain}" if meter.domain else ""
                self.findings.add(
                    Breach(
                        meter.fault,
                        f"{meter.what}{where}: {meter.used} taken at once, the limit is {meter.limit}",
                        step=deed.step.id,
                        action=deed.act.action.id,
                        domain=meter.domain,
                        second=second,
                        amount=meter.used - meter.limit,
                        rule=meter.rule,
                        what=meter.what,
                    ),
                    meter.domain,
                    meter.what,
                    meter.rule,
                )
            meter.settled = meter.used
            meter.peak = max(meter.peak, meter.used)
        self._touched.clear()


@dataclass
class Gauge:
    """Something that goes up and down under a fixed limit, such as a link or what is under way."""

    fault: Fault
    domain: str | None
    limit: int
    what: str
    unit: str = ""
    used: int = 0
    peak: int = 0


class Gauges:
    """Gauges by key, judged when a moment is over."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.known: dict[tuple[object, ...], Gauge] = {}
        self._touched: dict[tuple[object, ...], Deed] = {}

    def change(self, key: tuple[object, ...], gauge: Gauge, amount: int, deed: Deed) -> None:
        """Add to a gauge; the first call with a key makes it."""
        self.known.setdefault(key, gauge).used += amount
        if amount > 0 or key not in self._touched:
            self._touched[key] = deed

    def settle(self, second: int) -> None:
        """Judge the moment."""
        for key, deed in self._touched.items():
            gauge = self.known[key]
            gauge.peak = max(gauge.peak, gauge.used)
            if gauge.used > gauge.limit:
                where = f" of {gauge.domain}" if gauge.domain else ""
                self.findings.add(
                    Breach(
                        gauge.fault,
                        f"{gauge.what}{where}: {gauge.used}{gauge.unit} at once, the limit is {gauge.limit}",
                        step=deed.step.id,
                        action=deed.act.action.id,
                        domain=gauge.domain,
                        second=second,
                        amount=gauge.used - gauge.limit,
                        what=gauge.what,
                    ),
                    *key,
                )
        self._touched.clear()
