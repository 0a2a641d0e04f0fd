"""Answers of `explain` against the brute force: why not there, one more there, one more of what binds."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.brute.cases import KINDS, case
from tests.brute.scene import Scene
from tests.brute.search import Answer, solve
from zonewright.models import World, estate_from_data
from zonewright.models.edits import apply_edits
from zonewright.solver import explain
from zonewright.solver.reasons.forced import Forced
from zonewright.solver.reasons.result import Binding, Explanation, Option, WhyNot
from zonewright.solver.reasons.subject import Subject

Raw = dict[str, Any]
#: Estates of each kind, in the quick run and in the long one.
FEW, MANY = range(1), range(1, 12)
#: Questions about each.
QUESTIONS = 3


#: Kinds of estates, the few quick ones of each and the many slow ones.
RUNS = [
    *((kind, FEW) for kind in KINDS),
    *(pytest.param(kind, MANY, marks=pytest.mark.slow) for kind in KINDS),
]


def feasible(kind: str, seeds: range) -> list[tuple[Raw, World, Answer]]:
    """Tiny estates that have a placement, with the best there is."""
    found = []
    for seed in seeds:
        entry = case(kind, seed)
        answer = solve(entry.data)
        if answer.feasible:
            found.append((entry.data, World(estate_from_data(entry.data)), answer))
    return found


def held(subject: Subject, domain: str, least: int) -> Callable[[Scene], bool]:
    """Placements with at least so many of the subject in a domain."""

    def keep(scene: Scene) -> bool:
        inside = scene.facts.inside(domain)
        units = [u for u in scene.facts.units if u.group == subject.group and subject.instance in (None, u.name)]
        return sum(scene.at[u.index].get(site, 0) for u in units for site in inside) >= least

    return keep


def worth(found: Forced | None) -> list[tuple[str, int]] | None:
    """What the best plan with something demanded is worth."""
    if found is None or found.plan is None:
        return None
    return [(goal.goal, goal.value) for goal in found.plan.objective]


def wrong_why_not(data: Raw, best: Answer, question: WhyNot) -> str | None:
    """How an answer differs from the brute force's."""
    forced = solve(data, keep=held(question.subject, question.domain, 1))
    verdict = question.verdict
    if verdict in ("closed", "impossible"):
        right = not forced.feasible
    elif verdict in ("there", "same"):
        right = forced.values == best.values
    else:
        first = question.forced.first if question.forced else None
        right = verdict == "worse" and worth(question.forced) == forced.values
        right = right and first is not None and first.proven
    return None if right else f"{question.subject.name}@{question.domain}: {verdict}, brute force {forced.values}"


def wrong_option(data: Raw, best: Answer, subject: Subject, option: Option) -> str | None:
    """How the answer for one more at a site differs from the brute force's."""
    if option.verdict == "here":
        return None
    forced = solve(data, keep=held(subject, option.site, option.here + 1))
    if option.verdict == "closed":
        right = not forced.feasible
    elif option.verdict == "same":
        right = forced.values == best.values
    elif option.forced is None:
        right = option.verdict in ("breaks", "worse")  # Another site that says the same was solved for.
    elif option.forced.status == "impossible":
        right = option.verdict == "breaks" and not forced.feasible
    else:
        right = option.verdict in ("breaks", "worse") and worth(option.forced) == forced.values
    return None if right else f"{subject.name}@{option.site}: {option.verdict}, brute force {forced.values}"


def wrong_binding(world: World, best: Answer, entry: Binding) -> str | None:
    """How what one more would give differs from the brute force's."""
    if entry.forced is None:
        return None
    edited = apply_edits(world.estate, entry.edits).model_dump(mode="json", by_alias=True, exclude_unset=True)
    more = solve(edited)
    if not more.feasible:
        right = entry.forced.status == "impossible"
    elif more.values == best.values:
        right = entry.gain is None and entry.proven
    else:
        right = worth(entry.forced) == more.values and entry.proven
    return None if right else f"{entry.text}: {worth(entry.forced)}, brute force {more.values}"


def asked(world: World, name: str, *, binding: bool) -> Explanation:
    """An explanation with a few questions."""
    rng = Random(name)
    who = [*world.groups, *(unit.name for unit in world.units if unit.name)]
    domains = [node.id for node in world.tree.nodes if world.tree.sites_under[node.index]]
    pairs = [f"{one}@{domain}" for one in who for domain in domains]
    questions = rng.sample(pairs, min(QUESTIONS, len(pairs)))
    return explain(world, why=[rng.choice(who)], why_not=questions, binding=binding, workers=1)


@pytest.mark.parametrize(("kind", "seeds"), RUNS)
def test_questions_are_answered_as_trying_everything_answers_them(kind: str, seeds: range) -> None:
    """Whether somebody can be somewhere else, and how much worse the best plan is then; all of it proven."""
    wrong: list[str | None] = []
    for number, (data, world, best) in enumerate(feasible(kind, seeds)):
        found = asked(world, f"{kind}-{number}", binding=False)
        assert [(goal.goal, goal.value) for goal in found.objective] == best.values
        wrong += [wrong_why_not(data, best, question) for question in found.why_not]
        wrong += [wrong_option(data, best, why.subject, option) for why in found.why for option in why.options]
    assert not [text for text in wrong if text]


@pytest.mark.parametrize(("kind", "seeds"), RUNS)
def test_one_more_gives_what_trying_everything_gives(kind: str, seeds: range) -> None:
    """Each limit that is reached, loosened by the edit that is proposed: the gain is the brute force's, proven."""
    wrong: list[str | None] = []
    for _, world, best in feasible(kind, seeds):
        found = explain(world, workers=1)
        assert len(found.binding) <= found.limits
        wrong += [wrong_binding(world, best, entry) for entry in found.binding]
    assert not [text for text in wrong if text]
