"""The command `survive`: tables for people, documents for programs, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.command import run


def test_what_is_safe_by_counting_and_not_by_packing_is_said(tmp_path: Path) -> None:
    saved = tmp_path / "survival.json"
    done = run("survive", "forecast-three-halls", "--no-recovery", "--workers", 1, "-o", saved)
    assert done.code == 5
    assert "3 of 3 losses are not survived" in done.out
    assert "checked 3 of 3 scenarios" in done.out
    assert "packing: single hosts have room for 2 of 32 CPU cores and 128 GiB of memory" in done.out
    document = json.loads(saved.read_text())
    assert not document["survived"]
    for scenario in document["scenarios"]:
        assert scenario["verdict"] == "fails"
        assert scenario["unplaced"] == {"10": 2}
        assert scenario["binding"][0]["proven"]
        assert scenario["witness"]["lost"] == scenario["lost"]


def test_what_remains_may_be_enough_where_not_all_fits_again() -> None:
    done = run("survive", "forecast-three-halls", "--mode", "static")
    assert done.code == 0
    assert "every loss is survived" in done.out
    assert "availability" in done.out.lower()


def test_hosts_of_the_same_estate_are_no_trouble() -> None:
    done = run(
        "survive", "forecast-three-halls", "--level", "host", "--no-recovery", "--json", "-q", "--workers", 1
    )
    assert done.code == 0
    document = json.loads(done.out)
    assert document["checked"] == document["existing"] == 30
    assert all(scenario["verdict"] == "survives" for scenario in document["scenarios"])


def test_a_level_that_is_not_there_is_one_line() -> None:
    done = run("survive", "payments-guangzhou", "--level", "rack")
    assert (done.code, done.out) == (1, "")
    assert (
        done.err.strip()
        == "error: --level: the estate has no racks that hold anything; its levels are region, zone"
    )


def test_today_looks_at_what_runs() -> None:
    done = run("survive", "shop-guangzhou", "--today", "--mode", "static", "--json")
    assert done.code == 5
    document = json.loads(done.out)
    assert document["placement"] == "current"
    assert any("have no place today" in warning for warning in document["warnings"])
