"""A migration as people follow it: waves, in each the lines of what moves where, equal actions in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from zonewright.models.migration import Action, Migration, Step
from zonewright.models.operations import Operation


@dataclass(frozen=True)
class Line:
    """Equal actions of one wave: one group, one way from one place to another."""

    actions: tuple[Action, ...]
    steps: tuple[tuple[Step, ...], ...]
    """Of each action, the steps that lie in this wave, in the order of their start; the same operations in all."""
    continued: bool = False
    """Whether the actions began in an earlier wave."""

    @property
    def action(self) -> Action:
        """The first of the actions; the others are like it."""
        return self.actions[0]

    @property
    def count(self) -> int:
        """How many instances in all."""
        return sum(action.count for action in self.actions)

    @property
    def instances(self) -> list[str]:
        """The named ones among them."""
        return [name for action in self.actions for name in action.instances]

    @cached_property
    def start_s(self) -> int:
        """When the first of them begins."""
        return min((step.start_s for steps in self.steps for step in steps), default=0)

    @cached_property
    def end_s(self) -> int:
        """When the last of them ends."""
        return max((step.end_s for steps in self.steps for step in steps), default=0)

    @cached_property
    def doings(self) -> tuple[tuple[Operation, int], ...]:
        """Operations in order, each with how many times in a row (once per disk, address, balancer)."""
        found: list[tuple[Operation, int]] = []
        for step in self.steps[0]:
            if found and found[-1][0] is step.do and step.thing is not None:
                found[-1] = (step.do, found[-1][1] + 1)
            else:
                found.append((step.do, 1))
        return tuple(found)


@dataclass(frozen=True)
class Wave:
    """What is done together before the next wave begins."""

    number: int
    lines: tuple[Line, ...]
    start_s: int
    end_s: int


def waves_of(migration: Migration, without: Sequence[Operation] = ()) -> list[Wave]:
    """Return the waves in order, without the steps of some operations.

    A line of actions whose steps lie in several waves is in each of them. Actions without steps are in none.
    """
    actions = {action.id: action for action in migration.actions}
    steps_of: dict[int, dict[str, list[Step]]] = {}
    first: dict[str, int] = {}
    for step in migration.steps:
        if step.action in actions and step.do not in without:
            steps_of.setdefault(step.wave, {}).setdefault(step.action, []).append(step)
            first[step.action] = min(first.get(step.action, step.wave), step.wave)
    found: list[Wave] = []
    for number, of_action in sorted(steps_of.items()):
        alike: dict[object, tuple[list[Action], list[tuple[Step, ...]]]] = {}
        for name, steps in of_action.items():
            ordered = tuple(sorted(steps, key=lambda step: (step.start_s, step.end_s)))
            action = actions[name]
            key = (_likeness(action), tuple((s.do, s.thing, s.at) for s in ordered), first[name] < number)
            of_line = alike.setdefault(key, ([], []))
            of_line[0].append(action)
            of_line[1].append(ordered)
        lines = [
            Line(tuple(of_line), tuple(steps), continued=first[of_line[0].id] < number)
            for of_line, steps in alike.values()
        ]
        lines.sort(key=lambda line: (line.start_s, line.end_s, line.action.id))
        start, end = min(line.start_s for line in lines), max(line.end_s for line in lines)
        found.append(Wave(number, tuple(lines), start, end))
    return found


def _likeness(action: Action) -> object:
    """Return what two actions share that a person need not tell apart."""
    return (
        action.kind,
        action.recipe,
        action.group,
        action.source,
        action.target,
        action.subnet,
        action.takes_over,
    )


def blocks_of(wave: Wave) -> list[list[Line]]:
    """Return the lines of a wave, those together that are done in the same way by the same recipe.

    What belongs to no recipe is done in a way of its own.
    """
    blocks: dict[object, list[Line]] = {}
    for line in wave.lines:
        kinds = tuple(do for do, _ in line.doings)
        key = (line.action.kind, line.action.recipe, kinds) if line.action.recipe else line.action.id
        blocks.setdefault(key, []).append(line)
    return list(blocks.values())
