"""`zonewright capacity`: what to buy, how much more fits, when room runs out."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zonewright.cli.boundary import guarded, warn
from zonewright.cli.editing import Edits, NewZones, Scale, edited, factors
from zonewright.cli.exits import Exit
from zonewright.cli.options import Json, Seed, TimeLimit, Workers
from zonewright.cli.saving import writable

if TYPE_CHECKING:
    from zonewright.models import Estate, World
    from zonewright.models.offers import Expected
    from zonewright.models.rules import Survive
    from zonewright.solver.capacity.result import FrontierPoint, HeadRoom, Outlook, Sizing


@guarded
def capacity(
    estate: Annotated[str, typer.Argument(metavar="ESTATE", help="A YAML or JSON file, or a shipped estate.")],
    growth: Annotated[
        list[str] | None,
        typer.Option(metavar="1.3|GROUP=2", help="Demand grown by a factor, for all groups or for one."),
    ] = None,
    forecast: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Rows of date, groups, factor or count; by default the estate's own forecast.",
            show_default=False,
        ),
    ] = None,
    survive: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LEVEL[:K][:MODE]",
            help="A loss to be survived beside those of the estate's rules: zone, rack:2, zone:1:static.",
        ),
    ] = None,
    head_room: Annotated[
        list[str] | None,
        typer.Option("--head-room", metavar="GROUP|all", help="How many more of a group fit; nothing is bought."),
    ] = None,
    frontier: Annotated[
        bool, typer.Option("--frontier", help="What it costs to survive nothing, and more and more.")
    ] = False,
    edits: Edits = None,
    add_zone: NewZones = None,
    scale: Scale = None,
    may_move: Annotated[bool, typer.Option("--may-move", help="Who runs today may be moved.")] = False,
    today: Annotated[
        str | None,
        typer.Option(
            "--today", metavar="DAY", help="Warn of orders that are due before; by default the estate's time."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.json", help="Save the sized estate here.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="PLAN.json", help="Save the plan for the sized estate here.")
    ] = None,
    time_limit: TimeLimit = 60.0,
    workers: Workers = None,
    seed: Seed = 0,
    json_: Json = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No table, no progress, no warnings: the files and errors.")
    ] = False,
) -> Exit:
    """Say what to buy so that everybody fits, before and after every loss that is to be survived.

    The cheapest of what ESTATE has under [bold]offers[/bold], with real packing and under every rule; who runs
    today stays where he is. With a forecast, also when each order is due and when room would run out. The sized
    estate ([bold]-o[/bold]) is an ordinary one, for `place`, `survive`, `check` and `migrate`.

    [bold]Examples[/bold]

      zonewright capacity estate.yaml --growth 1.3 --survive zone

      zonewright capacity estate.yaml --frontier

      zonewright capacity estate.yaml --head-room all

      zonewright capacity estate.yaml --scale web=2 --set rules.apart.at_most=2 --json

      zonewright capacity estate.yaml -o sized.json --plan plan.json

    [bold]Exit codes[/bold]: 0 sized, or nothing to buy · 1 bad input · 2 wrong usage · 3 everything on offer does
    not suffice (with the reason) · 4 nothing found in time · 130 interrupted
    """
    began = time.monotonic()
    writable(output)
    writable(plan)
    asked = _asked(estate, edits, add_zone, scale, growth, forecast, survive, today)
    asked.head_room, asked.frontier, asked.may_move = head_room or [], frontier, may_move
    left_s = max(0.05, time_limit - (time.monotonic() - began))
    answer = _solve(asked, left_s, workers, seed, quiet)
    saved = _save(answer, output, plan)
    _show(asked, answer, saved, json_=json_, quiet=quiet)
    return _exit_code(answer)


@dataclass
class _Asked:
    """The question, with names looked up."""

    world: World
    growth: dict[str, float]
    forecast: list[Expected]
    survive: list[Survive]
    today: Any = None
    head_room: list[str] = field(default_factory=list)
    frontier: bool = False
    may_move: bool = False

    @property
    def estate(self) -> Estate:
        return self.world.estate


@dataclass(frozen=True)
class _Answer:
    """Everything that was asked for."""

    sizing: Sizing | None = None
    outlook: Outlook | None = None
    rooms: tuple[HeadRoom, ...] = ()
    points: tuple[FrontierPoint, ...] = ()
    interrupted: bool = False


def _asked(
    estate: str,
    edits: list[str] | None,
    zones: list[str] | None,
    scale: list[str] | None,
    growth: list[str] | None,
    forecast: Path | None,
    survive: list[str] | None,
    today: str | None,
) -> _Asked:
    from zonewright.cli.source import read_world
    from zonewright.models.forecasts import parse_day, read_forecast
    from zonewright.solver.capacity.asked import parse_loss

    world = edited(read_world(estate), edits, zones, scale)
    changed = world.estate
    grown = factors(growth, "--growth") if growth else {}
    rows = read_forecast(forecast) if forecast is not None else ([] if grown else list(changed.forecast))
    losses = [parse_loss(text, changed) for text in survive or ()]
    day = parse_day(today) if today is not None else None
    return _Asked(world, grown, rows, losses, day)


def _solve(asked: _Asked, time_limit_s: float, workers: int | None, seed: int, quiet: bool) -> _Answer:
    from zonewright import solver
    from zonewright.cli.background import Background
    from zonewright.cli.progress import ProgressLine

    progress = ProgressLine(asked.estate.currency, quiet=quiet)

    def work(stop: threading.Event) -> _Answer:
        common: dict[str, Any] = {
            "time_limit_s": time_limit_s,
            "workers": workers,
            "seed": seed,
            "progress": progress,
            "stop": stop,
        }
        return _answered(solver, asked, common)

    run = Background(work)
    try:
        answer = run.run(progress.tick, progress.close)
    finally:
        progress.close()
    return replace(answer, interrupted=True) if run.stop.is_set() else answer


def _answered(solver: Any, asked: _Asked, common: dict[str, Any]) -> _Answer:
    world, growth = asked.world, asked.growth or 1.0
    if asked.head_room:
        rooms = solver.head_rooms(world, asked.head_room, survive=asked.survive, **common)
        return _Answer(rooms=tuple(rooms))
    more: dict[str, Any] = {"may_move": asked.may_move, **common}
    if asked.frontier:
        points = solver.cost_frontier(world, growth=growth, forecast=asked.forecast, **more)
        return _Answer(points=tuple(points))
    if asked.forecast:
        outlook = solver.outlook(
            world, asked.forecast, growth=growth, survive=asked.survive, today=asked.today, **more
        )
        return _Answer(outlook.sizing, outlook)
    return _Answer(solver.size_capacity(world, growth=growth, survive=asked.survive, **more))


def _save(answer: _Answer, output: Path | None, plan: Path | None) -> list[str]:
    from zonewright.instances.writing import save_estate
    from zonewright.models import save_plan

    saved: list[str] = []
    sizing = answer.sizing
    if sizing is not None and output is not None and sizing.estate is not None:
        save_estate(sizing.estate, output)
        saved.append(str(output))
    if sizing is not None and plan is not None and sizing.plan is not None:
        save_plan(sizing.plan, plan)
        saved.append(str(plan))
    return saved


def _show(asked: _Asked, answer: _Answer, saved: list[str], *, json_: bool, quiet: bool) -> None:
    if not quiet:
        warn([*asked.world.warnings, *(answer.sizing.warnings if answer.sizing is not None else ())])
    if json_:
        _print_document(asked, answer, saved)
    elif not quiet:
        _print_tables(asked, answer, saved)


def _print_document(asked: _Asked, answer: _Answer, saved: list[str]) -> None:
    from zonewright.report import capacity_table as table
    from zonewright.report.documents import print_document

    document: dict[str, Any] = {"estate": asked.estate.estate, "currency": asked.estate.currency}
    if answer.sizing is not None:
        document = table.sizing_document(asked.estate, answer.sizing)
    if answer.outlook is not None:
        document["forecast"] = table.outlook_data(answer.outlook)
    if answer.rooms:
        document["head_room"] = table.room_data(answer.rooms)
    if answer.points:
        document["frontier"] = table.frontier_data(answer.points)
    print_document(document | {"saved": saved, "interrupted": answer.interrupted})


def _print_tables(asked: _Asked, answer: _Answer, saved: list[str]) -> None:
    from zonewright.report import capacity_table as table
    from zonewright.report.console import stdout_console

    console = stdout_console()
    if answer.rooms:
        table.print_rooms(console, answer.rooms)
    if answer.points:
        table.print_frontier(console, asked.estate, answer.points)
    if answer.sizing is not None:
        table.print_sizing(console, asked.estate, answer.sizing, saved)
    if answer.outlook is not None:
        table.print_outlook(console, asked.estate, answer.outlook)


def _exit_code(answer: _Answer) -> Exit:
    if answer.interrupted:
        return Exit.INTERRUPTED
    if answer.rooms:
        return Exit.NOTHING_FOUND if all(_nothing(room) for room in answer.rooms) else Exit.DONE
    sizings = [answer.sizing] if answer.sizing is not None else [point.sizing for point in answer.points]
    found = {sizing.status.value for sizing in sizings}
    if found & {"OPTIMAL", "FEASIBLE"}:
        return Exit.DONE
    return Exit.IMPOSSIBLE if found == {"INFEASIBLE"} else Exit.NOTHING_FOUND


def _nothing(room: HeadRoom) -> bool:
    return room.more is None and not room.unlimited
