"""Files of the challenge become estates that cost and forbid the same, and bad ones end in one line."""

from __future__ import annotations

import gzip
import itertools
import lzma
import random
from pathlib import Path

import numpy as np
import pytest

from benchmarks.challenge_check import Problem, Verdict
from benchmarks.challenge_check import main as check
from tests.instances.challenge import Stated, drawn
from zonewright.instances.distances import structure_of
from zonewright.instances.roadef2012 import Reassignment, main, read_reassignment, write_assignment
from zonewright.models import InputError, Plan, Status, World, estate_from_data, load_estate
from zonewright.models.check import judge
from zonewright.models.placing import view_of
from zonewright.models.plan import Placement
from zonewright.models.rules import MoveCost
from zonewright.solver import place

#: The rules of the estate by what the definition calls them.
KINDS = {
    "capacity": "capacity",
    "transient": "double_occupancy",
    "conflict": "anti_affinity",
    "spread": "spread",
    "dependency": "affinity",
}


def by_hand() -> Stated:
    """Two machines of one location and one of another; service 0 has two processes, service 1 needs it nearby."""
    return Stated(
        resources=[(1, 10), (0, 1)],
        machines=[
            (0, 0, [19, 30], [10, 30], [0, 0, 2]),
            (0, 0, [20, 30], [10, 30], [0, 0, 2]),
            (1, 7, [20, 30], [10, 30], [2, 2, 0]),
        ],
        services=[(2, []), (0, [0])],
        processes=[(0, [6, 5], 3), (0, [6, 5], 1), (1, [8, 9], 1)],
        balances=[(0, 1, 2, 10)],
        weights=(1, 10, 100),
        initial=[0, 2, 0],
    )


def placements(problem: Reassignment, machine_p: list[int]) -> list[Placement]:
    """Return an assignment as a plan has it."""
    named = {instance.id for instance in problem.estate.instances}
    return [
        Placement(
            group=f"s{service}", site=f"m{machine}", count=1, instances=[f"p{p}"] if f"p{p}" in named else []
        )
        for p, (service, machine) in enumerate(zip(problem.service_p.tolist(), machine_p, strict=True))
    ]


def both(world: World, problem: Reassignment, reference: Problem, machine_p: list[int]) -> tuple[int, set[str]]:
    """Return cost and kinds of broken rules by the estate's rules, which are those of the definition."""
    plan = Plan(plan="x", estate_fingerprint="", status=Status.FEASIBLE, placements=placements(problem, machine_p))
    report = judge(view_of(world, plan))
    verdict = reference.judge(np.array(machine_p))
    broken = {violation.rule for violation in report.violations if violation.hard}
    assert broken == {KINDS[kind] for kind, count in verdict.broken.items() if count}
    cost = dict(report.objective).get("soft[0]", 0)
    assert cost == verdict.cost
    return cost, broken


def test_the_example_reads_as_the_definition_says(tmp_path: Path) -> None:
    """Numbers that can be followed by hand: load 10 x 4 on machine 0, balance where little of r1 is free."""
    problem = read_reassignment(*by_hand().write(tmp_path))
    reference = Problem(*by_hand().write(tmp_path))
    world = World(problem.estate)
    assert [instance.id for instance in problem.estate.instances] == ["p0", "p1"]
    assert problem.estate.groups[1].current == {"m0": 1}
    # m0 uses 14 of r0, 4 above safe, and lacks nothing: 2 x 5 <= 16. m1 has 20 and 30 free, m2 14 and 25.
    cost, broken = both(world, problem, reference, [0, 2, 0])
    assert (cost, broken) == (10 * 4 + 10 * (10 + 3), set())
    # p0 goes to m1, in the same location: all is safe. m0 has 11 and 21 free, m1 14 and 25. It costs 3, and 10.
    cost, broken = both(world, problem, reference, [1, 2, 0])
    assert (cost, broken) == (10 * (1 + 3 + 3) + 3 + 10, set())
    # p2 goes to m2, beyond location and neighborhood.
    assert reference.judge(np.array([0, 2, 2])).costs["machine"] == 200
    assert both(world, problem, reference, [0, 2, 2])[1] == set()
    # p1 comes to m0, where p0 that leaves still holds 6: 20 of 19.
    assert both(world, problem, reference, [1, 0, 0])[1] == {"double_occupancy", "spread"}


