# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc,untyped-decorator,attr-defined,arg-type"
"""Records of many arrays that kernels take as one pointer.

numba hands a NamedTuple over field by field: a hundred arrays are a thousand machine words at every call, and
minutes of compiling. A `Record` keeps a table of where its arrays are; compiled code is given the address of that
table and reads fields from it. In a kernel a field is used as an array is: `f.limit_nr[node, r]`, `.shape[0]`,
`+=`; there are no slices. The number of axes is that of the letters behind the last underscore of the name.

What a record says is constant may be kept in registers by compiled code, whatever is written in between: the
places and shapes of all fields, and the contents where the record is `frozen_content`.
"""

from __future__ import annotations

import functools
import hashlib
import operator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import (
    NativeValue,
    intrinsic,
    lower_builtin,
    lower_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)

from zonewright.solver.kernels.cache import kernel
from zonewright.solver.search.kernels.linked import inner

#: Words of the table per field: address (or value), then up to three extents.
WORDS = 4


def entry(*arguments: Any) -> Any:
    """Decorate a function that Python calls. An argument's type is one of numba's, or a subclass of `Record`."""
    signature = tuple(kind_of(one) if isinstance(one, type) else one for one in arguments)
    return kernel(signature, no_cfunc_wrapper=True)


_KINDS = {"Ints": "int64", "Places": "int32", "Bools": "bool", "Words": "uint64", "Reals": "float64"}
_NUMBA = {
    "int64": types.int64,
    "int32": types.int32,
    "bool": types.boolean,
    "uint64": types.uint64,
    "float64": types.float64,
}


