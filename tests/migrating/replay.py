"""A migration of a tiny estate, played second by second: every instance, every limit, from scratch each time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tests.migrating.facts import Facts, Squad, Where
from tests.migrating.targets import Judge
from zonewright.models.migration import Action, Migration, Step

#: What takes its target from its start on, and what gives up its source at its end.
_TAKES = ("live_migrate", "start", "create_instance")
_FREES = ("live_migrate", "stop")


def replay(facts: Facts, migration: Migration) -> list[str]:
    """Return what a migration breaks on its way or leaves undone."""
    return list(_Replay(facts, migration).found())


class _Replay:
    def __init__(self, facts: Facts, migration: Migration) -> None:
        self.facts, self.migration = facts, migration
        self.squads = {squad.group: squad for squad in facts.squads}
        self.steps: dict[str, list[Step]] = {action.id: [] for action in migration.actions}
        for step in migration.steps:
            self.steps[step.action].append(step)
        self.actions = [a for a in migration.actions if a.group is not None and self.steps[a.id]]
        settings = facts.estate["migration"]
        self.recipes = {r["id"]: r for r in settings["recipes"]}
        self.all, self.per = settings.get("most_at_once"), settings.get("most_at_once_per", {})
        self.continuous = [
            (rule["id"], rule)
            for rule in facts.rules
            if rule.get("continuous") and rule["rule"] not in ("spread", "domains")
        ]
        self.at_first = facts.broken(self._sites(-1)[0], self.continuous)

    def found(self) -> Iterator[str]:
        yield from self._steps()
        ends = {step.end_s for step in self.migration.steps} | {step.start_s for step in self.migration.steps}
        room = {(d, w): self._used(-1, d, w) for d, w, _ in self.facts.limits}
        for second in sorted(ends):
            yield from self._moment(second, room)
        yield from self._end()

    def _steps(self) -> Iterator[str]:
        when = {step.id: step for step in self.migration.steps}
        for step in self.migration.steps:
            for need in step.needs:
                if when[need].end_s > step.start_s:
                    yield f"{step.id} starts before {need} is over"
        for action in self.actions:
            squad = self.squads[str(action.group)]
            steps = self.steps[action.id]
            recipe = self.recipes.get(str(action.recipe))
            if recipe is None or [s.do.value for s in steps] == ["live_migrate"]:
                lengths = [squad.seconds]
            else:
                lengths = [step.get("seconds", 0) for step in recipe["steps"]]
            passes = action.kind == "bypass"
            if passes and not self.facts.may_pass(squad.group, str(action.source), str(action.target)):
                yield f"{action.id} passes through {action.target}, where it may not be"
            turns = -(-action.count // self._lanes(action))
            if [step.end_s - step.start_s for step in steps] != [turns * length for length in lengths]:
                yield f"{action.id} does not last as long as it has to"
            for one, other in pairwise(steps):
                if other.start_s < one.end_s:
                    yield f"{other.id} starts before {one.id} is over"

    def _lanes(self, action: Action) -> int:
        limits = [self.all] if self.all else []
        ends = self._ends(action)
        limits += [most for level, most in self.per.items() if any(self.facts.at(s, level) for s in ends)]
        return min([*limits, action.count])

    def _ends(self, action: Action) -> list[str]:
        ends = [action.target] if action.kind == "recovery" else [action.source, action.target]
        return [site for site in ends if site is not None]

    # Where everybody is in the second that begins.

    def _sites(self, second: int) -> tuple[dict[str, Where], list[tuple[Squad, int, set[str]]]]:
        """Return who rests where, and (squad, count, sites) of what is under way or has arrived."""
        rest = {squad.group: dict(squad.running) for squad in self.facts.squads}
        moved: list[tuple[Squad, int, set[str]]] = []
        for action in sorted(self.actions, key=lambda a: min(s.start_s for s in self.steps[a.id])):
            steps = self.steps[action.id]
            takes = next((s.start_s for s in steps if s.do.value in _TAKES), None)
            frees = next((s.end_s for s in steps if s.do.value in _FREES), None)
            where = rest[str(action.group)]
            source, target = str(action.source), str(action.target)
            inside = takes is not None and takes <= second
            outside = frees is not None and frees <= second
            if inside and frees is not None and not outside:
                where[source] = where.get(source, 0) - action.count
                moved.append((self.squads[str(action.group)], action.count, {source, target}))
                continue
            if outside:
                where[source] = where.get(source, 0) - action.count
            if inside:
                where[target] = where.get(target, 0) + action.count
        return rest, moved

    def _used(self, second: int, domain: str, what: str) -> int:
        rest, moved = self._sites(second)
        total = 0
        for group, where in rest.items():
            for site, n in where.items():
                if domain in self.facts.above[site]:
                    total += n * self.facts.share(self.squads[group], what)
        for squad, count, sites in moved:
            if any(domain in self.facts.above[site] for site in sites):
                total += count * self.facts.share(squad, what)
        return total

    def _moment(self, second: int, room: dict[tuple[str, str], int]) -> Iterator[str]:
        rest, moved = self._sites(second)
        for group, where in rest.items():
            for site, n in where.items():
                if n < 0:
                    yield f"at {second} {group} has {n} in {site}"
        for domain, what, most in self.facts.limits:
            used = self._used(second, domain, what)
            if used > max(most, room[domain, what]):
                yield f"at {second} {domain} holds {used} {what}, there are {most}"
            room[domain, what] = used
        both = {group: dict(where) for group, where in rest.items()}
        for squad, count, sites in moved:
            for site in sites:
                both[squad.group][site] = both[squad.group].get(site, 0) + count
        for key, amount in self.facts.broken(both, self.continuous).items():
            if key[0] != "capacity" and amount > self.at_first.get(key, 0):
                yield f"at {second} {key} is broken by {amount}"
        yield from self._serving(second)
        yield from self._at_once(second)

    def _serving(self, second: int) -> Iterator[str]:
        for rule in self.facts.estate["rules"]:
            for group in rule["groups"] if rule["rule"] == "keep_running" else ():
                served = sum(n for _, n in self.squads[group].running)
                down = 0
                for action in self.actions:
                    steps = self.steps[action.id]
                    if action.group == group and steps[0].do.value == "stop":
                        back = steps[-1].end_s if action.target is not None else second + 1
                        down += action.count if steps[0].start_s <= second < back else 0
                if down > rule["most_down"]:
                    yield f"at {second} {down} of {group} are away of {served}"

    def _at_once(self, second: int) -> Iterator[str]:
        total = 0
        per: dict[tuple[str, str], int] = {}
        for action in self.actions:
            steps = self.steps[action.id]
            if action.target is None or not steps[0].start_s <= second < steps[-1].end_s:
                continue
            weight = min(action.count, self._lanes(action))
            total += weight
            for level in self.per:
                for domain in {self.facts.at(site, level) for site in self._ends(action)} - {None}:
                    per[level, str(domain)] = per.get((level, str(domain)), 0) + weight
        if self.all is not None and total > self.all:
            yield f"at {second} {total} are under way"
        for (level, domain), weight in per.items():
            if weight > self.per[level]:
                yield f"at {second} {weight} are under way in {domain}"

    def _end(self) -> Iterator[str]:
        assert self.migration.target is not None
        wanted: dict[str, Where] = {squad.group: {} for squad in self.facts.squads}
        for entry in self.migration.target.placements:
            where = wanted[entry.group]
            where[entry.site] = where.get(entry.site, 0) + entry.count
        last, moved = self._sites(10**9)
        for group, where in last.items():
            for site in self.facts.sites:
                here, asked = where.get(site, 0), wanted[group].get(site, 0)
                if here < asked or (here > asked and not self._may_stay(group, site, wanted[group])):
                    yield f"{here} of {group} are in {site} at the end, {asked} are to be"
        if moved:
            yield "somebody is under way at the end"
        if Judge(self.facts, lenient=self.migration.lenient).unmended(wanted) is None:
            yield "the target breaks rules"

    def _may_stay(self, group: str, site: str, wanted: Where) -> bool:
        """Return whether who has to leave and cannot may still be where he was."""
        squad = self.squads[group]
        return site in self.facts.left and sum(wanted.values()) < squad.count