@pytest.mark.parametrize("seed", range(40))
def test_costs_and_broken_rules_are_those_of_the_definition(seed: int, tmp_path: Path) -> None:
    """Random problems and assignments, half of them near the initial one: the same cost and kinds of faults."""
    stated = drawn(seed, machines=5, processes=9)
    problem, reference = read_reassignment(*stated.write(tmp_path)), Problem(*stated.write(tmp_path))
    world = World(problem.estate)
    rng = random.Random(seed)
    assert both(world, problem, reference, stated.initial)[1] == set()
    for number in range(12):
        machine_p = list(stated.initial)
        for p in rng.sample(range(9), 2 if number % 2 else 9):
            machine_p[p] = rng.randrange(5)
        both(world, problem, reference, machine_p)


def test_random_problems_break_and_charge_everything(tmp_path: Path) -> None:
    """Every kind of rule is broken and every part of the cost is paid somewhere in what the tests draw."""
    broken: set[str] = set()
    paid: set[str] = set()
    for seed in range(40):
        reference = Problem(*drawn(seed, machines=5, processes=9).write(tmp_path))
        rng = np.random.default_rng(seed)
        for _ in range(6):
            verdict: Verdict = reference.judge(rng.integers(5, size=9))
            broken |= {kind for kind, count in verdict.broken.items() if count}
            paid |= {part for part, cost in verdict.costs.items() if cost}
    assert broken == set(KINDS)
    assert paid == {"load", "balance", "process", "service", "machine"}


@pytest.mark.parametrize("seed", range(8))
def test_the_best_plan_is_the_best_assignment(seed: int, tmp_path: Path) -> None:
    """`place` reaches what trying all assignments gives, and its plan comes back in the order of the file."""
    stated = drawn(seed, machines=3, processes=5)
    problem, reference = read_reassignment(*stated.write(tmp_path)), Problem(*stated.write(tmp_path))
    verdicts = (reference.judge(np.array(machines)) for machines in itertools.product(range(3), repeat=5))
    best = min(verdict.cost for verdict in verdicts if verdict.feasible)
    result = place(problem.estate, time_limit_s=20, workers=1)
    assert result.status is Status.OPTIMAL
    assert result.plan is not None
    out = tmp_path / "out.txt"
    write_assignment(problem.machines_after(result.plan.placements), out)
    verdict = reference.judge(reference.read(out))
    assert verdict.feasible
    assert verdict.cost == best
    assert {goal.goal: goal.value for goal in result.objective}.get("soft[0]", 0) == best


