"""All changes."""

from __future__ import annotations

from tests.hostile.contradictions import CONTRADICTIONS
from tests.hostile.hostile_text import HOSTILE_TEXT
from tests.hostile.unknown import UNKNOWN_FIELDS, UNKNOWN_NAMES
from tests.hostile.wrong_sizes import WRONG_SIZES
from tests.hostile.wrong_types import WRONG_TYPES

CHANGES = [*WRONG_TYPES, *UNKNOWN_FIELDS, *UNKNOWN_NAMES, *WRONG_SIZES, *CONTRADICTIONS, *HOSTILE_TEXT]
