"""Runs in processes of their own, and a table of them that goes on where it was left."""

from __future__ import annotations

import argparse
import csv
import io
import json
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.process import process_start
from zonewright.models.files import write_whole
from zonewright.models.problems import InputError
from zonewright.report.console import print_table, stdout_console

if TYPE_CHECKING:
    from zonewright.models import Estate
    from zonewright.solver.result import Result

#: What tells one row from another: rows of the same are not run again.
KEY = ("instance", "seed", "limit_s", "workers")
#: A run that is not over after this many times its limit, and a minute, is given up.
_PATIENCE = 3

Row = dict[str, str]


@dataclass(frozen=True)
class Run:
    """One run: a command that prints one JSON object, and what tells it from the others."""

    instance: str
    seed: int
    limit_s: float
    workers: int
    command: Sequence[str]

    @property
    def key(self) -> tuple[str, ...]:
        """The row's first columns."""
        return (self.instance, str(self.seed), f"{self.limit_s:g}", str(self.workers))


def add_table(kinds: Any) -> None:
    """Add the arguments of a table to a parser's subcommands."""
    many = kinds.add_parser("table", help="all instances of a folder")
    many.add_argument("--data", type=Path, required=True, metavar="DIR")
    many.add_argument("--time-limit", type=float, required=True, metavar="S")
    many.add_argument("--workers", type=int, default=2)
    many.add_argument("--seeds", type=int, default=1, metavar="K", help="seeds 1 to K")
    many.add_argument("--instances", nargs="+", default=[], metavar="NAME", help="all by default")
    many.add_argument("-o", "--output", type=Path, required=True, metavar="results.csv")


