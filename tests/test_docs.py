"""What the pages say is what the code does: examples run, tables of fields agree, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.command import run
from tests.pages import DOCS, ROOT, Example, examples, fences, pages
from zonewright.cli.exits import Exit
from zonewright.models import Estate, Plan, World, check_plan, estate_from_text, load_estate
from zonewright.models.reading import parse_yaml, validate
from zonewright.models.rules import all_rules
from zonewright.report.meanings import BY_FIELD
from zonewright.report.reference import anchors, fields_of, filled, meaning, models, own_words
from zonewright.solver import place, verify_bound

EXAMPLES = [example for page in pages() for example in examples(page)]
README = (ROOT / "README.md").read_text("utf-8")


def _world(example: Example) -> World:
    return World(estate_from_text(example.estate, source=str(example)))


def _said(violation: Any) -> dict[str, Any]:
    """Return a violation as pages write it."""
    fields = {"label": violation.label, "group": violation.group, "domain": violation.domain}
    shown: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    shown["amount"] = violation.amount
    if not violation.hard:
        shown["soft"] = True
    return shown


def _sorted(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: sorted((k, str(v)) for k, v in entry.items()))


@pytest.mark.parametrize(
    ("example", "number"),
    [(e, n) for e in EXAMPLES for n in range(len(e.judged))],
    ids=lambda value: str(value),
)
def test_a_plan_breaks_what_its_page_says_and_nothing_else(example: Example, number: int) -> None:
    """Every violation on the page is found, with its amount, and no other."""
    text, promised = example.judged[number]
    report = check_plan(_world(example), validate(Plan, parse_yaml(text, str(example))))
    assert _sorted([_said(v) for v in report.violations]) == _sorted(promised)
    assert not report.claims


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.answer is not None], ids=str)
def test_place_answers_as_its_page_says(example: Example) -> None:
    """Status, every goal's value, the reason, and who is where: as much of it as the page gives."""
    world = _world(example)
    promised = dict(example.answer or {})
    result = place(world, time_limit_s=20, workers=1, partial=promised.pop("partial", False))
    assert result.status.value == promised.pop("status")
    if "clash" in promised:
        assert result.clash_minimal
        assert sorted({clash.label for clash in result.clash}) == sorted(promised.pop("clash"))
    if "objective" in promised:
        assert {goal.goal: goal.value for goal in result.objective} == promised.pop("objective")
    assert result.plan is not None
    if "placements" in promised:
        where: dict[str, dict[str, int]] = {}
        for entry in result.plan.placements:
            of_group = where.setdefault(entry.group, {})
            of_group[entry.site] = of_group.get(entry.site, 0) + entry.count
        assert where == promised.pop("placements")
    for name in ("balancers", "subnets", "new_subnets", "scenarios", "unplaced", "image_copies", "not_proven"):
        if name in promised:
            found = result.plan.model_dump(mode="json", exclude_defaults=True).get(name, [])
            assert found == promised.pop(name)
    assert not promised
    assert check_plan(world, result.plan).valid
    assert all(finding.confirmed for finding in verify_bound(world, result.plan, time_limit_s=20))


def test_every_rule_has_a_page_with_an_example_that_breaks_it() -> None:
    """One page per kind of rule, named after it; on each, a plan that breaks it, or the word that none can."""
    kinds = {rule.rule for _, rule in all_rules(World(estate_from_text("estate: e\nzones: [{id: z}]")))}
    kinds |= _stated()
    written = {page.stem for page in (DOCS / "rules").glob("*.md")} - {"README"}
    assert written == kinds
    for kind in kinds:
        broken = set()
        for example in examples(DOCS / "rules" / f"{kind}.md"):
            of_label = {label: rule.rule for label, rule in all_rules(_world(example))}
            broken |= {of_label[v["label"]] for _, promised in example.judged for v in promised}
        honest = "No placement breaks this rule" in (DOCS / "rules" / f"{kind}.md").read_text("utf-8")
        assert (kind in broken) != honest, f"no plan on {kind}.md breaks it"


