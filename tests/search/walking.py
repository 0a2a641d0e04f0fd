"""Random walks on a board: kernels, oracle, checkers and the rows of the program judge every placement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import numpy as np

from tests.search.programs import Program, program
from zonewright.models import World, estate_from_data
from zonewright.models.check import judge
from zonewright.models.view import Row, View
from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.program import Program as Columns
from zonewright.solver.program import lower
from zonewright.solver.search.board import Board, Ints, Places
from zonewright.solver.search.decode import relabel, unit_sites
from zonewright.solver.search.lower import Refusal, lower_board
from zonewright.solver.search.oracle import FAMILIES, Judgement, judge_board

#: Rules that say where an instance may be: several of them may count one instance.
PLACES = frozenset(
    ("zone_state", "entitlement", "compatibility", "service_availability", "scope", "domains", "residency")
)
PINS = frozenset(("pin", "pinned"))

#: Changes the facts that kernels work on.
Mutation = Callable[[Any], Any]


@dataclass
class Walk:
    """What one program's walk showed."""

    seed: int
    refused: str | None = None
    moves: int = 0
    """Shifts, swaps and chains that were compared."""
    judged: int = 0
    """Placements that the checkers judged too."""
    columns: int = 0
    """Placements that the rows of the program judged too."""
    present: set[str] = field(default_factory=set)
    """Families that the board has."""
    binding: Counter[str] = field(default_factory=Counter)
    """Family to how many moves changed what it adds."""
    mismatches: list[str] = field(default_factory=list)


