"""Seeded generators of estates of any size, and their command line.

python -m zonewright.instances.generator region --instances 5000 --groups 400 --hosts 600 -o region.json
python -m zonewright.instances.generator zones --instances 1000000 --groups 20000 -o zones.yaml
python -m zonewright.instances.generator filled --instances 1000000 --groups 20000 -o filled.json
python -m zonewright.instances.generator growing --instances 3000 --groups 300 -o growing.json
python -m zonewright.instances.generator changed ESTATE --plan PLAN --share 0.01 -o changed.json
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec

from zonewright.instances.changing import changed_data
from zonewright.instances.filled import filled_data
from zonewright.instances.growing import growing_data
from zonewright.instances.pools import zones_data
from zonewright.instances.region import region_data
from zonewright.instances.writing import written
from zonewright.models.estate import Estate
from zonewright.models.files import estate_from_data, load_estate, load_plan

Options = ParamSpec("Options")

__all__ = [
    "changed_data",
    "filled_data",
    "generate_changed",
    "generate_filled",
    "generate_growing",
    "generate_region",
    "generate_zones",
    "growing_data",
    "main",
    "region_data",
    "zones_data",
]


def _as_estate(make: Callable[Options, dict[str, Any]]) -> Callable[Options, Estate]:
    """Return the same generator with an estate as its result instead of plain data."""

    @wraps(make)
    def generate(*args: Options.args, **options: Options.kwargs) -> Estate:
        return estate_from_data(make(*args, **options))

    return generate


generate_region = _as_estate(region_data)
generate_zones = _as_estate(zones_data)
generate_filled = _as_estate(filled_data)
generate_growing = _as_estate(growing_data)
generate_changed = _as_estate(changed_data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = vars(_parser().parse_args(arguments))
    makers: dict[str, Callable[..., dict[str, Any]]] = {
        "region": region_data,
        "zones": zones_data,
        "filled": filled_data,
        "growing": growing_data,
        "changed": _changed_files,
    }
    make = makers[options.pop("what")]
    target = options.pop("output")
    return written(lambda: make(**options), target)


def _changed_files(*, estate: str, plan: str | None, share: float, seed: int) -> dict[str, Any]:
    """Return an estate's data after a change, from files."""
    return changed_data(load_estate(estate), load_plan(plan) if plan else None, share=share, seed=seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m zonewright.instances.generator",
        description="Generate an estate, the same for the same seed.",
    )
    kinds = parser.add_subparsers(dest="what", required=True)
    region = kinds.add_parser("region", help="zones, racks and hosts; at most one of a group per host, even zones")
    region.add_argument("--instances", type=int, default=5_000)
    region.add_argument("--groups", type=int, default=400)
    region.add_argument("--hosts", type=int, default=600)
    region.add_argument("--racks", type=int, default=30)
    region.add_argument("--host-types", type=int, default=6)
    region.add_argument("--fill", type=float, default=0.85, help="demand over capacity (%(default)s)")
    region.add_argument("--largest-group", type=int, default=300)
    region.add_argument("--apart-in-racks", action="store_true", help="a rack holds few of a group")
    region.add_argument("--in-place", action="store_true", help="everybody runs already")
    zones = kinds.add_parser("zones", help="zones without hosts, any of which may be lost")
    zones.add_argument("--instances", type=int, default=1_000_000)
    zones.add_argument("--groups", type=int, default=20_000)
    zones.add_argument(
        "--fill", type=float, default=0.97, help="demand over what a lost zone leaves (%(default)s)"
    )
    zones.add_argument("--largest-group", type=int, default=5_000)
    filled = kinds.add_parser("filled", help="zones with everybody in place; losing one makes survivors move")
    filled.add_argument("--instances", type=int, default=1_000_000)
    filled.add_argument("--groups", type=int, default=20_000)
    filled.add_argument("--fill", type=float, default=0.66, help="demand over all capacity (%(default)s)")
    filled.add_argument("--largest-group", type=int, default=5_000)
    for kind in (region, zones, filled):
        kind.add_argument("--zones", type=int, default=3)
        kind.add_argument("--shapes", type=int, default=120, help="distinct demands (%(default)s)")
        barred = 0.3 if kind is filled else 0.1
        kind.add_argument(
            "--barred-share", type=float, default=barred, help="groups kept out of one zone (%(default)s)"
        )
    growing = kinds.add_parser("growing", help="hosts two thirds full, more instances wanted, hosts for sale")
    growing.add_argument("--instances", type=int, default=3_000)
    growing.add_argument("--groups", type=int, default=300)
    growing.add_argument("--zones", type=int, default=3)
    growing.add_argument("--shapes", type=int, default=10, help="distinct demands, at most 12 (%(default)s)")
    growing.add_argument("--running", type=float, default=0.65, help="share that runs already (%(default)s)")
    growing.add_argument("--fill", type=float, default=0.66, help="their demand over capacity (%(default)s)")
    changed = kinds.add_parser("changed", help="a share of an estate's instances, half of them new, half resized")
    changed.add_argument("estate", metavar="ESTATE")
    changed.add_argument("--plan", metavar="PLAN", help="where everybody is; by default where the estate says")
    changed.add_argument("--share", type=float, default=0.01, help="of the instances (%(default)s)")
    for kind in (region, zones, filled, growing, changed):
        kind.add_argument("--seed", type=int, default=0)
        kind.add_argument("-o", "--output", required=True, help="file to write: .json, or YAML")
    return parser


if __name__ == "__main__":
    sys.exit(main())
