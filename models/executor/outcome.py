"""What is there at the end: against the target, the losses, and every rule."""

from __future__ import annotations

from collections.abc import Iterator

from zonewright.models.aftermath import Aftermath
from zonewright.models.check import check_plan
from zonewright.models.executor.breach import Breach, Fault, Findings
from zonewright.models.executor.cast import Cast
from zonewright.models.executor.whereabouts import Whereabouts
from zonewright.models.migration import Loss, Migration
from zonewright.models.placing import view_of
from zonewright.models.view import Row, View
from zonewright.models.world import World


class Outcome:
    """Judges the end of a migration plan."""

    def __init__(
        self,
        world: World,
        after: Aftermath,
        migration: Migration,
        cast: Cast,
        people: Whereabouts,
        findings: Findings,
    ) -> None:
        self.world, self.after, self.migration = world, after, migration
        self.cast, self.people, self.findings = cast, people, findings
        self.claims: list[str] = []
        self.stay: dict[str, int] = {}
        """Group to how many may stay where they have to leave, because they are listed as lost there."""
        for loss in migration.losses:
            if loss.reason in ("left_behind", "pinned"):
                self.stay[loss.group] = self.stay.get(loss.group, 0) + loss.count
        self.stayed: dict[str, int] = {}

    def judge(self) -> None:
        """Judge everything."""
        self._target()
        self._losses()

    def _target(self) -> None:
        target = self.migration.target
        if target is None:
            self._rules(View(self.after.world, list(self._rows())))
            return
        report = check_plan(self.after.world, target)
        self.claims += [f"target: {claim}" for claim in report.claims]
        for violation in report.violations:
            if violation.hard:
                self.findings.add(
                    Breach(
                        Fault.TARGET,
                        f"{violation.label}: {violation.message}",
                        group=violation.group,
                        domain=violation.domain,
                        amount=violation.amount,
                        rule=violation.label,
                        what=violation.what,
                    ),
                    violation.label,
                    violation.group,
                    violation.domain,
                    violation.what,
                    violation.message,
                )
        self._compare(view_of(self.after.world, target))

    def _rules(self, view: View) -> None:
        from zonewright.models.check import judge

        for violation in judge(view).violations:
            if violation.hard:
                message = f"{violation.label}: {violation.message}"
                self.findings.add(
                    Breach(
                        Fault.TARGET,
                        message,
                        group=violation.group,
                        domain=violation.domain,
                        amount=violation.amount,
                        rule=violation.label,
                    ),
                    violation.label,
                    violation.group,
                    violation.domain,
                    violation.message,
                )

    def _rows(self) -> Iterator[Row]:
        """Yield the final placement in the world after the event."""
        index = {(unit.group, unit.name): unit.index for unit in self.after.world.units}
        for unit in self.world.units:
            there = index.get((unit.group, unit.name))
            for (site, subnet), count in self.people.seats[unit.index].items():
                if there is not None:
                    yield Row(there, site, count, subnet)

    def _compare(self, wanted: View) -> None:
        """Compare where everybody is with where the target has them."""
        names = {unit.index: (unit.group, unit.name) for unit in self.after.world.units}
        target: dict[tuple[str, str | None], dict[int, dict[str | None, int]]] = {}
        for row in wanted.rows:
            sites = target.setdefault(names[row.unit], {}).setdefault(row.site, {})
            sites[row.subnet] = sites.get(row.subnet, 0) + row.count
        for unit in self.world.units:
            found: dict[int, dict[str | None, int]] = {}
            for (site, subnet), count in self.people.seats[unit.index].items():
                found.setdefault(site, {})[subnet] = count
            asked = target.get((unit.group, unit.name), {})
            for site in sorted({*found, *asked}):
                self._compare_site(unit.group, unit.name, site, found.get(site, {}), asked.get(site, {}))

    def _compare_site(
        self, group: str, name: str | None, site: int, found: dict[str | None, int], asked: dict[str | None, int]
    ) -> None:
        there, wanted = sum(found.values()), sum(asked.values())
        node = self.world.tree.nodes[site].id
        who = name or group
        staying = 0
        if there > wanted and site in self.after.left:
            staying = min(there - wanted, self.stay.get(group, 0))
            there -= staying
            self.stay[group] = self.stay.get(group, 0) - staying
            self.stayed[group] = self.stayed.get(group, 0) + staying
        if there != wanted:
            message = f"{there} of {who} are in {node} at the end, the target has {wanted}"
            self._fault(Fault.TARGET, message, group, node, abs(there - wanted), who)
            return
        wrong = sum(
            max(0, count - asked.get(subnet, 0))
            for subnet, count in found.items()
            if subnet is not None and None not in asked
        )
        if wrong > staying:
            message = f"{wrong} of {who} in {node} sit in another subnet than the target has them in"
            self._fault(Fault.TARGET, message, group, node, wrong, who)

    def _losses(self) -> None:
        """What ran at the start is placed, taken over, or a loss; and a loss is lost."""
        said: dict[str, int] = {}
        for loss in self.migration.losses:
            if loss.group not in self.world.groups:
                self.claims.append(f"losses: there is no group {loss.group}")
                continue
            said[loss.group] = said.get(loss.group, 0) + loss.count
            self.claims += self._untrue(loss)
        taken = dict(self.after.served)
        started: dict[str, int] = {}
        for act in self.cast.acts:
            group = act.action.group
            if group is None or not act.parts:
                continue
            if act.action.kind == "takeover" and act.dead:
                taken[group] = taken.get(group, 0) + act.action.count
            elif act.action.kind == "start":
                started[group] = started.get(group, 0) + act.action.count
        for group, units in self.world.units_of.items():
            ran = sum(n for unit in units for n in unit.current.values()) + started.get(group, 0)
            placed = sum(n for unit in units for n in self.people.seats[unit.index].values())
            missing = ran - (placed - self.stayed.get(group, 0)) - taken.get(group, 0)
            lost = said.get(group, 0)
            if missing > lost:
                message = f"{missing} of {group} are neither placed nor taken over, {lost} are listed as lost"
                self._fault(Fault.MISSING, message, group, None, missing - lost, group)
            elif missing < lost:
                self.claims.append(f"{group}: the plan lists {lost} as lost, it is {max(0, missing)}")

    def _untrue(self, loss: Loss) -> Iterator[str]:
        """Yield why a loss cannot be for the reason given, as far as the data says."""
        units = [u for u in self.world.units_of[loss.group] if u.name in loss.instances or not loss.instances]
        if loss.reason == "pinned" and not any(unit.pinned for unit in units):
            pins = [rule for rule in self.world.estate.rules if rule.rule == "pin"]
            if not any(loss.group in rule.selected(self.world) for rule in pins):
                yield f"{loss.group}: lost as pinned, and nothing pins it"
        elif loss.reason == "no_copy" and not any(unit.stateful for unit in units):
            yield f"{loss.group}: lost for want of a copy, and it has no data to copy"
        elif loss.reason == "no_image" and any(unit.image is None for unit in units):
            yield f"{loss.group}: lost for want of its image, and it names none"
        elif loss.reason in ("no_copy", "no_image", "region_lost") and not self.after.dead:
            yield f"{loss.group}: lost as {loss.reason.replace('_', ' ')}, and nothing has failed"

    def _fault(self, fault: Fault, message: str, group: str, domain: str | None, amount: int, who: str) -> None:
        self.findings.add(
            Breach(fault, message, group=group, domain=domain, amount=amount, what=who), who, domain, message
        )
