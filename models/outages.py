"""How much of several groups is down at once, when every domain of a tree fails by itself.

Pure arithmetic: domains by number, parents before children, each with the share of time for which it is down. A
domain in one that is down is down. All functions ask for the share of time in which no group has lost more than
its slack.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Pairs of outcomes that are combined at once; beyond this, convolution of several groups gives up.
MOST_PAIRS = 500_000
#: Combinations of shared domains that are looked at one by one.
MOST_STATES = 4_096
#: Below this length a convolution is summed directly, beyond by Fourier transform.
DIRECT = 1_024
#: Scenarios that are drawn and counted at once, times domains.
AT_ONCE = 4_000_000
#: Half the width of a 95 % interval in standard deviations.
Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Exposure:
    """Groups on a tree: what can go down, and what goes down with it.

    `parent_n` is -1 above a root; `down_n` the share of time; `count_gs` maps sites to instances, per group;
    `slack_g` is how many a group can lose and still be up.
    """

    parent_n: Sequence[int]
    down_n: Sequence[float]
    count_gs: Sequence[Mapping[int, int]]
    slack_g: Sequence[int]

    def compact(self) -> Exposure:
        """Return the same with only the domains in use, numbered anew."""
        number = {node: k for k, node in enumerate(sorted(self.used()))}
        parent_n = [number.get(self.parent_n[node], -1) for node in number]
        counts = [{number[site]: n for site, n in sites.items() if n} for sites in self.count_gs]
        return Exposure(parent_n, [self.down_n[node] for node in number], counts, self.slack_g)

    def used(self) -> list[int]:
        """Return the domains with instances in them, children before parents."""
        found: set[int] = set()
        for sites in self.count_gs:
            for site, count in sites.items():
                node = site if count else -1
                while node >= 0 and node not in found:
                    found.add(node)
                    node = self.parent_n[node]
        return sorted(found, reverse=True)

    def inside(self) -> dict[int, list[int]]:
        """Return, per domain in use, how many of each group are in it."""
        found = {node: [0] * len(self.count_gs) for node in self.used()}
        for g, sites in enumerate(self.count_gs):
            for site, count in sites.items():
                node = site if count else -1
                while node >= 0:
                    found[node][g] += count
                    node = self.parent_n[node]
        return found


@dataclass(frozen=True)
class _Losses:
    """Outcomes that leave every group up: `lost_ag` instances with `chance_a`. What kills a group is left out."""

    lost_ag: Ints
    chance_a: Floats


def exact_share(exposure: Exposure) -> float | None:
    """Return the share of time in which all groups are up; None where that has too many outcomes.

    Exact but for rounding: by convolution from the sites up. One group is never too much.
    """
    if any(slack < 0 for slack in exposure.slack_g):
        return 0.0
    slack_g = np.array(exposure.slack_g, np.int64)
    below: dict[int, list[_Losses]] = {}
    inside = exposure.inside()
    for node in sorted(inside, reverse=True):
        losses = _combined(below.pop(node, []), slack_g)
        if losses is None:
            return None
        down = exposure.down_n[node]
        if down > 0:
            losses = _or_down(losses, down, np.array(inside[node], np.int64), slack_g)
        if losses is not _NOTHING:
            below.setdefault(exposure.parent_n[node], []).append(losses)
    whole = _combined(below.get(-1, []), slack_g)
    if whole is None:
        return None
    return 1.0 if whole is _NOTHING else min(1.0, float(whole.chance_a.sum()))


_NOTHING = _Losses(np.zeros((1, 0), np.int64), np.ones(1))


def _or_down(losses: _Losses, down: float, all_g: Ints, slack_g: Ints) -> _Losses:
    """Return the outcomes of a domain that is down for a share of time, and as given otherwise."""
    lost_ag = np.zeros((1, len(slack_g)), np.int64) if losses is _NOTHING else losses.lost_ag
    if (all_g > slack_g).any():
        return _Losses(lost_ag, losses.chance_a * (1 - down))
    chance_a = np.append(losses.chance_a * (1 - down), down)
    return _merged(np.vstack([lost_ag, all_g]), chance_a, slack_g)


def _combined(parts: list[_Losses], slack_g: Ints) -> _Losses | None:
    """Return the outcomes of independent parts together, small ones first; None if they are too many."""
    if not parts:
        return _NOTHING
    ticket = itertools.count()
    heap = [(len(part.chance_a), next(ticket), part) for part in parts]
    heapq.heapify(heap)
    while len(heap) > 1:
        pair = _both(heapq.heappop(heap)[2], heapq.heappop(heap)[2], slack_g)
        if pair is None:
            return None
        heapq.heappush(heap, (len(pair.chance_a), next(ticket), pair))
    return heap[0][2]


def _both(a: _Losses, b: _Losses, slack_g: Ints) -> _Losses | None:
    pairs = len(a.chance_a) * len(b.chance_a)
    if len(slack_g) == 1 and pairs > DIRECT and pairs > 8 * _length(a, b, slack_g):
        return _dense(a, b, int(slack_g[0]))
    if pairs > MOST_PAIRS:
        return None
    lost_ag = (a.lost_ag[:, None, :] + b.lost_ag[None, :, :]).reshape(pairs, -1)
    chance_a = (a.chance_a[:, None] * b.chance_a[None, :]).reshape(pairs)
    return _merged(lost_ag, chance_a, slack_g)


def _merged(lost_ag: Ints, chance_a: Floats, slack_g: Ints) -> _Losses:
    """Drop what kills a group, and add up what loses the same."""
    alive_a = (lost_ag <= slack_g).all(axis=1)
    if not alive_a.all():
        lost_ag, chance_a = lost_ag[alive_a], chance_a[alive_a]
    if len(chance_a) < 2:
        return _Losses(lost_ag, chance_a)
    key_a = np.zeros(len(chance_a), np.int64)
    for g in range(lost_ag.shape[1]):
        column_a = lost_ag[:, g]
        span = int(column_a.max()) + 1
        if span * (int(key_a.max()) + 1) >= 2**62:
            key_a = np.unique(key_a, return_inverse=True)[1].astype(np.int64)
        key_a = key_a * span + column_a
    _, first, number_a = np.unique(key_a, return_index=True, return_inverse=True)
    return _Losses(lost_ag[first], _sums(number_a, chance_a))


def _sums(number_a: Ints, chance_a: Floats) -> Floats:
    return np.asarray(np.bincount(number_a, weights=chance_a), np.float64)


def _length(a: _Losses, b: _Losses, slack_g: Ints) -> int:
    return min(int(slack_g[0]), int(a.lost_ag.max() + b.lost_ag.max())) + 1


def _dense(a: _Losses, b: _Losses, slack: int) -> _Losses:
    """Combine the outcomes of one group as polynomials."""
    left, right = (_sums(p.lost_ag[:, 0], p.chance_a) for p in (a, b))
    product: Floats
    if min(len(left), len(right)) <= DIRECT:
        product = np.convolve(left, right)
    else:
        length = len(left) + len(right) - 1
        size = 1 << (length - 1).bit_length()
        product = np.fft.irfft(np.fft.rfft(left, size) * np.fft.rfft(right, size), size)[:length]
        product = np.maximum(product, 0.0)
    product = product[: slack + 1]
    kept = np.flatnonzero(product)
    return _Losses(kept[:, None].astype(np.int64), product[kept])


def conditioned_share(exposure: Exposure) -> float | None:
    """Return the share of time in which all groups are up, by the states of the domains that they share.

    Given these, groups are independent. None where they share too many.
    """
    exposure = exposure.compact()
    inside = exposure.inside()
    shared = [  # Parents first.
        node
        for node in sorted(inside)
        if exposure.down_n[node] > 0 and sum(count > 0 for count in inside[node]) > 1
    ]
    of_group = [[k for k, node in enumerate(shared) if inside[node][g]] for g in range(len(exposure.slack_g))]
    memo: list[dict[tuple[bool, ...], float]] = [{} for _ in of_group]
    states = list(itertools.islice(_states(exposure, shared), MOST_STATES + 1))
    if len(states) > MOST_STATES:
        return None
    total = 0.0
    for state, chance in states:
        for g, numbers in enumerate(of_group):
            key = tuple(state[k] for k in numbers)
            if key not in memo[g]:
                down_n = list(exposure.down_n)
                for k in numbers:
                    down_n[shared[k]] = 1.0 if state[k] else 0.0
                one = Exposure(exposure.parent_n, down_n, [exposure.count_gs[g]], [exposure.slack_g[g]])
                memo[g][key] = exact_share(one) or 0.0
            chance *= memo[g][key]
            if not chance:
                break
        total += chance
    return min(1.0, total)


def _states(exposure: Exposure, shared: list[int]) -> Iterator[tuple[list[bool], float]]:
    """Yield which of the shared domains are down, with the chance; one in a domain that is down counts as down."""
    position = {node: k for k, node in enumerate(shared)}
    above: list[int] = []
    for node in shared:
        parent = exposure.parent_n[node]
        while parent >= 0 and parent not in position:
            parent = exposure.parent_n[parent]
        above.append(position.get(parent, -1))
    stack: list[tuple[list[bool], float]] = [([], 1.0)]
    while stack:
        state, chance = stack.pop()
        k = len(state)
        if k == len(shared):
            yield state, chance
        elif above[k] >= 0 and state[above[k]]:
            stack.append(([*state, True], chance))
        else:
            down = exposure.down_n[shared[k]]
            stack += [([*state, is_down], chance * p) for is_down, p in ((True, down), (False, 1 - down)) if p]


def sampled_share(exposure: Exposure, samples: int, seed: int) -> tuple[float, float, float]:
    """Return an estimate of the share of time in which all groups are up, and its 95 % interval.

    That nothing at all is down is counted exactly; drawn is what happens otherwise. The interval is Wilson's.
    """
    exposure = exposure.compact()
    if any(slack < 0 for slack in exposure.slack_g):
        return 0.0, 0.0, 0.0
    rated = [node for node, down in enumerate(exposure.down_n) if down > 0]
    down_k = np.array([exposure.down_n[node] for node in rated])
    calm_k = np.concatenate([[1.0], np.cumprod(1 - down_k)])
    first_k = down_k * calm_k[:-1]
    calm = float(calm_k[-1])
    if calm == 1.0:
        return 1.0, 1.0, 1.0
    count_ng = np.zeros((len(exposure.parent_n), len(exposure.slack_g)))
    for g, sites in enumerate(exposure.count_gs):
        for site, count in sites.items():
            count_ng[site, g] = count
    needed_g = count_ng.sum(axis=0) - np.array(exposure.slack_g)
    rng = np.random.default_rng(seed)
    up = drawn = 0
    while drawn < samples:
        n = min(samples - drawn, max(1, AT_ONCE // len(exposure.parent_n)))
        # Which is the first that is down; those after it are as they may be.
        first = rng.choice(len(rated), size=n, p=first_k / first_k.sum())
        fails = (rng.random((n, len(rated))) < down_k) & (np.arange(len(rated)) > first[:, None])
        fails[np.arange(n), first] = True
        alive = np.ones((n, len(exposure.parent_n)), bool)
        alive[:, rated] = ~fails
        for node, parent in enumerate(exposure.parent_n):
            if parent >= 0:
                alive[:, node] &= alive[:, parent]
        up += int((alive @ count_ng >= needed_g).all(axis=1).sum())
        drawn += n
    low, high = _wilson(up, drawn)
    rest = 1 - calm
    return calm + rest * up / drawn, calm + rest * low, min(1.0, calm + rest * high)


def _wilson(up: int, drawn: int) -> tuple[float, float]:
    share, z2 = up / drawn, Z_95 * Z_95
    middle = (share + z2 / (2 * drawn)) / (1 + z2 / drawn)
    half = Z_95 / (1 + z2 / drawn) * math.sqrt(share * (1 - share) / drawn + z2 / (4 * drawn * drawn))
    low = middle - half if up else 0.0
    high = middle + half if up < drawn else 1.0
    return low, high