def test_an_assignment_is_one_line_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Named processes and only ones of their service go where they are in the file; nobody elsewhere is -1."""
    problem = read_reassignment(*by_hand().write(tmp_path))
    there = placements(problem, [2, 1, 0])
    assert problem.machines_after(reversed(there)).tolist() == [2, 1, 0]
    assert problem.machines_after(there[1:]).tolist() == [-1, 1, 0]
    write_assignment(np.array([2, 1, 0]), tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == "2 1 0\n"


def test_an_estate_is_written_for_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the command writes is the estate that was read; a bad file is one line and exit 1."""
    files = by_hand().write(tmp_path)
    assert main([*map(str, files), "-o", str(tmp_path / "estate.yaml")]) == 0
    assert load_estate(tmp_path / "estate.yaml") == read_reassignment(*files).estate
    assert main([str(files[1]), str(files[1]), "-o", str(tmp_path / "x.yaml")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_packed_files_say_the_same_whatever_they_are_called(tmp_path: Path) -> None:
    """xz and gzip are known by their content."""
    model, assignment = by_hand().write(tmp_path)
    plain = read_reassignment(model, assignment)
    model.write_bytes(lzma.compress(model.read_bytes()))
    assignment.write_bytes(gzip.compress(assignment.read_bytes()))
    packed = read_reassignment(model, assignment)
    assert packed.estate == plain.estate
    assert packed.current_p.tolist() == plain.current_p.tolist() == [0, 2, 0]


def costs_by_rule(cost_hh: np.ndarray, levels: dict[str, np.ndarray]) -> tuple[MoveCost, list[list[int]]]:
    """Return the rule made of a matrix, and what it says of every pair of hosts in an estate."""
    structure = structure_of(cost_hh, levels)
    hosts = range(len(cost_hh))
    class_of = {h: f"c{c}" for c, members in enumerate(structure.classes) for h in members}
    domains = [
        {"id": f"{name}{x}", "level": name} for name, of in levels.items() for x in sorted(set(of.tolist()))
    ]
    domains += [{"id": f"c{c}", "level": "class"} for c in range(len(structure.classes))]
    also = [
        [f"{name}{levels[name][h]}" for name in levels] + [c for x, c in class_of.items() if x == h] for h in hosts
    ]
    rule = {"rule": "move_cost", "soft": {"weight": 1}, **structure.fields}
    estate = estate_from_data(
        {
            "estate": "e",
            "levels": [*levels, "class", "host"],
            "domains": domains,
            "hosts": [{"id": f"h{h}", "also_in": also[h]} for h in hosts],
            "rules": [rule],
        }
    )
    tree = World(estate).tree
    found = estate.rules[0]
    assert isinstance(found, MoveCost)
    at = [tree.by_id[f"h{h}"] for h in hosts]
    return found, [[found.between(tree, a, b) for b in at] for a in at]


@pytest.mark.parametrize("seed", range(30))
def test_a_rule_says_of_every_pair_what_the_matrix_says(seed: int) -> None:
    """By levels in any order, by classes of hosts, or pair by pair."""
    rng = np.random.default_rng(seed)
    hosts = int(rng.integers(1, 9))
    levels = {"location": rng.integers(3, size=hosts), "neighborhood": rng.integers(2, size=hosts)}
    kind = seed % 5
    if kind == 4:
        cost_hh = rng.integers(4, size=(hosts, hosts))
    else:
        order = [["location", "neighborhood"], ["neighborhood", "location"], ["location"], []][kind]
        cost_hh = np.full((hosts, hosts), 9)
        for cost, name in reversed(list(enumerate(order))):
            cost_hh[levels[name][:, None] == levels[name][None, :]] = cost
    if seed % 3 == 2 and hosts > 2:
        cost_hh[0, 1] += 1
    np.fill_diagonal(cost_hh, 0)
    rule, said = costs_by_rule(cost_hh, levels)
    assert said == cost_hh.tolist()
    if kind < 4 and not (seed % 3 == 2 and hosts > 2):
        assert not rule.pairs
        assert len(rule.steps) <= 2


def test_hosts_that_cost_the_same_share_a_class() -> None:
    """A matrix by three buildings that no level names needs pairs of buildings only, within them too."""
    building_h = np.repeat([0, 1, 2], 20)
    cost_cc = np.array([[1, 5, 7], [6, 2, 7], [7, 8, 3]])
    cost_hh = cost_cc[building_h][:, building_h]
    np.fill_diagonal(cost_hh, 0)
    structure = structure_of(cost_hh, {"location": np.zeros(60, np.int64)})
    assert [len(members) for members in structure.classes] == [20, 20, 20]
    assert len(structure.fields["pairs"]) == 6
    rule, said = costs_by_rule(cost_hh, {"location": np.zeros(60, np.int64)})
    assert said == cost_hh.tolist()
    assert rule.beyond == 7


def test_a_matrix_without_structure_still_reads(tmp_path: Path) -> None:
    """Machines in classes and pairs: the estate's cost is the definition's for every assignment."""
    stated = drawn(5, machines=4, processes=5)
    rng = random.Random(1)
    stated.machines = [
        (*machine[:4], [0 if a == b else rng.randint(0, 5) for b in range(4)])
        for a, machine in enumerate(stated.machines)
    ]
    stated.weights = (0, 0, 7)
    problem, reference = read_reassignment(*stated.write(tmp_path)), Problem(*stated.write(tmp_path))
    world = World(problem.estate)
    for machines in itertools.islice(itertools.product(range(4), repeat=5), 0, None, 37):
        both(world, problem, reference, list(machines))


GOOD = by_hand().model()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda m, a: (m.replace("20 30", "20 -30", 1), a), "model.txt:6: -30 is no whole number of at least 0"),
        (lambda m, a: (m.replace("20 30", "20 3.5", 1), a), "3.5 is no whole number"),
        (lambda m, a: (m.replace("20 30", "2e1 30", 1), a), "2e1 is no whole number"),
        (lambda m, a: (m.replace("20 30", "20 \x00", 1), a), "is no whole number"),
        (lambda m, a: (m.replace("20 30", f"20 {10**30}", 1), a), "model.txt:6: all machines"),
        (lambda m, a: (m.replace("\n3\n", "\n99999999999999999999\n", 1), a), "the number of machines"),
        (lambda m, a: (m.replace("\n3\n", "\n9999999\n", 1), a), "ends before all machines"),
        (lambda m, a: (m[:-20], a), "ends before"),
        (lambda m, a: ("", a), "ends before the number of resources"),
        (lambda m, a: ("0\n" + m, a), "has no resource"),
        (lambda m, a: (m + "7\n", a), "1 numbers too many"),
        (lambda m, a: (m.replace("1 10\n", "2 10\n", 1), a), "transient"),
        (lambda m, a: (m.replace("0 1 0\n", "0 1 9\n", 1), a), "service 1 depends on 9, there are 2"),
        (lambda m, a: (m.replace("0 1 0\n", "0 9999 0\n", 1), a), "ends before all services"),
        (lambda m, a: (m.replace("\n2 0\n", "\n3 0\n", 1), a), "service 0 has 2 processes and is to run in 3"),
        (lambda m, a: (m.replace("\n1 8 9 1", "\n5 8 9 1"), a), "process 2 is of service 5"),
        (lambda m, a: (m.replace("\n0 1 2\n10", "\n0 9 2\n10"), a), "a balance names resource 9"),
        (lambda m, a: (m.replace("\n0 1 2\n10", "\n0 0 2\n10"), a), "a balance wants resource 0 beside itself"),
        (lambda m, a: (m.replace("\n0 1 2\n10", "\n0 1 2\n5000000"), a), "has a weight of 5000000"),
        (lambda m, a: (m.replace("0 0 2\n0 0", "4 0 2\n0 0", 1), a), "staying on machine 0 costs 4"),
        (lambda m, a: (m, a + "1\n"), "has 4 numbers for the model's 3 processes"),
        (lambda m, a: (m, ""), "has 0 numbers for the model's 3 processes"),
        (lambda m, a: (m, "0 2 3\n"), "process 2 is on machine 3, there are 3"),
        (lambda m, a: (m, "0 2 x\n"), "x is no whole number"),
    ],
)
def test_bad_files_end_in_one_line(tmp_path: Path, change: object, what: str) -> None:
    """File, line and what is wrong."""
    model, assignment = by_hand().write(tmp_path)
    texts = change(GOOD, "0 2 0\n")  # type: ignore[operator]
    assert texts != (GOOD, "0 2 0\n")
    for path, text in zip((model, assignment), texts, strict=True):
        path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_reassignment(model, assignment)
    assert what in str(caught.value)
    assert "x_1." in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (lzma.compress(GOOD.encode())[:-9], "is a damaged xz file"),
        (b"\xfd7zXZ\x00rubbish", "is a damaged xz file"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-9], "is a damaged gzip file"),
        (bytes(range(256)), "is no whole number"),
    ],
    ids=["xz cut off", "no xz", "gzip cut off", "all bytes"],
)
def test_files_that_are_no_text_end_in_one_line(tmp_path: Path, content: bytes, what: str) -> None:
    """Packed halfway, or no numbers at all."""
    model, assignment = by_hand().write(tmp_path)
    model.write_bytes(content)
    with pytest.raises(InputError, match=what):
        read_reassignment(model, assignment)


