"""`zonewright migrate`, and `check` on migrations: options, files, exit codes, the rest of one, bad input."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.command import Outcome, run
from tests.pages import ROOT, fences
from zonewright import solver
from zonewright.models import Placement, Plan, Status, load_world, save_plan
from zonewright.models.events import Event
from zonewright.models.migration import Action, Loss, Migration, Step
from zonewright.models.migration_files import load_migration, save_migration
from zonewright.models.operations import Operation
from zonewright.models.plan import GoalValue
from zonewright.solver import Clash, MigrationResult

ESTATE = """\
estate: tiny/halls
role: operator
taken_at: 2026-01-31T12:00:00+03:00
zones: [{id: z}]
hosts:
  - {id: h, in: z, count: 4, capacity: {cpu_cores: 16, memory_gib: 64}}
groups:
  - {id: web, count: 6, demand: {cpu_cores: 2, memory_gib: 4}, current: {h-0: 3, h-1: 3}}
  - {id: db, count: 2, demand: {cpu_cores: 4, memory_gib: 16}}
instances: [{id: db-1, group: db, site: h-0}, {id: db-2, group: db, site: h-1}]
rules: [{rule: anti_affinity, groups: [db], at_most: 1, level: host}]
"""


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "halls.yaml"
    path.write_text(ESTATE)
    return path


def a_migration(**others: Any) -> Migration:
    """Return a migration of one live move, for no estate in particular."""
    action = Action(
        id="move-1", kind="move", recipe="operator-live", group="web", count=3, source="h-0", target="h-2"
    )
    step = Step(id="move-1.live", action="move-1", do=Operation.LIVE_MIGRATE, start_s=0, end_s=40)
    fields: dict[str, Any] = {
        "migration": "tiny",
        "estate_fingerprint": "feed",
        "event": Event(drain=["h-0"]),
        "status": Status.OPTIMAL,
        "order_status": Status.OPTIMAL,
        "objective": [GoalValue(goal="moves", value=3, bound=3)],
        "moves": 3,
        "actions": [action],
        "steps": [step],
    }
    return Migration(**{**fields, **others})


LOSS = Loss(group="db", count=1, reason="no_copy", message="has no copy")


def answer(monkeypatch: pytest.MonkeyPatch, result: MigrationResult) -> dict[str, Any]:
    """Let `plan_migration` answer with a result; return the options that it will be called with."""
    asked: dict[str, Any] = {}

    def plan_migration(world: Any, **options: Any) -> MigrationResult:
        asked.update(options, world=world)
        return result

    monkeypatch.setattr(solver, "plan_migration", plan_migration)
    return asked


def a_result(migration: Migration | None, status: Status = Status.OPTIMAL, **others: Any) -> MigrationResult:
    return MigrationResult(status=status, migration=migration, **others)


def assert_one_line(outcome: Outcome, *words: str) -> None:
    assert outcome.code == 1, outcome
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1
    assert outcome.err[:-1].isprintable()
    assert "unexpected" not in outcome.err
    assert len(outcome.err) < 1200
    for word in words:
        assert word in outcome.err, outcome.err


# ------------------------------------------------------------------ the whole way


def test_a_host_is_drained_checked_and_written_down(estate: Path) -> None:
    done = run("migrate", estate, "--drain", "h-0", "-o", "m.json", "--runbook", "m.md", "--workers", "1")
    assert done.code == 0, done.err
    assert (
        "h-0 drained: moves 4 (proven: no plan that loses as little moves less), recoveries 0, lost 0" in done.out
    )
    assert "plan saved in m.json" in done.out
    migration = load_migration("m.json")
    assert migration.moves == 4
    assert {action.source for action in migration.actions} == {"h-0"}
    checked = run("check", estate, "m.json", "--bound")
    assert checked.code == 0, checked.out
    assert "the migration is valid, 0 faults" in checked.out
    assert "NOT confirmed" not in checked.out
    book = Path("m.md").read_text("utf-8")
    assert book.startswith("# Runbook: `tiny/halls`, h-0 drained\n")
    assert all(step.id in book for step in migration.steps)
    document = json.loads(run("check", estate, "m.json", "--json").out)
    assert (document["valid"], document["figures"]["moves"]) == (True, 4)


def test_the_rest_of_a_migration_is_planned_from_the_middle(estate: Path) -> None:
    run("migrate", estate, "--drain", "h-0", "--max-moves", "6", "-o", "m.json", "--workers", "1", "--quiet")
    first = next(action for action in load_migration("m.json").actions if action.group == "web")
    options = ("--done", first.id, "-o", "rest.json", "--save-estate", "now.json", "--runbook", "rest.md")
    done = run("migrate", estate, "--resume", "m.json", *options, "--workers", "1", "--quiet")
    assert done.code == 0, done.err
    rest = load_migration("rest.json")
    assert rest.moves == 4 - first.count
    assert rest.event.max_moves == 6 - first.count
    now = load_world(Path("now.json"))
    assert now.estate.incidents["h-0"].value == "drained"
    assert rest.estate_fingerprint == now.estate.fingerprint
    assert run("check", "now.json", "rest.json").code == 0
    assert "zonewright check now.json rest.json" in Path("rest.md").read_text("utf-8")
    done = run(
        "migrate", estate, "--resume", "m.json", "--done", "all", "--save-estate", "end.json", "--json", "-q"
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["moves"] == 0
    back = run("migrate", "end.json", "--restore", "h-0")
    assert back.code == 0, back.err
    assert "There is nothing to do." in back.out
    assert load_world(Path("end.json")).units_of["web"][0].current.keys().isdisjoint({3})


def test_a_plan_is_gone_to(estate: Path) -> None:
    placements = [
        Placement(group="web", site="h-3", count=6),
        Placement(group="db", site="h-0", count=1, instances=["db-1"]),
        Placement(group="db", site="h-1", count=1, instances=["db-2"]),
    ]
    save_plan(Plan(plan="p", estate_fingerprint="", status=Status.FEASIBLE, placements=placements), "plan.json")
    done = run("migrate", estate, "--to", "plan.json", "-o", "m.json", "--workers", "1")
    assert done.code == 0, done.err
    migration = load_migration("m.json")
    assert migration.moves == 6
    assert {action.target for action in migration.actions} == {"h-3"}
    assert run("diff", "m.json", "plan.json").out.count("What moves") == 0


# ------------------------------------------------------------------ options and results


def test_options_reach_the_planner(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, a_result(a_migration()))
    options = ["--time-limit", "7", "--workers", "2", "--seed", "5", "--work-limit", "9"]
    options += ["--max-moves", "8", "--min-gain", "2.5", "--cooldown", "24"]
    events = ["--fail", "h-3", "--suspect", "h-2", "--drain", "h-0", "--drain", "h-1"]
    events += ["--mend", "--strictly", "--rebalance", "0.8", "--consolidate"]
    assert run("migrate", estate, *events, *options).code == 0
    assert asked["event"] == Event(
        fail=["h-3"],
        suspect=["h-2"],
        drain=["h-0", "h-1"],
        mend=True,
        strictly=True,
        rebalance=0.8,
        consolidate=True,
        max_moves=8,
        min_gain=2.5,
        cooldown_hours=24,
    )
    assert (asked["workers"], asked["seed"], asked["work_limit"]) == (2, 5, 9)
    assert asked["target"] is None
    assert 0 < asked["time_limit_s"] < 7


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (a_result(a_migration()), 0),
        (a_result(a_migration(), Status.FEASIBLE), 0),
        (a_result(a_migration(actions=[], steps=[], moves=0)), 0),
        (a_result(a_migration(losses=[LOSS])), 5),
        (a_result(None, Status.INFEASIBLE, reason="no_placement"), 3),
        (a_result(a_migration(steps=[], reason="no_order"), Status.INFEASIBLE, reason="no_order"), 3),
        (a_result(None, Status.UNKNOWN), 4),
        (a_result(a_migration(steps=[], order_status=Status.UNKNOWN), Status.UNKNOWN), 4),
        (a_result(a_migration(), interrupted=True), 130),
    ],
)
def test_exit_codes(result: MigrationResult, code: int, estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, result)
    assert run("migrate", estate, "--mend").code == code
    assert run("migrate", estate, "--mend", "--quiet").out == ""
    document = json.loads(run("migrate", estate, "--mend", "--json").out)
    assert document["status"] == result.status.value
    assert document["reason"] == result.reason
    assert (document["migration"] is None) == (result.migration is None)


def test_json_holds_the_document_and_its_figures(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migration = a_migration(losses=[LOSS])
    answer(monkeypatch, a_result(migration, warnings=["odd"], seconds=1.5))
    done = run("migrate", estate, "--mend", "--json", "--quiet")
    document = json.loads(done.out)
    assert done.err == ""
    assert Migration.model_validate(document["migration"]) == migration
    assert (document["moves"], document["lost"], document["makespan_s"], document["waves"]) == (3, 1, 40, 1)
    assert document["warnings"] == ["odd"]
    assert document["saved"] is None


def test_why_there_is_none_is_printed(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clash = [Clash("capacity", "capacity", "web", "h-1", "at most [red]2[/red] here")]
    answer(monkeypatch, a_result(None, Status.INFEASIBLE, reason="no_placement", clash=clash))
    done = run("migrate", estate, "--drain", "h-0")
    assert "reason: no_placement" in done.out
    assert "at most [red]2[/red] here" in done.out  # markup in data is text
    blocked = ["2 movements wait for each other: web, db"]
    migration = a_migration(steps=[], order_status=Status.INFEASIBLE, reason="no_order", blocked=blocked)
    answer(monkeypatch, a_result(migration, Status.INFEASIBLE, reason="no_order", blocked=blocked))
    done = run("migrate", estate, "--drain", "h-0")
    assert "reason: no_order" in done.out
    assert "2 movements wait for each other" in done.out
    assert "There is nothing to carry out: no order leads to the target." in done.out


def test_a_runbook_saves_the_migration_that_it_speaks_of(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, a_result(a_migration()))
    assert run("migrate", estate, "--mend", "--runbook", "m.md").code == 0
    assert load_migration("tiny-halls.migration.json") == a_migration()
    assert "tiny-halls.migration.json" in Path("m.md").read_text("utf-8")


def test_an_interrupted_run_keeps_the_best(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, a_result(a_migration(), interrupted=True))
    done = run("migrate", estate, "--mend")
    assert "interrupted; best plan saved in tiny-halls.migration.json" in done.err
    assert load_migration("tiny-halls.migration.json") == a_migration()


def test_files_that_cannot_be_written_are_told_before_the_work(
    estate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, a_result(a_migration()))
    for option in ("-o", "--runbook"):
        assert_one_line(run("migrate", estate, "--mend", option, "none/x"), "none/x: cannot be written")
    assert asked == {}


def test_large_migrations_are_cut_in_the_table_only(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    actions = [Action(id=f"m-{n}", kind="move", group=f"g{n}", source="h-0", target="h-1") for n in range(200)]
    steps = [
        Step(id=f"s-{n}", action=f"m-{n}", do=Operation.LIVE_MIGRATE, start_s=n, end_s=n + 1, wave=n + 1)
        for n in range(200)
    ]
    answer(monkeypatch, a_result(a_migration(actions=actions, steps=steps)))
    done = run("migrate", estate, "--mend")
    assert " … and 140 more" in done.out
    assert "200 instances in all" in done.out


# ------------------------------------------------------------------ usage and bad input


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--max-moves", "3"),
        ("--drain", "h-0", "--done", "x"),
        ("--drain", "h-0", "--save-estate", "x.json"),
        ("--resume", "m.json", "--drain", "h-0"),
        ("--rebalance", "1.5"),
        ("--rebalance", "nan"),
        ("--drain", "h-0", "--time-limit", "0"),
        ("--drain", "h-0", "--max-moves", "-1"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: tuple[str, ...], estate: Path) -> None:
    done = run("migrate", estate, *arguments)
    assert (done.code, done.out) == (2, "")


def test_bad_events_are_one_line(estate: Path) -> None:
    assert_one_line(run("migrate", estate, "--fail", "h-9"), "--fail: unknown domain h-9. Maybe h-")
    assert_one_line(run("migrate", estate, "--fail", "h-0", "--drain", "h-0"), "h-0 cannot be failed and")
    assert_one_line(run("migrate", estate, "--mend", "--to", "none.json"), "none.json: no such file")
    assert_one_line(run("migrate", estate, "--drain", "h-0", "--strictly"), "strictly goes with mend")


def test_a_rest_is_refused_where_it_cannot_be(estate: Path) -> None:
    save_migration(a_migration(), "stale.json")
    resume = ("migrate", estate, "--resume")
    assert_one_line(run(*resume, "stale.json"), "stale.json: was made for another state of the estate")
    fingerprint = load_world(estate).estate.fingerprint
    save_migration(a_migration(estate_fingerprint=fingerprint), "m.json")
    done = run(*resume, "m.json", "--done", "move-1.lvie")
    assert_one_line(done, "--done: the migration has no step, action or wave move-1.lvie. Maybe move-1.live?")
    assert_one_line(run(*resume, "m.json", "--done", "move-1", "--failed", "wave:1"), "cannot be done and failed")
    assert_one_line(run(*resume, "m.json", "--done", "@none.txt"), "none.txt: cannot be read")
    save_plan(Plan(plan="p", estate_fingerprint="", status=Status.FEASIBLE), "plan.json")
    assert_one_line(run(*resume, "plan.json"), "is a plan where a migration belongs")


def test_steps_are_named_in_many_ways(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("migrate", estate, "--drain", "h-0", "-o", "m.json", "--workers", "1", "--quiet")
    migration = load_migration("m.json")
    asked = answer(monkeypatch, a_result(a_migration()))
    Path("done.txt").write_text("\n".join(action.id for action in migration.actions) + "\n\n")

    def left(*options: str) -> int:
        done = run("migrate", estate, "--resume", "m.json", *options)
        assert done.code == 0, done.err
        world = asked["world"]
        return sum(n for u in world.units for s, n in u.current.items() if world.tree.nodes[s].id == "h-0")

    steps = ",".join(step.id for step in migration.steps)
    waves = ",".join(f"wave:{step.wave}" for step in migration.steps)
    assert left() == 4
    for options in (("--done", "all"), ("--done", "@done.txt"), ("--done", steps), ("--done", waves)):
        assert left(*options) == 0
    assert left("--done-until", str(migration.makespan_s)) == 0
    assert left("--done-until", "0") == 4
    assert left("--done-until", str(migration.makespan_s), "--failed", "all") == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update(steps=5), ("m.json:", "steps: should be a list")),
        (lambda m: m["steps"][0].update(do="dance"), ("steps[0].do", "should be")),
        (lambda m: m["steps"][0].update(do="live_migrat"), ("Maybe live_migrate?",)),
        (lambda m: m["steps"][0].update(start_s=-1), ("steps[0].start_s", "at least 0")),
        (lambda m: m["steps"][0].update(end_s=10**12), ("steps[0].end_s", "at most")),
        (lambda m: m["steps"][0].update(end_s=1.5), ("steps[0].end_s", "whole number")),
        (lambda m: m["steps"][0].update(wave=0), ("steps[0].wave", "at least 1")),
        (lambda m: m["steps"][0].update(commnd="x"), ("unknown field commnd. Maybe command?",)),
        (lambda m: m["steps"][0].update(action="nobody"), ("nobody",)),
        (lambda m: m["steps"].append(m["steps"][0]), ("twice",)),
        (lambda m: m["actions"].append(m["actions"][0]), ("twice",)),
        (lambda m: m["actions"][0].update(group="wbe"), ("unknown group wbe. Maybe web?",)),
        (lambda m: m["actions"][0].update(target="h-99"), ("h-99",)),
        (lambda m: m["actions"][0].update(recipe="by-hand"), ("by-hand",)),
        (lambda m: m["actions"][0].update(count=0), ("actions[0].count", "at least 1")),
        (lambda m: m["event"].update(drain=["h-77"]), ("h-77",)),
        (lambda m: m.update(event={}), ("event", "names nothing")),
        (lambda m: m.update(format=2), ("format", "at most 1")),
        (lambda m: m.update(estate_fingerprint="0" * 64), ("another state of the estate",)),
        (lambda m: m.update(migration="\x1b[1m"), ("migration",)),
    ],
)
def test_a_migration_that_is_wrong_is_one_line(change: Any, words: tuple[str, ...], estate: Path) -> None:
    migration = a_migration(estate_fingerprint=load_world(estate).estate.fingerprint)
    data = json.loads(migration.model_dump_json(exclude_defaults=True))
    change(data)
    Path("m.json").write_text(json.dumps(data, indent=1))
    done = run("check", estate, "m.json")
    assert_one_line(done, "m.json", *words)


def test_an_estate_where_a_plan_belongs_is_said_to_be(estate: Path) -> None:
    assert_one_line(run("check", estate, estate), "is an estate where a plan or a migration belongs")


def test_a_huge_migration_is_refused_at_its_first_fault(estate: Path) -> None:
    step = '{"id": "s", "action": "move-1", "do": "stop", "start_s": 0, "end_s": "soon"}'
    head = '{"migration": "m", "estate_fingerprint": "", "status": "OPTIMAL", "order_status": "OPTIMAL", '
    text = head + f'"event": {{"mend": true}}, "steps": [{",".join([step] * 300_000)}]}}'
    Path("m.json").write_text(text)
    began = time.process_time()
    assert_one_line(run("check", estate, "m.json"), "m.json", "steps[0].end_s: should be a whole number")
    assert time.process_time() - began < 10


def test_a_broken_migration_is_a_finding(estate: Path) -> None:
    run("migrate", estate, "--drain", "h-0", "-o", "m.json", "--workers", "1", "--quiet")
    migration = load_migration("m.json")
    short = [step.model_copy(update={"end_s": step.start_s + 1}) for step in migration.steps]
    save_migration(migration.model_copy(update={"steps": short}), "short.json")
    done = run("check", estate, "short.json")
    assert done.code == 5
    assert "not valid" in done.out
    assert "duration" in done.out
    document = json.loads(run("check", estate, "short.json", "--json").out)
    assert document["violations"][0]["fault"] == "duration"
    save_migration(migration.model_copy(update={"moves": 1}), "lie.json")
    done = run("check", estate, "lie.json")
    assert done.code == 5
    assert "The migration says what is not so" in done.out


def test_losses_are_a_finding_of_check(estate: Path) -> None:
    text = ESTATE.replace("{id: db, count: 2,", "{id: db, count: 2, pinned: true,")
    estate.write_text(text)
    done = run("migrate", estate, "--fail", "h-0", "-o", "m.json", "--workers", "1")
    assert done.code == 5, done.err
    assert "lost 1" in done.out
    checked = run("check", estate, "m.json")
    assert checked.code == 5
    assert "the migration is valid, 0 faults, 1 instances lost" in checked.out


def test_the_readme_prints_what_migrate_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its lines are those of the answer, in their order; its call from Python runs."""
    blocks = [content for _, _, content in fences((ROOT / "README.md").read_text("utf-8"))]
    monkeypatch.chdir(tmp_path)
    Path("today.yaml").write_text(next(block for block in blocks if "estate: night-shop" in block), "utf-8")
    done = run("migrate", "today.yaml", "--fail", "south", "-o", "way-back.json", "--runbook", "way-back.md")
    assert done.code == 0, done.err
    promised = next(block for block in blocks if block.startswith("south failed"))
    printed = iter([line.rstrip() for line in done.out.splitlines()])
    for line in promised.splitlines():
        assert line.rstrip() in printed, line
    assert run("check", "today.yaml", "way-back.json", "--bound").code == 0
    exec(compile(next(block for block in blocks if "plan_migration(" in block), "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("4 60\n")


def test_help_teaches() -> None:
    done = run("migrate", "--help")
    assert done.code == 0
    for words in ("zonewright migrate shop-guangzhou", "no_order", "130", "--resume"):
        assert words in done.out


def test_the_schema_of_a_migration_is_published() -> None:
    assert "actions" in json.loads(run("schema", "migration").out)["properties"]
