"""`zonewright migrate`: plan what moves where after an event, in which order, by which steps."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zonewright.cli.boundary import guarded, say, seconds, warn
from zonewright.cli.exits import Exit
from zonewright.cli.saving import file_name, writable

if TYPE_CHECKING:
    from zonewright.models import Estate, Plan, World
    from zonewright.models.events import Event
    from zonewright.models.migration import Migration
    from zonewright.solver.migrate.plan import MigrationResult
    from zonewright.solver.result import Listener


_EVENT = "What happened, or is wanted"
_LIMITS = "How far to go"
_RESUME = "In the middle of a migration"
_OUTPUT = "Output"
_EFFORT = "Effort"


@guarded
def migrate(
    estate: Annotated[str, typer.Argument(metavar="ESTATE", help="A YAML or JSON file, or a shipped estate.")],
    fail: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DOMAIN",
            help="Gone: a region, zone, rack or host. May be repeated, as below.",
            rich_help_panel=_EVENT,
        ),
    ] = None,
    suspect: Annotated[
        list[str] | None,
        typer.Option(metavar="DOMAIN", help="Runs, and is not trusted: left at once.", rich_help_panel=_EVENT),
    ] = None,
    drain: Annotated[
        list[str] | None,
        typer.Option(metavar="DOMAIN", help="Runs, and is to be left, for maintenance.", rich_help_panel=_EVENT),
    ] = None,
    restore: Annotated[
        list[str] | None,
        typer.Option(metavar="DOMAIN", help="Back again: what was taken away may return.", rich_help_panel=_EVENT),
    ] = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Mend every rule that is broken today.", rich_help_panel=_EVENT)
    ] = False,
    strictly: Annotated[
        bool,
        typer.Option(
            "--strictly",
            help="With --mend: every hard rule has to hold afterwards.",
            rich_help_panel=_EVENT,
        ),
    ] = False,
    rebalance: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="No host (or zone) to be loaded above this share.",
            rich_help_panel=_EVENT,
        ),
    ] = None,
    consolidate: Annotated[
        bool, typer.Option("--consolidate", help="Free whole hosts, to switch them off.", rich_help_panel=_EVENT)
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(metavar="PLAN.json", help="Go to this plan.", show_default=False, rich_help_panel=_EVENT),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="MIGRATION.json",
            help="Plan the rest of this migration, of which some steps are done.",
            show_default=False,
            rich_help_panel=_RESUME,
        ),
    ] = None,
    done: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP,...",
            help="With --resume: what is done. Steps, actions, wave:N, all, or @FILE with one per line.",
            rich_help_panel=_RESUME,
        ),
    ] = None,
    done_until: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="With --resume: all that was to end by then is done.",
            rich_help_panel=_RESUME,
        ),
    ] = None,
    failed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP,...",
            help="With --resume: steps that did not work, as with --done.",
            rich_help_panel=_RESUME,
        ),
    ] = None,
    save_estate: Annotated[
        Path | None,
        typer.Option(
            metavar="ESTATE.json",
            help="With --resume: save the estate as it stands now, for `check` and the next --resume.",
            show_default=False,
            rich_help_panel=_RESUME,
        ),
    ] = None,
    max_moves: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=10**8,
            metavar="N",
            help="Move no more running instances than this.",
            rich_help_panel=_LIMITS,
        ),
    ] = None,
    min_gain: Annotated[
        float,
        typer.Option(
            min=0,
            max=1e12,
            metavar="GAIN",
            help="Leave out moves that gain less than this each.",
            rich_help_panel=_LIMITS,
        ),
    ] = 0.0,
    cooldown: Annotated[
        float,
        typer.Option(
            min=0,
            max=10_000,
            metavar="HOURS",
            help="What moved less than this ago stays.",
            rich_help_panel=_LIMITS,
        ),
    ] = 0.0,
    curve: Annotated[
        bool,
        typer.Option("--curve", help="Say what fewer moves would reach, too.", rich_help_panel=_LIMITS),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="MIGRATION.json",
            help="Save the migration in this file.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    runbook: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.md",
            help="Write every step down for people, in Markdown; the migration is saved too.",
            show_default=False,
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    time_limit: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            callback=seconds,
            help="For everything: reading, solving, writing.",
            rich_help_panel=_EFFORT,
        ),
    ] = 60.0,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=1024, metavar="N", help="Threads.", show_default="all cores", rich_help_panel=_EFFORT
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(min=0, max=2**31 - 1, metavar="N", help="For whatever is random.", rich_help_panel=_EFFORT),
    ] = 0,
    work_limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Stop after so much work: with one worker the same plan on every machine.",
            rich_help_panel=_EFFORT,
        ),
    ] = None,
    json_: Annotated[
        bool, typer.Option("--json", help="One JSON document on stdout, for programs.", rich_help_panel=_OUTPUT)
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="No table, no progress, no warnings: the files and errors.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
) -> Exit:
    """Plan what moves where after an event, as little as possible, in order, with proof.

    Say what happened, or what is wanted: one of --fail, --suspect, --drain, --restore, --mend, --rebalance,
    --consolidate and --to, or several together. Whoever has lost his place is recovered, as far as copies,
    images and room allow; whoever need not move stays. The waves are printed as a table;
    [bold]-o[/bold] saves every step for `check`, [bold]--runbook[/bold] writes them down for people. Progress
    goes to stderr. Ctrl-C once keeps the best so far (in MIGRATION.json, or NAME.migration.json), twice leaves
    at once.

    [bold]Examples[/bold]

      zonewright migrate shop-guangzhou --fail ap-guangzhou-1 -o plan.json --runbook plan.md

      zonewright migrate estate.yaml --drain host-17 --drain host-18 --max-moves 200

      zonewright migrate estate.yaml --rebalance 0.8 --min-gain 1000 --cooldown 24

      zonewright migrate estate.yaml --restore zone-b --json --quiet | jq .moves

      zonewright migrate estate.yaml --resume plan.json --done wave:1,move-7 --failed move-8.start -o rest.json
      --save-estate now.json

    [bold]Exit codes[/bold]: 0 planned, or nothing to change · 1 bad input · 2 wrong usage · 3 proven impossible
    (reason no_placement, with the rules that clash, or no_order, with what waits for what) · 4 nothing found in
    time · 5 planned, and something is lost · 130 interrupted
    """
    from zonewright.cli.source import read_world

    began = time.monotonic()
    for file in (output, runbook, save_estate):
        writable(file)
    wanted = {
        "fail": fail or [],
        "suspect": suspect or [],
        "drain": drain or [],
        "restore": restore or [],
        "mend": mend,
        "strictly": strictly,
        "rebalance": rebalance,
        "consolidate": consolidate,
        "to": to is not None,
    }
    limits = {"max_moves": max_moves, "min_gain": min_gain, "cooldown_hours": cooldown}
    if resume is None:
        if not _asked(wanted):
            raise typer.BadParameter(
                "say what happened or what is wanted: --fail, --suspect, --drain, --restore, --mend, --rebalance,"
                " --consolidate, --to or --resume"
            )
        if done or failed or done_until is not None or save_estate is not None:
            raise typer.BadParameter("--done, --done-until, --failed and --save-estate go with --resume")
    elif _asked(wanted):
        raise typer.BadParameter("--resume goes on with its own event: say nothing else that happened")
    world = read_world(estate)
    if resume is None:
        event = _event({**wanted, **limits}, world)
        target = _target(world, to, quiet) if to is not None else None
    else:
        rest = _rest(world, resume, _listed(done), done_until, _listed(failed))
        world, event, target = rest.world, rest.event, rest.target
        if save_estate is not None:
            from zonewright.instances.writing import save_estate as save

            save(world.estate, save_estate)
    left_s = max(0.05, time_limit - (time.monotonic() - began))
    options = {"workers": workers, "seed": seed, "work_limit": work_limit, "curve": curve}
    result = _solve(world, event, target, left_s, options, quiet)
    saved, written, fault = _save(world, result, str(save_estate or estate), output, runbook)
    _show(world, result, saved, written, json_=json_, quiet=quiet)
    if fault is not None:
        raise fault
    return _exit_code(result)


def _asked(wanted: dict[str, Any]) -> bool:
    return any(value is not None and value is not False and value != [] for value in wanted.values())


def _event(fields: dict[str, Any], world: World) -> Event:
    """Build an event from options; raises InputError that names the option."""
    from zonewright.models.document import Document
    from zonewright.models.events import Event
    from zonewright.models.problems import InputError, maybe
    from zonewright.models.reading import validate

    for option in ("fail", "suspect", "drain", "restore"):
        for name in fields[option]:
            if name not in world.tree.by_id:
                raise InputError(f"unknown domain {name}.{maybe(name, world.tree.by_id)}", source=f"--{option}")
    return validate(Event, Document(fields, None, None))


def _target(world: World, path: Path, quiet: bool) -> Plan:
    """Read the plan to go to; what it names must be there."""
    from zonewright.cli.source import read_plan
    from zonewright.models.files import located
    from zonewright.models.placing import view_of

    plan, document = read_plan(path)
    with located(document):
        view_of(world, plan)
    if plan.estate_fingerprint and plan.estate_fingerprint != world.estate.fingerprint and not quiet:
        warn([f"{path} was made for another state of the estate (fingerprints differ)"])
    return plan


@dataclass(frozen=True)
class _Rest:
    """What is left of a migration: the estate as it stands, the event, the plan to go to where one was given."""

    world: World
    event: Event
    target: Plan | None


def _listed(entries: list[str] | None) -> list[str]:
    """Return names given with commas, in several options, or in files."""
    from zonewright.models.problems import InputError

    found: list[str] = []
    for entry in entries or []:
        if entry.startswith("@"):
            path = Path(entry[1:])
            try:
                text = path.read_text("utf-8")
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "is no UTF-8 text"
                raise InputError(f"cannot be read: {reason}", source=str(path)) from None
            found += [line.strip() for line in text.splitlines() if line.strip()]
        else:
            found += [name.strip() for name in entry.split(",") if name.strip()]
    return found


def _rest(world: World, path: Path, done: list[str], until: int | None, failed: list[str]) -> _Rest:
    """Return what is left of a migration after some of its steps. Raises InputError where it is stale."""
    from zonewright.cli.source import read_migration
    from zonewright.models import World
    from zonewright.models.executor import estate_after
    from zonewright.models.files import located
    from zonewright.models.problems import InputError

    migration, document = read_migration(path)
    if migration.estate_fingerprint != world.estate.fingerprint:
        what = "was made for another state of the estate (fingerprints differ): give the estate it was made for"
        raise InputError(what, source=document.source)
    over = _steps(migration, done, "--done")
    if until is not None:
        over |= {step.id for step in migration.steps if step.end_s <= until}
    wrong = _steps(migration, failed, "--failed")
    if not done and over & wrong:
        over -= wrong  # --done-until is about the clock, --failed about what was seen.
    if over & wrong:
        raise InputError(f"{min(over & wrong)} cannot be done and failed", source="--failed")
    event = migration.event
    with located(document):
        now = World(_marked(world, estate_after(world, migration, over, failed=wrong), event))
    if event.max_moves is not None:
        left = max(0, event.max_moves - _moved(world, now, event))
        event = event.model_copy(update={"max_moves": left})
    return _Rest(now, event, migration.target if event.to else None)


def _marked(before: World, now: Estate, event: Event) -> Estate:
    """Return an estate with what has happened in it, so that it says by itself what is failed or to be left."""
    from zonewright.models.aftermath import aftermath

    incidents = {name: what for name, what in now.incidents.items() if name not in event.restore}
    update: dict[str, Any] = {"incidents": incidents | event.incidents}
    if event.restore:
        restored = aftermath(before, event).estate
        for section in ("regions", "zones", "racks", "hosts", "domains"):
            update[section] = getattr(restored, section)
    return now.model_copy(update=update)


def _steps(migration: Migration, names: list[str], option: str) -> set[str]:
    """Return the steps that names stand for: a step, all of an action, `wave:N` or `all`."""
    from zonewright.models.problems import InputError, maybe

    of_name: dict[str, set[str]] = {"all": set()}
    for step in migration.steps:
        for name in (step.id, step.action, f"wave:{step.wave}", "all"):
            of_name.setdefault(name, set()).add(step.id)
    found: set[str] = set()
    for name in names:
        if name not in of_name:
            raise InputError(
                f"the migration has no step, action or wave {name}.{maybe(name, of_name)}", source=option
            )
        found |= of_name[name]
    return found


def _moved(before: World, now: World, event: Event) -> int:
    """Return how many running instances have changed their site already."""
    from zonewright.models.aftermath import aftermath

    dead = aftermath(before, event).dead
    current = {(unit.group, unit.name): unit.current for unit in now.units}
    return sum(
        max(0, count - current.get((unit.group, unit.name), {}).get(site, 0))
        for unit in before.units
        for site, count in unit.current.items()
        if site not in dead
    )


def _solve(
    world: World, event: Event, target: Plan | None, time_limit_s: float, options: dict[str, Any], quiet: bool
) -> MigrationResult:
    from zonewright import solver
    from zonewright.cli.background import solved

    def work(progress: Listener, stop: threading.Event) -> MigrationResult:
        return solver.plan_migration(
            world,
            event=event,
            target=target,
            time_limit_s=time_limit_s,
            progress=progress,
            stop=stop,
            **options,
        )

    return solved(work, world.estate.currency, quiet=quiet)


def _save(
    world: World, result: MigrationResult, estate: str, output: Path | None, runbook: Path | None
) -> tuple[str | None, str | None, Exception | None]:
    """Save migration and runbook, if asked or if they would be lost; return where, and what went wrong."""
    from zonewright.models.files import write_whole
    from zonewright.models.migration_files import save_migration
    from zonewright.models.problems import InputError
    from zonewright.report.runbook import runbook_text

    migration = result.migration
    if migration is None:
        return None, None, None
    target = output
    if target is None and (result.interrupted or runbook is not None):
        target = Path(f"{file_name(world)}.migration.json")
    saved = written = None
    try:
        if target is not None:
            save_migration(migration, target)
            saved = str(target)
        if runbook is not None:
            text = runbook_text(world, migration, estate_file=estate, plan_file=str(target))
            write_whole(text, runbook)
            written = str(runbook)
    except InputError as error:
        return saved, written, error
    return saved, written, None


def _show(
    world: World,
    result: MigrationResult,
    saved: str | None,
    runbook: str | None,
    *,
    json_: bool,
    quiet: bool,
) -> None:
    if not quiet:
        warn([*world.warnings, *result.warnings])
        if result.interrupted:
            say(f"interrupted; best plan saved in {saved}" if saved else "interrupted; nothing was found yet")
    if json_:
        from zonewright.report.documents import print_document
        from zonewright.report.migration_documents import migration_document

        print_document(migration_document(world, result, saved, runbook))
    elif not quiet:
        from zonewright.report.console import stdout_console
        from zonewright.report.migration_table import print_migration_result

        print_migration_result(stdout_console(), world, result, saved, runbook)


def _exit_code(result: MigrationResult) -> Exit:
    if result.interrupted:
        return Exit.INTERRUPTED
    if result.status.value == "INFEASIBLE":
        return Exit.IMPOSSIBLE
    if result.status.value == "UNKNOWN" or result.migration is None:
        return Exit.NOTHING_FOUND
    return Exit.FINDINGS if result.migration.losses else Exit.DONE
