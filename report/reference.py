"""Tables of fields for the pages under `docs`, made from the models so that they cannot disagree.

A page asks for a table with a comment, and everything up to the closing comment is generated:

    <!-- fields: Group -->
    <!-- end -->

`<!-- operations -->` asks for the operations of migrations and their effects in the same way.

`python -m zonewright.report.reference docs` fills every page of a folder anew.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

from zonewright.models import (
    base,
    catalogue,
    estate,
    events,
    migration,
    offers,
    plan,
    quantities,
    recipes,
    resources,
    rules,
    topology,
)
from zonewright.models.base import Record
from zonewright.models.docstrings import field_docstrings
from zonewright.models.operations import EFFECTS
from zonewright.models.rules import company, during, moves
from zonewright.models.rules import limits as limits_rules
from zonewright.report.meanings import BY_FIELD, BY_NAME
from zonewright.report.recipe_tables import filled_recipes

#: The types of single values, in words.
WORDS = {
    "Name": "name",
    "Member": "name",
    "Text": "text",
    "Cidr": "IPv4 block",
    "Moment": "time",
    "Day": "day",
    "Count": "whole number",
    "Positive": "whole number, at least 1",
    "Amount": "whole number",
    "Amounts": "[amounts](UNITS)",
    "Stocks": "[stock](STOCK) by name",
    "Money": "money",
    "Millis": "milliseconds",
    "Share": "number, 0 to 1",
    "Catalogue": "[catalogue](CATALOGUE)",
    "AnyRule": "[rule](RULES)",
    "Goal": "[goal](GOALS)",
    "State": "[state](STATES)",
    "Operation": "[operation](OPERATIONS)",
    "Condition": "[condition](CONDITIONS)",
    "bool": "true or false",
    "int": "whole number",
    "float": "number",
    "str": "text",
    "Any": "anything",
    "None": "",
}

_MODULES = (
    base,
    topology,
    resources,
    recipes,
    catalogue,
    plan,
    events,
    estate,
    offers,
    migration,
    company,
    during,
    limits_rules,
    moves,
    rules,
)

_SECTION = re.compile(r"(<!-- fields: (\w+)((?: -\w+)*) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_OPERATIONS = re.compile(r"(<!-- operations -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$")

#: A limit as large as this only keeps sums from overflowing: nothing to tell a reader.
_ANY_NUMBER = 1 << 60

#: Where the words with a page of their own are explained.
_PLACES = {
    "UNITS": "estate.md#units",
    "STOCK": "estate.md#capacity",
    "STATES": "estate.md#states",
    "GOALS": "goals.md",
    "CATALOGUE": "catalogue.md",
    "RULES": "rules/README.md",
    "OPERATIONS": "migration.md#operations",
    "CONDITIONS": "migration.md#conditions",
}


def models() -> dict[str, type[Record]]:
    """Return every kind of record by its class name."""
    found: dict[str, type[Record]] = {}
    for module in _MODULES:
        for name, value in vars(module).items():
            if inspect.isclass(value) and issubclass(value, Record):
                found[name] = value
    return found


def fields_of(model: type[Record]) -> Iterator[tuple[str, FieldInfo, ast.expr]]:
    """Yield (name in a file, field, type as written) in the order of the model, a rule's own fields only."""
    written: dict[str, str] = {}
    for ancestor in reversed(model.__mro__):
        written |= {k: str(v) for k, v in inspect.get_annotations(ancestor).items()}
    inherited = rules.Rule.model_fields if issubclass(model, rules.Rule) and model is not rules.Rule else {}
    last = resources.Attachments.model_fields if issubclass(model, resources.Attachments) else {}
    for name, field in sorted(model.model_fields.items(), key=lambda entry: entry[0] in last):
        if name not in inherited:
            yield field.alias or name, field, ast.parse(written[name], mode="eval").body


def field_table(model: type[Record], links: Mapping[str, str], *, without: frozenset[str] = frozenset()) -> str:
    """Return a Markdown table of a model's fields; `links` says where other models are described."""
    lines = ["| field | type | default | meaning |", "|---|---|---|---|"]
    for name, field, written in fields_of(model):
        if name not in without:
            lines.append(
                f"| `{name}` | {_type(written, links)} | {_default(field)} | {meaning(model, name, field)} |"
            )
    return "\n".join(lines) + "\n"


def meaning(model: type[Record], name: str, field: FieldInfo) -> str:
    """Return what a field means: the model's own words, or those kept for it here."""
    return own_words(model, field) or BY_FIELD.get(f"{model.__name__}.{name}") or BY_NAME.get(name) or ""


def own_words(model: type[Record], field: FieldInfo) -> str:
    """Return what is written under a field in the model, on one line; empty where nothing is."""
    attribute = next(name for name, known in model.model_fields.items() if known is field)
    return " ".join(field_docstrings(model).get(attribute, "").split())


def operation_table() -> str:
    """Return a Markdown table of the operations: what each does to running and to room, and what it names."""
    lines = [
        "| operation | stops | runs | room at the target from | at the source until | needs the source | of |"
    ]
    lines.append(f"|{'---|' * 7}")
    for operation, effect in EFFECTS.items():
        cells = (effect.stops, effect.runs, effect.takes_target, effect.frees_source)
        words = [f"at its {when}" if when else "" for when in cells]
        alive = "yes" if effect.needs_source else ""
        of = "" if effect.per == "instance" else effect.per.replace("_", " ")
        lines.append(f"| `{operation.value}` | {' | '.join([*words, alive, of])} |")
    return "\n".join(lines) + "\n"


