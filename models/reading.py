"""Read a document from YAML or JSON, safely, and say where an error is.

YAML is composed by libyaml into nodes and converted here, so that duplicate keys, alias bombs and odd
scalars are refused with their line. JSON is the fast path for large estates.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from zonewright.models.problems import InputError, dotted, maybe, printable

Model = TypeVar("Model", bound=BaseModel)

MOST_BYTES = 2 * 1024**3
MOST_DEPTH = 40
#: Files beyond this size are not read a second time to find the line of an error.
LINE_BYTES = 1_000_000

_INT = re.compile(r"^[-+]?(0|[1-9][0-9_]*)$")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """Parsed content with its origin, able to find the line of a path."""

    def __init__(self, data: Any, source: str | None, text: str | None, node: Any = None) -> None:
        self.data = data
        self.source = source
        self._text = text
        self._node = node

    def line(self, path: tuple[str | int, ...]) -> int | None:
        """Return the 1-based line of the entry at `path`, or of its nearest parent."""
        node = self._node
        if node is None and self._text is not None and len(self._text) <= LINE_BYTES:
            try:
                node = yaml.compose(self._text, Loader=_LOADER)
            except (yaml.YAMLError, RecursionError):
                return None
        if node is None:
            return None
        for step in path:
            found = None
            if isinstance(node, yaml.MappingNode):
                found = next((value for key, value in node.value if key.value == str(step)), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = node.value[step]
            if found is None:
                break
            node = found
        return int(node.start_mark.line) + 1


def read_document(path: Path) -> Document:
    """Read a file by its ending: `.json` is JSON, everything else YAML.

    Raises InputError with one line for a file that is missing, unreadable, no text, or malformed.
    """
    source = str(path)
    try:
        if path.is_dir():
            raise InputError("is a directory, not an estate file", source=source)
        if not path.exists():
            near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise InputError(f"no such file.{maybe(path.name, near)}", source=source)
        if not path.is_file():
            raise InputError("is no regular file", source=source)
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"is larger than {MOST_BYTES >> 30} GiB", source=source)
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", source=source) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError("is no UTF-8 text", source=source, line=line) from None
    if not text.strip():
        raise InputError("is empty", source=source)
    return parse_json(text, source) if path.suffix == ".json" else parse_yaml(text, source)


def parse_json(text: str, source: str | None = None) -> Document:
    """Parse JSON; duplicate keys and NaN are refused."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    match = list(re.finditer(r'"' + re.escape(key) + r'"\s*:', text))
                    line = text.count("\n", 0, match[-1].start()) + 1 if match else None
                    raise InputError(f"key {printable(key)} is given twice", source=source, line=line)
                seen.add(key)
        return found

    def no_constant(name: str) -> Any:
        line = text.count("\n", 0, max(0, text.find(name))) + 1
        raise InputError(f"{name} is no number that an estate can hold", source=source, line=line)

    try:
        data = json.loads(text, object_pairs_hook=once, parse_constant=no_constant)
    except json.JSONDecodeError as error:
        raise InputError(f"is no JSON: {error.msg}", source=source, line=error.lineno) from None
    except RecursionError:
        raise InputError("is nested too deep", source=source) from None
    except ValueError as error:
        raise InputError(f"is no JSON: {printable(str(error), 120)}", source=source) from None
    return Document(data, source, text)


