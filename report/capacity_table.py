"""What to buy, for people and for programs: purchases, head-room, frontier, outlook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from zonewright.report.amounts import money_text, share_text
from zonewright.report.console import lines, print_table
from zonewright.report.plan_table import STYLES

if TYPE_CHECKING:
    from zonewright.models import Estate
    from zonewright.models.offers import Purchase
    from zonewright.solver.capacity.result import Binding, FrontierPoint, HeadRoom, Outlook, Sizing


def print_sizing(console: Console, estate: Estate, sizing: Sizing, saved: Sequence[str] = ()) -> None:
    """Print what to buy, or why nothing on offer suffices."""
    _headline(console, estate, sizing)
    if sizing.cost == 0 and not sizing.purchases:
        console.print(Text("Everything fits as it is: nothing to buy.\n"))
    _purchases(console, estate, sizing.purchases)
    if sizing.clashes is not None:
        _reasons(console, sizing)
    for path in saved:
        console.print(Text(f"saved in {path}"), soft_wrap=True)


def _headline(console: Console, estate: Estate, sizing: Sizing) -> None:
    status = sizing.status.value
    first = Text.assemble((estate.estate, "bold"), ": ", (status, STYLES.get(status, "bold")))
    if sizing.cost is not None:
        first.append(f", {money_text(sizing.cost, estate.currency)} a month")
    if sizing.bound is not None and sizing.cost is not None:
        first.append(f", bound {money_text(sizing.bound, estate.currency)}, gap {share_text(sizing.gap)}")
    if status == "INFEASIBLE":
        first.append(": everything on offer does not suffice" if estate.offers else ": nothing is on offer")
    first.append(f", {sizing.seconds:.2f} s")
    if sizing.engine:
        first.append(f", by {sizing.engine}")
    if sizing.interrupted:
        first.append(", interrupted")
    console.print(first, soft_wrap=True)
    console.print()


def _purchases(console: Console, estate: Estate, purchases: Sequence[Purchase]) -> None:
    named = {offer.id: offer for offer in estate.offers}
    dated = any(p.needed_by is not None for p in purchases)
    columns = ["offer", "what", "zone", "count>", "a month>", "lead days>"]
    rows = [
        (
            p.offer,
            _what(named[p.offer]),
            p.zone,
            p.count,
            money_text(p.cost, estate.currency),
            p.lead_days or None,
            *((p.needed_by, p.order_by) if dated else ()),
        )
        for p in purchases
    ]
    print_table(console, "To buy", [*columns, *(["needed by", "order by"] if dated else [])], rows)


def _what(offer: Any) -> str:
    if offer.kind == "host":
        return "hosts"
    if offer.kind == "flavour":
        return f"{offer.flavour}, {offer.stock}"
    if offer.kind == "capacity":
        amounts = ", ".join(f"{amount:,} {name}" for name, amount in offer.capacity.items())
        return f"{amounts}, {offer.stock}"
    return f"quota {offer.quota} by {offer.step:,}" if offer.kind == "quota" else "opened"


def _reasons(console: Console, sizing: Sizing) -> None:
    if sizing.clashes is None:
        return
    sentences = [clash.sentence for clash in sizing.clashes.clashes]
    lines(console, "Even with everything on offer bought:", sentences)
    changes = [", ".join(change.text for change in fix.changes) for fix in sizing.clashes.fixes]
    lines(console, "What would help, the least first", changes)


def print_rooms(console: Console, rooms: Sequence[HeadRoom]) -> None:
    """Print how many more of each group fit: with losses left aside, and with every one survived."""
    today = {room.group: room for room in rooms if not room.guaranteed}
    firm = {room.group: room for room in rooms if room.guaranteed}
    rows = []
    for group in dict.fromkeys(room.group for room in rooms):
        binds = firm.get(group, today.get(group))
        columns = [_room_text(today.get(group)), *([_room_text(firm.get(group))] if firm else [])]
        rows.append((group, *columns, binding_text(binds.binding, 2) if binds is not None else ""))
    title = "Head-room: how many more of each group alone fit while everybody who runs stays"
    names = ["today>", *(["guaranteed>"] if firm else [])]
    print_table(console, title, ["group", *names, "what binds"], rows, 400)


def _room_text(room: HeadRoom | None) -> str:
    if room is None:
        return ""
    if room.unlimited:
        return "no limit"
    if room.more is None:
        return "not known"
    return f"{room.more:,}" if room.proven else f"{room.more:,} to {room.bound:,}"


def binding_text(binding: Sequence[Binding], most: int = 3) -> str:
    """Return what binds in a few words, capacity first."""
    ordered = sorted(binding, key=lambda b: b.domain is None)
    said = [_bound_text(b) for b in ordered[:most]]
    more = len(binding) - most
    return ", ".join(said) + (f" and {more} more" if more > 0 else "")


def _bound_text(binding: Binding) -> str:
    from zonewright.solver.survival.binding import unit_words

    per, name = unit_words(binding.what)
    if binding.used is not None and binding.limit is not None:
        used, limit = -(-binding.used // per), binding.limit // per
        when = f" {binding.text}" if binding.text else ""
        return f"{name} in {binding.domain}{when}: {used:,} of {limit:,}"
    if binding.domain is None:
        return binding.what + (f" ({binding.text})" if binding.text else "")
    return f"{name} {binding.text or 'in'} {'of ' if binding.text else ''}{binding.domain}"


def print_frontier(console: Console, estate: Estate, points: Sequence[FrontierPoint]) -> None:
    """Print what it costs to survive more and more."""
    rows = [
        (
            point.survives,
            point.sizing.status.value,
            None if point.sizing.cost is None else money_text(point.sizing.cost, estate.currency),
            None if point.sizing.bound is None else money_text(point.sizing.bound, estate.currency),
            share_text(point.sizing.gap) if point.sizing.cost is not None else None,
            sum(p.count for p in point.sizing.purchases) if point.sizing.cost is not None else None,
        )
        for point in points
    ]
    columns = ["survives", "status", "a month>", "bound>", "gap>", "units>"]
    print_table(console, "Cost against what is survived, beside the estate's own rules", columns, rows)


def print_outlook(console: Console, estate: Estate, outlook: Outlook) -> None:
    """Print what the forecast asks for, day by day."""
    rows = [
        (
            s.day,
            s.instances,
            {True: "yes", False: "no", None: "not known"}[s.fits],
            None if s.cost is None else money_text(s.cost, estate.currency),
            ", ".join(f"{n:,} {o}{f' in {z}' if z else ''}" for (o, z), n in s.units.items()),
        )
        for s in outlook.stretches
    ]
    columns = ["from", "instances>", "fits today", "needed, a month>", "needed by then"]
    print_table(console, "Forecast", columns, rows)
    if outlook.runs_out is None:
        if all(s.fits for s in outlook.stretches):
            console.print(Text("With nothing bought, everything fits to the last day of the forecast.\n"))
        return
    words = f"With nothing bought, demand does not fit from {outlook.runs_out} on"
    if outlook.runs_out_of:
        words += f"; scarcest then: {binding_text(outlook.runs_out_of)}"
    console.print(Text(words + "\n"), soft_wrap=True)


def sizing_document(estate: Estate, sizing: Sizing) -> dict[str, Any]:
    """Return a sizing as plain data; money in ten-thousandths."""
    return {
        "estate": estate.estate,
        "status": sizing.status.value,
        "currency": estate.currency,
        "cost": sizing.cost,
        "bound": sizing.bound,
        "gap": sizing.gap,
        "purchases": [p.model_dump(mode="json", exclude_none=True) for p in sizing.purchases],
        "plan": sizing.plan.model_dump(mode="json", exclude_defaults=True) if sizing.plan is not None else None,
        "clashes": _clash_data(sizing),
        "witness": sizing.witness,
        "warnings": list(sizing.warnings),
        "interrupted": sizing.interrupted,
        "engine": sizing.engine,
        "seconds": round(sizing.seconds, 3),
    }


def _clash_data(sizing: Sizing) -> list[dict[str, Any]] | None:
    if sizing.clashes is None:
        return None
    return [
        {"sentence": clash.sentence, "kind": clash.kind, "minimal": clash.minimal}
        for clash in sizing.clashes.clashes
    ]


def room_data(rooms: Sequence[HeadRoom]) -> list[dict[str, Any]]:
    """Return head-rooms as plain data."""
    return [
        {
            "group": room.group,
            "more": room.more,
            "bound": room.bound,
            "guaranteed": room.guaranteed,
            "unlimited": room.unlimited,
            "binding": [vars(b) for b in room.binding],
        }
        for room in rooms
    ]


def frontier_data(points: Sequence[FrontierPoint]) -> list[dict[str, Any]]:
    """Return a frontier as plain data."""
    return [
        {
            "survives": point.survives,
            "status": point.sizing.status.value,
            "cost": point.sizing.cost,
            "bound": point.sizing.bound,
            "purchases": [p.model_dump(mode="json", exclude_none=True) for p in point.sizing.purchases],
        }
        for point in points
    ]


def outlook_data(outlook: Outlook) -> dict[str, Any]:
    """Return an outlook as plain data, its sizing aside."""
    return {
        "runs_out": outlook.runs_out.isoformat() if outlook.runs_out is not None else None,
        "runs_out_of": [vars(b) for b in outlook.runs_out_of],
        "days": [
            {
                "day": s.day.isoformat(),
                "instances": s.instances,
                "fits": s.fits,
                "cost": s.cost,
                "units": [{"offer": o, "zone": z, "count": n} for (o, z), n in s.units.items()],
            }
            for s in outlook.stretches
        ],
    }
