"""Lowering of capacity, load, quota and budget: weighted sums over cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from zonewright.models.quantities import as_fraction, to_money
from zonewright.models.rules import Budget, Capacity, FreeRatio, Load, Quota, Rule
from zonewright.models.tree import Node
from zonewright.models.world import Unit
from zonewright.solver.classes import Class
from zonewright.solver.context import Context, Layer, Terms
from zonewright.solver.families.sums import Sum
from zonewright.solver.rows import Tag


def capacity(ctx: Context, rule: Capacity, label: str, layer: Layer | None) -> None:
    """Every domain's resources, flavour stock and number of instances; after a loss arrivals get firm stock."""
    if layer is None:
        return
    by_place = _cells_by_place(ctx, layer)
    arrivals = _arrivals_of(ctx, layer)
    if ctx.pooled:
        _pools(ctx, rule, label, layer, arrivals, by_place)
    for node in ctx.world.tree.nodes:
        domain = node.domain
        if not (domain.capacity or domain.flavours or domain.most_instances is not None):
            continue
        places = _whole_places(ctx, node, layer)
        if places is None:
            continue
        cells = [cell for place in places for cell in by_place.get(place, ())]
        tag = ctx.tag(rule, label, None, node.index)
        for resource in domain.capacity:
            limit = node.usable(resource)
            if limit is not None:
                each = [(j, u.demand.get(resource, 0)) for u, j in cells]
                _stock(ctx, tag, arrivals, each, node.usable, resource, f"{limit} {resource} usable")
        for flavour in domain.flavours:
            limit = node.usable_flavour(flavour)
            if limit is not None:
                sold = [(j, 1) for u, j in cells if u.flavour is not None and u.flavour.id == flavour]
                _stock(ctx, tag, arrivals, sold, node.usable_flavour, flavour, f"{limit} of {flavour} in stock")
        if domain.most_instances is not None:
            most = domain.most_instances
            _sum(ctx, tag, [(j, 1) for _, j in cells], most, f"at most {most} instances", thing="instances")


def _stock(
    ctx: Context,
    tag: Tag,
    arrivals: _Arrivals,
    terms: list[tuple[int, int]],
    usable: Callable[..., int | None],
    name: str,
    text: str,
) -> None:
    """At most what a domain has of a resource or a flavour, with what is bought where that is decided too."""
    node = ctx.world.tree.by_id[tag.domain] if tag.domain is not None else -1
    wider = ctx.bought(node, name)
    if wider is not None:
        _sum(ctx, tag, [*terms, *_less(wider)] if any(v for _, v in terms) else [], 0, text, name)
        arrivals.within(tag, terms, ctx.bought(node, name, firm=True) or (), wider, name)
        return
    limit = usable(name) or 0
    _sum(ctx, tag, terms, limit, text, name)
    arrivals.limit(tag, terms, usable(name, firm=True) or 0, limit, name)


def _less(terms: Terms) -> list[tuple[int, int]]:
    return [(j, -v) for j, v in terms]


def _cells_by_place(ctx: Context, layer: Layer) -> dict[int, list[tuple[Unit, int]]]:
    found: dict[int, list[tuple[Unit, int]]] = {}
    for cls in ctx.classes:
        for place, column in layer.cells[cls.index].items():
            found.setdefault(place, []).append((cls.unit, column))
    return found


def _whole_places(ctx: Context, node: Node, layer: Layer) -> list[int] | None:
    """Return the places in a node's branch, None where a pool is only partly in it."""
    sites = set(ctx.world.tree.sites_under[node.index])
    places = sorted({ctx.place_of[s] for s in sites})
    if ctx.pooled and any(not sites.issuperset(ctx.places[p].sites) for p in places):
        return None
    return places


def _sum(
    ctx: Context,
    tag: Tag,
    terms: Iterable[tuple[int, int]],
    limit: int,
    text: str,
    what: str | None = None,
    thing: str | None = None,
) -> None:
    kept = [(j, v) for j, v in terms if v]
    if kept:
        named = Tag(tag.rule, tag.label, tag.group, tag.domain, text, what, thing if thing is not None else what)
        ctx.add(Sum(named, tuple(j for j, _ in kept), tuple(v for _, v in kept), high=limit))


