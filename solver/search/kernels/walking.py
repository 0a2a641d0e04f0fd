# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""What every walk does: draw random numbers, accept or refuse, remember the best. Nothing to compile by itself."""

from __future__ import annotations

import math

import numpy as np

from zonewright.solver.search.kernels.records import inner
from zonewright.solver.search.walk import CHANGED


@inner
def draw(w):
    """The next random word (xorshift64*, Vigna 2016)."""
    x = w.random_x[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    w.random_x[0] = x
    return x * np.uint64(2685821657736338717)


@inner
def below(w, n):
    """A random number from 0 to n - 1, n below 2**31."""
    return np.int64(((draw(w) >> np.uint64(33)) * np.uint64(n)) >> np.uint64(31))


@inner
def chance(w):
    """A random number in [0, 1)."""
    return np.float64(draw(w) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@inner
def accepts(f, w, d_k, luck) -> bool:
    """Whether a change is accepted with a draw from [0, 1): the first stage that it changes decides."""
    for k in range(f.stages):
        if d_k[k] < 0:
            return True
        if d_k[k] > 0:
            heat = w.heat_k[k]
            # Beyond 40 times the temperature no draw of 53 bits says yes.
            return d_k[k] < 40.0 * heat and luck < math.exp(-d_k[k] / heat)
    return True


@inner
def note_change(w, i) -> None:
    """Remember that an item is not where the best has it any more."""
    if not w.changed_i[i]:
        w.changed_i[i] = True
        w.changed_x[w.tally_x[CHANGED]] = i
        w.tally_x[CHANGED] += 1


@inner
def keep_best(f, s, w) -> None:
    """Take the state over as the best where it is better."""
    for k in range(f.stages):
        if s.value_k[k] > w.best_k[k]:
            return
        if s.value_k[k] < w.best_k[k]:
            break
        if k == f.stages - 1:
            return
    for x in range(w.tally_x[CHANGED]):
        i = w.changed_x[x]
        w.changed_i[i] = False
        w.best_i[i] = s.site_i[i]
    w.tally_x[CHANGED] = 0
    for k in range(f.stages):
        w.best_k[k] = s.value_k[k]
