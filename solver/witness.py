"""Evaluate the bounds of a plan again, from the estate and the witnesses alone.

A linear witness, and every leaf of a tree, is evaluated exactly in integers. A search leaves no witness
that could be evaluated, so the question is asked again, from nothing and with another seed: is there
anything better?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zonewright.models.plan import BoundWitness, Plan
from zonewright.models.world import World
from zonewright.solver.components import split
from zonewright.solver.cpsat import Model
from zonewright.solver.deadline import Deadline
from zonewright.solver.engines.branching import Tree, proven
from zonewright.solver.engines.exact import StageProof, fixed
from zonewright.solver.linear import Multipliers, exact_bound
from zonewright.solver.outages import outages_from
from zonewright.solver.program import Program, Scene, lower
from zonewright.solver.rows import Matrix, Stage

#: Added to the plan's seed when a search is repeated.
OTHER_SEED = 7919
#: What proves a bound on single instances, by the kind of its witness.
BOARD_PROOFS = {
    "sums": "sums over all sites",
    "prices": "prices of limits",
    "leavers": "those who must leave home",
    "volumes": "the least sites with room for all amounts, chosen again,",
    "holds": "the least sites that hold everything in parts, chosen again,",
    "patterns": "prices of shapes",
}


@dataclass(frozen=True)
class BoundFinding:
    """What evaluating one bound again gave."""

    goal: str
    bound: int
    kind: str
    confirmed: bool
    text: str


def verify_bound(world: World, plan: Plan, *, time_limit_s: float = 60.0, workers: int = 1) -> list[BoundFinding]:
    """Evaluate every bound that a plan claims.

    A bound of a goal means: no plan that is as good in the goals before is below it. The values of the
    goals before are the plan's own.
    """
    deadline = Deadline(time_limit_s)
    programs: dict[object, Program] = {}
    values = {goal.goal: goal.value for goal in plan.objective}
    witnesses = {witness.goal: witness for witness in plan.bounds}
    found: list[BoundFinding] = []
    for goal in plan.objective:
        if goal.bound is None:
            continue
        witness = witnesses.get(goal.goal)
        if witness is None or witness.bound != goal.bound:
            found.append(BoundFinding(goal.goal, goal.bound, "none", False, "no witness for this bound"))
            continue
        if witness.kind == "trivial" and goal.bound <= 0:
            found.append(BoundFinding(goal.goal, goal.bound, "trivial", True, "no value is below 0"))
            continue
        if witness.kind == "relocation":
            found.append(_on_hosts(world, plan, witness))
            continue
        if "how" in witness.data:
            found.append(_on_board(world, plan, witness, values, deadline))
            continue
        scenes = _scenes(world, witness.data.get("scenarios"))
        outages = outages_from(world.tree, witness.data.get("outages"))
        key = (bool(witness.data.get("pooled")), bool(witness.data.get("partial")), scenes, outages)
        if plan.unplaced and not key[1]:
            found.append(
                BoundFinding(goal.goal, goal.bound, witness.kind, False, "proven for whole placements only")
            )
            continue
        if key not in programs:
            programs[key] = lower(world, pooled=key[0], partial=key[1], scenarios=scenes, outages=outages)
        seed = (plan.seed or 0) + OTHER_SEED
        found.append(evaluate_one(programs[key], witness, witnesses, values, deadline, seed, workers))
    return found


def _on_hosts(world: World, plan: Plan, witness: BoundWitness) -> BoundFinding:
    from zonewright.solver.migrate.hosts import proven_on_hosts

    bound, text = proven_on_hosts(world, plan, witness)
    confirmed = bound is not None and bound >= witness.bound
    return BoundFinding(witness.goal, witness.bound, witness.kind, confirmed, text)


def _on_board(
    world: World, plan: Plan, witness: BoundWitness, values: dict[str, int], deadline: Deadline
) -> BoundFinding:
    """Lower the estate to a board again, and evaluate what the witness proves of it."""
    from zonewright.solver.search.bounds import Damaged, evaluate
    from zonewright.solver.search.lower import Refusal, lower_board

    def finding(confirmed: bool, text: str) -> BoundFinding:
        return BoundFinding(witness.goal, witness.bound, witness.kind, confirmed, text)

    partial = bool(witness.data.get("partial"))
    if plan.unplaced and not partial:
        return finding(False, "proven for whole placements only")
    board = lower_board(world, partial=partial)
    if isinstance(board, Refusal):
        return finding(False, f"the estate cannot be said as a board: {board.text}")
    stage = witness.data.get("stage")
    if not isinstance(stage, int) or board.stages[stage : stage + 1] != (witness.goal,):
        return finding(False, "the estate has no such goal")
    if any(name not in values for name in board.stages[1:stage]):
        return finding(False, "the plan does not say the values of the goals before")
    if witness.data.get("before") != [0, *(values[name] for name in board.stages[1:stage])]:
        return finding(False, "the witness is for other values of the goals before")
    try:
        bound = evaluate(board, witness.data, deadline)
    except Damaged as error:
        return finding(False, f"the witness is damaged: {error}")
    how = BOARD_PROOFS[str(witness.data["how"])]
    if bound < witness.bound:
        return finding(False, f"{how} prove {bound}, not {witness.bound}")
    return finding(True, f"{how}, evaluated exactly, prove {bound}")


def _scenes(world: World, named: object) -> tuple[Scene, ...] | None:
    """Return the evacuations that a proof was made with; None for all. Leaving any out only weakens it."""
    if not isinstance(named, list):
        return None
    found: list[Scene] = []
    for entry in named:
        if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], list):
            nodes = tuple(world.tree.by_id.get(str(name), -1) for name in entry[1])
            found.append((str(entry[0]), nodes))
    return tuple(found)


def evaluate_one(
    program: Program,
    witness: BoundWitness,
    witnesses: dict[str, BoundWitness],
    values: dict[str, int],
    deadline: Deadline,
    seed: int,
    workers: int,
) -> BoundFinding:
    """Evaluate one bound on a program's rows and stages; `values` are those of the goals before."""

    def finding(confirmed: bool, text: str) -> BoundFinding:
        return BoundFinding(witness.goal, witness.bound, witness.kind, confirmed, text)

    names = [stage.goal for stage in program.stages]
    if witness.goal not in names:
        return finding(False, "the estate has no such goal")
    k = names.index(witness.goal)
    stage = program.stages[k]
    before = program.stages[:k]
    if any(s.goal not in values for s in before):
        return finding(False, "the plan does not say the values of the goals before")
    earlier = [values[s.goal] for s in before]
    if witness.kind != "parts":
        return finding(*_evaluate(program.matrix, before, earlier, stage, witness, deadline, seed, workers))
    confirmed, text = _of_parts(program, k, earlier, witness, witnesses, deadline, seed, workers)
    return finding(confirmed, text)


