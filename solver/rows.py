"""Integer columns and linear rows in arrays: what the linear relaxation, CP-SAT and the bounds all read.

Axes: j column, i row. Everything is an integer; an absent limit is `None` outside and +-`FREE` inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

#: Stands for "no limit"; every real number that appears is far below it.
FREE = 1 << 60
#: No row and no stage may reach this: doubles are exact below it.
MOST_ACTIVITY = 1 << 53

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Tag:
    """What a row is there for, in the user's names."""

    rule: str
    label: str
    group: str | None = None
    domain: str | None = None
    text: str = ""
    what: str | None = None
    """Which of several things that the rule limits there: a resource, a flavour."""
    thing: str | None = None
    """What it is about where neither group nor domain says it: a network, a balancer, a resource."""


@dataclass(frozen=True)
class Matrix:
    """Rows in compressed form. `start_i` has one entry more than there are rows."""

    start_i: Ints
    column_k: Ints
    value_k: Ints
    low_i: Ints
    high_i: Ints
    low_j: Ints
    high_j: Ints

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return len(self.low_i), len(self.low_j)

    def activity(self, x_j: Ints) -> Ints:
        """Return the value of every row's left side."""
        products = self.value_k * x_j[self.column_k]
        total = np.concatenate([[0], np.cumsum(products)])
        return np.asarray(total[self.start_i[1:]] - total[self.start_i[:-1]], dtype=np.int64)


@dataclass
class Stage:
    """One goal as a linear expression over columns, to be made small."""

    goal: str
    terms: dict[int, int] = field(default_factory=dict)
    constant: int = 0

    def add(self, column: int, coefficient: int) -> None:
        """Add `coefficient` x column."""
        if coefficient:
            self.terms[column] = self.terms.get(column, 0) + coefficient

    def value(self, x: Sequence[int] | Ints) -> int:
        """Return the goal's value at a solution."""
        return self.constant + sum(c * int(x[j]) for j, c in self.terms.items())


class Rows:
    """A growing set of columns and rows."""

    def __init__(self) -> None:
        self.low: list[int] = []
        self.high: list[int] = []
        self.start: list[int] = [0]
        self.columns_of: list[int] = []
        self.values: list[int] = []
        self.row_low: list[int] = []
        self.row_high: list[int] = []
        self.row_tag: list[int] = []
        self.tags: list[Tag] = []
        self._tag_index: dict[Tag, int] = {}
        self._presences: dict[tuple[int, ...], int] = {}
        self._leavers: dict[tuple[tuple[int, ...], int], int] = {}

    def column(self, low: int, high: int) -> int:
        """Add an integer column and return its index."""
        if low > high:
            raise ArithmeticError(f"a column from {low} to {high} is empty")
        self.low.append(low)
        self.high.append(high)
        return len(self.low) - 1

    def boolean(self) -> int:
        """Add a column that is 0 or 1."""
        return self.column(0, 1)

    def tag(self, tag: Tag) -> int:
        """Return the index of a tag."""
        found = self._tag_index.get(tag)
        if found is None:
            found = self._tag_index[tag] = len(self.tags)
            self.tags.append(tag)
        return found

    def row(
        self,
        columns: Sequence[int],
        values: Sequence[int],
        low: int | None = None,
        high: int | None = None,
        tag: Tag | None = None,
    ) -> int:
        """Add low <= sum of value x column <= high and return its index. Columns may repeat."""
        if len(set(columns)) != len(columns):
            summed: dict[int, int] = {}
            for column, value in zip(columns, values, strict=True):
                summed[column] = summed.get(column, 0) + value
            columns, values = list(summed), list(summed.values())
        self.columns_of.extend(columns)
        self.values.extend(values)
        self.start.append(len(self.columns_of))
        self.row_low.append(-FREE if low is None else low)
        self.row_high.append(FREE if high is None else high)
        self.row_tag.append(-1 if tag is None else self.tag(tag))
        return len(self.row_low) - 1

    def leavers(self, columns: Sequence[int], count: int) -> int:
        """Return a column that is at least what the sum of columns falls short of a count; to be made small."""
        key = (tuple(sorted(columns)), count)
        found = self._leavers.get(key)
        if found is None:
            found = self._leavers[key] = self.column(0, count)
            self.row([*columns, found], [1] * (len(columns) + 1), low=count)
        return found

    def most(self, columns: Iterable[int]) -> int:
        """Return the largest that a sum of columns can be."""
        return sum(self.high[j] for j in columns)

    def presence(self, columns: Sequence[int]) -> int:
        """Return a boolean that is 1 exactly when any of the (non-negative) columns is above 0."""
        key = tuple(sorted(columns))
        found = self._presences.get(key)
        if found is not None:
            return found
        if len(key) == 1 and self.low[key[0]] >= 0 and self.high[key[0]] <= 1:
            self._presences[key] = key[0]
            return key[0]
        present = self.boolean()
        self._presences[key] = present
        for column in key:
            # One row per column is tighter than their sum in the relaxation.
            self.row([column, present], [1, -self.high[column]], high=0)
        self.row([*key, present], [*([1] * len(key)), -1], low=0)
        return present

    def matrix(self) -> Matrix:
        """Return everything as arrays. Raises ArithmeticError when a row could leave the exact range."""
        ints = np.int64
        start = np.array(self.start, ints)
        column = np.array(self.columns_of, ints)
        value = np.array(self.values, ints)
        low, high = np.array(self.low, ints), np.array(self.high, ints)
        if len(column):
            reach = np.abs(value).astype(float) * np.maximum(np.abs(low), np.abs(high))[column]
            if reach.size and np.add.reduceat(np.append(reach, 0.0), start[:-1]).max(initial=0.0) >= MOST_ACTIVITY:
                raise ArithmeticError("a sum could leave the range in which numbers are exact")
        return Matrix(start, column, value, np.array(self.row_low, ints), np.array(self.row_high, ints), low, high)
