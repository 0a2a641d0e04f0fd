# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,no-any-return"
"""What groups say: terms on their counts by domain, company of other groups, and distances between them.

`g` is the group that goes from site `old` to site `new`; `h` is the group that goes the other way in a swap, -1 in
a shift. g and h differ: where they are the same group no count changes.
"""

from __future__ import annotations

from zonewright.solver.search.board import AT_MOST, LEAST_DOMAINS, LEAST_EACH, MOST_DOMAINS
from zonewright.solver.search.kernels.records import inner
from zonewright.solver.search.state import FAMILIES

NEEDS, MEETS = FAMILIES["needs"], FAMILIES["meets"]


@inner
def count_in(f, s, g, level, x) -> int:
    """Items of a group in a domain."""
    row = f.row_gl[g, level]
    if row >= 0:
        return s.count_x[row + x]
    found = 0
    for m in range(f.members_ptr_g[g], f.members_ptr_g[g + 1]):
        if f.dom_sl[s.site_i[f.members_x[m]], level] == x:
            found += 1
    return found


@inner
def _domains_missing(wanted, domains, placed) -> int:
    return max(0, wanted - domains) if placed > 0 else 0


@inner
def _listed(f, t, x) -> bool:
    """Whether a domain is one of those that count for a term; they are sorted."""
    low, high = f.term_counts_ptr_t[t], f.term_counts_ptr_t[t + 1]
    while low < high:
        middle = (low + high) // 2
        if f.term_counts_x[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low < f.term_counts_ptr_t[t + 1] and f.term_counts_x[low] == x


@inner
def _each_lacking(f, s, t, g, old, new) -> int:
    """Change of what listed domains lack; nothing is lacking where nobody is placed."""
    level, least = f.term_level_t[t], f.term_a_t[t]
    domains = f.term_counts_ptr_t[t + 1] - f.term_counts_ptr_t[t]
    x, y = f.dom_sl[old, level], f.dom_sl[new, level]
    change = 0
    if old == f.sites and s.placed_g[g] == 0:
        change += domains * max(0, least)
    if x != y:
        if y >= 0 and _listed(f, t, y) and count_in(f, s, g, level, y) < least:
            change -= 1
        if x >= 0 and _listed(f, t, x) and count_in(f, s, g, level, x) <= least:
            change += 1
    if new == f.sites and s.placed_g[g] == 1:
        change -= domains * max(0, least)
    return change


@inner
def _skew_excess(f, s, t, g, level, from_x, to_x) -> int:
    """Excess of most less least, with one item less in from_x and one more in to_x (-1: as it is)."""
    row = f.row_gl[g, level]
    most, least = 0, 2**31
    for y in range(f.term_counts_ptr_t[t], f.term_counts_ptr_t[t + 1]):
        x = f.term_counts_x[y]
        count = s.count_x[row + x]
        if x == from_x:
            count -= 1
        if x == to_x:
            count += 1
        most, least = max(most, count), min(least, count)
    if least == 2**31:
        return 0
    return max(0, most - least - f.term_a_t[t])


@inner
def _term(f, s, t, g, old, new, calm) -> int:
    """Change of a term's amount."""
    kind, level, a = f.term_kind_t[t], f.term_level_t[t], f.term_a_t[t]
    if (f.has >> kind) & 1 == 0:
        return 0
    x, y = f.dom_sl[old, level], f.dom_sl[new, level]
    nowhere = f.sites
    if x == y and not (kind in (LEAST_DOMAINS, LEAST_EACH) and nowhere in (old, new)):
        return 0
    if kind == AT_MOST:
        change = 0
        if y >= 0 and count_in(f, s, g, level, y) >= a:
            change += 1
        if x >= 0 and not calm and count_in(f, s, g, level, x) > a:
            change -= 1
        return change
    if kind == LEAST_EACH:
        return _each_lacking(f, s, t, g, old, new)
    if kind in (LEAST_DOMAINS, MOST_DOMAINS):
        now = s.in_use_gl[g, level]
        if kind == LEAST_DOMAINS and calm and now > a and new != nowhere:
            return 0
        then = now
        if x != y:
            if y >= 0 and count_in(f, s, g, level, y) == 0:
                then += 1
            if x >= 0 and count_in(f, s, g, level, x) == 1:
                then -= 1
        if kind == MOST_DOMAINS:
            return max(0, then - a) - max(0, now - a)
        placed = s.placed_g[g]
        later = placed + (1 if old == nowhere else 0) - (1 if new == nowhere else 0)
        return _domains_missing(a, then, later) - _domains_missing(a, now, placed)
    return _skew_excess(f, s, t, g, level, x, y) - _skew_excess(f, s, t, g, level, -1, -1)


@inner
def terms(f, s, g, old, new, d_k, strict, calm) -> bool:
    """All terms of a group of which one item goes from one site to another."""
    for t in range(f.term_ptr_g[g], f.term_ptr_g[g + 1]):
        stage = f.term_stage_t[t]
        change = _term(f, s, t, g, old, new, calm and stage == 0)
        if change != 0:
            if strict and stage == 0 and change > 0:
                return False
            d_k[stage] += change * f.term_weight_t[t]
    return True


@inner
def _bad(needs, same, count, others) -> int:
    """Whether a domain with so many of a group and of the other one is as it must not be."""
    if count <= 0:
        return 0
    if same:
        return 0 if needs else 1
    if needs:
        return 1 if others <= 0 else 0
    return 1 if others > 0 else 0


@inner
def _pair(f, s, e, g, h, old, new) -> int:
    """Change of an entry's amount; each of its groups is g, h or neither."""
    group, other, level, needs = f.pair_group_e[e], f.pair_other_e[e], f.pair_level_e[e], f.pair_needs_e[e]
    if f.has & (NEEDS if needs else MEETS) == 0:
        return 0
    x, y = f.dom_sl[old, level], f.dom_sl[new, level]
    if x == y:
        return 0
    same = group == other
    # What the groups gain in `new`; they lose it in `old`.
    mine = (1 if group == g else 0) - (1 if group == h else 0)
    theirs = (1 if other == g else 0) - (1 if other == h else 0)
    change = 0
    if y >= 0:
        count, others = count_in(f, s, group, level, y), count_in(f, s, other, level, y)
        change += _bad(needs, same, count + mine, others + theirs) - _bad(needs, same, count, others)
    if x >= 0:
        count, others = count_in(f, s, group, level, x), count_in(f, s, other, level, x)
        change += _bad(needs, same, count - mine, others - theirs) - _bad(needs, same, count, others)
    return change


@inner
def _charge_pair(f, s, e, g, h, old, new, d_k, strict) -> bool:
    change = _pair(f, s, e, g, h, old, new)
    stage = f.pair_stage_e[e]
    if strict and stage == 0 and change > 0:
        return False
    d_k[stage] += change * f.pair_weight_e[e]
    return True


@inner
def company(f, s, g, h, skip, old, new, d_k, strict) -> bool:
    """All entries that group g is in, save those that group `skip` is in as well."""
    for z in range(f.pair_by_group_ptr_g[g], f.pair_by_group_ptr_g[g + 1]):
        e = f.pair_by_group_x[z]
        if f.pair_other_e[e] != skip and not _charge_pair(f, s, e, g, h, old, new, d_k, strict):
            return False
    for z in range(f.pair_by_other_ptr_g[g], f.pair_by_other_ptr_g[g + 1]):
        e = f.pair_by_other_x[z]
        group = f.pair_group_e[e]
        if group != g and group != skip and not _charge_pair(f, s, e, g, h, old, new, d_k, strict):
            return False
    return True


@inner
def soft_company(f, s, g, h, skip, old, new, d_k) -> None:
    """The entries among them that are not hard."""
    for z in range(f.soft_by_group_ptr_g[g], f.soft_by_group_ptr_g[g + 1]):
        e = f.soft_by_group_x[z]
        if f.pair_other_e[e] != skip:
            _charge_pair(f, s, e, g, h, old, new, d_k, False)
    for z in range(f.soft_by_other_ptr_g[g], f.soft_by_other_ptr_g[g + 1]):
        e = f.soft_by_other_x[z]
        group = f.pair_group_e[e]
        if group != g and group != skip:
            _charge_pair(f, s, e, g, h, old, new, d_k, False)


@inner
def company_keeps(f, s, g, h, old, new) -> bool:
    """Whether hard entries of g stay right where all of them are right now.

    They ask only whether a group is in a domain at all, so that most moves of large groups are nothing to them.
    What group h, going the other way, makes of it is asked from its own side too.
    """
    for z in range(f.track_ptr_g[g], f.track_ptr_g[g + 1]):
        level = f.track_x[z]
        key = g * f.levels + level
        needs = f.hard_needs_ptr_x[key + 1] - f.hard_needs_ptr_x[key]
        serves = f.hard_serves_ptr_x[key + 1] - f.hard_serves_ptr_x[key]
        shuns = f.hard_shuns_ptr_x[key + 1] - f.hard_shuns_ptr_x[key]
        x, y = f.dom_sl[old, level], f.dom_sl[new, level]
        if x == y or needs + serves + shuns == 0:
            continue
        comes = y >= 0 and needs + shuns > 0 and count_in(f, s, g, level, y) == 0
        if comes and not _welcome(f, s, g, h, level, key, y):
            return False
        if x >= 0 and serves > 0 and f.has & NEEDS != 0 and count_in(f, s, g, level, x) == 1:
            for e in range(f.hard_serves_ptr_x[key], f.hard_serves_ptr_x[key + 1]):
                group = f.hard_serves_x[e]
                if group == h or count_in(f, s, group, level, x) > 0:
                    return False
    return True


@inner
def _welcome(f, s, g, h, level, key, y) -> bool:
    """Whether a group may come into a domain, once h has left it."""
    if f.has & NEEDS != 0:
        for e in range(f.hard_needs_ptr_x[key], f.hard_needs_ptr_x[key + 1]):
            other = f.hard_needs_x[e]
            if count_in(f, s, other, level, y) - (1 if other == h else 0) <= 0:
                return False
    if f.has & MEETS != 0:
        for e in range(f.hard_shuns_ptr_x[key], f.hard_shuns_ptr_x[key + 1]):
            other = f.hard_shuns_x[e]
            if other == g or count_in(f, s, other, level, y) - (1 if other == h else 0) > 0:
                return False
    return True


@inner
def _turn(f, s, group, level, x, by) -> int:
    """Whether a domain comes into use (1) or falls out of it (-1) when a group's count there changes."""
    if x < 0 or by == 0:
        return 0
    count = s.count_x[f.row_gl[group, level] + x]
    return (1 if count + by > 0 else 0) - (1 if count > 0 else 0)


@inner
def _far_from(f, s, table, group, level, x, flip) -> int:
    """Domains of a group that are too far from domain x."""
    row = f.row_gl[group, level]
    found = 0
    for y in range(f.domains_l[level]):
        if s.count_x[row + y] > 0 and (f.far_xdd[table, y, x] if flip else f.far_xdd[table, x, y]):
            found += 1
    return found


@inner
def _far_within(f, table, x, y) -> int:
    """Whether two domains of one group are too far apart; a domain is never far from itself."""
    if x == y:
        return 0
    return 1 if f.far_xdd[table, min(x, y), max(x, y)] else 0


@inner
def _distance_within(f, s, group, level, table, x, y, by) -> int:
    """Change of pairs within a group that gains `by` in y and loses it in x."""
    row = f.row_gl[group, level]
    turn_x, turn_y = _turn(f, s, group, level, x, -by), _turn(f, s, group, level, y, by)
    change = 0
    for z in range(f.domains_l[level]):
        if s.count_x[row + z] > 0:
            if turn_x != 0:
                change += turn_x * _far_within(f, table, x, z)
            if turn_y != 0:
                change += turn_y * _far_within(f, table, y, z)
    if turn_x != 0 and turn_y != 0:
        change += turn_x * turn_y * _far_within(f, table, x, y)
    return change


@inner
def _distance_between(f, s, e, level, x, y, mine, theirs) -> int:
    """Change of pairs of two groups that gain so much in y and lose it in x."""
    group, other, table = f.far_group_f[e], f.far_other_f[e], f.far_table_f[e]
    mine_x, mine_y = _turn(f, s, group, level, x, -mine), _turn(f, s, group, level, y, mine)
    theirs_x, theirs_y = _turn(f, s, other, level, x, -theirs), _turn(f, s, other, level, y, theirs)
    change = 0
    if mine_x != 0:
        change += mine_x * _far_from(f, s, table, other, level, x, False)
        if theirs_x != 0:
            change += mine_x * theirs_x * (1 if f.far_xdd[table, x, x] else 0)
        if theirs_y != 0:
            change += mine_x * theirs_y * (1 if f.far_xdd[table, x, y] else 0)
    if mine_y != 0:
        change += mine_y * _far_from(f, s, table, other, level, y, False)
        if theirs_x != 0:
            change += mine_y * theirs_x * (1 if f.far_xdd[table, y, x] else 0)
        if theirs_y != 0:
            change += mine_y * theirs_y * (1 if f.far_xdd[table, y, y] else 0)
    if theirs_x != 0:
        change += theirs_x * _far_from(f, s, table, group, level, x, True)
    if theirs_y != 0:
        change += theirs_y * _far_from(f, s, table, group, level, y, True)
    return change


@inner
def distances(f, s, g, h, skip, old, new, d_k, strict) -> bool:
    """All distances that group g takes part in, save those that group `skip` takes part in as well."""
    for z in range(f.far_by_group_ptr_g[g], f.far_by_group_ptr_g[g + 1]):
        e = f.far_by_group_x[z]
        group, other, level = f.far_group_f[e], f.far_other_f[e], f.far_level_f[e]
        x, y = f.dom_sl[old, level], f.dom_sl[new, level]
        if x == y or (skip >= 0 and (group == skip or other == skip)):
            continue
        if group == other:
            change = _distance_within(f, s, group, level, f.far_table_f[e], x, y, 1 if group == g else -1)
        else:
            mine = (1 if group == g else 0) - (1 if group == h else 0)
            theirs = (1 if other == g else 0) - (1 if other == h else 0)
            change = _distance_between(f, s, e, level, x, y, mine, theirs)
        stage = f.far_stage_f[e]
        if strict and stage == 0 and change > 0:
            return False
        d_k[stage] += change * f.far_weight_f[e]
    return True


@inner
def move_counts(f, s, i, g, old, new) -> None:
    """Keep the counts of a group right of which item i goes; to be called before `site_i` changes."""
    for z in range(f.track_ptr_g[g], f.track_ptr_g[g + 1]):
        level = f.track_x[z]
        x, y = f.dom_sl[old, level], f.dom_sl[new, level]
        if x == y:
            continue
        row = f.row_gl[g, level]
        if row >= 0:
            if x >= 0:
                s.count_x[row + x] -= 1
                if s.count_x[row + x] == 0:
                    s.in_use_gl[g, level] -= 1
            if y >= 0:
                s.count_x[row + y] += 1
                if s.count_x[row + y] == 1:
                    s.in_use_gl[g, level] += 1
        else:
            if x >= 0 and count_in(f, s, g, level, x) == 1:
                s.in_use_gl[g, level] -= 1
            if y >= 0 and count_in(f, s, g, level, y) == 0:
                s.in_use_gl[g, level] += 1
    if old == f.sites:
        s.placed_g[g] += 1
    if new == f.sites:
        s.placed_g[g] -= 1
