"""Bounds of boards: never above what any placement has, and witnesses that only prove what they prove."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.search.tiny_boards import best_of, boards, optimum, tiny
from zonewright.models import World, estate_from_data
from zonewright.models.plan import BoundWitness
from zonewright.solver import place
from zonewright.solver.deadline import Deadline
from zonewright.solver.search.board import NO_LIMIT, Board
from zonewright.solver.search.bounds import BoundProof, Damaged, evaluate
from zonewright.solver.search.bounds.coarse import coarse_board, levels_to_see_from
from zonewright.solver.search.bounds.engine import BoundRun, bound_stage
from zonewright.solver.search.bounds.opening import plan_by_opening
from zonewright.solver.search.lower import Refusal, lower_board
from zonewright.solver.search.oracle import judge_board
from zonewright.solver.witness import verify_bound


def better(board: Board, site_i: list[int], tries: int, rng: Random) -> list[int]:
    """Descend from a placement by random shifts, all stages in turn."""
    best = judge_board(board, np.array(site_i)).value_k.tolist()
    for _ in range(tries):
        i, s = rng.randrange(board.items), rng.randrange(board.sites + 1)
        tried = [*site_i[:i], s, *site_i[i + 1 :]]
        value = judge_board(board, np.array(tried)).value_k.tolist()
        if value <= best:
            site_i, best = tried, value
    return site_i


@pytest.mark.parametrize("part", range(4))
def test_no_placement_is_below_a_bound(part: int) -> None:
    """Every stage's bound, given a placement's values of the stages before, is at most what that one has."""
    said = 0
    for number, board in enumerate(boards()[part::4]):
        rng = Random(part * 1000 + number)
        start = [rng.randrange(board.sites + 1) for _ in range(board.items)]
        for site_i in (start, better(board, start, 50, rng)):
            value_k = judge_board(board, np.array(site_i)).value_k.tolist()
            for stage in range(len(board.stages)):
                run = BoundRun(board, stage, value_k[:stage])
                for _ in range(4):
                    run.step(rounds=15)
                if run.proof is None:
                    continue
                assert run.proof.bound <= value_k[stage], (number, stage, run.proof.kind)
                data = json.loads(json.dumps(run.proof.data))
                assert evaluate(board, data) == run.proof.bound
                said += run.proof.bound > board.constant_k[stage]
    assert said > 0


def bounded(board: Board, stage: int, before: list[int], known: int = NO_LIMIT) -> BoundProof:
    """The proof that some rounds give."""
    run = BoundRun(board, stage, before)
    for _ in range(8):
        if not run.step(rounds=25) or (run.proof is not None and run.proof.bound >= known):
            break
    assert run.proof is not None
    return run.proof


def test_bounds_of_tiny_boards_are_close() -> None:
    """Never above the optimum, and often at it."""
    reached = 0
    for seed in range(12):
        best = optimum(seed)
        proof = bounded(tiny(seed), 2, best[:2], best[2])
        assert proof.bound <= best[2], (seed, proof.kind)
        reached += proof.bound >= best[2] - max(3, best[2] // 20)
    assert reached >= 4


def test_hard_excess_has_a_bound() -> None:
    """More demand than all limits together is broken everywhere, by what is missing at least."""
    board = tiny(1)
    board = replace(
        board, limit_nr=np.where(board.limit_nr < NO_LIMIT, 3, NO_LIMIT), holds_lr=board.holds_lr & False
    )
    out_ik = board.out_ik.copy()
    out_ik[:, 0] = 100
    proof = bounded(replace(board, out_ik=out_ik), 0, [])
    over = board.demand_ir.sum(axis=0) - 9
    assert proof.bound >= np.maximum(0, over).sum()


@pytest.mark.parametrize("level", [1, 2])
def test_ratios_above_sites_are_bounded_from_wherever_one_looks(level: int) -> None:
    """From where the use under a ratio is not seen, all would count as free."""
    for seed in range(6):
        board = tiny(seed)
        limit_nr = board.limit_nr.copy()
        begin = int(board.base_l[level])
        limit_nr[begin : begin + int(board.domains_l[level])] = 20
        ratios = replace(board.ratios, level_b=np.array([level], np.int32), weight_b=np.array([5]))
        board = replace(board, limit_nr=limit_nr, ratios=ratios)
        best = best_of(board)
        assert bounded(board, 2, best[:2]).bound <= best[2]
        for here in levels_to_see_from(board):
            seen = coarse_board(board, here, strict=best[0] == 0)
            assert bounded(seen, 2, best[:2]).bound <= best[2], (seed, here)


def test_bounds_hold_where_hard_rules_are_broken() -> None:
    """Who may go nowhere in its home's zone can be anywhere there then, and load is counted beyond the limit."""
    common = {"estate": "e", "regions": [{"id": "r"}], "zones": [{"id": "z", "in": "r"}]}
    one = {"id": "a", "count": 1, "demand": {"cpu_milli": 1000}}
    dear, cheap = ({"id": f"h{p}", "in": "z", "price": {"cpu_cores": p}} for p in (9, 1))
    barred = common | {
        "hosts": [dear, cheap],
        "groups": [one | {"current": {"h9": 1}}],
        "goals": ["placed", "cost"],
        "rules": [{"rule": "domains", "forbid": ["z"], "groups": ["a"]}],
    }
    small = {"id": "h", "in": "z", "capacity": {"cpu_milli": 500}, "safe": {"cpu_milli": 5000}}
    load = {"rule": "load", "level": "host", "resources": ["cpu_milli"], "soft": {"weight": 3}}
    loaded = common | {"hosts": [small], "groups": [one], "goals": ["placed", "soft"], "rules": [load]}
    for data, best_site in ((barred, 1), (loaded, 0)):
        board = lower_board(World(estate_from_data(data)))
        assert not isinstance(board, Refusal)
        *before, value = judge_board(board, np.array([best_site])).value_k.tolist()
        assert before[0] > 0
        proof = bounded(board, len(before), before)
        assert proof.bound == value
        assert evaluate(board, json.loads(json.dumps(proof.data))) == value


