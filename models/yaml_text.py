"""YAML as plain data with the JSON types, built from a stream of events.

Nothing here recurses and nothing is expanded: an alias is the same object once more, so that deep nesting and
alias bombs are refused, with their line, before they cost anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from zonewright.models.problems import InputError, printable

MOST_DEPTH = 40
#: An estate without aliases has fewer nodes than letters: a text that expands to more is a bomb.
LEAST_NODES = 100_000

_PREFIX = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]{1,9})?\Z|[-+]?\.[0-9]+\Z")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "null": None}
_MOST_DIGITS = 30
#: Plain scalars remembered at most.
_MOST_READ = 10_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml_text(text: str, source: str | None = None) -> Any:
    """Return the content of a YAML document. Raises InputError with the line of the first thing wrong."""
    with _events(text, source) as events:
        return _Builder(source, max(LEAST_NODES, 2 * len(text))).build(events)


def line_of(text: str, path: tuple[str | int, ...]) -> int | None:
    """Return the 1-based line of the entry at `path`, or of its nearest parent, None where there is none."""
    best: int | None = None
    try:
        with _events(text, None) as events:
            for line in _lines_along(events, path):
                best = line
    except InputError:
        pass
    return best


@contextmanager
def _events(text: str, source: str | None) -> Iterator[Iterator[Any]]:
    try:
        loader = _LOADER(text)
        try:
            yield iter(loader.get_event, None)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = printable(error.problem or error.context or "malformed", 120)
        raise InputError(f"is no YAML: {problem}", source=source, line=mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError("has a character that YAML forbids", source=source, line=line) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise InputError(f"is no YAML: {printable(str(error), 120)}", source=source) from None


class _Frame:
    """A list or a mapping that is being filled."""

    __slots__ = ("anchor", "data", "depth", "height", "key", "nodes")

    def __init__(self, data: Any, anchor: str | None, depth: int) -> None:
        self.data = data
        self.anchor = anchor
        self.depth = depth
        self.key: str | None = None
        self.nodes = 1
        """Nodes in it with every alias written out."""
        self.height = 0


class _Builder:
    """Turns events into plain data."""

    def __init__(self, source: str | None, most_nodes: int) -> None:
        self.source = source
        self.most_nodes = most_nodes
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int, int] | None] = {}
        """Value, nodes and height by anchor; None while it is being filled."""
        self.result: list[Any] = []
        self._read: dict[str, Any] = {}
        """Plain scalars that were read before: estates repeat most of theirs."""

    def build(self, events: Iterator[Any]) -> Any:
        documents = 0
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                if not self._listed(event):
                    self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._open(event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                frame = self.stack.pop()
                if frame.anchor is not None:
                    self.anchors[frame.anchor] = (frame.data, frame.nodes, frame.height)
                self._add(frame.data, frame.nodes, frame.height, event)
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise self._refuse(event, "holds more than one document")
        if not documents:
            raise InputError("is empty", source=self.source)
        return self.result[0] if self.result else None

    def _open(self, event: Any) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _PREFIX + ("map" if mapping else "seq")):
            raise self._refuse(event, f"the tag {printable(event.tag)} is not supported")
        if self.stack and isinstance(self.stack[-1].data, dict) and self.stack[-1].key is None:
            raise self._refuse(event, "a key must be plain text")
        if len(self.stack) >= MOST_DEPTH:
            raise self._refuse(event, "is nested too deep")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.stack.append(_Frame({} if mapping else [], event.anchor, len(self.stack)))

    def _alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            raise self._refuse(event, f"unknown alias {printable(event.anchor)}")
        known = self.anchors[event.anchor]
        if known is None:
            raise self._refuse(event, f"alias {printable(event.anchor)} refers to itself")
        data, nodes, height = known
        if self.stack and isinstance(self.stack[-1].data, dict) and self.stack[-1].key is None:
            raise self._refuse(event, "a key must be plain text")
        if len(self.stack) + height > MOST_DEPTH:
            raise self._refuse(event, "is nested too deep")
        self._add(data, nodes, height, event)

    def _listed(self, event: Any) -> bool:
        """Add a plain entry of a list that was read before, the short way; returns whether it was one."""
        if not self.stack or event.tag is not None or event.anchor is not None or not event.implicit[0]:
            return False
        frame = self.stack[-1]
        value = self._read.get(event.value, self)
        if value is self or type(frame.data) is not list or frame.nodes >= self.most_nodes:
            return False
        frame.nodes += 1
        frame.height = frame.height or 1
        frame.data.append(value)
        return True

    def _scalar(self, event: Any) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and top.key is None and isinstance(top.data, dict):
            key = event.value
            if key == "<<" and event.implicit[0]:
                raise self._refuse(event, "merge keys (<<) are not supported: write the fields out")
            if event.tag not in (None, "!", _PREFIX + "str"):
                raise self._refuse(event, f"the tag {printable(event.tag)} is not supported")
            if key in top.data:
                raise self._refuse(event, f"key {printable(key)} is given twice")
            top.key = key
            if event.anchor is not None:
                self.anchors[event.anchor] = (key, 1, 0)
            return
        if event.tag is None:
            text = event.value
            value = text
            if event.implicit[0]:
                value = self._read.get(text, self)
                if value is self:
                    value = self._plain(event, text)
                    if len(self._read) < _MOST_READ:
                        self._read[text] = value
        else:
            value = self._tagged(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1, 0)
        self._add(value, 1, 0, event)

    def _add(self, value: Any, nodes: int, height: int, event: Any) -> None:
        if not self.stack:
            self.result.append(value)
            return
        frame = self.stack[-1]
        frame.nodes += nodes
        if frame.nodes > self.most_nodes:
            raise self._refuse(event, "is too large when its aliases are written out")
        if height >= frame.height:
            frame.height = height + 1
        if frame.key is None:
            frame.data.append(value)
        else:
            frame.data[frame.key] = value
            frame.key = None

    def _tagged(self, event: Any) -> Any:
        text: str = event.value
        tag = event.tag
        if tag in ("!", _PREFIX + "str"):
            return text
        kind = tag.removeprefix(_PREFIX)
        if not tag.startswith(_PREFIX) or kind not in ("int", "float", "bool", "null"):
            raise self._refuse(event, f"the tag {printable(tag)} is not supported")
        value = self._plain(event, text)
        fits = {"int": int, "float": int | float, "bool": bool, "null": type(None)}[kind]
        if not isinstance(value, fits) or (isinstance(value, bool) and kind != "bool"):
            raise self._refuse(event, f"{printable(text)} is no {kind}")
        return value

    def _plain(self, event: Any, text: str) -> Any:
        first = text[:1]
        if first in "-+.0123456789" and first:
            if text.isdigit() and text.isascii() and len(text) <= _MOST_DIGITS and (first != "0" or text == "0"):
                return int(text)
            return self._number(event, text)
        if len(text) <= 5:
            if text in ("", "~"):
                return None
            lowered = text.lower()
            if lowered in _WORDS and text in (lowered, lowered.upper(), lowered.capitalize()):
                return _WORDS[lowered]
        return text

    def _number(self, event: Any, text: str) -> Any:
        if _INT.match(text):
            digits = text.replace("_", "")
            if len(digits) > _MOST_DIGITS:
                raise self._refuse(event, "the number is too large")
            return int(digits)
        if _FLOAT.match(text):
            number = float(text.replace("_", ""))
            if not math.isfinite(number):
                raise self._refuse(event, f"{printable(text)} is no number that an estate can hold")
            return number
        tag: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        kind = tag.removeprefix(_PREFIX)
        if kind == "float":
            raise self._refuse(event, f"{printable(text)} is no number that an estate can hold")
        if kind == "int":
            raise self._refuse(event, f"{printable(text)} is no plain decimal number: put text in quotes")
        return text

    def _refuse(self, event: Any, what: str) -> InputError:
        return InputError(what, source=self.source, line=_line(event))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


_RESOLVER = yaml.resolver.Resolver()


def _lines_along(events: Iterator[Any], path: tuple[str | int, ...]) -> Iterator[int]:
    """Yield the line of each step of `path` that is found, outermost first."""
    # One entry per open container: [is mapping, key or index to come, steps matched so far or -1].
    stack: list[list[Any]] = []
    found = -1
    for event in events:
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            stack.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        matched = 0
        if stack:
            top = stack[-1]
            if top[0] and top[1] is None:
                top[1] = event.value if isinstance(event, yaml.ScalarEvent) else ""
                matched = top[2] + 1 if top[2] >= 0 and str(path[top[2]]) == top[1] else -1
                top[3] = matched
                if matched > found:
                    found = matched
                    yield _line(event)
                    if found == len(path):
                        return
                if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                    return
                continue
            if top[0]:
                matched = top[3]
                top[1] = None
            else:
                matched = top[2] + 1 if top[2] >= 0 and path[top[2]] == top[1] else -1
                top[1] += 1
        if matched > found:
            found = matched
            yield _line(event)
            if found == len(path):
                return
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(stack) >= MOST_DEPTH:
                return
            mapping = isinstance(event, yaml.MappingStartEvent)
            stack.append([mapping, None if mapping else 0, matched if matched < len(path) else -1, -1])
