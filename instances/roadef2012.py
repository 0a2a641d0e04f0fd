"""Read Google's machine reassignment problem (ROADEF/EURO challenge 2012): a model and an assignment.

python -m zonewright.instances.roadef2012 MODEL ASSIGNMENT -o estate.json

Both files are whole numbers with white space between them, plain or packed (xz, gzip). The model says of resources
whether they are transient and what their load costs; of machines where they are, what they hold, what of it is
safe, and what moving a process to each machine costs; of services in how many locations they have to run and whom
they depend on; of processes what they need and what moving them costs; then what balance of two resources is
wanted, and the weights of the three costs of moves. The assignment has the machine of every process.

A machine is a host `m0`, a location or neighborhood a domain `l0` or `n0`, a service a group `s0`, a process an
instance `p0`; a service's only process is the one unnamed member of its group. The page `docs/challenge.md` has
the rules. The estate's only soft goal is the challenge's cost.

Arrays end in their axes: `r` resource, `m` machine, `s` service, `p` process, `b` balance.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from zonewright.instances.distances import Structure, structure_of
from zonewright.instances.packed import unpacked
from zonewright.instances.writing import written
from zonewright.models.estate import Estate
from zonewright.models.files import estate_from_data, write_whole
from zonewright.models.plan import Placement
from zonewright.models.problems import InputError, printable
from zonewright.models.quantities import MOST_COUNT, MOST_RESOURCE

Ints = npt.NDArray[np.int64]

#: Weights of soft rules go up to this.
MOST_WEIGHT = 1_000_000
MOST_ELEMENTS = 10_000_000


@dataclass(frozen=True)
class Reassignment:
    """An estate, and how the challenge's files number its processes and machines."""

    estate: Estate
    service_p: Ints
    current_p: Ints
    """The machine of every process today."""

    def machines_after(self, placements: Iterable[Placement]) -> Ints:
        """Return the machine of every process, -1 where it has none."""
        machine_p = np.full(len(self.service_p), -1, dtype=np.int64)
        first_s = dict(zip(self.service_p[::-1].tolist(), range(len(self.service_p) - 1, -1, -1), strict=True))
        for placement in placements:
            machine = int(placement.site[1:])
            for name in placement.instances:
                machine_p[int(name[1:])] = machine
            if placement.count > len(placement.instances):
                machine_p[first_s[int(placement.group[1:])]] = machine
        return machine_p


@dataclass(frozen=True)
class Model:
    """The numbers of a model file."""

    transient_r: Ints
    load_weight_r: Ints
    neighborhood_m: Ints
    location_m: Ints
    capacity_mr: Ints
    safe_mr: Ints
    move_cost_mm: Ints
    """What it costs to move a process from a machine to another."""
    locations_s: Ints
    """In how many locations a service has to run at least."""
    depends: Sequence[Sequence[int]]
    """Services that one needs in every neighborhood that it runs in."""
    service_p: Ints
    demand_pr: Ints
    move_cost_p: Ints
    balances: Sequence[tuple[int, int, int, int]]
    """Resource, beside which resource, wanted units of it for a unit of the first, weight."""
    weights: tuple[int, int, int]
    """Of the costs of moving processes, of the service with most moves, and between machines."""


def read_reassignment(model: str | Path, assignment: str | Path) -> Reassignment:
    """Read a model and an assignment. Raises InputError with file and line for what is none."""
    numbers = read_model(model)
    current_p = read_assignment(assignment, numbers)
    name = Path(model).name.split(".")[0]
    return Reassignment(estate_from_data(estate_data(numbers, current_p, name)), numbers.service_p, current_p)


def write_assignment(machine_p: Ints, path: str | Path) -> None:
    """Write an assignment as the challenge wants it: one line. Raises InputError when it cannot be written."""
    write_whole(" ".join(map(str, machine_p.tolist())) + "\n", path)


