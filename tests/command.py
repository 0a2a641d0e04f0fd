"""The command line, run in this process."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from zonewright.cli.main import app


@dataclass(frozen=True)
class Outcome:
    """What a run of the command left behind."""

    code: int
    out: str
    err: str


def run(*arguments: object) -> Outcome:
    """Run `zonewright ARGUMENTS` and return its exit code and output."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            app([str(argument) for argument in arguments], prog_name="zonewright")
        except SystemExit as error:
            code = int(error.code or 0)
    return Outcome(code, out.getvalue(), err.getvalue())
