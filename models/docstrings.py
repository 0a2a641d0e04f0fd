"""What fields mean, read from the strings under them when it is asked.

Pydantic reads them for every class when it is made (`use_attribute_docstrings`), from the source, which is a
third of the time that importing the models takes: each command would pay for what two of them show.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from typing import Any


def field_docstrings(cls: type[Any]) -> dict[str, str]:
    """Return what each field of a class means, its ancestors' fields with it; empty where no source is found."""
    found: dict[str, str] = {}
    for ancestor in reversed(cls.__mro__):
        found |= _of_module(ancestor.__module__).get(ancestor.__qualname__, {})
    return found


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """Return the strings under the fields of each class of a module."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (KeyError, OSError, TypeError, SyntaxError):
        return {}
    return {node.name: _under_fields(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _under_fields(node: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            text = below.value
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                found[field.target.id] = inspect.cleandoc(text.value)
    return found
