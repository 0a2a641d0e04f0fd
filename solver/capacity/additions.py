"""What may be bought, as columns of a Program: lots of an offer, hosts that are there or not, wider limits."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from zonewright.models.quantities import as_fraction
from zonewright.models.tree import Node
from zonewright.solver.capacity.candidates import Candidate
from zonewright.solver.context import Context, Terms
from zonewright.solver.families.sums import Linear, Sum
from zonewright.solver.program import ADDITIONS
from zonewright.solver.rows import Ints, Tag


class Purchases:
    """The columns of what may be bought (see `solver.context.Additions`).

    Instances that run stay where they are, unless `may_move`. The estate of the program holds every host that may
    be bought; what the others widen is as it is today in it.
    """

    def __init__(self, entries: Sequence[Candidate], *, may_move: bool = False) -> None:
        self.entries = list(entries)
        self.may_move = may_move
        self.lots: list[int] = []
        """The column of the lots bought, by entry."""
        self.open: dict[str, int] = {}
        """Host to the column that says whether it is bought."""
        self._limits: dict[tuple[int, str, bool], Terms] = {}
        self._quotas: dict[str, Terms] = {}

    def begin(self, ctx: Context) -> None:
        """Add the columns, and keep who runs where he is."""
        if not self.may_move:
            hold(ctx)
        for entry in self.entries:
            self.lots.append(ctx.rows.column(0, entry.lots))
            if entry.hosts:
                self._hosts(ctx, entry, self.lots[-1])
        self._stocks(ctx)
        self._raised(ctx)

    def _hosts(self, ctx: Context, entry: Candidate, lots: int) -> None:
        opened = [ctx.rows.boolean() for _ in entry.hosts]
        tag = Tag("offer", entry.offer.id, None, entry.zone)
        ctx.add(Sum(tag, (*opened, lots), (*(1 for _ in opened), -entry.offer.lot), high=0))
        for before, after in itertools.pairwise(opened):
            # Hosts of one offer and zone are alike: the first ones are bought first.
            ctx.add(Sum(tag, (after, before), (1, -1), high=0))
        for name, column in zip(entry.hosts, opened, strict=True):
            self.open[name] = column
            node = ctx.world.tree.nodes[ctx.world.tree.by_id[name]]
            for firm in (False, True):
                for resource in node.domain.capacity:
                    self._limits[node.index, resource, firm] = ((column, node.usable(resource, firm=firm) or 0),)
                for flavour in node.domain.flavours:
                    stock = node.usable_flavour(flavour, firm=firm) or 0
                    self._limits[node.index, flavour, firm] = ((column, stock),)

    def _stocks(self, ctx: Context) -> None:
        """Add the limits of resources and flavours that are bought for a domain as a whole."""
        more: dict[tuple[str, str], list[tuple[int, int]]] = {}
        flavours: set[tuple[str, str]] = set()
        for entry, lots in zip(self.entries, self.lots, strict=True):
            amounts = {entry.offer.flavour: 1} if entry.offer.flavour is not None else entry.offer.capacity
            for name, amount in amounts.items():
                if entry.zone is not None:
                    more.setdefault((entry.zone, name), []).append((lots, amount * entry.offer.lot))
                    if entry.offer.flavour is not None:
                        flavours.add((entry.zone, name))
        for (zone, name), terms in more.items():
            node = ctx.world.tree.nodes[ctx.world.tree.by_id[zone]]
            of_flavour = (zone, name) in flavours
            stock = (node.domain.flavours if of_flavour else node.domain.capacity)[name]
            whole = self._wider(ctx, node, name, terms, stock.total, of_flavour)
            same = stock.total == stock.firm
            self._limits[node.index, name, False] = whole
            firm = whole if same else self._wider(ctx, node, name, terms, stock.firm, of_flavour)
            self._limits[node.index, name, True] = firm

    def _wider(
        self, ctx: Context, node: Node, name: str, terms: list[tuple[int, int]], stock: int, of_flavour: bool
    ) -> Terms:
        """Return a limit as one column: the floor of (stock + bought - reserve) x overcommit, at least 0."""
        factor = as_fraction(1 if of_flavour else node.domain.overcommit.get(name, 1.0))
        base = stock - (0 if of_flavour else node.domain.reserve.get(name, 0))
        most = sum(v * ctx.rows.high[j] for j, v in terms)
        limit = ctx.rows.column(0, max(0, int((base + most) * factor)))
        parts, whole = factor.numerator, factor.denominator
        columns = (limit, *(j for j, _ in terms))
        values = (whole, *(-v * parts for _, v in terms))
        tag = Tag("offer", "offer", None, node.id, "", name)
        if base >= 0:
            ctx.add(Sum(tag, columns, values, high=base * parts))
        else:
            # Either nothing is usable, or what is bought makes up for the reserve first.
            usable = ctx.rows.boolean()
            ctx.add(Sum(tag, (*columns, usable), (*values, -base * parts), high=0))
            ctx.add(Sum(tag, (limit, usable), (1, -ctx.rows.high[limit]), high=0))
        return ((limit, 1),)

    def _raised(self, ctx: Context) -> None:
        rules = {rule.id: rule for rule in ctx.world.estate.rules if rule.rule == "quota"}
        more: dict[str, list[tuple[int, int]]] = {}
        for entry, lots in zip(self.entries, self.lots, strict=True):
            if entry.offer.quota is not None:
                more.setdefault(entry.offer.quota, []).append((lots, entry.offer.lot * entry.offer.step))
        for label, terms in more.items():
            base = rules[label].most
            limit = ctx.rows.column(0, base + sum(v * ctx.rows.high[j] for j, v in terms))
            columns, values = (limit, *(j for j, _ in terms)), (1, *(-v for _, v in terms))
            ctx.add(Sum(Tag("offer", label), columns, values, high=base))
            self._quotas[label] = ((limit, 1),)

    def limit(self, node: int, name: str, *, firm: bool = False) -> Terms | None:
        """Return a domain's limit where something bought changes it."""
        return self._limits.get((node, name, firm))

    def quota(self, label: str) -> Terms | None:
        """Return a quota's limit where something bought raises it."""
        return self._quotas.get(label)

    def finish(self, ctx: Context) -> None:
        """Nobody is on a host that is not bought; and what everything costs."""
        place_of = {ctx.place_of[ctx.world.tree.by_id[name]]: column for name, column in self.open.items()}
        for layer in ctx.layers:
            done: set[int] = set()
            for cls, cells in zip(ctx.classes, layer.cells, strict=True):
                for place, column in cells.items():
                    if place in place_of and column not in done:
                        done.add(column)
                        tag = Tag("offer", "offer", cls.group, ctx.world.tree.nodes[ctx.places[place].site].id)
                        most = self._fits(ctx, place, dict(cls.unit.demand), ctx.rows.high[column])
                        ctx.add(Sum(tag, (column, place_of[place]), (1, -most), high=0))
        prices = tuple(entry.price * entry.offer.lot for entry in self.entries)
        ctx.add(Linear(Tag("goal", ADDITIONS), tuple(self.lots), prices, ADDITIONS))

    def _fits(self, ctx: Context, place: int, demand: dict[str, int], count: int) -> int:
        """Return how many of a demand fit on an empty host, at most `count`."""
        node = ctx.world.tree.nodes[ctx.places[place].site]
        for resource in node.domain.capacity:
            if demand.get(resource, 0):
                count = min(count, (node.usable(resource) or 0) // demand[resource])
        return count

    def bought(self, x_j: Ints) -> dict[int, int]:
        """Return entry to units bought in a solution, those of which some are."""
        units = {k: int(x_j[j]) * self.entries[k].offer.lot for k, j in enumerate(self.lots)}
        return {k: count for k, count in units.items() if count}


def hold(ctx: Context) -> None:
    """Keep everybody who runs where he is, as far as he may stay there."""
    position = ctx.reach.position
    for cls in ctx.classes:
        stay = ctx.reach.profiles[ctx.reach.of_unit[cls.unit.index]].stay
        for site, count in cls.current.items():
            place = ctx.place_of.get(site)
            column = ctx.base.cells[cls.index].get(place) if place is not None else None
            if column is not None and stay[position[site]]:
                ctx.rows.low[column] = min(ctx.rows.high[column], ctx.rows.low[column] + count)


__all__ = ["Purchases", "hold"]
