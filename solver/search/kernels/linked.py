# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc,untyped-decorator,attr-defined,method-assign"
"""Functions that only kernels call, compiled once into each kernel and never by themselves.

numba optimizes every function with all that it calls, and makes machine code of it, before it goes into its
callers, where the same is done again: with functions six deep that is most of the time of compiling. Here what is
called is only linked, and optimized once, with the kernel that Python calls.
"""

from __future__ import annotations

from typing import Any

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder, _LowerResult
from numba.core.compiler_machinery import register_pass
from numba.core.dispatcher import Dispatcher
from numba.core.typed_passes import NativeLowering
from numba.core.types import unliteral

from zonewright.solver.kernels.cache import kernel


class _Linked(JITCodeLibrary):
    """Code that other libraries take in, of which no machine code is made."""

    def _optimize_final_module(self) -> None:
        """Leave that to who takes it in."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """There is none."""
        return 0


@register_pass(mutates_CFG=True, analysis_only=False)
class _LinkedLowering(NativeLowering):
    """The usual lowering, into a library that is only linked."""

    _name = "linked_lowering"

    def run_pass(self, state) -> bool:
        """See the class."""
        library = _Linked(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library = library
        state.flags.no_compile = True
        super().run_pass(state)
        made = state.cr
        name = made.fndesc.qualname.rpartition(".")[2]
        # Stands for the function where callers look it up; calling it from Python is not possible.
        function = _dynfunc.make_function(made.fndesc.lookup_module(), name, "", 0, made.env, (library,))
        state.targetctx.insert_user_function(function, made.fndesc, [library])
        state.reload_init.extend(library._reload_init)
        state.cr = _LowerResult(made.fndesc, made.call_helper, cfunc=function, env=made.env)
        return True


class _LinkedPipeline(CompilerBase):
    def define_pipelines(self) -> list[Any]:
        """The usual passes with our lowering."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        for n, (one, text) in enumerate(passes.passes):
            if one is NativeLowering:
                passes.passes[n] = (_LinkedLowering, text)
        passes._finalized = False
        passes.finalize()
        return [passes]


def inner(function: Any, **options: Any) -> Any:
    """Decorate a function that only kernels call; calling it from Python is not possible.

    Whether to inline it is left to the compiler: forced, it takes five times longer and the code runs no faster.
    Constants are handed on as values of their type: numba would compile the function anew for each.
    """
    made = kernel(no_cpython_wrapper=True, no_cfunc_wrapper=True, pipeline_class=_LinkedPipeline, **options)(
        function
    )
    if isinstance(made, Dispatcher):
        usual = made.get_call_template
        made.get_call_template = lambda args, kws: usual(tuple(unliteral(one) for one in args), kws)
    return made


def summing(function: Any) -> Any:
    """Decorate as `inner` does a function whose sums of floats may be taken in any order, several at a time."""
    return inner(function, fastmath={"reassoc", "nnan", "nsz"})
