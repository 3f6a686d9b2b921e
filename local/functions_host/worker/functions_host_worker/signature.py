"""Matches a function's parameters with its bindings, by the rules of Azure's worker."""

from __future__ import annotations

import inspect
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import azure.functions as func

_OUT = 1
_INOUT = 2
_UNDEFINED = (None, 0)
_RETURN = "$return"


class FunctionLoadError(RuntimeError):
    """A function that Azure would refuse to load."""

    def __init__(self, function: str, problem: str) -> None:
        super().__init__(f"cannot load the {function} function: {problem}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that goes in or out: through which converter, annotated with what."""

    converter: str
    pytype: Any


@dataclass(frozen=True, slots=True)
class Signature:
    """All that is needed to call one function."""

    call: Callable[..., Any]
    directory: str
    is_async: bool
    wants_context: bool
    inputs: Mapping[str, Parameter]
    outputs: Mapping[str, Parameter]
    returned: Parameter | None


def read_signature(function: func.Function) -> Signature:
    """Match parameters with bindings.

    Raises:
        FunctionLoadError: with the words Azure's worker uses.
    """
    name = str(function.get_function_name())
    call = function.get_user_function()
    parameters = dict(inspect.signature(call).parameters)
    hints = typing.get_type_hints(call)
    bound, returned = _bindings(function, name, hints)
    wants_context = _takes_context(name, parameters, bound, hints)
    _compare_names(name, set(parameters), set(bound))
    inputs: dict[str, Parameter] = {}
    outputs: dict[str, Parameter] = {}
    for parameter, binding in bound.items():
        typed = _parameter(name, binding, hints.get(parameter, _NO_HINT))
        (outputs if binding.direction == _OUT else inputs)[parameter] = typed
    return Signature(
        call=call,
        directory=str(Path(inspect.getfile(call)).parent),
        is_async=inspect.iscoroutinefunction(call),
        wants_context=wants_context,
        inputs=inputs,
        outputs=outputs,
        returned=returned,
    )


_NO_HINT = object()


def _bindings(
    function: func.Function, name: str, hints: Mapping[str, Any]
) -> tuple[dict[str, Any], Parameter | None]:
    bound: dict[str, Any] = {}
    explicit: str | None = None
    implicit: str | None = None
    for binding in function.get_bindings():
        if binding.direction == _INOUT:
            raise FunctionLoadError(name, '"inout" bindings are not supported')
        if binding.name == _RETURN:
            if binding.direction != _OUT:
                raise FunctionLoadError(name, '"$return" binding must have direction set to "out"')
            explicit = explicit or str(binding.type)
            continue
        if values.has_implicit_output(str(binding.type)):
            implicit = str(binding.type)
        bound[binding.name] = binding
    if explicit is not None:
        _check_return(name, explicit, hints)
    chosen = explicit or implicit
    returned = None if chosen is None else Parameter(chosen, hints.get("return"))
    return bound, returned


def _check_return(name: str, binding_type: str, hints: Mapping[str, Any]) -> None:
    if "return" not in hints:
        return
    hint = hints["return"]
    if not isinstance(hint, type):
        raise FunctionLoadError(name, f"has invalid non-type return annotation {hint!r}")
    if not values.converter(binding_type).check_output_type_annotation(hint):
        raise FunctionLoadError(
            name,
            f'Python return annotation "{hint.__name__}" does not match binding type '
            f'"{binding_type}"',
        )


def _takes_context(
    name: str, parameters: dict[str, Any], bound: Mapping[str, Any], hints: Mapping[str, Any]
) -> bool:
    if "context" not in parameters or "context" in bound:
        return False
    del parameters["context"]
    hint = hints.get("context")
    if hint is not None and not (isinstance(hint, type) and hint.__name__ == "Context"):
        raise FunctionLoadError(
            name,
            'the "context" parameter is expected to be of type azure.functions.Context, '
            f"got {hint!r}",
        )
    return True


def _compare_names(name: str, parameters: set[str], bound: set[str]) -> None:
    if parameters - bound:
        raise FunctionLoadError(
            name,
            "the following parameters are declared in Python but not in its decorators: "
            f"{sorted(parameters - bound)}",
        )
    if bound - parameters:
        raise FunctionLoadError(
            name,
            "the following parameters are declared in its decorators but not in Python: "
            f"{sorted(bound - parameters)}",
        )


def _parameter(name: str, binding: Any, hint: Any) -> Parameter:
    if hint is _NO_HINT:
        return Parameter(str(binding.type), None)
    is_out = _is_out(hint)
    pytype = _inside_out(name, binding.name, hint) if is_out else hint
    if not isinstance(pytype, type) and not _is_generic(pytype):
        raise FunctionLoadError(
            name,
            f"binding {binding.name} has invalid non-type annotation {hint!r} "
            "(write typing.List[str], not list[str]; Optional and unions are not supported)",
        )
    if binding.direction == _OUT and not is_out:
        raise FunctionLoadError(
            name,
            f'binding {binding.name} is declared to have the "out" direction, but its annotation '
            "in Python is not a subclass of azure.functions.Out",
        )
    if binding.direction != _OUT and is_out:
        raise FunctionLoadError(
            name,
            f'binding {binding.name} is declared to have the "in" direction, but its annotation '
            "is azure.functions.Out in Python",
        )
    bare = pytype in (str, bytes) and not values.has_implicit_output(str(binding.type))
    converter = values.GENERIC if bare else str(binding.type)
    _check_annotation(name, binding, converter, pytype)
    return Parameter(converter, pytype)


def _check_annotation(name: str, binding: Any, converter: str, pytype: Any) -> None:
    rules = values.converter(converter)
    out = binding.direction == _OUT
    check = rules.check_output_type_annotation if out else rules.check_input_type_annotation
    if check(pytype):
        return
    kind = f'"{binding.type}"'
    if binding.data_type not in _UNDEFINED:
        kind += f" with dataType {binding.data_type}"
    raise FunctionLoadError(
        name,
        f"type of {binding.name} binding {kind} does not match its Python annotation "
        f'"{getattr(pytype, "__name__", pytype)}"',
    )


def _is_out(hint: Any) -> bool:
    origin = typing.get_origin(hint) or hint
    return isinstance(origin, type) and origin.__name__ == "Out"


def _inside_out(name: str, parameter: str, hint: Any) -> Any:
    arguments = typing.get_args(hint)
    if len(arguments) != 1:
        raise FunctionLoadError(name, f"binding {parameter} has invalid Out annotation {hint!r}")
    return arguments[0]


def _is_generic(hint: Any) -> bool:
    # Azure's worker knows typing.List[str] and refuses list[str], which is a types.GenericAlias.
    if isinstance(hint, types.GenericAlias):
        return False
    origin = typing.get_origin(hint)
    return isinstance(origin, type) and origin is not tuple and hint is not origin
