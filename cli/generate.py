"""`zonewright generate`: estates of any size, from a seed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from zonewright.cli.boundary import guarded
from zonewright.cli.exits import Exit


class What(StrEnum):
    """What there is a generator of."""

    REGION = "region"
    ZONES = "zones"
    FILLED = "filled"


@guarded
def generate(
    what: Annotated[
        What,
        typer.Argument(
            metavar="region|zones|filled",
            help="A region of hosts; zones that hide them; zones with everybody in place.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="ESTATE", help="The file: .json, or YAML.", show_default=False),
    ],
    instances: Annotated[
        int | None,
        typer.Option(min=1, max=10**8, metavar="N", help="Instances.", show_default="5000 or 1000000"),
    ] = None,
    groups: Annotated[
        int | None, typer.Option(min=1, max=10**6, metavar="N", help="Groups.", show_default="400 or 20000")
    ] = None,
    hosts: Annotated[int, typer.Option(min=1, max=10**5, metavar="N", help="Hosts of a region.")] = 600,
    racks: Annotated[int, typer.Option(min=1, max=10**4, metavar="N", help="Racks of a region.")] = 30,
    zones: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="Zones.")] = 3,
    fill: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=1.0, metavar="SHARE", help="Demand over capacity.", show_default="0.85, 0.97 or 0.66"
        ),
    ] = None,
    apart_in_racks: Annotated[
        bool, typer.Option("--apart-in-racks", help="A rack of the region holds few of a group.")
    ] = False,
    in_place: Annotated[bool, typer.Option("--in-place", help="Everybody in the region runs already.")] = False,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, metavar="N", help="Same seed, same estate.")] = 0,
) -> Exit:
    """Generate an estate that has a plan: one is made first, and thrown away or kept as where everybody is.

    [bold]Examples[/bold]

      zonewright generate region -o region.json --instances 5000 --groups 400 --hosts 600 --fill 0.95

      zonewright generate zones -o large.yaml --instances 1000000 --groups 20000
    """
    from zonewright.instances.generator import filled_data, region_data, zones_data
    from zonewright.instances.writing import save_estate

    if what is What.REGION:
        data = region_data(
            instances=instances or 5_000,
            groups=groups or 400,
            hosts=hosts,
            racks=racks,
            zones=zones,
            fill=fill or 0.85,
            seed=seed,
            apart_in_racks=apart_in_racks,
            in_place=in_place,
        )
    elif what is What.FILLED:
        data = filled_data(
            instances=instances or 1_000_000,
            groups=groups or 20_000,
            zones=zones,
            fill=fill or 0.66,
            seed=seed,
        )
    else:
        data = zones_data(
            instances=instances or 1_000_000,
            groups=groups or 20_000,
            zones=zones,
            fill=fill or 0.97,
            seed=seed,
        )
    save_estate(data, output)
    print(output)
    return Exit.DONE
