"""What `survive` found, for people: one row per loss, then what fails and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from zonewright.report.clock import span_text, spoken
from zonewright.report.console import lines, print_table

if TYPE_CHECKING:
    from zonewright.models import World
    from zonewright.solver.survival.result import Binding, GroupOutcome, ScenarioOutcome, Survival

_STYLES = {"survives": "green", "fails": "bold red", "open": "bold yellow"}
#: Rows of each table; the document has all of them.
_MOST_ROWS = 40


def print_survival(console: Console, world: World, result: Survival, saved: str | None) -> None:
    """Print the outcome of `survive`."""
    _headline(console, world, result)
    _scenarios(console, result)
    _groups(console, result)
    _services(console, result)
    _binding(console, result)
    degraded = [(s.name, text) for s in result.scenarios for text in s.degraded]
    print_table(console, "Rules that do not hold afterwards", ["lost", "rule"], degraded, _MOST_ROWS)
    _availability(console, result)
    lines(console, "Assumptions this hinges on", result.assumptions)
    if saved is not None:
        console.print(Text(f"document saved in {saved}"), soft_wrap=True)


def _headline(console: Console, world: World, result: Survival) -> None:
    failing = len(result.failing)
    settled = result.checked == result.existing
    if result.survived:
        verdict = ("every loss is survived", "bold green")
    elif failing:
        verdict = (f"{failing:,} of {result.checked:,} losses are not survived", "bold red")
    else:
        verdict = ("not every loss was looked at", "bold yellow")
    first = Text.assemble((world.estate.estate, "bold"), ": ", verdict)
    console.print(first.append(f", {result.seconds:.2f} s"), soft_wrap=True)
    what = f"{result.lose} {result.level}s at once" if result.lose > 1 else f"one {result.level}"
    whose = {
        "plan": "the given plan",
        "current": "the placement of today",
        "placed": "the placement that `place` finds",
    }.get(result.placement, "no placement")
    how = "what is lost fits again" if result.mode == "evacuate" else "what remains is enough"
    text = f"losing {what}, {result.mode} ({how}), {whose}; checked {result.checked:,} of {result.existing:,}"
    console.print(Text(text + " scenarios" + ("" if settled else ", the largest first")), soft_wrap=True)
    if result.recovered_for:
        console.print(Text(f"ways back planned for {result.recovered_for:,} of them"), soft_wrap=True)
    console.print()


def _scenarios(console: Console, result: Survival) -> None:
    evacuates = result.mode == "evacuate"
    rows = [tuple(_row(scenario, evacuates=evacuates)) for scenario in result.scenarios]
    columns = ["lost", "verdict", "displaced>"]
    if evacuates:
        columns += ["back>", "no copy>", "no room>", "moves>", "then lost>", "back after>", "binding"]
    else:
        columns += ["groups short>", "services down>"]
    print_table(console, "Losses, the severest first", columns, rows, _MOST_ROWS)


def _row(scenario: ScenarioOutcome, *, evacuates: bool) -> Iterator[object]:
    yield scenario.name
    yield Text(scenario.verdict, style=_STYLES[scenario.verdict])
    yield scenario.displaced
    if not evacuates:
        yield sum(1 for group in scenario.groups if group.short)
        yield sum(1 for service in scenario.services if not service.up)
        return
    yield scenario.recovered
    yield scenario.unrecoverable or None
    yield sum(scenario.unplaced.values()) or None
    yield scenario.moves
    yield scenario.lost_for_good
    yield span_text(scenario.recovery_s) if scenario.recovery_s is not None else None
    first = scenario.binding[0] if scenario.binding else None
    yield ": ".join(part for part in (first.domain, _what(first)) if part) if first is not None else None


def _groups(console: Console, result: Survival) -> None:
    """Print the groups that do not come back whole, or too late."""
    rows = [
        (
            scenario.name,
            group.group,
            group.state,
            group.placed,
            group.lost,
            group.remaining,
            group.needed,
            _why(group),
        )
        for scenario in result.scenarios
        for group in scenario.groups
        if group.short or group.late
    ]
    columns = ["lost", "group", "state", "before>", "lost>", "after>", "needed>", "why"]
    print_table(console, "Groups that fall short", columns, rows, _MOST_ROWS)


def _why(group: GroupOutcome) -> str:
    parts = [group.reason] if group.reason else []
    if group.late and group.recovery_target_s is not None and (group.recovery_s or 0) > group.recovery_target_s:
        back = spoken(group.recovery_s or 0)
        parts.append(f"back after {back}, meant to be within {spoken(group.recovery_target_s)}")
    loses = group.data_loss_target_s is not None and (group.data_loss_s or 0) > group.data_loss_target_s
    if loses:
        target = spoken(group.data_loss_target_s or 0)
        parts.append(f"loses {spoken(group.data_loss_s or 0)} of data, {target} at most")
    return "; ".join(parts)


def _services(console: Console, result: Survival) -> None:
    rows = [
        (scenario.name, service.service, ", ".join(service.down_by))
        for scenario in result.scenarios
        for service in scenario.services
        if not service.up
    ]
    print_table(console, "Services that are down", ["lost", "service", "by"], rows, _MOST_ROWS)


def _binding(console: Console, result: Survival) -> None:
    rows = [
        (
            scenario.name,
            entry.domain,
            _what(entry),
            *(_counted(entry, amount) for amount in (entry.used, entry.limit, entry.short)),
            entry.text,
        )
        for scenario in result.scenarios
        for entry in scenario.binding
    ]
    columns = ["lost", "in", "what", "asked>", "room>", "short>", "in words"]
    print_table(console, "What is short", columns, rows, _MOST_ROWS)


def _what(entry: Binding) -> str:
    from zonewright.solver.survival.binding import unit_words

    return unit_words(entry.resource)[1]


def _counted(entry: Binding, amount: int | None) -> str | None:
    """Return an amount in the unit that people count in."""
    from zonewright.solver.survival.binding import unit_words

    if amount is None:
        return None
    per = unit_words(entry.resource)[0]
    return f"{amount / per:,.6g}" if amount % per else f"{amount // per:,}"


def _availability(console: Console, result: Survival) -> None:
    rows = [
        (
            figure.kind,
            figure.name,
            f"{figure.value:.6%}",
            "exact" if figure.exact else f"{figure.low:.6%} to {figure.high:.6%}",
            f"{figure.target:.6%}" if figure.target is not None else None,
            None if figure.target is None else "met" if figure.met else "missed",
        )
        for figure in result.availability
    ]
    columns = ["", "name", "availability at most>", "how", "target>", ""]
    title = "Availability by failure rates (upper bounds: domains fail independently)"
    print_table(console, title, columns, rows, _MOST_ROWS)
