"""Lowering of availability: the states that domains can be in, each with the share of time it takes.

A group that is down in a state loses that state's share. Where cells differ in few fates (the rated domains that
they are in), all states are there and the rows say exactly what the rule says. Where they differ in many, only the
highest domains count, and each lower one by itself: a relaxation, to which the engine adds states (`Outage`) in
which a decision has fallen short.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from zonewright.models.quantities import as_fraction
from zonewright.models.rules import Availability
from zonewright.models.tree import Tree
from zonewright.models.world import World
from zonewright.solver.context import Context, Layer
from zonewright.solver.families.sums import Sum
from zonewright.solver.lowering.pools import relaxed_limit
from zonewright.solver.lowering.survive import needed_to_be_up
from zonewright.solver.outages import ALWAYS, BILLIONTH, Outage, allowed_down, rated_above, share_down

#: Up to so many different fates every state is written down.
MOST_FATES = 6


def availability(ctx: Context, rule: Availability, label: str, layer: Layer | None) -> None:
    """Write, for every group, that the states in which it is down take no more time than it may be down."""
    if layer is None or layer.event:
        return
    for group, asked in targets(ctx.world, rule).items():
        if ctx.world.groups[group].count and ctx.classes_of.get(group):
            _Group(ctx, rule, label, group, asked).lower()


def targets(world: World, rule: Availability) -> dict[str, Fraction]:
    """Return what is asked of each group that is concerned."""
    found: dict[str, Fraction] = {}
    for group in rule.selected(world):
        own = world.groups[group].targets.availability
        asked = own if rule.at_least is None else rule.at_least
        if asked is not None:
            found[group] = as_fraction(asked)
    return found


def limits_by_availability(world: World, rule: Availability) -> dict[str, dict[str, int]]:
    """Return what a hard rule says of every single domain below the zone: by level, so many of a group at most.

    Only where none of them may take the group down with it; that several together are rare is not in it.
    """
    memo: dict[int, dict[str, dict[str, int]]] = world.__dict__.setdefault("_limits_by_availability", {})
    if id(rule) in memo:
        return memo[id(rule)]
    tree = world.tree
    zone = tree.levels.index("zone") if "zone" in tree.levels else 0
    found: dict[str, dict[str, int]] = {}
    for level in tree.levels[zone + 1 :]:
        if any(tree.at_level(site, level) is None for site in tree.sites):
            continue
        shares = [share_down(tree, node) for node in tree.domains_at(level)]
        least = min(shares, default=Fraction(0))
        for group, asked in targets(world, rule).items() if least else ():
            count = world.groups[group].count
            if count and least * ALWAYS > allowed_down(asked):
                limit = count - needed_to_be_up(world, group)
                found.setdefault(level, {})[group] = limit
    memo[id(rule)] = found
    return found


class _Group:
    """One group under one rule."""

    def __init__(self, ctx: Context, rule: Availability, label: str, group: str, asked: Fraction) -> None:
        self.ctx, self.rule, self.label, self.group = ctx, rule, label, group
        self.cells = list(ctx.cells(ctx.base, group))
        self.needed = needed_to_be_up(ctx.world, group)
        self.count = ctx.world.groups[group].count
        self.budget = allowed_down(asked)
        self.tag = ctx.tag(rule, label, group, None, f"up {float(asked):.10g} of the time")
        self.counted = rule.soft is not None or label in ctx.tolerance.labels
        """The shortfall is counted instead of forbidden."""
        self.placed: int | None = None
        self.up: dict[tuple[int, ...], int] = {}
        """Columns to the boolean that says that enough are there."""

    def lower(self) -> None:
        fates, dropped, chains = self._fates()
        if dropped:
            self.ctx.relaxed.add(self.label)
        memo = self.ctx.world.__dict__.setdefault("_states_of_fates", {})
        key = frozenset(fates.values())
        if key not in memo:
            memo[key] = _states(self.ctx.world.tree, key)
        self._table(memo[key], fates)
        if not self.counted:
            self._single(dropped, chains)
            self._per_domain()
        for outage in self.ctx.outages:
            if (outage.label, outage.group) == (self.label, self.group):
                self._outage(outage)

    def _fates(self) -> tuple[dict[int, tuple[int, ...]], set[int], dict[int, tuple[int, ...]]]:
        """Return, by place, the domains that count; those left out to keep states few; by place, all there are."""
        known = _chains(self.ctx)
        chains = {place: known[place][0] for place, _ in self.cells}
        every = set().union(*(known[place][1] for place in chains)) if chains else set()
        fates = chains
        levels = self.ctx.world.tree.levels
        for level in reversed(levels):
            if len(set(fates.values())) <= MOST_FATES:
                break
            nodes = self.ctx.world.tree.nodes
            fates = {p: tuple(n for n in chain if nodes[n].level != level) for p, chain in fates.items()}
        kept = {node for chain in fates.values() for node in chain}
        return fates, every - kept, chains

    def _table(
        self, states: dict[frozenset[tuple[int, ...]], Fraction], fates: Mapping[int, tuple[int, ...]]
    ) -> None:
        shares = {alive: int(share * ALWAYS) for alive, share in states.items()}
        rest: list[tuple[tuple[int, ...], int]] = []
        for alive, share in shares.items():
            columns = tuple(j for p, j in self.cells if fates[p] in alive)
            if not share or (not self.needed):
                continue
            if share > self.budget and not self.counted:
                self._remain(columns)
            else:
                rest.append((columns, share))
        if self.counted or sum(share for _, share in rest) > self.budget:
            self._rare(rest)

    def _remain(self, columns: tuple[int, ...]) -> None:
        """Enough are in these columns."""
        ctx = self.ctx
        ones = (1,) * len(columns)
        ctx.add(Sum(self.tag, columns, ones, low=self.needed, when=ctx.when(self.group)))

    def _rare(self, states: Iterable[tuple[tuple[int, ...], int]]) -> None:
        """The states in which too few are there take no more time than there is."""
        columns: list[int] = []
        values: list[int] = []
        total = 0
        for of_state, share in states:
            columns.append(self._enough(of_state))
            values.append(share)
            total += share
        ctx = self.ctx
        soften = ctx.soften(self.rule.soft)
        low = total - self.budget
        when = ctx.when(self.group)
        ctx.add(Sum(self.tag, tuple(columns), tuple(values), low=low, soften=soften, unit=BILLIONTH, when=when))

    def _enough(self, columns: tuple[int, ...]) -> int:
        """Return a boolean that can be 1 only while enough are in these columns."""
        if columns not in self.up:
            up = self.up[columns] = self.ctx.rows.boolean()
            ones = (1,) * len(columns)
            # What is tolerated widens the time, never what enough means.
            self.ctx.families.append(Sum(self.tag, (*columns, up), (*ones, -self.needed), low=0))
        return self.up[columns]

    def _single(self, dropped: set[int], chains: Mapping[int, tuple[int, ...]]) -> None:
        """None of the domains that were left out takes the group down where it is down for too long by itself."""
        ctx = self.ctx
        inside: dict[int, list[int]] = {}
        for place, column in self.cells:
            for node in chains[place]:
                if node in dropped:
                    inside.setdefault(node, []).append(column)
        for node, columns in sorted(inside.items()):
            if not self.needed or _parts_down(ctx.world, node) <= self.budget:
                continue
            if ctx.partial:
                placed, ones = self._placed(), (-1,) * len(columns)
                # All that is placed, less those inside: no row is as long as the estate is wide.
                ctx.add(Sum(self.tag, (placed, *columns), (1, *ones), low=self.needed, when=(placed,)))
            else:
                ctx.add(Sum(self.tag, tuple(columns), (1,) * len(columns), high=self.count - self.needed))

    def _placed(self) -> int:
        """Return the column of how many of the group are placed."""
        if self.placed is None:
            self.placed = self.ctx.rows.column(0, self.count)
            columns = tuple(j for _, j in self.cells)
            ones = (1,) * len(columns)
            self.ctx.families.append(Sum(self.tag, (*columns, self.placed), (*ones, -1), low=0, high=0))
        return self.placed

    def _per_domain(self) -> None:
        """Pools know no single domain below the zone: they hold so many times what each may."""
        for level, limits in limits_by_availability(self.ctx.world, self.rule).items():
            if self.group in limits and self.ctx.finer(level):
                room = max(0, limits[self.group]) if self.ctx.partial else limits[self.group]
                relaxed_limit(self.ctx, self.rule, self.label, self.ctx.base, self.group, level, room)

    def _outage(self, outage: Outage) -> None:
        """Of these states, the group is up in so many that the rest takes no more time than there is."""
        tree = self.ctx.world.tree
        states = []
        for down, share in zip(outage.states, outage.shares(tree), strict=True):
            lost = {s for node in down for s in tree.sites_under[node]}
            columns = tuple(j for p, j in self.cells if not lost.issuperset(self.ctx.places[p].sites))
            states.append((columns, share))
        self._rare(states)


def _parts_down(world: World, node: int) -> int:
    """Return the share of time for which a domain is down by itself, in parts of `ALWAYS`, rounded down."""
    memo: dict[int, int] = world.__dict__.setdefault("_parts_down", {})
    if node not in memo:
        memo[node] = int(share_down(world.tree, node) * ALWAYS)
    return memo[node]


def _chains(ctx: Context) -> list[tuple[tuple[int, ...], frozenset[int]]]:
    """Return, per place, the failing domains above all of its sites, highest first, and those above any."""
    memo: list[tuple[tuple[int, ...], frozenset[int]]] | None = ctx.__dict__.get("_chains")
    if memo is None:
        above = rated_above(ctx.world)
        memo = []
        for place in ctx.places:
            chains = [above[site] for site in place.sites]
            common = set(chains[0]).intersection(*chains[1:])
            every = frozenset(node for chain in chains for node in chain)
            memo.append((tuple(node for node in chains[0] if node in common), every))
        ctx.__dict__["_chains"] = memo
    return memo


def _states(tree: Tree, fates: frozenset[tuple[int, ...]]) -> dict[frozenset[tuple[int, ...]], Fraction]:
    """Return which fates can be alive together, with the share of time of each such state."""
    children: dict[int, set[int]] = {}
    own: dict[int, set[tuple[int, ...]]] = {}
    for fate in fates:
        for above, node in zip((-1, *fate), fate, strict=False):
            children.setdefault(above, set()).add(node)
        own.setdefault(fate[-1] if fate else -1, set()).add(fate)

    def below(node: int) -> dict[frozenset[tuple[int, ...]], Fraction]:
        found = {frozenset(own.get(node, ())): Fraction(1)}
        for child in sorted(children.get(node, ())):
            joined: dict[frozenset[tuple[int, ...]], Fraction] = {}
            share = share_down(tree, child)
            inner = {alive: chance * (1 - share) for alive, chance in below(child).items()}
            inner[frozenset()] = inner.get(frozenset(), Fraction(0)) + share
            for left, chance in found.items():
                for right, other in inner.items():
                    joined[left | right] = joined.get(left | right, Fraction(0)) + chance * other
            found = joined
        return found

    return {alive: chance for alive, chance in below(-1).items() if chance}


__all__ = ["availability", "limits_by_availability", "targets"]
