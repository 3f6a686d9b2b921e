"""The loops as machine code, made for the processor at hand when one of them is first called.

`loops.ll` is shipped: compiling from Python would cost every process a second of CPU, and more
memory than the rest of the engine (ADR 21).
"""

import ctypes
import hashlib
import threading
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, get_type_hints

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting import loops
from ml.drift.counting.loops import BINS, CELLS, STRIP, Floats, Ints, Singles

LOOPS: Final = Path(__file__).with_name("loops.ll")
COMPILED: Final = ("add_values", "add_days", "count_uniforms")

_MOMENTS: Final = 6
_FLOAT: Final = np.dtype(np.float64)
_SINGLE: Final = np.dtype(np.float32)
_INT: Final = np.dtype(np.int64)
_Ys = ctypes.c_double * STRIP
_Bins = ctypes.c_int64 * STRIP
_TYPES: Final[Mapping[Any, Any]] = {
    Floats: ctypes.c_void_p,
    Singles: ctypes.c_void_p,
    Ints: ctypes.c_void_p,
    float: ctypes.c_double,
    int: ctypes.c_int64,
}
_lock: Final = threading.Lock()
_made: Final[dict[str, Callable[..., None]]] = {}
_kept: Final[list[Any]] = []  # the code lives as long as the engine that made it


def source_hash() -> str:
    """SHA-256 of the source of `loops`, from which `loops.ll` has to be made."""
    return hashlib.sha256(Path(loops.__file__).read_bytes()).hexdigest()


def values_adder(
    values: Floats, *, center: float, per_scale: float, to: tuple[Ints, Floats, Floats]
) -> Callable[[int, int], None]:
    """A function of (first, last) that adds values[first:last], as `loops.add_values` says.

    Args:
        values: shape (n,).
        center: of the grid.
        per_scale: of the grid.
        to: counts and sums, shape (BINS,), and moments, shape (6,); changed in place.
    """
    add, size = _function("add_values"), len(values)
    counts, sums, moments = to
    given = np.ascontiguousarray(values, np.float64)
    pointers = (
        _writable(counts, _INT, BINS),
        _writable(sums, _FLOAT, BINS),
        _writable(moments, _FLOAT, _MOMENTS),
        ctypes.byref(_Ys()),
        ctypes.byref(_Bins()),
    )
    start = given.ctypes.data

    def add_between(first: int, last: int) -> None:
        if not 0 <= first <= last <= size:
            raise IndexError(f"values {first} to {last} of {size}")
        add(start, first, last, center, per_scale, *pointers)

    return add_between


def add_days(values: Floats, days: Ints, center: float, per_scale: float, cells: Ints) -> None:
    """Count values by day slot and cell, as `loops.add_days` says.

    Args:
        values: shape (n,).
        days: slots, shape (n,), each below the number of slots.
        center: of the grid.
        per_scale: of the grid.
        cells: shape (slots, CELLS + 1); changed in place.
    """
    if len(days) != len(values) or (len(days) and int(days.max()) >= len(cells)):
        raise IndexError(f"{len(values)} values, {len(days)} days in {len(cells)} slots")
    given = np.ascontiguousarray(values, np.float64)
    slots = np.ascontiguousarray(days, np.int64)
    table = _writable(cells, _INT, len(cells) * (CELLS + 1))
    add = _function("add_days")
    add(given.ctypes.data, slots.ctypes.data, len(given), center, per_scale, table)


def count_uniforms(uniforms: Singles, shares: Floats, starts: Ints, counts: Singles) -> None:
    """Count uniforms between shares, as `loops.count_uniforms` says.

    Args:
        uniforms: shape (draws, size), in [0, 1).
        shares: shape (k,), ascending.
        starts: shape (steps,), each from 0 to k.
        counts: shape (draws, k); overwritten.
    """
    draws, size = uniforms.shape
    given = np.ascontiguousarray(uniforms, np.float32)
    borders, lookup = np.ascontiguousarray(shares, np.float64), np.ascontiguousarray(starts, "i8")
    _function("count_uniforms")(
        *(given.ctypes.data, draws, size),
        *(borders.ctypes.data, len(borders)),
        *(lookup.ctypes.data, len(lookup)),
        _writable(counts, _SINGLE, draws * len(borders)),
    )


def _writable(array: NDArray[Any], kind: np.dtype[Any], size: int) -> Any:
    """A reference to an array that is changed in place; it keeps the array.

    Raises:
        TypeError: the array has another type, is not contiguous, or is read-only.
        ValueError: the array has another size.
    """
    if array.dtype != kind:
        raise TypeError(f"an array of {array.dtype}, not of {kind}")
    if array.size != size:
        raise ValueError(f"an array of {array.size}, not of {size}")
    return ctypes.byref(ctypes.c_char.from_buffer(array.data))


def _function(name: str) -> Callable[..., None]:
    with _lock:
        if name not in _made:
            _made[name] = _make(name)
        return _made[name]


def _make(name: str) -> Callable[..., None]:
    """Compile one loop to machine code."""
    from llvmlite import binding  # noqa: PLC0415 - 40 MB, for whoever counts

    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=2,
        jit=True,
    )
    # Through the package, which may lie in an archive: Spark sends it to its workers so.
    module = binding.parse_assembly(
        files(loops.__package__).joinpath(LOOPS.name).read_text("utf-8")
    )
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    for other in module.functions:
        if other.name != name and not other.is_declaration:
            other.linkage = binding.Linkage.internal  # unused then, and left out
    options = binding.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = True
    options.loop_unrolling = False  # costs a third of the time here and wins nothing
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    hints = get_type_hints(getattr(loops, name))
    hints.pop("return")
    shape = ctypes.CFUNCTYPE(None, *(_TYPES[kind] for kind in hints.values()))
    _kept.append(engine)
    return shape(engine.get_function_address(name))