def _of_parts(
    program: Program,
    k: int,
    earlier: list[int],
    witness: BoundWitness,
    witnesses: dict[str, BoundWitness],
    deadline: Deadline,
    seed: int,
    workers: int,
) -> tuple[bool, str]:
    """Evaluate a witness in independent parts, each as good in the goals before as it can be."""
    parts = split(program.matrix, program.stages)
    data = _part_data(witness, k)
    if len(data) != len(parts):
        return False, "the witness is damaged"
    if [sum(before[m] for before, _ in data) for m in range(k)] != earlier:
        return False, "the parts do not add up to the goals before"
    if sum(inner.bound for _, inner in data) < witness.bound:
        return False, "the parts do not add up to the bound"
    known = [
        _part_data(witnesses[s.goal], m) if s.goal in witnesses else [] for m, s in enumerate(program.stages[:k])
    ]
    kinds: dict[str, int] = {}
    for p, (part, (held, inner)) in enumerate(zip(parts, data, strict=True)):
        for m, stage in enumerate(part.stages[:k]):
            # A part that cannot be so good in a goal before would prove anything.
            if len(known[m]) == len(parts) and known[m][p][1].bound == held[m]:
                continue
            claim = BoundWitness(goal=stage.goal, kind="search", bound=held[m])
            if not _evaluate(part.matrix, part.stages[:m], held[:m], stage, claim, deadline, seed, workers)[0]:
                return (
                    False,
                    f"in one of {len(parts)} parts {stage.goal} can be below {held[m]}, or cannot be {held[m]}",
                )
        confirmed, text = _evaluate(
            part.matrix, part.stages[:k], held, part.stages[k], inner, deadline, seed, workers
        )
        if not confirmed:
            return False, f"in one of {len(parts)} parts: {text}"
        kinds[inner.kind] = kinds.get(inner.kind, 0) + 1
    how = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return True, f"{len(parts)} independent parts ({how}), each confirmed"