class _Numbers:
    """Whole numbers of a file, taken one after another."""

    def __init__(self, path: str | Path) -> None:
        self.source = str(path)
        self.raw = unpacked(path)
        self.at = 0
        if self.raw.translate(None, b"0123456789 \t\r\n"):
            raise self._no_number()
        self.all = np.fromstring(self.raw, dtype=np.int64, sep=" ") if self.raw.strip() else np.zeros(0, np.int64)

    def _no_number(self) -> InputError:
        for line, words in enumerate(self.raw.split(b"\n"), 1):
            odd = next((word for word in words.split() if not word.isdigit()), None)
            if odd is not None:
                shown = printable(odd[:60].decode("utf-8", "replace"))
                what = f"{shown} is no whole number of at least 0: is this a file of the challenge?"
                return InputError(what, source=self.source, line=line)
        return InputError("has bytes that are neither numbers nor white space", source=self.source)

    def take(self, count: int, what: str, most: int = MOST_RESOURCE) -> Ints:
        """Take so many numbers of at most `most`."""
        found = self.all[self.at : self.at + count]
        if len(found) < count:
            raise InputError(f"ends before {what}", source=self.source, line=self.line(len(self.all)))
        if len(found) and found.max() > most:
            odd = int((found > most).argmax())
            raise self.wrong(f"{what}: {found[odd]} is more than {most}", self.at + odd)
        self.at += count
        return found

    def one(self, what: str, most: int = MOST_RESOURCE) -> int:
        """Take one number."""
        return int(self.take(1, what, most)[0])

    def finish(self) -> None:
        """Raise InputError where numbers are left over."""
        left = len(self.all) - self.at
        if left:
            raise self.wrong(f"{left} numbers too many: the sizes in it do not go together", self.at)

    def wrong(self, what: str, position: int | None = None) -> InputError:
        """Return an error with the line of a number; by default of the one taken last."""
        return InputError(what, source=self.source, line=self.line(self.at - 1 if position is None else position))

    def line(self, position: int) -> int:
        """Return the line of a number, the last line with one where there are not so many."""
        seen, last = 0, 1
        for line, words in enumerate(self.raw.split(b"\n"), 1):
            count = len(words.split())
            last = line if count else last
            seen += count
            if seen > position:
                break
        return last


def read_model(path: str | Path) -> Model:
    """Read a model's numbers. Raises InputError with file and line."""
    numbers = _Numbers(path)
    resources = numbers.one("the number of resources", MOST_ELEMENTS)
    if not resources:
        raise numbers.wrong("has no resource: at least 1 is needed")
    weighed = numbers.take(2 * resources, "all resources").reshape(resources, 2)
    if weighed[:, 0].max() > 1:
        raise numbers.wrong("a resource is transient (1) or not (0)")
    machines = numbers.one("the number of machines", MOST_ELEMENTS)
    if not machines:
        raise numbers.wrong("has no machine: at least 1 is needed")
    rows = numbers.take(machines * (2 + 2 * resources + machines), "all machines").reshape(machines, -1)
    locations_s, depends = _services(numbers)
    processes = numbers.one("the number of processes", MOST_ELEMENTS)
    of_process = numbers.take(processes * (2 + resources), "all processes").reshape(processes, 2 + resources)
    balances = numbers.one("the number of balances", MOST_ELEMENTS)
    of_balance = numbers.take(4 * balances, "all balances").reshape(balances, 4)
    weights = numbers.take(3, "the weights of the costs of moves")
    numbers.finish()
    found = Model(
        transient_r=weighed[:, 0],
        load_weight_r=weighed[:, 1],
        neighborhood_m=rows[:, 0],
        location_m=rows[:, 1],
        capacity_mr=rows[:, 2 : 2 + resources],
        safe_mr=rows[:, 2 + resources : 2 + 2 * resources],
        move_cost_mm=rows[:, 2 + 2 * resources :],
        locations_s=locations_s,
        depends=depends,
        service_p=of_process[:, 0],
        demand_pr=of_process[:, 1:-1],
        move_cost_p=of_process[:, -1],
        balances=[(a, b, ratio, weight) for a, b, ratio, weight in of_balance.tolist()],
        weights=(int(weights[0]), int(weights[1]), int(weights[2])),
    )
    what = _odd(found)
    if what is not None:
        raise InputError(what, source=numbers.source)
    return found


def _services(numbers: _Numbers) -> tuple[Ints, list[list[int]]]:
    """Take every service: the least number of its locations, and whom it depends on."""
    services = numbers.one("the number of services", MOST_ELEMENTS)
    left = numbers.all[numbers.at :].tolist()
    at = 0
    locations: list[int] = []
    depends: list[list[int]] = []
    for service in range(services):
        end = at + 2 + (left[at + 1] if at + 1 < len(left) else 0)
        if end > len(left):
            numbers.take(len(left) + 1, "all services")
        others = left[at + 2 : end]
        if others and max(others) >= services:
            what = f"service {service} depends on {max(others)}, there are {services}"
            raise numbers.wrong(what, numbers.at + end - 1)
        locations.append(left[at])
        depends.append(others)
        at = end
    numbers.take(at, "all services")
    return np.array(locations, dtype=np.int64), depends


