"""`zonewright estates`: what ships."""

from __future__ import annotations

from typing import Annotated

import typer

from zonewright.cli.boundary import guarded
from zonewright.cli.exits import Exit


@guarded
def estates(
    json_: Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for programs.")] = False,
) -> Exit:
    """List the estates that ship. Their names stand for files in every command.

    [bold]Example[/bold]

      zonewright estates
    """
    from dataclasses import asdict

    from zonewright.instances import shipped_estate_path, shipped_estates

    found = shipped_estates()
    if json_:
        from zonewright.report.documents import print_document

        print_document([{**asdict(entry), "path": str(shipped_estate_path(entry.name))} for entry in found])
        return Exit.DONE
    from zonewright.report.console import stdout_console
    from zonewright.report.estates_table import print_estates

    print_estates(stdout_console(), found)
    return Exit.DONE
