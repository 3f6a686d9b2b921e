"""The result of the check of one window: drift and realised performance, as files keep them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ml.drift.errors import DriftInputError
from ml.drift.result_file import load_result, plain, save_result
from ml.errors import UnreadableDataError
from ml.monitoring.performance import Performance, performance_from_json, performance_to_json

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from ml.drift.result import CheckResult, ColumnResult

CHECK_FILE: Final = "check.json"
REPORT_FILE: Final = "report.html"
RESULT_FILE: Final = "drift.json"
REFUSED_EXIT_CODE: Final = 3  # of the check's command: its files can never be compared
_FORMAT: Final = 1
_MOST_LEADING: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWindow:
    """The rows to check: those with an event time in [start, end), timezone-aware, UTC."""

    day: date
    start_utc: datetime
    end_utc: datetime
    champion_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCheck:
    """The result of the check of one window.

    Args:
        result: of the drift engine.
        sentence: the verdict, what changed, and what could not be read.
        performance: None if there are no labels and model.yml does not configure it.
    """

    result: CheckResult
    sentence: str
    performance: Performance | None

    @property
    def leading(self) -> tuple[ColumnResult, ...]:
        """At most ten columns, by falling ratio to their limit."""
        return self.result.ranked[:_MOST_LEADING]


def write_check(check: WindowCheck, folder: Path) -> None:
    """Write drift.json, then check.json: if check.json exists, the result is complete."""
    performance = check.performance
    save_result(
        check.result,
        folder / RESULT_FILE,
        beside={
            "performance": None if performance is None else performance_to_json(performance),
            "sentence": check.sentence,
        },
    )
    text = json.dumps(plain(_summary(check)), indent=2, allow_nan=False)
    (folder / CHECK_FILE).write_text(text + "\n", encoding="utf-8")


def _summary(check: WindowCheck) -> dict[str, Any]:
    """Verdict and leading columns, as the app shows them."""
    return {
        "format": _FORMAT,
        "verdict": check.result.verdict.replace(" ", "_"),
        "sentence": check.sentence,
        "moved": [
            {
                "feature": column.name,
                "role": column.role,
                "statistic": signal.statistic,
                "value": signal.value,
                "limit": signal.limit,
                "alarm_share": column.alarm_share,
                "since": column.since,
            }
            for column in check.leading
            if (signal := column.leading) is not None
        ],
        "current_rows": check.result.rows,
        "reference_rows": check.result.reference_rows,
        "missing_days": check.result.missing_days,
        "performance": None if check.performance is None else _figures(check.performance),
    }


def _figures(found: Performance) -> dict[str, Any]:
    estimate = found.overall
    return {
        "verdict": found.verdict.replace(" ", "_"),
        "sentence": found.sentence(),
        "metric": found.metric.setting,
        **(
            {"value": None, "low": None, "high": None}
            if estimate is None
            else {"value": estimate.value, "low": estimate.low, "high": estimate.high}
        ),
        "baseline": found.baseline,
        "margin": found.margin,
        "rows": found.labelled,
    }


def read_check(folder: Path) -> WindowCheck:
    """Read drift.json from a folder; earlier versions wrote it without a sentence.

    Raises:
        UnreadableDataError: there is no drift.json, or it cannot be read.
    """
    path = folder / RESULT_FILE
    try:
        result = load_result(path)
        found = json.loads(path.read_text(encoding="utf-8"))
        performance = found["performance"]
        return WindowCheck(
            result=result,
            sentence=str(found.get("sentence") or _sentence(result)),
            performance=None if performance is None else performance_from_json(performance),
        )
    except (DriftInputError, KeyError, TypeError, ValueError) as exc:
        raise UnreadableDataError(
            f"{path.name} is not the result of a drift check: {exc}; check the day again with the "
            "same release"
        ) from exc


def _sentence(result: CheckResult) -> str:
    from ml.monitoring.findings import sentence_of  # noqa: PLC0415 - numpy, for old results only

    return sentence_of(result)
