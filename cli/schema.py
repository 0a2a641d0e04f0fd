"""`zonewright schema`: the formats as JSON Schema."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from zonewright.cli.boundary import guarded
from zonewright.cli.exits import Exit


class Format(StrEnum):
    """What there is a schema of."""

    ESTATE = "estate"
    PLAN = "plan"
    CATALOGUE = "catalogue"
    MIGRATION = "migration"


@guarded
def schema(
    of: Annotated[
        Format, typer.Argument(metavar="[estate|plan|catalogue|migration]", help="Which format.")
    ] = Format.ESTATE,
) -> Exit:
    """Print the JSON Schema of a format: for editors, and for programs that write estates.

    [bold]Example[/bold]

      zonewright schema estate > estate.schema.json
    """
    from pydantic import BaseModel

    from zonewright.models import Catalogue, Estate, Plan
    from zonewright.models.migration import Migration
    from zonewright.report.documents import print_document

    models: dict[Format, type[BaseModel]] = {
        Format.ESTATE: Estate,
        Format.PLAN: Plan,
        Format.CATALOGUE: Catalogue,
        Format.MIGRATION: Migration,
    }
    found = models[of].model_json_schema(by_alias=True)
    print_document({"$schema": "https://json-schema.org/draft/2020-12/schema", **found})
    return Exit.DONE
