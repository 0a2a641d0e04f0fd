"""Read OptaPlanner's cloud balancing (JSON, plain or packed): processes, and computers that cost once used.

python -m zonewright.instances.cloudbalancing FILE -o estate.json

`computerList` has computers with `cpuPower`, `memory`, `networkBandwidth` and `cost`; `processList` has processes
with `requiredCpuPower`, `requiredMemory`, `requiredNetworkBandwidth` and `computer`, which is null or where the
process runs today: a computer's id, or the computer itself. No computer takes more than it has; one that is used
costs its cost.

A computer is a host `c0`, after its id. Processes that need the same are one group.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zonewright.instances.packed import unpacked_text
from zonewright.instances.writing import written
from zonewright.models.estate import Estate
from zonewright.models.files import estate_from_data, write_whole
from zonewright.models.json_text import parse_json_text
from zonewright.models.plan import Placement
from zonewright.models.problems import InputError, printable
from zonewright.models.quantities import MOST_MONEY, MOST_RESOURCE

#: Resource of the estate to what the file calls it, of computers and of processes.
_FIELDS = {
    "cpu_power": ("cpuPower", "requiredCpuPower"),
    "memory": ("memory", "requiredMemory"),
    "network_bandwidth": ("networkBandwidth", "requiredNetworkBandwidth"),
}

Row = dict[str, Any]


@dataclass(frozen=True)
class CloudBalance:
    """An estate, and the file that it was made from."""

    estate: Estate
    data: Mapping[str, Any]
    members: Mapping[str, Sequence[int]]
    """Group to the positions of its processes in the file."""

    def computers_after(self, placements: Iterable[Placement]) -> list[int | None]:
        """Return the id of every process's computer, None where it has none. Who can stay stays."""
        processes = self.data["processList"]
        found: list[int | None] = [None] * len(processes)
        seats: dict[str, Counter[int]] = {}
        for placement in placements:
            seats.setdefault(placement.group, Counter())[int(placement.site[1:])] += placement.count
        for group, free in seats.items():
            movers: list[int] = []
            for position in self.members[group]:
                today = _computer_id(processes[position])
                if today is not None and free[today]:
                    free[today] -= 1
                    found[position] = today
                else:
                    movers.append(position)
            for position, computer in zip(movers, free.elements(), strict=False):
                found[position] = computer
        return found

    def solution(self, computers: Sequence[int | None]) -> str:
        """Return the file with every process's `computer` set, without a score."""
        rows = zip(self.data["processList"], computers, strict=True)
        processes = [{**process, "computer": computer} for process, computer in rows]
        return json.dumps({**self.data, "processList": processes, "score": None}, indent=2) + "\n"


def read_cloudbalancing(path: str | Path) -> CloudBalance:
    """Read a file. Raises InputError with file and place for one that is no such file."""
    source = str(path)
    try:
        return cloudbalancing_from_data(parse_json_text(unpacked_text(path), source))
    except InputError as error:
        raise InputError(error.what, path=error.path, source=source, line=error.line) from None


def write_cloudbalancing(problem: CloudBalance, computers: Sequence[int | None], path: str | Path) -> None:
    """Write a solution in the form of the file that was read. Raises InputError when it cannot be written."""
    write_whole(problem.solution(computers), path)


def cloudbalancing_from_data(data: object) -> CloudBalance:
    """Build an estate from plain data. Raises InputError with the place of the first thing wrong."""
    if not isinstance(data, dict):
        raise InputError("is no object with computerList and processList")
    computers = _rows(data, "computerList", [name for name, _ in _FIELDS.values()], {"cost": int(MOST_MONEY)})
    if not computers:
        raise InputError("names no computer", path=("computerList",))
    processes = _rows(data, "processList", [name for _, name in _FIELDS.values()], {})
    known = {computer["id"] for computer in computers}
    groups: dict[str, Row] = {}
    members: dict[str, list[int]] = {}
    for position, process in enumerate(processes):
        demand = {resource: process[name] for resource, (_, name) in _FIELDS.items()}
        name = "p" + "-".join(map(str, demand.values()))
        group = groups.setdefault(name, {"id": name, "count": 0, "demand": demand, "current": Counter()})
        group["count"] += 1
        members.setdefault(name, []).append(position)
        today = _computer_id(process)
        if today is not None:
            if type(today) is not int or today not in known:
                what = f"there is no computer {printable(today)}"
                raise InputError(what, path=("processList", position, "computer"))
            group["current"][f"c{today}"] += 1
    estate = {
        "estate": "cloudbalancing",
        "description": "Processes on computers that cost something once they are used",
        "role": "operator",
        "goals": ["placed", "cost"],
        "resource_names": list(_FIELDS),
        "hosts": [
            {
                "id": f"c{computer['id']}",
                "capacity": {resource: computer[name] for resource, (name, _) in _FIELDS.items()},
                "open_cost": computer["cost"],
            }
            for computer in computers
        ],
        "groups": list(groups.values()),
    }
    return CloudBalance(estate_from_data(estate), data, members)


def _rows(data: Row, section: str, amounts: Sequence[str], others: Mapping[str, int]) -> list[Row]:
    """Return the entries of a section, each with a number as its id and whole amounts that are not too large."""
    value = data.get(section)
    if not isinstance(value, list):
        raise InputError("should be a list" if section in data else "is missing", path=(section,))
    most = {"id": MOST_RESOURCE, **dict.fromkeys(amounts, MOST_RESOURCE), **others}
    seen: set[int] = set()
    for position, entry in enumerate(value):
        if not isinstance(entry, dict):
            raise InputError("should be an object", path=(section, position))
        for key, limit in most.items():
            amount = entry.get(key)
            if type(amount) is not int or not 0 <= amount <= limit:
                what = (
                    f"{printable(amount)} is no whole number from 0 to {limit}" if key in entry else "is missing"
                )
                raise InputError(what, path=(section, position, key))
        if entry["id"] in seen:
            raise InputError(f"{entry['id']} is given twice", path=(section, position, "id"))
        seen.add(entry["id"])
    return value


def _computer_id(process: Row) -> Any:
    """Return the id of the computer that a process is on, None where it is on none."""
    computer = process.get("computer")
    return computer.get("id", computer) if isinstance(computer, dict) else computer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m zonewright.instances.cloudbalancing",
        description="Turn a file of OptaPlanner's cloud balancing into an estate.",
    )
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("-o", "--output", required=True, help="file to write: .json, or YAML")
    options = parser.parse_args(arguments)
    return written(lambda: read_cloudbalancing(options.file).estate, options.output)


if __name__ == "__main__":
    sys.exit(main())
