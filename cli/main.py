"""The command `zonewright`: its subcommands, and where it begins."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from zonewright.cli.capacity import capacity
from zonewright.cli.check import check
from zonewright.cli.diff import diff
from zonewright.cli.estates import estates
from zonewright.cli.explain import explain
from zonewright.cli.generate import generate
from zonewright.cli.migrate import migrate
from zonewright.cli.place import place
from zonewright.cli.schema import schema
from zonewright.cli.survive import survive
from zonewright.cli.warm_up import warm_up

app = typer.Typer(
    name="zonewright",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"zonewright {version('zonewright')}")
        raise typer.Exit


def _flowing(command: Callable[..., None]) -> str:
    """Return a docstring as help: one line per paragraph, for the terminal to wrap."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(p.split("\n")) for p in paragraphs)


def zonewright(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Place a cloud estate across availability zones, plan the way back when one is lost, prove how good it is.

    Describe zones, instances and rules in a YAML or JSON file, then:

      zonewright estates                         # what ships, to try it on

      zonewright place estate.yaml -o plan.json  # where everything goes

      zonewright check estate.yaml plan.json     # judge any plan

      zonewright explain estate.yaml             # why there, why not elsewhere, why no plan at all

      zonewright survive estate.yaml plan.json   # what every loss of a zone leaves

      zonewright migrate estate.yaml --fail zone-b --runbook way-back.md

      zonewright capacity estate.yaml --growth 1.3 --survive zone     # what to buy

      zonewright diff estate.yaml plan.json      # what would move

    Every command takes the name of a shipped estate in place of a file. Tables go to stdout (`--json` for
    programs), progress and errors to stderr.
    """


app.callback(help=_flowing(zonewright))(zonewright)
for _command in (place, check, capacity, explain, survive, migrate, diff, estates, generate, schema, warm_up):
    app.command(help=_flowing(_command))(_command)


def main() -> None:
    """Run the command line; ends the process with one of the exit codes of `zonewright.cli.exits`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # What a terminal's encoding lacks is shown, not a reason to fail.
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="zonewright")


if __name__ == "__main__":
    main()