def _stated() -> set[str]:
    """Return the kinds of rules that an estate can hold, as its schema names them."""
    return set(Estate.model_json_schema()["properties"]["rules"]["items"]["discriminator"]["mapping"])


def test_the_index_of_rules_names_them_all() -> None:
    """Every page of a rule is linked from the index."""
    index = (DOCS / "rules" / "README.md").read_text("utf-8")
    for page in (DOCS / "rules").glob("*.md"):
        assert page.stem == "README" or f"({page.name})" in index


def test_tables_of_fields_are_those_of_the_models() -> None:
    """`python -m zonewright.report.reference docs` would change nothing."""
    links = anchors(DOCS)
    for page in sorted(DOCS.rglob("*.md")):
        text = page.read_text("utf-8")
        assert filled(text, page.relative_to(DOCS), links) == text, f"{page.name} is behind the models"


def test_every_record_of_an_estate_and_a_plan_has_its_table() -> None:
    """No kind of record is left out of the reference, no field without a meaning, no meaning without a field."""
    shown = set(re.findall(r"<!-- fields: (\w+)", "".join(p.read_text("utf-8") for p in DOCS.rglob("*.md"))))
    abstract = {"Record", "Attachments", "Regional", "GroupRule", "ReachRule", "Placed"}
    implicit = {name for name, model in models().items() if getattr(model, "implicit", False)}
    assert set(models()) - shown - abstract - implicit == set()
    without: list[str] = []
    needed: set[str] = set()
    for name, model in models().items():
        for key, field, _ in fields_of(model):
            if not meaning(model, key, field):
                without.append(f"{name}.{key}")
            if not own_words(model, field):
                needed.add(f"{name}.{key}")
    assert not without
    assert set(BY_FIELD) <= needed, "the model says it by itself now"


def test_links_between_pages_lead_somewhere() -> None:
    """Files exist, and headings are in them."""
    for page in pages():
        text = _prose(page.read_text("utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target:
                continue
            path, _, heading = target.partition("#")
            other = (page.parent / path).resolve() if path else page
            assert other.exists(), f"{page.name} links to {target}"
            if heading and other.suffix == ".md":
                assert heading in _headings(other), f"{page.name} links to {target}"


def _prose(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def _headings(page: Path) -> set[str]:
    lines = re.findall(r"^#+ (.+)$", _prose(page.read_text("utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def test_pages_name_no_machine() -> None:
    """No path of somebody's machine."""
    for page in pages():
        assert not re.search(r"(?<![\w.])/(home|root|work|opt|tmp|Users)/", page.read_text("utf-8")), page.name


def _readme(language: str, begins: str) -> str:
    return next(content for kind, _, content in fences(README) if kind == language and begins in content)


def test_the_readme_prints_what_place_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The estate of the README gives the table of the README; only the seconds differ."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "estate.yaml").write_text(_readme("yaml", "estate: corner-shop"), "utf-8")
    outcome = run("place", "estate.yaml", "-o", "plan.json")
    assert outcome.code == Exit.DONE
    promised = _readme("text", "corner-shop: OPTIMAL")
    assert _without_seconds(outcome.out) == _without_seconds(promised)
    assert run("check", "estate.yaml", "plan.json", "--bound").code == Exit.DONE


def _without_seconds(text: str) -> list[str]:
    return [re.sub(r"\d+\.\d+ s,", "... s,", line.rstrip()) for line in text.strip().splitlines()]


def test_the_readme_calls_the_library_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The call runs as it stands and prints a proven plan."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "estate.yaml").write_text(_readme("yaml", "estate: corner-shop"), "utf-8")
    exec(compile(_readme("python", "import place"), "README.md", "exec"), {})
    out = capsys.readouterr().out
    assert out.startswith("OPTIMAL 0.0\n")
    assert load_estate("estate.yaml").estate == "corner-shop"


def test_the_readme_lists_the_exit_codes() -> None:
    """Each code once, and no other."""
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", README, flags=re.MULTILINE)]
    assert codes == sorted(code.value for code in Exit)
