"""What a sizing breaks, and the cheapest purchase by trying everything: from scratch, for the tests."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import numpy as np

from zonewright.solver.sizing import AreaLimit, Sized, SizingProblem


def broken(problem: SizingProblem, sized: Sized) -> list[str]:
    """Return every promise that a sizing with an answer breaks."""
    found = _purchase(problem, sized)
    offers = sized.new_offer_n.tolist()
    base = _counter(sized.place)
    for (c, h), n in _running(problem).items():
        if base[c, h] < n:
            found.append(f"class {c} no longer runs on host {h}")
    wanted = Counter({c: int(n) for c, n in enumerate(problem.count_c)})
    placed = Counter[int]()
    for (c, _), n in base.items():
        placed[c] += n
    if placed != wanted:
        found.append(f"{placed} placed, {wanted} wanted")
    found += _enters(problem, offers, base - _running(problem))
    found += _holds(problem, offers, base, Counter(), None)
    for s in range(len(problem.lost_sa)):
        arrivals = _counter(sized.arrivals_s[s])
        gone = Counter[int]()
        for (c, h), n in base.items():
            if problem.lost_sa[s, _area(problem, offers, h)] and problem.evacuated_sc[s, c]:
                gone[c] += n
        landed = Counter[int]()
        for (c, h), n in arrivals.items():
            landed[c] += n
            if problem.lost_sa[s, _area(problem, offers, h)]:
                found.append(f"scenario {s}: class {c} arrives on a lost host {h}")
        if landed != gone:
            found.append(f"scenario {s}: {landed} arrive, {gone} are displaced")
        found += _enters(problem, offers, arrivals)
        found += [f"scenario {s}: {text}" for text in _holds(problem, offers, base, arrivals, s)]
    return found


Holding = Counter[tuple[int, int]]


def _purchase(problem: SizingProblem, sized: Sized) -> list[str]:
    found = []
    bought = np.bincount(sized.new_offer_n, minlength=len(problem.area_o))
    if bought.tolist() != sized.bought_o.tolist() or sorted(sized.new_offer_n) != sized.new_offer_n.tolist():
        found.append(f"{bought} hosts in the list, {sized.bought_o} said")
    for o, n in enumerate(sized.bought_o.tolist()):
        if n % problem.lot_o[o] or 0 <= problem.most_o[o] < n:
            found.append(f"{n} of offer {o}")
    if sized.cost != int(sized.bought_o @ problem.price_o) or sized.bound > sized.cost:
        found.append(f"cost {sized.cost}, bound {sized.bound}")
    if (sized.status == "OPTIMAL") != (sized.cost == sized.bound):
        found.append(f"{sized.status} at cost {sized.cost}, bound {sized.bound}")
    return found


def _counter(placed: object) -> Holding:
    found: Holding = Counter()
    for c, h, n in zip(placed.class_n, placed.host_n, placed.count_n, strict=True):  # type: ignore[attr-defined]
        found[int(c), int(h)] += int(n)
    return found


def _running(problem: SizingProblem) -> Holding:
    found: Holding = Counter()
    for c, h, n in zip(problem.at_class_n, problem.at_host_n, problem.at_count_n, strict=True):
        found[int(c), int(h)] += int(n)
    return found


def _area(problem: SizingProblem, offers: list[int], h: int) -> int:
    hosts = len(problem.area_h)
    return int(problem.area_h[h]) if h < hosts else int(problem.area_o[offers[h - hosts]])


def _capacity(problem: SizingProblem, offers: list[int], h: int) -> list[int]:
    hosts = len(problem.area_h)
    return (problem.capacity_hr[h] if h < hosts else problem.capacity_or[offers[h - hosts]]).tolist()


def _may_enter(problem: SizingProblem, offers: list[int], c: int, h: int) -> bool:
    hosts, m = len(problem.area_h), problem.mask_c[c]
    return bool(problem.enter_mh[m, h] if h < hosts else problem.enter_mo[m, offers[h - hosts]])


def _enters(problem: SizingProblem, offers: list[int], entering: Holding) -> list[str]:
    return [f"class {c} enters host {h}" for c, h in entering if not _may_enter(problem, offers, c, h)]


def _holds(
    problem: SizingProblem, offers: list[int], base: Holding, arrivals: Holding, scenario: int | None
) -> list[str]:
    """Return which hosts and limits by area are broken in a layer. Hosts nobody enters may be as they are."""
    found = []
    there: Holding = Counter()
    for (c, h), n in base.items():
        if scenario is None or not problem.lost_sa[scenario, _area(problem, offers, h)]:
            there[c, h] += n
    there += arrivals
    running = _running(problem)
    for h in {h for _, h in there}:
        own = {c: n for (c, at), n in there.items() if at == h}
        grown = any(n > running[c, h] for c, n in own.items())
        use = [
            sum(n * int(problem.demand_cr[c, r]) for c, n in own.items())
            for r in range(problem.demand_cr.shape[1])
        ]
        if grown and any(u > most for u, most in zip(use, _capacity(problem, offers, h), strict=True)):
            found.append(f"host {h} holds {use}")
        groups = Counter[int]()
        entered = Counter[int]()
        for c, n in own.items():
            groups[int(problem.group_c[c])] += n
            entered[int(problem.group_c[c])] += n - min(n, running[c, h])
        found += [
            f"host {h} holds {n} of group {g}"
            for g, n in groups.items()
            if g >= 0 and entered[g] and 0 <= problem.per_host_g[g] < n
        ]
    for i, limit in enumerate(problem.limits):
        if limit.layer == (-1 if scenario is None else scenario):
            value = _value(problem, offers, limit, there)
            if not limit.low <= value <= limit.high:
                found.append(f"limit {i} is {value}")
    return found


def _value(problem: SizingProblem, offers: list[int], limit: AreaLimit, there: Holding) -> int:
    members = set(limit.classes.tolist())
    return sum(n * int(limit.weight_a[_area(problem, offers, h)]) for (c, h), n in there.items() if c in members)


def cheapest(problem: SizingProblem, most_hosts: int) -> int | None:
    """Return the least cost of any purchase of at most so many hosts that suffices, None where none does."""
    lots = [range(0, most_hosts + 1, int(lot)) for lot in problem.lot_o]
    purchases = [
        (sum(n * int(p) for n, p in zip(bought, problem.price_o, strict=True)), bought)
        for bought in itertools.product(*lots)
        if all(most < 0 or n <= most for n, most in zip(bought, problem.most_o.tolist(), strict=True))
    ]
    for cost, bought in sorted(purchases):
        if suffices(problem, [o for o, n in enumerate(bought) for _ in range(n)]):
            return cost
    return None


def suffices(problem: SizingProblem, offers: list[int]) -> bool:
    """Return whether everybody fits with these hosts bought, and again after every scenario."""
    running = _running(problem)
    new = [
        c
        for c, n in enumerate(problem.count_c.tolist())
        for _ in range(n - sum(k for (other, _), k in running.items() if other == c))
    ]
    for base in _ways(problem, offers, new, running, Counter(), None):
        if all(_evacuates(problem, offers, base, s) for s in range(len(problem.lost_sa))):
            return True
    return False


def _evacuates(problem: SizingProblem, offers: list[int], base: Holding, s: int) -> bool:
    gone = [
        c
        for (c, h), n in base.items()
        for _ in range(n)
        if problem.lost_sa[s, _area(problem, offers, h)] and problem.evacuated_sc[s, c]
    ]
    return next(_ways(problem, offers, sorted(gone), base, Counter(), s), None) is not None


def _ways(
    problem: SizingProblem, offers: list[int], rest: list[int], base: Holding, arrivals: Holding, s: int | None
) -> Iterator[Holding]:
    """Yield every way to add the rest, one by one; those alike in order of their hosts."""
    layer = arrivals if s is not None else Counter()
    hosts = [
        h
        for h in range(len(problem.area_h) + len(offers))
        if s is None or not problem.lost_sa[s, _area(problem, offers, h)]
    ]

    def extend(n: int, first: int, here: Holding) -> Iterator[Holding]:
        if n == len(rest):
            texts = _holds(problem, offers, base + here, Counter(), None) if s is None else []
            texts = texts if s is None else _holds(problem, offers, base, here, s)
            if not texts:
                yield base + here if s is None else here
            return
        c = rest[n]
        for index in range(first, len(hosts)):
            h = hosts[index]
            if not _may_enter(problem, offers, c, h):
                continue
            here[c, h] += 1
            if not any(
                text.startswith(f"host {h} ")
                for text in _holds(
                    problem, offers, *((base + here, Counter(), None) if s is None else (base, here, s))
                )
            ):
                again = n + 1 < len(rest) and rest[n + 1] == c
                yield from extend(n + 1, index if again else 0, here)
            here[c, h] -= 1
            if not here[c, h]:
                del here[c, h]

    yield from extend(0, 0, layer)
