"""What pydantic found, in one line of plain words with the place in the document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from zonewright.models.problems import maybe, printable

Path = tuple[str | int, ...]

#: What to say by the type of an error; names in braces come from its context.
_WORDS = {
    "missing": "is missing",
    "list_type": "should be a list",
    "dict_type": "should be fields (name: value)",
    "model_type": "should be fields (name: value)",
    "model_attributes_type": "should be fields (name: value)",
    "string_type": "should be text",
    "string_unicode": "is no valid text",
    "string_too_long": "is longer than {max_length} letters",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "bool_type": "should be true or false",
    "finite_number": "should be a finite number",
    "greater_than": "should be more than {gt}",
    "greater_than_equal": "should be at least {ge}",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be at most {le}",
    "too_short": "needs at least {min_length}, has {actual_length}",
    "too_long": "takes at most {max_length}, has {actual_length}",
    "timezone_aware": "needs an offset, such as 2026-01-31T12:00:00+03:00",
    "literal_error": "should be {expected}",
    "enum": "should be {expected}",
}


def first_problem(model: type[BaseModel], data: Any, errors: Sequence[Any]) -> tuple[Path, str]:
    """Return the place of the first thing wrong, and what it is, with a count of what else is wrong.

    Where a field may have several forms pydantic reports each of them: the form that got furthest counts,
    and forms that failed at once are named together. A misspelt field is told before the one that is missing.
    """
    placed = [(_document_path(data, error), error) for error in errors]
    start, first = placed[0]
    if first["type"] == "missing":
        unknown = (p for p in placed if p[1]["type"] == "extra_forbidden" and p[0][:-1] == start[:-1])
        start, first = next(unknown, placed[0])
    same = [(path, error) for path, error in placed if path[: len(start)] == start]
    path = start
    if _is_union(same, start):
        path = max((path for path, _ in same), key=len)
    here = [error for at, error in same if at == path]
    said = list(dict.fromkeys(_say(model, data, error, path) for error in here))[:3]
    what = " or ".join(text.removeprefix("should be ") if n else text for n, text in enumerate(said))
    what += _shown(here[0]) + _near(here)
    rest = len({p for p, _ in placed if p[: len(start)] != start})
    return path, what + (f" (and {rest} more)" if rest else "")


def _is_union(same: Sequence[tuple[Path, Any]], start: Path) -> bool:
    """Return whether the errors at one place are those of several forms of one field."""
    lengths = {len(error["loc"]) for path, error in same if path == start}
    return len(same) > 1 and (len(lengths) > 1 or max(lengths) > len(start))


def _document_path(data: Any, error: Any) -> Path:
    """Keep the steps of a pydantic location that exist in the document (names of forms do not)."""
    path: list[str | int] = []
    for position, step in enumerate(error["loc"]):
        last = position == len(error["loc"]) - 1
        if isinstance(data, dict):
            if step in data:
                path.append(step)
                data = data[step]
            elif last and error["type"] == "missing":
                path.append(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            path.append(step)
            data = data[step]
    return tuple(path)


def _shown(error: Any) -> str:
    """Return the value that was found, where that says more than the message."""
    value, kind = error.get("input"), error["type"]
    if kind in ("missing", "extra_forbidden") or kind.startswith("union_tag"):
        return ""
    if isinstance(value, dict | list):
        if kind in ("value_error", "too_short", "too_long"):
            return ""
        return " (found fields)" if isinstance(value, dict) else " (found a list)"
    if value is None:
        return " (found nothing)"
    if isinstance(value, bool):
        return f" (found {str(value).lower()}{': put text in quotes' if kind == 'string_type' else ''})"
    if isinstance(value, int | float) and kind == "string_type":
        return f" (found {printable(repr(value))}: put text in quotes)"
    return f" (found {printable(repr(value))})"


def _near(errors: Sequence[Any]) -> str:
    """Return '. Maybe NAME?' for the nearest of the words that a field may hold."""
    for error in errors:
        value = error.get("input")
        if error["type"] in ("literal_error", "enum") and isinstance(value, str):
            near = maybe(value, re.findall(r"'([^']+)'", error.get("ctx", {}).get("expected", "")))
            if near:
                return "." + near
    return ""


def _say(model: type[BaseModel], data: Any, error: Any, path: Path) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        name = error["loc"][-1] if error["loc"] else "?"
        return f"unknown field {printable(name)}.{maybe(name, _fields_near(model, data, path))}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _say_tag(error)
    if kind == "string_pattern_mismatch":
        if "x00" in str(context.get("pattern")):
            return "holds a control character or a line break"
        return "is no plain name (letters, digits and _ . : / @ + -, at most 128)"
    if kind in _WORDS:
        return _WORDS[kind].format(**context)
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return printable((text[:1].lower() + text[1:]).removeprefix("input "), 300)


def _say_tag(error: Any) -> str:
    value = error.get("input")
    if not isinstance(value, dict):
        return "needs fields, among them rule"
    known = re.findall(r"'([a-z_]+)'", str(error.get("ctx", {}).get("expected_tags", "")))
    tag = value.get("rule")
    if tag is None:
        return "needs the field rule, which names the kind of rule"
    return f"unknown rule {printable(tag)}.{maybe(tag, known)} Known: {', '.join(known)}"


def _fields_near(model: type[BaseModel], data: Any, path: Path) -> list[str]:
    """List the names of the fields that may stand where the last step of `path` stands."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    options: list[Any] = [schema]
    for step in path[:-1]:
        data = data[step]
        options = [target for option in options for target in _into(option, step, definitions)]
        if isinstance(data, dict) and "rule" in data:
            options = [o for o in options if _kind_of(o) == data["rule"]] or options
    return sorted({name for option in options for name in option.get("properties", {})})


def _kind_of(schema: Any) -> Any:
    return schema.get("properties", {}).get("rule", {}).get("const")


def _into(schema: Any, step: str | int, definitions: dict[str, Any]) -> list[Any]:
    """Return the schemas of what is at a step below a schema, references and unions resolved."""
    if isinstance(step, int):
        found = [schema["items"]] if "items" in schema else []
    elif step in schema.get("properties", {}):
        found = [schema["properties"][step]]
    else:
        extra = schema.get("additionalProperties")
        found = [extra] if isinstance(extra, dict) else []
    flat: list[Any] = []
    while found:
        item = found.pop()
        if "$ref" in item:
            found.append(definitions[item["$ref"].rsplit("/", 1)[-1]])
        elif "anyOf" in item or "oneOf" in item:
            found.extend(item.get("anyOf") or item.get("oneOf"))
        else:
            flat.append(item)
    return flat
