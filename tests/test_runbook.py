"""Runbooks: what Markdown makes of them, that nothing is left out, and that texts cannot become markup."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from zonewright.models import World, estate_from_text
from zonewright.models.events import Event
from zonewright.models.migration import Action, Change, Degraded, Loss, Migration, Step
from zonewright.models.operations import EFFECTS, Operation
from zonewright.models.plan import GoalValue, Status
from zonewright.report.clock import clock_text, minutes_text, span_text, spoken, when_text
from zonewright.report.doings import DOINGS
from zonewright.report.runbook import runbook_text
from zonewright.report.waves import blocks_of, waves_of

ESTATE = """\
estate: shop
taken_at: 2026-01-31T23:59:00+03:00
zones: [{id: a}, {id: b}, {id: c}]
groups:
  - {id: web, count: 40, demand: {cpu_cores: 1}, current: {a: 20, b: 20}}
  - {id: db, count: 2, demand: {cpu_cores: 4}, stateful: true}
  - {id: spare, count: 1, demand: {cpu_cores: 4}, current: {b: 1}, standby_of: db}
instances:
  - {id: db-1, group: db, site: a, disks: [d1, d2]}
  - {id: db-2, group: db, site: b}
disks: [{id: d1}, {id: d2}]
services: [{id: front, chain: [web, db]}]
migration:
  most_at_once: 5
  recipes:
    - id: anew
      name: New from the image
      kind: recovery
      source: {assumption: seen once}
      steps:
        - {do: create_instance, seconds: 60, serves: true, command: "cloud create {instance} --zone {target}",
           check: "{instance} answers", undo: "cloud delete {instance}"}
