"""CP-SAT on rows: build, hint, solve, stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zonewright.solver.deadline import Deadline
from zonewright.solver.rows import FREE, Ints, Matrix

#: Rows written between two looks at the time.
LOOK_EVERY = 1_024


@dataclass(frozen=True)
class Answer:
    """What CP-SAT said."""

    status: str
    """`optimal`, `feasible`, `infeasible`, or `open`."""
    x_j: Ints | None
    bound: int | None
    core: tuple[int, ...] = ()
    """Indices of switches that together are infeasible."""


class Model:
    """A CP-SAT model of a matrix, kept for several solves."""

    def __init__(
        self,
        matrix: Matrix,
        switch_of_row: Mapping[int, int | tuple[int, ...]] | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        """Write the rows; those that a deadline comes before are missing, and the model is of no use."""
        from ortools.sat.python import cp_model

        self._cp = cp_model
        self.model: Any = cp_model.CpModel()
        self.matrix = matrix
        low, high = matrix.low_j.tolist(), matrix.high_j.tolist()
        self.variables = [self.model.new_int_var(a, b, "") for a, b in zip(low, high, strict=True)]
        self.switches: dict[int, Any] = {}
        variables, expression = self.variables, cp_model.LinearExpr.weighted_sum
        start, column, value = matrix.start_i.tolist(), matrix.column_k.tolist(), matrix.value_k.tolist()
        row_low, row_high = matrix.low_i.tolist(), matrix.high_i.tolist()
        for i in range(len(row_low)):
            if i % LOOK_EVERY == 0 and deadline is not None and deadline.over:
                break
            a, b = start[i], start[i + 1]
            lower = max(row_low[i], -FREE)
            upper = min(row_high[i], FREE)
            left = expression([variables[j] for j in column[a:b]], value[a:b])
            added = self.model.add_linear_constraint(left, lower, upper)
            switch = switch_of_row.get(i) if switch_of_row else None
            if switch is not None:
                switches = switch if isinstance(switch, tuple) else (switch,)
                added.only_enforce_if([self.switch(index) for index in switches])

    def switch(self, index: int) -> Any:
        """Return the boolean that turns the rows of a switch on."""
        if index not in self.switches:
            self.switches[index] = self.model.new_bool_var("")
        return self.switches[index]

    def require(self, terms: dict[int, int], low: int | None, high: int | None) -> None:
        """Add one more row."""
        left = self._cp.LinearExpr.weighted_sum([self.variables[j] for j in terms], list(terms.values()))
        self.model.add_linear_constraint(left, -FREE if low is None else low, FREE if high is None else high)

    def minimize(
        self,
        terms: dict[int, int] | None,
        deadline: Deadline,
        *,
        seconds: float,
        workers: int,
        seed: int,
        hint: Sequence[int] | Ints | None = None,
        suggest: Mapping[int, int] | None = None,
        floor: int | None = None,
        on_solution: Callable[[Ints], None] | None = None,
        assume: Sequence[int] = (),
        work: float | None = None,
        accept_gap: float = 0.0,
        switched: Mapping[int, int] | None = None,
    ) -> Answer:
        """Minimize a linear expression (or find any solution) from a complete hint, or near suggested values.

        Stops at `floor`, a proven bound, at the deadline, or after `work` deterministic seconds. `switched` sets
        switches for this solve; others are free.
        """
        cp = self._cp
        self.model.clear_objective()
        self.model.clear_hints()
        self.model.clear_assumptions()
        if terms:
            left = cp.LinearExpr.weighted_sum([self.variables[j] for j in terms], list(terms.values()))
            self.model.minimize(left)
        if hint is not None:
            for variable, value in zip(self.variables, hint, strict=True):
                self.model.add_hint(variable, int(value))
        for j, value in (suggest or {}).items() if hint is None else ():
            self.model.add_hint(self.variables[j], value)
        for index, variable in self.switches.items():
            low, high = (0, 1) if switched is None else (switched.get(index, 0), switched.get(index, 1))
            variable.proto.domain[0], variable.proto.domain[1] = low, high
        for index in assume:
            self.model.add_assumption(self.switch(index))
        solver = cp.CpSolver()
        parameters = solver.parameters
        parameters.num_workers = 1 if assume else workers
        parameters.random_seed = seed
        # CP-SAT's own handler aborts the process when it runs in another thread than the solve.
        parameters.catch_sigint_signal = False
        parameters.max_time_in_seconds = max(0.01, min(seconds, deadline.left))
        if work is not None:
            parameters.max_deterministic_time = max(work, 1e-6)
        if accept_gap:
            parameters.relative_gap_limit = accept_gap
        if hint is not None:
            parameters.repair_hint = False
        listener = _Listener(cp, self.variables, floor, on_solution)
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(solver, deadline.stop, ended), daemon=True)
        watcher.start()
        try:
            status = solver.solve(self.model, listener.callback)
            deadline.spend(solver.deterministic_time)
        finally:
            ended.set()
            watcher.join()
        if status in (cp.OPTIMAL, cp.FEASIBLE):
            x_j = np.array([solver.value(v) for v in self.variables], np.int64)
            bound = int(np.ceil(solver.best_objective_bound - 1e-6)) if terms else None
            return Answer("optimal" if status == cp.OPTIMAL else "feasible", x_j, bound)
        if status == cp.INFEASIBLE:
            core: tuple[int, ...] = ()
            if assume:
                by_index = {variable.index: key for key, variable in self.switches.items()}
                found = solver.sufficient_assumptions_for_infeasibility()
                core = tuple(sorted({by_index[i] for i in found if i in by_index}))
            return Answer("infeasible", None, None, core)
        # Without any solution CP-SAT may not have set its bound: what it says then is 0, not a bound.
        return Answer("open", None, None)


def _watch(solver: Any, stop: threading.Event, ended: threading.Event) -> None:
    """Stop the search when asked to."""
    while not ended.wait(0.05):
        if stop.is_set():
            solver.stop_search()


class _Listener:
    def __init__(
        self, cp: Any, variables: list[Any], floor: int | None, on_solution: Callable[[Ints], None] | None
    ) -> None:
        class Callback(cp.CpSolverSolutionCallback):  # type: ignore[misc]
            def on_solution_callback(self) -> None:
                if on_solution is not None:
                    on_solution(np.array([self.value(v) for v in variables], np.int64))
                if floor is not None and self.objective_value <= floor + 1e-6:
                    self.stop_search()

        self.callback = Callback() if on_solution is not None or floor is not None else None
