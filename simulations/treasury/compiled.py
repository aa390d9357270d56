"""How kernels are compiled: without fast-math, so that a lane's bits depend on nothing but its inputs.

Lanes are paths: neither the vector width, nor a block's size, nor what fills the other lanes changes a rounding. Fused
multiply-adds are written out, since a compiler that chose them itself would choose them differently elsewhere.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic as _numba_intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])
# Numba types its decorators by what they make for itself; to a caller a kernel is the function that it was.
_njit: Any = numba.njit
_config: Any = numba.config
_operation: Any = _numba_intrinsic
types: Any = numba.types
cgutils: Any = _cgutils
_HERE = Path(__file__).parent
_COMPILED = ("compiled.py", "random.py", "paths.py", "kernel.py")


def compiled(function: Function) -> Function:
    """`function` as machine code on first call, outside the interpreter's lock, kept on disk where that can be written.

    Numba notices a change only of the file that it compiles, not of the files that this one calls. So the folder of the
    kept code is named by the hash of all sources that are compiled.
    """
    return _made(function)


def borrowing(function: Function) -> Function:
    """`function`, compiled, for one that neither makes arrays nor returns them: what its caller holds, it need not
    count. Counting each view of an array, atomically, took a third of a simulation's time."""
    return _made(function, _nrt=False)


def _made(function: Function, **options: Any) -> Function:
    folder = _HERE / "__pycache__"
    if not os.access(folder if folder.exists() else _HERE, os.W_OK):
        return cast(Function, _njit(nogil=True, error_model="numpy", **options)(function))
    before, _config.CACHE_DIR = _config.CACHE_DIR, str(folder / _sources())
    try:
        return cast(Function, _njit(nogil=True, error_model="numpy", cache=True, **options)(function))
    finally:
        _config.CACHE_DIR = before


def _sources() -> str:
    parts = ((_HERE / name).read_bytes() for name in _COMPILED)
    return "kernels-" + hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _intrinsic(define: Callable[..., Any]) -> Callable[..., Any]:
    return cast(Callable[..., Any], _operation(define))


def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.fma(*given)

    return types.float64(types.float64, types.float64, types.float64), generate


def _bits(typing: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.bitcast(given[0], ir.IntType(64))

    return types.uint64(types.float64), generate


def _double(typing: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.bitcast(given[0], ir.DoubleType())

    return types.float64(types.uint64), generate


fma: Callable[[Any, Any, Any], Any] = _intrinsic(_fma)
"""a * b + c, rounded once (IEEE 754)."""

bits_of: Callable[[Any], Any] = _intrinsic(_bits)
"""The 64 bits of a double."""

double_of: Callable[[Any], Any] = _intrinsic(_double)
"""The double of 64 bits."""


def polynomial(coefficients: tuple[float, ...]) -> Callable[[Any], Any]:
    """Horner's scheme as a function of a double, highest coefficient first, each step rounded once. Written out by the
    compiler: a loop over a tuple would keep the loop around it from being vectorised."""

    def horner(typing: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            terms = [ir.Constant(ir.DoubleType(), each) for each in coefficients]
            return reduce(lambda sum_, term: builder.fma(sum_, given[0], term), terms)

        return types.float64(types.float64), generate

    return _intrinsic(horner)


def repeated(step: Callable[..., Any], times: int) -> Callable[..., Any]:
    """`step`, a compiled function from six uint64 to six, `times` over, written out for the same reason."""

    def chain(typing: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
        state = types.UniTuple(types.uint64, 6)
        one = typing.resolve_function_type(step_type, (types.uint64,) * 6, {})

        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            call = context.get_function(step_type, one)
            for _ in range(times):
                given = cgutils.unpack_tuple(builder, call(builder, given), 6)
            return context.make_tuple(builder, state, given)

        return state(*(types.uint64,) * 6), generate

    step_type = types.Dispatcher(step) if times else None
    return _intrinsic(chain)