class Walker:
    """A board, where its items are, and who else is asked."""

    def __init__(self, entry: Program, mutation: Mutation | None, *, kernels: bool, others: bool) -> None:
        self.entry = entry
        self.rng = Random(f"walk-{entry.seed}")
        self.world = World(estate_from_data(entry.data))
        self.found = Walk(entry.seed)
        board = lower_board(self.world, partial=entry.partial)
        if isinstance(board, Refusal):
            self.found.refused = board.text
            return
        self.board: Board = board
        self.site_i = self._start()
        self.now = judge_board(board, self.site_i)
        self.columns = lower(self.world, partial=entry.partial, explain=True) if others else None
        self.others = others
        self.kernels = _Kernels(board, self.site_i, mutation) if kernels else None
        self.found.present = present(board)

    def _start(self) -> Places:
        """At home, or anywhere; where nobody may stay unplaced, everybody somewhere."""
        rng, board = self.rng, self.board
        sites = [board.sites] * board.items
        for i in range(board.items):
            home = int(board.home_i[i])
            nowhere = self.entry.partial and rng.random() < 0.2
            allowed = [s for s in range(board.sites) if board.enter_ps[board.profile_i[i], s]]
            if home >= 0 and (rng.random() < 0.7 or not allowed):
                sites[i] = home
            elif not nowhere and allowed:
                sites[i] = rng.choice(allowed)
        return np.array(sites, np.int32)

    def walk(self, steps: int) -> Walk:
        """Make and compare random moves."""
        self._compare_others()
        for step in range(steps):
            if self.found.mismatches:
                break
            kind = self.rng.choice(("shift", "shift", "shift", "swap", "chain"))
            if kind == "shift":
                self._shift(self.rng.random() < 0.7)
            elif kind == "swap":
                self._swap(self.rng.random() < 0.7)
            else:
                self._chain()
            if step % 3 == 2:
                self._compare_others()
        return self.found

    def _target(self, i: int) -> int:
        """A site, seldom nowhere, seldom one where the item may not be."""
        board, rng = self.board, self.rng
        if rng.random() < (0.2 if self.entry.partial else 0.05):
            return board.sites
        if board.home_i[i] >= 0 and rng.random() < 0.25:
            return int(board.home_i[i])
        return rng.randrange(board.sites)

    def _shift(self, keep: bool) -> None:
        i = self.rng.randrange(self.board.items)
        to = self._target(i)
        if to == self.site_i[i]:
            return
        after = self.site_i.copy()
        after[i] = to
        self._compare(after, [("shift", i, to)], keep)

    def _swap(self, keep: bool) -> None:
        i, j = self.rng.randrange(self.board.items), self.rng.randrange(self.board.items)
        at_home = np.flatnonzero(self.site_i == self.board.home_i[i]).tolist()
        if at_home and self.rng.random() < 0.5:
            j = self.rng.choice(at_home)
        if self.site_i[i] == self.site_i[j]:
            return
        after = self.site_i.copy()
        after[i], after[j] = self.site_i[j], self.site_i[i]
        self._compare(after, [("swap", i, j)], keep)

    def _chain(self) -> None:
        """Several shifts, kept or taken back as a whole."""
        after, steps = self.site_i.copy(), []
        for _ in range(self.rng.randint(2, 4)):
            i = self.rng.randrange(self.board.items)
            to = self._target(i)
            if to != after[i]:
                after[i] = to
                steps.append(("shift", i, to))
        if steps:
            self._compare(after, steps, self.rng.random() < 0.5)

    def _compare(self, after: Places, steps: list[tuple[str, int, int]], keep: bool) -> None:
        """Compare a move; the kernels may refuse it where an item would be where it may not."""
        then = judge_board(self.board, after)
        self.found.moves += 1
        changed = (name for name in FAMILIES if (then.by_family[name] != self.now.by_family[name]).any())
        self.found.binding.update(changed)
        made = True
        if self.kernels is not None:
            made, fault = self.kernels.compare(self.board, self.site_i, self.now, after, then, steps, keep)
            if fault:
                self.found.mismatches.append(f"{steps}: {fault}")
        if made and keep:
            self.site_i, self.now = after, then

    def _compare_others(self) -> None:
        if not self.others:
            return
        missing = int((self.site_i == self.board.sites).sum())
        if missing and not self.entry.partial:
            return
        best = relabel(self.board, self.site_i)
        value_k = judge_board(self.board, best)
        if list(value_k.value_k) > list(self.now.value_k):
            self.found.mismatches.append(f"relabelled {self.now.value_k} to {value_k.value_k}")
        self.found.judged += 1
        self.found.mismatches += self._checkers(best, value_k)
        self.found.mismatches += self._rows(best, value_k)

    def _checkers(self, site_i: Places, then: Judgement) -> Iterator[str]:
        sites = unit_sites(self.board, site_i)
        rows = [Row(unit, site, count) for unit, where in sites.items() for site, count in where.items()]
        report = judge(View(self.world, rows))
        said = [value for _, value in report.objective]
        if said != then.value_k[1:].tolist():
            yield f"the checkers find {report.objective}, the board {then.value_k[1:]}"
        hard = [v for v in report.violations if v.hard]
        if (not hard) != then.valid:
            yield f"the checkers find {hard} broken, the board {_broken(then)}"
        others = sum(v.amount for v in hard if v.rule not in PLACES | PINS)
        mine = int(then.value_k[0]) - sum(int(then.by_family[name][0]) for name in ("reach", "pinned"))
        if not self._inexact() and others != mine:
            yield f"the checkers find {others} broken ({hard}), the board {_broken(then)}"

    def _inexact(self) -> bool:
        """Whether amounts differ by design: where more is held today than there is, that is a limit apart."""
        held = np.flatnonzero(self.board.holds_lr.any(axis=0))
        return self.entry.inexact or any(self.board.resources[r].endswith(")") for r in held)

    def _rows(self, site_i: Places, then: Judgement) -> Iterator[str]:
        """Fix the decisions of the program of columns, and compare what its rows and stages say."""
        if self.columns is None:
            return
        self.found.columns += 1
        verdict = Fixed(self.columns, unit_sites(self.board, site_i))
        if verdict.feasible != then.valid:
            yield f"the rows can{'' if verdict.feasible else 'not'} be kept, the board finds {_broken(then)}"
        elif verdict.feasible:
            said = dict(zip(self.board.stages, then.value_k.tolist(), strict=True))
            wrong = {goal: value for goal, value in verdict.values.items() if said[goal] != value}
            if wrong:
                yield f"the rows say {wrong}, the board {said}"


def _broken(then: Judgement) -> dict[str, int]:
    return {name: int(part[0]) for name, part in then.by_family.items() if part[0]}


def present(board: Board) -> set[str]:
    """Return the families that a board has, named as the oracle names them."""
    from zonewright.solver.search.state import FAMILIES as BITS
    from zonewright.solver.search.state import facts_of

    has = facts_of(board).has
    found = {name for name, bit in BITS.items() if has & bit}
    return found | ({"pinned"} if board.pinned_i.any() else set())


class Fixed:
    """The program of columns where every class has a given number at every place."""

    def __init__(self, columns: Columns, sites: dict[int, dict[int, int]]) -> None:
        ctx, matrix = columns.context, columns.matrix
        low_j, high_j = matrix.low_j.copy(), matrix.high_j.copy()
        for cls in ctx.classes:
            placed = 0
            for place, column in ctx.base.cells[cls.index].items():
                site = ctx.places[place].site
                count = sum(sites[unit.index].get(site, 0) for unit in cls.units)
                low_j[column] = high_j[column] = count
                placed += count
            if cls.index in ctx.unplaced:
                column = ctx.unplaced[cls.index]
                low_j[column] = high_j[column] = cls.count - placed
        model = Model(replace(matrix, low_j=low_j, high_j=high_j))
        self.values: dict[str, int] = {}
        self.feasible = True
        for stage in columns.stages:
            answer = model.minimize(stage.terms or None, Deadline(20.0), seconds=20.0, workers=1, seed=0)
            if answer.x_j is None:
                self.feasible = False
                return
            spent = sum(int(answer.x_j[j]) * weight for j, weight in stage.terms.items())
            self.values[stage.goal] = stage.constant + spent


