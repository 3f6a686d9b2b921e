"""The sections of model.yml other than `data`; each validates itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from ml.did_you_mean import did_you_mean
from ml.metrics import METRICS, Task, metric_names
from ml.model_config.fields import STRICT, Days, Duration, checked, refusal, top_of

if TYPE_CHECKING:
    from pydantic import ValidationInfo

_PERFORMANCE_DAYS: Final = 30
_CHECKS_A_YEAR: Final = 365
_LARGEST_SEED: Final = 2**32 - 1  # of numpy's generators
_REALISED_OF: Final[Mapping[Task, str]] = {"classification": "accuracy", "regression": "mae"}
# The training step sets these in every part of a pipeline.
_SET_BY_TRAINING: Final = {
    "random_state": "is set from training.seed; remove it",
    "n_jobs": "is always 1, since other steps run beside this one; remove it",
}
Reason = Literal["data", "drift", "performance", "manual", "model"]
GateMode = Literal["every_metric_better"]


def _set_elsewhere(name: str, _info: ValidationInfo) -> str | None:
    return _SET_BY_TRAINING.get(name)


def _without_time(window: str, info: ValidationInfo) -> str | None:
    top = top_of(info)
    if window == "sliding" and top is not None and not top.has_time:
        return "is sliding but the model has no time column; name one at `time`"
    return None


def _days(days: Any, info: ValidationInfo) -> Any:
    window = info.data.get("window")
    if window == "sliding" and days is None:
        raise refusal("is missing; a sliding window needs its length in days")
    if window == "cumulative" and days is not None:
        raise refusal("has no meaning in a cumulative window; remove it")
    return days


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class TrainingSettings:
    """How a model is trained; `window_days` is None for a cumulative window.

    `encode`: dates and texts among the features become numbers before pipeline.py gets them.
    """

    params: Mapping[Annotated[str, checked(_set_elsewhere)], Any] = field(default_factory=dict)
    seed: Annotated[int, Field(ge=0, le=_LARGEST_SEED)] = 0
    window: Annotated[Literal["cumulative", "sliding"], checked(_without_time)] = "cumulative"
    window_days: Annotated[Days | None, Field(validate_default=True), BeforeValidator(_days)] = None
    test_percent: Annotated[float, Field(ge=5, le=50)] = 20.0
    encode: bool = True
    min_train_rows: Annotated[int, Field(ge=2)] = 50
    min_test_rows: Annotated[int, Field(ge=2)] = 20


def _unknown_metric(name: str, info: ValidationInfo) -> str | None:
    top = top_of(info)
    task = None if top is None else top.task
    known = tuple(METRICS) if task is None else metric_names(task)
    if name in known:
        return None if top is None else _without_class(name, top.unnamed_classes)
    kind = "metric" if task is None else f"metric of a {task}"
    return f"is not a {kind}; write one of {', '.join(known)}.{did_you_mean(name, known)}"


def _without_class(name: str, classes: tuple[str, ...]) -> str | None:
    if not METRICS[name].of_a_class or not classes:
        return None
    return (
        f"is about one class and `positive` names none; write `positive: {classes[-1]}`, or "
        f"another of {', '.join(classes)}, at the top of the file"
    )


def _no_metric(floors: Mapping[str, float], _info: ValidationInfo) -> str | None:
    return None if floors else f"names no metric; write one of {', '.join(METRICS)}"


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class GateSettings:
    """The metrics that decide, in the order written, and what a first champion must reach."""

    floors: Annotated[Mapping[Annotated[str, checked(_unknown_metric)], float], checked(_no_metric)]
    mode: GateMode = "every_metric_better"
    beat_baseline: bool = True


def _not_measured(metric: str, info: ValidationInfo) -> str | None:
    top = top_of(info)
    if top is None:
        return None
    if top.task is not None and metric != _REALISED_OF[top.task]:
        return f"{metric} does not fit a {top.task}; write {_REALISED_OF[top.task]}"
    if metric not in top.floors:
        return f"{metric} is not measured when a model is chosen; add it to gate.floors"
    return None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class PerformanceSettings:
    """When the champion's realised performance counts as worse than at its promotion.

    Args:
        metric: accuracy (share of correct classes) or mae (unit of the target).
        margin: largest acceptable loss, in the metric's unit.
        days: how many days back predictions are included.
    """

    metric: Annotated[Literal["accuracy", "mae"], checked(_not_measured)]
    margin: Annotated[float, Field(ge=0)]
    days: Days = _PERFORMANCE_DAYS


def _without_ids(_settings: PerformanceSettings, info: ValidationInfo) -> str | None:
    top = top_of(info)
    if top is not None and not top.has_id:
        return "needs ids to join labels by; name a column at `id`, or remove it"
    return None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class DriftSettings:
    """The daily comparison of production rows with the champion's reference profile.

    Args:
        window_days: days of rows in one check.
        false_alarms_per_year: expected for the whole model if nothing changes.
        smallest_effect: smaller changes never count: a shift in reference sd, and Cohen's w.
        smallest_share: smaller shares of new or missing values never count, 0-1.
        min_rows: a window with fewer rows is not judged.
        late_days: past days that are checked again if rows came late.
        without_labels: what to do about drift if no labelled row has landed since the champion
            was trained.
        performance: None: realised performance is shown but not judged.
    """

    window_days: Days = 1
    false_alarms_per_year: Annotated[float, Field(ge=0.01, le=_CHECKS_A_YEAR)] = 1.0
    smallest_effect: Annotated[float, Field(ge=0.001, le=1)] = 0.05
    smallest_share: Annotated[float, Field(ge=0.0001, le=1)] = 0.01
    min_rows: Annotated[int, Field(ge=10)] = 200
    late_days: Annotated[int, Field(ge=0, le=30)] = 3
    without_labels: Literal["retrain", "alert"] = "retrain"
    performance: Annotated[PerformanceSettings | None, checked(_without_ids)] = None

    @property
    def performance_days(self) -> int:
        """How many days back predictions are joined to labels."""
        return _PERFORMANCE_DAYS if self.performance is None else self.performance.days


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RetrainSettings:
    """The retrain policy: which reasons count, cooldown, job budget, attempts.

    Args:
        reasons: kinds that may lead to a retraining; if empty, the model is never retrained.
        cooldown: minimum time between retrainings; a manual request overrides it.
        drift_overrides_cooldown: drift and worse performance override the cooldown too.
        max_jobs_per_30_days: job budget, in a sliding window.
        max_attempts: how often a failing job is submitted in one cycle.
    """

    reasons: tuple[Reason, ...] = get_args(Reason)
    cooldown: Duration = timedelta(days=1)
    drift_overrides_cooldown: bool = True
    max_jobs_per_30_days: Annotated[int, Field(ge=1)] = 20
    max_attempts: Annotated[int, Field(ge=1)] = 2


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RolloutSettings:
    """`soak` is how long the old deployment is kept after a promotion."""

    soak: Duration = timedelta(minutes=10)
