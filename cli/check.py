"""`zonewright check`: judge a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zonewright.cli.boundary import guarded
from zonewright.cli.exits import Exit


@guarded
def check(
    estate: Annotated[str, typer.Argument(metavar="ESTATE", help="A YAML or JSON file, or a shipped estate.")],
    plan: Annotated[Path, typer.Argument(metavar="PLAN.json", help="A plan, from `place -o` or by hand.")],
    bound: Annotated[
        bool, typer.Option("--bound", help="Evaluate the proof of every bound again, in exact integers.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for programs.")] = False,
) -> Exit:
    """Judge PLAN against ESTATE: every rule, and every figure that the plan claims.

    Nothing of the solver is used: rules are checked by counting, goals are added up from scratch.

    [bold]Examples[/bold]

      zonewright check estate.yaml plan.json

      zonewright check shop-guangzhou plan.json --bound

    [bold]Exit codes[/bold]: 0 the plan is valid, complete, and says the truth · 1 bad input · 2 wrong usage ·
    5 a rule is broken, something is left out, or a figure or bound is not what the plan says
    """
    from zonewright.cli.source import read_plan, read_world
    from zonewright.models import check_plan
    from zonewright.models.files import located

    world = read_world(estate)
    judged, document = read_plan(plan)
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
