"""What happens to an estate: planned by library and command, played by the executor, written as a runbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.command import run
from zonewright.models import Plan, World, load_world
from zonewright.models.executor import Execution, execute
from zonewright.models.migration import Action, Migration, Step
from zonewright.models.migration_files import load_migration
from zonewright.models.operations import Operation
from zonewright.solver import plan_migration

HERE = Path(__file__).parent
#: What each kind is called in the executor's figures.
_FIGURES = {"move": "moves", "bypass": "bypasses", "recovery": "recoveries", "takeover": "takeovers"}


@dataclass(frozen=True)
class Show:
    """One estate and what came of it."""

    estate: Path
    plan: Path
    world: World
    migration: Migration
    execution: Execution
    runbook: str
    out: str
    err: str
    code: int

    def actions(
        self, kind: str | None = None, *, recipe: str | None = None, group: str | None = None
    ) -> list[Action]:
        """Return the actions of a kind, a recipe, a group."""
        return [
            action
            for action in self.migration.actions
            if kind in (None, action.kind) and recipe in (None, action.recipe) and group in (None, action.group)
        ]

    def one(self, **wanted: str) -> Action:
        """Return the only action that is so."""
        (found,) = self.actions(**wanted)
        return found

    def does(self, action: Action) -> list[str]:
        """Return what an action does, in order."""
        return [step.do.value for step in self.migration.steps if step.action == action.id]

    def step(self, action: Action, do: str) -> Step:
        """Return the only step of an action that does something."""
        (found,) = [s for s in self.migration.steps if s.action == action.id and s.do.value == do]
        return found

    def moved(self) -> set[tuple[str, int, str | None, str | None]]:
        """Return (instance or group, count, source, target) of whatever changes its place."""
        counts: dict[tuple[str, str | None, str | None], int] = {}
        for action in self.migration.actions:
            if action.group is not None:
                who = action.instances[0] if action.instances else action.group
                key = (who, action.source, action.target)
                counts[key] = counts.get(key, 0) + action.count
        return {(who, count, source, target) for (who, source, target), count in counts.items()}

    def lost(self) -> set[tuple[str, int, str]]:
        """Return (group, count, reason) of the losses."""
        return {(loss.group, loss.count, loss.reason) for loss in self.migration.losses}

    def changed(self, action: Action) -> set[str]:
        """Return what of the instances of an action changes."""
        return {change.what for change in action.changes}


def play(folder: Path, estate: Path, *options: str, target: Plan | None = None) -> Show:
    """Plan an event with command and library; hold plan, runbook and executor against each other."""
    plan, book = folder / f"{estate.stem}.plan.json", folder / f"{estate.stem}.md"
    outcome = run("migrate", estate, *options, "--workers", 1, "-o", plan, "--runbook", book)
    assert outcome.code in (0, 5), outcome.err
    world, migration = load_world(estate), load_migration(plan)
    again = plan_migration(world, event=migration.event, target=target, workers=1)
    assert again.migration == migration, "the library plans what the command does"
    execution = execute(world, migration)
    assert execution.valid, [*execution.violations, *execution.claims]
    judged = run("check", estate, plan)
    assert judged.code == outcome.code == (5 if migration.losses else 0), judged.err
    show = Show(
        estate, plan, world, migration, execution, book.read_text(), outcome.out, outcome.err, outcome.code
    )
    _agree(show)
    return show


def _agree(show: Show) -> None:
    """The executor counts what the plan says, and the runbook says everything that is in the plan."""
    migration, figures = show.migration, show.execution.figures
    for kind, field in _FIGURES.items():
        assert getattr(figures, field) == sum(a.count for a in migration.actions if a.kind == kind)
    assert figures.makespan_s == max((step.end_s for step in migration.steps), default=0)
    for action in migration.actions:
        assert figures.downtime_s.get(action.id, 0) == action.downtime_s
        if action.data_loss_minutes:
            assert figures.data_loss_minutes[action.id] == action.data_loss_minutes
    texts = [loss.message for loss in migration.losses]
    texts += [entry.message for entry in migration.degraded]
    texts += [text for a in migration.actions for c in a.changes for text in (c.of, c.before, c.after) if text]
    texts += [*migration.warnings, *migration.assumptions]
    texts += [step.command for step in _single(migration.steps) if step.command]
    flat = show.runbook.replace("\\", "")
    for text in texts:
        assert text.replace("\\", "") in flat, text
    for step in migration.steps:
        assert step.id in flat or step.action in flat


def _single(steps: Sequence[Step]) -> list[Step]:
    """Return the steps that are no fences: these stand once for several."""
    return [step for step in steps if step.do is not Operation.FENCE_ORIGINAL]
