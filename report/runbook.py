"""A migration as a runbook in Markdown: what a person does, wave by wave, with checks and ways back."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING

from zonewright.models.durations import lanes_of
from zonewright.models.migration import Action, Migration, Step
from zonewright.models.operations import Operation
from zonewright.models.procedures import recipes_of
from zonewright.report.clock import spoken, when_text
from zonewright.report.doings import DOINGS, Words, for_each, written_out
from zonewright.report.markdown import MOST_NAMES, code, command, many, names, plain
from zonewright.report.runbook_margins import Margins
from zonewright.report.waves import Line, Wave, blocks_of, waves_of

if TYPE_CHECKING:
    from zonewright.models import World

#: Blocks of so many lines are written out line by line, so that commands can be copied.
_MOST_WRITTEN_OUT = 3
_MOST_WAITS = 12
_MOST_ENDS = 2

#: What is done once a domain is back, not in a wave.
_LATER = (Operation.FENCE_ORIGINAL,)

#: Kinds of actions in words.
KINDS = {
    "move": "moved",
    "bypass": "moved out of the way first",
    "recovery": "recovered",
    "takeover": "taken over",
    "start": "started for the first time",
    "resource": "prepared",
}


def runbook_text(world: World, migration: Migration, *, estate_file: str, plan_file: str) -> str:
    """Return the runbook of a migration, as Markdown; the file names are used in its commands."""
    margins = Margins(world, migration, quote(estate_file), quote(plan_file))
    book = _Waves(world, migration)
    parts = [
        margins.head(len(book.waves)),
        margins.before(),
        margins.losses(),
        margins.degraded(),
        margins.changes(),
        *(book.wave(wave) for wave in book.waves),
        margins.after(),
        _returns(book, margins),
        margins.rests_on(),
    ]
    lines = [line for part in parts for line in part]
    return _single_spaced(lines)


def _single_spaced(lines: Sequence[str]) -> str:
    kept = [line for n, line in enumerate(lines) if line or (n and lines[n - 1])]
    return "\n".join(kept).rstrip("\n") + "\n"


def _returns(book: _Waves, margins: Margins) -> list[str]:
    """Return what to do when a domain that failed comes back: fence the old copies, then plan the way back."""
    later = [step.model_copy(update={"wave": 1}) for step in margins.migration.steps if step.do in _LATER]
    fences = waves_of(margins.migration.model_copy(update={"steps": later}))
    failed = margins.migration.event.fail
    if not failed and not fences:
        return []
    lines = [
        f"## When {', '.join(map(code, failed)) or 'the lost domain'} comes back",
        "",
        "Old instances may start by themselves there. Two copies of one service must not serve at once.",
        "",
        *margins.counting(),
    ]
    for block in (block for wave in fences for block in blocks_of(wave)):
        lines += book.written(block, timed=False)
    return [*lines, "", *margins.way_back()]


class _Waves:
    def __init__(self, world: World, migration: Migration) -> None:
        self.world = world
        self.recipes = recipes_of(world)
        self.waves = waves_of(migration, without=_LATER)
        self.starts_at = migration.starts_at
        self.action_of = {step.id: step.action for step in migration.steps}
        self.section_of: dict[str, str] = {}
        for wave in self.waves:
            for number, block in _numbered(wave):
                for line in block:
                    self.section_of |= {step.id: number for steps in line.steps for step in steps}

    def when(self, second: int) -> str:
        return when_text(self.starts_at, second)

    def span(self, start: int, end: int) -> str:
        return self.when(start) if start == end else f"{self.when(start)} to {self.when(end)}"

    def wave(self, wave: Wave) -> list[str]:
        lines = [f"## Wave {wave.number}", "", f"{self.span(wave.start_s, wave.end_s)}.", ""]
        for number, block in _numbered(wave):
            lines += self._block(number, block)
        later = self.waves[self.waves.index(wave) + 1 :]
        if later and later[0].start_s < wave.end_s:
            lines += [
                f"Wave {later[0].number} begins at {self.when(later[0].start_s)}, beside the rest of this one.",
                "",
            ]
        elif later:
            lines += [f"- [ ] **Wave {wave.number} is done.** Every box above is ticked. Only then go on.", ""]
        return lines

    def _block(self, number: str, block: Sequence[Line]) -> list[str]:
        first = block[0].action
        recipe = self.recipes.get(first.recipe or "")
        title = self._title(block[0])
        if len(block) > 1:
            count = sum(line.count for line in block)
            what = f"{many(count, 'instance')} {KINDS[first.kind]}" if first.group else many(len(block), "thing")
            title = f"{what}{_ends(block)}"
        lines = [f"### {number} {title}", ""]
        if first.recipe is not None:
            name = f": {plain(recipe.name)}" if recipe is not None else ""
            lines.append(f"- Recipe {code(first.recipe)}{name}.")
        if first.group is not None:
            away = max(line.action.downtime_s for line in block)
            lines.append(f"- Each is away for {spoken(away)} at most." if away else "- Nobody is interrupted.")
        reasons = dict.fromkeys(line.action.why for line in block if line.action.why)
        lines += [f"- Why: {plain(reason)}" for reason in list(reasons)[:3]]
        assumed = dict.fromkeys(s.assumed for line in block for steps in line.steps for s in steps if s.assumed)
        lines += [f"- Not in the provider's documents, assumed: {plain(text)}" for text in assumed]
        lanes = self._lanes(block)
        if lanes is not None:
            lines.append(f"- No more than {lanes:,} at once; the times below allow for it.")
        if any(line.continued for line in block):
            lines.append("- Begun in an earlier wave, and goes on here.")
        lines.append("")
        return [*lines, *self.written(block)]

    def written(self, block: Sequence[Line], *, timed: bool = True) -> list[str]:
        """Return what is to be done for a block: line by line where they are few, else the steps once for all."""
        if len(block) > _MOST_WRITTEN_OUT and block[0].action.recipe in self.recipes:
            return self._together(block, timed=timed)
        lines: list[str] = []
        parts = [part for line in block for part in self._apart(line)]
        for part in parts:
            if len(parts) > 1 or not timed:
                lines += [f"**{self._title(part)}**", ""]
            lines += [*self._steps(part, timed=timed), ""]
        return lines

    def _apart(self, line: Line) -> list[Line]:
        """Return a line as it is, or its few actions one by one where each has words of its own."""
        if len(line.actions) > _MOST_WRITTEN_OUT:
            return [line]
        said = {tuple(written_out(a, s) for s in steps) for a, steps in zip(line.actions, line.steps, strict=True)}
        return _single(line) if len(said) > 1 else [line]

    def _title(self, line: Line) -> str:
        action = line.action
        if action.group is None:
            things = list(dict.fromkeys(s.thing for steps in line.steps for s in steps if s.thing is not None))
            return f"{DOINGS[line.doings[0][0]].name} {names(things)}".rstrip()
        return f"{_who(line)} {KINDS[action.kind]}, {way_words(action)}"

    def _lanes(self, block: Sequence[Line]) -> int | None:
        """Return how many instances of a batch may be under way at once, where that is not all of them."""
        tree = self.world.tree
        found: list[int] = []
        for line in block:
            for action in line.actions:
                ends = [action.target] if action.kind == "recovery" else [action.source, action.target]
                sites = [tree.by_id[name] for name in ends if name is not None and name in tree.by_id]
                lanes = lanes_of(self.world, sites)
                if lanes is not None and lanes < action.count:
                    found.append(lanes)
        return min(found, default=None)

    def _waits(self, steps: Sequence[Step]) -> str:
        """Return which steps of other actions these wait for, and in which sections those stand."""
        own = {step.action for step in steps}
        needed = dict.fromkeys(name for step in steps for name in step.needs)
        shown = [name for name in needed if self.action_of.get(name) not in own]
        words = [
            f"{code(name)}{f' in {self.section_of[name]}' if name in self.section_of else ''}" for name in shown
        ]
        more = f" and {len(words) - _MOST_WAITS:,} more" if len(words) > _MOST_WAITS else ""
        return ", ".join(words[:_MOST_WAITS]) + more

    def _steps(self, line: Line, *, timed: bool) -> list[str]:
        """Return every step of a line; equal actions are done side by side, each step for all of them."""
        lines: list[str] = []
        if len(line.actions) > 1:
            more = len(line.actions) - MOST_NAMES
            ids = ", ".join(code(action.id) for action in line.actions[:MOST_NAMES])
            lines += [f"In the plan: {ids}{f' and {more:,} more' if more > 0 else ''}.", ""]
        words = self._words(line)
        for position, entry in enumerate(words):
            alike = [steps[position] for steps in line.steps]
            mark = code(alike[0].id) if len(alike) == 1 else f"for each of the {len(alike):,}"
            if timed:
                span = self.span(min(s.start_s for s in alike), max(s.end_s for s in alike))
                mark = f"{span}; {mark}"
            lines += _step(entry, mark, boxed=True, waits=self._waits(alike))
        return lines

    def _words(self, line: Line) -> list[Words]:
        """Return the words of each step of a line: those that its actions share, or else the recipe's."""
        if len(line.actions) == 1:
            return [written_out(line.action, step) for step in line.steps[0]]
        found: list[Words] = []
        general = [
            words for words, (_, times) in zip(self._general(line), line.doings, strict=True) for _ in range(times)
        ]
        for position, step in enumerate(line.steps[0]):
            each = {written_out(a, steps[position]) for a, steps in zip(line.actions, line.steps, strict=True)}
            found.append(each.pop() if len(each) == 1 else general[position].about(step.thing))
        return found

    def _general(self, line: Line) -> list[Words]:
        """Return the words of a line's operations as its recipe has them, with {names} in them."""
        return for_each(self.recipes.get(line.action.recipe or ""), [do for do, _ in line.doings])

    def _together(self, block: Sequence[Line], *, timed: bool) -> list[str]:
        """Return many lines of one kind: who, each with a box, then the steps once."""
        words = self._general(block[0])
        lines: list[str] = []
        for line in block:
            for part in _single(line) if len(words) == 1 and words[0].command else [line]:
                things = dict.fromkeys(s.thing for steps in part.steps for s in steps if s.thing is not None)
                extra = f", with {names(list(things))}" if things else ""
                ids = code(part.action.id) if len(part.actions) == 1 else f"{len(part.actions):,} actions"
                span = f"{self.span(part.start_s, part.end_s)}: " if timed else ""
                waits = self._waits([step for steps in part.steps for step in steps]) if timed else ""
                late = f"; not before this is done: {waits}" if waits else ""
                lines.append(f"- [ ] {span}{_who(part)}, {way_words(part.action)}{extra} ({ids}){late}")
                if len(words) == 1 and part.steps[0][0].command:
                    lines += command(written_out(part.action, part.steps[0][0]).command or "")
        lines += ["", "For each line, one step after the other:" if len(words) > 1 else "For each line:", ""]
        repeated = {do for line in block for do, times in line.doings if times > 1}
        for entry, (do, _) in zip(words, block[0].doings, strict=True):
            lines += _step(entry, "for each thing of the line" if do in repeated else "", boxed=False)
        if any(
            "{" in text for entry in words for text in (entry.do, entry.command or "", entry.check, entry.undo)
        ):
            lines += ["", "What stands in braces is to be taken from the line."]
        return [*lines, ""]


