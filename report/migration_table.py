"""A migration for people: what it does and what is proven, wave by wave, and what it costs others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from zonewright.models.migration import Migration
from zonewright.models.plan import GoalValue
from zonewright.report.amounts import share_text
from zonewright.report.check_table import print_bounds
from zonewright.report.clock import clock_text, minutes_text, span_text, spoken
from zonewright.report.console import lines, print_table
from zonewright.report.goals_table import print_goals
from zonewright.report.plan_table import STYLES
from zonewright.report.runbook_margins import changes_of, event_words, nothing_words, proof_words
from zonewright.report.waves import Line, waves_of

if TYPE_CHECKING:
    from zonewright.models import World
    from zonewright.models.executor import Execution
    from zonewright.solver import BoundFinding, MigrationResult

MOST_ROWS = 60
_MOST_PEAKS = 10
_SECONDS = ("late", "service", "downtime", "makespan")


def print_migration_result(
    console: Console, world: World, result: MigrationResult, saved: str | None, runbook: str | None
) -> None:
    """Print the outcome of `migrate`."""
    _headline(console, world, result)
    if result.migration is None or result.clash:
        console.print()
    rows = [(c.rule, c.label, c.group, c.domain, c.text) for c in result.clash]
    print_table(console, "These cannot all hold", ["rule", "label", "group", "domain", "in words"], rows)
    lines(console, "No order: what waits for what", result.blocked)
    migration = result.migration
    if migration is None:
        print_goals(console, world, result.objective)
    else:
        print_migration(console, world, migration)
    if saved is not None:
        console.print(Text(f"plan saved in {saved}"), soft_wrap=True)
    if runbook is not None:
        console.print(Text(f"runbook saved in {runbook}"), soft_wrap=True)


def _headline(console: Console, world: World, result: MigrationResult) -> None:
    status = result.status.value
    first = Text.assemble((world.estate.estate, "bold"), ": ", (status, STYLES.get(status, "bold")))
    migration = result.migration
    if migration is not None:
        if migration.target is not None and status in ("OPTIMAL", "FEASIBLE"):
            first.append(f", gap {share_text(migration.target.gap)}")
        order = migration.order_status.value
        first.append_text(Text.assemble(", order ", (order, STYLES.get(order, "bold"))))
    first.append(f", {result.seconds:.2f} s")
    if result.engine:
        first.append(f", by {result.engine}")
    if result.interrupted:
        first.append(", interrupted")
    if result.reason:
        first.append(f", reason: {result.reason}")
    console.print(first, soft_wrap=True)


def print_migration(console: Console, world: World, migration: Migration) -> None:
    """Print a migration: figures, goals, waves, losses, changes, degraded rules, assumptions."""
    lost = sum(loss.count for loss in migration.losses)
    counts = [
        f"moves {migration.moves:,} ({proof_words(migration)})",
        f"recoveries {migration.recoveries:,}",
        *([f"takeovers {migration.takeovers:,}"] if migration.takeovers else []),
        *([f"extra moves over a third host {migration.bypasses:,}"] if migration.bypasses else []),
        f"lost {lost:,}",
    ]
    console.print(Text(f"{event_words(migration)}: {', '.join(counts)}"), soft_wrap=True)
    end = clock_text(migration.starts_at, migration.makespan_s)
    if migration.steps:
        words = f"done {spoken(migration.makespan_s)} after the start"
        console.print(Text(words + (f", at {end}" if end else "")), soft_wrap=True)
    else:
        console.print(Text(nothing_words(migration)), soft_wrap=True)
    console.print()
    print_goals(console, world, migration.objective)
    _order(console, migration.order)
    _waves(console, migration)
    rows = [
        (loss.group, loss.count, loss.priority, loss.reason, loss.message, ", ".join(loss.instances))
        for loss in sorted(migration.losses, key=lambda entry: (-entry.priority, entry.group))
    ]
    print_table(
        console, "Lost", ["group", "count>", "priority>", "reason", "in words", "instances"], rows, MOST_ROWS
    )
    changed = [(c.what, c.of, c.count, c.before or "?", c.after or "?") for c in changes_of(migration)]
    title = "Changes for names, firewalls and clients"
    print_table(console, title, ["what", "of", "count>", "before", "after"], changed, MOST_ROWS)
    degraded = [(entry.rule, entry.group, entry.message) for entry in migration.degraded]
    print_table(console, "Rules that do not hold afterwards", ["rule", "group", "in words"], degraded)
    print_table(console, "Gain against moves", ["moves>", "value>"], migration.curve)
    lines(console, "Assumptions this hinges on", migration.assumptions)


def _order(console: Console, goals: Sequence[GoalValue]) -> None:
    def value(goal: GoalValue, amount: int | None) -> str | None:
        if amount is None:
            return None
        return span_text(amount) if goal.goal == "makespan" else f"{amount:,}"

    rows = [
        (
            goal.goal,
            value(goal, goal.value),
            value(goal, goal.bound),
            share_text(_gap(goal)) if goal.bound is not None else "not proven",
            "instance-seconds" if goal.goal.partition(":")[0] in _SECONDS[:3] else None,
        )
        for goal in goals
    ]
    print_table(console, "Order", ["goal", "value>", "bound>", "gap>", "unit"], rows)


def _gap(goal: GoalValue) -> float:
    return 0.0 if goal.closed else (goal.value - (goal.bound or 0)) / max(1, abs(goal.value))


def _waves(console: Console, migration: Migration) -> None:
    rows: list[Sequence[object]] = []
    moving = 0
    for wave in waves_of(migration):
        for number, line in enumerate(wave.lines):
            moving += line.count if line.action.group is not None and not line.continued else 0
            rows.append(_row(wave.number if number == 0 else None, line))
    columns = ["wave>", "start>", "end>", "what", "group", "count>", "from", "to", "recipe", "away>", "data lost>"]
    print_table(console, "Waves", columns, rows, MOST_ROWS)
    if len(rows) > MOST_ROWS:
        console.print(Text(f"{moving:,} instances in all; --runbook lists every step, --json too.\n"))


def _row(wave: int | None, line: Line) -> tuple[object, ...]:
    action = line.action
    named = line.instances
    things = dict.fromkeys(step.thing for step in line.steps[0] if step.thing is not None)
    who = named[0] if len(named) == line.count == 1 else action.group
    target = f"{action.target} ({action.takes_over})" if action.takes_over else action.target
    lost = action.data_loss_minutes
    return (
        wave,
        span_text(line.start_s),
        span_text(line.end_s),
        f"{action.kind}, goes on" if line.continued else action.kind,
        who if who is not None else ", ".join(things),
        line.count if action.group is not None else None,
        action.source,
        target,
        action.recipe,
        span_text(action.downtime_s) if action.group is not None else None,
        minutes_text(lost) if lost else None,
    )


def print_migration_check(
    console: Console,
    world: World,
    migration: Migration,
    execution: Execution,
    bounds: Sequence[BoundFinding] | None,
) -> None:
    """Print what the executor found; `bounds` are the findings on the bounds, None where not asked."""
    verdict = ("valid", "bold green") if execution.valid else ("not valid", "bold red")
    first = Text.assemble((world.estate.estate, "bold"), ": the migration is ", verdict)
    first.append(f", {len(execution.violations):,} faults")
    if execution.claims:
        first.append(f", {len(execution.claims):,} untrue claims")
    lost = sum(loss.count for loss in migration.losses)
    if lost:
        first.append(f", {lost:,} instances lost")
    console.print(first, soft_wrap=True)
    console.print()
    rows = [
        (
            None if breach.second is None else span_text(breach.second),
            breach.fault.value,
            breach.step or breach.action,
            breach.group,
            breach.domain,
            breach.amount,
            breach.message,
        )
        for breach in execution.violations
    ]
    columns = ["at>", "fault", "step", "group", "domain", "amount>", "message"]
    print_table(console, "Broken", columns, rows, MOST_ROWS)
    lines(console, "The migration says what is not so", execution.claims)
    _played(console, execution)
    lines(console, "Rules judged at the end only", execution.not_watched)
    if bounds is not None:
        print_bounds(console, bounds, world.estate.currency)


def _played(console: Console, execution: Execution) -> None:
    figures = execution.figures
    counted = [
        ("moves of running instances", f"{figures.moves:,}"),
        ("extra moves over a third host", f"{figures.bypasses:,}"),
        ("recoveries", f"{figures.recoveries:,}"),
        ("takeovers", f"{figures.takeovers:,}"),
        ("first starts", f"{figures.starts:,}"),
        ("longest time that a service is away", spoken(max(figures.downtime_s.values(), default=0))),
        ("data lost at most", spoken(round(60 * max(figures.data_loss_minutes.values(), default=0.0)))),
        *(
            (f"all of priority {level} serve again", span_text(at))
            for level, at in sorted(figures.back_s.items())[::-1]
        ),
        ("end", span_text(figures.makespan_s)),
    ]
    print_table(console, "Played through", ["", ">"], counted)
    fullest = sorted(figures.peaks, key=lambda peak: -peak.used / max(1, peak.limit))[:_MOST_PEAKS]
    rows = [(p.domain, p.what, p.used, p.limit, f"{p.used / max(1, p.limit):.0%}") for p in fullest]
    print_table(console, "Fullest on the way", ["domain", "what", "used>", "limit>", "share>"], rows)