"""

MARKDOWN = MarkdownIt("commonmark").enable("table")


def world() -> World:
    return World(estate_from_text(ESTATE))


def a_migration(actions: Sequence[Action], steps: Sequence[Step], **others: object) -> Migration:
    fields: dict[str, object] = {
        "migration": "shop",
        "estate_fingerprint": "0123456789abcdef" * 4,
        "event": Event(fail=["a"]),
        "status": Status.OPTIMAL,
        "order_status": Status.OPTIMAL,
        "actions": list(actions),
        "steps": list(steps),
    }
    return Migration.model_validate({**fields, **others})


def recovery(
    number: int, *, count: int = 5, target: str = "b", start: int = 0, wave: int = 1
) -> tuple[Action, Step]:
    """Return a batch of `web` that is created anew, and its step."""
    name = f"recovery-{number}"
    action = Action(
        id=name, kind="recovery", recipe="anew", group="web", count=count, source="a", target=target, downtime_s=60
    )
    step = Step(
        id=f"{name}.create",
        action=name,
        do=Operation.CREATE_INSTANCE,
        start_s=start,
        end_s=start + 60,
        wave=wave,
        serves=True,
        command=f"cloud create web-{number} --zone {target}",
    )
    return action, step


def text_of(migration: Migration, **files: str) -> str:
    return runbook_text(
        world(), migration, estate_file=files.get("estate", "e.yaml"), plan_file=files.get("plan", "m.json")
    )


def headings(text: str) -> list[tuple[str, str]]:
    tokens = MARKDOWN.parse(text)
    return [(token.tag, tokens[n + 1].content) for n, token in enumerate(tokens) if token.type == "heading_open"]


def flat(tokens: Sequence[Token]) -> list[Token]:
    return [t for token in tokens for t in (token, *(token.children or ()))]


def fenced(text: str) -> list[str]:
    return [token.content.strip() for token in MARKDOWN.parse(text) if token.type == "fence"]


def test_every_operation_is_in_words() -> None:
    assert set(DOINGS) == set(EFFECTS) == set(Operation)
    for doing in DOINGS.values():
        for text in (doing.do, doing.check, doing.undo):
            assert text.endswith("."), text
            assert set(re.findall(r"\{(\w+)\}", text)) <= {"instance", "source", "target", "thing", "count"}


def test_equal_actions_are_one_line_with_their_count() -> None:
    pairs = [recovery(n, count=3) for n in range(4)] + [recovery(9, target="c")]
    migration = a_migration([a for a, _ in pairs], [s for _, s in pairs])
    (wave,) = waves_of(migration)
    assert [(line.count, line.action.target) for line in wave.lines] == [(12, "b"), (5, "c")]
    assert [len(block) for block in blocks_of(wave)] == [2]
    text = text_of(migration)
    assert "**12 of `web` recovered, `a` to `b`**" in text
    assert "for each of the 4" in text
    assert "cloud create {instance} --zone {target}" in fenced(text)
    assert "cloud create web-9 --zone c" in fenced(text)


def test_every_step_of_its_own_has_one_box_with_its_name() -> None:
    pairs = [
        recovery(n, target=t, wave=w, start=60 * w) for n, (t, w) in enumerate([("b", 1), ("c", 1), ("b", 2)])
    ]
    migration = a_migration([a for a, _ in pairs], [s for _, s in pairs])
    text = text_of(migration)
    for step in migration.steps:
        boxes = [line for line in text.splitlines() if line.startswith("- [ ] **") and f"`{step.id}`" in line]
        assert len(boxes) == 1, step.id
    assert [title for tag, title in headings(text) if tag == "h2"] == [
        "Before you begin",
        "Wave 1",
        "Wave 2",
        "When all waves are done",
        "When `a` comes back",
    ]


def test_many_lines_of_one_kind_share_their_steps() -> None:
    sites = ["b", "c"]
    pairs = [recovery(n, target=sites[n % 2], count=n + 1) for n in range(2)]
    more = [
        (
            Action(id=f"db-{n}", kind="recovery", recipe="anew", group="db", count=1, source=s, target="c"),
            Step(
                id=f"db-{n}.create",
                action=f"db-{n}",
                do=Operation.CREATE_INSTANCE,
                start_s=n,
                end_s=n + 1,
                serves=True,
            ),
        )
        for n, s in enumerate(["a", "b"])
    ]
    pairs += more
    text = text_of(a_migration([a for a, _ in pairs], [s for _, s in pairs]))
    assert "### 1.1 5 instances recovered, `a`, `b` to `b`, `c`" in text
    assert text.count("**Create the instance**") == 1
    assert text.count("(`recovery-") == 2
    assert "What stands in braces is to be taken from the line." in text


def test_steps_come_with_command_check_and_way_back() -> None:
    action, step = recovery(1, count=1)
    text = text_of(a_migration([action], [step]))
    entry = text[text.index("- [ ] **Create the instance**") :]
    order = [entry.index(words) for words in ("- Do:", "cloud create web-1", "- Check:", "- If it fails:")]
    assert order == sorted(order)
    assert "cloud create web-1 --zone b" in fenced(text)


def test_a_batch_says_how_many_go_at_once() -> None:
    action, step = recovery(1, count=20)
    assert "No more than 5 at once" in text_of(a_migration([action], [step]))
    action, step = recovery(1, count=5)
    assert "No more than" not in text_of(a_migration([action], [step]))


def test_steps_of_other_actions_that_are_waited_for_are_named_with_their_section() -> None:
    first, one = recovery(1)
    second, two = recovery(2, target="c", start=60, wave=2)
    two = two.model_copy(update={"needs": [one.id, two.id]})
    text = text_of(a_migration([first, second], [one, two]))
    assert "- Not before this is done: `recovery-1.create` in 1.1\n" in text


def test_waves_that_overlap_are_not_closed_one_after_the_other() -> None:
    first, one = recovery(1)
    second, two = recovery(2, target="c", start=30, wave=2)
    text = text_of(a_migration([first, second], [one, two]))
    assert "Wave 2 begins at T+0:00:30, beside the rest of this one." in text
    assert "**Wave 1 is done.**" not in text
    third, three = recovery(2, target="c", start=60, wave=2)
    assert "**Wave 1 is done.**" in text_of(a_migration([first, third], [one, three]))


def test_fences_wait_for_the_return_and_say_which_copy_counts() -> None:
    action, step = recovery(1)
    fence = Step(
        id="recovery-1.fence",
        action="recovery-1",
        do=Operation.FENCE_ORIGINAL,
        at="a",
        start_s=60,
        end_s=60,
    )
    text = text_of(a_migration([action], [step, fence]))
    before, back = text.split("## When `a` comes back")
    assert "Fence" not in before
    assert "`recovery-1.fence`" in back
    assert "| `web` | 5 | in `b` | in `a` |" in back
    assert "zonewright migrate now.json --restore a" in fenced(back)


def test_a_takeover_names_the_standby() -> None:
    action = Action(
        id="t", kind="takeover", group="db", source="a", target="b", takes_over="spare", instances=["db-1"]
    )
    steps = [
        Step(id="t.off", action="t", do=Operation.DISSOCIATE_ADDRESS, thing="eip-1", start_s=0, end_s=5),
        Step(
            id="t.on", action="t", do=Operation.ASSOCIATE_ADDRESS, thing="eip-1", start_s=5, end_s=9, serves=True
        ),
    ]
    text = text_of(a_migration([action], steps, takeovers=1))
    assert "`db-1` of `db` taken over, `a` to `spare` in `b`" in text
    assert "| `db` | 1: `db-1` | in `b` (of `spare`) | in `a` |" in text


def test_losses_changes_and_degraded_rules_are_told_before_the_first_wave() -> None:
    action, step = recovery(1)
    change = Change(what="private_ip", of="web", before="10.0.0.1", count=5)
    action = action.model_copy(update={"changes": [change]})
    text = text_of(
        a_migration(
            [action],
            [step],
            losses=[Loss(group="db", count=1, reason="no_copy", message="has no copy", instances=["db-1"])],
            degraded=[Degraded(rule="far", group="web", message="two zones in place of three")],
            warnings=["mind the gap"],
        )
    )
    before = text[: text.index("## Wave 1")]
    assert "| `db` | 1: `db-1` | 0 | has no copy |" in before
    assert "- far, `web`: two zones in place of three" in before
    assert "| [ ] | private ip | `web` | 5 | 10.0.0.1 | ? |" in before
    assert "- [ ] Read: mind the gap" in before
    assert "- [ ] Told: the owner of `web`, part of `front`. It is away for up to 1 min." in before
    assert "exit code 5" in before


def test_files_are_quoted_for_the_shell() -> None:
    text = text_of(a_migration(*([x] for x in recovery(1))), estate="my estate;rm.yaml")
    assert "zonewright check 'my estate;rm.yaml' m.json" in fenced(text)


@pytest.mark.parametrize(
    "evil",
    ["<script>alert(1)</script>", "| a | b |", "**bold** _it_ [x](y) `z`", "``` \\ ~~~", "# heading", "- [ ] box"],
)
def test_texts_do_not_become_markup(evil: str) -> None:
    action, step = recovery(1, count=1)
    action = action.model_copy(update={"why": evil, "changes": [Change(what="vip", of="web", before=evil)]})
    step = step.model_copy(
        update={"console": evil, "command": evil, "check": evil, "undo": evil, "assumed": evil, "id": "s"}
    )
    plain = text_of(a_migration([action], [step.model_copy(update={"command": None, "console": "x"})]))
    losses = [Loss(group="db", count=1, reason="no_copy", message=evil)]
    text = text_of(a_migration([action], [step], losses=losses, warnings=[evil], assumptions=[evil]))
    tokens = flat(MARKDOWN.parse(text))
    assert not any(token.type in ("html_block", "html_inline", "link_open", "em_open") for token in tokens)
    assert evil in fenced(text)
    tables = [token for token in MARKDOWN.parse(text) if token.type == "table_open"]
    assert len(tables) == 4, "figures, losses, changes, copies"
    assert len(headings(text)) == len(headings(plain)) + 2, "losses, and what it rests on"
    shown = "".join(token.content for token in tokens if token.type == "text")
    assert evil in shown


def test_nothing_to_do_is_one_sentence() -> None:
    text = text_of(a_migration([], [], event=Event(mend=True)))
    assert text == "# Runbook: `shop`, rules mended\n\nThere is nothing to do.\n"


def test_two_texts_of_one_migration_are_equal() -> None:
    action, step = recovery(1)
    goal = GoalValue(goal="moves", value=3, bound=3)
    migration = a_migration([action], [step], objective=[goal], starts_at="2026-01-31T23:59:30+03:00")
    assert text_of(migration) == text_of(migration)
    assert "T+0:01:00 (2026-02-01 00:00:30)" in text_of(migration)
    assert "proven: no plan that loses as little moves less" in text_of(migration)
    assert "\n\n\n" not in text_of(migration)


def test_times_in_words() -> None:
    assert span_text(3_725) == "1:02:05"
    assert spoken(3_725) == "1 h 2 min 5 s"
    assert spoken(0) == "none"
    assert minutes_text(None) == "unknown"
    assert minutes_text(1.5) == "1 min 30 s"
    assert when_text(None, 60) == "T+0:01:00"
    assert clock_text(None, 0) == ""
    start = world().estate.taken_at
    assert clock_text(start, 59) == "23:59:59"
    assert clock_text(start, 10**8 * 10_000) == "beyond the calendar"
