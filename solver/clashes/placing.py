"""Placing a changed estate to show that it has a placement: around a plan that is known, where that does."""

from __future__ import annotations

from collections.abc import Collection

from zonewright.models.estate import Estate
from zonewright.models.plan import Plan
from zonewright.models.rules import Domains, Survive, all_rules
from zonewright.models.world import World
from zonewright.solver.deadline import Deadline

#: Seconds for placing everybody, and for placing a few around the others.
PLACE_S, AROUND_S = 20.0, 3.0


class Placer:
    """Places one estate after another that differ in little."""

    def __init__(self, deadline: Deadline, *, workers: int, seed: int) -> None:
        self.deadline = deadline
        self.workers = workers
        self.seed = seed
        self.known: dict[str, list[str]] = {}
        """The sites of each group in the last plan of everybody."""
        self.took = {PLACE_S: 0.0, AROUND_S: 0.0}
        """Seconds that placing of each kind took at most: what cannot end in time is not begun."""
        self.margin_s = 0.0
        """Seconds that an engine may go on for after it was to stop."""

    def expect(self, seconds: float) -> None:
        """Say what placing everybody takes at least."""
        self.took[PLACE_S] = seconds
        self.margin_s = 0.3 * seconds

    def places(self, world: World, free: Collection[str]) -> bool:
        """Return whether an estate has a placement that passes every checker.

        Groups that are not `free` are tried on their sites of the last plan first. False: none was found in time.
        """
        near = self._around(world, free) if self.known else None
        if near is not None and self._plan(World(near), AROUND_S) is not None:
            return True
        plan = self._plan(world, PLACE_S)
        if plan is None:
            return False
        self.known = {}
        for entry in plan.placements:
            self.known.setdefault(entry.group, []).append(entry.site)
        return True

    def _plan(self, world: World, seconds: float) -> Plan | None:
        from zonewright.solver.place import any_plan  # which itself tells clashes

        left, begun = self.deadline.left - self.margin_s, self.deadline.seconds
        if left <= self.took[seconds]:
            return None
        stop = self.deadline.stop
        plan = any_plan(world, min(seconds, left), workers=self.workers, seed=self.seed, stop=stop)
        self.took[seconds] = max(self.took[seconds], self.deadline.seconds - begun)
        if seconds == PLACE_S and not self.took[AROUND_S]:
            self.took[AROUND_S] = 0.25 * self.took[PLACE_S]
        return plan

    def _around(self, world: World, free: Collection[str]) -> Estate:
        """Return the estate with the other groups kept to the sites that are known to do.

        What a loss displaces has to go elsewhere: who is placed again after one is free.
        """
        displaced: set[str] = set()
        for _, rule in all_rules(world):
            if isinstance(rule, Survive) and rule.mode == "evacuate":
                displaced.update(rule.selected(world))
        taken = {rule.id for rule in world.estate.rules}
        more: list[Domains] = []
        for group, sites in self.known.items():
            if group in world.groups and group not in free and group not in displaced:
                label = f"known-{len(more)}"
                while label in taken:
                    label += "-"
                more.append(Domains(rule="domains", id=label, groups=[group], allow=sorted(set(sites))))
        return world.estate.model_copy(update={"rules": [*world.estate.rules, *more]})


__all__ = ["Placer"]
