"""Options that commands share: how long, with how much, and in which form."""

from __future__ import annotations

from typing import Annotated

import typer

from zonewright.cli.boundary import seconds

TimeLimit = Annotated[
    float, typer.Option(metavar="SECONDS", callback=seconds, help="For everything: reading, solving, writing.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, max=1024, metavar="N", help="Threads.", show_default="all cores")
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, metavar="N", help="For whatever is random.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for programs.")]