@dataclass(frozen=True)
class _Arrivals:
    """After a loss nothing arrives beyond what is owned and reserved; survivors keep what is on offer."""

    ctx: Context
    before: dict[int, int]
    """Columns of the layer where something may arrive, with those before the loss."""

    def limit(self, tag: Tag, terms: Iterable[tuple[int, int]], firm: int, limit: int, what: str) -> None:
        """Either nothing arrives, or survivors and arrivals together fit in the firm stock."""
        kept = [(j, v) for j, v in terms if v]
        if firm >= limit or not any(j in self.before for j, _ in kept):
            return
        arrives = self.ctx.rows.boolean()
        self._add(tag, kept, 0, what, (arrives, -firm))
        columns = (*(j for j, _ in kept), arrives)
        values = (*(v for _, v in kept), limit - firm)
        self.ctx.add(Sum(self._named(tag, what), columns, values, high=limit))

    def within(self, tag: Tag, terms: Iterable[tuple[int, int]], firm: Terms, limit: Terms, what: str) -> None:
        """Either nothing arrives, or all fits in the firm stock, where both limits are decided too."""
        kept = [(j, v) for j, v in terms if v]
        if firm == limit or not any(j in self.before for j, _ in kept):
            return
        high = self.ctx.rows.high
        arrives = self.ctx.rows.boolean()
        self._add(tag, kept, 0, what, (arrives, -sum(v * high[j] for j, v in firm)))
        most = sum(v * high[j] for j, v in kept)
        every = [*kept, *_less(firm), (arrives, most)]
        columns, values = tuple(j for j, _ in every), tuple(v for _, v in every)
        self.ctx.add(Sum(self._named(tag, what), columns, values, high=most))

    def of_pool(self, tag: Tag, terms: Iterable[tuple[int, int]], firm: int, limit: int, what: str) -> None:
        """Of many hosts only the sum of what arrives is limited, which is a relaxation."""
        if firm < limit:
            self._add(tag, [(j, v) for j, v in terms if v], firm, what)

    def _add(self, tag: Tag, kept: list[tuple[int, int]], high: int, what: str, *more: tuple[int, int]) -> None:
        moved = [(j, v) for j, v in kept if j in self.before]
        terms = [*moved, *((self.before[j], -v) for j, v in moved), *more]
        if moved:
            columns, values = tuple(j for j, _ in terms), tuple(v for _, v in terms)
            self.ctx.add(Sum(self._named(tag, what), columns, values, high=high))

    def _named(self, tag: Tag, what: str) -> Tag:
        text = f"{what} owned or reserved for what arrives"
        return Tag(tag.rule, tag.label, tag.group, tag.domain, text, thing=what)


def _arrivals_of(ctx: Context, layer: Layer) -> _Arrivals:
    before: dict[int, int] = {}
    if layer.event and not layer.on_offer:
        for c, cells in enumerate(layer.cells):
            base = ctx.base.cells[c]
            before.update((column, base[place]) for place, column in cells.items() if column != base[place])
    return _Arrivals(ctx, before)