def _odd(model: Model) -> str | None:
    """Return the first thing in which the numbers do not go together, or that no estate can hold."""
    services, resources = len(model.depends), len(model.transient_r)
    if len(model.service_p) and model.service_p.max() >= services:
        process = int((model.service_p >= services).argmax())
        return f"process {process} is of service {model.service_p[process]}, there are {services}"
    for first, second, ratio, _ in model.balances:
        if max(first, second) >= resources:
            return f"a balance names resource {max(first, second)}, there are {resources}"
        if first == second:
            return f"a balance wants resource {first} beside itself"
        if ratio > MOST_WEIGHT:
            return f"a balance wants {ratio} of a resource beside another, at most {MOST_WEIGHT} can be counted"
    if model.move_cost_mm.diagonal().any():
        machine = int(model.move_cost_mm.diagonal().argmax())
        return f"staying on machine {machine} costs {model.move_cost_mm[machine, machine]}, it costs nothing"
    count_s = np.bincount(model.service_p, minlength=services)
    if (model.locations_s > count_s).any():
        service = int((model.locations_s > count_s).argmax())
        least, count = model.locations_s[service], count_s[service]
        return f"service {service} has {count} processes and is to run in {least} locations"
    weights = (*model.load_weight_r.tolist(), *(weight for *_, weight in model.balances), *model.weights)
    if max(weights) > MOST_WEIGHT:
        return f"has a weight of {max(weights)}, at most {MOST_WEIGHT} can be counted: scale all weights down"
    costs = max(model.move_cost_p.max(initial=0), model.move_cost_mm.max())
    if costs > MOST_COUNT:
        return f"has a move that costs {costs}, at most {MOST_COUNT} can be counted"
    return None


def read_assignment(path: str | Path, model: Model) -> Ints:
    """Read an assignment: the machine of every process. Raises InputError with file and line."""
    numbers = _Numbers(path)
    machines, processes = len(model.location_m), len(model.service_p)
    if len(numbers.all) != processes:
        what = f"has {len(numbers.all)} numbers for the model's {processes} processes: do the two belong together?"
        raise InputError(what, source=numbers.source)
    machine_p = numbers.take(processes, "all processes")
    if processes and machine_p.max() >= machines:
        process = int((machine_p >= machines).argmax())
        what = f"process {process} is on machine {machine_p[process]}, there are {machines}"
        raise numbers.wrong(what, process)
    return machine_p


def estate_data(model: Model, current_p: Ints, name: str = "roadef2012") -> dict[str, Any]:
    """Return an estate as plain data: the model's machines, services and rules, with everybody where he is."""
    resources = [f"r{r}" for r in range(len(model.transient_r))]
    levels = {"location": model.location_m, "neighborhood": model.neighborhood_m}
    structure = structure_of(model.move_cost_mm, levels)
    class_of = {machine: f"c{c}" for c, members in enumerate(structure.classes) for machine in members}
    groups, instances = _members(model, current_p, resources)
    location_m, neighborhood_m = model.location_m.tolist(), model.neighborhood_m.tolist()
    domains = [{"id": f"l{x}", "level": "location"} for x in sorted(set(location_m))]
    domains += [{"id": f"n{x}", "level": "neighborhood"} for x in sorted(set(neighborhood_m))]
    domains += [{"id": f"c{c}", "level": "cost_class"} for c in range(len(structure.classes))]
    capacity, safe = model.capacity_mr.tolist(), model.safe_mr.tolist()
    return {
        "estate": name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else "roadef2012",
        "description": "Machine reassignment as in the ROADEF/EURO challenge 2012",
        "role": "operator",
        "levels": ["location", "neighborhood", *(["cost_class"] if structure.classes else []), "host"],
        "resource_names": resources,
        "goals": ["placed", "soft"],
        "domains": domains,
        "hosts": [
            {
                "id": f"m{m}",
                "in": f"l{location_m[m]}",
                "also_in": [f"n{neighborhood_m[m]}", *([class_of[m]] if m in class_of else [])],
                "capacity": dict(zip(resources, capacity[m], strict=True)),
                "safe": dict(zip(resources, safe[m], strict=True)),
            }
            for m in range(len(capacity))
        ],
        "groups": groups,
        "instances": instances,
        "rules": [*_hard_rules(model, resources), *_soft_rules(model, resources, structure)],
    }


