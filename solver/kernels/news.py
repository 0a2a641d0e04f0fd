"""Tell whoever listens to a solve that kernels have to be compiled first."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from zonewright.solver.kernels.cache import telling
from zonewright.solver.result import Listener, Progress

P = ParamSpec("P")
R = TypeVar("R")

#: The engine that such news come from.
ENGINE = "kernels"

_listening: list[Listener] = []


def tells_compiling(verb: Callable[P, R]) -> Callable[P, R]:
    """Have a function's keyword `progress` called, too, when something is compiled while the function runs."""

    @functools.wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        listener = cast("Listener | None", kwargs.get("progress"))
        if listener is None or listener in _listening:
            return verb(*args, **kwargs)
        began = time.monotonic()
        _listening.append(listener)
        try:
            with telling(lambda line: listener(Progress(time.monotonic() - began, ENGINE, message=line))):
                return verb(*args, **kwargs)
        finally:
            _listening.remove(listener)

    return run
