"""Migrations with anything changed in them are judged, compared and written down, or refused: never a crash."""

from __future__ import annotations

import copy
import io
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from rich.console import Console

from zonewright.models import InputError, World, estate_from_text
from zonewright.models.events import Event
from zonewright.models.executor import estate_after, execute
from zonewright.models.migration import Migration
from zonewright.models.operations import Operation
from zonewright.models.reading import Document, validate
from zonewright.report.differences import Side, difference
from zonewright.report.migration_documents import migration_check_document
from zonewright.report.migration_table import print_migration, print_migration_check
from zonewright.report.runbook import runbook_text
from zonewright.solver import plan_migration

ESTATE = """\
estate: two-regions
taken_at: 2026-03-01T02:00:00+01:00
regions: [{id: east}, {id: west}]
zones:
  - {id: e1, in: east, capacity: {cpu_cores: 40}}
  - {id: e2, in: east, capacity: {cpu_cores: 40}}
  - {id: w1, in: west, capacity: {cpu_cores: 40}}
groups:
  - {id: web, count: 6, demand: {cpu_cores: 2}, image: gold, current: {e1: 3, e2: 3}}
  - {id: db, count: 3, demand: {cpu_cores: 2}, stateful: true, priority: 5}
  - {id: standby, count: 1, demand: {cpu_cores: 2}, stateful: true, standby_of: db, current: {e2: 1}}
instances:
  - {id: db-1, group: db, site: e1, elastic_ips: [eip-1]}
  - {id: db-2, group: db, site: e1, snapshots: [copy-2], disks: [disk-2]}
  - {id: db-3, group: db, site: e1, snapshots: [copy-3]}
elastic_ips: [{id: eip-1, region: east}]
disks: [{id: disk-2, zone: e1, size_gib: 50}]
images: [{id: gold, regions: [east, west]}]
snapshots:
  - {id: copy-2, of: db-2, region: west, taken_at: 2026-02-28T01:15:00+01:00}
  - {id: copy-3, of: db-3, region: east, taken_at: 2026-02-28T01:15:00+01:00}
"""

THINGS = ["eip-1", "disk-2", "gold", "nothing", None]
NAMES = ["east", "e1", "e2", "w1", "web", "db", "standby", "nobody", None]


def _of_step(rng: random.Random, data: dict[str, Any]) -> dict[str, Any]:
    """Return one field of a step, with anything in it that the format takes."""
    steps, actions = data["steps"], data["actions"]
    fields: dict[str, list[Any]] = {
        "do": [operation.value for operation in Operation],
        "thing": THINGS,
        "at": NAMES,
        "cidr": ["10.0.0.0/24", "10.0.0.1/8", "nothing"],
        "start_s": [0, 5, 10**8],
        "end_s": [0, 1, 100, 10**8],
        "needs": [[rng.choice(steps)["id"]], ["nothing"]] if steps else [[]],
        "mib_per_second": [1, 10**6],
        "serves": [True, False],
        "interrupts": [True, False],
        "wave": [1, 2, 10**6],
        "action": [action["id"] for action in actions] + ["nobody"],
    }
    name = rng.choice(list(fields))
    return {name: rng.choice(fields[name])}


def _of_action(rng: random.Random) -> dict[str, Any]:
    """Return one field of an action, with anything in it that the format takes."""
    recipes = ["cloud-start-anew", "operator-live", "cloud-takeover", "operator-stop-start", "nothing", None]
    fields: dict[str, list[Any]] = {
        "kind": ["move", "bypass", "recovery", "takeover", "start", "resource"],
        "recipe": recipes,
        "group": ["web", "db", "standby", "nobody", None],
        "count": [1, 2, 10**8],
        "instances": [[], ["db-1"], ["db-1", "db-1"], ["web[3]"]],
        "source": NAMES,
        "target": NAMES,
        "subnet": ["nothing", None],
        "takes_over": NAMES,
        "downtime_s": [0, 10**8],
        "data_loss_minutes": [0.0, -5.0, 1e300],
    }
    name = rng.choice(list(fields))
    return {name: rng.choice(fields[name])}


def _of_top(rng: random.Random) -> dict[str, Any]:
    """Return one field of the migration itself."""
    events = [{"mend": True}, {"fail": ["e2"]}, {"drain": ["west"]}, {"restore": ["e1"]}, {"to": True}]
    fields: dict[str, list[Any]] = {
        "event": [*events, {"consolidate": True}, {"rebalance": 0.0}],
        "target": [None],
        "moves": [0, 7],
        "starts_at": ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", None],
        "ruled_out": [[{"rule": "avoid", "together": [{"group": "nobody", "domain": "e1"}]}]],
        "losses": [[{"group": g, "count": 10**8, "reason": "no_room", "message": "m"}] for g in ("web", "nobody")],
        "order_status": ["INFEASIBLE", "UNKNOWN"],
    }
    name = rng.choice(list(fields))
    return {name: rng.choice(fields[name])}


def mutant(rng: random.Random, base: dict[str, Any]) -> dict[str, Any]:
    """Return a migration's data with one to four things changed, doubled or left out."""
    data = copy.deepcopy(base)
    for _ in range(rng.choice([1, 1, 2, 4])):
        section = rng.choice(["steps", "steps", "actions", "top"])
        if section == "top":
            data.update(_of_top(rng))
            continue
        entries = data[section]
        if not entries:
            continue
        place = rng.randrange(len(entries))
        what = rng.random()
        if what < 0.1:
            entries.pop(place)
        elif what < 0.2:
            twin = copy.deepcopy(entries[place])
            twin["id"] += rng.choice(["", "-twin"])
            entries.append(twin)
        else:
            entries[place].update(_of_step(rng, data) if section == "steps" else _of_action(rng))
    return data


@pytest.mark.parametrize("event", [Event(fail=["e1"]), Event(drain=["e1"]), Event(fail=["east"])], ids=str)
def test_mutants_are_judged_or_refused(event: Event) -> None:
    world = World(estate_from_text(ESTATE))
    result = plan_migration(world, event=event, workers=1, time_limit_s=20)
    assert result.migration is not None
    base = result.migration.model_dump(mode="json", exclude_defaults=True)
    whole = result.migration
    rng = random.Random(7)
    taken = judged = 0

    def judge(migration: Migration) -> None:
        nonlocal judged
        execution = execute(world, migration)
        migration_check_document(world, migration, execution, None)
        if not judged % 5:  # Tables are slow to draw.
            print_migration_check(console, world, migration, execution, None)
            print_migration(console, world, migration)
        judged += 1

    def rest(migration: Migration) -> None:
        World(estate_after(world, migration, {step.id for step in migration.steps if rng.random() < 0.6}))

    def compare(migration: Migration) -> None:
        difference(
            Side("1", "migration", whole.target, whole), Side("2", "migration", migration.target, migration)
        )

    for _ in range(100):
        try:
            migration = validate(Migration, Document(mutant(rng, base), None, None))
        except InputError:
            continue
        taken += 1
        console = Console(file=io.StringIO(), width=200)
        uses: list[Callable[[Migration], None]] = [judge, rest, compare]
        for use in uses:
            with suppress(InputError):
                use(migration)
        assert runbook_text(world, migration, estate_file="e", plan_file="m").startswith("# Runbook: ")
    assert taken > 60
    assert judged > 30
