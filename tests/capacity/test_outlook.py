"""Forecasts met: what is needed when, when to order it, and what it costs to survive more."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from tests.capacity.estates import built, halls
from tests.command import run
from zonewright.cli.exits import Exit
from zonewright.instances.writing import save_estate
from zonewright.models import InputError, Status
from zonewright.solver import cost_frontier, outlook

FORECAST = [
    {"date": "2027-01-01", "factor": 1},
    {"date": "2027-03-01", "groups": ["web"], "count": 9},
    {"date": "2027-06-01", "factor": 2},
]


def _data() -> dict[str, object]:
    data = halls(forecast=FORECAST, taken_at="2027-01-20T00:00:00+00:00")
    data["offers"] = [
        {"id": "small", "host": {"capacity": {"cpu_cores": 4}}, "zones": ["a", "b"], "price": 5, "lead_days": 50}
    ]
    return data


def test_every_purchase_has_its_day_and_its_order_its_own() -> None:
    """Needed by the first day that does not fit without it; ordered so many days before."""
    ahead = outlook(built(_data()), workers=1, time_limit_s=30)
    assert ahead.status is Status.OPTIMAL
    # 6 web servers of 2 cores and 2 databases of 3 need 16 cores on 4 hosts of 4: the databases waste one each.
    assert (ahead.stretches[0].day, ahead.stretches[0].fits) == (date(2027, 1, 1), False)
    assert [s.instances for s in ahead.stretches] == [8, 11, 16]
    costs = [s.cost for s in ahead.stretches]
    # Hosts of 4 cores: 2 for the databases, 3, 5 and 6 for web servers; then 4 and 6. Four are there.
    assert costs == [50_000, 150_000, 300_000]
    assert sum(p.cost for p in ahead.sizing.purchases) == ahead.sizing.cost == 300_000
    orders = {p.needed_by: p.order_by for p in ahead.sizing.purchases}
    assert orders[date(2027, 3, 1)] == date(2027, 1, 10)
    late = [text for text in ahead.sizing.warnings if "2027-01-10" in text]
    assert late
    assert not any("2027-04-12" in text for text in ahead.sizing.warnings)
    assert ahead.runs_out == date(2027, 1, 1)
    assert ahead.runs_out_of[0].what == "cpu_milli"
    assert list(ahead.frame()["cost"]) == [5.0, 15.0, 30.0]


def test_a_forecast_without_rows_is_refused() -> None:
    """And one that names nobody's group."""
    with pytest.raises(InputError, match="has no forecast"):
        outlook(built(halls()))


def test_surviving_more_costs_no_less() -> None:
    """Along the frontier of one level, and nothing is the least."""
    points = {p.survives: p.sizing for p in cost_frontier(built(halls()), workers=1, time_limit_s=60)}
    nothing = points["nothing"].cost or 0
    assert nothing == 50_000
    assert all((sizing.cost or 0) >= nothing for sizing in points.values() if sizing.cost is not None)
    assert (points["any one zone by evacuation"].cost or 0) > nothing


def test_the_command_saves_an_estate_and_a_plan_that_check(tmp_path: Path) -> None:
    """Sized, saved, placed by nobody else, checked."""
    path, sized, plan = tmp_path / "e.json", tmp_path / "sized.json", tmp_path / "plan.json"
    save_estate(built(halls()), path)
    options = ("--growth", "1.5", "--survive", "zone", "--workers", 1)
    done = run("capacity", path, *options, "-o", sized, "--plan", plan)
    assert done.code == Exit.DONE
    assert "halls: OPTIMAL" in done.out
    assert run("check", sized, plan).code == Exit.DONE
    told = run("capacity", path, *options, "--json", "--quiet")
    document = json.loads(told.out)
    assert document["status"] == "OPTIMAL"
    assert document["cost"] == document["bound"] == sum(p["cost"] for p in document["purchases"])


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    """Exit codes and one line each."""
    path = tmp_path / "e.json"
    save_estate(built(halls()), path)
    for options, said in (
        (("--growth", "web=lots"), "takes a factor"),
        (("--survive", "zones"), "Maybe zone"),
        (("--survive", "zone:4"), "LEVEL"),
        (("--set", "groups.wep.count=1"), "Maybe web"),
        (("--head-room", "wep"), "Maybe web"),
        (("--add-zone", "c=x"), "unknown zone x"),
        (("--scale", "wep=2"), "Maybe web"),
        (("--forecast", tmp_path / "none.csv"), "cannot be read"),
    ):
        failed = run("capacity", path, *options, "--quiet")
        assert failed.code == Exit.ERROR, options
        assert said in failed.err, options
        assert len(failed.err.strip().splitlines()) == 1
    assert run("capacity", path, "--set", "offers=[]", "--growth", "9", "--quiet").code == Exit.IMPOSSIBLE
    assert run("capacity", path, "--head-room", "all", "--workers", 1).code == Exit.DONE
