"""Where results go: whether a file can be written, and how it is, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zonewright.models import World


def writable(output: Path | None) -> None:
    """Raise InputError before the work where its result could not be saved after it."""
    from zonewright.models.problems import InputError

    if output is None:
        return
    if output.is_dir():
        raise InputError("cannot be written: is a directory", source=str(output))
    if not output.parent.is_dir():
        raise InputError(f"cannot be written: there is no directory {output.parent}", source=str(output))
    if not os.access(output.parent, os.W_OK):
        raise InputError("cannot be written: permission denied", source=str(output))


def file_name(world: World) -> str:
    """Return the estate's name as a file name: no separators, no way out of the directory."""
    return "".join(ch if ch.isalnum() or ch in "_-." else "-" for ch in world.estate.estate)
