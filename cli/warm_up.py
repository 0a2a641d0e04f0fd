"""`zonewright warm-up`: compile everything ahead, so that no plan waits for it."""

from __future__ import annotations

from typing import Annotated

import typer

from zonewright.cli.boundary import guarded, say
from zonewright.cli.exits import Exit
from zonewright.cli.options import Json


@guarded
def warm_up(
    json_: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress.")] = False,
) -> Exit:
    """Compile the kernels of search, packing, losses, migrations and sizing, and keep them for all later runs.

    Without this the first run that needs some compiles them, and says so. They are kept in the user's folder for
    caches, or in [bold]$NUMBA_CACHE_DIR[/bold]: to ship them with an image, set it to a folder of the image, run
    this once, and leave it set. What is kept already is only loaded.

    [bold]Examples[/bold]

      zonewright warm-up

      NUMBA_CACHE_DIR="$PWD/kernels" zonewright warm-up

    [bold]Exit codes[/bold]: 0 all kept · 1 the folder cannot be written
    """
    from zonewright.models.problems import InputError
    from zonewright.solver.kernels import cache

    with cache.telling(None if quiet else say):
        cache.load(done=None if quiet else lambda module: say(f"  {module.removeprefix('zonewright.')} is there"))
    made = cache.made()
    if json_:
        from dataclasses import asdict

        from zonewright.report.documents import print_document

        print_document({"folder": str(cache.folder()), "kernels": [asdict(kernel) for kernel in made]})
    elif not quiet:
        from zonewright.report.console import print_table, stdout_console

        rows = [(k.name, f"{k.seconds:.2f}", "compiled" if k.compiled else "kept before") for k in made]
        print_table(stdout_console(), f"Kernels in {cache.folder()}", ("kernel", "seconds>", ""), rows)
    if not all(kernel.kept for kernel in made):
        raise InputError(
            "cannot be written, so that every run compiles anew; set NUMBA_CACHE_DIR to a folder that can",
            source=str(cache.folder()),
        )
    return Exit.DONE
