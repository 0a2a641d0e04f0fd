"""Where errors end: one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable
from typing import ParamSpec

import typer

from zonewright.cli.exits import Exit

P = ParamSpec("P")

_MOST_WARNINGS = 10
_MOST_SECONDS = 1e7


def guarded(command: Callable[P, Exit]) -> Callable[P, None]:
    """Wrap a subcommand that returns its exit code, so that it ends with it whatever happens.

    ZONEWRIGHT_DEBUG=1 shows the traceback of an error that nobody expected.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
            sys.stdout.flush()
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except KeyboardInterrupt:
            say("interrupted before there was a plan")
            code = Exit.INTERRUPTED
        except BrokenPipeError:
            # Whoever read our output is gone: nothing to say, and nothing to flush at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = Exit.ERROR
        except Exception as error:
            code = _failed(error)
        raise typer.Exit(int(code))

    return run


def _failed(error: Exception) -> Exit:
    from zonewright.models.problems import InputError, printable

    debug = os.environ.get("ZONEWRIGHT_DEBUG", "") not in ("", "0")
    if isinstance(error, InputError):
        say(f"error: {error}")
    elif isinstance(error, MemoryError):
        say("error: not enough memory for an estate of this size")
    elif isinstance(error, OSError) and error.filename is not None:
        say(f"error: {printable(str(error.filename), 200)}: {error.strerror or error}")
    else:
        what = printable(f"{type(error).__name__}: {error}", 300)
        say(
            f"error: unexpected {what}. This is a fault of zonewright: please report it with the estate "
            "(ZONEWRIGHT_DEBUG=1 shows where it happened)"
        )
    if debug:
        import traceback

        traceback.print_exception(error)
    return Exit.ERROR


def say(line: str) -> None:
    """Write one line to stderr, whatever its encoding can hold."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    text = line.encode(encoding, "backslashreplace").decode(encoding)
    print(text, file=sys.stderr, flush=True)


def warn(lines: Iterable[str]) -> None:
    """Write warnings to stderr, each once, and how many more there are."""
    unique = list(dict.fromkeys(lines))
    for line in unique[:_MOST_WARNINGS]:
        say(f"warning: {line}")
    if len(unique) > _MOST_WARNINGS:
        say(f"warning: and {len(unique) - _MOST_WARNINGS} more (--json lists all)")


def seconds(value: float) -> float:
    """Return an option's value if it is a length of time. Raises BadParameter where it is not."""
    if not 0 < value <= _MOST_SECONDS:
        raise typer.BadParameter("takes a number of seconds above 0")
    return value
