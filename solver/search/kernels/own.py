# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""What depends on an item and its site alone, on how many have moved, and on which nodes are open."""

from __future__ import annotations

from zonewright.solver.search.kernels.records import inner
from zonewright.solver.search.state import FAMILIES

REACH, PINNED, OUT, AWAY = (FAMILIES[name] for name in ("reach", "pinned", "out", "away"))
PRICE, STEPS, OPEN = FAMILIES["price"], FAMILIES["steps"], FAMILIES["open"]


@inner
def may_be(f, i, site) -> bool:
    """Whether an item may be moved to a site, or to nowhere."""
    if site == f.home_i[i]:
        return f.has & REACH == 0 or f.stay_i[i]
    if f.has & PINNED != 0 and f.pinned_i[i]:
        return False
    return site == f.sites or f.has & REACH == 0 or f.enter_ps[f.profile_i[i], site]


@inner
def misplaced(f, i, site) -> int:
    """1 for being on a site where it may not be, 1 more for being on another site than where it is pinned."""
    if f.has & (REACH | PINNED) == 0 or site == f.sites:
        return 0
    home = f.home_i[i]
    found = 0
    if f.has & REACH != 0 and not f.enter_ps[f.profile_i[i], site] and not (site == home and f.stay_i[i]):
        found += 1
    if f.has & PINNED != 0 and f.pinned_i[i] and home >= 0 and site != home:
        found += 1
    return found


@inner
def step_cost(f, m, home, site) -> int:
    """What rule m says a move costs, weighted."""
    if site == f.sites:
        return f.step_beyond_m[m]
    if f.step_table_m[m] >= 0:
        return f.step_table_xqq[f.step_table_m[m], f.step_key_s[home], f.step_key_s[site]]
    for e in range(f.step_ptr_m[m], f.step_ptr_m[m + 1]):
        node = f.node_sl[home, f.step_level_e[e]]
        if node >= 0 and node == f.node_sl[site, f.step_level_e[e]]:
            return f.step_cost_e[e]
    return f.step_beyond_m[m]


@inner
def own_cost(f, i, site, k) -> int:
    """What an item costs at a site, in one stage."""
    home = f.home_i[i]
    cost = 0
    if site == f.sites and f.has & OUT != 0:
        cost += f.out_ik[i, k]
    if home >= 0 and site != home:
        if f.has & AWAY != 0:
            cost += f.away_ik[i, k]
        if f.has & STEPS != 0:
            for m in range(f.step_stage_m.shape[0]):
                if f.step_stage_m[m] == k and (
                    f.step_groups_mg.shape[0] == 0 or f.step_groups_mg[m, f.group_i[i]]
                ):
                    cost += step_cost(f, m, home, site)
    if f.price_stage == k and f.has & PRICE != 0 and site != f.sites:
        if site == home:
            cost += f.home_price_i[i]
        else:
            cost += f.price_vq[f.price_class_i[i], f.price_key_s[site]]
    return cost


@inner
def leaves_home(f, i, old, new) -> int:
    """1 where an item with a home leaves it, -1 where it comes back, else 0."""
    home = f.home_i[i]
    if home < 0 or old == new:
        return 0
    return (1 if old == home else 0) - (1 if new == home else 0)


@inner
def opening(f, s, old, new, d_k, strict) -> bool:
    """Nodes that a shift empties or begins to use."""
    for x in range(f.open_x.shape[0]):
        level = f.open_x[x]
        a, b = f.node_sl[old, level], f.node_sl[new, level]
        if a == b:
            continue
        if b >= 0 and s.size_n[b] == 0:
            if strict and f.open_nk[b, 0] > 0:
                return False
            for k in range(f.stages):
                d_k[k] += f.open_nk[b, k]
        if a >= 0 and s.size_n[a] == 1:
            for k in range(f.stages):
                d_k[k] -= f.open_nk[a, k]
    return True


@inner
def moves(f, s, change, d_k, strict) -> bool:
    """The limit on how many have moved."""
    now = s.moved_x[0]
    more = max(0, now + change - f.most_moves) - max(0, now - f.most_moves)
    if strict and more > 0:
        return False
    d_k[0] += more
    return True


@inner
def new_peak(f, s, p, g, by_g, h, by_h) -> int:
    """The largest number of moved items of a group after these changes (h: -1 where there is no second group)."""
    peak = s.peak_p[p]
    most, leaving, staying = 0, 0, 0
    for side in range(2):
        group = g if side == 0 else h
        by = by_g if side == 0 else by_h
        if group < 0 or by == 0 or not f.peak_groups_pg[p, group]:
            continue
        now = s.moved_g[group]
        most = max(most, now + by)
        if now == peak:
            leaving += 1
        if now + by == peak:
            staying += 1
    if most > peak:
        return most
    if s.hist_pc[p, peak] - leaving + staying > 0:
        return peak
    # Who left the peak is right below it; or two below, where both items of a swap are of its group.
    return peak - 2 if by_g == -2 and s.hist_pc[p, peak - 1] == 0 else peak - 1


@inner
def peaks(f, s, g, by_g, h, by_h, d_k, strict) -> bool:
    """The largest number of moved items of a group."""
    if by_g == 0 and by_h == 0:
        return True
    for p in range(f.peak_most_p.shape[0]):
        now, then = s.peak_p[p], new_peak(f, s, p, g, by_g, h, by_h)
        change = max(0, then - f.peak_most_p[p]) - max(0, now - f.peak_most_p[p])
        stage = f.peak_stage_p[p]
        if strict and stage == 0 and change > 0:
            return False
        d_k[stage] += change * f.peak_weight_p[p]
    return True


@inner
def move_peaks(f, s, g, by) -> None:
    """Keep the number of moved items of a group, and the peaks."""
    if by == 0:
        return
    for p in range(f.peak_most_p.shape[0]):
        if f.peak_groups_pg[p, g]:
            peak = new_peak(f, s, p, g, by, -1, 0)
            s.hist_pc[p, s.moved_g[g]] -= 1
            s.hist_pc[p, s.moved_g[g] + by] += 1
            s.peak_p[p] = peak
    s.moved_g[g] += by
    s.moved_x[0] += by
