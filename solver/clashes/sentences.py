"""What a clash says in words, in the estate's own names."""

from __future__ import annotations

from zonewright.solver.clashes.elements import Element
from zonewright.solver.clashes.problem import Problem
from zonewright.solver.result import Clash

_KINDS = {
    "latency": "latency",
    "synchronous_replicas": "latency",
    "subnet": "network",
    "network": "network",
    "load_balancer": "network",
    "survive": "failure",
    "budget": "money",
    "affinity": "company",
    "separation": "company",
}


def kind_of(problem: Problem, elements: tuple[Element, ...]) -> str:
    """Return what sort of reason a clash is."""
    for rule in _KINDS:
        if any(e.rule == rule for e in elements):
            return _KINDS[rule]
    if all(e.kind in ("demand", "fact") for e in elements):
        return "reach"
    return "counting"


def member(problem: Problem, element: Element) -> Clash:
    """Return an element in words."""
    text = ", ".join(texts(problem, element)[:3])
    if element.kind == "demand":
        count = problem.world.groups[element.group or ""].count
        text = f"all {count} instances of {element.group} are to be placed"
    return Clash(element.rule, element.label, element.group, element.domain, text, element.thing)


def texts(problem: Problem, element: Element) -> list[str]:
    """Return what the rows of an element say."""
    e = problem.number[element]
    rows = problem.program.context.rows
    found = [rows.tags[rows.row_tag[i]].text for i in problem.rows_of.get(e, ()) if i < len(rows.row_tag)]
    return list(dict.fromkeys(text for text in found if text))


def sentence(problem: Problem, elements: tuple[Element, ...]) -> str:
    """Return a clash in one sentence."""
    said = [member(problem, e).text or e.label for e in elements]
    return "; ".join(said)
