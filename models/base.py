"""What every part of an estate has in common: frozen, typed, and no unknown fields."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from zonewright.models.docstrings import field_docstrings

#: A name that is safe in a table, a path and a shell: letters, digits and `_ . : / @ + -`, up to 128 of them.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:/@+\-]{0,127}$", strict=True)]

#: A member of a group: `web[17]`, or an instance's own identifier.
Member = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:/@+\-]{0,127}(\[[0-9]{1,9}\])?$", strict=True)
]

#: Free text that is shown to people: printable, at most 400 characters.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f]*$", max_length=400, strict=True)]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)")


def _written_out(value: Any) -> Any:
    if isinstance(value, str | int | float) and not _MOMENT.fullmatch(str(value)):
        raise ValueError("should be a time with its offset, such as 2026-01-31T12:00:00+03:00")
    return value


#: RFC 3339 with an offset.
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]


def _tighten(schema: Any) -> None:
    """Make numbers and booleans strict, and stop a list at its first wrong entry: there may be millions.

    What is empty by default is made empty anew, which is far quicker than a deep copy of nothing.
    """
    if isinstance(schema, list | tuple):
        for entry in schema:
            _tighten(entry)
    elif isinstance(schema, dict):
        kind = schema.get("type")
        if kind in ("int", "float", "bool"):
            schema["strict"] = True
        elif kind == "list":
            schema["fail_fast"] = True
        elif kind == "default" and schema.get("default") in ([], {}):
            empty = schema.pop("default")
            schema["default_factory"] = type(empty)
            schema.setdefault("metadata", {})["pydantic_js_updates"] = {"default": empty}
        for name, entry in schema.items():
            if name not in ("metadata", "serialization", "ref", "default"):
                _tighten(entry)


class Record(BaseModel):
    """One entry of an estate. Frozen; an unknown field is refused by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Take numbers and true or false as they are: no `"5"`, no `true` for 1, no 1 for `true`."""
        schema = handler(source)
        _tighten(schema)
        return schema

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say in a JSON Schema what each field means: what is written under it."""
        found = handler(schema)
        properties = handler.resolve_ref_schema(found).get("properties", {})
        for name, text in field_docstrings(cls).items():
            alias = cls.model_fields[name].alias if name in cls.model_fields else None
            if (entry := properties.get(alias or name, properties.get(name))) is not None:
                entry.setdefault("description", text)
        return found


class Source(Record):
    """Where a fact comes from: a document and the place in it, or an assumption and why it is made."""

    document: Text | None = None
    """The document's title, as listed under `documents` of the catalogue."""
    place: Text | None = None
    """The heading, table or row in it."""
    assumption: Text | None = None
    """Why this is assumed, where no document says it. A result that used the fact lists this text."""