def in_one_line(command: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Run a command; an input that is wrong is one line and exit code 1."""
    try:
        return command(options)
    except (InputError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def complete(
    runs: Sequence[Run],
    output: Path,
    columns: Sequence[str],
    judged: Callable[[Run, dict[str, Any]], Mapping[str, object]],
) -> tuple[list[Row], int]:
    """Run what is not in the file yet, and write the file again after each; return all its rows and the failures.

    `columns` follow those of `KEY`; `judged` turns what a run has printed into them, and raises ValueError where
    its answer does not pass. Such a run is no row: it is made again next time.
    """
    rows = read_rows(output, columns)
    known = {tuple(row[name] for name in KEY) for row in rows}
    failures = 0
    for number, run in enumerate(runs, 1):
        if run.key in known:
            continue
        print(f"{number} of {len(runs)}: {run.instance}, seed {run.seed}", file=sys.stderr, flush=True)
        try:
            found = judged(run, _started(run))
        except (ValueError, OSError) as error:
            print(f"{run.instance}, seed {run.seed}: {error}", file=sys.stderr, flush=True)
            failures += 1
            continue
        shown = {name: "" if found.get(name) is None else str(found[name]) for name in columns}
        rows.append(dict(zip(KEY, run.key, strict=True)) | shown)
        write_whole(_text(rows, columns), output)
    return rows, failures


def read_rows(path: Path, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a table, none where there is no file. Raises ValueError where it is another table."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if list(reader.fieldnames or ()) != [*KEY, *columns]:
            raise ValueError(f"{path}: is another table: name a new file")
        return list(reader)


def _text(rows: Iterable[Row], columns: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [*KEY, *columns], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _started(run: Run) -> dict[str, Any]:
    """Run a command and return what it prints. Raises ValueError where that is nothing of use."""
    patience = _PATIENCE * run.limit_s + 60
    try:
        done = subprocess.run(run.command, stdout=subprocess.PIPE, text=True, timeout=patience)
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise ValueError(f"not over after {patience:g} s") from None
    except json.JSONDecodeError:
        raise ValueError(f"no result, exit {done.returncode}") from None
    if not isinstance(found, dict):
        raise ValueError(f"no result, exit {done.returncode}")
    return found


def place_in_time(estate: Estate, options: argparse.Namespace, reserve_s: float) -> tuple[Result, bool]:
    """Place an estate in what is left of the process's time, a reserve kept back; say whether all have a site.

    Ctrl-C ends it with the best so far.
    """
    from zonewright.solver.place import place

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    left = options.time_limit - reserve_s - (time.time() - process_start())
    result = place(
        estate,
        time_limit_s=max(0.05, left),
        workers=options.workers,
        seed=options.seed,
        reasons=False,
        progress=None if options.json else news(),
        stop=stop,
    )
    return result, result.plan is not None and not result.plan.unplaced


def run_table(
    options: argparse.Namespace,
    names: Sequence[str],
    command: Callable[[str, int, Path], Sequence[str]],
    columns: Sequence[str],
    judged: Callable[[Run, dict[str, Any]], Mapping[str, object]],
    score: str,
) -> int:
    """Run what is missing of a table and print the medians; return the exit code.

    `command` makes the command for an instance and a seed, with its answer in a folder; the rest as in `complete`.
    """
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            Run(name, seed, options.time_limit, options.workers, command(name, seed, Path(folder)))
            for name in names
            for seed in range(1, options.seeds + 1)
        ]
        rows, failures = complete(runs, options.output, columns, judged)
    wanted = {run.key for run in runs}
    rows = [row for row in rows if tuple(row[name] for name in KEY) in wanted]
    print_medians(rows, names, score, ["cost", "bound", "reference", "seconds", "priced_per_s", "peak_mib"])
    return 1 if failures else 0


def chosen(names: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Return the wanted ones of some names, all by default. Raises ValueError for one that is not among them."""
    known = sorted(names, key=lambda name: (len(name), name))
    missing = sorted(set(wanted) - set(known))
    if missing:
        raise ValueError(f"there is no {missing[0]}: there are {', '.join(known) or 'no instances'}")
    return list(dict.fromkeys(wanted)) or known


def numbers_of(path: Path, key: str, column: str) -> dict[str, int]:
    """Return key to number for two columns of a tab-separated file, as far as it is there and they are numbers."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row[key]: int(row[column]) for row in rows if (row.get(column) or "").strip().isdigit()}


def solve_row(result: Result) -> dict[str, Any]:
    """Return what every run of a solver tells of itself: time, memory, and what all workers did per second."""
    stats = result.stats
    seconds = stats.get("search_seconds") or result.seconds or 1.0
    return {
        "status": result.status.value,
        "engine": result.engine,
        "seconds": round(time.time() - process_start(), 2),
        "proposals_per_s": round(stats["proposals"] / seconds) if "proposals" in stats else None,
        "priced_per_s": round(stats["priced"] / seconds) if "priced" in stats else None,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "parameters": result.parameters,
    }


def news() -> Callable[[Any], None]:
    """Return a listener that prints news as they come, each once."""
    from zonewright.cli.progress import event_text

    last = [""]

    def listen(event: Any) -> None:
        text = event_text(event, "")
        if text != last[0]:
            last[0] = text
            print(f"{event.seconds:8.1f} s  {text}", file=sys.stderr, flush=True)

    return listen


def print_solve(row: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a run's row: one JSON object, or a line for each of its figures and parameters."""
    if as_json:
        print(json.dumps(row, default=str))
        return
    for name, value in row.items():
        if name != "parameters":
            print(f"{name:16} {'-' if value is None else value}")
    for name, value in row["parameters"].items():
        print(f"derived: {name} = {value}")


def print_medians(rows: Sequence[Row], instances: Sequence[str], score: str, columns: Sequence[str]) -> None:
    """Print each instance's median over its seeds, and the sum of the medians of `score`."""
    shown: list[list[object]] = []
    total = 0.0
    for instance in instances:
        of_it = [row for row in rows if row["instance"] == instance]
        if not of_it:
            continue
        middle = {name: _median([row[name] for row in of_it]) for name in (*columns, score)}
        total += middle[score] or 0.0
        cells = [_plain(middle[name], 1 if name == "seconds" else 0) for name in columns]
        shown.append([instance, len(of_it), *cells, _plain(middle[score], 4)])
    heads = ["instance", "seeds>", *(f"{name}>" for name in columns), f"{score}>"]
    print_table(stdout_console(), "Medians over seeds", heads, shown)
    print(f"sum of {score}: {total:.4f}")


def _median(texts: Sequence[str]) -> float | None:
    values = [float(text) for text in texts if text]
    return statistics.median(values) if values else None


def _plain(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"
