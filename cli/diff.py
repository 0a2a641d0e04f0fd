"""`zonewright diff`: what differs between two plans, two migrations, or today and a plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zonewright.cli.boundary import guarded, say
from zonewright.cli.exits import Exit

if TYPE_CHECKING:
    from zonewright.models import World
    from zonewright.models.document import Document
    from zonewright.report.differences import Side


@guarded
def diff(
    first: Annotated[
        str, typer.Argument(metavar="A", help="A plan, a migration, or an estate: where it is today.")
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="The other.")],
    estate: Annotated[
        str | None,
        typer.Option(metavar="ESTATE", help="Judge both by this estate.", show_default="A or B, if one is"),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for programs.")] = False,
) -> Exit:
    """Say what differs from A to B: who moves, how many are where, goals, rules, networks, steps.

    Instances that have names are followed one by one; of the others what leaves is paired with what arrives.
    Bounds, seeds and engines are no difference.

    [bold]Examples[/bold]

      zonewright diff estate.yaml plan.json                 # what carrying the plan out would move

      zonewright diff old.json new.json --estate estate.yaml

      zonewright diff migration-1.json migration-2.json --json

    [bold]Exit codes[/bold]: 0 the same · 1 bad input · 2 wrong usage · 5 different
    """
    from zonewright.cli.source import estate_path, kind_of, read_world
    from zonewright.models.reading import read_document
    from zonewright.report.differences import difference

    judge_by = read_world(estate) if estate is not None else None
    documents: list[Document | None] = []
    worlds: list[World | None] = []
    for text in (first, second):
        path = Path(text)
        document = read_document(path if path.exists() or path.suffix else estate_path(text))
        is_estate = kind_of(document) == "estate"
        worlds.append(read_world(text) if is_estate else None)
        documents.append(None if is_estate else document)
    by_itself = judge_by or next((world for world in worlds if world is not None), None)
    here, there = (
        _side(text, document, world, judge_by or by_itself)
        for text, document, world in zip((first, second), documents, worlds, strict=True)
    )
    found = difference(here, there)
    currency = by_itself.estate.currency if by_itself is not None else None
    if json_:
        from zonewright.report.diff_table import difference_document
        from zonewright.report.documents import print_document

        print_document(difference_document(here, there, found, currency))
    else:
        from zonewright.report.console import stdout_console
        from zonewright.report.diff_table import print_difference

        print_difference(stdout_console(), here, there, found, currency or "")
    return Exit.FINDINGS if found.differs else Exit.DONE


def _side(text: str, document: Document | None, own: World | None, judge_by: World | None) -> Side:
    """Return one side; what it names must be in the estate that it is judged by."""
    from zonewright.cli.source import kind_of
    from zonewright.models.files import located
    from zonewright.models.migration import Migration
    from zonewright.models.placing import view_of
    from zonewright.models.plan import Plan
    from zonewright.models.reading import validate
    from zonewright.report.differences import Side, current_plan

    if document is None:
        assert own is not None
        return Side(text, "estate", current_plan(own), world=own)
    if kind_of(document) == "migration":
        migration = validate(Migration, document)
        side = Side(text, "migration", migration.target, migration, judge_by)
        fingerprint = migration.estate_fingerprint
    else:
        plan = validate(Plan, document)
        side = Side(text, "plan", plan, world=judge_by)
        fingerprint = plan.estate_fingerprint
    if judge_by is not None:
        if side.plan is not None:
            with located(document):
                view_of(judge_by, side.plan)
        if fingerprint and fingerprint != judge_by.estate.fingerprint:
            say(f"warning: {text} was made for another state of the estate (fingerprints differ)")
    return side
