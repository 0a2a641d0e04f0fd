"""Whether what was shown on hosts holds, reckoned anew from the arrays alone: no kernel has a hand in it.

The models' checkers judge whole placements, which takes longer than finding one; this looks only at what a loss
and its arrivals change.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from zonewright.solver.decode import Sites
from zonewright.solver.relocation.problem import Relocation
from zonewright.solver.survival.standing import Loss, Standing


@dataclass
class Recheck:
    """Counts of a placement before any loss, by host and by the domains of each limit."""

    standing: Standing
    relocation: Relocation
    class_u: dict[int, int]
    position: dict[int, int]
    used_h: dict[int, list[int]] = field(default_factory=dict)
    sums_bd: list[dict[int, list[int]]] = field(default_factory=list)
    tallies: list[tuple[frozenset[int], list[int]]] = field(default_factory=list)
    """Members of a limit or a side, and the domain of each host."""
    tallies_of: dict[int, list[int]] = field(default_factory=dict)
    counts_td: list[Counter[int]] = field(default_factory=list)
    partner_t: list[int] = field(default_factory=list)
    """The other side of an apart, -1 for others."""
    together_t: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        problem = self.relocation
        self.demand_c = problem.demand_cr.tolist()
        self.capacity_h = problem.capacity_hr.tolist()
        self.mask_c = problem.mask_c.tolist()
        for limit in problem.limits:
            self._tally(limit.classes.tolist(), limit.domain_h.tolist(), -1)
        self.limits = len(problem.limits)
        for rule in problem.apart:
            left = self._tally(rule.left.tolist(), rule.domain_h.tolist(), len(self.tallies) + 1)
            self._tally(rule.right.tolist(), rule.domain_h.tolist(), left)
        for company in problem.together:
            self.together_t.add(self._tally(company.classes.tolist(), company.domain_h.tolist(), -1))
        self.domains_b = [(d.domain_h.tolist(), d.most_dr.tolist()) for d in problem.domain_capacity]
        self.sums_bd = [{} for _ in self.domains_b]
        for u, c in self.class_u.items():
            for site, count in self.standing.view.unit_counts[u].items():
                self._add(c, self.position[site], count)

    def _tally(self, members: list[int], domain_h: list[int], partner: int) -> int:
        number = len(self.tallies)
        self.tallies.append((frozenset(members), domain_h))
        self.counts_td.append(Counter())
        self.partner_t.append(partner)
        for c in self.tallies[number][0]:
            self.tallies_of.setdefault(c, []).append(number)
        return number

    def _add(self, c: int, h: int, count: int) -> None:
        demand = self.demand_c[c]
        used = self.used_h.setdefault(h, [0] * len(demand))
        for r, amount in enumerate(demand):
            used[r] += count * amount
        for (domain_h, _), sums in zip(self.domains_b, self.sums_bd, strict=True):
            if domain_h[h] >= 0:
                total = sums.setdefault(domain_h[h], [0] * len(demand))
                for r, amount in enumerate(demand):
                    total[r] += count * amount
        for t in self.tallies_of.get(c, ()):
            d = self.tallies[t][1][h]
            if d >= 0:
                self.counts_td[t][d] += count

    def holds(self, loss: Loss, wanted: dict[int, dict[int, int]], arrivals: Sites) -> bool:
        """Return whether everybody wanted arrives where nothing that the arrays say is broken by it."""
        everybody = {u: sum(sites.values()) for u, sites in wanted.items()}
        if {u: sum(sites.values()) for u, sites in arrivals.items()} != everybody:
            return False
        changes: list[tuple[int, int, int]] = []
        for u, sites in self.standing.displaced(loss).items():
            changes += [(self.class_u[u], self.position[site], -count) for site, count in sites.items()]
        landed = [
            (self.class_u[u], self.position[site], count)
            for u, sites in arrivals.items()
            for site, count in sites.items()
        ]
        for change in (*changes, *landed):
            self._add(*change)
        gone = {self.position[site] for site in loss.gone}
        fine = all(h not in gone and self._fits(c, h) for c, h, _ in landed)
        for c, h, count in (*changes, *landed):
            self._add(c, h, -count)
        return fine

    def _fits(self, c: int, h: int) -> bool:
        """Return whether nothing is exceeded where an instance has arrived."""
        if not self.relocation.enter_mh[self.mask_c[c], h]:
            return False
        demand = self.demand_c[c]
        over = zip(demand, self.used_h[h], self.capacity_h[h], strict=True)
        if any(amount and used > most for amount, used, most in over):
            return False
        for (domain_h, most_d), sums in zip(self.domains_b, self.sums_bd, strict=True):
            d = domain_h[h]
            if d >= 0 and any(a and s > m for a, s, m in zip(demand, sums[d], most_d[d], strict=True)):
                return False
        return all(self._keeps(t, h) for t in self.tallies_of.get(c, ()))

    def _keeps(self, t: int, h: int) -> bool:
        d = self.tallies[t][1][h]
        if t in self.together_t:
            return d >= 0 and sum(1 for n in self.counts_td[t].values() if n > 0) == 1
        if d < 0:
            return True
        if t < self.limits:
            return bool(self.counts_td[t][d] <= self.relocation.limits[t].most_d[d])
        return self.counts_td[self.partner_t[t]][d] == 0