def _type(node: ast.expr, links: Mapping[str, str]) -> str:
    if isinstance(node, ast.BinOp):
        left, right = _type(node.left, links), _type(node.right, links)
        if left and right:
            return f"({left}) or {right}" if left.startswith("list:") else f"{left} or {right}"
        return left or right
    if isinstance(node, ast.Constant):
        return WORDS[str(node.value)] if node.value is None else f"`{node.value!s}`"
    if isinstance(node, ast.Subscript):
        return _generic(ast.unparse(node.value), node.slice, links)
    name = ast.unparse(node)
    if name in WORDS:
        return _linked(WORDS[name], links)
    known = next((vars(module)[name] for module in _MODULES if name in vars(module)), None)
    if inspect.isclass(known) and issubclass(known, Enum):
        return ", ".join(f"`{member.value}`" for member in known)
    if known is None or not inspect.isclass(known):
        return _alias(name)
    model = models()[name]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower()
    return f"[{words}]({links[name]})" if name in links else words


def _alias(name: str) -> str:
    """Return a name for an annotated type in words: its base, and the limits it is given."""
    alias = next(vars(module)[name] for module in (quantities, *_MODULES) if name in vars(module))
    of, *metadata = get_args(alias)
    limits: dict[str, int] = {}
    for entry in (part for given in metadata for part in getattr(given, "metadata", [given])):
        limits |= {side: getattr(entry, side) for side in ("ge", "le") if hasattr(entry, side)}
    narrow = all(abs(limit) < _ANY_NUMBER for limit in limits.values())
    ends = " to ".join(f"{limits[side]:,}" for side in ("ge", "le") if side in limits and narrow)
    return ", ".join(part for part in (WORDS[of.__name__], ends) if part)


def _generic(kind: str, inside: ast.expr, links: Mapping[str, str]) -> str:
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if kind == "Literal":
        return ", ".join(f"`{ast.literal_eval(part)}`" for part in parts)
    if kind == "list":
        return f"list: {_type(parts[0], links)}"
    if kind == "tuple":
        return f"[{', '.join(_type(part, links) for part in parts)}]"
    if kind == "dict":
        return f"{_type(parts[0], links)}: {_type(parts[1], links)}"
    text = _type(parts[0], links)
    limits = _limits(parts[1:])
    if text.startswith("list"):
        return text if not limits else f"{text} ({limits})"
    return f"{text}, {limits}" if limits else text


def _limits(metadata: list[ast.expr]) -> str:
    """Return in words what `Field(ge=..., le=...)` asks for."""
    values: dict[str, Any] = {}
    names = {**vars(quantities), **vars(resources)}
    for entry in metadata:
        if isinstance(entry, ast.Call) and ast.unparse(entry.func) == "Field":
            for keyword in entry.keywords:
                source = ast.unparse(keyword.value)
                values[str(keyword.arg)] = names[source] if source in names else _number(source)
    low, high = values.get("ge"), values.get("le")
    if "gt" in values:
        return f"above {_whole(values['gt'])} to {_whole(high)}"
    if low is not None and high is not None:
        return f"{_whole(low)} to {_whole(high)}"
    if low is not None:
        return f"at least {_whole(low)}"
    least, most = values.get("min_length"), values.get("max_length")
    if least is not None:
        return f"exactly {least}" if least == most else f"at least {least}"
    return ""


def _whole(value: float | None) -> str:
    """Return a number without a decimal point that says nothing."""
    return "any" if value is None else f"{int(value) if value == int(value) else value:,}"


def _number(source: str) -> Any:
    """Return the value of a literal, or of a power of literals."""
    left, _, right = source.partition("**")
    value = ast.literal_eval(left.strip())
    return value ** ast.literal_eval(right.strip()) if right else value


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, Record):
        return ""
    if value in ([], {}):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(f"`{entry}`" for entry in value)
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _linked(text: str, links: Mapping[str, str]) -> str:
    for word in _PLACES:
        text = text.replace(f"({word})", f"({links[word]})")
    return text


def anchors(folder: Path) -> dict[str, str]:
    """Return where each model's table stands, as `page#heading` below the folder."""
    found = dict(_PLACES)
    for page in sorted(folder.rglob("*.md")):
        heading = ""
        for line in page.read_text("utf-8").splitlines():
            if match := _HEADING.match(line):
                heading = re.sub(r"[^\w\- ]", "", match[1].lower()).replace(" ", "-")
            elif match := re.match(r"<!-- fields: (\w+)", line):
                found.setdefault(match[1], f"{page.relative_to(folder).as_posix()}#{heading}")
    return found


def filled(text: str, page: Path, links: Mapping[str, str]) -> str:
    """Return a page with every table that it asks for made anew; `page` is its place below the folder."""
    up = "../" * (len(page.parts) - 1)
    own = {name: _relative(target, page, up) for name, target in links.items()}

    def table(match: re.Match[str]) -> str:
        without = frozenset(part.removeprefix("-") for part in match[3].split())
        return match[1] + field_table(models()[match[2]], own, without=without) + match[5]

    text = _OPERATIONS.sub(lambda match: match[1] + operation_table() + match[3], text)
    return filled_recipes(_SECTION.sub(table, text))


def _relative(target: str, page: Path, up: str) -> str:
    path, _, heading = target.partition("#")
    if path == page.as_posix():
        return f"#{heading}"
    return up + target if up else target


def refresh(folder: Path) -> list[Path]:
    """Fill every page of a folder anew; return those that changed."""
    links = anchors(folder)
    changed: list[Path] = []
    for page in sorted(folder.rglob("*.md")):
        before = page.read_text("utf-8")
        after = filled(before, page.relative_to(folder), links)
        if after != before:
            page.write_text(after, "utf-8")
            changed.append(page)
    return changed


if __name__ == "__main__":
    for path in refresh(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")):
        print(path)
