"""All settings of one model, and checks across the sections of its file."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from ml.did_you_mean import did_you_mean
from ml.metrics import Task
from ml.model_config.data_contract import ColumnContract, DataContract
from ml.model_config.fields import STRICT, checked, refusal, top_of
from ml.model_config.settings import (
    DriftSettings,
    GateSettings,
    RetrainSettings,
    RolloutSettings,
    TrainingSettings,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic import ValidationInfo

SHA256_KEY: Final = "<sha256>"  # not a setting: the reader of the file adds it
_ENCODED: Final = frozenset({"date", "text"})
_ALL_USABLE: Final = ("<all>",)
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,29}")


def _wrong_name(name: str, info: ValidationInfo) -> str | None:
    top = top_of(info)
    if top is not None and name != top.folder:
        return f"{name!r} is not the folder's name; write {top.folder}"
    if not _NAME.fullmatch(name):
        return f"{name!r} must be 2 to 30 of a-z, 0-9 and -, starting with a letter; rename it"
    return None


def _unfit_column(name: str, info: ValidationInfo) -> str | None:
    """Why a column cannot be the target, id or time; None if it can."""
    data, top = info.data.get("data"), top_of(info)
    known = data.columns if data is not None else () if top is None else top.columns
    if known and name not in known:
        return f"{name!r} is not under data.columns; add it there.{did_you_mean(name, known)}"
    if data is not None and data.columns[name].drop:
        return "is dropped under data.columns; remove drop there"
    return None


def _unfit_target(name: str, info: ValidationInfo) -> str | None:
    data, task = info.data.get("data"), info.data.get("task")
    column = None if data is None else data.columns[name]
    if column is None:
        return None
    if task == "regression" and not column.numeric:
        return f"is of type {column.type}; a regression needs a number"
    if task == "classification" and column.categories is None:
        return "has no list of values; name its classes under data.columns"
    return None


def plain_positive(classes: Collection[str]) -> str | None:
    """The positive class that goes without saying: 1 of 0 and 1."""
    return "1" if {name.strip() for name in classes} == {"0", "1"} else None


def _positive(named: Any, info: ValidationInfo) -> Any:
    """As the target's values spell it."""
    data, target = info.data.get("data"), info.data.get("target")
    if data is None or target is None:
        return named
    classes = data.columns[target].categories or ()
    if named is None:
        return plain_positive(classes)
    if info.data.get("task") == "regression":
        raise refusal("has no meaning in a regression; remove it")
    same = next((name for name in classes if name.strip() == str(named).strip()), None)
    if same is None:
        raise refusal(
            f"{str(named)!r} is not a value of {target}; write one of {', '.join(classes)}."
            f"{did_you_mean(str(named), classes)}"
        )
    return same


def _unfit_id(name: str, info: ValidationInfo) -> str | None:
    data = info.data.get("data")
    kind = "text" if data is None else data.columns[name].type
    if kind not in {"integer", "category", "text"}:
        return f"is of type {kind}; an id is of type integer or text"
    if name == info.data.get("target"):
        return "is the target as well; name another column, or remove it"
    return None


def _unfit_time(name: str, info: ValidationInfo) -> str | None:
    data = info.data.get("data")
    kind = "date" if data is None else data.columns[name].type
    return None if kind == "date" else f"is of type {kind}; a time column needs type date"


def _usable(info: ValidationInfo, *, by_name: bool) -> list[str]:
    """Columns usable as features, in file order; empty if data.columns could not be read.

    Dates and texts, the time column among them, are features where they are named.
    """
    data, roles = info.data.get("data"), {info.data.get(key) for key in ("target", "id")}
    return [
        name
        for name, column in (data.columns.items() if data is not None else ())
        if not column.drop and name not in roles and (by_name or column.type not in _ENCODED)
    ]


def _features(listed: Any, info: ValidationInfo) -> Any:
    if listed != _ALL_USABLE:
        return listed
    usable = _usable(info, by_name=False)
    if not usable and "data" in info.data:
        raise refusal("no column is left to learn from; add one to data.columns")
    return usable


def _unfit_features(listed: tuple[str, ...], info: ValidationInfo) -> str | None:
    usable = _usable(info, by_name=True)
    for place, name in enumerate(listed):
        if usable and name not in usable:
            hint = did_you_mean(name, usable)
            return f"{name!r} is not a column a model can learn from.{hint}"
        if name in listed[:place]:
            return f"{name!r} is listed twice; keep one"
    if usable and not listed:
        return "lists no column; name some, or remove it to use every column"
    return None


Column = Annotated[str, checked(_unfit_column)]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ModelConfig:
    """The content of one model.yml. `config_sha256` covers every setting and pipeline.py.

    `positive` is the class that F1 is about, as the target's values spell it; None: none is named.
    """

    name: Annotated[str, checked(_wrong_name)]
    task: Task
    data: DataContract
    target: Annotated[Column, checked(_unfit_target)]
    positive: Annotated[str | None, Field(validate_default=True), BeforeValidator(_positive)] = None
    id: Annotated[Column | None, checked(_unfit_id)] = None
    time: Annotated[Column | None, checked(_unfit_time)] = None
    features: Annotated[
        tuple[str, ...],
        Field(validate_default=True),
        BeforeValidator(_features),
        checked(_unfit_features),
    ] = _ALL_USABLE
    training: TrainingSettings = field(default_factory=TrainingSettings)
    gate: GateSettings
    drift: DriftSettings = field(default_factory=DriftSettings)
    retrain: RetrainSettings = field(default_factory=RetrainSettings)
    rollout: RolloutSettings = field(default_factory=RolloutSettings)
    config_sha256: Annotated[str, Field(alias=SHA256_KEY)] = field(compare=False)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that decide, in the order written."""
        return tuple(self.gate.floors)

    @property
    def compared(self) -> tuple[str, ...]:
        """Features whose drift is checked: dates always move, and texts are mostly new."""
        return tuple(name for name in self.features if self.column(name).type not in _ENCODED)

    def column(self, name: str) -> ColumnContract:
        """The contract of a column."""
        return self.data.columns[name]