def parse_yaml(text: str, source: str | None = None) -> Document:
    """Parse YAML with the JSON types; duplicate keys, recursive and exploding aliases are refused."""
    try:
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = printable(error.problem or error.context or "malformed", 120)
        raise InputError(f"is no YAML: {problem}", source=source, line=mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError("has a character that YAML forbids", source=source, line=line) from None
    except (yaml.YAMLError, RecursionError) as error:
        what = "nested too deep" if isinstance(error, RecursionError) else printable(str(error), 120)
        raise InputError(f"is no YAML: {what}", source=source) from None
    if node is None:
        raise InputError("is empty", source=source)
    return Document(_Converter(source, max(100_000, 2 * len(text))).convert(node, 0), source, None, node)


class _Converter:
    """Turns nodes into plain data. Without aliases a text has fewer nodes than letters: more is a bomb."""

    def __init__(self, source: str | None, most_nodes: int) -> None:
        self.source = source
        self.nodes = 0
        self.most_nodes = most_nodes

    def convert(self, node: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MOST_DEPTH:
            raise self.refuse(node, "is nested too deep (or an alias refers to itself)")
        if self.nodes > self.most_nodes:
            raise self.refuse(node, "is too large when its aliases are expanded")
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.convert(item, depth + 1) for item in node.value]
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.refuse(key, "a key must be plain text")
            if key.tag == "tag:yaml.org,2002:merge":
                raise self.refuse(key, "merge keys (<<) are not supported: write the fields out")
            if key.value in found:
                raise self.refuse(key, f"key {printable(key.value)} is given twice")
            found[key.value] = self.convert(value, depth + 1)
        return found

    def scalar(self, node: Any) -> Any:
        kind = node.tag.rsplit(":", 1)[-1]
        value = node.value
        if kind == "str" or kind == "timestamp":
            return value
        if kind == "int":
            if not _INT.match(value):
                raise self.refuse(node, f"{printable(value)} is no plain decimal number")
            digits = value.replace("_", "")
            if len(digits) > 30:
                raise self.refuse(node, "the number is too large")
            return int(digits)
        if kind == "float":
            try:
                number = float(value.replace("_", ""))
            except ValueError:  # .inf, .nan and numbers to the base of sixty
                number = math.nan
            if not math.isfinite(number):
                raise self.refuse(node, f"{printable(value)} is no number that an estate can hold")
            return number
        if kind == "bool":
            return value.lower() in ("true", "yes", "on")
        if kind == "null":
            return None
        raise self.refuse(node, f"the tag {printable(node.tag)} is not supported")

    def refuse(self, node: Any, what: str) -> InputError:
        return InputError(what, source=self.source, line=int(node.start_mark.line) + 1)


def validate(model: type[Model], document: Document) -> Model:
    """Build a model from a document. Raises InputError with place, line and the first thing wrong."""
    if not isinstance(document.data, dict):
        kind = "a list" if isinstance(document.data, list) else "plain text or a number"
        raise InputError(f"is {kind} where fields belong", source=document.source, line=1)
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = _document_path(document.data, first["loc"])
        what = _say(model, first, path)
        more = error.error_count() - 1
        if more:
            what += f" (and {more} more)"
        raise InputError(what, path=path, source=document.source, line=document.line(path)) from None
    except RecursionError:
        raise InputError("is nested too deep", source=document.source) from None


def _document_path(data: Any, loc: tuple[int | str, ...]) -> tuple[str | int, ...]:
    """Keep the steps of a pydantic location that exist in the document (union tags do not)."""
    path: list[str | int] = []
    for position, step in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(data, dict) and (step in data or (last and isinstance(step, str))):
            path.append(step)
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            path.append(step)
            data = data[step]
    return tuple(path)


def _say(model: type[BaseModel], error: Any, path: tuple[str | int, ...]) -> str:
    kind, value = error["type"], error.get("input")
    if kind == "extra_forbidden":
        return f"unknown field {printable(path[-1] if path else '?')}.{maybe(path[-1], _fields_near(model, path))}"
    if kind == "missing":
        return "is missing"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        if not isinstance(value, dict):
            return "needs fields, among them rule"
        known = re.findall(r"'([a-z_]+)'", str(error.get("ctx", {}).get("expected_tags", "")))
        tag = value.get("rule")
        if tag is None:
            return "needs the field rule, which names the kind of rule"
        return f"unknown rule {printable(tag)}.{maybe(tag, known)} Known: {', '.join(known)}"
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind == "string_pattern_mismatch":
        text = "is no plain name (letters, digits and _ . : / @ + -, at most 128)"
    shown = "" if isinstance(value, dict | list) or value is None else f" (found {printable(value)})"
    expected = error.get("ctx", {}).get("expected", "")
    if kind in ("literal_error", "enum") and isinstance(value, str):
        shown += maybe(value, re.findall(r"'([^']+)'", expected))
    return printable(text[0].lower() + text[1:], 300) + shown


def _fields_near(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """List the field names of the model that the last step of `path` belongs to, as far as known."""
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.get("$defs", {})
    options: list[Any] = [schema]
    for step in path[:-1]:
        options = [target for option in options for target in _into(option, step, definitions)]
    names: set[str] = set()
    for option in options:
        names.update(option.get("properties", {}))
    return sorted(names)


def _into(schema: Any, step: str | int, definitions: dict[str, Any]) -> list[Any]:
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


__all__ = ["Document", "dotted", "parse_json", "parse_yaml", "read_document", "validate"]
