"""Pages under `docs` and the README: the fenced blocks in them, and what a tagged block asks for.

A block that begins with ```` ```yaml estate ```` is an estate; `plan`, `violations` and `answer` blocks after it
are about that estate. Other blocks are only shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(\w*) ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Example:
    """An estate on a page, the plans that are judged against it, and the answer that `place` gives."""

    page: str
    number: int
    estate: str
    judged: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    """Plans with the violations that the page promises."""
    answer: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.page}-{self.number}"


def fences(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (language, tag, content) of every fenced block."""
    for match in _FENCE.finditer(text):
        yield match[1], match[2], match[3]


def examples(page: Path) -> list[Example]:
    """Return the examples of a page in order."""
    found: list[Example] = []
    plan: str | None = None
    name = page.relative_to(ROOT).with_suffix("").as_posix()
    for language, tag, content in fences(page.read_text("utf-8")):
        if not tag:
            continue
        assert language == "yaml", f"{page}: a {tag} block is YAML"
        if tag == "estate":
            found.append(Example(name, len(found) + 1, content))
        elif tag == "plan":
            plan = content
        elif tag == "violations":
            assert plan is not None, f"{page}: violations of which plan?"
            found[-1].judged.append((plan, yaml.safe_load(content) or []))
            plan = None
        elif tag == "answer":
            assert found[-1].answer is None, f"{page}: two answers to one estate"
            found[-1].answer = yaml.safe_load(content)
        else:
            raise AssertionError(f"{page}: unknown tag {tag}")
    assert plan is None, f"{page}: a plan without violations"
    return found


def pages() -> list[Path]:
    """Return every page: the README, and all under `docs`."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
