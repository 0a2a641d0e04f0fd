"""Which rules clash: a set of tags that together leave no solution, shrunk by deletion and verified."""

from __future__ import annotations

from zonewright.models.rules import all_rules
from zonewright.models.world import World
from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.program import Program, lower
from zonewright.solver.result import Clash
from zonewright.solver.rows import Tag

Key = tuple[str, str, str | None, str | None]


def find_clash(world: World, deadline: Deadline, *, seed: int, pooled: bool) -> tuple[list[Clash], bool]:
    """Return rules and facts that cannot all hold, and whether the set is minimal.

    First whole rules are told apart, then the groups and domains within them.
    """
    for scenarios in ((), None):
        program = lower(world, pooled=pooled, explain=True, scenarios=scenarios)
        core, minimal = _shrink(program, lambda tag: (tag.rule, tag.label, None, None), None, deadline, seed)
        if core is not None or len(program.context.layers) > 1:
            break
    if core is None:
        return [], False
    fine, fine_minimal = _shrink(program, _fine, {(k[0], k[1]) for k in core}, deadline, seed)
    if fine is None:
        return [_clash(program, key) for key in core], minimal
    return [_clash(program, key) for key in fine], fine_minimal


def _fine(tag: Tag) -> Key:
    return (tag.rule, tag.label, tag.group, tag.domain)


def _shrink(
    program: Program, key_of: object, only: set[tuple[str, str]] | None, deadline: Deadline, seed: int
) -> tuple[list[Key] | None, bool]:
    """Return keys that together are infeasible. Rows outside `only` are left out."""
    tags = program.context.rows.tags
    keys: dict[Key, int] = {}
    switch_of_row: dict[int, int] = {}
    for i, t in enumerate(program.context.rows.row_tag):
        if t < 0:
            continue
        tag = tags[t]
        dropped = only is not None and (tag.rule, tag.label) not in only
        key: Key = ("", "", None, None) if dropped else key_of(tag)  # type: ignore[operator]
        switch_of_row[i] = keys.setdefault(key, len(keys))
    names = {index: key for key, index in keys.items()}
    model = Model(program.matrix, switch_of_row)
    active = [index for index, key in names.items() if key[0]]

    def infeasible(assumed: list[int]) -> list[int] | None:
        answer = model.minimize(
            None,
            deadline,
            seconds=max(1.0, deadline.left * 0.3),
            workers=1,
            seed=seed,
            assume=assumed,
            work=None if deadline.work_left is None else 0.3 * deadline.work_left,
        )
        return list(answer.core) if answer.status == "infeasible" else None

    core = infeasible(active)
    if core is None:
        return None, False
    own = {label for label, rule in all_rules(program.world) if not rule.implicit}
    facts = [index for index in active if names[index][1] not in own]
    rules, minimal = [index for index in core if index not in facts], True
    # Rules first, all facts standing: those that are left are each needed in the world as it is.
    for index in sorted(rules):
        if deadline.over:
            minimal = False
            break
        if index in rules:
            without = infeasible([*(i for i in rules if i != index), *facts])
            rules = [i for i in without if i not in facts] if without is not None else rules
    core = infeasible([*rules, *facts]) or [*rules, *facts]
    needed = [index for index in core if index in facts]
    for index in sorted(needed):
        if deadline.over:
            minimal = False
            break
        if index in needed:
            without = infeasible([*rules, *(i for i in needed if i != index)])
            needed = [i for i in without if i in needed] if without is not None else needed
    return [names[i] for i in sorted([*rules, *needed])], minimal


def _clash(program: Program, key: Key) -> Clash:
    rule, label, group, domain = key
    texts = [t.text for t in program.context.rows.tags if (t.rule, t.label, t.group, t.domain) == key and t.text]
    if rule == "placed":
        count = program.world.groups[group].count if group in program.world.groups else None
        text = f"all {count} instances of {group} are to be placed" if group else "everything is to be placed"
    else:
        text = ", ".join(dict.fromkeys(texts))
    return Clash(rule, label, group, domain, text)


def everything_hard(world: World) -> list[Clash]:
    """Return every hard rule that the estate states: what clashes is among them, where time did not tell more."""
    found = [Clash("placed", "placed", None, None, "everything is to be placed")]
    for label, rule in all_rules(world):
        if rule.soft is None and not rule.implicit:
            found.append(Clash(rule.rule, label, None, None, "may have a part in it"))
    return found
