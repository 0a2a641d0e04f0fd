"""Between a board's assignment and where every unit's instances are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from zonewright.solver.decode import Sites
from zonewright.solver.search.board import BROKEN, Board, Bools, Ints, Places

#: Items of one kind up to which who goes where is chosen best; beyond, by levels in common.
MOST_MATCHED = 600
#: Costs are summed in doubles, exact below this.
MOST_EXACT = 2**52


def unit_sites(board: Board, site_i: Places) -> Sites:
    """Return where every unit's instances are: unit index to {site node: count}, units that are nowhere too."""
    found: Sites = {unit: {} for unit in np.unique(board.unit_i).tolist()}
    placed = np.flatnonzero(site_i < board.sites)
    key_x = board.unit_i[placed].astype(np.int64) * board.sites + site_i[placed]
    keys, counts = np.unique(key_x, return_counts=True)
    unit_x, node_x = keys // board.sites, board.node_s[keys % board.sites]
    for unit, node, count in zip(unit_x.tolist(), node_x.tolist(), counts.tolist(), strict=True):
        found[unit][node] = count
    return found


def start_from(board: Board, sites: Mapping[int, Mapping[int, int]]) -> Places:
    """Return an assignment with instances where they are given, by unit and site node; the rest nowhere.

    Who can be at home is. What there is too much of, and sites that the board does not have, is left out.
    """
    position = {node: s for s, node in enumerate(board.node_s.tolist())}
    units = int(board.unit_i.max(initial=-1)) + 1
    first_u = np.searchsorted(board.unit_i, np.arange(units + 1)).tolist()
    found = [board.sites] * board.items
    for unit, counts in sites.items():
        if not 0 <= unit < units:
            continue
        free = range(first_u[unit], first_u[unit + 1])
        wanted = [position[node] for node, n in counts.items() if node in position for _ in range(n)]
        if len(free) > 1:
            _give_out(board, found, wanted, free)
        elif wanted:
            found[free[0]] = wanted[0]
    return np.array(found, np.int32)


def _give_out(board: Board, site_i: list[int], wanted: list[int], free: range) -> None:
    """Put a unit's items at places, those at home first that can be."""
    left: dict[int, int] = {}
    for s in wanted:
        left[s] = left.get(s, 0) + 1
    others: list[int] = []
    for i in free:
        home = int(board.home_i[i])
        if left.get(home, 0):
            left[home] -= 1
            site_i[i] = home
        else:
            others.append(i)
    rest = [s for s, n in left.items() for _ in range(n)]
    for i, s in zip(others, rest, strict=False):
        site_i[i] = s


def relabel(board: Board, site_i: Places) -> Places:
    """Return the same placement with alike items exchanged, so that as many as can be are at home.

    Of the rest of a kind, who goes where is chosen as cheaply as can be by what moves hold and cost, and new
    ones are left out before those that run today.
    """
    found = np.asarray(site_i, np.int32).copy()
    if not (board.home_i >= 0).any():
        return found
    _bring_home(board, found)
    away = np.flatnonzero(found != board.home_i)
    kind_x = board.alike_i[away]
    size = np.bincount(kind_x)
    moved = np.bincount(kind_x[board.home_i[away] >= 0], minlength=len(size))
    asked = (size > 1) & (moved > 0)
    if not _apart(board):
        asked &= np.bincount(kind_x[found[away] == board.sites], minlength=len(size)) > 0
    away = away[asked[kind_x]]
    away = away[np.argsort(board.alike_i[away], kind="stable")]
    for item_x in np.split(away, np.flatnonzero(np.diff(board.alike_i[away])) + 1):
        if len(item_x):
            found[item_x] = _rearranged(board, item_x, found[item_x])
    return found


def _apart(board: Board) -> bool:
    """Return whether it matters which of those that have left home goes to which site."""
    steps = len(board.steps.beyond_m) > 0
    return steps or bool(board.holds_lr[1:].any() or board.pinned_i.any())


def _bring_home(board: Board, site_i: Places) -> None:
    """Exchange items that are away from home for alike ones that are there without being at home."""
    away = np.flatnonzero(site_i != board.home_i)
    kind_x = board.alike_i[away].astype(np.int64) * (board.sites + 1)
    slot_x = kind_x + site_i[away]
    wanted_x = np.where(board.home_i[away] >= 0, kind_x + board.home_i[away], -1)
    by_slot, by_wish = np.argsort(slot_x, kind="stable"), np.argsort(wanted_x, kind="stable")
    slot_x, wanted_x = slot_x[by_slot], wanted_x[by_wish]
    rank_x = np.arange(len(away)) - np.searchsorted(wanted_x, wanted_x)
    at_x = np.searchsorted(slot_x, wanted_x) + rank_x
    inside = (wanted_x >= 0) & (at_x < len(away))
    inside[inside] = slot_x[at_x[inside]] == wanted_x[inside]
    _exchange(board, site_i, away, by_wish[inside], by_slot[at_x[inside]])