def _members(
    model: Model, current_p: Ints, resources: list[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return groups and named instances. A group's demand and cost of a move are those of its first process."""
    count_s = np.bincount(model.service_p, minlength=len(model.depends)).tolist()
    groups: list[dict[str, Any]] = [
        {"id": f"s{s}", "count": count, "demand": {resources[0]: 0}} for s, count in enumerate(count_s)
    ]
    instances: list[dict[str, Any]] = []
    first: dict[int, list[int]] = {}
    demands, machines, costs = model.demand_pr.tolist(), current_p.tolist(), model.move_cost_p.tolist()
    for p, s in enumerate(model.service_p.tolist()):
        like = first.setdefault(s, demands[p])
        group = groups[s]
        if like is demands[p]:
            group["demand"] = dict(zip(resources, like, strict=True))
            if costs[p] != 1:
                group["move_cost"] = costs[p]
        if group["count"] == 1:
            group["current"] = {f"m{machines[p]}": 1}
            continue
        instance: dict[str, Any] = {"id": f"p{p}", "group": group["id"], "site": f"m{machines[p]}"}
        if demands[p] != like:
            instance["demand"] = dict(zip(resources, demands[p], strict=True))
        if costs[p] != group.get("move_cost", 1):
            instance["move_cost"] = costs[p]
        instances.append(instance)
    return groups, instances


def _hard_rules(model: Model, resources: list[str]) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = []
    count_s = np.bincount(model.service_p, minlength=len(model.depends))
    several = [f"s{s}" for s in np.flatnonzero(count_s > 1).tolist()]
    if several:
        rules.append({"rule": "anti_affinity", "id": "conflict", "level": "host", "groups": several})
    for least in np.unique(model.locations_s).tolist():
        if least > 1:
            names = [f"s{s}" for s in np.flatnonzero(model.locations_s == least).tolist()]
            spread = {"rule": "spread", "id": f"spread-{least}", "level": "location", "least_domains": least}
            rules.append({**spread, "groups": names})
    for s, others in enumerate(model.depends):
        needed = [f"s{other}" for other in dict.fromkeys(others) if other != s]
        if needed:
            rule = {"rule": "affinity", "id": f"depends-s{s}", "level": "neighborhood", "groups": [f"s{s}"]}
            rules.append({**rule, "to": needed})
    transient = [name for name, flag in zip(resources, model.transient_r.tolist(), strict=True) if flag]
    if transient:
        rules.append({"rule": "double_occupancy", "id": "transient", "resources": transient})
    return rules


def _soft_rules(model: Model, resources: list[str], structure: Structure) -> list[dict[str, Any]]:
    """Return a rule for every cost with a weight."""
    rules: list[dict[str, Any]] = [
        {"rule": "load", "id": f"load-{name}", "level": "host", "resources": [name], "soft": {"weight": weight}}
        for name, weight in zip(resources, model.load_weight_r.tolist(), strict=True)
        if weight
    ]
    for b, (first, second, ratio, weight) in enumerate(model.balances):
        if weight and ratio:
            rule = {"rule": "free_ratio", "id": f"balance-{b}", "level": "host", "soft": {"weight": weight}}
            rules.append({**rule, "resource": resources[first], "beside": resources[second], "ratio": ratio})
    process, service, machine = model.weights
    if process:
        rules.append({"rule": "move_cost", "id": "process-moves", "own": True, "soft": {"weight": process}})
    if service:
        rules.append({"rule": "group_moves", "id": "service-moves", "soft": {"weight": service}})
    if machine and not structure.free:
        rule = {"rule": "move_cost", "id": "machine-moves", "soft": {"weight": machine}}
        rules.append({**rule, **_with_machines(structure.fields)})
    return rules


def _with_machines(fields: Any) -> dict[str, Any]:
    """Return the fields of a rule on distances with hosts called by their names."""
    if "pairs" not in fields:
        return dict(fields)
    ends = ("from", "to")
    pairs = [{**p, **{end: p[end].replace("h", "m") for end in ends}} for p in fields["pairs"]]
    return {**fields, "pairs": pairs}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m zonewright.instances.roadef2012",
        description="Turn a model and an assignment of the ROADEF/EURO challenge 2012 into an estate.",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("assignment", metavar="ASSIGNMENT")
    parser.add_argument("-o", "--output", required=True, help="file to write: .json, or YAML")
    options = parser.parse_args(arguments)
    return written(lambda: read_reassignment(options.model, options.assignment).estate, options.output)


if __name__ == "__main__":
    sys.exit(main())
