"""Small problems of the challenge, drawn at random, as the files that state them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Stated:
    """What the two files say. A machine is (neighborhood, location, capacity, safe capacity, costs of moves)."""

    resources: list[tuple[int, int]]
    machines: list[tuple[int, int, list[int], list[int], list[int]]]
    services: list[tuple[int, list[int]]]
    processes: list[tuple[int, list[int], int]]
    balances: list[tuple[int, int, int, int]] = field(default_factory=list)
    weights: tuple[int, int, int] = (1, 10, 100)
    initial: list[int] = field(default_factory=list)

    def model(self) -> str:
        lines = [[len(self.resources)], *map(list, self.resources), [len(self.machines)]]
        lines += [[n, at, *capacity, *safe, *costs] for n, at, capacity, safe, costs in self.machines]
        lines += [[len(self.services)], *([least, len(others), *others] for least, others in self.services)]
        lines += [[len(self.processes)], *([s, *needs, own] for s, needs, own in self.processes)]
        lines += [[len(self.balances)]]
        for one, other, target, weight in self.balances:
            lines += [[one, other, target], [weight]]
        lines += [list(self.weights)]
        return "\n".join(" ".join(map(str, line)) for line in lines) + "\n"

    def write(self, folder: Path) -> tuple[Path, Path]:
        model, assignment = folder / "x_1.model.txt", folder / "x_1.assignment.txt"
        model.write_text(self.model())
        assignment.write_text(" ".join(map(str, self.initial)) + "\n")
        return model, assignment


def drawn(seed: int, machines: int = 4, processes: int = 6, tight: float = 1.6) -> Stated:
    """Return a problem in which the initial assignment is feasible and every term can cost something."""
    rng = random.Random(seed)
    resources = [(int(r == 0 or rng.random() < 0.4), rng.choice((0, 1, 10))) for r in range(rng.randint(2, 3))]
    services = rng.randint(max(2, -(-processes // machines)), processes)
    of: list[int] = []
    for _ in range(processes):
        of.append(rng.choice([s for s in range(services) if of.count(s) < machines]))
    needs = [[rng.randint(0, 9) for _ in resources] for _ in range(processes)]
    where = [(rng.randrange(2), rng.randrange(3)) for _ in range(machines)]
    initial: list[int] = []
    for p in range(processes):
        taken = {initial[q] for q in range(p) if of[q] == of[p]}
        initial.append(rng.choice([m for m in range(machines) if m not in taken]))
    capacity = [
        [
            max(4, int(tight * sum(needs[p][r] for p in range(processes) if initial[p] == m)))
            for r in range(len(resources))
        ]
        for m in range(machines)
    ]
    used = [
        {where[initial[p]][k] for p in range(processes) if of[p] == s} for s in range(services) for k in (0, 1)
    ]
    stated_services: list[tuple[int, list[int]]] = []
    for s in range(services):
        here = used[2 * s]
        others = [o for o in range(services) if o != s and here and here <= used[2 * o] and rng.random() < 0.5]
        stated_services.append((rng.randint(0, len(used[2 * s + 1])), others))
    kind = rng.randrange(3)
    costs = [
        [0 if a == b else _cost(rng, kind, where[a], where[b]) for b in range(machines)] for a in range(machines)
    ]
    return Stated(
        resources=resources,
        machines=[
            (*where[m], capacity[m], [rng.randint(0, c) for c in capacity[m]], costs[m]) for m in range(machines)
        ],
        services=stated_services,
        processes=[(of[p], needs[p], rng.choice((0, 1, 1, 5))) for p in range(processes)],
        balances=[(0, 1, rng.randint(1, 3), rng.choice((0, 10)))] if rng.random() < 0.7 else [],
        weights=(rng.choice((0, 1)), rng.choice((0, 10)), rng.choice((0, 100))),
        initial=initial,
    )


def _cost(rng: random.Random, kind: int, one: tuple[int, int], other: tuple[int, int]) -> int:
    """Return what a move costs: by location and then neighborhood, the other way round, or anything."""
    if kind == 2:
        return rng.randint(0, 3)
    first, second = (1, 0) if kind == 0 else (0, 1)
    return 0 if one[first] == other[first] else 1 if one[second] == other[second] else 2