def test_whatever_a_file_holds_it_reads_or_ends_in_one_line(tmp_path: Path) -> None:
    """Numbers changed, added, taken out, cut off: an estate that resolves, or one InputError."""
    words = [b"0", b"1", b"7", b"", b"-4", b"x", b"3 3", b"1000001", b"1000000000001", b"18446744073709551617"]
    read, refused = 0, list[str]()
    for seed in range(250):
        rng = random.Random(seed)
        files = drawn(seed % 9, machines=3, processes=4).write(tmp_path)
        path = files[rng.random() < 0.2]
        found = path.read_bytes().split()
        for _ in range(rng.randint(1, 2)):
            found[rng.randrange(len(found))] = rng.choice(words)
        if rng.random() < 0.1:
            del found[rng.randrange(len(found)) :]
        path.write_bytes(b" ".join(found))
        try:
            World(read_reassignment(*files).estate)
            read += 1
        except InputError as error:
            refused.append(str(error))
    assert not any("\n" in line for line in refused)
    assert min(read, len(refused)) > 25


def test_missing_files_name_the_nearest(tmp_path: Path) -> None:
    """A name that is nearly right is proposed, a folder is no file."""
    _, assignment = by_hand().write(tmp_path)
    with pytest.raises(InputError, match=r"Maybe x_1.model.txt"):
        read_reassignment(tmp_path / "x_1.model.tx", assignment)
    with pytest.raises(InputError, match="is a directory"):
        read_reassignment(tmp_path, assignment)


def test_the_checker_stands_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a command it prints the verdict, and exits 1 for what is broken or no file of the challenge."""
    model, assignment = by_hand().write(tmp_path)
    assert check([str(model), str(assignment)]) == 0
    assert capsys.readouterr().out.startswith("feasible\ncost 170 ")
    other = tmp_path / "other.txt"
    other.write_text("1 0 0")
    assert check([str(model), str(assignment), str(other)]) == 1
    assert "INFEASIBLE" in capsys.readouterr().out
    other.write_text("1 0")
    assert check([str(model), str(assignment), str(other)]) == 1
    assert check([str(assignment), str(assignment)]) == 1
