"""Evacuations when they are needed: decide without them, look for a way in each, add those that have none.

A plan that is best without an evacuation, and in which the evacuation can be shown to work, is best with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from zonewright.models.rules import Survive, all_rules
from zonewright.models.world import World
from zonewright.solver.context import Context
from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.decode import Moved, Sites, layer_sites, unit_sites
from zonewright.solver.engines.exact import News, Outcome, StageProof, better_proof, solve_exact
from zonewright.solver.lowering.survive import evacuation_layers
from zonewright.solver.outages import Outage
from zonewright.solver.program import Program, Scene, lower
from zonewright.solver.rows import Ints

#: Below so many columns all evacuations at once are no trouble.
LAZY_COLUMNS = 3_000
#: Up to so many cells in all evacuations they are added together.
MOST_AT_ONCE = 200_000
#: For the first plan: a gap that is soon reached, and the share of the time for each attempt.
FIRST_GAP, FIRST_SHARE = 0.5, 0.12


@dataclass
class Shown:
    """A decision in which every evacuation works."""

    context: Context
    outcome: Outcome
    sites: Sites
    moved: Moved

    @property
    def start(self) -> Ints:
        """The solution, to go on from in a program with the same columns."""
        return self.outcome.x_j if self.outcome.x_j is not None else np.zeros(0, np.int64)


@dataclass
class LazyOutcome:
    """What the engine reached."""

    infeasible: bool
    shown: Shown | None


def solve_lazily(
    world: World,
    deadline: Deadline,
    *,
    partial: bool,
    workers: int,
    seed: int,
    news: News,
    warm: Callable[[Program], Ints | None],
    outages: tuple[Outage, ...] = (),
) -> LazyOutcome:
    """Solve with ever more evacuations until all of them work: first for any plan, then for the best."""
    run = _Run(world, deadline, partial, workers, seed, news, warm, outages)
    return run.solve()


class _Run:
    def __init__(
        self,
        world: World,
        deadline: Deadline,
        partial: bool,
        workers: int,
        seed: int,
        news: News,
        warm: Callable[[Program], Ints | None],
        outages: tuple[Outage, ...],
    ) -> None:
        self.world = world
        self.deadline = deadline
        self.partial = partial
        self.workers = workers
        self.seed = seed
        self.news = news
        self.warm = warm
        self.outages = outages
        self.scenes: list[Scene] = [(name, scenario) for name, scenario, _ in evacuation_layers(world)]
        self.active: list[Scene] = []
        self.best: Shown | None = None
        self.proofs: list[StageProof | None] = []

    def solve(self) -> LazyOutcome:
        for gap, share in ((FIRST_GAP, FIRST_SHARE), (0.0, 0.9)):
            program = self._lower(self.active)
            start = self.warm(program)
            if start is None and self.best is not None and len(self.best.start) == program.matrix.shape[1]:
                start = self.best.start
            suggest: dict[int, int] = {}
            while not self.deadline.over:
                outcome = self._decide(program, share, gap, start, suggest)
                if outcome.status == "infeasible":
                    return LazyOutcome(self.best is None, self.best)
                if outcome.x_j is None:
                    if share >= 1.0:
                        return LazyOutcome(False, self.best)
                    share = min(1.0, 2 * share)
                    continue
                missing = self._show(program, outcome)
                if not missing or self.deadline.over:
                    break
                words = f"{len(missing)} of {len(self.scenes)} evacuations do not work yet"
                self.news("exact", "", None, None, words)
                # Some that do not work mean that others stop working once these do: rather all, if they are few.
                few = len(self.scenes) * program.primary <= MOST_AT_ONCE
                self.active = list(self.scenes) if few else [*self.active, *missing]
                decided, x_j = program.context, outcome.x_j
                program = self._lower(self.active)
                start, suggest = None, dict(_same(decided, program.context, x_j))
            if self.best is not None and self.best.outcome.status == "optimal":
                break
        return LazyOutcome(False, self.best)

    def _lower(self, scenes: list[Scene]) -> Program:
        return lower(self.world, partial=self.partial, scenarios=scenes, outages=self.outages)

    def _decide(
        self, program: Program, share: float, gap: float, hint: Ints | None, suggest: dict[int, int]
    ) -> Outcome:
        return solve_exact(
            program,
            self.deadline,
            workers=self.workers,
            seed=self.seed,
            news=self.news,
            hint=hint,
            share=share,
            gap=gap,
            suggest=suggest,
        )

    def _show(self, program: Program, outcome: Outcome) -> list[Scene]:
        """Keep a decision in which every evacuation works; return those for which no way was found."""
        if outcome.x_j is None:
            return []
        kept = tuple(self.active) if len(self.active) < len(self.scenes) else None
        proofs = [replace(p, scenarios=kept) if p is not None else None for p in outcome.proofs]
        # What is proven with fewer evacuations holds with more.
        before = self.proofs or proofs
        self.proofs = [better_proof(a, b) for a, b in zip(before, proofs, strict=True)]
        ctx, x_j = program.context, outcome.x_j
        sites = unit_sites(ctx, x_j)
        moved = layer_sites(ctx, x_j, sites)
        missing: list[Scene] = []
        for scene in self.scenes:
            if scene in moved:
                continue
            if self.deadline.over:
                return [scene]
            after = self._way(ctx, x_j, scene, sites)
            if after is None:
                missing.append(scene)
            else:
                moved[scene] = after
        if not missing and (self.best is None or outcome.values <= self.best.outcome.values):
            best = [p if p is None or p.holds(outcome.values) else None for p in self.proofs]
            joined = [better_proof(a, b) for a, b in zip(best, proofs, strict=True)]
            self.best = Shown(ctx, replace(outcome, proofs=joined), sites, moved)
        return missing

    def _way(self, decided: Context, x_j: Ints, scene: Scene, sites: Sites) -> Sites | None:
        """Return where what one evacuation displaces goes, with the plan as it is decided; None if nowhere."""
        program = self._lower([scene])
        ctx = program.context
        matrix = program.matrix
        low_j, high_j = matrix.low_j.copy(), matrix.high_j.copy()
        for column, value in _same(decided, ctx, x_j):
            low_j[column] = high_j[column] = value
        model = Model(replace(matrix, low_j=low_j, high_j=high_j))
        answer = model.minimize(
            None,
            self.deadline,
            seconds=0.2 * self.deadline.left,
            workers=1,
            seed=self.seed,
            work=self.deadline.work_left,
        )
        if answer.x_j is None:
            return None
        return layer_sites(ctx, answer.x_j, sites)[scene]


def _same(decided: Context, ctx: Context, x_j: Ints) -> list[tuple[int, int]]:
    """Return the columns of another program of the same estate that stand for what was decided, with values."""
    found = [
        (column, int(x_j[decided.base.cells[c][place]]))
        for c, cells in enumerate(ctx.base.cells)
        for place, column in cells.items()
    ]
    found += [(column, int(x_j[decided.unplaced[c]])) for c, column in ctx.unplaced.items()]
    found += [(j, int(x_j[decided.balancer_columns[key]])) for key, j in ctx.balancer_columns.items()]
    return found


def applies(world: World, columns: int) -> bool:
    """Return whether evacuations are many, all of them must work, and only sites and balancers go with them.

    What an evacuation that is a wish leaves undone costs: it has to be weighed with everything else.
    """
    rules = [rule for _, rule in all_rules(world) if isinstance(rule, Survive) and rule.mode == "evacuate"]
    return columns > LAZY_COLUMNS and not world.vpcs and bool(rules) and all(r.soft is None for r in rules)