def _pools(
    ctx: Context,
    rule: Capacity,
    label: str,
    layer: Layer,
    arrivals: _Arrivals,
    by_place: Mapping[int, list[tuple[Unit, int]]],
) -> None:
    """Pools hold the sum of their hosts; and of instances above a size, only so many per host."""
    for place in ctx.places:
        sites = [s for s in place.sites if s not in layer.lost]
        if len(place.sites) == 1 or not sites:
            continue
        node = ctx.world.tree.nodes[place.site]
        cells = by_place.get(place.index, [])
        tag = ctx.tag(rule, label, None, place.site if ctx.explain else ctx.world.zone_of(place.site))
        for resource in node.domain.capacity:
            limit = node.usable(resource)
            if limit is None:
                continue
            zone = ctx.world.zone_of(place.site)
            more = _tolerated(ctx, label, layer, sites, resource)
            free = max(ctx.margins.get(zone, 0.0), ctx.room_after if layer.event else 0.0)
            whole = int(limit * len(sites) * (1 - free)) + more
            each = [(j, u.demand.get(resource, 0)) for u, j in cells]
            _sum(ctx, tag, each, whole, f"{whole} {resource} usable on {len(sites)} hosts", thing=resource)
            firm = node.usable(resource, firm=True) or 0
            arrivals.of_pool(tag, each, firm * len(sites), limit * len(sites), resource)
            sizes = {u.demand.get(resource, 0) for u, _ in cells}
            for parts in (1, 2, 3) if not more else ():
                # More than capacity / (parts + 1) each: at most `parts` of them fit on one host.
                big = [(j, 1) for u, j in cells if u.demand.get(resource, 0) * (parts + 1) > limit]
                if big and any(s * (parts + 1) > limit for s in sizes):
                    text = f"at most {parts} a host of those above {limit // (parts + 1)} {resource}"
                    _sum(ctx, tag, big, parts * len(sites), text, thing=resource)
        for flavour in node.domain.flavours:
            stock = node.usable_flavour(flavour)
            if stock is not None:
                sold = [(j, 1) for u, j in cells if u.flavour is not None and u.flavour.id == flavour]
                text = f"{stock * len(sites)} of {flavour} in stock"
                _sum(ctx, tag, sold, stock * len(sites), text, thing=flavour)
                firm = node.usable_flavour(flavour, firm=True) or 0
                arrivals.of_pool(tag, sold, firm * len(sites), stock * len(sites), flavour)
        if node.domain.most_instances is not None:
            most = node.domain.most_instances * len(sites) + _tolerated(ctx, label, layer, sites, None)
            _sum(ctx, tag, [(j, 1) for _, j in cells], most, f"at most {most} instances", thing="instances")


def _tolerated(ctx: Context, label: str, layer: Layer, sites: list[int], what: str | None) -> int:
    """Return how much more than they have may stay on some hosts together."""
    if layer.event or not ctx.tolerance.given:
        return 0
    return ctx.tolerance.within(label, {ctx.world.tree.nodes[s].id for s in sites}, what)


def load(ctx: Context, rule: Load, label: str, layer: Layer | None) -> None:
    """A share of each domain's capacity, or what is safe there."""
    if layer is None or (layer.event and rule.soft is not None):
        return
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        return
    by_place = _cells_by_place(ctx, layer)
    for index in ctx.world.tree.domains_at(rule.level):
        node = ctx.world.tree.nodes[index]
        cells = [cell for place in sorted(ctx.inside(index)) for cell in by_place.get(place, ())]
        for resource in rule.limited(node):
            limit = rule.limit(node, resource)
            if limit is None:
                continue
            terms = [(j, v) for u, j in cells if (v := u.demand.get(resource, 0))]
            text = f"at most {limit} {resource} used"
            tag = Tag(rule.rule, label, None, node.id, text, resource)
            wider = ctx.bought(index, resource)
            unit = 1
            if wider is not None and rule.most_share is not None:
                # Whole amounts are within the floor of a share exactly when they are within the share.
                share = as_fraction(rule.most_share)
                unit, limit = share.denominator, 0
                terms = [*((j, v * unit) for j, v in terms), *((j, -v * share.numerator) for j, v in wider)]
            columns, values = tuple(j for j, _ in terms), tuple(v for _, v in terms)
            ctx.add(Sum(tag, columns, values, high=limit, soften=ctx.soften(rule.soft), unit=unit))


def free_ratio(ctx: Context, rule: FreeRatio, label: str, layer: Layer | None) -> None:
    """ratio x free of one resource - free of the other is at most 0, free being usable less used.

    Of some groups alone nothing is asked: others may use what they leave free.
    """
    if layer is None or layer.event or not (ctx.complete or rule.soft):
        return
    if ctx.finer(rule.level):
        ctx.relaxed.add(label)
        return
    by_place = _cells_by_place(ctx, layer)
    for index in ctx.world.tree.domains_at(rule.level):
        node = ctx.world.tree.nodes[index]
        usable = rule.usable(node)
        if usable is None:
            continue
        terms: list[tuple[int, int]] = []
        high = 0
        for name, factor, limit in ((rule.resource, -rule.ratio, usable[0]), (rule.beside, 1, usable[1])):
            for place in sorted(ctx.inside(index)):
                terms += [(j, factor * v) for u, j in by_place.get(place, ()) if (v := u.demand.get(name, 0))]
            wider = ctx.bought(index, name)
            terms += [(j, -factor * v) for j, v in wider or ()]
            high += 0 if wider is not None else factor * limit
        summed: dict[int, int] = {}
        for column, value in terms:
            summed[column] = summed.get(column, 0) + value
        tag = ctx.tag(rule, label, None, index, f"{rule.ratio} {rule.beside} free for each free {rule.resource}")
        values = tuple(summed.values())
        ctx.add(Sum(tag, tuple(summed), values, high=high, soften=ctx.soften(rule.soft)))


