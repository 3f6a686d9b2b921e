"""The drift section of model.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, cast

from ml.model_config.settings import DriftSettings, PerformanceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ml.metrics import Task
    from ml.model_config.yaml_sections import Section

_CHECKS_A_YEAR: Final = 365
_REALISED: Final = ("accuracy", "mae")
_REALISED_OF: Final[Mapping[Task, str]] = {"classification": "accuracy", "regression": "mae"}


def drift_settings(
    section: Section, task: Task | None, *, has_id: bool, floors: Sequence[str]
) -> DriftSettings:
    """What the section says, every mistake noted in it.

    Args:
        section: `drift`, empty where it is absent.
        task: None where model.yml names none that is known.
        has_id: whether rows have an id that labels can be joined by.
        floors: the metrics that a champion is measured with when it is chosen.
    """
    settings = DriftSettings(
        window_days=section.integer("window_days", default=1, minimum=1),
        false_alarms_per_year=section.number(
            "false_alarms_per_year", default=1.0, minimum=0.01, maximum=_CHECKS_A_YEAR
        ),
        smallest_effect=section.number("smallest_effect", default=0.05, minimum=0.001, maximum=1),
        smallest_share=section.number("smallest_share", default=0.01, minimum=0.0001, maximum=1),
        min_rows=section.integer("min_rows", default=200, minimum=10),
        late_days=int(section.number("late_days", default=3, minimum=0, maximum=30, whole=True)),
        without_labels=cast(
            "Literal['retrain', 'alert']",
            section.choice("without_labels", ("retrain", "alert"), default="retrain"),
        ),
        performance=(
            _performance(section, task, has_id=has_id, floors=floors)
            if section.has("performance")
            else None
        ),
    )
    section.allow("performance")
    section.close()
    return settings


def _performance(
    drift: Section, task: Task | None, *, has_id: bool, floors: Sequence[str]
) -> PerformanceSettings:
    section = drift.section("performance")
    fitting = _REALISED if task is None else (_REALISED_OF[task],)
    if not has_id:
        drift.problem(
            "performance", "needs ids to join labels by; name a column at `id`, or remove it"
        )
    metric = section.choice("metric", fitting)
    if metric in fitting and section.has("metric") and metric not in floors:
        section.problem(
            "metric", f"{metric} is not measured when a model is chosen; add it to gate.floors"
        )
    settings = PerformanceSettings(
        metric=cast("Literal['accuracy', 'mae']", metric),
        margin=section.number("margin", minimum=0),
        days=section.integer("days", default=30, minimum=1),
    )
    section.close()
    return settings
