"""What every part of an estate has in common: frozen, typed, and no unknown fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

#: A name that is safe in a table, a path and a shell: letters, digits and `_ . : / @ + -`, up to 128 of them.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:/@+\-]{0,127}$", strict=True)]

#: A member of a group: `web[17]`, or an instance's own identifier.
Member = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:/@+\-]{0,127}(\[[0-9]{1,9}\])?$", strict=True)
]

#: Free text that is shown to people: printable, at most 400 characters.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", max_length=400, strict=True)]

#: RFC 3339 with an offset.
Moment = AwareDatetime


class Record(BaseModel):
    """One entry of an estate. Frozen; an unknown field is refused by name."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True, allow_inf_nan=False
    )


class Source(Record):
    """Where a fact comes from: a document and the place in it, or an assumption and why it is made."""

    document: Text | None = None
    """The document's title, as listed under `documents` of the catalogue."""
    place: Text | None = None
    """The heading, table or row in it."""
    assumption: Text | None = None
    """Why this is assumed, where no document says it. A result that used the fact lists this text."""


Sourced = Annotated[Source | None, Field(default=None)]
