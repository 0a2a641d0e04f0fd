"""Read the OpenB cluster (Alibaba's production GPU cluster, 2023): its node and pod lists in CSV.

python -m zonewright.instances.openb NODES.csv PODS.csv -o openb.json

All pods are taken at once, as if all ran at the same time. The lists have no zones: the nodes are dealt in
turn over z0, z1 and z2. The lists are public: `cluster-trace-gpu-v2023` among
Alibaba's cluster traces.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from zonewright.instances.writing import written
from zonewright.models.estate import Estate
from zonewright.models.files import estate_from_data
from zonewright.models.problems import InputError, maybe, printable

#: Priority by service class. No document orders them: an assumption, which the estate repeats.
PRIORITY = {"LS": 3, "Guaranteed": 2, "Burstable": 1, "BE": 0}
ZONES = ("z0", "z1", "z2")

ASSUMPTIONS = (
    "Assumed: LS > Guaranteed > Burstable > BE; GPU shares add up per node in thousandths, "
    "which relaxes one share per device; all pods run at the same time; nodes dealt in turn over three zones"
)
_NODE_COLUMNS = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
_POD_COLUMNS = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec", "qos")

_Row = tuple[int, dict[str, str]]


def read_openb(nodes: str | Path, pods: str | Path) -> Estate:
    """Read a node list and a pod list as an estate.

    Pods that are alike become one group with a count, named by what they ask for. Raises InputError with
    file and line for a list that is no such list.
    """
    return estate_from_data(openb_data(nodes, pods))


def openb_data(nodes: str | Path, pods: str | Path) -> dict[str, Any]:
    """Read a node list and a pod list as plain data."""
    groups, reach = _pods(Path(pods))
    rules = [
        {
            "rule": "domains",
            "id": f"gpu-{_named(spec)}",
            "groups": names,
            "allow_labels": {"gpu_model": spec.split("|")},
        }
        for spec, names in sorted(reach.items())
    ]
    return {
        "estate": "openb",
        "description": ASSUMPTIONS,
        "role": "operator",
        "goals": ["placed", "soft", "moves"],
        "zones": [{"id": zone, "source": {"assumption": ASSUMPTIONS}} for zone in ZONES],
        "hosts": list(_hosts(Path(nodes))),
        "groups": groups,
        "rules": rules,
    }


def _hosts(path: Path) -> Iterator[dict[str, Any]]:
    for position, (line, row) in enumerate(_rows(path, _NODE_COLUMNS)):
        host: dict[str, Any] = {
            "id": row["sn"],
            "in": ZONES[position % len(ZONES)],
            "capacity": {
                "cpu_milli": _number(path, line, row, "cpu_milli"),
                "memory_mib": _number(path, line, row, "memory_mib"),
                "gpu_milli": 1000 * _number(path, line, row, "gpu"),
            },
        }
        if row["model"]:
            host["labels"] = {"gpu_model": row["model"]}
        yield host


def _pods(path: Path) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Return groups in the order of their first pods, and the groups of every GPU specification."""
    count: Counter[tuple[str, int, int, int, str]] = Counter()
    for line, row in _rows(path, _POD_COLUMNS):
        qos = row["qos"] or "BE"
        if qos not in PRIORITY:
            raise InputError(f"unknown qos {printable(qos)}.{maybe(qos, PRIORITY)}", source=str(path), line=line)
        cpu, memory = _number(path, line, row, "cpu_milli"), _number(path, line, row, "memory_mib")
        cards = _number(path, line, row, "num_gpu")
        gpu = cards * _number(path, line, row, "gpu_milli") if cards else 0
        named = {model.strip() for model in row["gpu_spec"].split("|")} - {""} if gpu else set()
        models = "|".join(sorted(named))
        count[qos, cpu, memory, gpu, models] += 1
    groups: list[dict[str, Any]] = []
    reach: dict[str, list[str]] = {}
    for (qos, cpu, memory, gpu, models), pods in count.items():
        name = f"{qos}-{cpu}c-{memory}m-{gpu}g" + (f"-{_named(models)}" if models else "")
        demand = {"cpu_milli": cpu, "memory_mib": memory, "gpu_milli": gpu}
        # A pod that asks for nothing still is one: a demand of no memory at all states that.
        asked = {resource: amount for resource, amount in demand.items() if amount} or {"memory_mib": 0}
        groups.append(
            {"id": name, "count": pods, "demand": asked, "priority": PRIORITY[qos], "labels": {"qos": qos}}
        )
        if models:
            reach.setdefault(models, []).append(name)
    return groups, reach


def _named(models: str) -> str:
    """Return a GPU specification as part of a name."""
    return "".join(ch if ch.isalnum() else "+" for ch in models)


def _rows(path: Path, columns: Sequence[str]) -> Iterator[_Row]:
    """Yield (line, row) of a list. Raises InputError when it cannot be read or lacks a column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                what = f"has no column {missing[0]}: is this the right list?"
                raise InputError(what, source=str(path), line=1)
            for row in reader:
                yield reader.line_num, {name: (row[name] or "").strip() for name in columns}
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", source=str(path)) from None
    except (UnicodeDecodeError, csv.Error):
        raise InputError("is no CSV in UTF-8", source=str(path)) from None


def _number(path: Path, line: int, row: dict[str, str], column: str) -> int:
    """Return a whole number that is not negative; nothing counts as 0."""
    text = row[column] or "0"
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1e12 or value != int(value):
        what = f"{column}: {printable(text)} is no whole number of at least 0"
        raise InputError(what, source=str(path), line=line)
    return int(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m zonewright.instances.openb",
        description="Turn OpenB's node and pod lists into an estate.",
    )
    parser.add_argument("nodes", help="openb_node_list_all_node.csv")
    parser.add_argument("pods", help="openb_pod_list_default.csv, or another of the pod lists")
    parser.add_argument("-o", "--output", required=True, help="file to write: .json, or YAML")
    options = parser.parse_args(arguments)
    return written(lambda: openb_data(options.nodes, options.pods), options.output)


if __name__ == "__main__":
    sys.exit(main())
