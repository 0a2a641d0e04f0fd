"""`zonewright check`: judge a plan or a migration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zonewright.cli.boundary import guarded
from zonewright.cli.exits import Exit

if TYPE_CHECKING:
    from zonewright.models import Plan, World
    from zonewright.models.document import Document
    from zonewright.models.migration import Migration


@guarded
def check(
    estate: Annotated[str, typer.Argument(metavar="ESTATE", help="A YAML or JSON file, or a shipped estate.")],
    plan: Annotated[
        Path,
        typer.Argument(
            metavar="PLAN.json", help="A plan or a migration, from `place -o`, `migrate -o` or by hand."
        ),
    ],
    bound: Annotated[
        bool, typer.Option("--bound", help="Prove every bound again from what the plan says of it.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for programs.")] = False,
) -> Exit:
    """Judge PLAN against ESTATE: every rule, and every figure that the plan claims.

    Rules are checked by counting, goals are added up from scratch, with nothing of the solver. A migration is
    played through step by step: room at both ends, rules at every moment, addresses, disks, recipes, times.
    With --bound proofs are evaluated again in exact integers; what only a search has shown is searched again.

    [bold]Examples[/bold]

      zonewright check estate.yaml plan.json

      zonewright check shop-guangzhou plan.json --bound

      zonewright check estate.yaml migration.json

    [bold]Exit codes[/bold]: 0 the plan is valid, complete, and says the truth · 1 bad input, a migration for
    another state of the estate · 2 wrong usage · 5 a rule is broken, something is left out or lost, or a figure
    or bound is not what the plan says
    """
    from zonewright.cli.source import read_result, read_world
    from zonewright.models.plan import Plan

    world = read_world(estate)
    judged, document = read_result(plan)
    if isinstance(judged, Plan):
        return _check_plan(world, judged, document, bound, json_)
    return _check_migration(world, judged, document, bound, json_)


def _check_plan(world: World, judged: Plan, document: Document, bound: bool, json_: bool) -> Exit:
    from zonewright.models import check_plan
    from zonewright.models.files import located

    with located(document):
        report = check_plan(world, judged)
        findings = None
        if bound:
            from zonewright import solver

            findings = list(solver.verify_bound(world, judged))
    if json_:
        from zonewright.report.documents import check_document, print_document

        print_document(check_document(world, judged, report, findings))
    else:
        from zonewright.report.check_table import print_check
        from zonewright.report.console import stdout_console

        print_check(stdout_console(), world, judged, report, findings)
    left_out = any(value for goal, value in report.objective if goal.startswith("placed"))
    unconfirmed = any(not finding.confirmed for finding in findings or ())
    return Exit.DONE if report.valid and not left_out and not unconfirmed else Exit.FINDINGS


def _check_migration(world: World, judged: Migration, document: Document, bound: bool, json_: bool) -> Exit:
    from zonewright.models.executor import execute
    from zonewright.models.files import located

    with located(document):
        execution = execute(world, judged)
        findings = None
        if bound:
            from zonewright import solver

            findings = list(solver.verify_migration_bound(world, judged))
    if json_:
        from zonewright.report.documents import print_document
        from zonewright.report.migration_documents import migration_check_document

        print_document(migration_check_document(world, judged, execution, findings))
    else:
        from zonewright.report.console import stdout_console
        from zonewright.report.migration_table import print_migration_check

        print_migration_check(stdout_console(), world, judged, execution, findings)
    unconfirmed = any(not finding.confirmed for finding in findings or ())
    return Exit.DONE if execution.valid and not judged.losses and not unconfirmed else Exit.FINDINGS
