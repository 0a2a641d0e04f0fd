"""The command line: exit codes, what goes where, what is saved, and what is not even imported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.command import run
from zonewright import solver
from zonewright.models import Plan, Status, load_plan, save_plan
from zonewright.models.plan import GoalValue, Placement, Unplaced
from zonewright.solver.result import Clash, Progress, Result

ESTATE = """\
estate: tiny/[bold]shop
currency: EUR
zones:
  - {id: a, capacity: {cpu_cores: 20}, price: {cpu_cores: 10}}
  - {id: b, capacity: {cpu_cores: 20}, price: {cpu_cores: 12.5}}
groups:
  - {id: web, count: 6, demand: {cpu_cores: 4}, current: {a: 2}}
  - {id: db, count: 2, demand: {cpu_cores: 1}}
rules:
  - {rule: spread, groups: [web], skew: 1}
""".replace("[bold]", "")


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six web servers over two zones, evenly; a working directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.yaml"
    path.write_text(ESTATE)
    return path


def a_plan(*, web_b: int = 3, status: Status = Status.OPTIMAL) -> Plan:
    """Three of `web` in each zone and both of `db` in zone a: 40 a month for each web in a, 50 in b."""
    placements = [
        Placement(group="web", site="a", count=3),
        Placement(group="web", site="b", count=web_b),
        Placement(group="db", site="a", count=2),
    ]
    missing = 3 - web_b
    cost = (3 * 40 + web_b * 50 + 2 * 10) * 10_000
    return Plan(
        plan="tiny",
        estate_fingerprint="",
        status=status,
        objective=[
            GoalValue(goal="placed[0]", value=missing, bound=missing),
            GoalValue(goal="moves", value=0, bound=0),
            GoalValue(goal="cost", value=cost, bound=cost if status is Status.OPTIMAL else cost - 29_000),
        ],
        placements=placements,
        unplaced=[Unplaced(group="web", count=missing)] if missing else [],
    )


def answer(monkeypatch: pytest.MonkeyPatch, result: Result) -> dict[str, Any]:
    """Let `place` answer with a result; return the options that it will be called with."""
    asked: dict[str, Any] = {}

    def place(world: Any, **options: Any) -> Result:
        asked.update(options)
        return result

    monkeypatch.setattr(solver, "place", place)
    return asked


def a_result(plan: Plan | None, status: Status, **others: Any) -> Result:
    return Result(status=status, plan=plan, objective=plan.objective if plan else [], **others)


# ------------------------------------------------------------------ place


def test_place_solves_a_tiny_estate_and_check_agrees(estate: Path) -> None:
    done = run("place", estate, "-o", "plan.json", "--workers", "1")
    assert done.code == 0, done.err
    assert done.err == ""  # shorter than a second: no progress
    assert "OPTIMAL" in done.out
    assert "290.00 EUR" in done.out
    assert "goals: placed, soft, moves, cost (the default order" in done.out
    assert "plan saved in plan.json" in done.out
    checked = run("check", estate, "plan.json", "--bound")
    assert checked.code == 0, checked.out
    assert "NOT confirmed" not in checked.out


def test_options_reach_the_solver_and_reading_counts_against_the_limit(
    estate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, a_result(a_plan(), Status.OPTIMAL))
    save_plan(a_plan(), "hint.json")
    options = ("--time-limit", "7", "--workers", "2", "--seed", "5", "--work-limit", "9", "--partial")
    assert run("place", estate, *options, "--hint", "hint.json").code == 0
    assert (asked["workers"], asked["seed"], asked["work_limit"], asked["partial"]) == (2, 5, 9, True)
    assert asked["hint"] == a_plan()
    assert 0 < asked["time_limit_s"] < 7


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (a_result(a_plan(), Status.OPTIMAL), 0),
        (a_result(a_plan(status=Status.FEASIBLE), Status.FEASIBLE), 0),
        (a_result(a_plan(web_b=2), Status.OPTIMAL), 5),
        (a_result(None, Status.INFEASIBLE, reason="no_placement"), 3),
        (a_result(a_plan(web_b=2), Status.INFEASIBLE, reason="no_placement"), 3),
        (a_result(None, Status.UNKNOWN), 4),
    ],
)
def test_exit_codes_of_place(result: Result, code: int, estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, result)
    assert run("place", estate).code == code
    assert run("place", estate, "--quiet").out == ""
    document = json.loads(run("place", estate, "--json").out)
    assert document["status"] == result.status.value
    assert (document["plan"] is None) == (result.plan is None)


def test_json_holds_everything_a_program_needs(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = a_plan(status=Status.FEASIBLE)
    answer(monkeypatch, a_result(plan, Status.FEASIBLE, assumptions=["made up"], warnings=["odd"], seconds=1.5))
    done = run("place", estate, "--json", "--quiet")
    document = json.loads(done.out)
    assert done.err == ""
    assert document["objective"][2] == {"goal": "cost", "value": 2_900_000, "bound": 2_871_000}
    assert document["bound"] == [0, 0, 2_871_000]
    assert document["gap"] == pytest.approx(0.01)
    assert document["goals"] == ["placed", "soft", "moves", "cost"]
    assert document["goals_by_default"] is True
    assert document["assumptions"] == ["made up"]
    assert document["warnings"] == ["odd"]
    assert document["seconds"] == 1.5
    assert document["saved"] is None
    assert Plan.model_validate(document["plan"]) == plan


def test_infeasible_names_the_rules_and_saves_the_largest_partial_plan(
    estate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clash = [Clash("spread", "even[bold]", "web", "b", "at most [red]2[/red] here")]
    partial = a_plan(web_b=2, status=Status.INFEASIBLE)
    answer(monkeypatch, a_result(partial, Status.INFEASIBLE, reason="no_placement", clash=clash))
    done = run("place", estate)
    assert done.code == 3
    assert "reason: no_placement" in done.out
    assert "even[bold]" in done.out  # markup in data is text
    assert "at most [red]2[/red] here" in done.out
    saved = Path("tiny-shop.partial.plan.json")  # the estate is called tiny/shop
    assert load_plan(saved) == partial
    run("place", estate, "-o", "there.json")
    assert load_plan("there.json") == partial


def test_a_plan_that_cannot_be_saved_is_told_before_the_work(
    estate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, a_result(a_plan(), Status.OPTIMAL))
    for target, word in (("none/plan.json", "no directory none"), (str(estate.parent), "is a directory")):
        done = run("place", estate, "-o", target)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(f"error: {target}: cannot be written")
        assert word in done.err
    assert asked == {}


def test_large_plans_are_summed_up_by_group_and_zone(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    groups = "\n".join(f"  - {{id: g{n}, count: 4, demand: {{cpu_cores: 1}}}}" for n in range(60))
    path.write_text(
        "estate: hosts\nzones: [{id: a}, {id: b}]\nhosts:\n"
        "  - {id: ha, in: a, count: 20, capacity: {cpu_cores: 8}}\n"
        "  - {id: hb, in: b, count: 20, capacity: {cpu_cores: 8}}\n"
        f"groups:\n{groups}\nrules:\n  - {{rule: spread, skew: 0}}\n"
    )
    done = run("place", path, "--time-limit", "20", "--workers", "1")
    assert done.code == 0, done.err
    assert "Placement by group and zone" in done.out
    assert "… 21 more groups" in done.out
    total = next(line for line in done.out.splitlines() if line.startswith("all"))
    assert total.split()[-1] == "240"
    assert "120 on " in total


def test_piped_tables_are_not_cut(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "x" * 110
    clash = [Clash("spread", long, long, long, long)]
    answer(monkeypatch, a_result(None, Status.INFEASIBLE, clash=clash))
    row = next(line for line in run("place", estate).out.splitlines() if line.startswith("spread"))
    assert row.count(long) == 4


def test_the_same_command_twice_writes_the_same_plan(estate: Path) -> None:
    for name in ("one.json", "two.json"):
        run("place", estate, "-o", name, "--workers", "1", "--seed", "3", "--work-limit", "100000", "--quiet")
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()


# ------------------------------------------------------------------ check


def test_check_passes_a_valid_plan_and_finds_a_broken_rule(estate: Path) -> None:
    save_plan(a_plan(), "good.json")
    assert run("check", estate, "good.json").code == 0
    moved = [Placement(group="web", site="a", count=4), Placement(group="web", site="b", count=2)]
    bad = a_plan().model_copy(update={"placements": [*moved, a_plan().placements[2]], "objective": []})
    save_plan(bad, "bad.json")
    done = run("check", estate, "bad.json")
    assert done.code == 5
    assert "not valid, 1 rules broken" in done.out
    document = json.loads(run("check", estate, "bad.json", "--json").out)
    assert document["valid"] is False
    assert [(v["rule"], v["group"], v["domain"], v["amount"]) for v in document["violations"]] == [
        ("spread", "web", "a", 1)
    ]


def test_check_finds_claims_that_are_untrue(estate: Path) -> None:
    plan = a_plan()
    lies = {
        "cost: the plan says": {"objective": [*plan.objective[:2], GoalValue(goal="cost", value=1, bound=1)]},
        "no such goal": {"objective": [*plan.objective, GoalValue(goal="beauty", value=1, bound=1)]},
        "fingerprints differ": {"estate_fingerprint": "0" * 64},
        "web: the plan says 2 are unplaced, it is 0": {"unplaced": [Unplaced(group="web", count=2)]},
        "the status is OPTIMAL": {"objective": a_plan(status=Status.FEASIBLE).objective},
    }
    for words, update in lies.items():
        save_plan(plan.model_copy(update=update), "lie.json")
        done = run("check", estate, "lie.json")
        assert done.code == 5, words
        assert words in done.out


def test_a_plan_that_leaves_some_out_is_a_finding(estate: Path) -> None:
    save_plan(a_plan(web_b=2), "partial.json")
    done = run("check", estate, "partial.json")
    assert done.code == 5
    assert "the plan is valid" in done.out
    assert "1 instances left out" in done.out


def test_check_bound_fails_on_a_bound_that_is_not_confirmed(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = solver.BoundFinding(goal="cost", bound=5, kind="linear", confirmed=False, text="proves 4")
    monkeypatch.setattr(solver, "verify_bound", lambda world, plan: [finding])
    save_plan(a_plan(), "plan.json")
    done = run("check", estate, "plan.json", "--bound")
    assert done.code == 5
    assert "NOT confirmed" in done.out
    assert (
        json.loads(run("check", estate, "plan.json", "--bound", "--json").out)["bounds"][0]["confirmed"] is False
    )


# ------------------------------------------------------------------ the others


def test_estates_lists_what_ships_and_names_stand_for_files(estate: Path) -> None:
    listed = json.loads(run("estates", "--json").out)
    names = [entry["name"] for entry in listed]
    assert names == sorted(names)
    assert all(name in run("estates").out for name in names)
    if names:
        save_plan(a_plan(), "plan.json")
        done = run("check", names[0], "plan.json")
        assert "no such file" not in done.err
        near = run("check", names[0][:-1], "plan.json")
        assert near.code == 1
        assert "Maybe" in near.err


def test_a_file_comes_before_a_shipped_name(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [entry["name"] for entry in json.loads(run("estates", "--json").out)]
    answer(monkeypatch, a_result(a_plan(), Status.OPTIMAL))
    for name in names[:1]:
        Path(name).write_text(ESTATE)
        assert json.loads(run("place", name, "--json").out)["estate"] == "tiny/shop"


@pytest.mark.parametrize("of", ["estate", "plan", "catalogue"])
def test_schema_prints_a_json_schema(of: str) -> None:
    found = json.loads(run("schema", of).out)
    assert found["$schema"].startswith("https://json-schema.org/")
    assert of in found["properties"]


def test_generate_writes_an_estate_that_can_be_read(tmp_path: Path) -> None:
    target = tmp_path / "region.yaml"
    options = ("--instances", "100", "--groups", "12", "--hosts", "20", "--racks", "6", "--fill", "0.5")
    done = run("generate", "region", "-o", target, *options)
    assert done.code == 0, done.err
    from zonewright.models import load_world

    assert sum(group.count for group in load_world(target).groups.values()) == 100


@pytest.mark.parametrize(
    "arguments",
    [
        ("plac",),
        ("place",),
        ("place", "x", "--time-limit", "0"),
        ("place", "x", "--time-limit", "nan"),
        ("place", "x", "--workers", "0"),
        ("place", "x", "--seed", "-1"),
        ("check", "x"),
        ("schema", "cloud"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert done.out == ""


def test_version_and_help() -> None:
    assert run("--version").out.startswith("zonewright 0.")
    for command in ("place", "check", "estates", "schema", "generate"):
        done = run(command, "--help")
        assert done.code == 0
        assert f"zonewright {command}" in done.out  # an example


def test_help_imports_nothing_heavy() -> None:
    heavy = ("pydantic", "numpy", "ortools", "pandas", "numba", "scipy", "yaml", "zonewright.models")
    code = (
        "import sys\nfrom zonewright.cli.main import main\n"
        "sys.argv = ['zonewright', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n"
        f"    print([m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_an_unexpected_error_is_one_line_that_asks_for_a_report(
    estate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def place(world: Any, **options: Any) -> Result:
        raise ZeroDivisionError("division\nby \x1b[1mzero")

    monkeypatch.setattr(solver, "place", place)
    done = run("place", estate)
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert "ZeroDivisionError: division\\x0aby \\x1b[1mzero" in done.err
    assert "please report" in done.err
    monkeypatch.setenv("ZONEWRIGHT_DEBUG", "1")
    assert "Traceback" in run("place", estate).err


# ------------------------------------------------------------------ signals and progress

SLOW = """
import sys, time
from tests.test_cli import a_plan, a_result
from zonewright import solver
from zonewright.cli.main import main
from zonewright.models import Status
from zonewright.solver.result import Progress

