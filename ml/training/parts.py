"""The parts of a pipeline, however deep: what each is given, and what a model file may hold."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any, Final

from ml.errors import ModelConfigError
from ml.model_folder.trusted_types import untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SEEDS: Final = ("random_state", "random_seed")
_CORES: Final = ("n_jobs", "thread_count")
_LAMBDA: Final = "<lambda>"
_LOCAL: Final = "<locals>"
_UNSUPPORTED: Final = "is not supported by skops, the file format of models"


def parts_of(value: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Estimators and splitters in a parameter's value, outermost first, each with its path.

    Parameters of meta-estimators are looked into, lists, tuples and mappings as well: a search
    may try whole estimators, and has a splitter that draws.
    """
    if isinstance(value, type):
        return
    draws = hasattr(value, "split") and hasattr(value, "random_state")
    if draws or hasattr(value, "get_params"):
        yield path, value
    for place, inner in _inside(value, path):
        yield from parts_of(inner, place)


def _inside(value: Any, path: str) -> Iterator[tuple[str, object]]:
    """What a parameter's value is made of, with its place."""
    if hasattr(value, "get_params"):
        for name, inner in _params(value).items():
            yield f"{path}.{name}" if path else name, inner
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}[{name!r}]", inner
    elif isinstance(value, tuple) and value and isinstance(value[0], str):
        for inner in value[1:]:  # a named step
            yield path, inner
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            named = isinstance(inner, tuple) and inner and isinstance(inner[0], str)
            yield f"{path}[{(inner[0] if named else number)!r}]", inner


def settle(pipeline: object, *, seed: int) -> None:
    """Give every part that draws the seed, and every part that can use several cores one.

    Args:
        pipeline: unfitted; changed in place.
        seed: of model.yml.
    """
    for _, part in parts_of(pipeline):
        if not hasattr(part, "set_params"):
            if getattr(part, "shuffle", True):
                part.random_state = seed
            continue
        params = _params(part)
        names = [*params, *inspect.signature(type(part)).parameters]
        fixed: dict[str, object] = {}
        seeds = [name for name in names if name in _SEEDS]
        if seeds:
            fixed[seeds[0]] = seed
        for name in names:
            # scikit-learn's own None is one core; of other libraries it is all of them.
            own = type(part).__module__.startswith("sklearn.")
            if name in _CORES and not (own and params[name] is None):
                fixed[name] = 1
        if fixed:
            part.set_params(**fixed)


def check_parts(pipeline: object, *, where: str) -> None:
    """Refuse a pipeline that could be fitted but not saved; nothing is fitted for it.

    Raises:
        ModelConfigError: names each part that holds something that a model file may not hold.
    """
    pipeline = copy.deepcopy(pipeline)
    forget_distributions(pipeline)
    wrong = _refused(pipeline)
    if not wrong:
        return
    at, inner = "", pipeline
    for path, value in _values(pipeline):
        found = _refused(value)
        if found:  # later ones lie deeper, or stand for themselves
            at, inner, wrong = path, value, found
    kind = at or type(pipeline).__name__
    raise ModelConfigError(
        [f"{where}/pipeline.py: {kind} cannot be saved: {_why(wrong[0], inner)}"]
    )


def forget_distributions(value: object) -> None:
    """Put words in the place of what searches drew their candidates from.

    scipy's distributions run code when they are restored, so that no model file may hold one;
    a search that has ended does not need them.

    Args:
        value: changed in place, with all that it holds.
    """
    if isinstance(value, dict):
        inner: Any = value.values()
    elif isinstance(value, list | tuple):
        inner = value
    elif hasattr(value, "get_params") and not isinstance(value, type):
        drawn = getattr(value, "param_distributions", None)
        for space in drawn if isinstance(drawn, list) else [drawn or {}]:
            for name, one in space.items():
                if hasattr(one, "rvs"):
                    space[name] = f"{one.dist.name}{one.args}"
        inner = vars(value).values()
    else:
        return
    for one in inner:
        forget_distributions(one)


def _params(part: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = part.get_params(deep=False)
    return found


def _values(pipeline: object) -> Iterator[tuple[str, object]]:
    """Every parameter's value, outermost first."""
    for path, part in parts_of(pipeline):
        if hasattr(part, "get_params"):
            yield path, part
            for name, value in _params(part).items():
                yield f"{path}.{name}" if path else name, value


def _refused(value: object) -> list[str]:
    import skops.io  # noqa: PLC0415 - seconds
    from skops.io.exceptions import UnsupportedTypeException  # noqa: PLC0415 - same

    try:
        return untrusted(skops.io.get_untrusted_types(data=skops.io.dumps(value)))
    except UnsupportedTypeException:
        return [f"{type(value).__name__} {_UNSUPPORTED}"]


def _why(name: str, value: object) -> str:
    if name.endswith(_UNSUPPORTED):
        return f"{name}; use another estimator"
    if _LAMBDA in name:
        return "it is a lambda; define a function at the top level of pipeline.py and name that"
    if _LOCAL in name or _LOCAL in getattr(value, "__qualname__", ""):
        return f"{name} is defined inside a function; define it at the top level of pipeline.py"
    return (
        f"it holds {name}, which a model file may not name; use a class of scikit-learn, or define "
        "it at the top level of pipeline.py"
    )
