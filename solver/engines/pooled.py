"""Large estates on hosts: decide per pool of equal hosts, pack, and leave more room where packing fails."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from zonewright.models import goals
from zonewright.models.rules import Survive, all_rules
from zonewright.models.view import Row, View
from zonewright.models.world import World
from zonewright.solver.context import Context
from zonewright.solver.deadline import Deadline
from zonewright.solver.decode import Sites, share_arrivals, share_out
from zonewright.solver.engines.below import Below, largest_loss, losses_below, stock_is_lent
from zonewright.solver.engines.exact import News, Outcome, StageProof, better_proof, solve_exact
from zonewright.solver.engines.fine import FineRules, fine_rules
from zonewright.solver.engines.hosts import Packer, Seats
from zonewright.solver.engines.shortfall import down_too_long
from zonewright.solver.kernels import cache
from zonewright.solver.program import Program, lower
from zonewright.solver.rows import Ints

#: For the very first plan: the share of every zone that is left free, and a gap that is soon reached.
ROOM_AT_FIRST, GAP_AT_FIRST = 0.015, 0.01
#: Less room than this after a loss is none.
LEAST_ROOM_AFTER = 0.02
#: A pooled plan this near its linear bound is good enough to try packing.
FIRST_GAP = 1e-4
#: Share of a zone's pools that is left free once packing has failed, and how it grows.
FIRST_MARGIN, GROWTH = 0.002, 1.8
#: Beyond this it is not for want of room that packing fails.
MOST_MARGIN = 0.4
MOST_ATTEMPTS = 30
#: Up to so many (class, host) pairs packing is tried once: single hosts are decided exactly then.
FEW_CELLS = 2_000

Moved = dict[tuple[str, tuple[int, ...]], Sites]


@dataclass
class Packed:
    """A plan on hosts, with what proves its bounds."""

    context: Context
    x_j: Ints
    sites: Sites
    moved: Moved
    values: list[int]
    margins: dict[int, float] = field(default_factory=dict)


@dataclass
class PooledOutcome:
    """What the engine reached."""

    status: str
    """`packed`, `infeasible`, or `open` where this engine found nothing."""
    packed: Packed | None = None
    proofs: list[StageProof | None] = field(default_factory=list)
    closed: bool = False
    """The packed plan has the pooled optimum: nothing is better."""


def applies(program: Program) -> FineRules | None:
    """Return the limits below the zone if pools and packing can express everything, else None."""
    if not program.context.classes or all(len(place.sites) == 1 for place in program.context.places):
        return None
    if program.context.partial and any(
        isinstance(rule, Survive) and rule.mode == "static" and label in program.context.relaxed
        for label, rule in all_rules(program.world)
    ):
        return None  # What must remain depends on what is placed: no limit says that.
    if stock_is_lent(program.world):
        return None
    return fine_rules(program.world, program.context.relaxed)


def solve_pooled(
    program: Program,
    fine: FineRules,
    deadline: Deadline,
    *,
    workers: int,
    seed: int,
    news: News,
    hint: Ints | None = None,
    soon: bool = True,
) -> PooledOutcome:
    """Solve the pooled program, pack, and try again with more room until packed; then close the gap.

    `soon` asks for any plan first: not where another engine has one.
    """
    run = _Run(program, fine, deadline, workers, seed, news)
    return run.solve(hint, soon)


class _Run:
    def __init__(
        self, program: Program, fine: FineRules, deadline: Deadline, workers: int, seed: int, news: News
    ) -> None:
        self.program = program
        self.world: World = program.world
        self.fine = fine
        self.deadline = deadline
        self.workers = workers
        self.seed = seed
        self.news = news
        self.partial = program.context.partial
        self.best: Packed | None = None
        self.proofs: list[StageProof | None] = []
        self.hopeless = False
        """What fails is not for want of room."""
        self.room_after = _spare(program.context)
        """Share of every zone that is left free after a loss: that costs nothing as long as there is a way."""

    def solve(self, hint: Ints | None, soon: bool) -> PooledOutcome:
        losses = bool(losses_below(self.world))
        cache.begin(cache.PACKING + (cache.EVACUATION if losses else ()))
        if soon:
            self._something()
        if self.deadline.over:
            return PooledOutcome("packed" if self.best is not None else "open", self.best)
        start = hint if hint is not None else self._x_j()
        first = self._decide(self.program, 0.4, FIRST_GAP, start)
        if first.status == "infeasible":
            return PooledOutcome("infeasible")
        if first.x_j is not None:
            self.proofs = [_of_pools(p) for p in first.proofs]
            failed = self._pack(self.program, first, {})
            if failed is not None:
                # Where there is little to decide the exact engine says more than one margin after another.
                cells = len(self.world.tree.sites) * len(self.program.context.classes)
                if cells > FEW_CELLS or losses_below(self.world):
                    self._with_room(failed)
            elif not self._closed():
                self._close_gap(first)
        status = "packed" if self.best is not None else "open"
        return PooledOutcome(status, self.best, self.proofs, self._closed())

    def _something(self) -> None:
        """Find any plan soon: with room to spare in every zone, and far from the best."""
        zones = sorted({self.world.zone_of(s) for s in self.world.tree.sites})
        lost = largest_loss(self.world)
        margins = {zone: ROOM_AT_FIRST + lost.get(zone, 0.0) for zone in zones}
        share = 0.3 if len(self.program.context.layers) > 1 else 0.15
        while self._attempt(margins, share, GAP_AT_FIRST) == -1 and self.room_after and not self.deadline.over:
            self.room_after = self.room_after / 2 if self.room_after > LEAST_ROOM_AFTER else 0.0

    def _x_j(self) -> Ints | None:
        return self.best.x_j if self.best is not None else None

    def _decide(self, program: Program, share: float, gap: float, hint: Ints | None = None) -> Outcome:
        return solve_exact(
            program,
            self.deadline,
            workers=self.workers,
            seed=self.seed,
            news=self.news,
            hint=hint,
            share=share,
            gap=gap,
            trees=program is self.program,
        )

    def _attempt(self, margins: dict[int, float], share: float, gap: float) -> int | None:
        """Decide with some of each zone left free, and pack.

        Returns the zone that could not be packed, None when all were, -1 when nothing was decided.
        """
        program = lower(self.world, partial=self.partial, pooled=True, margins=margins, room_after=self.room_after)
        outcome = self._decide(program, share, gap, self._x_j())
        return self._pack(program, outcome, margins) if outcome.x_j is not None else -1

    def _closed(self) -> bool:
        if self.best is None or len(self.proofs) != len(self.best.values):
            return False
        return all(p is not None and v <= p.bound for v, p in zip(self.best.values, self.proofs, strict=True))

    def _with_room(self, failed: int) -> None:
        """Narrow down, zone by zone, how much must be left free so that a decision can be packed."""
        too_little: dict[int, float] = {}
        enough = dict(self.best.margins) if self.best is not None else {}
        margins: dict[int, float] = {}
        for _ in range(MOST_ATTEMPTS):
            if self.deadline.over or self.hopeless:
                return
            too_little[failed] = max(margins.get(failed, 0.0), too_little.get(failed, 0.0))
            margins = {zone: self._between(low, enough.get(zone)) for zone, low in too_little.items()}
            if any(m > MOST_MARGIN for m in margins.values()):
                return
            words = ", ".join(f"{self.world.tree.nodes[z].id} {100 * m:.2g} %" for z, m in sorted(margins.items()))
            self.news("packing", "", None, None, f"leaving free {words}")
            found = self._attempt(margins, 0.25, FIRST_GAP)
            if found == -1:
                return
            if found is not None:
                failed = found
                continue
            enough = dict(margins)
            if all(m <= 2 * max(too_little[z], FIRST_MARGIN / 2) for z, m in margins.items()):
                return
            failed = max(margins, key=lambda z: margins[z] - too_little[z])
            margins = dict(too_little)

    @staticmethod
    def _between(low: float, high: float | None) -> float:
        if high is None or high <= low:
            return max(FIRST_MARGIN, low * GROWTH)
        return max(FIRST_MARGIN, (low + high) / 2) if low else max(FIRST_MARGIN, high / 4)

    def _pack(self, program: Program, outcome: Outcome, margins: dict[int, float]) -> int | None:
        """Pack a pooled decision; keep it if it is better. Returns the zone that failed, None where none did."""
        if outcome.x_j is None:
            return None
        ctx, x_j = program.context, outcome.x_j
        packer = Packer(ctx, self.fine, self.seed + len(margins), self.deadline)
        seats, failed = packer.pack(x_j)
        if seats is None:
            return failed
        below = Below(ctx, packer)
        while True:
            roomy, failed = below.room(x_j, seats)
            if roomy is None:
                self.hopeless |= failed < 0
                return max(0, failed)
            base = self._units(ctx, roomy.seats)
            short = {group for groups in down_too_long(ctx, base) for group in groups}
            if not short:
                break
            if not packer.spread_out(short, roomy.seats):
                self.hopeless = True
                return failed
            again, failed = packer.pack(x_j)
            if again is None:
                return failed
            seats = again
        seats = roomy.seats
        moved: Moved = {}
        for layer in ctx.layers[1:]:
            again, failed = packer.pack_scenario(layer, x_j, seats)
            if again is None:
                return failed
            moved[layer.signature, layer.scenario] = self._displaced_units(ctx, base, again, layer.lost)
        for (name, scenario), again in roomy.moved.items():
            lost = frozenset(s for d in scenario for s in self.world.tree.sites_under[d])
            moved[name, scenario] = self._displaced_units(ctx, base, again, lost)
        values = self._true_values(program, outcome.values, base)
        found = Packed(ctx, x_j, base, moved, values, dict(margins))
        if self.best is None or found.values < self.best.values:
            self.best = found
            self.news("packing", program.stages[-1].goal, outcome.values[-1], None, "packed")
        return None

    def _true_values(self, program: Program, values: list[int], base: Sites) -> list[int]:
        """Return the goals' values on hosts.

        What pools could only bound from below is counted again, and what helping columns may have overstated.
        """
        view = View(self.world, [Row(u, s, n) for u, by_site in base.items() for s, n in by_site.items()])
        again = {
            "moves": lambda: goals.moves(view),
            "cost": lambda: goals.cost(view),
            "hosts": lambda: len({row.site for row in view.rows}),
            "balance": lambda: goals.balance(view),
            "client_latency": lambda: goals.client_latency(view),
        }
        names = [stage.goal for stage in program.stages]
        return [again[goal]() if goal in again else value for goal, value in zip(names, values, strict=True)]

    def _units(self, ctx: Context, seats: Seats) -> Sites:
        found: Sites = {}
        for cls in ctx.classes:
            found.update(share_out(cls, seats.get(cls.index, {})))
        return found

    def _displaced_units(self, ctx: Context, base: Sites, seats: Seats, lost: frozenset[int]) -> Sites:
        moved: Sites = {}
        for c, by_site in seats.items():
            moved.update(share_arrivals(ctx.classes[c], by_site, base, lost))
        return moved

    def _close_gap(self, first: Outcome) -> None:
        """Solve the pooled program to the end, and pack what is better."""
        outcome = self._decide(self.program, 0.9, 0.0, first.x_j)
        if outcome.x_j is None:
            return
        more = [_of_pools(p) for p in outcome.proofs]
        self.proofs = [better_proof(a, b) for a, b in zip(self.proofs, more, strict=True)]
        if self.best is not None and outcome.values < self.best.values:
            self._pack(self.program, outcome, {})


def _spare(ctx: Context) -> float:
    """Return half the share of capacity that would be free after the worst loss of whole zones, shared evenly."""
    tree = ctx.world.tree
    least = 1.0
    for layer in ctx.layers[1:]:
        left = [site for site in tree.sites if site not in layer.lost]
        for resource in ctx.world.resources:
            limits = [tree.nodes[site].usable(resource) for site in left]
            if limits and all(limit is not None for limit in limits):
                room = sum(limit or 0 for limit in limits)
                asked = sum(cls.count * cls.unit.demand.get(resource, 0) for cls in ctx.classes)
                least = min(least, 1 - asked / room if room else 0.0)
    return max(0.0, least) / 2 if len(ctx.layers) > 1 else 0.0


def _of_pools(proof: StageProof | None) -> StageProof | None:
    return replace(proof, pooled=True) if proof is not None else None
