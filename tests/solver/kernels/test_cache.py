"""Kernels are compiled once, kept where the user's caches are, and never used stale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from zonewright.solver.deadline import Deadline
from zonewright.solver.kernels import cache
from zonewright.solver.kernels.news import tells_compiling
from zonewright.solver.result import Progress

HELPER = """
from zonewright.solver.kernels.cache import kernel
STEP = {step}
@kernel({options})
def more(n):
    return n + STEP
"""
CALLER = """
from typing import NamedTuple
import numpy as np
from numba import int64
from zonewright.solver.kernels.cache import kernel, record
from helper import more
class Pair(NamedTuple):
    left_i: np.ndarray
    right: int
@kernel((record(Pair, int64[::1], right=int64), int64))
def total(pair, n):
    return more(pair.left_i[n] * pair.right)
"""
RUN = """
import json, sys
import numpy as np
from zonewright.solver.kernels import cache
if "read-only" in sys.argv:
    cache._writable = lambda where: False
said = []
with cache.telling(said.append):
    cache.load(("caller",))
import caller
try:
    caller.total(caller.Pair(np.ones(3), 1), 0)
    refused = False
except TypeError:
    refused = True
made = cache.made()[0]
print(json.dumps([caller.total(caller.Pair(np.arange(5), 10), 2), made.compiled, made.kept, said, refused]))
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a folder with a kernel in one module and what it calls in another."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "helper.py").write_text(HELPER.format(step=3, options=""))
    (folder / "caller.py").write_text(CALLER)
    return folder


def begin(source: Path, kept: Path, *options: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(kept), "PYTHONPATH": str(source)}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *options], env=environment, stdout=subprocess.PIPE, text=True, cwd=source
    )


def run(source: Path, kept: Path, *options: str) -> list[object]:
    """Return the answer, whether it was compiled, whether it is kept, what was said, whether types are checked."""
    process = begin(source, kept, *options)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    found: list[object] = json.loads(out)
    return found


def test_a_kernel_is_compiled_once_and_again_when_what_it_calls_has_changed(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    line = f"compiling kernels once (about 1 s), kept in {kept / 'zonewright'}"
    assert run(source, kept) == [23, True, True, [line], True]
    assert run(source, kept) == [23, False, True, [], True]
    (source / "helper.py").write_text(HELPER.format(step=4, options=""))
    assert run(source, kept) == [24, True, True, [line], True]
    (source / "helper.py").write_text(HELPER.format(step=4, options="fastmath=True"))
    assert run(source, kept) == [24, True, True, [line], True]
    # What is kept can be used where nothing can be written.
    assert run(source, kept, "read-only") == [24, False, True, [], True]
    names = {path.name for path in source.rglob("*") if path.is_file()}
    assert all(name.endswith((".py", ".pyc")) for name in names), "nothing is written beside the sources"


def test_two_first_runs_at_once_both_come_right_and_leave_no_parts(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    both = [begin(source, kept), begin(source, kept)]
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert [answer[0] for answer in answers] == [23, 23]
    files = list((kept / "zonewright").iterdir())
    assert [file.suffix for file in files] == [".kernel"]
    assert run(source, kept)[:3] == [23, False, True]
    # A damaged file is as good as none.
    files[0].write_bytes(files[0].read_bytes()[:100])
    assert run(source, kept)[:3] == [23, True, True]


def test_where_nothing_can_be_written_kernels_serve_one_run(source: Path, tmp_path: Path) -> None:
    kept = tmp_path / "file"
    kept.write_text("no folder")
    value, compiled, saved, said, _ = run(source, kept)
    assert (value, compiled, saved) == (23, True, False)
    assert "cannot be written" in str(said)


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform.startswith("linux"):
        assert cache.folder() == tmp_path / "zonewright"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "named"))
    assert cache.folder() == tmp_path / "named" / "zonewright"


def test_the_solver_is_imported_without_the_compiler() -> None:
    code = (
        "import sys, zonewright.solver; print([m for m in ('numba', 'llvmlite', 'ortools') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, seconds: float) -> tuple[str]:
    """Return the name of a module that takes so long to import."""
    (tmp_path / f"{name}.py").write_text(f"import time\ntime.sleep({seconds})\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return (name,)


def test_the_limit_holds_while_kernels_are_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = slow(tmp_path, monkeypatch, "slow_kernels", 0.8)
    deadline = Deadline(0.2)
    assert not cache.ready(names, deadline)
    assert deadline.seconds < 0.6
    assert cache.ready(names, Deadline(10.0))
    assert cache.ready(names, Deadline(0.0)), "what is there is there"


def test_waiting_ends_when_asked_to_and_does_not_begin_when_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = slow(tmp_path, monkeypatch, "slower_kernels", 1.5)
    assert not cache.ready(names, Deadline(0.0))
    deadline = Deadline(10.0)
    threading.Timer(0.2, deadline.stop.set).start()
    assert not cache.ready(names, deadline)
    assert deadline.seconds < 1.0
    assert cache.ready(names, Deadline(10.0))


def test_listeners_are_told_once() -> None:
    news: list[Progress] = []

    @tells_compiling
    def inner(*, progress: object) -> int:
        cache._announce("zonewright.some.kernels")
        cache._announce("zonewright.some.kernels")
        return 7

    @tells_compiling
    def outer(*, progress: object) -> int:
        return inner(progress=progress)

    assert outer(progress=news.append) == 7
    assert [event.engine for event in news] == ["kernels"]
    assert news[0].message.startswith("compiling kernels once (about 1 s), ")


def test_all_that_have_kernels_are_listed() -> None:
    """A module that is not listed would not be compiled ahead."""
    root = Path(__file__).resolve().parents[3]
    with_kernels = set()
    for path in (root / "solver").rglob("*.py"):
        lines = path.read_text().split("\n")
        if any(line.startswith(("@kernel(", "@entry(")) and line != "@kernel()" for line in lines):
            with_kernels.add("zonewright." + ".".join(path.relative_to(root).with_suffix("").parts))
    assert with_kernels == set(cache.MODULES)


def test_numba_is_set_up_again_when_builtins_change_meanwhile() -> None:
    script = """
import numba.core.base as base
real, calls = base._load_global_helpers, []
def changing():
    calls.append(1)
    if len(calls) < 3:
        raise RuntimeError("dictionary changed size during iteration")
    real()
base._load_global_helpers = changing
from zonewright.solver.kernels.cache import kernel
kernel()(lambda: 1)
assert len(calls) == 3, calls
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_who_needs_the_first_of_several_modules_does_not_wait_for_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = slow(tmp_path, monkeypatch, "first_of_two", 0.0)
    (last,) = slow(tmp_path, monkeypatch, "last_of_two", 1.5)
    cache.begin((first, last))
    deadline = Deadline(10.0)
    assert cache.ready((first,), deadline)
    assert deadline.seconds < 1.0
    assert not cache.ready((first, last), Deadline(0.0))
    assert cache.ready((first, last), deadline)
