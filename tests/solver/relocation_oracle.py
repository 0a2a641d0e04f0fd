"""A judge of relocations from scratch, in plain Python, and the best answer of tiny cases by trying everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from zonewright.solver.relocation.problem import Relocated, Relocation

Placement = Counter[tuple[int, int]]


def placement(answer: Relocated) -> Placement:
    """Return how many of each class are on each host."""
    found: Placement = Counter()
    for c, h, n in zip(answer.class_n.tolist(), answer.host_n.tolist(), answer.count_n.tolist(), strict=True):
        found[c, h] += n
    return found


def broken(problem: Relocation, there: Placement) -> list[str]:
    """Return a line for everything that a placement breaks."""
    lines: list[str] = []
    classes, (hosts, resources) = range(len(problem.count_c)), problem.capacity_hr.shape
    may_stay = _may_stay(problem)
    for c in classes:
        placed = sum(n for (k, _), n in there.items() if k == c)
        if placed > problem.count_c[c]:
            lines.append(f"class {c}: {placed} placed of {problem.count_c[c]}")
    for (c, h), n in there.items():
        if n < 0:
            lines.append(f"class {c} on host {h}: {n}")
        if n > may_stay[c, h] and not problem.enter_mh[problem.mask_c[c], h]:
            lines.append(f"class {c} on host {h}: {n} of which only {may_stay[c, h]} were there")
    for h in range(hosts):
        for r in range(resources):
            used = sum(int(problem.demand_cr[c, r]) * n for (c, k), n in there.items() if k == h)
            if used > problem.capacity_hr[h, r]:
                lines.append(f"host {h}: {used} of {problem.capacity_hr[h, r]} of resource {r}")
    for number, limit in enumerate(problem.limits):
        members = set(limit.classes.tolist())
        for d, n in _per_domain(there, members, limit.domain_h).items():
            if d >= 0 and n > limit.most_d[d]:
                lines.append(f"limit {number}: {n} in domain {d}, at most {limit.most_d[d]}")
    for number, rule in enumerate(problem.apart):
        left = _per_domain(there, set(rule.left.tolist()), rule.domain_h)
        right = _per_domain(there, set(rule.right.tolist()), rule.domain_h)
        lines += [f"apart {number}: both in domain {d}" for d in left if d >= 0 and left[d] and right[d]]
    for number, together in enumerate(problem.together):
        domains = {
            d for d, n in _per_domain(there, set(together.classes.tolist()), together.domain_h).items() if n
        }
        if len(domains) > 1 or -1 in domains:
            lines.append(f"together {number}: in domains {sorted(domains)}")
    for number, capacity in enumerate(problem.domain_capacity):
        for d in range(len(capacity.most_dr)):
            for r in range(resources):
                used = sum(
                    int(problem.demand_cr[c, r]) * n for (c, h), n in there.items() if capacity.domain_h[h] == d
                )
                if used > capacity.most_dr[d, r]:
                    lines.append(f"capacity {number}: {used} in domain {d} of resource {r}")
    return lines


def _may_stay(problem: Relocation) -> Placement:
    entries = zip(
        problem.at_class_n.tolist(), problem.at_host_n.tolist(), problem.at_count_n.tolist(), strict=True
    )
    return Counter({(c, h): n for c, h, n in entries if problem.stay_mh[problem.mask_c[c], h]})


def _per_domain(there: Placement, members: set[int], domain_h: object) -> Counter[int]:
    found: Counter[int] = Counter()
    for (c, h), n in there.items():
        if c in members:
            found[int(domain_h[h])] += n  # type: ignore[index]
    return found


def values(problem: Relocation, there: Placement) -> tuple[int, ...]:
    """Return stopped, unplaced per priority from the highest, moves."""
    running: Counter[int] = Counter()
    for c, n in zip(problem.at_class_n.tolist(), problem.at_count_n.tolist(), strict=True):
        running[c] += n
    placed: Counter[int] = Counter()
    for (c, _), n in there.items():
        placed[c] += n
    classes = range(len(problem.count_c))
    stopped = sum(max(0, running[c] - placed[c]) for c in classes)
    unplaced = [
        sum(int(problem.count_c[c]) - placed[c] for c in classes if problem.priority_c[c] == p)
        for p in sorted(set(problem.priority_c.tolist()), reverse=True)
    ]
    stays: Counter[int] = Counter()
    for (c, h), n in _may_stay(problem).items():
        stays[c] += min(n, there[c, h])
    moves = sum(int(problem.weight_c[c]) * (running[c] - stays[c]) for c in classes)
    return stopped, *unplaced, moves


def assert_sound(problem: Relocation, answer: Relocated) -> None:
    """Assert that an answer breaks nothing, that its values are right, and that no bound is above its value."""
    there = placement(answer)
    assert not broken(problem, there), broken(problem, there)[:5]
    assert answer.values == values(problem, there)
    assert len(answer.bounds) == len(answer.values)
    reached = True
    for bound, value in zip(answer.bounds, answer.values, strict=True):
        # A bound counts only as long as the stages before are closed.
        assert not reached or bound <= value
        reached = reached and bound == value
    assert (answer.status == "OPTIMAL") == reached


def best_values(problem: Relocation) -> tuple[int, ...]:
    """Return the values of the best answer, by trying every placement."""
    hosts = len(problem.capacity_hr)
    best: list[tuple[int, ...]] = []
    there: Placement = Counter()

    def fits() -> bool:
        for h in range(hosts):
            for r in range(problem.capacity_hr.shape[1]):
                used = sum(int(problem.demand_cr[c, r]) * n for (c, k), n in there.items() if k == h)
                if used > problem.capacity_hr[h, r]:
                    return False
        return True

    def visit(c: int) -> None:
        if c == len(problem.count_c):
            if not broken(problem, there):
                found = values(problem, there)
                if not best or found < best[0]:
                    best[:] = [found]
            return
        for counts in _vectors(int(problem.count_c[c]), hosts):
            for h, n in enumerate(counts):
                if n:
                    there[c, h] = n
                else:
                    there.pop((c, h), None)
            if fits():
                visit(c + 1)
        for h in range(hosts):
            there.pop((c, h), None)

    visit(0)
    return best[0]


def _vectors(most: int, length: int) -> Iterator[tuple[int, ...]]:
    if length == 0:
        yield ()
        return
    for first in range(most, -1, -1):
        for rest in _vectors(most - first, length - 1):
            yield first, *rest
