"""Size growing fleets for the loss of any zone, replay every loss, and compare with the rule of thumb.

    python -m benchmarks.sizing --seeds 1 2 3 --time-limit 120 --workers 2
    python -m benchmarks.sizing --zones 5 --instances 3000 --groups 300 --json sizes.json

Every fleet is sized by `size_capacity`; its plan is checked, its bound evaluated again, and for every zone a
migration is planned from the sized estate with that zone failed to where the plan's witness has everybody, which
the executor plays: nobody may be lost and no survivor may move.

The rule of thumb gives every zone hosts for its part of the whole, shared among all zones but one, by volume.
Everybody is then packed first-fit or best-fit, largest first, under the same rules, before and after every loss:
the instances that find no place are the shortfall that the rule hides. `whole` is what it costs once more hosts
are bought until nobody is left out. Exits 1 when anything does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zonewright.instances.generator import generate_growing
from zonewright.models import Estate, Plan
from zonewright.models.check import check_plan
from zonewright.models.events import Event
from zonewright.models.quantities import MONEY
from zonewright.models.settling import settled
from zonewright.models.world import World
from zonewright.solver import Sizing, plan_migration, size_capacity, verify_sizing
from zonewright.solver.capacity.candidates import candidates
from zonewright.solver.capacity.fleet import lower_fleet
from zonewright.solver.sizing.problem import Ints, SizingProblem
from zonewright.solver.sizing.seated import Seated
from zonewright.solver.sizing.size import with_more


@dataclass
class Outcome:
    """What one seed gave."""

    seed: int
    status: str
    seconds: float
    cost: int | None
    bound: int | None
    gap: float | None
    checked: bool = False
    proven: bool = False
    replayed: int = 0
    """Losses of zones played without a loss of instances or a move of survivors."""
    losses: int = 0
    thumb: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether everything claimed holds."""
        return self.checked and self.proven and self.replayed == self.losses


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    options = _options(arguments)
    print(f"limit {options.time_limit:g} s, {options.workers} workers")
    titles = ("status", "wall s", "cost", "bound", "gap %", "check", "proof", "replay")
    print(f"{'seed':>4} " + " ".join(f"{title:>12}" for title in titles))
    outcomes = []
    for seed in options.seeds:
        sizes = {"instances": options.instances, "groups": options.groups, "zones": options.zones}
        estate = generate_growing(**sizes, shapes=options.shapes, seed=seed)
        outcome = _run(estate, seed, options)
        outcomes.append(outcome)
        _print(outcome)
    if options.json:
        rows = [{**vars(outcome), "holds": outcome.holds} for outcome in outcomes]
        Path(options.json).write_text(json.dumps(rows, indent=1))
    return 0 if all(outcome.holds for outcome in outcomes) else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sizing",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--instances", type=int, default=3_000)
    parser.add_argument("--groups", type=int, default=300)
    parser.add_argument("--zones", type=int, default=3)
    parser.add_argument("--shapes", type=int, default=10)
    parser.add_argument("--time-limit", type=float, default=120.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-replay", action="store_true", help="plan no migrations")
    parser.add_argument("--json", help="file for the figures")
    return parser.parse_args(arguments)


def _run(estate: Estate, seed: int, options: argparse.Namespace) -> Outcome:
    began = time.monotonic()
    sizing = size_capacity(estate, time_limit_s=options.time_limit, workers=options.workers, seed=seed)
    wall = time.monotonic() - began
    outcome = Outcome(seed, str(sizing.status), wall, sizing.cost, sizing.bound, sizing.gap)
    if sizing.estate is None or sizing.plan is None or sizing.cost is None:
        return outcome
    outcome.checked = check_plan(World(sizing.estate), sizing.plan).valid
    outcome.proven = all(holds for holds, _ in verify_sizing(estate, sizing))
    if not options.no_replay:
        _replay(sizing, outcome, options)
    problem = _problem(estate)
    for fit in ("first", "best"):
        outcome.thumb[fit] = rule_of_thumb(problem, fit, sizing.cost)
    return outcome


def _problem(estate: Estate) -> SizingProblem:
    world = World(estate)
    fleet = lower_fleet(world, candidates(world), may_move=False)
    if fleet is None:
        raise SystemExit("the estate cannot be written as arrays")
    return fleet.problem


def _replay(sizing: Sizing, outcome: Outcome, options: argparse.Namespace) -> None:
    """Let every zone fail on the sized fleet with its plan carried out, and go where the plan says."""
    assert sizing.estate is not None
    assert sizing.plan is not None
    current = settled(World(sizing.estate), sizing.plan)
    for zone in current.zones:
        outcome.losses += 1
        result = plan_migration(
            current,
            event=Event(fail=[zone.id], to=True),
            target=_after(World(sizing.estate), sizing.plan, zone.id),
            time_limit_s=options.time_limit,
            workers=options.workers,
            seed=outcome.seed,
        )
        made = result.migration
        if made is None:
            continue
        moves = sum(action.count for action in made.actions if action.kind == "move")
        outcome.replayed += int(not made.losses and not moves)


def _after(world: World, plan: Plan, zone: str) -> Plan:
    """Return where a plan has everybody once a zone is lost: survivors where they are, others by its witness."""
    tree = world.tree
    lost = {tree.nodes[site].id for site in tree.sites_under[tree.by_id[zone]]}
    stay = [entry for entry in plan.placements if entry.site not in lost]
    again = [entry for scene in plan.scenarios if scene.lost == [zone] for entry in scene.placements]
    return plan.model_copy(update={"placements": [*stay, *again], "scenarios": [], "bounds": [], "objective": []})


def rule_of_thumb(problem: SizingProblem, fit: str, cost: int) -> dict[str, Any]:
    """Return what the rule of thumb buys, whom it leaves out, and what it costs once nobody is."""
    offer_i = _by_volume(problem)
    state = _packed(problem, offer_i, fit)
    found: dict[str, Any] = {"cost": int(problem.price_o[offer_i].sum()), "shortfall": state.short}
    found |= {"whole": None, "dearer": None}
    whole = with_more(state, lambda: False, np.random.default_rng(0))
    if whole is None:
        return found
    found["whole"] = int(problem.price_o[whole.offer_i].sum())
    found["dearer"] = found["whole"] / cost - 1 if cost else None
    return found


def _by_volume(problem: SizingProblem) -> Ints:
    """Return hosts with which every zone has room for the whole shared among all zones but one, by volume."""
    whole_r = problem.count_c @ problem.demand_cr
    share_r = -(-whole_r // max(1, problem.areas - 1))
    bought: list[int] = []
    for a in range(problem.areas):
        left_r = share_r - problem.capacity_hr[problem.area_h == a].sum(axis=0)
        offers = np.flatnonzero(problem.area_o == a)
        while np.any(left_r > 0):
            asked = left_r > 0
            use_o = np.minimum(problem.capacity_or[offers][:, asked] / left_r[asked], 1.0).min(axis=1)
            o = int(offers[np.argmin(problem.price_o[offers] / use_o)])
            left_r = left_r - problem.capacity_or[o]
            bought.append(o)
    return np.sort(np.array(bought, np.int64))


def _packed(problem: SizingProblem, offer_i: Ints, fit: str) -> Seated:
    """Return everybody packed, largest first: what is new, then what is displaced in every scenario."""
    state = Seated(problem, offer_i)
    mean_r = np.maximum(state.capacity_hr.mean(axis=0), 1.0)
    order = np.argsort(-(problem.demand_cr / mean_r).max(axis=1), kind="stable").tolist()
    for layer in range(len(state.missing_lc)):
        for c in order:
            while state.missing_lc[layer, c] > 0:
                h = _host_for(state, layer, c, fit, mean_r)
                if h < 0:
                    break
                state.put(layer, c, h)
    return state


def _host_for(state: Seated, layer: int, c: int, fit: str, mean_r: np.ndarray[Any, Any]) -> int:
    layers = [layer] if layer else list(range(len(state.missing_lc)))
    demand_r = state.problem.demand_cr[c]
    room_hr = state.room_lhr[layers].min(axis=0) if layer else state.room_lhr[0]
    hosts = np.flatnonzero(np.all(room_hr >= demand_r, axis=1) & ~state.lost_lh[layer])
    if not layer:
        # Zones share what is new evenly: the one with the most room first, as the rule has it.
        room_a = np.bincount(state.area_h, (room_hr / mean_r).min(axis=1), state.problem.areas)
        hosts = hosts[np.argsort(-room_a[state.area_h[hosts]], kind="stable")]
    if fit == "best":
        left = ((room_hr[hosts] - demand_r) / mean_r).sum(axis=1)
        area_rank = np.zeros(len(hosts)) if layer else -room_a[state.area_h[hosts]]
        hosts = hosts[np.lexsort((left, area_rank))]
    return next((int(h) for h in hosts if state.fits(layer, c, int(h))), -1)


def _print(outcome: Outcome) -> None:
    def money(value: int | None) -> str:
        return "-" if value is None else f"{value / MONEY:.2f}"

    gap = "-" if outcome.gap is None else f"{100 * outcome.gap:.3f}"
    replay = f"{outcome.replayed}/{outcome.losses}"
    cells = (
        outcome.status,
        f"{outcome.seconds:.1f}",
        money(outcome.cost),
        money(outcome.bound),
        gap,
        "ok" if outcome.checked else "BROKEN",
        "ok" if outcome.proven else "-",
        replay,
    )
    print(f"{outcome.seed:>4} " + " ".join(f"{cell:>12}" for cell in cells), flush=True)
    for fit, found in outcome.thumb.items():
        whole = f"{money(found['whole'])} once nobody is, {100 * (found['dearer'] or 0):.1f} % more"
        print(
            f"     rule of thumb, {fit}-fit: costs {money(found['cost'])} and leaves {found['shortfall']} without "
            f"a place; {whole}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
