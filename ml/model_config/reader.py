"""model.yml -> ModelConfig, noting every mistake before refusing."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from ml.collected_data import PREDICTION
from ml.errors import ModelConfigError
from ml.metrics import METRICS, metric_names
from ml.model_config.drift_reader import drift_settings
from ml.model_config.settings import (
    MODEL_NAME,
    ColumnContract,
    ColumnType,
    DataContract,
    GateMetric,
    ModelConfig,
    RetrainSettings,
    RolloutSettings,
    TrainingSettings,
)
from ml.model_config.yaml_sections import Problems, Section, compose, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ml.metrics import Task

_COLUMN_TYPES: Final = ("number", "integer", "category", "text", "date")
_WHOLE: Final = re.compile(r"[+-]?\d{1,15}")
_REASONS: Final = ("data", "drift", "performance", "manual", "model")
_TASKS: Final = ("classification", "regression")


def parse_model(
    content: bytes, *, folder: Path, sha256: Callable[[object, Path], str]
) -> ModelConfig:
    """Check a model.yml's content.

    Raises:
        ModelConfigError: every mistake at once, in file order.
    """
    import yaml  # noqa: PLC0415 - the plain values, for the hash only

    problems = Problems(_shown(folder / "model.yml"))
    top = compose(content, problems)
    if top is None:
        raise ModelConfigError(problems.lines())
    if not (folder / "pipeline.py").is_file():
        problems.add(
            1, "", f"{_shown(folder / 'pipeline.py')} is missing; write build(params) in it"
        )
    name = top.text("name")
    if name != folder.name:
        top.problem("name", f"{name!r} is not the folder's name; write {folder.name}")
    elif not MODEL_NAME.match(name):
        top.problem("name", f"{name!r} must be 2-30 of a-z, 0-9 and -, a letter first; rename it")
    task = cast("Task", top.choice("task", _TASKS))
    # An unknown task is one mistake: what hangs on it is not judged.
    known_task = top.text("task", default="") in _TASKS
    data = _data(top.section("data", required=True))
    target = _known_column(top, "target", data)
    identity = _known_column(top, "id", data) if top.has("id") else top.text("id", default="")
    _check_id(top, data.columns.get(identity))
    time = _known_column(top, "time", data) if top.has("time") else top.text("time", default="")
    _check_target(top, task if known_task else None, data.columns.get(target))
    _check_time(top, data.columns.get(time))
    gate = _gate(top.section("gate", required=True), task if known_task else None)
    config: dict[str, Any] = {
        "name": name,
        "task": task,
        "target": target,
        "id": identity or None,
        "time": time or None,
        "features": _features(top, data, {target, identity, time}),
        "data": data,
        "training": _training(top.section("training"), time),
        "gate": gate,
        "drift": drift_settings(
            top.section("drift"),
            task if known_task else None,
            has_id=bool(identity),
            floors=[metric.name for metric in gate],
        ),
        "retrain": _retrain(top.section("retrain")),
        "rollout": _rollout(top.section("rollout")),
        "folder": folder,
    }
    top.close()
    if found := problems.lines():
        raise ModelConfigError(found)
    return ModelConfig(**config, config_sha256=sha256(yaml.safe_load(content), folder))


def _shown(path: Path) -> str:
    """The path as a person at the project's root writes it."""
    parts = path.parts[-4:]
    return "/".join(parts) if parts[:2] == ("ml", "models") else str(path)


def _data(section: Section) -> DataContract:
    columns = section.section("columns", required=True)
    contracts = {key: _column(key, columns.section(key)) for key in columns.keys()}  # noqa: SIM118 - a Section is no dict
    if not contracts:
        section.problem("columns", "lists no column; name each column of the files")
    contract = DataContract(
        format=cast(
            "Literal['csv', 'parquet']", section.choice("format", ("csv", "parquet"), default="csv")
        ),
        separator=section.text("separator", default=","),
        min_rows=section.integer("min_rows", default=20, minimum=1),
        max_duplicate_rows_percent=section.number(
            "max_duplicate_rows_percent", default=5.0, minimum=0, maximum=100
        ),
        extra_columns=cast(
            "Literal['refuse', 'ignore']",
            section.choice("extra_columns", ("refuse", "ignore"), default="refuse"),
        ),
        columns=MappingProxyType(contracts),
    )
    if PREDICTION in contracts:
        columns.problem(PREDICTION, "is what predictions are collected as; rename the column")
    if len(contract.separator) != 1:
        section.problem("separator", f'{contract.separator!r} is not one character; write e.g. ";"')
    elif contract.separator.isalnum() or contract.separator in '"\r\n.+-':
        section.problem(
            "separator", f'{contract.separator!r} stands inside values too; write e.g. ";"'
        )
    section.close()
    return contract


def _column(name: str, section: Section) -> ColumnContract:
    kind = cast("ColumnType", section.choice("type", _COLUMN_TYPES))
    numeric = kind in {"number", "integer"}
    for limit in ("min", "max"):
        if section.has(limit) and not numeric:
            section.problem(limit, f"does not fit type {kind}; remove it or use type number")
    minimum = section.number("min") if section.has("min") else None
    maximum = section.number("max") if section.has("max") else None
    if minimum is not None and maximum is not None and minimum >= maximum:
        section.problem("min", f"{minimum:g} is not below max {maximum:g}; swap or widen them")
    values = tuple(str(value) for value in section.values("values", default=()))
    if section.has("values") and kind not in {"category", "integer"}:
        section.problem("values", f"does not fit type {kind}; use type category or integer")
    if kind == "integer" and not all(_WHOLE.fullmatch(value) for value in values):
        section.problem("values", "are not whole numbers; write some, or use type category")
    if len(set(values)) < len(values):
        section.problem("values", "names a value twice; keep one of each")
    if section.has("format") and kind == "date":
        _check_date_format(section)
    if section.has("format") and kind != "date":
        section.problem("format", f"does not fit type {kind}; it belongs to type date")
    contract = ColumnContract(
        name=name,
        type=kind,
        minimum=minimum,
        maximum=maximum,
        categories=values or None,
        date_format=section.text("format", default="%Y-%m-%d") if kind == "date" else None,
        max_missing_percent=section.number(
            "max_missing_percent", default=0.0, minimum=0, maximum=100
        ),
        max_same_percent=(
            section.number("max_same_percent", minimum=0, maximum=100)
            if section.has("max_same_percent")
            else None
        ),
        drop=section.flag("drop", default=False),
    )
    section.allow("min", "max", "format", "max_same_percent")
    section.close()
    return contract


