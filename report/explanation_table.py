"""An explanation for people, and as a JSON document."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from zonewright.models.problems import printable
from zonewright.report.amounts import money_text, share_text, value_text
from zonewright.report.console import lines, print_table
from zonewright.report.goals_table import goals_line, print_goals
from zonewright.report.markdown import many
from zonewright.report.plan_table import STYLES

if TYPE_CHECKING:
    from zonewright.models import Violation, World
    from zonewright.solver.clashes.result import Clashes
    from zonewright.solver.reasons.forced import Difference, Forced
    from zonewright.solver.reasons.parts import Change, Part
    from zonewright.solver.reasons.result import Binding, Explanation, Option, Why, WhyNot
    from zonewright.solver.result import Clash

#: Lines of a goal's parts, and of the sites of a question, that a person reads.
MOST_PARTS = 30
MOST_SITES = 25
#: Limits whose loosening gives nothing that stand in the table, or in a line below it.
MOST_IDLE = 8
#: Sites that are named in a line.
MOST_LEFT = 6


def print_explanation(console: Console, world: World, found: Explanation) -> None:
    """Print why a plan is as it is, or why there is none."""
    _headline(console, world, found)
    losses = [(loss.group, loss.count, loss.reason, loss.message) for loss in found.losses]
    print_table(console, "Not back after the event", ["group", "count>", "reason", "message"], losses)
    if found.reason is not None:
        _nothing(console, found)
        return
    currency = world.estate.currency
    rows = [(v.label, v.group, v.domain, v.message) for v in found.broken]
    print_table(console, "The plan breaks", ["rule", "group", "domain", "message"], rows)
    asked = bool(found.why or found.why_not)
    if not asked:
        print_goals(console, world, found.objective)
        _parts(console, found.parts, currency)
    _changes(console, found.changes, currency)
    for answer in found.why:
        _why(console, answer, currency)
    for question in found.why_not:
        _why_not(console, question, currency)
    _binding(console, found, currency)
    lines(console, "Assumptions this hinges on", found.assumptions if not asked else [])


def _headline(console: Console, world: World, found: Explanation) -> None:
    status = found.status.value
    first = Text.assemble((world.estate.estate, "bold"), ": ", (status, STYLES.get(status, "bold")))
    if found.reason is not None:
        first.append(f", reason: {found.reason}")
    elif found.plan is not None and not found.broken:
        first.append(f", gap {share_text(found.plan.gap)}")
    first.append(f", {found.seconds:.2f} s")
    if found.interrupted:
        first.append(", interrupted")
    console.print(first, soft_wrap=True)
    console.print(Text(goals_line(world)), soft_wrap=True)
    console.print()


def _nothing(console: Console, found: Explanation) -> None:
    if found.reason == "no_time":
        said = "No plan was found in time, and none is proven to be impossible: allow more time, or try --partial."
        console.print(Text(said), soft_wrap=True)
    elif found.clashes is not None:
        _clashes(console, found.clashes)
    elif found.reason == "no_placement":
        said = "It is proven that no plan respects every rule; which of them clash was not found in time."
        console.print(Text(said), soft_wrap=True)
    if found.reason == "no_order":
        said = "There is a target, and no order of steps that leads to it: each of these waits for another."
        console.print(Text(said), soft_wrap=True)
        lines(console, "What waits for what", found.blocked)


def _clashes(console: Console, found: Clashes) -> None:
    """Print each independent clash as a sentence and a table, the others as sentences, then the ways out."""
    first, others = found.independent or found.clashes, []
    if found.independent:
        others = [clash for clash in found.clashes if not clash.independent]
    for number, clash in enumerate(first, 1):
        head = "It is impossible" if len(first) == 1 else f"Clash {number} of {len(first)}"
        console.print(Text.assemble((f"{head} ({clash.kind}): ", "bold"), clash.sentence), soft_wrap=True)
        minimal = (
            "without any one of these there is a plan, all else set aside" if clash.minimal else "not minimal"
        )
        console.print()
        _members(console, f"Who has a part in it ({minimal})", clash.members)
    lines(console, "Clashes that share something with these", [clash.sentence for clash in others], 10)
    if not found.complete:
        console.print(Text("There may be further clashes: the time was not enough to rule them out.\n"))
    elif others or len(first) > 1:
        console.print(Text(f"These {len(found.clashes)} are all the clashes there are.\n"))
    _fixes(console, found)


def _members(console: Console, title: str, members: Sequence[Clash]) -> None:
    rows = [
        (c.label, c.group, " ".join(dict.fromkeys(x for x in (c.domain, c.what) if x)), c.text) for c in members
    ]
    print_table(console, title, ["rule", "group", "where", "in words"], rows, 40)


def _fixes(console: Console, found: Clashes) -> None:
    rows: list[tuple[object, ...]] = []
    edits: list[str] = []
    for number, fix in enumerate(found.fixes, 1):
        for position, change in enumerate(fix.changes):
            verified = "yes" if fix.verified else "no"
            rows.append((number, change.text, fix.cost, verified) if not position else (None, change.text))
        texts = [text for change in fix.changes for text in change.edits]
        if all(change.edits for change in fix.changes):
            edits.append(f"{number}: " + " ".join(f"--set {shlex.quote(text)}" for text in texts))
    title = "Changes that make it possible, the cheapest first"
    if found.fixes and found.fixes_proven:
        title += f" (none costs less than {found.fixes[0].cost})"
    filled = [row if len(row) == 4 else (*row, None, None) for row in rows]
    print_table(console, title, ["", "change", "cost>", "solved again"], filled)
    lines(console, "The same as edits", edits)


def _parts(console: Console, parts: Sequence[Part], currency: str) -> None:
    for goal in dict.fromkeys(part.goal for part in parts):
        own = [part for part in parts if part.goal == goal]
        total = sum(part.value for part in own)
        rows = [(*_about(p), _amount(p), value_text(goal, p.value, currency), p.text) for p in own[:MOST_PARTS]]
        if len(own) > MOST_PARTS:
            rest = sum(part.value for part in own[MOST_PARTS:])
            more = f"… {len(own) - MOST_PARTS:,} more"
            rows.append((more, None, None, None, value_text(goal, rest, currency), ""))
        columns = ["what", "group", "domain", "amount>", f"{goal}>", "in words"]
        if not any(row[-1] for row in rows):
            columns, rows = columns[:-1], [row[:-1] for row in rows]
        print_table(console, f"What {goal} is made of: {value_text(goal, total, currency)}", columns, rows)


_WHAT = {
    "stopped": "stopped",
    "unplaced": "left out",
    "moved": "moved from",
    "instances": "instances",
    "opened": "opened",
    "fullest": "fullest zone",
    "emptiest": "emptiest zone",
    "sites": "sites in use",
}


def _about(part: Part) -> tuple[str, str | None, str | None]:
    if part.what == "rule":
        what = part.label or ""
        if part.other:
            what += f" ({part.other})"
    elif part.what == "traffic":
        what = f"traffic to {part.other}"
    elif part.what == "client":
        what = f"clients in {part.other}"
    else:
        what = _WHAT[part.what]
    return what, part.group, part.domain


def _amount(part: Part) -> str:
    if part.what == "client":
        return f"{part.amount / 1000:,.3f} ms"
    if part.what in ("fullest", "emptiest"):
        return f"{part.amount / 1000:,.3f} cores"
    if part.what == "traffic":
        return f"{part.amount:,} GiB"
    return f"{part.amount:,}"


def _changes(console: Console, changes: Sequence[Change], currency: str) -> None:
    rows = [
        (
            c.part.goal,
            *_about(c.part),
            value_text(c.part.goal, c.before, currency),
            value_text(c.part.goal, c.after, currency),
            signed(c.part.goal, c.value, currency),
        )
        for c in changes
    ]
    columns = ["goal", "what", "group", "domain", "this plan>", "the other>", "change>"]
    print_table(console, "Against the other plan", columns, rows)


def signed(goal: str, change: int, currency: str) -> str:
    """Return a change with its sign."""
    return ("+" if change > 0 else "") + value_text(goal, change, currency)


def _why(console: Console, answer: Why, currency: str) -> None:
    subject = answer.subject
    who = subject.instance or subject.group
    zones = {option.site: option.zone for option in answer.options}
    console.print(Text.assemble((who, "bold"), f": in the plan {_places(answer.here, zones)}"), soft_wrap=True)
    if answer.today:
        stays = "" if answer.moved else ": nobody leaves"
        console.print(Text(f"today {_places(answer.today, zones)}{stays}"), soft_wrap=True)
    for option in answer.moved[:MOST_LEFT]:
        leave = "leaves" if subject.instance else f"{option.today - option.here:,} leave"
        console.print(Text(f"{leave} {option.site}: {option_text(option, currency)}"), soft_wrap=True)
    if len(answer.moved) > MOST_LEFT:
        console.print(Text(f"and {len(answer.moved) - MOST_LEFT:,} more sites are left"))
    console.print()
    one = "there" if subject.instance or sum(answer.here.values()) <= 1 else "one more there"
    _options(console, f"Why {subject.name} is there and not elsewhere", answer.options, currency, one)
    if answer.checked < len(answer.options):
        console.print(Text(f"{answer.checked:,} of {len(answer.options):,} sites were looked at in time\n"))


def _places(counts: Mapping[str, int], zones: Mapping[str, str]) -> str:
    """Return sites with counts in a line; of many hosts their zones."""
    if not counts:
        return "nowhere"
    if len(counts) <= MOST_LEFT:
        largest = sorted(counts.items(), key=lambda entry: -entry[1])
        one = sum(counts.values()) == 1
        return ", ".join(f"in {site}" if one else f"{count:,} in {site}" for site, count in largest)
    by_zone: dict[str, list[int]] = {}
    for site, count in counts.items():
        by_zone.setdefault(zones.get(site, site), []).append(count)
    said = [f"{sum(n):,} in {zone} on {len(n):,} hosts" for zone, n in list(by_zone.items())[:MOST_LEFT]]
    return ", ".join(said) + (
        f" and in {len(by_zone) - MOST_LEFT:,} more zones" if len(by_zone) > MOST_LEFT else ""
    )


def _options(console: Console, title: str, options: Sequence[Option], currency: str, one: str) -> None:
    rows = []
    for same in _alike(options, currency):
        first = same[0]
        site = first.site if len(same) == 1 else f"{len(same):,} sites of {first.zone}, such as {first.site}"
        rows.append(
            (
                site,
                sum(o.here for o in same) or None,
                sum(o.today for o in same) or None,
                first.verdict.replace("_", " "),
                Text(printable(option_text(first, currency), 600)),
            )
        )
    print_table(console, title, ["site", "planned>", "today>", one, "because"], rows, MOST_SITES)


def _alike(options: Sequence[Option], currency: str) -> list[list[Option]]:
    """Return options together that say the same of one zone."""
    found: dict[tuple[object, ...], list[Option]] = {}
    for option in options:
        rules = (*(b.label for b in option.obstacles), *(v.label for v in option.broken))
        shown = option_text(option, currency) if option.verdict != "breaks" else rules
        key = (option.zone, option.verdict, bool(option.here), bool(option.today), shown)
        found.setdefault(key, []).append(option)
    return list(found.values())


def option_text(option: Option, currency: str) -> str:
    """Return what becomes of somebody at a site, in words."""
    if option.verdict == "closed":
        return "; ".join(f"{o.label}: {o.reason}" for o in option.obstacles[:3])
    if option.verdict == "breaks":
        said = "; ".join(_violation(v, option.site) for v in option.broken[:2])
        if len(option.broken) > 2:
            said += f" and {len(option.broken) - 2} more"
        if option.pushes:
            said += f"; room if {' or '.join(f'{n} of {g}' for g, n in option.pushes[:2])} left"
        if option.forced is not None:
            said += f". With others moved: {forced_text(option.forced, currency)}"
        return said
    if option.difference is not None:
        said = difference_text(option.difference, currency)
        if option.forced is None or option.forced.status != "possible":
            return f"{said}, alone"
        with_others = forced_text(option.forced, currency)
        return with_others if with_others.startswith(said) else f"{said}, alone. With others moved: {with_others}"
    return "as good" if option.verdict == "same" else ""


#: What one more, and several more, of a goal are.
_MORE = {
    "stopped": ("running instance stopped", "running instances stopped"),
    "placed": ("instance left out", "instances left out"),
    "moves": ("move", "moves"),
    "hosts": ("site in use", "sites in use"),
}


def _violation(violation: Violation, site: str) -> str:
    where = f" in {violation.domain}" if violation.domain not in (None, site) else ""
    return f"{violation.label}{where}: {violation.message}"


def difference_text(found: Difference, currency: str) -> str:
    """Return a difference in one goal in words."""
    how, amount = "more" if found.change > 0 else "fewer", abs(found.change)
    goal, _, rest = found.goal.partition("[")
    if goal in _MORE:
        level = f" (priority {rest[:-1]})" if rest and rest != "0]" else ""
        return f"{amount:,} {how} {_MORE[goal][amount != 1]}{level}"
    how = "more" if found.change > 0 else "less"
    return f"{value_text(found.goal, amount, currency)} {how} in {found.goal.replace('_', ' ')}"


def forced_text(found: Forced, currency: str) -> str:
    """Return what a solve with something demanded came to, in words."""
    if found.status == "unknown":
        return "no answer in time"
    if found.status == "impossible":
        return "impossible (proven)"
    first = found.first
    if first is None:
        return "as good"
    said = difference_text(first, currency)
    if first.proven:
        return f"{said} (proven)"
    return f"at most {said}" if first.change > 0 else f"{said} (the plan is not the best)"


def _why_not(console: Console, question: WhyNot, currency: str) -> None:
    verdict = {
        "there": f"it is there: {many(question.there, 'instance')}",
        "closed": "no site of it is open to it",
        "impossible": "impossible, whatever else changes (proven)",
        "unknown": "no answer in time",
    }.get(question.verdict)
    if verdict is None and question.forced is not None:
        verdict = "possible: " + forced_text(question.forced, currency)
    console.print(
        Text.assemble((f"Why not {question.subject.name} in {question.domain}: ", "bold"), verdict or ""),
        soft_wrap=True,
    )
    console.print()
    if question.verdict == "there":
        return
    _options(console, "Moved alone, everybody else as planned", question.options, currency, "verdict")
    forced = question.forced
    if forced is not None and forced.clash:
        title = "These stand against it" + (
            " (without any one of them it is possible)" if forced.clash_minimal else ""
        )
        _members(console, title, forced.clash)
    elif forced is not None and len(forced.differences) > 1:
        rows = [
            (
                d.goal,
                value_text(d.goal, d.before, currency),
                value_text(d.goal, d.after, currency),
                signed(d.goal, d.change, currency),
            )
            for d in forced.differences
        ]
        print_table(console, "The best plan with it there", ["goal", "this plan>", "then>", "change>"], rows)


def _binding(console: Console, found: Explanation, currency: str) -> None:
    if not found.limits:
        return
    if not found.binding:
        console.print(Text(f"Nothing binds: none of {found.limits:,} hard limits is reached.\n"))
        return
    idle = [b for b in found.binding if b.forced is not None and b.gain is None and b.proven]
    idle = idle if len(idle) > MOST_IDLE else []
    rows = [
        (
            b.limit.label,
            _where(b),
            _figure(b, b.limit.used, currency),
            _figure(b, b.limit.limit, currency),
            Text(printable(b.text, 300)),
            gain_text(b, currency),
        )
        for b in found.binding
        if b not in idle
    ]
    title = f"What binds: {len(found.binding):,} of {found.limits:,} hard limits are reached"
    columns = ["rule", "where", "used>", "limit>", "one more", "would give"]
    if rows:
        print_table(console, title, columns, rows, 40)
    else:
        console.print(Text(title, style="bold"))
    if idle:
        shown = ", ".join(f"{b.limit.label} {_where(b)}".rstrip() for b in idle[:MOST_IDLE])
        more = f" and {len(idle) - MOST_IDLE:,} more" if len(idle) > MOST_IDLE else ""
        console.print(Text(f"One more gives nothing (proven) of: {printable(shown, 600)}{more}\n"), soft_wrap=True)


def _where(binding: Binding) -> str:
    limit = binding.limit
    what = None if limit.rule == "latency" else limit.what
    return " ".join(x for x in (limit.group, limit.domain, what) if x)


def _figure(binding: Binding, value: int | None, currency: str) -> str | None:
    if value is None:
        return None
    if binding.limit.rule == "latency":
        return f"{value / 1000:g} ms"
    return money_text(value, currency) if binding.limit.rule == "budget" else f"{value:,}"


def gain_text(binding: Binding, currency: str) -> str:
    """Return what a little more of a limit would give, in words."""
    if binding.forced is None:
        return "not looked at"
    gain = binding.gain
    if gain is None:
        return "nothing (proven)" if binding.proven else "nothing was found"
    return f"{difference_text(gain, currency)} ({'proven' if binding.proven else 'at least'})"


def explanation_document(world: World, found: Explanation) -> dict[str, Any]:
    """Return an explanation as a JSON document."""
    return {
        "estate": world.estate.estate,
        "status": found.status.value,
        "reason": found.reason,
        "currency": world.estate.currency,
        "goals": list(world.estate.goals),
        "objective": [goal.model_dump(mode="json") for goal in found.objective],
        "broken": [asdict(v) for v in found.broken],
        "parts": [asdict(part) for part in found.parts],
        "changes": [
            {
                **{k: v for k, v in asdict(c.part).items() if k not in ("amount", "value", "text")},
                "before": c.before,
                "after": c.after,
                "change": c.value,
            }
            for c in found.changes
        ],
        "why": [_why_document(answer) for answer in found.why],
        "why_not": [_why_not_document(question) for question in found.why_not],
        "limits": found.limits,
        "binding": [_binding_document(entry) for entry in found.binding],
        "clashes": _clashes_document(found.clashes),
        "blocked": list(found.blocked),
        "losses": [loss.model_dump(mode="json") for loss in found.losses],
        "assumptions": list(found.assumptions),
        "warnings": list(found.warnings),
        "interrupted": found.interrupted,
        "engine": found.engine,
        "seconds": round(found.seconds, 3),
    }


def _clashes_document(found: Clashes | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "complete": found.complete,
        "sets": [
            {
                "sentence": clash.sentence,
                "kind": clash.kind,
                "minimal": clash.minimal,
                "independent": clash.independent,
                "shares": list(clash.shares),
                "members": [asdict(member) for member in clash.members],
            }
            for clash in found.clashes
        ],
        "fixes": [
            {
                "cost": fix.cost,
                "verified": fix.verified,
                "changes": [{"text": change.text, "edits": list(change.edits)} for change in fix.changes],
            }
            for fix in found.fixes
        ],
        "fixes_proven": found.fixes_proven,
    }


def _option_document(option: Option) -> dict[str, Any]:
    return {
        "site": option.site,
        "zone": option.zone,
        "verdict": option.verdict,
        "planned": option.here,
        "today": option.today,
        "obstacles": [asdict(o) for o in option.obstacles],
        "source": option.source,
        "broken": [asdict(v) for v in option.broken],
        "room_if": [{"group": g, "count": n} for g, n in option.pushes],
        "difference": _difference_document(option.difference),
        "forced": _forced_document(option.forced),
    }


def _difference_document(found: Difference | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {**asdict(found), "change": found.change, "proven": found.proven}


def _forced_document(found: Forced | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "status": found.status,
        "differences": [_difference_document(d) for d in found.differences],
        "proven": found.proven,
        "clash": [asdict(entry) for entry in found.clash],
        "clash_minimal": found.clash_minimal,
    }


def _why_document(answer: Why) -> dict[str, Any]:
    return {
        "who": answer.subject.name,
        "group": answer.subject.group,
        "planned": answer.here,
        "today": answer.today,
        "left": [option.site for option in answer.moved],
        "sites": [_option_document(option) for option in answer.options],
        "checked": answer.checked,
    }


def _why_not_document(question: WhyNot) -> dict[str, Any]:
    return {
        "who": question.subject.name,
        "group": question.subject.group,
        "domain": question.domain,
        "verdict": question.verdict,
        "planned": question.there,
        "sites": [_option_document(option) for option in question.options],
        "forced": _forced_document(question.forced),
    }


def _binding_document(entry: Binding) -> dict[str, Any]:
    return {
        **asdict(entry.limit),
        "slack": entry.limit.slack,
        "more": entry.more,
        "text": entry.text,
        "edits": list(entry.edits),
        "gain": _difference_document(entry.gain),
        "proven": entry.proven,
        "looked_at": entry.forced is not None,
        "how": entry.how,
    }


__all__ = ["explanation_document", "print_explanation"]
