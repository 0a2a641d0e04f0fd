"""Read a file whole, unpacked where its first bytes say that it is packed: gzip or xz."""

from __future__ import annotations

import gzip
import lzma
import zlib
from pathlib import Path

from zonewright.models.problems import InputError, maybe

MOST_BYTES = 2**31

_GZIP, _XZ = b"\x1f\x8b", b"\xfd7zXZ\x00"


def unpacked(path: str | Path) -> bytes:
    """Return the content of a file, at most 2 GiB of it.

    Raises InputError in one line for a file that is missing, unreadable, damaged or larger.
    """
    path = Path(path)
    source = str(path)
    kind = ""
    try:
        with path.open("rb") as file:
            first = file.read(len(_XZ))
            file.seek(0)
            if first.startswith(_GZIP):
                kind = "a damaged gzip file"
                with gzip.open(file) as content:
                    raw = content.read(MOST_BYTES + 1)
            elif first == _XZ:
                kind = "a damaged xz file"
                with lzma.open(file) as content:
                    raw = content.read(MOST_BYTES + 1)
            else:
                raw = file.read(MOST_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError):
        raise InputError(f"is {kind}", source=source) from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if len(raw) > MOST_BYTES:
        raise InputError(f"is larger than {MOST_BYTES >> 30} GiB", source=source)
    return raw


def unpacked_text(path: str | Path) -> str:
    """Return a file's text. Raises InputError as `unpacked` does, and with the line where it is no UTF-8."""
    raw = unpacked(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError("is no UTF-8 text", source=str(path), line=line) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    """Return why a file cannot be read, with the nearest name where there is no such file."""
    near = ""
    if isinstance(error, FileNotFoundError) and path.parent.is_dir():
        near = maybe(path.name, (entry.name for entry in path.parent.iterdir()))
    reason = (getattr(error, "strerror", None) or str(error)).lower()
    return InputError(f"cannot be read: {reason}{'.' + near if near else ''}", source=str(path))
