"""Forecasts from tables: CSV with a row per day and groups."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from zonewright.models.offers import Expected
from zonewright.models.problems import InputError, maybe
from zonewright.models.wording import first_problem

#: The columns that are known; `groups` may be `*`, one name, or several with blanks between.
COLUMNS = ("date", "groups", "factor", "count")
_MOST_ROWS = 100_000


def parse_day(text: str) -> date:
    """Return a day such as 2027-01-31. Raises InputError where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError("should be a day, such as 2027-01-31", source=text) from None


def read_forecast(path: str | Path) -> list[Expected]:
    """Read a forecast from CSV with a header. Raises InputError with file and line."""
    source = str(path)
    try:
        text = Path(path).read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("is no UTF-8 text", source=source) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", source=source) from None
    rows = csv.reader(text.splitlines())
    header = [name.strip().lower() for name in next(rows, [])]
    for name in header:
        if name not in COLUMNS:
            near = maybe(name, COLUMNS) or f" Known: {', '.join(COLUMNS)}"
            raise InputError(f"unknown column {name or '(empty)'}.{near}", source=source, line=1)
    if "date" not in header:
        raise InputError("needs a header with a column date", source=source, line=1)
    found: list[Expected] = []
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(found) >= _MOST_ROWS:
            raise InputError(f"has more than {_MOST_ROWS} rows", source=source)
        found.append(_expected(dict(zip(header, row, strict=False)), source, rows.line_num))
    if not found:
        raise InputError("has no rows", source=source)
    return found


def _expected(row: dict[str, str], source: str, line: int) -> Expected:
    data: dict[str, object] = {"date": row.get("date", "").strip()}
    groups = row.get("groups", "").replace(";", " ").split()
    if groups and groups != ["*"]:
        data["groups"] = groups
    for name, kind in (("factor", float), ("count", int)):
        cell = row.get(name, "").strip()
        if cell:
            try:
                data[name] = kind(cell)
            except ValueError:
                what = "a whole number" if kind is int else "a number"
                raise InputError(f"{name} should be {what} (found {cell})", source=source, line=line) from None
    try:
        return Expected.model_validate(data)
    except ValidationError as error:
        path, what = first_problem(Expected, data, error.errors(include_url=False))
        raise InputError(what, path=path, source=source, line=line) from None


__all__ = ["COLUMNS", "parse_day", "read_forecast"]
