"""`zonewright explain`: why a plan is as it is, or why there is none."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zonewright.cli.boundary import guarded, warn
from zonewright.cli.editing import Edits, NewZones, Scale, edited
from zonewright.cli.exits import Exit
from zonewright.cli.options import Json, Seed, TimeLimit, Workers

if TYPE_CHECKING:
    from zonewright.models import Plan, World
    from zonewright.models.events import Event
    from zonewright.models.migration import Migration
    from zonewright.solver.reasons.result import Explanation
    from zonewright.solver.result import Listener


@guarded
def explain(
    estate: Annotated[str, typer.Argument(metavar="ESTATE", help="A YAML or JSON file, or a shipped estate.")],
    plan: Annotated[
        Path | None,
        typer.Argument(metavar="PLAN.json", help="The plan or migration to explain; by default a plan is made."),
    ] = None,
    why: Annotated[
        list[str] | None,
        typer.Option(metavar="INSTANCE", help="Why is it there: web[17], an instance's name, or a group."),
    ] = None,
    why_not: Annotated[
        list[str] | None,
        typer.Option(metavar="INSTANCE@DOMAIN", help="Why is it not there: in a host, a zone, a region."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="PLAN.json", help="Compare with this plan, line by line.", show_default=False),
    ] = None,
    fail: Annotated[
        list[str] | None, typer.Option(metavar="DOMAIN", help="Explain what is left when this is lost.")
    ] = None,
    drain: Annotated[
        list[str] | None, typer.Option(metavar="DOMAIN", help="Explain what is left when this is emptied.")
    ] = None,
    edits: Edits = None,
    add_zone: NewZones = None,
    scale: Scale = None,
    binding: Annotated[
        bool | None,
        typer.Option(
            "--binding/--no-binding",
            help="What binds, and what one more of it would give.",
            show_default="unless a question is asked",
        ),
    ] = None,
    time_limit: TimeLimit = 60.0,
    workers: Workers = None,
    seed: Seed = 0,
    json_: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no warnings.")] = False,
) -> Exit:
    """Explain a plan of ESTATE, or why there is none.

    What every goal costs, rule by rule and group by group; what binds, and what one more of it would give; why
    somebody is where he is, and why not elsewhere. Where there is no plan: what clashes, and the cheapest way out.

    [bold]Examples[/bold]

      zonewright explain ledger-three-zones

      zonewright explain estate.yaml plan.json --why "web[17]"

      zonewright explain shop-guangzhou --why-not cache@ap-guangzhou-3

      zonewright explain estate.yaml plan.json --against other.json

      zonewright explain estate.yaml --fail zone-b

      zonewright explain ledger-three-zones --set rules.ledger-in-three-zones.least_domains=2

    [bold]Exit codes[/bold]: 0 explained · 1 bad input · 2 wrong usage · 3 proven impossible, explained · 4 no
    answer in time · 5 the plan given breaks a rule · 130 interrupted
    """
    from zonewright.cli.source import read_world

    began = time.monotonic()
    world = edited(read_world(estate), edits, add_zone, scale)
    given, migration = (None, None) if plan is None else _read_result(world, plan)
    other = None if against is None else _read(world, against)
    asked = bool(why or why_not)
    question: dict[str, Any] = {
        "plan": given,
        "migration": migration,
        "event": _event(fail or [], drain or []),
        "against": other,
        "why": why or [],
        "why_not": why_not or [],
        "binding": not asked if binding is None else binding,
        "time_limit_s": max(0.05, time_limit - (time.monotonic() - began)),
        "workers": workers,
        "seed": seed,
    }
    found = _explained(world, question, quiet)
    if not quiet:
        warn(found.warnings)
    _show(world, found, json_)
    return _exit_code(found)


def _event(fail: list[str], drain: list[str]) -> Event | None:
    """Return what is to have happened, None where that is nothing."""
    if not fail and not drain:
        return None
    from zonewright.models.events import Event

    return Event(fail=fail, drain=drain)


def _read_result(world: World, path: Path) -> tuple[Plan | None, Migration | None]:
    """Read a plan or a migration."""
    from zonewright.cli.source import read_result
    from zonewright.models.files import located
    from zonewright.models.placing import view_of
    from zonewright.models.plan import Plan
    from zonewright.models.problems import InputError

    read, document = read_result(path)
    with located(document):
        if isinstance(read, Plan):
            view_of(world, read)
            return read, None
        if read.estate_fingerprint != world.estate.fingerprint:
            raise InputError("is for another state of the estate: plan the migration again")
        return None, read


def _read(world: World, path: Path) -> Plan:
    """Read a plan; what it names must be there."""
    from zonewright.cli.source import read_plan
    from zonewright.models.files import located
    from zonewright.models.placing import view_of

    plan, document = read_plan(path)
    with located(document):
        view_of(world, plan)
    return plan


def _explained(world: World, question: dict[str, Any], quiet: bool) -> Explanation:
    from zonewright import solver
    from zonewright.cli.background import solved

    def work(progress: Listener, stop: threading.Event) -> Explanation:
        return solver.explain(world, **question, progress=progress, stop=stop)

    return solved(work, world.estate.currency, quiet=quiet)


def _show(world: World, found: Explanation, json_: bool) -> None:
    if json_:
        from zonewright.report.documents import print_document
        from zonewright.report.explanation_table import explanation_document

        print_document(explanation_document(world, found))
    else:
        from zonewright.report.console import stdout_console
        from zonewright.report.explanation_table import print_explanation

        print_explanation(stdout_console(), world, found)


def _exit_code(found: Explanation) -> Exit:
    if found.interrupted:
        return Exit.INTERRUPTED
    if found.status.value == "INFEASIBLE":
        return Exit.IMPOSSIBLE
    if found.plan is None or found.status.value == "UNKNOWN":
        return Exit.NOTHING_FOUND
    return Exit.FINDINGS if found.broken else Exit.DONE
