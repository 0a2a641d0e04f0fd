"""Tables of runs can be broken off at any moment and gone on with, and score by what the data folder says."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import roadef2012
from benchmarks.series import Run, chosen, complete, numbers_of, print_medians, read_rows
from tests.instances.challenge import drawn

ROOT = Path(__file__).parents[2]
COLUMNS = ("cost", "score")


def run(instance: str, seed: int, says: object, log: Path) -> Run:
    """Return a run that prints something, and notes that it was made."""
    script = f"import sys; open({str(log)!r}, 'a').write('x'); print({json.dumps(says)!r})"
    return Run(instance, seed, 5.0, 1, [sys.executable, "-c", script])


def judged(_: Run, found: dict[str, Any]) -> Mapping[str, object]:
    if found["cost"] < 0:
        raise ValueError("costs less than nothing")
    return found


def test_rows_that_are_there_are_not_made_again(tmp_path: Path) -> None:
    """A second call makes what is missing only; a table that was left in the middle is whole in between."""
    table, log = tmp_path / "results.csv", tmp_path / "log"
    runs = [run(name, seed, {"cost": 10 * seed, "score": None}, log) for name in ("a", "b") for seed in (1, 2)]
    rows, failures = complete(runs[:3], table, COLUMNS, judged)
    assert (len(rows), failures, log.read_text()) == (3, 0, "xxx")
    rows, failures = complete(runs, table, COLUMNS, judged)
    assert (len(rows), failures, log.read_text()) == (4, 0, "xxxx")
    assert read_rows(table, COLUMNS) == rows
    assert rows[-1] == {"instance": "b", "seed": "2", "limit_s": "5", "workers": "1", "cost": "20", "score": ""}


def test_runs_that_fail_are_no_rows(tmp_path: Path) -> None:
    """An answer that does not pass, no result, nonsense: each is counted, and made again next time."""
    table, log = tmp_path / "results.csv", tmp_path / "log"
    bad = [run("a", 1, {"cost": -1}, log), run("a", 2, "nonsense", log), run("a", 3, {"cost": 3}, log)]
    bad.append(Run("a", 4, 5.0, 1, [sys.executable, "-c", "raise SystemExit(4)"]))
    rows, failures = complete(bad, table, COLUMNS, judged)
    assert (len(rows), failures) == (1, 3)
    complete(bad, table, COLUMNS, judged)
    assert log.read_text() == "xxx" + "xx"


def test_another_table_is_not_overwritten(tmp_path: Path) -> None:
    """A file with other columns is refused."""
    (tmp_path / "results.csv").write_text("name,size\na,1\n")
    with pytest.raises(ValueError, match="is another table"):
        complete([], tmp_path / "results.csv", COLUMNS, judged)


def test_medians_and_their_sum(capsys: pytest.CaptureFixture[str]) -> None:
    """The middle of three seeds, the mean of two; scores add up over instances."""
    costs = {"a": [3, 9, 4], "b": [10, 20]}
    rows = [
        {"instance": name, "cost": str(cost), "score": str(cost / 10)} for name, of in costs.items() for cost in of
    ]
    print_medians(rows, ["a", "b", "c"], "score", ["cost"])
    out = capsys.readouterr().out
    assert "a              3      4   0.4000" in out
    assert "b              2     15   1.5000" in out
    assert "sum of score: 1.9000" in out


def test_names_are_chosen_from_those_that_there_are() -> None:
    """All by default, in an order that people expect."""
    assert chosen(["b_10", "b_2"], []) == ["b_2", "b_10"]
    assert chosen(["b_10", "b_2"], ["b_10"]) == ["b_10"]
    with pytest.raises(ValueError, match="there is no b_7: there are b_2, b_10"):
        chosen(["b_10", "b_2"], ["b_7"])


def test_references_are_the_best_of_the_finals_or_the_best_known(tmp_path: Path) -> None:
    """The finals count before any later result, and what is no number is none."""
    lines = ["instance\tbest_found", "a1_1\t40", "b_1\t20", "b_2\t30 (300 s)", "x_1\t"]
    (tmp_path / "results.tsv").write_text("\n".join(lines))
    finals = ["team\tB1\tB2", "initial\t1\t1", "S1\t25\t33", "J2\t24\t35", "J3\t\t-"]
    (tmp_path / "official_B_results.tsv").write_text("\n".join(finals))
    assert roadef2012.references(tmp_path) == {"a1_1": 40, "b_1": 24, "b_2": 33}
    assert numbers_of(tmp_path / "results.tsv", "instance", "best_found") == {"a1_1": 40, "b_1": 20}
    assert roadef2012.references(tmp_path / "nowhere") == {}


def test_a_table_of_the_challenge_from_files_to_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One instance, solved in a process of its own, judged and scored; the second time nothing is run."""
    data = tmp_path / "data"
    data.mkdir()
    stated = drawn(5, machines=3, processes=5)
    stated.write(data)
    (data / "results.tsv").write_text("instance\tbest_found\nx_1\t1\n")
    monkeypatch.chdir(Path(__file__).resolve().parents[2])
    command = ["table", "--data", str(data), "--time-limit", "20", "--workers", "1", "-o", str(tmp_path / "r.csv")]
    assert roadef2012.main(command) == 0
    with (tmp_path / "r.csv").open(encoding="utf-8") as file:
        [row] = csv.DictReader(file)
    assert (row["instance"], row["seed"], row["feasible"], row["reference"]) == ("x_1", "1", "yes", "1")
    assert float(row["seconds"]) < 20
    assert int(row["peak_mib"]) > 10
    assert row["score"]
    before = (tmp_path / "r.csv").stat().st_mtime_ns
    assert roadef2012.main(command) == 0
    assert (tmp_path / "r.csv").stat().st_mtime_ns == before


def test_bad_files_end_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says what is wrong and exits 1."""
    files = ["-p", str(tmp_path / "m"), "-i", str(tmp_path / "i"), "-o", str(tmp_path / "o")]
    assert roadef2012.main(["solve", "-t", "5", "-s", "1", *files]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert (
        roadef2012.main(["table", "--data", str(tmp_path), "--time-limit", "1", "--instances", "b", "-o", "r"])
        == 1
    )
    assert capsys.readouterr().err == "error: there is no b: there are no instances\n"


def test_a_process_that_was_a_shell_before_is_as_old_as_the_interpreter() -> None:
    """A shell may let its last command take its place, and that keeps the shell's age."""
    asks = "import time, benchmarks.process as p; p._OLDER = 1.0; print(time.time() - p.process_start())"
    shell = f"sleep 1.5; exec {shlex.quote(sys.executable)} -c {shlex.quote(asks)}"
    said = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True, cwd=ROOT)
    assert 0.0 < float(said.stdout) < 1.0
