"""Malformed and hostile estates end in one line with the file and the place, exit code 1, nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.command import Outcome, run
from tests.hostile.change import Change
from tests.hostile.changes import CHANGES
from zonewright.models.problems import maybe

BASE = (Path(__file__).parent / "hostile" / "estate.yaml").read_text("utf-8")
MOST_BYTES = 500 * 1024**2


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command saves by itself goes to a directory of the test's own."""
    monkeypatch.chdir(tmp_path)


def assert_one_line(outcome: Outcome, source: Path | str, *words: str) -> None:
    """One line on stderr that begins with the file; nothing on stdout; nothing that moves a terminal."""
    assert outcome.code == 1, outcome
    assert outcome.out == ""
    assert outcome.err.startswith(f"error: {source}:"), outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.err.endswith("\n")
    assert outcome.err[:-1].isprintable()
    assert "Traceback" not in outcome.err
    assert "unexpected" not in outcome.err
    assert len(outcome.err) < 1200
    for word in words:
        assert word in outcome.err


def test_the_estate_that_is_changed_is_in_order(tmp_path: Path) -> None:
    from zonewright.models import load_world

    path = tmp_path / "estate.yaml"
    path.write_text(BASE)
    assert len(load_world(path).units) == 4


def _first_changed_line(before: str, after: str) -> int:
    pairs = zip(before.split("\n"), after.split("\n"), strict=False)
    return next(number for number, (a, b) in enumerate(pairs, 1) if a != b)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_is_refused_with_its_place(change: Change, tmp_path: Path) -> None:
    assert BASE.count(change.old) >= 1
    text = BASE.replace(change.old, change.new, 1)
    path = tmp_path / "estate.yaml"
    path.write_text(text)
    began = time.process_time()
    outcome = run("place", path, "--time-limit", "5")
    assert time.process_time() - began < 2
    assert_one_line(outcome, path, *change.words)
    if change.place:
        assert f": {change.place}: " in outcome.err, outcome.err
    line = outcome.err.removeprefix(f"error: {path}:").partition(":")[0]
    assert line.isdigit(), outcome.err
    # The line is that of the change, of the entry it is in, or of what it makes wrong further down.
    assert int(line) >= _first_changed_line(BASE, text) - 4