@dataclass(frozen=True)
class Record:
    """Base of records: frozen dataclasses with fields of `int` or of the array types in board.py."""

    frozen_content: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Make the table; raises TypeError for an array that is not laid out as its field says."""
        layout = _layout(type(self))
        table = np.zeros(len(layout) * WORDS, np.int64)
        for n, (name, kind, axes) in enumerate(layout):
            value = getattr(self, name)
            if kind == "int":
                table[n * WORDS] = value
                continue
            if value.dtype != kind or value.ndim != axes or not value.flags.c_contiguous:
                raise TypeError(f"{name}: {value.dtype} with {value.ndim} axes, not contiguous {kind} with {axes}")
            table[n * WORDS] = value.ctypes.data
            table[n * WORDS + 1 : n * WORDS + 1 + axes] = value.shape
        object.__setattr__(self, "_table", table)

    @property
    def address(self) -> int:
        """Where the table is; valid as long as the record is."""
        table: np.ndarray[Any, Any] = self._table
        return int(table.ctypes.data)


def _layout(record: type[Record]) -> tuple[tuple[str, str, int], ...]:
    """Name, kind and number of axes of every field."""
    found = []
    for part_ in fields(record):
        kind = str(part_.type)
        axes = 0 if kind == "int" else len(part_.name.rsplit("_", 1)[1])
        found.append((part_.name, "int" if kind == "int" else _KINDS[kind], axes))
    return tuple(found)


class RecordType(types.Type):
    """A record as compiled code sees it: the address of its table."""

    def __init__(self, name: str, layout: tuple[tuple[str, str, int], ...], frozen: bool) -> None:
        self.layout = layout
        self.frozen = frozen
        self.slots = {field: (n, kind, axes) for n, (field, kind, axes) in enumerate(layout)}
        # The name is part of every symbol that is compiled, so it is to be short.
        digest = hashlib.sha256(repr((frozen, layout)).encode()).hexdigest()[:8]
        super().__init__(name=f"{name}{digest}")


class FieldType(types.Type):
    """An array of a record: the address of its words in the table."""

    def __init__(self, kind: str, axes: int, frozen: bool) -> None:
        self.kind, self.axes, self.frozen = kind, axes, frozen
        self.dtype = _NUMBA[kind]
        # Small integers are read as large ones, so that functions are compiled for one type of integers alone.
        self.read = types.int64 if kind == "int32" else self.dtype
        super().__init__(name=f"{kind}x{axes}{'c' if frozen else 'v'}")


@functools.cache
def kind_of(record: type[Record]) -> RecordType:
    """The type of a record in signatures; numba asks for it at every call from Python."""
    return RecordType(record.__name__, _layout(record), record.frozen_content)


@typeof_impl.register(Record)
def _typeof(value, _context):
    return kind_of(type(value))


class _PointerModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type) -> None:
        super().__init__(manager, fe_type, ir.IntType(8).as_pointer())


register_model(RecordType)(_PointerModel)
register_model(FieldType)(_PointerModel)


@unbox(RecordType)
def _unbox(_type, obj, c):
    number = c.pyapi.object_getattr_string(obj, "address")
    pointer = c.pyapi.long_as_voidptr(number)
    c.pyapi.decref(number)
    return NativeValue(pointer, is_error=c.pyapi.c_api_error())


@infer_getattr
class _RecordAttributes(AttributeTemplate):
    key = RecordType

    def generic_resolve(self, record, name):  # type: ignore[override]
        if name not in record.slots:
            return None
        _, kind, axes = record.slots[name]
        return types.int64 if kind == "int" else FieldType(kind, axes, record.frozen)


@infer_getattr
class _FieldAttributes(AttributeTemplate):
    key = FieldType

    def resolve_shape(self, field):
        return types.UniTuple(types.intp, field.axes)


def _word(builder, pointer, n):
    """A word of the table; it never changes while compiled code runs."""
    word = ir.IntType(64)
    place = builder.gep(builder.bitcast(pointer, word.as_pointer()), [ir.Constant(word, n)])
    loaded = builder.load(place)
    loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    return loaded


@lower_getattr_generic(RecordType)
def _get_field(_context, builder, record, value, name):
    n, kind, _ = record.slots[name]
    if kind == "int":
        return _word(builder, value, n * WORDS)
    return builder.gep(value, [ir.Constant(ir.IntType(64), n * WORDS * 8)])


@lower_getattr(FieldType, "shape")
def _get_shape(_context, builder, field, value):
    return cgutils.pack_array(builder, [_word(builder, value, 1 + axis) for axis in range(field.axes)])


def _index_type(field, index):
    """The type that an index is brought to, None where it is no index of single elements."""
    if field.axes == 1 and isinstance(index, types.Integer):
        return types.intp
    if not isinstance(index, types.BaseTuple) or len(index) != field.axes:
        return None
    return types.UniTuple(types.intp, field.axes) if all(isinstance(one, types.Integer) for one in index) else None


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    def generic(self, args, kws):
        field, index = args
        if isinstance(field, FieldType) and (kind := _index_type(field, index)) is not None:
            return signature(field.read, field, kind)
        return None


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):
    def generic(self, args, kws):
        field, index, _ = args
        if isinstance(field, FieldType) and not field.frozen and (kind := _index_type(field, index)) is not None:
            return signature(types.none, field, kind, field.dtype)
        return None


def _element(context, builder, field, value, index_type, index, checked=True):
    """Address of an element."""
    indices = [index] if index_type is types.intp else cgutils.unpack_tuple(builder, index)
    if checked and context.enable_boundscheck:
        for axis, one in enumerate(indices):
            cgutils.do_boundscheck(context, builder, one, _word(builder, value, 1 + axis), axis)
    flat = indices[0]
    for axis, one in enumerate(indices[1:], 1):
        flat = builder.add(builder.mul(flat, _word(builder, value, 1 + axis)), one)
    kind = context.get_data_type(field.dtype)
    base = builder.inttoptr(_word(builder, value, 0), kind.as_pointer())
    return builder.gep(base, [flat])


@lower_builtin(operator.getitem, FieldType, types.Any)
def _get_item(context, builder, sig, args):
    field, index_type = sig.args
    place = _element(context, builder, field, args[0], index_type, args[1])
    loaded = builder.load(place)
    if field.frozen:
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    value = context.data_model_manager[field.dtype].from_data(builder, loaded)
    return context.cast(builder, value, field.dtype, field.read)


@lower_builtin(operator.setitem, FieldType, types.Any, types.Any)
def _set_item(context, builder, sig, args):
    field, index_type, _ = sig.args
    place = _element(context, builder, field, args[0], index_type, args[1])
    builder.store(context.data_model_manager[field.dtype].as_data(builder, args[2]), place)
    return context.get_dummy_value()


@intrinsic
def fetch(_typing, field, index):
    """Let the processor get an element from memory; `fetch(f.demand_ir, (i, 0))` reads nothing and never fails."""
    index_type = _index_type(field, index)

    def generate(context, builder, sig, args):
        place = _element(context, builder, sig.args[0], args[0], sig.args[1], args[1], checked=False)
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        # To be read, to be kept in all caches, data.
        how = [ir.Constant(number, n) for n in (0, 3, 1)]
        builder.call(function, [builder.bitcast(place, byte), *how])
        return context.get_dummy_value()

    return signature(types.none, field, index_type), generate


__all__ = ["FieldType", "Record", "RecordType", "entry", "fetch", "inner", "kind_of"]
