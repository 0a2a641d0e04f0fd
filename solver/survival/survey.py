"""`survive`: every loss of so many domains of a level, and what each leaves."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from zonewright.models.estate import Estate
from zonewright.models.placing import view_of
from zonewright.models.plan import Plan, Status
from zonewright.models.problems import InputError
from zonewright.models.rules import all_rules
from zonewright.models.view import View
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels.news import tells_compiling
from zonewright.solver.result import Listener, Progress
from zonewright.solver.survival.evacuate import Evacuator, Settled
from zonewright.solver.survival.rates import availability_figures
from zonewright.solver.survival.result import (
    GroupOutcome,
    ScenarioOutcome,
    ServiceOutcome,
    State,
    Survival,
)
from zonewright.solver.survival.standing import Loss, Losses, Standing, current_view, losses_of
from zonewright.solver.survival.static import Counting, Remains

Mode = Literal["static", "evacuate"]

#: Scenarios up to which every affected group and service is listed; of more only those that fall short.
MOST_DETAILED = 2_000
#: Losses beyond which those that are survived at the first try are settled before all others.
FEW = 40
#: The part of the time that placing may take where nobody runs yet, and that evacuations may.
PLACING_SHARE, EVACUATING_SHARE = 0.4, 0.7
#: Seconds between two lines of progress.
_TELL_S = 0.5


@tells_compiling
def survive(
    estate: Estate | World,
    *,
    plan: Plan | None = None,
    level: str = "zone",
    lose: int = 1,
    mode: Mode = "evacuate",
    on_offer: bool = False,
    today: bool = False,
    recovery: bool = True,
    time_limit_s: float = 60.0,
    workers: int | None = None,
    seed: int = 0,
    progress: Listener | None = None,
    stop: threading.Event | None = None,
) -> Survival:
    """Look at every loss of some domains, and say what it leaves and what comes back.

    A loss is judged as the rule `survive` judges it, for all groups. Static: nothing is started, and of each
    group that runs as many must remain as it needs. Evacuate: everybody displaced is placed again under every
    hard rule while survivors stay where they are; where that cannot be, as many as possible are, one of a higher
    priority outranking any number of lower ones, and rules that a loss alone can break give way first.

    Parameters
    ----------
    estate
        The estate, or its resolved world.
    plan
        Where everybody is. Without it: where they are today, or, if not everybody runs yet, where `place` puts
        them.
    level
        What is lost: a level of the estate, or several joined by `+` (`zone+host`: one of each, not one inside
        the other).
    lose
        How many domains of the level are lost together, 1 to 3.
    mode
        `evacuate` or `static`.
    on_offer
        Count stock that is only on offer.
    today
        Without a plan: look at what runs today, even if not everybody does.
    recovery
        Plan the way back from every loss (moves, recoveries, times) as far as the time allows.
    time_limit_s, workers, seed, progress, stop
        As in `place`.

    Returns
    -------
    Survival
        One outcome for each scenario that was looked at, the severest first; `checked` of `existing` says
        whether those are all.

    Raises
    ------
    InputError
        For a level that the estate does not have, or a plan that names what the estate does not have.
    """
    deadline = Deadline(time_limit_s, None, stop or threading.Event())
    world = estate if isinstance(estate, World) else World(estate)
    losses = losses_of(world, level, lose)
    survey = _Survey(world, losses, mode, deadline, workers or os.cpu_count() or 1, seed, progress)
    survey.on_offer, survey.level, survey.lose = on_offer, level, lose
    return survey.result(plan, recovery, today=today)


class _Survey:
    on_offer = False
    level = "zone"
    lose = 1

    def __init__(
        self,
        world: World,
        losses: Losses,
        mode: Mode,
        deadline: Deadline,
        workers: int,
        seed: int,
        listener: Listener | None,
    ) -> None:
        self.world, self.losses, self.mode = world, losses, mode
        self.deadline, self.workers, self.seed, self.listener = deadline, workers, seed, listener
        self.existing = losses.existing
        self.warnings: list[str] = []
        self.assumptions: list[str] = []
        self._told = 0.0

    def news(self, message: str, *, always: bool = False) -> None:
        """Tell what goes on, not too often."""
        now = self.deadline.seconds
        if self.listener is not None and (always or now - self._told > _TELL_S):
            self._told = now
            self.listener(Progress(now, "survive", None, None, None, message))

    def result(self, plan: Plan | None, recovery: bool, *, today: bool) -> Survival:
        view, plan, whose = self._placement(plan, today)
        if view is None:
            return self._nothing(whose)
        standing = Standing(self.world, view)
        self._judge_before(view)
        outcomes = self._static(standing) if self.mode == "static" else self._evacuations(standing)
        checked = len(outcomes)
        figures, said = availability_figures(view, self.deadline)
        self.assumptions += said
        planned = 0
        if recovery and self.mode == "evacuate":
            outcomes, planned = self._ways_back(plan, outcomes)
        outcomes.sort(key=_severity)
        settled = checked == self.existing and all(o.verdict != "open" for o in outcomes)
        if checked < self.existing:
            self.warnings.append(f"only {checked:,} of {self.existing:,} scenarios were checked in the time given")
        return Survival(
            status=Status.OPTIMAL if settled else Status.FEASIBLE if checked else Status.UNKNOWN,
            level=self.level,
            lose=self.lose,
            mode=self.mode,
            checked=checked,
            existing=self.existing,
            scenarios=outcomes,
            availability=figures,
            recovered_for=planned,
            placement=whose,
            assumptions=list(dict.fromkeys(self.assumptions)),
            warnings=list(dict.fromkeys(self.warnings)),
            seconds=self.deadline.seconds,
            interrupted=self.deadline.stop.is_set(),
        )

    def _nothing(self, whose: str) -> Survival:
        return Survival(
            Status.UNKNOWN,
            self.level,
            self.lose,
            self.mode,
            0,
            self.existing,
            placement=whose,
            warnings=self.warnings,
            seconds=self.deadline.seconds,
            interrupted=self.deadline.stop.is_set(),
        )

    # Where everybody is.

    def _placement(self, plan: Plan | None, today: bool) -> tuple[View | None, Plan | None, str]:
        if plan is not None:
            return view_of(self.world, plan), plan, "plan"
        running = sum(sum(unit.current.values()) for unit in self.world.units)
        wanted = sum(unit.count for unit in self.world.units)
        if today or (running and running == wanted):
            if running < wanted:
                self.warnings.append(f"{wanted - running:,} of {wanted:,} instances have no place today")
            return current_view(self.world), None, "current"
        from zonewright.solver.place import place

        if running:
            text = "looking at where `place` would put everybody; --today looks at what runs"
            self.warnings.append(f"{wanted - running:,} of {wanted:,} instances have no place today: {text}")
        self.news("placing everybody first", always=True)
        found = place(
            self.world,
            time_limit_s=max(0.1, PLACING_SHARE * self.deadline.left),
            workers=self.workers,
            seed=self.seed,
            progress=self.listener,
            stop=self.deadline.stop,
        )
        if found.plan is None:
            self.warnings.append("no placement was found to look at; give a plan")
            return None, None, "none"
        if found.plan.unplaced:
            missing = sum(entry.count for entry in found.plan.unplaced)
            self.warnings.append(f"not everybody can be placed: {missing:,} instances are left out of this")
        return view_of(self.world, found.plan), found.plan, "placed"

    def _judge_before(self, view: View) -> None:
        """Warn of what the placement breaks before any loss: that fails with every loss, too."""
        broken: dict[str, None] = {}
        for label, rule in all_rules(self.world):
            if rule.soft is None and rule.in_events and any(True for _ in rule.violations(view, label)):
                broken[label] = None
        if broken:
            names = ", ".join(broken)
            self.warnings.append(f"the placement breaks rules before anything is lost: {names}")

    # Static.

    def _static(self, standing: Standing) -> list[ScenarioOutcome]:
        counting = Counting(standing)
        found: list[ScenarioOutcome] = []
        for remains in counting.all_remains(iter(self.losses)):
            for k in range(len(remains.losses)):
                found.append(self._remaining(standing, counting, remains, k))
                if self.deadline.over:
                    return found
            self.news(f"{len(found):,} of {self.existing:,} losses")
        return found

    def _remaining(self, standing: Standing, counting: Counting, remains: Remains, k: int) -> ScenarioOutcome:
        loss, lost_g, fails_g = remains.losses[k], remains.lost_kg[k], remains.fails_kg[k]
        detailed = self.existing <= MOST_DETAILED
        shown = np.flatnonzero(((lost_g > 0) | fails_g) if detailed else fails_g)
        groups = [
            _group_outcome(standing, counting.groups[g], int(lost_g[g]), 0, self.mode, "") for g in shown.tolist()
        ]
        return ScenarioOutcome(
            lost=self._names(loss),
            verdict="fails" if bool(fails_g.any()) else "survives",
            displaced=int(lost_g.sum()),
            groups=groups,
            services=self._services(standing, groups, remains.down_kv[k].tolist(), counting),
            how="static",
        )

    def _services(
        self, standing: Standing, groups: Sequence[GroupOutcome], down_v: Sequence[bool], counting: Counting
    ) -> list[ServiceOutcome]:
        touched = {group.group for group in groups}
        found: list[ServiceOutcome] = []
        lacking = {g.group for g in groups if g.remaining < g.needed}
        for service, down in zip(self.world.estate.services, down_v, strict=True):
            if touched.isdisjoint(service.chain):
                continue
            by = [g for g in dict.fromkeys(service.chain) if g in lacking or counting.down_g[counting.number[g]]]
            found.append(ServiceOutcome(service.id, not down, tuple(by)))
        return found

    def _names(self, loss: Loss) -> tuple[str, ...]:
        return tuple(self.world.tree.nodes[node].id for node in loss.nodes)

    # Evacuate.

    def _evacuations(self, standing: Standing) -> list[ScenarioOutcome]:
        losses = list(self.losses)
        # Largest first: where time runs out, what was not looked at displaces least.
        losses.sort(key=lambda loss: -standing.displaced_count(loss))
        evacuator = Evacuator(standing, self.deadline, self.on_offer, self.workers, self.seed)
        counting = Counting(standing)
        until = self.deadline.seconds + EVACUATING_SHARE * self.deadline.left
        found: list[ScenarioOutcome] = []

        def over() -> bool:
            return self.deadline.over or self.deadline.seconds >= until

        def settled(loss: Loss, known: Settled) -> None:
            found.append(self._outcome(standing, counting, loss, known))
            self.news(f"{len(found):,} of {self.existing:,} losses")

        if len(losses) > FEW and evacuator.arrays(strict=True) is not None:
            # What everybody fits after is seen soon: the others share the time that is left.
            harder: list[Loss] = []
            for loss in losses:
                soon = None if over() else evacuator.settle_soon(loss)
                if soon is None:
                    harder.append(loss)
                else:
                    settled(loss, soon)
            losses = harder
        for k, loss in enumerate(losses):
            if over():
                break
            left = until - self.deadline.seconds
            settled(loss, evacuator.settle(loss, max(0.2, 3 * left / (len(losses) - k)) + 0.05 * left))
        return found

    def _outcome(self, standing: Standing, counting: Counting, loss: Loss, settled: Settled) -> ScenarioOutcome:
        units = self.world.units
        lost: dict[str, int] = {}
        back: dict[str, int] = {}
        why: dict[str, dict[str, int]] = {}
        for index, sites in settled.wanted.items():
            group = units[index].group
            lost[group] = lost.get(group, 0) + sum(sites.values())
            back[group] = back.get(group, 0) + sum(settled.arrivals.get(index, {}).values())
        for index, reasons in settled.hopeless.items():
            group = units[index].group
            lost[group] = lost.get(group, 0) + sum(reasons.values())
            for reason, count in reasons.items():
                of_group = why.setdefault(group, {})
                of_group[reason] = of_group.get(reason, 0) + count
        detailed = self.existing <= MOST_DETAILED
        groups: list[GroupOutcome] = []
        for group, count in lost.items():
            reason = "; ".join(f"{n} of it {text}" for text, n in why.get(group, {}).items())
            reason = "; ".join(part for part in (reason, settled.reasons.get(group, "")) if part)
            if detailed or back.get(group, 0) < count:
                groups.append(_group_outcome(standing, group, count, back.get(group, 0), self.mode, reason))
        lacking = {g.group for g in groups if g.remaining < g.needed}
        down_g = counting.down_g.copy()
        for group in lost:
            down_g[counting.number[group]] = group in lacking
        down_v = (counting.chain_vg @ down_g.astype(np.float32) > 0).tolist()
        return ScenarioOutcome(
            lost=self._names(loss),
            verdict=settled.verdict,
            displaced=sum(lost.values()),
            recovered=sum(back.values()),
            unrecoverable=sum(sum(reasons.values()) for reasons in settled.hopeless.values()),
            unplaced=dict(sorted(settled.missing.items(), reverse=True)),
            groups=groups,
            services=self._services(standing, groups, down_v, counting),
            binding=settled.binding,
            degraded=settled.degraded,
            witness=settled.witness,
            how=settled.how,
        )

    # The way back.

    def _ways_back(self, plan: Plan | None, outcomes: list[ScenarioOutcome]) -> tuple[list[ScenarioOutcome], int]:
        from zonewright.solver.survival.recovery import ways_back

        outcomes = sorted(outcomes, key=_severity)
        found, warnings = ways_back(
            self.world, plan, outcomes, self.deadline, workers=self.workers, seed=self.seed, news=self.news
        )
        self.warnings += warnings
        return found, sum(1 for outcome in found if outcome.recoveries is not None)


def _severity(outcome: ScenarioOutcome) -> tuple[object, ...]:
    """Return what sorts the severest first: failing, then by whom it loses and displaces."""
    rank = {"fails": 0, "open": 1, "survives": 2}[outcome.verdict]
    lost = outcome.unrecoverable + sum(outcome.unplaced.values()) + sum(group.short for group in outcome.groups)
    return rank, -lost, -outcome.displaced, outcome.lost


def _group_outcome(
    standing: Standing, group: str, lost: int, recovered: int, mode: Mode, reason: str
) -> GroupOutcome:
    placed, needed = standing.placed[group], standing.needed[group]
    remaining = placed - lost + recovered
    short = max(0, needed - remaining) if mode == "static" else lost - recovered
    state: State = "kept"
    if remaining < placed:
        state = "reduced" if remaining >= needed else "degraded" if remaining else "lost"
    if mode == "static" and short and not reason:
        reason = f"{remaining} remain, {needed} are needed"
    return GroupOutcome(group, placed, lost, remaining, needed, recovered, short, state, reason)


__all__ = ["InputError", "Mode", "replace", "survive"]