class _Kernels:
    """State of the kernels, kept beside the walk."""

    def __init__(self, board: Board, site_i: Places, mutation: Mutation | None) -> None:
        from zonewright.solver.search.state import facts_of, make_state

        facts = facts_of(board)
        self.facts = mutation(facts) if mutation is not None else facts
        self.state = make_state(self.facts, site_i)

    def compare(
        self,
        board: Board,
        before_i: Places,
        now: Judgement,
        after_i: Places,
        then: Judgement,
        steps: list[tuple[str, int, int]],
        keep: bool,
    ) -> tuple[bool, str | None]:
        """Make the steps; return whether they could be made, and where the kernels differ from the oracle."""
        from zonewright.solver.search.kernels.single import roll_back_once

        kept_k = self.state.value_k.copy()
        if (kept_k != now.value_k).any():
            return False, f"the state is worth {kept_k}, it is {now.value_k}"
        done: list[tuple[int, int]] = []
        fault = None
        for step in steps:
            fault = self._step(board, step, done)
            if fault is not None:
                break
        whole = fault is None
        if whole and (self.state.value_k != then.value_k).any():
            fault = f"the kernels find {self.state.value_k}, the oracle {then.value_k}: {_parts(now, then)}"
        elif fault == "refused":
            fault = None
        if not (whole and keep):
            item_x, old_x = (np.array([pair[side] for pair in done], np.int32) for side in range(2))
            roll_back_once(self.facts, self.state, item_x, old_x, len(done), kept_k)
            if (self.state.site_i != before_i).any():
                fault = fault or "rolled back to other sites"
        return whole, fault

    def _step(self, board: Board, step: tuple[str, int, int], done: list[tuple[int, int]]) -> str | None:
        from zonewright.solver.search.kernels import single

        kind, i, to = step
        f, s = self.facts, self.state
        before = judge_board(board, s.site_i)
        after_i = s.site_i.copy()
        after_i[i] = s.site_i[to] if kind == "swap" else to
        if kind == "swap":
            after_i[to] = s.site_i[i]
        after = judge_board(board, after_i)
        d_k, strict_k = np.zeros(f.stages, np.int64), np.zeros(f.stages, np.int64)
        delta = single.shift_delta_once if kind == "shift" else single.swap_delta_once
        strictly = delta(f, s, i, to, strict_k, True)
        may = delta(f, s, i, to, d_k, False)
        if may != _may(board, after_i, [i, to] if kind == "swap" else [i]):
            return f"{step} may{'' if may else ' not'} be made by the kernels"
        if not may:
            return "refused"
        change_k: Ints = after.value_k - before.value_k
        if (d_k != change_k).any():
            return f"{step} changes {d_k} by the kernels, {change_k} by the oracle: {_parts(before, after)}"
        if strictly and ((strict_k != change_k).any() or change_k[0] > 0):
            return f"{step} strictly changes {strict_k}, {change_k} by the oracle"
        if not strictly and after.value_k[0] == 0:
            return f"{step} leads to a valid placement, and is not made strictly"
        old = int(s.site_i[i])
        if kind == "shift":
            single.apply_shift_once(f, s, i, to, d_k)
            done.append((i, old))
        else:
            done += [(i, old), (to, int(s.site_i[to]))]
            single.apply_swap_once(f, s, i, to, d_k)
        return None


def _parts(now: Judgement, then: Judgement) -> dict[str, list[int]]:
    return {
        name: (then.by_family[name] - now.by_family[name]).tolist()
        for name in FAMILIES
        if (then.by_family[name] != now.by_family[name]).any()
    }


def _may(board: Board, site_i: Places, items: list[int]) -> bool:
    """Return whether items may be where they are; kernels leave who is pinned at home."""
    for i in items:
        site, home = int(site_i[i]), int(board.home_i[i])
        if site == home:
            if not board.stay_i[i]:
                return False
        elif board.pinned_i[i] or (site < board.sites and not board.enter_ps[board.profile_i[i], site]):
            return False
    return True


def walk(
    seed: int,
    *,
    steps: int = 12,
    mutation: Mutation | None = None,
    kernels: bool = True,
    others: bool = True,
) -> Walk:
    """Walk over the program of a seed, asking the kernels, and all others where asked to."""
    walker = Walker(program(seed), mutation, kernels=kernels, others=others)
    return walker.found if walker.found.refused is not None else walker.walk(steps)


__all__ = ["Mutation", "Walk", "walk"]
