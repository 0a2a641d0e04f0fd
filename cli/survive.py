"""`zonewright survive`: what every loss of a zone, rack or host leaves."""

from __future__ import annotations

import threading
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zonewright.cli.boundary import guarded, say, warn
from zonewright.cli.editing import Edits, NewZones, Scale, edited
from zonewright.cli.exits import Exit
from zonewright.cli.options import Json, Seed, TimeLimit, Workers
from zonewright.cli.saving import writable

if TYPE_CHECKING:
    from zonewright.models import Plan, World
    from zonewright.solver.result import Listener
    from zonewright.solver.survival.result import Survival


class Mode(StrEnum):
    """How a loss is to be survived."""

    STATIC = "static"
    EVACUATE = "evacuate"


@guarded
def survive(
    estate: Annotated[str, typer.Argument(metavar="ESTATE", help="A YAML or JSON file, or a shipped estate.")],
    plan: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PLAN.json]",
            help="Where everybody is; without it where they are today, or where `place` puts them.",
            show_default=False,
        ),
    ] = None,
    level: Annotated[
        str,
        typer.Option(
            metavar="LEVEL", help="What is lost: zone, rack, host, any level of the estate, or two: zone+host."
        ),
    ] = "zone",
    lose: Annotated[int, typer.Option(min=1, max=3, metavar="K", help="How many of them at once.")] = 1,
    mode: Annotated[
        Mode,
        typer.Option(help="Whether what is lost is started again elsewhere, or what remains has to do."),
    ] = Mode.EVACUATE,
    on_offer: Annotated[bool, typer.Option("--on-offer", help="Count stock that is only on offer, too.")] = False,
    today: Annotated[
        bool, typer.Option("--today", help="Look at what runs today, even if not everybody does.")
    ] = False,
    no_recovery: Annotated[
        bool, typer.Option("--no-recovery", help="Do not plan the ways back: no moves, no times.")
    ] = False,
    edits: Edits = None,
    add_zone: NewZones = None,
    scale: Scale = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.json", help="Save the JSON document here.")
    ] = None,
    time_limit: TimeLimit = 60.0,
    workers: Workers = None,
    seed: Seed = 0,
    json_: Json = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No table, no progress, no warnings: the file and errors.")
    ] = False,
) -> Exit:
    """Look at every loss of a domain: what is left, what comes back, what does not, and why.

    Every scenario of the level is looked at, the severest are printed first. Survivors stay where they are; with
    [bold]--mode evacuate[/bold] everybody displaced has to fit again under every hard rule, with
    [bold]--mode static[/bold] what remains of each group has to be enough. Stock on offer does not count: on that
    day everybody buys it. Progress goes to stderr. Ctrl-C once keeps what was found.

    [bold]Examples[/bold]

      zonewright survive shop-guangzhou

      zonewright survive estate.yaml plan.json --level host --lose 2 --mode static

      zonewright survive estate.yaml --level zone+host --no-recovery

      zonewright survive estate.yaml --json --quiet | jq '.scenarios[] | select(.verdict != "survives")'

    [bold]Exit codes[/bold]: 0 every scenario is survived and every target met · 1 bad input · 2 wrong usage ·
    4 no placement to look at was found in time · 5 a scenario is not survived, or not shown to be in time, or a
    target is missed · 130 interrupted
    """
    from zonewright.cli.source import read_plan, read_world

    began = time.monotonic()
    writable(output)
    world = edited(read_world(estate), edits, add_zone, scale)
    placement = None
    if plan is not None:
        from zonewright.models.files import located
        from zonewright.models.placing import view_of

        placement, document = read_plan(plan)
        with located(document):
            view_of(world, placement)  # What it names must be there.
    left_s = max(0.05, time_limit - (time.monotonic() - began))
    options = {
        "level": level,
        "lose": lose,
        "mode": mode.value,
        "on_offer": on_offer,
        "today": today,
        "recovery": not no_recovery,
        "time_limit_s": left_s,
        "workers": workers,
        "seed": seed,
    }
    result = _solve(world, placement, options, quiet)
    fault = _save(world, result, output)
    _show(world, result, None if fault else output, json_=json_, quiet=quiet)
    if fault is not None:
        raise fault
    return _exit_code(result)


def _solve(world: World, plan: Plan | None, options: dict[str, object], quiet: bool) -> Survival:
    from zonewright import solver
    from zonewright.cli.background import solved

    def work(progress: Listener, stop: threading.Event) -> Survival:
        return solver.survive(world, plan=plan, progress=progress, stop=stop, **options)  # type: ignore[arg-type]

    return solved(work, world.estate.currency, quiet=quiet)


def _save(world: World, result: Survival, output: Path | None) -> Exception | None:
    from zonewright.models.files import write_whole
    from zonewright.models.problems import InputError
    from zonewright.report.survival_document import survival_text

    if output is None:
        return None
    try:
        write_whole(survival_text(world, result), output)
    except InputError as error:
        return error
    return None


def _show(world: World, result: Survival, saved: Path | None, *, json_: bool, quiet: bool) -> None:
    if not quiet:
        warn([*world.warnings, *result.warnings])
        if result.interrupted:
            say(f"interrupted; {result.checked:,} of {result.existing:,} scenarios were looked at")
    if json_:
        from zonewright.report.documents import print_document
        from zonewright.report.survival_document import survival_document

        print_document(survival_document(world, result))
    elif not quiet:
        from zonewright.report.console import stdout_console
        from zonewright.report.survival_table import print_survival

        print_survival(stdout_console(), world, result, str(saved) if saved is not None else None)


def _exit_code(result: Survival) -> Exit:
    if result.interrupted:
        return Exit.INTERRUPTED
    if result.status.value == "UNKNOWN":
        return Exit.NOTHING_FOUND
    return Exit.DONE if result.survived and not result.missed else Exit.FINDINGS