def _selected_cells(
    ctx: Context, layer: Layer, groups: list[str], domain: str | None
) -> Iterable[tuple[Class, int, int]]:
    """Yield cells in a domain. Of a pool that is partly in it nobody need be inside: it is left out."""
    chosen = set(groups)
    inside = ctx.within(ctx.world.tree.by_id[domain]) if domain is not None else None
    for cls in ctx.classes:
        if cls.unit.group in chosen:
            for place, column in layer.cells[cls.index].items():
                if inside is None or place in inside:
                    yield cls, place, column


def quota_use(rule: Quota, unit: Unit) -> int:
    """Return how much of a quota on its group each instance of a unit uses, wherever it is."""
    if rule.account not in (None, unit.account) or rule.product not in (None, unit.product):
        return 0
    if rule.flavour is not None and (unit.flavour is None or unit.flavour.id != rule.flavour):
        return 0
    return unit.demand.get(rule.resource, 0) if rule.resource is not None else 1


def quota(ctx: Context, rule: Quota, label: str, layer: Layer | None) -> None:
    """Instances, or a resource, or a flavour, in a domain."""
    if layer is None or (layer.event and rule.soft is not None):
        return
    terms: list[tuple[int, int]] = []
    for cls, _, column in _selected_cells(ctx, layer, rule.selected(ctx.world), rule.domain):
        each = quota_use(rule, cls.unit)
        if each:
            terms.append((column, each))
    what = rule.resource or rule.flavour or "instances"
    wider = ctx.additions.quota(label) if ctx.additions is not None else None
    most = rule.most if wider is None else 0
    terms += _less(wider or ()) if terms else []
    _limited(ctx, rule, label, rule.domain, terms, most, f"at most {rule.most} {what}")


def budget(ctx: Context, rule: Budget, label: str, layer: Layer | None) -> None:
    """The price of the groups' instances; what is prepaid and stays is free."""
    if layer is None or (layer.event and rule.soft is not None):
        return
    terms: list[tuple[int, int]] = []
    saved: list[tuple[int, int, int]] = []
    for cls, place, column in _selected_cells(ctx, layer, rule.selected(ctx.world), rule.domain):
        price = ctx.world.price(cls.unit, ctx.places[place].site)
        terms.append((column, price))
        here = sum(n for s, n in cls.current.items() if ctx.place_of.get(s) == place)
        if cls.unit.prepaid and here:
            saved.append((column, here, price))
    if not saved:
        text = f"at most {rule.per_month:g} a month"
        _limited(ctx, rule, label, rule.domain, terms, to_money(rule.per_month), text)
        return
    from zonewright.solver.families.costs import Prepaid

    node = ctx.world.tree.by_id[rule.domain] if rule.domain is not None else None
    columns, values = tuple(j for j, _ in terms), tuple(v for _, v in terms)
    limit = to_money(rule.per_month)
    ctx.add(Prepaid(ctx.tag(rule, label, None, node), columns, values, tuple(saved), limit, ctx.soften(rule.soft)))


def _limited(
    ctx: Context, rule: Rule, label: str, domain: str | None, terms: list[tuple[int, int]], limit: int, text: str
) -> None:
    kept = [(j, v) for j, v in terms if v]
    node = ctx.world.tree.by_id[domain] if domain is not None else None
    columns, values = tuple(j for j, _ in kept), tuple(v for _, v in kept)
    tag = ctx.tag(rule, label, None, node, text)
    ctx.add(Sum(tag, columns, values, high=limit, soften=ctx.soften(rule.soft)))