def _exchange(board: Board, site_i: Places, away: Ints, comers: Ints, guests: Ints) -> None:
    """Send comers home, and give the places that are then free to whoever is left without one."""
    taken = np.zeros(len(away), bool)
    taken[guests] = True
    settled = np.zeros(len(away), bool)
    settled[comers] = True
    free = np.flatnonzero(~taken)
    left = np.flatnonzero(~settled)
    kinds = board.alike_i[away]
    free = free[np.argsort(kinds[free], kind="stable")]
    left = left[np.argsort(kinds[left], kind="stable")]
    places = site_i[away].copy()
    site_i[away[left]] = places[free]
    site_i[away[comers]] = board.home_i[away[comers]]


def _rearranged(board: Board, item_x: Ints, slot_x: Places) -> Places:
    """Return the places of some alike items, given out as cheaply as can be."""
    if len(item_x) > MOST_MATCHED:
        return _by_levels(board, item_x, slot_x)
    from scipy.optimize import linear_sum_assignment

    cost = _costs(board, item_x, slot_x)
    if (cost == cost[0]).all():
        return slot_x
    rows, columns = linear_sum_assignment(cost)
    found = slot_x.copy()
    found[rows] = slot_x[columns]
    return found


def _by_levels(board: Board, item_x: Ints, slot_x: Places) -> Places:
    """Give places out by the finest level in common, sorting both sides alike; who runs today is placed first."""
    fine = np.argsort(board.domains_l, kind="stable")
    dom_ls = np.concatenate([board.dom_ls, np.full((len(board.levels), 1), -1, np.int32)], axis=1)
    new = board.home_i[item_x] < 0
    homes = dom_ls[:, np.where(new, board.sites, board.home_i[item_x])]
    items = np.lexsort((*homes[fine[::-1]], new))
    nowhere = slot_x == board.sites
    slots = np.lexsort((*dom_ls[:, slot_x][fine[::-1]], nowhere))
    found = slot_x.copy()
    found[items] = slot_x[slots]
    return found


def _costs(board: Board, item_x: Ints, slot_x: Places) -> npt.NDArray[np.float64]:
    """Return what it costs to give each of some alike items each of some places, earlier stages first.

    Only what tells the items apart counts; no place is the home of an item.
    """
    cost_kxy = np.zeros((len(board.stages), len(item_x), len(slot_x)), np.int64)
    nowhere = slot_x == board.sites
    cost_kxy += board.out_ik[item_x].T[:, :, None] * nowhere
    home_x = board.home_i[item_x]
    cost_kxy[BROKEN] += (board.pinned_i[item_x] & (home_x >= 0))[:, None] & ~nowhere
    cost_kxy[BROKEN] *= len(board.levels) + 1
    for level in np.flatnonzero(board.holds_lr.any(axis=1)):
        cost_kxy[BROKEN] += (home_x >= 0)[:, None] & ~_together(board, int(level), home_x, slot_x)
    for m, stage in enumerate(board.steps.stage_m):
        cost_kxy[stage] += _step_costs(board, m, item_x, slot_x)
    return _folded(cost_kxy)


def _together(board: Board, level: int, home_x: Places, slot_x: Places) -> Bools:
    """Return whether homes and places are in one domain of a level; new items and nowhere never are."""
    domain_s = np.append(board.dom_ls[level], -1)
    here, home = domain_s[slot_x], domain_s[home_x]
    found: Bools = (here[None, :] == home[:, None]) & (home >= 0)[:, None]
    return found


def _step_costs(board: Board, m: int, item_x: Ints, slot_x: Places) -> Ints:
    steps, home_x = board.steps, board.home_i[item_x]
    charged = home_x >= 0
    if len(steps.groups_mg):
        charged = charged & steps.groups_mg[m][board.group_i[item_x]]
    cost = np.full((len(item_x), len(slot_x)), steps.beyond_m[m])
    placed = slot_x < board.sites
    if steps.table_m[m] >= 0:
        table = steps.table_xqq[steps.table_m[m]]
        cost[:, placed] = table[np.ix_(steps.key_s[home_x], steps.key_s[slot_x[placed]])]
    for e in reversed(range(steps.ptr_m[m], steps.ptr_m[m + 1])):
        cost[_together(board, int(steps.level_e[e]), home_x, slot_x)] = steps.cost_e[e]
    found: Ints = np.where(charged[:, None], cost, 0)
    return found


def _folded(cost_kxy: Ints) -> npt.NDArray[np.float64]:
    """Return one cost for those of all stages, later ones left out where they would not be exact."""
    found = np.zeros(cost_kxy.shape[1:], np.float64)
    most = 0.0
    size = cost_kxy.shape[1] + 1
    for cost_xy in cost_kxy:
        least = int(cost_xy.min())
        span = float(int(cost_xy.max()) - least)
        if not span:
            continue
        if most * (span * size + 1) > MOST_EXACT / size:
            break
        found = found * (span * size + 1) + (cost_xy - least)
        most = most * (span * size + 1) + span
    return found


__all__ = ["relabel", "start_from", "unit_sites"]
