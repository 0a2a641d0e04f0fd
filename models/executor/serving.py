"""Who serves at every moment: rules on how many have to, and when what was lost is back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zonewright.models.executor.breach import Breach, Fault, Findings
from zonewright.models.executor.cast import Act, Deed
from zonewright.models.rules import KeepRunning, all_rules
from zonewright.models.world import World


@dataclass(frozen=True)
class Floor:
    """How many of a group have to serve at every moment."""

    fault: Fault
    least: int
    label: str
    what: str


class Serving:
    """How many of each group serve; both ends of a move are one instance."""

    def __init__(self, before: World, after: World, dead: frozenset[int], findings: Findings) -> None:
        self.findings = findings
        self.now = dict.fromkeys(before.groups, 0)
        for unit in before.units:
            self.now[unit.group] += sum(n for site, n in unit.current.items() if site not in dead)
        self.floors: dict[str, list[Floor]] = {}
        for label, rule in all_rules(after):
            if isinstance(rule, KeepRunning):
                for group in rule.selected(after):
                    least = rule.needed(self.now[group])
                    self._floor(group, Floor(Fault.KEEP_RUNNING, least, label, f"{least} have to"))
        for balancer in after.balancers.values():
            for group in balancer.backends if balancer.least_backends else ():
                least = min(balancer.least_backends, self.now[group])
                what = f"{balancer.id} needs {least} backends"
                self._floor(group, Floor(Fault.BACKENDS, least, balancer.id, what))
        self._touched: dict[str, Deed] = {}

    def _floor(self, group: str, floor: Floor) -> None:
        if floor.least > 0:
            self.floors.setdefault(group, []).append(floor)

    def change(self, deed: Deed, count: int) -> None:
        """Some of the group of a step's action serve from now on, or no more."""
        group = deed.act.action.group
        if group is None:
            return
        self.now[group] += count
        if count < 0:
            self._touched[group] = deed

    def settle(self, second: int) -> None:
        """Judge the moment."""
        for group, deed in self._touched.items():
            for floor in self.floors.get(group, ()):
                if self.now[group] < floor.least:
                    self.findings.add(
                        Breach(
                            floor.fault,
                            f"{self.now[group]} of {group} serve, {floor.what}",
                            step=deed.step.id,
                            action=deed.act.action.id,
                            group=group,
                            second=second,
                            amount=floor.least - self.now[group],
                            rule=floor.label,
                        ),
                        group,
                        floor.label,
                    )
        self._touched.clear()


def back_by_priority(acts: Iterable[Act]) -> dict[int, int]:
    """Return priority to the second at which the last of what was lost serves again."""
    found: dict[int, int] = {}
    for act in acts:
        back = act.serves_at
        if act.dead and back is not None:
            for unit, _ in act.parts:
                found[unit.priority] = max(found.get(unit.priority, 0), back)
    return dict(sorted(found.items(), reverse=True))
