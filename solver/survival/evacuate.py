"""Whether what a loss displaces fits again, and if not how much of it does: cheapest proof first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from zonewright.models.plan import Placement, Scenario
from zonewright.models.rules.network import subnet_zone
from zonewright.models.view import Row, Violation
from zonewright.models.world import Unit
from zonewright.solver.deadline import Deadline
from zonewright.solver.decode import Sites
from zonewright.solver.kernels import cache
from zonewright.solver.profiles import Reach
from zonewright.solver.survival.binding import Cutting, unit_words
from zonewright.solver.survival.result import Binding, Verdict
from zonewright.solver.survival.scene import (
    Evacuation,
    Ground,
    broken_by,
    ground_of,
    lower_scene,
    reach_of,
    rows_after,
    solve_scene,
)
from zonewright.solver.survival.standing import Loss, Standing

if TYPE_CHECKING:
    from zonewright.solver.survival.hosts import Hosts, Placed
    from zonewright.solver.survival.recheck import Recheck

#: Cells (units x sites) beyond which the program is not tried; on hosts, where each loss would take its time.
MOST_CELLS, MOST_HOST_CELLS = 3_000_000, 100_000
#: The part of the time that judging of what the arrays have shown already may take, and what is judged anyway.
JUDGING_SHARE, JUDGED_ANYWAY = 0.1, 5
#: Units beyond which cuts are looked for before the program.
LARGE = 300
#: Groups that are looked at one by one for what keeps them out, zones for each, and the part of the time for it.
MOST_TRIED, MOST_ZONES_TRIED, TRYING_SHARE = 4, 6, 0.1
#: Broken rules that are named at most, per loss.
MOST_NAMED = 5
#: The signature of the witnesses that failure analysis makes itself.
SIGNATURE = "loss"


@dataclass
class Settled:
    """What became of the displaced of one loss."""

    verdict: Verdict
    wanted: dict[int, dict[int, int]] = field(default_factory=dict)
    """Unit to {lost site: how many of it can be started again}."""
    hopeless: dict[int, dict[str, int]] = field(default_factory=dict)
    """Unit to {why nothing brings it back: how many}."""
    arrivals: Sites = field(default_factory=dict)
    missing: dict[int, int] = field(default_factory=dict)
    """Priority to how many find no place."""
    missing_proven: bool = True
    """No way places more of them, higher priorities first."""
    degraded: list[str] = field(default_factory=list)
    binding: list[Binding] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    """Group to why some of it find no place."""
    witness: Scenario | None = None
    rows: list[Row] = field(default_factory=list)
    how: str = ""


def divided(standing: Standing, loss: Loss) -> tuple[dict[int, dict[int, int]], dict[int, dict[str, int]]]:
    """Return who can be started again, by unit and lost site, and who cannot, by unit and reason."""
    wanted: dict[int, dict[int, int]] = {}
    hopeless: dict[int, dict[str, int]] = {}
    for index, sites in standing.displaced(loss).items():
        unit = standing.world.units[index]
        for site, count in sites.items():
            why = standing.why_not(unit, site, loss)
            if why is None:
                wanted.setdefault(index, {})[site] = count
            else:
                of_unit = hopeless.setdefault(index, {})
                of_unit[why] = of_unit.get(why, 0) + count
    return wanted, hopeless


@dataclass
class Evacuator:
    """Settles losses one by one from the same placement."""

    standing: Standing
    deadline: Deadline
    on_offer: bool = False
    workers: int = 1
    seed: int = 0
    confirmed: int = 0
    """Of how many losses that are survived the models' checkers have seen the way."""
    _ground: Ground | None = None
    _judging_s: float = 0.0
    _tried_s: float = 0.0
    _reach: Reach | None = None
    _arrays: dict[bool, Hosts | None] = field(default_factory=dict)
    _recheck: Recheck | None = None

    def settle(self, loss: Loss, seconds: float) -> Settled:
        """Settle one loss within some seconds, and say what is short where not everybody finds a place."""
        settled = self._settle(loss, seconds)
        if settled.missing:
            cutting = self._cutting(loss, settled.wanted)
            settled.binding = settled.binding or cutting.bindings()
            if settled.verdict == "open" and settled.binding:
                settled.verdict = "fails"
            settled.reasons = self._reasons(loss, settled, cutting)
        return settled

    def settle_soon(self, loss: Loss) -> Settled | None:
        """Settle one loss if nobody asks anything, or if everybody fits on hosts at the first try; else None."""
        wanted, hopeless = divided(self.standing, loss)
        if hopeless:
            return None
        if not wanted:
            return Settled("survives", how="nobody")
        hosts = self.arrays(strict=True)
        placed = hosts.place(loss, wanted, None) if hosts is not None else None
        if hosts is None or placed is None or placed.missing:
            return None
        found = self._shown_on_hosts(hosts, loss, wanted, placed)
        return found if found is not None and found.verdict == "survives" else None

    def _cutting(self, loss: Loss, wanted: dict[int, dict[int, int]]) -> Cutting:
        if self._reach is None:
            self._reach = reach_of(self.standing.world)
        return Cutting(self.standing, loss, wanted, self._reach, self.on_offer)

    def _reasons(self, loss: Loss, settled: Settled, cutting: Cutting) -> dict[str, str]:
        """Return per group why some find no place: shut out, part of a cut, or by what one more would break."""
        units = self.standing.world.units
        short = {cut.domain: cut for cut in settled.binding if cut.proven and cut.domain}
        packing = next((cut for cut in settled.binding if cut.resource == "packing"), None)
        found: dict[str, str] = {}
        tried = 0
        for u, sites in settled.wanted.items():
            unit = units[u]
            if sum(sites.values()) <= sum(settled.arrivals.get(u, {}).values()) or unit.group in found:
                continue
            opened = cutting.open_zones(unit)
            ids = {self.standing.world.tree.nodes[zone].id for zone in opened}
            cut = next((cut for name, cut in short.items() if ids <= set(name.split("+"))), None)
            if not opened:
                found[unit.group] = f"may enter nothing that is left ({cutting.why_closed(unit)})"
            elif cut is not None:
                found[unit.group] = f"too few {unit_words(cut.resource)[1]} in {cut.domain}"
            elif packing is not None:
                found[unit.group] = "no single host has room for it"
            elif tried < MOST_TRIED and self._tried_s < TRYING_SHARE * self.deadline.seconds + 1.0:
                tried += 1
                found[unit.group] = self._one_more(loss, settled, unit, opened)
        return {group: text for group, text in found.items() if text}

    def _one_more(self, loss: Loss, settled: Settled, unit: Unit, opened: frozenset[int]) -> str:
        """Return what one more of a unit would break in each zone that it may enter, at its emptiest site."""
        began = self.deadline.seconds
        nodes = self.standing.world.tree.nodes
        known = {(v.label, v.group, v.domain, v.what) for v in self._broken_with(loss, settled.rows)}
        parts: list[str] = []
        for zone in sorted(opened)[:MOST_ZONES_TRIED]:
            site = self._emptiest(loss, settled.rows, unit, zone)
            row = Row(unit.index, site, 1, self._seat_at(unit, zone))
            broken = self._broken_with(loss, [*settled.rows, row])
            new = [v for v in broken if (v.label, v.group, v.domain, v.what) not in known]
            if new:
                words = dict.fromkeys(f"{v.label} ({_said(v)})" for v in new[:2])
                parts.append(f"{nodes[zone].id}: {', '.join(words)}")
            for v in new[:1]:
                entry = Binding(v.domain or nodes[zone].id, v.what or v.label, None, None, v.amount, _said(v))
                if entry not in settled.binding:
                    settled.binding.append(entry)
        self._tried_s += self.deadline.seconds - began
        return "; ".join(parts)

    def _seat_at(self, unit: Unit, zone: int) -> str | None:
        """Return a subnet that a unit could sit in there, one that its group uses in the zone first."""
        view, world = self.standing.view, self.standing.world
        used = [
            row.subnet
            for row in view.rows
            if row.subnet and world.units[row.unit].group == unit.group and world.zone_of(row.site) == zone
        ]
        fits = [
            name
            for name in (*world.subnets, *view.subnet_sizes)
            if subnet_zone(view, name) in (None, zone) and (not unit.subnets or name in unit.subnets)
        ]
        return next(iter([*used, *fits]), None)

    def _emptiest(self, loss: Loss, rows: list[Row], unit: Unit, zone: int) -> int:
        """Return the site of a zone with the most room for a unit once the displaced are where the rows say."""
        world = self.standing.world
        sites = [s for s in world.tree.sites_under[zone] if s not in loss.gone]
        if len(sites) == 1:
            return sites[0]
        arrived: dict[int, dict[int, int]] = {}
        for row in rows:
            here = arrived.setdefault(row.site, {})
            here[row.unit] = here.get(row.unit, 0) + row.count

        def room(site: int) -> float:
            least = 1e9
            everybody = (self.standing.at_s.get(site, {}), arrived.get(site, {}))
            for name, amount in unit.demand.items():
                usable = world.tree.nodes[site].usable(name, firm=not self.on_offer)
                if usable is not None and amount:
                    used = sum(
                        world.units[u].demand.get(name, 0) * n for part in everybody for u, n in part.items()
                    )
                    least = min(least, (usable - used) / amount)
            return least

        return max(sites, key=room)

    def _broken_with(self, loss: Loss, rows: list[Row]) -> list[Violation]:
        return broken_by(self.standing, loss, rows, on_offer=self.on_offer, strict=False)

    def _settle(self, loss: Loss, seconds: float) -> Settled:
        wanted, hopeless = divided(self.standing, loss)
        if not wanted:
            verdict: Verdict = "fails" if hopeless else "survives"
            return Settled(verdict, wanted, hopeless, how="counting" if hopeless else "nobody")
        shown = self._shown(loss, wanted, hopeless)
        if shown is not None:
            return shown
        part = Deadline(min(seconds, self.deadline.left), None, self.deadline.stop)
        found = self._on_hosts(loss, wanted, hopeless, part)
        if found is not None and (found.verdict != "open" or not self._fits(MOST_HOST_CELLS)):
            return found
        if not self._fits(MOST_CELLS):
            return self._nothing(wanted, hopeless, "too large for the program")
        return self._by_program(loss, wanted, hopeless, part)

    def _fits(self, most: int) -> bool:
        return len(self.standing.world.units) * len(self.standing.world.tree.sites) <= most

    def _is_large(self) -> bool:
        return len(self.standing.world.units) > LARGE

    # On hosts.

    def arrays(self, *, strict: bool) -> Hosts | None:
        """Return the placement on hosts as arrays; None where arrays do not say what the estate asks."""
        world = self.standing.world
        if strict not in self._arrays:
            if len(world.tree.sites) <= len({world.zone_of(site) for site in world.tree.sites}):
                return None
            if not cache.ready(cache.RELOCATION, self.deadline):
                return None
            from zonewright.solver.survival.hosts import hosts_of

            self._arrays[strict] = hosts_of(self.standing, strict=strict, on_offer=self.on_offer)
        return self._arrays[strict]

    def _on_hosts(
        self,
        loss: Loss,
        wanted: dict[int, dict[int, int]],
        hopeless: dict[int, dict[str, int]],
        deadline: Deadline,
    ) -> Settled | None:
        ruled_out = bool(hopeless)
        binding: list[Binding] = []
        uneven: list[Binding] = []
        kept: Placed | None = None
        hosts = self.arrays(strict=True)
        if hosts is None:
            return None
        if not hopeless:
            kept = strict = hosts.place(loss, wanted, None)
            if strict is not None and strict.missing:
                binding = self._cutting(loss, wanted).bindings()
                uneven = [] if binding else self._uneven(hosts, loss, wanted)
                if not binding and not uneven:
                    half = Deadline(0.5 * deadline.left, None, deadline.stop)
                    kept = strict = hosts.place(loss, wanted, half)
            if strict is not None and not strict.missing:
                return self._shown_on_hosts(hosts, loss, wanted, strict)
            ruled_out = strict is None or bool(binding or uneven) or any(strict.bound.values())
        loose = self.arrays(strict=False)
        if loose is None:
            return None
        found = loose.place(loss, wanted, deadline)
        if found is None:
            return None
        if kept is not None and kept.missing == found.missing:
            # As many come back, and the rules hold.
            found = replace(kept, bound=found.bound)
        known = Evacuation("optimal" if found.closed else "feasible", found.arrivals, found.missing)
        checked = self._checked(loss, wanted, hopeless, known, strict=False)
        if checked is None:
            return None
        checked.how, checked.binding = found.how, binding if found.missing else uneven
        checked.missing_proven = found.closed
        checked.verdict = "fails" if ruled_out or any(found.bound.values()) else "open"
        return checked

    def _uneven(self, hosts: Hosts, loss: Loss, wanted: dict[int, dict[int, int]]) -> list[Binding]:
        """Return what is short for certain if every group is to be as even over the zones as rules ask."""
        spare = hosts.spare(loss, wanted)
        return replace(self._cutting(loss, wanted), spare=spare).bindings() if spare else []

    def _shown_on_hosts(
        self, hosts: Hosts, loss: Loss, wanted: dict[int, dict[int, int]], placed: Placed
    ) -> Settled | None:
        """Return a way that the arrays show: reckoned anew, and by the checkers where arrays do not say it all."""
        if self._recheck is None:
            from zonewright.solver.survival.recheck import Recheck

            self._recheck = Recheck(self.standing, hosts.relocation, hosts.original_u, hosts.position)
        if not self._recheck.holds(loss, wanted, placed.arrivals):
            return self._nothing(wanted, {}, "not confirmed when reckoned anew")
        judges = bool(hosts.left_out) or self.confirmed < JUDGED_ANYWAY
        judges |= self._judging_s < JUDGING_SHARE * self.deadline.seconds
        if judges:
            began = self.deadline.seconds
            found = self._checked(loss, wanted, {}, Evacuation("optimal", placed.arrivals), strict=True)
            self._judging_s += self.deadline.seconds - began
            if found is None:
                return self._nothing(wanted, {}, "not confirmed by the checkers")
            found.how = placed.how
            return found
        lines = rows_after(self.standing, loss, placed.arrivals)
        witness = self._witness(loss, lines[1])
        return Settled("survives", wanted, {}, placed.arrivals, witness=witness, rows=lines[0], how=placed.how)

    def _nothing(
        self, wanted: dict[int, dict[int, int]], hopeless: dict[int, dict[str, int]], how: str
    ) -> Settled:
        missing = self._by_priority(wanted, {})
        verdict: Verdict = "fails" if hopeless else "open"
        return Settled(verdict, wanted, hopeless, missing=missing, missing_proven=False, how=how)

    def _by_priority(self, wanted: dict[int, dict[int, int]], arrivals: Sites) -> dict[int, int]:
        found: dict[int, int] = {}
        for index, sites in wanted.items():
            priority = self.standing.world.units[index].priority
            left = sum(sites.values()) - sum(arrivals.get(index, {}).values())
            if left:
                found[priority] = found.get(priority, 0) + left
        return found

    # The plan's own witness.

    def _shown(
        self, loss: Loss, wanted: dict[int, dict[int, int]], hopeless: dict[int, dict[str, int]]
    ) -> Settled | None:
        """Return what the plan itself shows for this loss, where that holds for everybody."""
        if hopeless:
            return None
        scenario = tuple(sorted(loss.nodes))
        for of_rules in self.standing.view.witnesses.values():
            rows = of_rules.get(scenario)
            if not rows:
                continue
            arrivals: Sites = {}
            for row in rows:
                sites = arrivals.setdefault(row.unit, {})
                sites[row.site] = sites.get(row.site, 0) + row.count
            exact = {u: sum(s.values()) for u, s in arrivals.items()} == {
                u: sum(s.values()) for u, s in wanted.items()
            }
            if not exact or any(row.site in loss.gone for row in rows):
                continue
            if not broken_by(self.standing, loss, list(rows), on_offer=self.on_offer, strict=True):
                witness = self._witness(loss, _lines(self.standing, list(rows)))
                return Settled("survives", wanted, {}, arrivals, witness=witness, rows=list(rows), how="plan")
        return None

    def _witness(self, loss: Loss, lines: list[Placement]) -> Scenario:
        nodes = self.standing.world.tree.nodes
        return Scenario(signature=SIGNATURE, lost=[nodes[n].id for n in loss.nodes], placements=lines)

    # The program.

    def _by_program(
        self,
        loss: Loss,
        wanted: dict[int, dict[int, int]],
        hopeless: dict[int, dict[str, int]],
        deadline: Deadline,
    ) -> Settled:
        units = self.standing.world.units
        whole = frozenset(self.standing.world.groups) - {units[u].group for u in hopeless}
        binding = self._cutting(loss, wanted).bindings() if self._is_large() else []
        # Where somebody has no place whatever the rules, nothing is gained by asking for all of them.
        strict = Evacuation("open")
        if not binding:
            strict = self._evacuation(loss, wanted, deadline, whole, share=0.5)
        if not hopeless and strict.status in ("optimal", "feasible") and not strict.missing:
            shown = self._checked(loss, wanted, {}, strict, strict=True)
            if shown is not None:
                return shown
        ruled_out = bool(hopeless) or bool(binding) or strict.status == "infeasible"
        ruled_out |= strict.status == "optimal" and bool(strict.missing)
        loose = self._evacuation(loss, wanted, deadline, frozenset(), share=1.0)
        proven = loose.status == "optimal"
        if strict.missing == loose.missing and strict.status in ("optimal", "feasible"):
            # As many come back, and the rules hold.
            loose = strict
        verdict: Verdict = "fails" if ruled_out or (proven and loose.missing) else "open"
        if loose.status in ("infeasible", "open"):
            # Even with nobody placed again something is broken: who survives alone breaks it.
            status = "open" if loose.status == "open" else "optimal"
            loose = Evacuation(status, {}, self._by_priority(wanted, {}))
            proven = status == "optimal"
            verdict = "fails" if ruled_out or proven else "open"
        found = self._checked(loss, wanted, hopeless, loose, strict=False)
        if found is None:
            return self._nothing(wanted, hopeless, "not confirmed by the checkers")
        found.verdict, found.missing_proven = verdict, proven
        found.binding = binding if found.missing else []
        return found

    def _evacuation(
        self,
        loss: Loss,
        wanted: dict[int, dict[int, int]],
        deadline: Deadline,
        whole: frozenset[str],
        *,
        share: float,
    ) -> Evacuation:
        if deadline.over:
            return Evacuation("open")
        if self._ground is None:
            self._ground = ground_of(self.standing)
        scene = lower_scene(self._ground, loss, wanted, on_offer=self.on_offer, whole=whole)
        part = Deadline(share * deadline.left, None, deadline.stop)
        return solve_scene(scene, part, workers=self.workers, seed=self.seed, news=_silent)

    def _checked(
        self,
        loss: Loss,
        wanted: dict[int, dict[int, int]],
        hopeless: dict[int, dict[str, int]],
        found: Evacuation,
        *,
        strict: bool,
    ) -> Settled | None:
        """Return an evacuation as the models' checkers confirm it; None where they do not."""
        try:
            rows, lines = rows_after(self.standing, loss, found.arrivals)
        except ArithmeticError:
            return None
        broken = broken_by(self.standing, loss, rows, on_offer=self.on_offer, strict=True)
        if strict and broken:
            return None
        self.confirmed += int(strict)
        named = dict.fromkeys(f"{v.label}{f', {v.group}' if v.group else ''}: {v.message}" for v in broken)
        return Settled(
            "survives" if not broken and not found.missing and not hopeless else "fails",
            wanted,
            hopeless,
            found.arrivals,
            found.missing,
            degraded=list(named)[:MOST_NAMED],
            witness=self._witness(loss, lines),
            rows=rows,
            how="program",
        )


def _lines(standing: Standing, rows: list[Row]) -> list[Placement]:
    """Return rows as a plan's lines."""
    from zonewright.solver.decode import placements

    seating: dict[tuple[int, int], dict[str, int]] = {}
    sites: Sites = {}
    for row in rows:
        here = sites.setdefault(row.unit, {})
        here[row.site] = here.get(row.site, 0) + row.count
        if row.subnet is not None:
            seats = seating.setdefault((row.unit, row.site), {})
            seats[row.subnet] = seats.get(row.subnet, 0) + row.count
    return placements(standing.world, sites, seating if standing.world.vpcs else None)


def _said(violation: Violation) -> str:
    """Return what one more would break, in words that fit somebody who is not there yet."""
    if violation.rule == "subnet" and violation.message.startswith("sits in no"):
        return "no subnet that it may sit in is there"
    return violation.message


def _silent(engine: str, goal: str, value: int | None, bound: int | None, message: str) -> None:
    """Say nothing: one loss among many is no news."""


#: Called after each loss: how many are done.
Done = Callable[[int], None]