def _numbered(wave: Wave) -> list[tuple[str, list[Line]]]:
    return [(f"{wave.number}.{position}", block) for position, block in enumerate(blocks_of(wave), 1)]


def _single(line: Line) -> list[Line]:
    """Return the actions of a line one by one."""
    return [Line((a,), (steps,), line.continued) for a, steps in zip(line.actions, line.steps, strict=True)]


def _who(line: Line) -> str:
    group = code(line.action.group or "")
    named = line.instances
    if len(named) == line.count == 1:
        return f"{code(named[0])} of {group}"
    return f"{line.count:,} of {group}" + (f" ({names(named)})" if named else "")


def _ends(block: Sequence[Line]) -> str:
    """Return from where to where a block goes, where that can be said shortly."""
    sources = sorted({line.action.source for line in block if line.action.source is not None})
    targets = sorted({line.action.target for line in block if line.action.target is not None})
    start = f", {names(sources)}" if 0 < len(sources) <= _MOST_ENDS else ""
    if not targets:
        return start
    return f"{start} to {names(targets) if len(targets) <= _MOST_ENDS else many(len(targets), 'site')}"


def way_words(action: Action) -> str:
    """Return from where to where an action goes, in Markdown."""
    target = code(action.target or "?")
    if action.takes_over is not None:
        return f"{code(action.source or '?')} to {code(action.takes_over)} in {target}"
    if action.source is None:
        return f"into {target}"
    return f"{code(action.source)} to {target}" if action.target is not None else f"in {code(action.source)}"


def _step(words: Words, mark: str, *, boxed: bool, waits: str = "") -> list[str]:
    """Return one step as an entry of a list: what it is, what to do, the check, the way back."""
    box = "- [ ]" if boxed else "-"
    lines = [f"{box} **{plain(words.name)}**" + (f" ({mark})" if mark else "")]
    if waits:
        lines.append(f"  - Not before this is done: {waits}")
    lines.append(f"  - Do: {plain(words.do)}")
    if words.command:
        lines += command(words.command, "    ")
    return [*lines, f"  - Check: {plain(words.check)}", f"  - If it fails: {plain(words.undo)}"]