def _part_data(witness: BoundWitness, k: int) -> list[tuple[list[int], BoundWitness]]:
    """Return per part its values of the goals before and its own witness; nothing where that is damaged."""
    try:
        return [
            (
                [int(part["before"][m]) for m in range(k)],
                BoundWitness(goal=witness.goal, kind=str(part["kind"]), bound=int(part["bound"]), data=dict(part)),
            )
            for part in witness.data["parts"]
        ]
    except (KeyError, IndexError, TypeError, ValueError):
        return []


def _evaluate(
    rows: Matrix,
    before: list[Stage],
    values: list[int],
    stage: Stage,
    witness: BoundWitness,
    deadline: Deadline,
    seed: int,
    workers: int,
) -> tuple[bool, str]:
    """Evaluate one witness on one matrix: whether it holds, and how that was seen."""
    if not stage.terms:
        return witness.bound <= stage.constant, f"the goal is {stage.constant} in every plan"
    matrix = fixed(rows, before, values)
    if witness.kind == "linear":
        multipliers = _multipliers(witness.data, matrix.shape[0])
        if multipliers is None:
            return False, "the witness is damaged"
        bound = exact_bound(matrix, stage.terms, stage.constant, multipliers)
        if bound is None or bound < witness.bound:
            return False, f"the multipliers prove {bound}, not {witness.bound}"
        return True, f"{len(multipliers.row)} multipliers, evaluated exactly, prove {bound}"
    if witness.kind == "tree":
        tree = _tree(witness.data, matrix.shape[0])
        if tree is None or not proven(matrix, stage.terms, stage.constant, witness.bound, tree):
            return False, "the tree does not prove it"
        return True, f"{len(tree.leaves)} leaves, each evaluated exactly, prove {witness.bound}"
    model = Model(matrix)
    model.require(stage.terms, None, witness.bound - 1 - stage.constant)
    answer = model.minimize(None, deadline, seconds=deadline.left, workers=workers, seed=seed)
    if answer.status == "infeasible":
        return True, "searched again with another seed: nothing is below it"
    if answer.status == "open":
        return False, "searched again: the time ran out before an answer"
    return False, "searched again: something is below it"


def witness_data(proof: StageProof) -> dict[str, Any]:
    """Return what a proof leaves behind as plain data for a plan."""
    data: dict[str, Any] = dict(proof.data)
    if proof.multipliers is not None:
        data |= multipliers_data(proof.multipliers)
    if proof.tree is not None:
        data["splits"] = [list(split) for split in proof.tree.splits]
        data["leaves"] = [multipliers_data(leaf) for leaf in proof.tree.leaves]
    if proof.parts:
        data["parts"] = [
            {"kind": part.kind, "bound": part.bound, "before": list(part.before), **witness_data(part)}
            for part in proof.parts
        ]
    return data


def multipliers_data(multipliers: Multipliers) -> dict[str, Any]:
    """Return multipliers as plain data for a plan."""
    return {
        "denominator": multipliers.denominator,
        "row": list(multipliers.row),
        "weight": list(multipliers.weight),
    }


def _tree(data: dict[str, Any], rows: int) -> Tree | None:
    try:
        splits = tuple((int(column), int(at)) for column, at in data["splits"])
        leaves = tuple(_multipliers(leaf, rows) for leaf in data["leaves"])
    except (KeyError, TypeError, ValueError):
        return None
    found = tuple(leaf for leaf in leaves if leaf is not None)
    return Tree(splits, found) if len(found) == len(leaves) else None


def _multipliers(data: dict[str, Any], rows: int) -> Multipliers | None:
    try:
        denominator = int(data["denominator"])
        row, weight = tuple(map(int, data["row"])), tuple(map(int, data["weight"]))
    except (KeyError, TypeError, ValueError):
        return None
    if denominator < 1 or len(row) != len(weight) or any(not 0 <= i < rows for i in row):
        return None
    return Multipliers(denominator, row, weight)