@pytest.mark.parametrize(
    ("name", "old", "new", "word"),
    [
        ("duplicate key", '"count": 6', '"count": 6, "count": 7', "key count is given twice"),
        ("NaN", '"count": 6', '"count": NaN', "NaN is no number"),
        ("infinity", '"count": 6', '"count": -Infinity', "-Infinity is no number"),
        ("1e400", '"count": 6', '"count": 1e400', "1e400 is no number"),
        ("huge number", '"count": 6', f'"count": {"9" * 5000}', "too large"),
        ("true as a number", '"count": 6', '"count": true', "groups[0].count: should be a whole number"),
        ("left open", '"count": 6', '"count": 6,,', "is no JSON"),
        (
            "lone surrogate",
            '"description": "everything once"',
            '"description": "\\ud800"',
            "description: is no valid",
        ),
        ("unknown field", '"count": 6', '"cuont": 6', "groups[0].cuont: unknown field cuont. Maybe count?"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_json_is_refused_in_the_same_way(name: str, old: str, new: str, word: str, tmp_path: Path) -> None:
    from zonewright.models.reading import parse_yaml

    text = json.dumps(parse_yaml(BASE).data, indent=1)
    assert text.count(old) == 1
    path = tmp_path / "estate.json"
    path.write_text(text.replace(old, new))
    outcome = run("place", path)
    assert_one_line(outcome, path, word)
    if name != "lone surrogate":  # no text that YAML could find the line in
        line = text[: text.index(old)].count("\n") + 1
        assert outcome.err.startswith(f"error: {path}:{line}:")


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("empty", b"", "is empty"),
        ("blank", b" \n\n", "is empty"),
        ("comments only", b"# nothing\n# here\n", "is empty"),
        ("a list", b"- a\n- b\n", "is a list"),
        ("a word", b"shop\n", "plain text"),
        ("null", b"null\n", "is nothing"),
        ("UTF-16", "estate: a\n".encode("utf-16"), "no UTF-8 text"),
        ("UTF-16 without a mark", "estate: a\n".encode("utf-16-le"), "YAML forbids"),
        ("latin 1", "estate: caf\xe9\n".encode("latin-1"), "no UTF-8 text"),
        ("binary", bytes(range(256)) * 40, "no UTF-8 text"),
        ("an image", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "no UTF-8 text"),
        ("no zones", b"estate: a\n", "no zone or host"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_estate_is_refused(name: str, content: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    path.write_bytes(content)
    assert_one_line(run("place", path), path, word)


def test_a_directory_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(BASE)
    assert_one_line(run("place", tmp_path), tmp_path, "is a directory")
    missing = tmp_path / "estat.yaml"
    assert_one_line(run("place", missing), missing, "no such file. Maybe estate.yaml?")
    assert_one_line(run("place", "/dev/zero"), "/dev/zero", "no regular file")
    long = run("place", "x" * 5000)
    assert_one_line(long, "x" * 199 + "…", "cannot be read")


def test_a_name_that_does_not_ship_is_refused() -> None:
    assert_one_line(run("place", "nothing-like-it"), "nothing-like-it", "no shipped estate of that name")


def _laughs(levels: int) -> str:
    lines = ["estate: lol", "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines)


BOMBS = {
    "billion laughs": (_laughs(12), "too large when its aliases are written out"),
    "many lists": ("estate: a\nzones: " + "[" * 200_000, "nested too deep"),
    "many mappings": ("estate: a\nzones: " + "{a: " * 200_000, "nested too deep"),
    "deep blocks": ("estate: a\n" + "".join(" " * n + "a:\n" for n in range(2000)), "nested too deep"),
    "many dashes": ("estate: a\nzones:\n " + "- " * 50_000 + "a", "nested too deep"),
    "wrong entries by the hundred thousand": (
        "estate: a\ngroups: [" + "1, " * 400_000 + "1]",
        "groups[0]: should be fields",
    ),
    "a million hosts twice": (
        "estate: a\nzones: [{id: z}]\nhosts:\n- {id: a, in: z, count: 1000000}\n- {id: b, in: z, count: 1000000}",
        "more than 200000 domains",
    ),
    "a name of a megabyte": ("estate: a\nzones: [{id: z}]\n" + "x" * 1_000_000 + ": 1", "is no YAML"),
    "a rule of a megabyte": (
        "estate: a\nzones: [{id: z}]\nrules: [{rule: " + "x" * 1_000_000 + "}]",
        "unknown rule",
    ),
    "scenarios": (
        "estate: a\nzones: [{id: z}]\nhosts: [{id: h, in: z, count: 100000}]\n"
        "groups: [{id: g, count: 1, demand: {cpu_milli: 1}}]\nrules: [{rule: survive, level: host, lose: 3}]",
        "scenarios are more than",
    ),
    "near names by the hundred thousand": (
        "estate: a\nzones: [{id: z}]\nhosts: [{id: h, in: z, count: 100000}]\n"
        "groups: [{id: g, count: 1, demand: {cpu_milli: 1}, current: {h-9900x: 1}}]",
        "unknown site h-9900x",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_two_seconds_and_500_mb(name: str, tmp_path: Path) -> None:
    text, word = BOMBS[name]
    path = tmp_path / "estate.yaml"
    path.write_text(text)
    _in_a_process(path, word)


@pytest.mark.parametrize(
    ("name", "near"), [("h-9900x", " Maybe h-9900?"), ("x-17", " Maybe h-17?"), ("nothing alike", "")]
)
def test_the_nearest_of_many_names_does_not_depend_on_their_order(name: str, near: str) -> None:
    known = [f"h-{number}" for number in range(20_000)]
    assert maybe(name, known) == maybe(name, reversed(known)) == near


def test_json_bombs_are_refused_within_two_seconds_and_500_mb(tmp_path: Path) -> None:
    deep = tmp_path / "deep.json"
    deep.write_text('{"estate": "a", "zones": ' + "[" * 100_000)
    _in_a_process(deep, "nested too deep")
    nested = tmp_path / "nested.json"
    nested.write_text('{"estate": "a", "zones": ' + "[" * 300 + "]" * 300 + "}")
    _in_a_process(nested, "nested too deep")


#: Run a command and write its exit code, its processor seconds and its most memory in KiB to a file.
MEASURE = """
import json, os, subprocess, sys, threading
child = subprocess.Popen(sys.argv[2:])
limit = threading.Timer(30, child.kill)
limit.start()
_, status, used = os.wait4(child.pid, 0)
limit.cancel()
with open(sys.argv[1], "w") as figures:
    json.dump([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss], figures)
"""


def _in_a_process(path: Path, word: str) -> None:
    """Run the command as people do, measured from outside.

    A process counts what its parent held when it was started as its own: the parent is a small one.
    """
    out, err, figures = (path.with_suffix(suffix) for suffix in (".out", ".err", ".figures"))
    with out.open("wb") as said, err.open("wb") as complained:
        command = [sys.executable, "-m", "zonewright.cli.main", "place", str(path)]
        subprocess.run(
            [sys.executable, "-c", MEASURE, figures, *command], stdout=said, stderr=complained, check=True
        )
    code, seconds, kib = json.loads(figures.read_text("utf-8"))
    assert_one_line(Outcome(code, out.read_text("utf-8"), err.read_text("utf-8")), path, word)
    # Processor time and memory of this process alone: neither another's load nor another's child is ours.
    assert seconds < 2
    assert kib * 1024 < MOST_BYTES


def test_a_plan_that_is_malformed_is_refused_with_its_place(tmp_path: Path) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text(BASE)
    plan = tmp_path / "plan.json"
    good = {
        "plan": "base",
        "estate_fingerprint": "",
        "status": "FEASIBLE",
        "placements": [{"group": "web", "site": "z2", "count": 6, "subnet": "sub-2"}],
    }
    for change, place, word in (
        ({"status": "GOOD"}, "status", "should be"),
        ({"placements": [{"group": "wbe", "site": "z2", "count": 6}]}, "placements[0]", "Maybe web?"),
        (
            {"placements": [{"group": "web", "site": "z9", "count": 6}]},
            "placements[0].site",
            "unknown domain z9",
        ),
        ({"placements": [{"group": "web", "site": "north", "count": 6}]}, "placements[0].site", "is no site"),
        ({"placements": [{"group": "web", "site": "z2", "count": 7}]}, "placements", "placed 7 times"),
        ({"placements": [{"group": "web", "site": "z2", "count": 0}]}, "placements[0].count", "at least 1"),
        ({"objective": [{"goal": "cost", "value": 1e300}]}, "objective[0].value", "whole number"),
        ({"balancers": [{"balancer": "lb-2", "zones": []}]}, "balancers[0]", "Maybe lb-1?"),
        ({"subnets": [{"subnet": "sub-9", "zone": "z2"}]}, "subnets[0]", "unknown subnet"),
        (
            {"new_subnets": [{"id": "n", "vpc": "x", "cidr": "10.0.0.0/24"}]},
            "new_subnets[0]",
            "unknown network",
        ),
        ({"placement": []}, "placement", "Maybe placements?"),
    ):
        plan.write_text(json.dumps({**good, **change}, indent=1))
        outcome = run("check", estate, plan)
        assert_one_line(outcome, plan, place, word)
        assert f": {place}: " in outcome.err
