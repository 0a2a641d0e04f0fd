# mypy: disable-error-code="no-untyped-call, attr-defined"
"""Compile kernels once and keep them in one folder of the user's.

A kernel that Python calls has a signature: importing its module compiles it, or loads what was kept. One that only
other kernels call has none: it is compiled into them, and not kept by itself. What is kept is known by a digest of
the bytecode of the kernel and of all that it calls, whether sums may be taken in any order, the constants that are
read, the signature, the options, the processor and the versions. So nothing stale is ever loaded, whichever module
changed, and processes that compile the same at the same moment write the same.

The folder is `$NUMBA_CACHE_DIR/zonewright` where that is set, else the platform's own for caches: on Linux
`$XDG_CACHE_HOME/zonewright`, by default `~/.cache/zonewright`. Nothing is written beside the package. A folder
that can only be read is read; where none can be written, kernels are compiled anew in every process.

This module imports numba only where a kernel is made.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import importlib
import os
import pickle
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zonewright.solver.deadline import Deadline

#: How often numba may begin to set itself up.
SET_UP_TRIES = 100

#: Called with one line before anything is compiled; must return quickly.
Tell = Callable[[str], None]

#: Modules with kernels, each with the seconds that compiling it takes on one core of an ordinary server. They are
#: loaded in this order: the search's by when it needs them.
MODULES: dict[str, float] = {
    "zonewright.solver.kernels.packing": 6,
    "zonewright.solver.kernels.evacuation": 6,
    "zonewright.solver.order.listing": 10,
    "zonewright.solver.relocation.state": 7,
    "zonewright.solver.relocation.keeping": 2,
    "zonewright.solver.relocation.pricing": 4,
    "zonewright.solver.sizing.pricing": 3,
    "zonewright.solver.search.kernels.build": 17,
    "zonewright.solver.search.kernels.even": 12,
    "zonewright.solver.search.kernels.relax": 9,
    "zonewright.solver.search.kernels.settle": 8,
    "zonewright.solver.search.kernels.anneal": 21,
    "zonewright.solver.search.kernels.single": 5,
    "zonewright.solver.search.kernels.construct": 23,
    "zonewright.solver.search.kernels.eject": 14,
    "zonewright.solver.search.kernels.neighbourhood": 18,
    "zonewright.solver.search.kernels.fill": 12,
    "zonewright.solver.search.bounds.kernels": 8,
}
#: What an engine needs of them.
PACKING = ("zonewright.solver.kernels.packing",)
EVACUATION = ("zonewright.solver.kernels.evacuation",)
ORDER = ("zonewright.solver.order.listing",)
RELOCATION = tuple(f"zonewright.solver.relocation.{name}" for name in ("state", "keeping", "pricing"))
SIZING = ("zonewright.solver.sizing.pricing",)
SEARCH = tuple(name for name in MODULES if name.startswith("zonewright.solver.search.kernels."))
#: What the search's first placement needs of its own: to put everybody somewhere, and to mend what is broken then.
PUTTING = SEARCH[:2]
MENDING = SEARCH[:5]
#: So many versions of a kernel are kept: of other processors, installations, or sources being worked on.
_VERSIONS = 8
#: Between two looks at whether it is over, in seconds.
_SLICE_S = 0.05
#: Settings of numba that change what is compiled.
_SETTINGS = ("BOUNDSCHECK", "OPT", "DEBUGINFO_DEFAULT")


@dataclass(frozen=True)
class Made:
    """One kernel that this process has, and how it came by it."""

    name: str
    """Module and function, without `zonewright.`."""
    seconds: float
    compiled: bool
    """Else it was kept by an earlier run."""
    kept: bool
    """Whether a later run will find it."""


_made: list[Made] = []
_tells: list[Tell] = []
_thread = threading.local()
"""What the thread at hand is doing: `group`, the modules that it loads; `ends`, whether it stops at the end."""
_leaving = threading.Event()


def made() -> list[Made]:
    """Return the kernels that this process has, in the order in which they were made."""
    return list(_made)


def folder() -> Path:
    """Return the folder where kernels are kept; it need not exist."""
    named = os.environ.get("NUMBA_CACHE_DIR", "")
    if named:
        return Path(named) / "zonewright"
    import platformdirs

    return Path(platformdirs.user_cache_dir("zonewright", appauthor=False))


@functools.cache
def _writable(where: Path) -> bool:
    try:
        where.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=where):
            return True
    except OSError:
        return False


@functools.cache
def _set_up() -> object:
    """Let numba set itself up; returns what it compiles for.

    For that it looks through all builtins, where another thread that imports an extension may be adding something
    (those made with pybind11 do): then it is done again.
    """
    from numba.core.registry import cpu_target

    for _ in range(SET_UP_TRIES - 1):
        with suppress(RuntimeError):
            return cpu_target.target_context
    return cpu_target.target_context


def kernel(signature: Any = None, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a function to be compiled, without the GIL and without threads of its own.

    With a `signature` (numba types of the arguments, in a tuple or as numba writes it) it is compiled or loaded
    now, and calling it with other types raises TypeError. Without one it is for other kernels to call. `options`
    are numba's.

    Raises ImportError in a thread of `begin` when the process is about to end.
    """

    def made_of(function: Callable[..., Any]) -> Any:
        import numba

        _set_up()
        dispatcher = numba.njit(nogil=True, **options)(function)
        if signature is None or numba.config.DISABLE_JIT:
            return dispatcher
        if _leaving.is_set() and getattr(_thread, "ends", False):
            raise ImportError(f"{function.__name__}: the process is ending")
        name = f"{function.__module__}.{function.__qualname__}".removeprefix("zonewright.")
        kept = _Kept(name, dispatcher, options)
        began = time.perf_counter()
        dispatcher._cache = kept
        dispatcher.compile(signature)
        dispatcher.disable_compile()
        _made.append(Made(name, time.perf_counter() - began, kept.compiled, kept.kept))
        return dispatcher

    return made_of


