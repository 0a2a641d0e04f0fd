"""`zonewright place`: find where everything goes."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zonewright.cli.boundary import guarded, say, warn
from zonewright.cli.editing import Edits, NewZones, Scale, edited
from zonewright.cli.exits import Exit
from zonewright.cli.options import Json, Seed, TimeLimit, Workers
from zonewright.cli.saving import file_name, writable

if TYPE_CHECKING:
    from zonewright.models import Plan, World
    from zonewright.solver.result import Listener, Result


@guarded
def place(
    estate: Annotated[str, typer.Argument(metavar="ESTATE", help="A YAML or JSON file, or a shipped estate.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PLAN.json", help="Save the plan in this file.")
    ] = None,
    time_limit: TimeLimit = 60.0,
    workers: Workers = None,
    seed: Seed = 0,
    work_limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Stop after so much work: with one worker the same plan on every machine.",
        ),
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="Accept a plan that leaves some out.")] = False,
    hint: Annotated[
        Path | None, typer.Option(metavar="PLAN.json", help="Begin from this plan.", show_default=False)
    ] = None,
    edits: Edits = None,
    add_zone: NewZones = None,
    scale: Scale = None,
    json_: Json = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No table, no progress, no warnings: the plan file and errors."),
    ] = False,
) -> Exit:
    """Place every instance of ESTATE, and prove how good the plan is.

    The plan is printed as a table; [bold]-o[/bold] saves it for `check`. Progress goes to stderr. Ctrl-C once
    keeps the best plan so far (in PLAN.json, or NAME.plan.json), twice leaves at once.

    [bold]Examples[/bold]

      zonewright place shop-guangzhou

      zonewright place estate.yaml -o plan.json --time-limit 120

      zonewright place estate.json --json --quiet | jq .objective

      zonewright place estate.yaml --set zones.south.state=failed

      zonewright place estate.yaml --seed 7 --workers 1 --work-limit 1000000

    [bold]Exit codes[/bold]: 0 all placed · 1 bad input · 2 wrong usage · 3 proven impossible (the rules that
    clash are named, the largest partial plan is saved) · 4 nothing found in time · 5 something left out
    (with --partial) · 130 interrupted
    """
    from zonewright.cli.source import read_plan, read_world

    began = time.monotonic()
    writable(output)
    world = edited(read_world(estate), edits, add_zone, scale)
    begin_with = None
    if hint is not None:
        from zonewright.models.files import located
        from zonewright.models.placing import view_of

        begin_with, document = read_plan(hint)
        with located(document):
            view_of(world, begin_with)  # What it names must be there.
    read_s = time.monotonic() - began
    left_s = max(0.05, time_limit - read_s)  # of which the solver keeps back what writing takes
    result = _solve(world, left_s, workers, seed, work_limit, partial, begin_with, quiet)
    saved, fault = _save(world, result, output)
    _show(world, result, saved, json_=json_, quiet=quiet)
    if fault is not None:
        raise fault
    return _exit_code(result)


def _solve(
    world: World,
    time_limit_s: float,
    workers: int | None,
    seed: int,
    work_limit: int | None,
    partial: bool,
    hint: Plan | None,
    quiet: bool,
) -> Result:
    from zonewright import solver
    from zonewright.cli.background import solved

    def work(progress: Listener, stop: threading.Event) -> Result:
        return solver.place(
            world,
            time_limit_s=time_limit_s,
            workers=workers,
            seed=seed,
            work_limit=work_limit,
            partial=partial,
            hint=hint,
            progress=progress,
            stop=stop,
        )

    return solved(work, world.estate.currency, quiet=quiet)


def _save(world: World, result: Result, output: Path | None) -> tuple[str | None, Exception | None]:
    """Save the plan where that was asked, or where it would be lost; return where, and what went wrong."""
    from zonewright.models import InputError, save_plan

    if result.plan is None:
        return None, None
    target = output
    if target is None and result.interrupted:
        target = Path(f"{file_name(world)}.plan.json")
    elif target is None and result.status.value not in ("OPTIMAL", "FEASIBLE"):
        target = Path(f"{file_name(world)}.partial.plan.json")
    if target is None:
        return None, None
    try:
        save_plan(result.plan, target)
    except InputError as error:
        return None, error
    return str(target), None


def _show(world: World, result: Result, saved: str | None, *, json_: bool, quiet: bool) -> None:
    if not quiet:
        warn([*world.warnings, *result.warnings])
        if result.interrupted:
            say(f"interrupted; best plan saved in {saved}" if saved else "interrupted; nothing was found yet")
    if json_:
        from zonewright.report.documents import print_document, result_document

        print_document(result_document(world, result, saved))
    elif not quiet:
        from zonewright.report.console import stdout_console
        from zonewright.report.plan_table import print_result

        print_result(stdout_console(), world, result, saved)


def _exit_code(result: Result) -> Exit:
    if result.interrupted:
        return Exit.INTERRUPTED
    if result.status.value == "INFEASIBLE":
        return Exit.IMPOSSIBLE
    if result.status.value == "UNKNOWN" or result.plan is None:
        return Exit.NOTHING_FOUND
    return Exit.FINDINGS if result.plan.unplaced else Exit.DONE
