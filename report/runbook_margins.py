"""What stands in a runbook before and after its waves: readiness, losses, changes, and what happens later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from zonewright.models.migration import Action, Change, Migration
from zonewright.models.operations import Operation
from zonewright.models.plan import Status
from zonewright.models.procedures import recipes_of
from zonewright.report.clock import minutes_text, spoken, when_text
from zonewright.report.markdown import code, command, many, names, plain, table

if TYPE_CHECKING:
    from zonewright.models import World


@dataclass(frozen=True)
class Margins:
    """Everything around the waves; each method returns the lines of one section, none where it is empty."""

    world: World
    migration: Migration
    estate_file: str
    """As the shell wants it."""
    plan_file: str

    def head(self, waves: int) -> list[str]:
        """Return the title, the figures, and how to use the page."""
        migration = self.migration
        title = [f"# Runbook: {code(migration.migration)}, {event_words(migration)}", ""]
        if not migration.steps:
            return [*title, nothing_words(migration), ""]
        counts = (
            (migration.moves, "move"),
            (migration.recoveries, "recovery"),
            (migration.takeovers, "takeover"),
            (migration.bypasses, "extra move"),
            (sum(loss.count for loss in migration.losses), "loss"),
        )
        start = "when you begin" if migration.starts_at is None else str(migration.starts_at)
        rows = [
            ("what is done", ", ".join(many(n, word) for n, word in counts if n) or "work on networks only"),
            ("start (T+0)", start),
            ("end", f"{when_text(migration.starts_at, migration.makespan_s)}, {many(waves, 'wave')}"),
            ("longest time that a service is away", self._longest_downtime()),
            ("data that is lost", self._data_lost()),
            ("fewest moves", proof_words(migration)),
        ]
        resume = (
            f"zonewright migrate {self.estate_file} --resume {self.plan_file} --done wave:1,STEP --failed STEP"
            " -o rest.json --save-estate now.json --runbook rest.md"
        )
        return [
            *title,
            *table(("", ""), rows),
            "How to use this page:",
            "",
            "- Every step has its time. T+0:10:00 is ten minutes after the start. A step may begin when its time",
            "  has come, and when all that was to end by then is done. If a step is late, the rest waits for it.",
            "  Later is safe. Earlier is not.",
            "- Entries run side by side where their times overlap. The steps of one entry follow each other.",
            "- Do, then check, then tick the box. Do not tick what you have not checked.",
            "- What stands in \\<angle brackets\\> in a command is for you to fill in.",
            "- If a check fails, stop. Take the step back as it says. Then take back the steps before it in the",
            "  same entry, the last one first. Leave other entries alone. Then plan the rest anew:",
            *command(resume),
            "  `wave:1` stands for all of wave 1. A step is named beside it here, or in the plan.",
            "",
        ]

    def _longest_downtime(self) -> str:
        worst = max(self.migration.actions, key=lambda action: action.downtime_s, default=None)
        if worst is None or not worst.downtime_s:
            return "none"
        return f"{spoken(worst.downtime_s)} ({code(worst.group or worst.id)})"

    def _data_lost(self) -> str:
        aged = [a for a in self.migration.actions if a.data_loss_minutes]
        worst = max(aged, key=lambda action: action.data_loss_minutes or 0, default=None)
        if worst is not None:
            return f"up to {minutes_text(worst.data_loss_minutes)} ({code(worst.group or worst.id)})"
        recipes = recipes_of(self.world)
        losing = [
            r for a in self.migration.actions if (r := recipes.get(a.recipe or "")) and r.data_loss != "none"
        ]
        return "not known: the copies do not say how old they are" if losing else "none"

    def before(self) -> list[str]:
        """Return what must be so before the first step."""
        migration, event = self.migration, self.migration.event
        if not migration.steps:
            return []
        verdict = "5, for the losses, and says valid" if migration.losses else "0"
        lines = [
            "## Before you begin",
            "",
            f"- [ ] The estate is as it was: {code(self.world.estate.estate)}, fingerprint"
            f" {code(migration.estate_fingerprint[:16])}. This ends with exit code {verdict}:",
            *command(f"zonewright check {self.estate_file} {self.plan_file}"),
        ]
        lines += [f"- [ ] {code(n)} is really gone, and nobody brings it back while you work." for n in event.fail]
        for name in event.suspect:
            lines.append(f"- [ ] {code(name)} still runs. If it fails now, stop: plan anew with `--fail {name}`.")
        lines += [f"- [ ] {code(n)} takes in nothing new from now on: close it." for n in event.drain]
        lines += [f"- [ ] {code(n)} is really back, and will stay." for n in event.restore]
        tools = sorted({s.command.split()[0] for s in migration.steps if s.command and s.command.strip()})
        if tools:
            lines.append(f"- [ ] You are logged in, and these commands answer: {', '.join(map(code, tools))}.")
        if any(step.console for step in migration.steps):
            lines.append("- [ ] You are logged in to the provider's console, with the rights for all of this.")
        return [*lines, *self._agreed(), ""]

    def _agreed(self) -> Iterator[str]:
        """Yield what others have to know or allow."""
        migration = self.migration
        kept = sum(action.count for action in self._kept)
        if kept:
            words = many(kept, "paid original")
            yield f"- [ ] Agreed: {words} kept until the term ends. Both are paid for until then."
        yield from self._owners()
        if migration.losses:
            yield "- [ ] Told: the owners of everything under Losses."
        if migration.degraded:
            yield "- [ ] Told: the owners of everything under Degraded rules."
        if self.changed:
            yield "- [ ] Ready: whoever changes names, firewalls and clients has the list under Changes."
        windows = self.world.estate.migration.windows
        if windows:
            times = "; ".join(f"{window.start} to {window.end}" for window in windows)
            yield f"- [ ] Allowed: running services are interrupted only in {times}."
        for warning in migration.warnings:
            yield f"- [ ] Read: {plain(warning)}"

    def _owners(self) -> Iterator[str]:
        """Yield whom to tell that a service is away, the longest first."""
        longest: dict[str, int] = {}
        for action in self.migration.actions:
            if action.group is not None and action.downtime_s:
                longest[action.group] = max(longest.get(action.group, 0), action.downtime_s)
        services: dict[str, list[str]] = {}
        for service in self.world.estate.services:
            for group in service.chain:
                services.setdefault(group, []).append(service.id)
        for group, seconds in sorted(longest.items(), key=lambda entry: (-entry[1], entry[0])):
            part = f", part of {names(services[group])}" if group in services else ""
            yield f"- [ ] Told: the owner of {code(group)}{part}. It is away for up to {spoken(seconds)}."

    def losses(self) -> list[str]:
        """Return what does not come back."""
        if not self.migration.losses:
            return []
        rows = [
            (code(loss.group), _who(loss.count, loss.instances), loss.priority, plain(loss.message))
            for loss in sorted(self.migration.losses, key=lambda entry: (-entry.priority, entry.group))
        ]
        columns = ("group", "instances", "priority", "why")
        return ["## Losses", "", "These are not back when all is done.", "", *table(columns, rows)]

    def degraded(self) -> list[str]:
        """Return the rules that do not hold for now."""
        if not self.migration.degraded:
            return []
        lines = [
            "## Degraded rules",
            "",
            "These do not hold when all is done: what remains does not allow it.",
            "",
        ]
        for entry in self.migration.degraded:
            group = f", {code(entry.group)}" if entry.group else ""
            lines.append(f"- {plain(entry.rule)}{group}: {plain(entry.message)}")
        return [*lines, ""]

    @cached_property
    def changed(self) -> list[Change]:
        """What others have to be told, equal entries added up."""
        return changes_of(self.migration)

    def changes(self) -> list[str]:
        """Return what others know the instances by and what is different afterwards."""
        if not self.changed:
            return []

        def value(text: str | None) -> str:
            return "?" if text is None else plain(text)

        rows = [
            ("[ ]", c.what.replace("_", " "), code(c.of), f"{c.count:,}", value(c.before), value(c.after))
            for c in self.changed
        ]
        words = "For names (DNS), firewalls and clients. A `?` is known once it exists: write it down then."
        return ["## Changes", "", words, "", *table(("", "what", "of", "count", "before", "after"), rows)]

    def after(self) -> list[str]:
        """Return what to see to at the end."""
        migration = self.migration
        if not migration.steps:
            return []
        lines = ["## When all waves are done", ""]
        lines.append("- [ ] Every service answers.")
        if self.changed:
            lines.append("- [ ] Every line under Changes is ticked, and the old values are gone.")
        for name in (*migration.event.drain, *migration.event.suspect):
            lines.append(f"- [ ] {code(name)} is empty: nothing of this estate is listed there{self._but_kept()}.")
        lines += self._releases()
        lines.append("- [ ] The estate's file says where everything is now. This writes such a file:")
        finish = (
            f"zonewright migrate {self.estate_file} --resume {self.plan_file} --done all --save-estate now.json"
        )
        lines += command(finish)
        if migration.event.drain:
            lines.append(f"When the work on {names(migration.event.drain)} is over, plan the way back:")
            lines += command(_restore(migration.event.drain), "")
        return [*lines, ""]

    @cached_property
    def _kept(self) -> list[Action]:
        """The actions whose originals stay, as they are paid for."""
        keeping = {step.action for step in self.migration.steps if step.do is Operation.KEEP_ORIGINAL}
        return [action for action in self.migration.actions if action.id in keeping]

    def _but_kept(self) -> str:
        return ", but for the paid originals below" if self._kept else ""

    def _releases(self) -> Iterator[str]:
        """Yield when each paid original is to be released."""
        instances = {entry.id: entry for entry in self.world.estate.instances}
        for action in self._kept:
            own = [entry.billing for name in action.instances if (entry := instances.get(name)) is not None]
            billing = own[0] if own and own[0] is not None else self.world.groups[action.group or ""].billing
            term = f", {billing.paid_until:%Y-%m-%d}," if billing.paid_until is not None else ""
            who = f"{_who(action.count, action.instances)} of {code(action.group or '')}"
            where = code(action.source or "?")
            yield f"- [ ] Noted for the day the paid term ends{term} and not before: release {who} in {where}."

    def counting(self) -> list[str]:
        """Return which copies count and which must not serve."""
        back = [action for action in self.migration.actions if action.kind in ("recovery", "takeover")]
        if not back:
            return []
        return table(("group", "instances", "the copy that counts", "the copy to fence"), list(_counting(back)))

    def way_back(self) -> list[str]:
        """Return what to do with a failed domain that is back, beyond fencing."""
        lines = [
            f"- [ ] {code(loss.group)} was lost ({_who(loss.count, loss.instances)}): see that it runs again."
            for loss in self.migration.losses
        ]
        for name in self.migration.event.fail:
            lines.append(
                f"- [ ] {code(name)} is in order again. Plan the way back, with the estate as it is then:"
            )
            lines += command(f"zonewright migrate now.json --restore {name}")
        return lines

    def rests_on(self) -> list[str]:
        """Return the assumptions."""
        entries = dict.fromkeys(self.migration.assumptions)
        if not entries:
            return []
        return ["## What this rests on", "", *(f"- {plain(entry)}" for entry in entries), ""]


def event_words(migration: Migration) -> str:
    """Return what a migration is for, in words."""
    event = migration.event
    happened = (
        (event.fail, "failed"),
        (event.suspect, "suspect"),
        (event.drain, "drained"),
        (event.restore, "restored"),
    )
    parts = [f"{', '.join(domains)} {word}" for domains, word in happened if domains]
    if event.rebalance is not None:
        parts.append(f"load at most {event.rebalance:.3g}")
    wished = ((event.consolidate, "hosts freed"), (event.mend, "rules mended"), (event.to, "to a given placement"))
    return ", ".join([*parts, *(word for asked, word in wished if asked)])


def nothing_words(migration: Migration) -> str:
    """Return why a migration has no steps."""
    if migration.order_status in (Status.INFEASIBLE, Status.UNKNOWN):
        why = "no order leads to the target" if migration.reason else "no order was found in time"
        return f"There is nothing to carry out: {why}."
    return "Nothing can be done." if migration.losses else "There is nothing to do."


def proof_words(migration: Migration) -> str:
    """Return what is proven of the number of moves."""
    goal = next((goal for goal in migration.objective if goal.goal == "moves"), None)
    if goal is None or goal.bound is None:
        return "not proven"
    if goal.closed:
        return "proven: no plan that loses as little moves less"
    return f"not proven: {goal.value:,} here, at least {goal.bound:,} in any plan that loses as little"


def changes_of(migration: Migration) -> list[Change]:
    """Return what others have to be told, equal entries added up, by what changes."""
    found: dict[tuple[str, str, str, str], Change] = {}
    for action in migration.actions:
        for change in action.changes:
            key = (change.what, change.of, change.before or "", change.after or "")
            known = found.get(key)
            count = change.count + (known.count if known else 0)
            found[key] = change.model_copy(update={"count": count})
    return [found[key] for key in sorted(found)]


def _counting(actions: Iterable[Action]) -> Iterator[tuple[str, str, str, str]]:
    alike: dict[tuple[str, str, str], tuple[int, list[str]]] = {}
    for action in actions:
        by = f" (of {code(action.takes_over)})" if action.takes_over else ""
        key = (action.group or "", code(action.target or "?") + by, code(action.source or "?"))
        count, who = alike.get(key, (0, []))
        alike[key] = (count + action.count, [*who, *action.instances])
    for (group, serves, fenced), (count, who) in alike.items():
        yield code(group), _who(count, who), f"in {serves}", f"in {fenced}"


def _restore(domains: Iterable[str]) -> str:
    return f"zonewright migrate now.json {' '.join(f'--restore {name}' for name in domains)}"


def _who(count: int, instances: list[str]) -> str:
    return f"{count:,}" + (f": {names(instances)}" if instances else "")