def record(of: type, usual: Any, **others: Any) -> Any:
    """Return the numba type of a NamedTuple whose fields are of the `usual` type, but for the `others`."""
    from numba import types

    names: tuple[str, ...] = of._fields
    assert not set(others).difference(names)
    return types.NamedTuple([others.get(name, usual) for name in names], of)


class _Kept:
    """Where a dispatcher looks for compiled code and leaves it: numba's interface of a cache."""

    def __init__(self, name: str, dispatcher: Any, options: dict[str, Any]) -> None:
        self._name = name
        self._dispatcher = dispatcher
        self._options = options
        self.compiled = False
        self.kept = False

    @property
    def cache_path(self) -> str:
        """Folder of the files."""
        return str(folder())

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the code for a signature, None where none is kept or it cannot be read."""
        from numba.core.compiler import CompileResult
        from numba.core.sigutils import normalize_signature

        target.refresh()
        with suppress(OSError, EOFError, ValueError, TypeError, AttributeError, ImportError, pickle.PickleError):
            reduced = pickle.loads(self._file(signature, target).read_bytes())
            found = CompileResult._rebuild(target, *reduced)
            if found.signature.args == normalize_signature(signature)[0]:
                self.kept = True
                return found
        self.compiled = True
        _announce(self._dispatcher.py_func.__module__)
        return None

    def save_overload(self, signature: Any, made: Any) -> None:
        """Keep code; where that cannot be done, it serves this process alone."""
        from numba.core.serialize import dumps

        if not _writable(folder()):
            return
        file = self._file(signature, self._dispatcher.targetctx)
        with suppress(OSError):
            partly = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}")
            try:
                partly.write_bytes(dumps(made._reduce()))
                os.replace(partly, file)
                self.kept = True
            finally:
                partly.unlink(missing_ok=True)
            self._forget()

    def _file(self, signature: Any, target: Any) -> Path:
        import llvmlite
        import numba

        parts = (
            sys.implementation.cache_tag,
            numba.__version__,
            llvmlite.__version__,
            *(f"{name}={getattr(numba.config, name, None)}" for name in _SETTINGS),
            repr(sorted(self._options.items())),
            repr(target.codegen().magic_tuple()),
            *_typed(signature),
            *described(self._dispatcher.py_func),
        )
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
        return folder() / f"{self._name}-{digest}.kernel"

    def _forget(self) -> None:
        """Delete all but the latest versions."""
        files = sorted(folder().glob(f"{self._name}-*.kernel"), key=lambda file: -file.stat().st_mtime)
        for file in files[_VERSIONS:]:
            file.unlink(missing_ok=True)


def described(function: Callable[..., Any]) -> Iterator[str]:
    """Describe what code is compiled from: the function, the kernels that it calls, the constants they read."""
    seen: set[int] = set()
    waiting: list[Any] = [function]
    while waiting:
        here = waiting.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        yield f"{here.__module__}.{here.__qualname__}"
        cells = zip(here.__code__.co_freevars, here.__closure__ or (), strict=True)
        scope = {**here.__globals__, **{name: cell.cell_contents for name, cell in cells}}
        for code in _codes(here.__code__):
            yield repr((code.co_code, code.co_varnames, code.co_names, _plain(code.co_consts)))
            for name in code.co_names + code.co_freevars:
                yield from _described(name, scope.get(name), code.co_names, waiting)


def _described(name: str, value: Any, names: Iterable[str], waiting: list[Any]) -> Iterator[str]:
    """Describe what a name stands for; put functions on the list of those to be described."""
    function = getattr(value, "py_func", value)
    if fast := getattr(value, "targetoptions", {}).get("fastmath"):
        yield f"{name}: {sorted(fast) if isinstance(fast, set) else fast}"
    if isinstance(function, types.FunctionType):
        if function.__module__.partition(".")[0] != "numba":
            waiting.append(function)
    elif isinstance(value, types.ModuleType):
        if value.__name__.startswith("zonewright."):
            for inner in names:
                yield from _described(f"{name}.{inner}", getattr(value, inner, None), (), waiting)
    elif isinstance(value, type):
        yield f"{name}: {value.__qualname__} {getattr(value, '_fields', '')}"
    elif hasattr(value, "tobytes"):
        yield f"{name} = {value.dtype} {value.shape} {value.tobytes()!r}"
    elif isinstance(value, int | float | str | bytes | tuple):
        yield f"{name} = {value!r}"


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _plain(constants: Iterable[Any]) -> list[str]:
    """Return constants as text that does not change from process to process."""
    return [_text(constant) for constant in constants]


def _text(constant: Any) -> str:
    if isinstance(constant, types.CodeType):
        return constant.co_name
    return repr(sorted(constant, key=repr) if isinstance(constant, frozenset) else constant)


def _typed(signature: Any) -> Iterator[str]:
    """Describe a signature; tuples with names by their names, too: reading one goes by its place."""
    from numba.core.sigutils import normalize_signature

    arguments, returned = normalize_signature(signature)
    yield str(returned)
    for argument in arguments:
        yield f"{argument} {getattr(argument, 'fields', '')}"
        if type(argument).__module__.startswith("zonewright."):
            yield _source(type(argument).__module__)


@functools.cache
def _source(module: str) -> str:
    """Return a digest of a module that says how a type of its own is compiled."""
    file = sys.modules[module].__file__
    return hashlib.sha256(Path(file).read_bytes() if file is not None else b"").hexdigest()


@contextmanager
def telling(tell: Tell | None) -> Iterator[None]:
    """Have `tell` called, within, when something has to be compiled, by whichever thread."""
    if tell is None:
        yield
        return
    _tells.append(tell)
    try:
        yield
    finally:
        _tells.remove(tell)


_announced: set[str] = set()
_lock = threading.Lock()


def _announce(module: str) -> None:
    """Say once for a module, and for all that are being loaded with it, that it is compiled."""
    with _lock:
        if module in _announced:
            return
        group: tuple[str, ...] = getattr(_thread, "group", ())
        group = group if module in group else (module,)
        _announced.update(group)
    seconds = sum(MODULES.get(name, 1.0) for name in group if name == module or name not in sys.modules)
    where = folder()
    kept = f"kept in {where}" if _writable(where) else f"not kept: {where} cannot be written (see NUMBA_CACHE_DIR)"
    for tell in list(_tells):
        tell(f"compiling kernels once (about {max(1, round(seconds))} s), {kept}")


def load(names: Iterable[str] = (), done: Tell | None = None) -> None:
    """Import modules of kernels, by default all: from now on nothing of them is compiled.

    `done` is called with the name of each one once it is there.
    """
    wanted = tuple(names) or tuple(MODULES)
    before = getattr(_thread, "group", ())
    _thread.group = wanted
    try:
        for name in wanted:
            importlib.import_module(name)
            if done is not None:
                done(name)
    finally:
        _thread.group = before


class _Loading:
    """Modules on their way, in a thread of their own."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._error: BaseException | None = None
        self._there: set[str] = set()
        self._changed = threading.Condition()
        self._worker = threading.Thread(target=self._run, name="kernels", daemon=True)
        self._worker.start()
        atexit.register(self._end)

    def wait(self, names: Collection[str], seconds: float) -> bool:
        """Wait so long at most; return whether these are there. Raises what loading raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or self._there.issuperset(names), seconds)
            if self._error is not None:
                raise self._error
            return self._there.issuperset(names)

    def _run(self) -> None:
        _thread.ends = True
        try:
            load(self._names, self._note)
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _note(self, name: str) -> None:
        with self._changed:
            self._there.add(name)
            self._changed.notify_all()

    def _end(self) -> None:
        """Let the kernel at hand be finished, and begin no other: the compiler must not run while Python ends."""
        _leaving.set()
        self._worker.join()


_loading: dict[str, _Loading] = {}


def begin(names: Iterable[str]) -> None:
    """Begin to load modules of kernels in the background; returns at once."""
    with _lock:
        new = tuple(name for name in names if name not in _loading)
        if new:
            _loading.update(dict.fromkeys(new, _Loading(new)))


def ready(names: Iterable[str], deadline: Deadline) -> bool:
    """Wait until modules of kernels are there; return False where it is over, or asked to stop, before they are.

    The limit holds, compiling included: who is told no goes on without them. What is compiled by then is kept.
    """
    wanted = tuple(names)
    begin(wanted)
    for loading in dict.fromkeys(_loading[name] for name in wanted):
        mine = {name for name in wanted if _loading[name] is loading}
        while not loading.wait(mine, _SLICE_S):
            if deadline.over:
                return False
    return True
