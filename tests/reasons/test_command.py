"""`zonewright explain` from the outside: exit codes, documents, tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import run
from zonewright.cli.exits import Exit

ESTATE = """
estate: small
zones:
  - {id: north, capacity: {cpu_cores: 4}, price: {cpu_cores: 1}}
  - {id: south, capacity: {cpu_cores: 4}, price: {cpu_cores: 2}}
groups:
  - {id: web, count: 5, demand: {cpu_cores: 1}, current: {south: 1}}
rules:
  - {rule: quota, id: few, domain: north, most: 3, groups: [web]}
goals: [placed, cost]
"""


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(ESTATE, encoding="utf-8")
    return path


def test_a_plan_is_explained_in_a_document(estate: Path) -> None:
    """Parts add up, the quota binds, and what one more of it gives is proven."""
    outcome = run("explain", estate, "--json", "--quiet", "--workers", 1)
    assert (outcome.code, outcome.err) == (Exit.DONE, "")
    found = json.loads(outcome.out)
    values = {goal["goal"]: goal["value"] for goal in found["objective"]}
    assert sum(part["value"] for part in found["parts"] if part["goal"] == "cost") == values["cost"] == 70_000
    (quota,) = [entry for entry in found["binding"] if entry["label"] == "few"]
    assert (quota["used"], quota["limit"], quota["gain"]["change"], quota["proven"]) == (3, 3, -10_000, True)
    assert quota["edits"] == ["rules.few.most=4"]


def test_tables_say_it_in_words(estate: Path, tmp_path: Path) -> None:
    """Why there, why not there, what binds, and the difference to another plan."""
    plan = tmp_path / "plan.json"
    assert run("place", estate, "-o", plan, "--quiet", "--workers", 1).code == 0
    asked = run("explain", estate, plan, "--why", "web[2]", "--why-not", "web@north", "--workers", 1, "-q")
    assert asked.code == Exit.DONE
    for said in ("one more there", "quota", "it is there: 3 instances"):
        assert said in asked.out.replace("few", "quota")
    assert "What binds" not in asked.out
    whole = run("explain", estate, plan, "--against", plan, "--workers", 1, "-q")
    for said in ("What cost is made of: 7.00 USD", "What binds", "1.00 USD less in cost (proven)"):
        assert said in whole.out
    assert "Against the other plan" not in whole.out


def test_every_ending_has_its_exit_code(estate: Path, tmp_path: Path) -> None:
    """Impossible, an invalid plan, bad names, bad input: kept apart."""
    impossible = tmp_path / "impossible.yaml"
    impossible.write_text(ESTATE.replace("count: 5", "count: 9"), encoding="utf-8")
    outcome = run("explain", impossible, "--workers", 1, "-q")
    assert outcome.code == Exit.IMPOSSIBLE
    for said in ("reason: no_placement", "--set", "groups.web.count="):
        assert said in outcome.out
    broken = tmp_path / "broken.json"
    plan = {
        "plan": "small",
        "estate_fingerprint": "",
        "status": "FEASIBLE",
        "placements": [{"group": "web", "site": "north", "count": 5}],
    }
    broken.write_text(json.dumps(plan), encoding="utf-8")
    outcome = run("explain", estate, broken, "--no-binding", "-q")
    assert outcome.code == Exit.FINDINGS
    assert "The plan breaks" in outcome.out
    outcome = run("explain", estate, "--why", "wbe", "-q")
    assert (outcome.code, outcome.out) == (Exit.ERROR, "")
    assert "Maybe web?" in outcome.err
    outcome = run("explain", estate, "--why-not", "web", "-q")
    assert outcome.code == Exit.ERROR
    assert len(outcome.err.splitlines()) == 1


def test_a_migration_is_explained_by_its_target(tmp_path: Path) -> None:
    """After the loss of a zone: who left it and why, on what is left of the estate."""
    estate = tmp_path / "two.yaml"
    estate.write_text(
        "estate: two\nzones: [{id: a, capacity: {cpu_cores: 8}}, {id: b, capacity: {cpu_cores: 8}}]\n"
        "groups: [{id: web, count: 4, demand: {cpu_cores: 1}, current: {a: 2, b: 2}, image: base}]\n"
        "images: [{id: base}]\n",
        encoding="utf-8",
    )
    migration = tmp_path / "way.json"
    assert run("migrate", estate, "--fail", "a", "-o", migration, "--quiet", "--workers", 1).code == 0
    outcome = run("explain", estate, migration, "--why", "web", "--json", "-q", "--workers", 1)
    assert outcome.code == Exit.DONE
    (answer,) = json.loads(outcome.out)["why"]
    assert (answer["planned"], answer["today"], answer["left"]) == ({"b": 4}, {"a": 2, "b": 2}, ["a"])
    (gone,) = [site for site in answer["sites"] if site["site"] == "a"]
    assert (gone["verdict"], gone["obstacles"][0]["rule"]) == ("closed", "zone_state")


def test_what_binds_in_the_shop_is_what_its_page_says() -> None:
    """The figures of `docs/explain.md`."""
    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text("utf-8")
    outcome = run("explain", "shop-guangzhou", "--workers", 1, "-q")
    rows = [line.split("|")[1:-1] for line in page.splitlines() if "CNY less in cost (proven) |" in line]
    assert len(rows) == 5
    for row in rows:
        (line,) = [line for line in outcome.out.splitlines() if line.startswith(f"{row[0].strip()} ")]
        for cell in row:
            assert cell.strip() in line