def place(world, *, progress, stop, **options):
    value = 100_000
    while not ({obeys} and stop.is_set()):
        value -= 1
        progress(Progress(1.0, "search", "cost", value * 10_000, 50_000 * 10_000))
        time.sleep(0.4)
    return a_result(a_plan(status=Status.FEASIBLE), Status.FEASIBLE)

solver.place = place
sys.argv = ["zonewright", "place", "tiny.yaml"]
main()
"""


def _start(estate: Path, *, obeys: bool) -> subprocess.Popen[str]:
    """Start a solve that goes on until it is asked to stop, and wait until it says something."""
    root = Path(__file__).parent.parent
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW.format(obeys=obeys)],
        cwd=estate.parent,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "search: cost best" in process.stderr.readline()
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_keeps_the_best_plan(estate: Path, number: signal.Signals) -> None:
    process = _start(estate, obeys=True)
    began = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - began < 2
    saved = estate.parent / "tiny-shop.plan.json"
    assert "interrupted; best plan saved in tiny-shop.plan.json" in err
    assert load_plan(saved) == a_plan(status=Status.FEASIBLE)


def test_the_second_signal_leaves_at_once(estate: Path) -> None:
    process = _start(estate, obeys=False)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - began < 1


def test_progress_is_one_plain_line_per_event_and_only_after_a_second(
    estate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def place(world: Any, *, progress: Any, **options: Any) -> Result:
        progress(Progress(0.1, "presolve", message="early"))
        progress(Progress(0.2, "certificate", "moves", 0, 0))
        time.sleep(1.3)
        progress(Progress(1.3, "search", "cost", 1_000_000, 990_000))
        progress(Progress(1.3, "search", "cost", 1_000_000, 990_000))
        return a_result(a_plan(), Status.OPTIMAL)

    monkeypatch.setattr(solver, "place", place)
    lines = run("place", estate).err.splitlines()
    assert [line.split("s  ", 1)[1] for line in lines] == [
        "certificate: moves best 0, bound 0, gap 0 %",
        "search: cost best 100.00 EUR, bound 99.00 EUR, gap 1 %",
    ]
    assert run("place", estate, "--quiet").err == ""


def test_an_interrupted_result_says_so(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = a_result(a_plan(status=Status.FEASIBLE), Status.FEASIBLE)
    answer(monkeypatch, replace(result, interrupted=True))
    done = run("place", estate, "-o", "kept.json")
    assert done.code == 130
    assert Path("kept.json").exists()