def _check_date_format(section: Section) -> None:
    try:
        datetime.strptime("", section.text("format"))  # noqa: DTZ007 - only whether it is a format
    except ValueError as exc:
        if "does not match" not in str(exc):
            section.problem("format", f"{exc}; write e.g. %Y-%m-%d")


def _known_column(top: Section, key: str, data: DataContract) -> str:
    name = top.text(key)
    if name and data.columns and name not in data.columns:
        hint = did_you_mean(name, data.columns)
        top.problem(key, f"{name!r} is not under data.columns; add it there.{hint}")
    return name


def _check_target(top: Section, task: Task | None, contract: ColumnContract | None) -> None:
    if contract is None:
        return
    if task == "regression" and not contract.numeric:
        top.problem("target", f"is of type {contract.type}; a regression needs a number")
    if task == "classification" and contract.categories is None:
        top.problem("target", "has no list of values; name its classes under data.columns")
    if contract.drop:
        top.problem("target", "is dropped under data.columns; remove drop there")


def _check_id(top: Section, contract: ColumnContract | None) -> None:
    if contract is not None and contract.type not in {"integer", "category", "text"}:
        top.problem("id", f"is of type {contract.type}; an id is of type integer or text")


def _check_time(top: Section, contract: ColumnContract | None) -> None:
    if contract is not None and contract.type != "date":
        top.problem("time", f"is of type {contract.type}; a time column needs type date")


def _features(top: Section, data: DataContract, not_features: set[str]) -> tuple[str, ...]:
    """All usable columns, in file order, or the ones listed."""
    usable = tuple(
        name
        for name, column in data.columns.items()
        if not column.drop and column.type not in {"date", "text"} and name not in not_features
    )
    if not top.has("features"):
        if data.columns and not usable:
            top.problem("features", "no column is left to learn from; add one to data.columns")
        return usable
    listed = tuple(str(value) for value in top.values("features"))
    for name in listed:
        if name not in usable:
            hint = did_you_mean(name, usable)
            top.problem("features", f"{name!r} is no column a model can learn from.{hint}")
    return listed


def _training(section: Section, time: str) -> TrainingSettings:
    window = cast(
        "Literal['cumulative', 'sliding']",
        section.choice("window", ("cumulative", "sliding"), default="cumulative"),
    )
    days = section.integer("window_days", default=0, minimum=1) or None
    if window == "sliding" and days is None:
        section.problem("window_days", "is missing; a sliding window needs its length in days")
    if window == "sliding" and not time:
        section.problem("window", "is sliding but the model has no time column; name one at `time`")
    if window == "cumulative" and days is not None:
        section.problem("window_days", "has no meaning in a cumulative window; remove it")
    settings = TrainingSettings(
        params=MappingProxyType(section.plain("params")),
        seed=section.integer("seed", default=0, minimum=0),
        window=window,
        window_days=days,
        test_percent=section.number("test_percent", default=20.0, minimum=5, maximum=50),
        min_train_rows=section.integer("min_train_rows", default=50, minimum=2),
        min_test_rows=section.integer("min_test_rows", default=20, minimum=2),
    )
    section.close()
    return settings


def _gate(section: Section, task: Task | None) -> tuple[GateMetric, ...]:
    floors = section.section("floors", required=True)
    known = metric_names(task) if task is not None else tuple(METRICS)
    metrics = []
    for name in floors.keys():  # noqa: SIM118 - a Section is no dict
        floor = floors.number(name)
        if name in known:
            metrics.append(GateMetric(name=name, goal=METRICS[name].goal, floor=floor))
        else:
            hint = did_you_mean(name, known)
            kind = f"metric of a {task}" if task is not None else "metric"
            floors.problem(name, f"is no {kind}; write one of {', '.join(known)}.{hint}")
    if section.has("floors") and not floors.keys():
        section.problem("floors", f"names no metric; write one of {', '.join(known)}")
    section.close()
    return tuple(metrics)


def _retrain(section: Section) -> RetrainSettings:
    reasons = tuple(str(value) for value in section.values("reasons", default=_REASONS))
    for reason in reasons:
        if reason not in _REASONS:
            section.problem(
                "reasons", f"{reason!r} is not known; write some of {', '.join(_REASONS)}"
            )
    settings = RetrainSettings(
        reasons=reasons,
        cooldown=section.duration("cooldown", default=timedelta(days=1)),
        drift_overrides_cooldown=section.flag("drift_overrides_cooldown", default=True),
        max_jobs_per_30_days=section.integer("max_jobs_per_30_days", default=20, minimum=1),
        max_attempts=section.integer("max_attempts", default=2, minimum=1),
    )
    section.close()
    return settings


def _rollout(section: Section) -> RolloutSettings:
    settings = RolloutSettings(soak=section.duration("soak", default=timedelta(minutes=10)))
    section.close()
    return settings