def tampered(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Damaged copies of a witness."""
    found = []
    for name, value in (
        ("how", "faith"),
        ("stage", 9),
        ("before", [0]),
        ("lambda", [0, 0, 0]),
        ("lambda", [1]),
        ("load", [[0, 9, [1]]]),
    ):
        found.append(copy.deepcopy(data) | {name: value})
    for name, value in (
        ("load", [[0, 0, [-1]]]),
        ("limit", [[0, 0, [1.5]]]),
        ("limit", [[0, 0, [2**59]]]),
        ("ratio", []),
        ("fit", [[0, 9, 0, 1]]),
        ("move", "x"),
    ):
        found.append(copy.deepcopy(data) | {name: value})
    found += [{key: value for key, value in data.items() if key != name} for name in data]
    return found


def test_tampered_witnesses_are_rejected() -> None:
    """What is damaged is refused; other prices prove what they prove, never more than the optimum."""
    board, best = tiny(3), optimum(3)
    proof = bounded(board, 2, best[:2])
    for data in tampered(proof.data if proof.data["how"] != "patterns" else {}):
        with pytest.raises(Damaged):
            evaluate(board, data)
    rng = Random(0)
    for _ in range(200):
        data = copy.deepcopy(proof.data)
        for entry in data.get("load", []) + data.get("limit", []):
            entry[2] = [rng.randint(0, 1 << 21) for _ in range(int(board.domains_l[entry[0]]))]
        assert evaluate(board, data) <= best[2]


def test_prices_that_are_too_large_to_be_exact_are_refused() -> None:
    """Nothing is multiplied before it is known that no product overflows."""
    board = tiny(3)
    weight_lr = np.where(np.arange(3)[:, None] == 0, 40_000, 0 * board.safe_weight_lr)
    board = replace(board, safe_weight_lr=weight_lr, open_nk=0 * board.open_nk)
    best = best_of(board)
    data = bounded(board, 2, best[:2]).data
    assert data["how"] in ("prices", "sums")
    for price in (2**48, 2**59):
        large = copy.deepcopy(data) | {"lambda": [0, 0, price], "load": [[0, 0, [2**59]], [0, 1, [2**59]]]}
        with pytest.raises(Damaged, match="too large"):
            evaluate(board, large)


@pytest.mark.parametrize("opening", [0, 5])
def test_costs_below_zero_hide_no_overflow(opening: int) -> None:
    """Being nowhere takes a soft pin's cost away again; a price that makes it wrap around is refused."""
    hosts = [{"id": f"h{k}", "in": "z", "open_cost": opening, "capacity": {"cpu_milli": 9000}} for k in range(3)]
    estate = {
        "estate": "pinned",
        "zones": [{"id": "z"}],
        "hosts": hosts,
        "groups": [{"id": "a", "count": 3, "demand": {"cpu_milli": 1000}, "current": {"h0": 3}}],
        "goals": ["placed", "soft", "cost"],
        "rules": [{"rule": "pin", "groups": ["a"], "soft": {"weight": 1_000_000}}],
    }
    board = lower_board(World(estate_from_data(estate)), partial=True)
    assert isinstance(board, Board)
    assert board.out_ik.min() < 0
    stage = board.stages.index("cost" if opening else "soft[0]")
    two_nowhere = judge_board(board, np.array([0, 3, 3])).value_k.tolist()
    data = {"stage": stage, "before": two_nowhere[:stage], "lambda": [0] * stage + [1]}
    if opening:
        data |= {"how": "patterns", "price": [5]}
    else:
        data |= {"how": "prices", "load": [], "limit": [], "ratio": [], "move": 0, "fit": []}
    assert evaluate(board, data) <= (50_000 if opening else 0)
    soft = board.stages.index("soft[0]")
    for price in ((2**64 - 2**62) // 1_000_000, (2**63 + 2**62) // 1_000_000):
        large = copy.deepcopy(data)
        large["lambda"][soft] = price
        with pytest.raises(Damaged, match="too large"):
            evaluate(board, large)


@pytest.mark.parametrize(
    ("how", "changed"),
    [
        ("leavers", {"level": 1.0}),
        ("leavers", {"level": True}),
        ("leavers", {"stage": 2.0}),
        ("leavers", {"coarse": 2.0}),
        ("volumes", {"bound": 10**30}),
        ("volumes", {"bound": -(10**30)}),
        ("holds", {"bound": 10**30, "weights": []}),
    ],
)
def test_witnesses_of_other_types_are_refused(how: str, changed: dict[str, Any]) -> None:
    board = to_open(0)
    data = {"how": how, "stage": 2, "before": [0, 0], "level": 0, "bound": 1}
    with pytest.raises(Damaged):
        evaluate(board, data | changed)


def test_a_stage_is_bounded_until_it_is_closed() -> None:
    """Proofs come in order, each better, and no more is done once the best known value is reached."""
    several = 0
    for seed in range(6):
        board, best, told = tiny(seed), optimum(seed), []
        proof = bound_stage(board, 2, best[:2], Deadline(0.5), news=told.append)
        assert proof is told[-1]
        assert [p.bound for p in told] == sorted({p.bound for p in told})
        several += len(told) > 1
        again: list[BoundProof] = []
        bound_stage(board, 2, best[:2], Deadline(60.0), news=again.append, known=told[0].bound)
        assert [p.bound for p in again] == [told[0].bound]
    assert several


def to_open(seed: int) -> Board:
    """A tiny board of which opening costs, and nothing else that a plan by amounts does not look at."""
    board = tiny(seed)
    open_nk = np.zeros_like(board.open_nk)
    open_nk[:3, 2] = [30, 20, 26]
    none = np.zeros(0, np.int64)
    terms = replace(
        board.terms,
        ptr_g=np.zeros(board.groups + 1, np.int64),
        **dict.fromkeys(("kind_t", "level_t", "stage_t", "counts_x"), none.astype(np.int32)),
        **dict.fromkeys(("a_t", "weight_t"), none),
        counts_ptr_t=np.zeros(1, np.int64),
    )
    return replace(
        board,
        open_nk=open_nk,
        terms=terms,
        home_i=np.full_like(board.home_i, -1),
        stay_i=board.stay_i & False,
        pinned_i=board.pinned_i & False,
        holds_lr=board.holds_lr & False,
        away_ik=board.away_ik * 0,
        price_vq=board.price_vq * 0,
        safe_weight_lr=board.safe_weight_lr * 0,
        ratios=replace(board.ratios, weight_b=board.ratios.weight_b * 0),
    )


def test_plans_by_opening_are_valid_and_close() -> None:
    """What is packed is within every limit, and the bound by whole sites is often what it costs."""
    met = 0
    for seed in range(12):
        board = to_open(seed)
        site_i = plan_by_opening(board, 2, Deadline(5.0))
        proof = bounded(board, 2, [0, 0])
        if site_i is None:
            continue
        value_k = judge_board(board, site_i).value_k
        assert value_k[0] == 0
        assert value_k[1] == 0
        assert proof.bound <= value_k[2]
        met += proof.bound == value_k[2]
        if proof.data["how"] == "volumes":
            with pytest.raises(Damaged):
                evaluate(board, proof.data | {"bound": int(value_k[2]) + 1})
    assert met >= 4


def test_a_plan_s_witness_is_checked_from_its_estate() -> None:
    """`check --bound` lowers the estate again; another value before, goal or bound is not confirmed."""
    zone = {"id": "z", "in": "r"}
    hosts = [{"id": f"h{k}", "in": "z", "capacity": {"cpu_milli": 4000}, "open_cost": 5 + k} for k in range(3)]
    data = {
        "estate": "opening",
        "regions": [{"id": "r"}],
        "zones": [zone],
        "hosts": hosts,
        "groups": [{"id": "a", "count": 5, "demand": {"cpu_milli": 1000}}],
        "goals": ["placed", "cost"],
    }
    world = World(estate_from_data(data))
    plan = place(world.estate, time_limit_s=20.0).plan
    board = lower_board(world)
    assert plan is not None
    assert isinstance(board, Board)
    stage = board.stages.index("cost")
    proof = bounded(board, stage, [0] * stage)
    assert proof.bound == plan.objective[-1].value

    def found(goal: str, bound: int, data: dict[str, Any]) -> bool:
        values = [value.model_copy(update={"bound": bound}) for value in plan.objective if value.goal == goal]
        others = [value.model_copy(update={"bound": None}) for value in plan.objective if value.goal != goal]
        witness = BoundWitness(goal=goal, kind=proof.kind, bound=bound, data=data)
        changed = plan.model_copy(update={"objective": [*others, *values], "bounds": [witness]})
        return verify_bound(world, changed)[0].confirmed

    assert found("cost", proof.bound, proof.data)
    assert not found("cost", proof.bound + 1, proof.data)
    assert not found("cost", proof.bound, proof.data | {"before": [0] * (stage - 1) + [1]})
    assert not found("cost", proof.bound, proof.data | {"how": "faith"})
    assert not found("cost", proof.bound, proof.data | {"stage": stage - 1})
