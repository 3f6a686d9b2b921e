"""Builds a model's pipeline with its pipeline.py, and checks that every training.param is used."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ml.did_you_mean import did_you_mean
from ml.errors import ModelConfigError
from ml.training.blame import blamed

if TYPE_CHECKING:
    from types import ModuleType

    from sklearn.pipeline import Pipeline

    from ml.metrics import Task
    from ml.model_config import ModelConfig

_UNEXPECTED: Final = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")


def build_pipeline(config: ModelConfig) -> Pipeline:
    """Build the unfitted pipeline of a model.

    Raises:
        ModelConfigError: pipeline.py cannot be imported or has no `build`, `build` fails or gives
            something else, or a parameter is one that neither `build` nor the estimator it is
            handed to knows.
    """
    where = f"ml/models/{config.name}"
    with blamed(config.name, doing="importing it"):
        module = importlib.import_module(f"ml.models.{config.name}.pipeline")
    pipeline = built_by(module, config.training.params, where=where)
    check_kind(pipeline, config.task, where=where)
    return encoded(pipeline, config)


def encoded(pipeline: Pipeline, config: ModelConfig) -> Pipeline:
    """The pipeline behind an encoder of the dates and texts that the model learns from, if any."""
    named: dict[str, list[str]] = {"date": [], "text": []}
    for name in config.features:
        named.get(config.column(name).type, []).append(name)
    if not (config.training.encode and any(named.values())):
        return pipeline
    from sklearn.pipeline import Pipeline  # noqa: PLC0415 - seconds

    from ml.features import EncodeColumns  # noqa: PLC0415 - same

    encoder = EncodeColumns(dates=named["date"], texts=named["text"])
    return Pipeline([("encode", encoder), ("model", pipeline)])


def unused(config: ModelConfig) -> Iterator[str]:
    """Columns of the contract that the model does not learn from though it could."""
    roles = {config.target, config.id, *config.features}
    for kind in ("text", "date"):
        names = [
            name
            for name, column in config.data.columns.items()
            if column.type == kind and not column.drop and name not in roles
        ]
        if names:
            listed = ", ".join(names)
            yield (
                f"does not learn from {listed} (type {kind}); to use it, list under features every "
                "column to learn from, this included"
            )


def built_by(module: ModuleType, params: Mapping[str, Any], *, where: str) -> Pipeline:
    """Call the module's `build` with the parameters; `where` is the model's folder."""
    if not callable(getattr(module, "build", None)):
        raise ModelConfigError([f"{where}/pipeline.py has no build; write def build(params)"])
    asked = _AskedFor(params)
    with blamed(where.rpartition("/")[2], doing="build(training.params)"):
        try:
            pipeline: Pipeline = module.build(asked)
        except TypeError as exc:
            unexpected = _UNEXPECTED.search(str(exc))
            if unexpected is None or unexpected[2] not in params:
                raise
            known = _parameters(module, unexpected[1])
            raise _not_taken(where, unexpected[2], params, known=known) from exc
    for name in params:
        if name not in asked.names:
            raise _not_taken(where, name, params, known=asked.names)
    return pipeline


def check_kind(pipeline: object, task: Task, *, where: str) -> None:
    """Check that the pipeline can predict the target.

    Raises:
        ModelConfigError: no estimator, or one of another kind than the task needs.
    """
    from sklearn.base import is_classifier, is_regressor  # noqa: PLC0415 - seconds

    needed, fits = (
        ("regressor", is_regressor) if task == "regression" else ("classifier", is_classifier)
    )
    said = f"{where}/pipeline.py: build gives {_kind_of(pipeline)}"
    if not (hasattr(pipeline, "fit") and hasattr(pipeline, "get_params")):
        raise ModelConfigError(
            [
                (
                    f"{said}, which is not a scikit-learn estimator; "
                    f"return a Pipeline that ends in a {needed}"
                )
            ]
        )
    last: Any = pipeline
    while getattr(last, "steps", None):
        last = last.steps[-1][1]
    if not fits(last):
        said = f"{where}/pipeline.py: build gives {_kind_of(last)} as its last step"
        raise ModelConfigError([f"{said}, which is not a {needed}; a {task} needs one"])


def _kind_of(value: object) -> str:
    return "nothing (no return)" if value is None else f"a {type(value).__name__}"


class _AskedFor(Mapping[str, Any]):
    """A mapping of parameters that records every name looked up, present or not."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return self._params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)


def _parameters(module: ModuleType, class_name: str) -> set[str]:
    """Constructor parameters of a class that the module uses."""
    found = getattr(module, class_name, None)
    return set(inspect.signature(found).parameters) if inspect.isclass(found) else set()


def _not_taken(
    where: str, name: str, params: Mapping[str, Any], *, known: set[str]
) -> ModelConfigError:
    names = ", ".join(sorted(known)) or "nothing"
    text = (
        f"{where}/model.yml  training.params.{name}: nothing takes the value {params[name]!r}; "
        f"pipeline.py knows {names}. Remove it.{did_you_mean(name, known)}"
    )
    return ModelConfigError([text])
