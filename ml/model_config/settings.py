"""The settings of one model, as a checked model.yml gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from pathlib import Path

    from ml.metrics import Goal, Task

_PERFORMANCE_DAYS: Final = 30  # where model.yml does not judge the realised performance
MODEL_NAME: Final = re.compile(r"^[a-z][a-z0-9-]{1,29}$")

ColumnType = Literal["number", "integer", "category", "text", "date"]


@dataclass(frozen=True, slots=True)
class ColumnContract:
    """What a column must look like. Percentages are 0-100; limits are inclusive."""

    name: str
    type: ColumnType
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    date_format: str | None = None
    max_missing_percent: float = 0.0
    max_same_percent: float | None = None
    drop: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it is compared by distance rather than by shares of its values."""
        return self.type in {"number", "integer"} and self.categories is None


@dataclass(frozen=True, slots=True)
class DataContract:
    """What a landed file must look like to be learnt from."""

    format: Literal["csv", "parquet"]
    separator: str
    min_rows: int
    max_duplicate_rows_percent: float
    extra_columns: Literal["refuse", "ignore"]
    columns: Mapping[str, ColumnContract]


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How a model is fitted."""

    params: Mapping[str, Any]
    seed: int
    window: Literal["cumulative", "sliding"]
    window_days: int | None
    test_percent: float
    min_train_rows: int
    min_test_rows: int


@dataclass(frozen=True, slots=True)
class GateMetric:
    """A metric that decides, which way is better, and what a first champion must reach."""

    name: str
    goal: Goal
    floor: float


@dataclass(frozen=True, slots=True)
class PerformanceSettings:
    """When predictions that labels came for later count as worse than the champion was.

    Args:
        metric: accuracy (share of right classes) or mae (unit of the target).
        margin: how much worse is still as good, in the metric's unit.
        days: how far back predictions are looked at.
    """

    metric: Literal["accuracy", "mae"]
    margin: float
    days: int


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """The daily comparison of production rows with the champion's reference profile.

    Args:
        window_days: days of rows that one check looks at.
        false_alarms_per_year: of the whole model, when nothing changes.
        smallest_effect: what matters at all: a shift in reference sd, and Cohen's w.
        smallest_share: what matters of new or missing values, a share of the rows.
        min_rows: fewer are never judged.
        late_days: past days that are looked at again for rows that came late.
        without_labels: what drift leads to while no labelled row has landed since the champion
            was trained.
        performance: None: realised performance is shown, not judged.
    """

    window_days: int
    false_alarms_per_year: float
    smallest_effect: float
    smallest_share: float
    min_rows: int
    late_days: int
    without_labels: Literal["retrain", "alert"]
    performance: PerformanceSettings | None

    @property
    def performance_days(self) -> int:
        """How many days back predictions are joined to labels."""
        return _PERFORMANCE_DAYS if self.performance is None else self.performance.days


@dataclass(frozen=True, slots=True)
class RetrainSettings:
    """When a reason to retrain is enough."""

    reasons: tuple[str, ...]
    cooldown: timedelta
    drift_overrides_cooldown: bool
    max_jobs_per_30_days: int
    max_attempts: int


@dataclass(frozen=True, slots=True)
class RolloutSettings:
    """How long the old deployment is kept after a promotion."""

    soak: timedelta


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model.yml. `config_sha256` changes with any setting or with pipeline.py."""

    name: str
    task: Task
    target: str
    id: str | None
    time: str | None
    features: tuple[str, ...]
    data: DataContract
    training: TrainingSettings
    gate: tuple[GateMetric, ...]
    drift: DriftSettings
    retrain: RetrainSettings
    rollout: RolloutSettings
    folder: Path
    config_sha256: str = field(compare=False)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics that decide, in the order written."""
        return tuple(metric.name for metric in self.gate)

    def column(self, name: str) -> ColumnContract:
        """The contract of a column."""
        return self.data.columns[name]
