"""Writes `loops.ll`: the loops as LLVM IR for no particular processor or system.

Run `python -m ml.drift.counting.translate` after a change to `loops`. Only this needs numba.
"""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, get_type_hints

import numba
from llvmlite import binding
from numba import types
from numba.extending import intrinsic, overload

from ml.drift.counting import loops
from ml.drift.counting.kernels import COMPILED, LOOPS, source_hash


def _pointer_to(kind: Any) -> Any:
    return types.CPointer(kind)  # type: ignore[no-untyped-call] # theirs


_TYPES: Final[Mapping[Any, Any]] = {
    loops.Floats: _pointer_to(types.float64),
    loops.Singles: _pointer_to(types.float32),
    loops.Ints: _pointer_to(types.int64),
    float: types.float64,
    int: types.int64,
}
_LLVM_TYPES: Final[Mapping[Any, str]] = {float: "double", int: "i64"}
_FOR_NO_MACHINE: Final = {
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_CPU_FEATURES": "",
    "NUMBA_OPT": "0",
}
# What says for which machine it was made, or where.
_OF_A_MACHINE: Final = re.compile(r"^(; ModuleID|source_filename|target ).*\n", re.MULTILINE)


@intrinsic
def _shifted(_: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_value_type(signature.return_type)
        return builder.lshr(builder.bitcast(arguments[0], kind), kind(loops.SHIFT))

    return types.int64(value), generate


@overload(loops.top_bits, strict=False)
def _top_bits(value: Any) -> Any:
    del value
    return lambda value: _shifted(value)  # type: ignore[call-arg] # noqa: PLW0108 - numba's forms


# Floating-point sums keep their order unless told otherwise, and then run one by one.
@overload(loops.sum_of_squares, strict=False, jit_options={"fastmath": {"reassoc"}})
def _sum_of_squares(ys: Any, size: Any) -> Any:
    del ys, size
    return loops.sum_of_squares


def translated() -> str:
    """The text of `loops.ll`."""
    os.environ.update(_FOR_NO_MACHINE)
    numba.config.reload_config()  # type: ignore[no-untyped-call] # theirs
    parts = [_translated(getattr(loops, name)) for name in COMPILED]
    module = binding.parse_assembly(parts[0])
    for part in parts[1:]:
        module.link_in(binding.parse_assembly(part))
    return f"; made of loops.py {source_hash()}\n{_OF_A_MACHINE.sub('', str(module)).strip()}\n"


def _translated(function: Callable[..., Any]) -> str:
    """LLVM IR of one function under its Python name, without numba's Python wrappers."""
    hints = get_type_hints(function)
    hints.pop("return")
    compiled = numba.njit(tuple(_TYPES[kind] for kind in hints.values()))(function)
    (text,) = compiled.inspect_llvm().values()
    body = re.search(rf"define .*?(@_ZN\S*{function.__name__}[^(]*)\(", text)
    if body is None:
        raise RuntimeError(f"numba made no function {function.__name__}")
    module = binding.parse_assembly(text + _entry(function.__name__, body[1], hints))
    for one in [*module.functions, *module.global_variables]:
        if not one.is_declaration and one.name != function.__name__:
            one.linkage = binding.Linkage.internal
    _simplify(module)
    return str(module)


def _entry(name: str, inner: str, hints: Mapping[str, Any]) -> str:
    """The entry function, without numba's two extra arguments and status; arrays are noalias."""
    given = [(_LLVM_TYPES.get(kind, "ptr"), parameter) for parameter, kind in hints.items()]
    parameters = ", ".join(f"{k}{' noalias' if k == 'ptr' else ''} %{p}" for k, p in given)
    passed = ", ".join(f"{kind} %{parameter}" for kind, parameter in given)
    return (
        f"\ndefine void @{name}({parameters}) {{\n"
        "  %result = alloca ptr\n  %error = alloca ptr\n"
        f"  %status = call i32 {inner}(ptr %result, ptr %error, {passed})\n"
        "  ret void\n}\n"
    )


def _simplify(module: Any) -> None:
    """Inline and simplify; processor-specific passes are left to the machine that runs it."""
    options = binding.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = False
    options.loop_unrolling = options.loop_interleaving = False
    target = binding.Target.from_default_triple().create_target_machine()
    passes = binding.create_pass_builder(target, options).getModulePassManager()
    passes.add_strip_dead_prototype_pass()
    passes.run(module, binding.create_pass_builder(target, options))


def main() -> None:
    """Write `loops.ll`."""
    LOOPS.write_text(translated(), encoding="utf-8")
    print(f"wrote {LOOPS}")  # noqa: T201 - a tool's answer


if __name__ == "__main__":
    main()
