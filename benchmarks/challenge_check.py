"""Judge an assignment of the ROADEF/EURO challenge 2012 by the problem's definition, with nothing of ours.

    python -m benchmarks.challenge_check MODEL INITIAL [ASSIGNMENT]

Files are plain or packed with xz; ASSIGNMENT is INITIAL by default. Prints what is broken and what it costs.
Exits 1 where something is broken or a file is none of the challenge's.

Definition. An assignment is feasible when on every machine the processes need at most its capacity; of a transient
resource also together with those that were there initially and have left; no two processes of a service share a
machine; a service runs in as many locations as it has to; and whoever depends on a service has it in every
neighborhood that he runs in. The cost adds up, each with its weight: what exceeds the safe capacity; per machine
what is missing of target x free units of one resource in free units of another; the moving costs of processes
moved; the largest number of processes of any one service moved; and the cost from machine to machine.

Arrays end in their axes: `r` resource, `m` machine, `s` service, `p` process.
"""

from __future__ import annotations

import argparse
import lzma
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Verdict:
    """What an assignment breaks, and what it costs."""

    broken: dict[str, int]
    """By kind of rule: for how many resources of machines, processes, services or dependencies."""
    costs: dict[str, int]
    """Weighted, by part of the objective."""
    moved: int
    """Processes on another machine than initially."""

    @property
    def feasible(self) -> bool:
        """Whether nothing is broken."""
        return not any(self.broken.values())

    @property
    def cost(self) -> int:
        """The whole objective."""
        return sum(self.costs.values())


class Problem:
    """A model and its initial assignment. Raises ValueError for files that are none."""

    def __init__(self, model: Path, initial: Path) -> None:
        numbers = iter(_numbers(model))
        resources = next(numbers)
        self.transient_r, self.load_weight_r = _table(numbers, resources, 2).T
        machines = next(numbers)
        rows = _table(numbers, machines, 2 + 2 * resources + machines)
        self.neighborhood_m, self.location_m = rows[:, 0], rows[:, 1]
        self.capacity_mr, self.safe_mr = rows[:, 2 : 2 + resources], rows[:, 2 + resources : 2 + 2 * resources]
        self.between_mm = rows[:, 2 + 2 * resources :]
        services = next(numbers)
        self.locations_s = np.zeros(services, np.int64)
        pairs: list[tuple[int, int]] = []
        for service in range(services):
            self.locations_s[service] = next(numbers)
            pairs += [(service, next(numbers)) for _ in range(next(numbers))]
        self.dependencies = np.array(pairs, np.int64).reshape(-1, 2)
        rows = _table(numbers, next(numbers), 2 + resources)
        self.service_p, self.need_pr, self.own_p = rows[:, 0], rows[:, 1:-1], rows[:, -1]
        self.balances = _table(numbers, next(numbers), 4)
        self.weights = [next(numbers) for _ in range(3)]
        if next(numbers, None) is not None:
            raise ValueError(f"{model}: numbers are left over")
        self.initial_p = self.read(initial)

    def read(self, assignment: Path) -> Ints:
        """Return the machine of every process. Raises ValueError where these do not fit the model."""
        machine_p = np.array(_numbers(assignment), np.int64)
        if len(machine_p) != len(self.service_p):
            raise ValueError(f"{assignment}: {len(machine_p)} machines for {len(self.service_p)} processes")
        if len(machine_p) and machine_p.max() >= len(self.location_m):
            raise ValueError(f"{assignment}: machine {machine_p.max()} of {len(self.location_m)}")
        return machine_p

    def judge(self, machine_p: Ints) -> Verdict:
        """Return what an assignment breaks and costs, from scratch."""
        moved_p = machine_p != self.initial_p
        use_mr = self._use(machine_p)
        return Verdict(
            self._broken(machine_p, moved_p, use_mr), self._costs(machine_p, moved_p, use_mr), int(moved_p.sum())
        )

    def _use(self, machine_p: Ints) -> Ints:
        use_mr = np.zeros_like(self.capacity_mr)
        np.add.at(use_mr, machine_p, self.need_pr)
        return use_mr

    def _broken(self, machine_p: Ints, moved_p: npt.NDArray[np.bool_], use_mr: Ints) -> dict[str, int]:
        left_mr = np.zeros_like(use_mr)
        np.add.at(left_mr, self.initial_p[moved_p], self.need_pr[moved_p])
        both_mr = use_mr + left_mr * self.transient_r
        seats = np.stack([self.service_p, machine_p])
        locations = np.unique(np.stack([self.service_p, self.location_m[machine_p]]), axis=1)[0]
        runs_in = set(zip(self.service_p.tolist(), self.neighborhood_m[machine_p].tolist(), strict=True))
        at: dict[int, list[int]] = {}
        for service, neighborhood in runs_in:
            at.setdefault(service, []).append(neighborhood)
        alone = sum(
            any((other, neighborhood) not in runs_in for neighborhood in at.get(service, ()))
            for service, other in self.dependencies.tolist()
        )
        return {
            "capacity": int((use_mr > self.capacity_mr).sum()),
            "transient": int(((both_mr > self.capacity_mr) & (both_mr > use_mr)).sum()),
            "conflict": len(machine_p) - np.unique(seats, axis=1).shape[1],
            "spread": int((np.bincount(locations, minlength=len(self.locations_s)) < self.locations_s).sum()),
            "dependency": alone,
        }

    def _costs(self, machine_p: Ints, moved_p: npt.NDArray[np.bool_], use_mr: Ints) -> dict[str, int]:
        process, service, machine = self.weights
        free_mr = self.capacity_mr - use_mr
        missing = [
            weight * int(np.maximum(0, target * free_mr[:, one] - free_mr[:, other]).sum())
            for one, other, target, weight in self.balances.tolist()
        ]
        between = self.between_mm[self.initial_p[moved_p], machine_p[moved_p]]
        return {
            "load": int(np.maximum(0, use_mr - self.safe_mr).sum(axis=0) @ self.load_weight_r),
            "balance": sum(missing),
            "process": process * int(self.own_p[moved_p].sum()),
            "service": service * int(np.bincount(self.service_p[moved_p], minlength=1).max()),
            "machine": machine * int(between.sum()),
        }


def _numbers(path: Path) -> list[int]:
    """Return the whole numbers of a file. Raises ValueError where something else is in it."""
    raw = path.read_bytes()
    try:
        return list(map(int, (lzma.decompress(raw) if raw[:6] == b"\xfd7zXZ\0" else raw).split()))
    except (ValueError, lzma.LZMAError) as error:
        raise ValueError(f"{path}: {error}") from None


def _table(numbers: Iterator[int], rows: int, columns: int) -> Ints:
    """Take a table, row by row."""
    return np.array([next(numbers) for _ in range(rows * columns)], np.int64).reshape(rows, columns)


def main(arguments: list[str] | None = None) -> int:
    """Print the verdict; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.challenge_check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("initial", type=Path)
    parser.add_argument("assignment", type=Path, nargs="?")
    options = parser.parse_args(arguments)
    try:
        problem = Problem(options.model, options.initial)
        verdict = problem.judge(problem.read(options.assignment or options.initial))
    except (ValueError, OSError, StopIteration, RuntimeError) as error:
        print(f"error: {error or 'the model ends too early'}", file=sys.stderr)
        return 1
    print("feasible" if verdict.feasible else f"INFEASIBLE {verdict.broken}")
    print(f"cost {verdict.cost} {verdict.costs} moved {verdict.moved}")
    return 0 if verdict.feasible else 1


if __name__ == "__main__":
    sys.exit(main())
