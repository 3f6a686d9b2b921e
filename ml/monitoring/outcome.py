"""What a check of one window said, as the app records it; the standard library alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from ml.errors import UnreadableDataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

CHECK_FILE: Final = "check.json"
REPORT_FILE: Final = "report.html"
RESULT_FILE: Final = "drift.json"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWindow:
    """Which rows are asked about: those with an event time in [start, end), aware, UTC."""

    day: date
    start_utc: datetime
    end_utc: datetime
    champion_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One column's leading signal; it drifted where value is above limit.

    Args:
        role: feature, prediction or label.
        statistic: distance (reference sd), shares (Cohen's w), unseen or missing (share of rows).
        alarm_share: part of the whole excess over the limits, 0-1.
        since: first day of an unbroken run above the limit; None while it is quiet.
    """

    feature: str
    role: str
    statistic: str
    value: float
    limit: float
    alarm_share: float
    since: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceResult:
    """What labels that came later say of the champion's predictions.

    Args:
        verdict: worse, not_worse, not_enough_labels, or not_judged (no row id to join by, no
            margin in model.yml, or no value of the champion to compare with).
        metric: accuracy (share) or mae (unit of the target).
        low: with `high` the 95 % interval.
        rows: predictions whose label has come.
    """

    verdict: str
    sentence: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    baseline: float | None
    margin: float | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCheck:
    """The verdict on one window.

    Args:
        verdict: drift, no_drift or not_enough_data.
        moved: at most ten columns, those nearest to (or furthest above) their limit first.
        missing_days: UTC days of the window from which no row came.
        performance: None where no label came and model.yml does not ask for it.
    """

    verdict: str
    sentence: str
    moved: tuple[Moved, ...]
    current_rows: int
    reference_rows: int
    missing_days: tuple[date, ...]
    performance: PerformanceResult | None


def write_check(check: WindowCheck, folder: Path) -> None:
    """Write check.json; last of the files, so whoever finds it finds the rest."""
    document = {"format": _FORMAT, **asdict(check)}
    text = json.dumps(document, indent=2, default=date.isoformat)
    (folder / CHECK_FILE).write_text(text + "\n", encoding="utf-8")


def read_check(folder: Path) -> WindowCheck:
    """Read what `check_window` wrote into its output folder.

    Raises:
        UnreadableDataError: no check.json there, or not one of this format.
    """
    path = folder / CHECK_FILE
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != _FORMAT:
            raise UnreadableDataError(
                f"{CHECK_FILE} has format {found['format']}, this code reads {_FORMAT}; check the "
                "day again with the same release"
            )
        performance = found["performance"]
        return WindowCheck(
            verdict=str(found["verdict"]),
            sentence=str(found["sentence"]),
            moved=tuple(_moved(entry) for entry in found["moved"]),
            current_rows=int(found["current_rows"]),
            reference_rows=int(found["reference_rows"]),
            missing_days=tuple(date.fromisoformat(day) for day in found["missing_days"]),
            performance=None if performance is None else PerformanceResult(**performance),
        )
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise UnreadableDataError(
            f"{path} is no drift check: {type(exc).__name__} {exc}; check the day again"
        ) from exc


def _moved(entry: Mapping[str, Any]) -> Moved:
    since = entry["since"]
    return Moved(**{**entry, "since": None if since is None else date.fromisoformat(since)})
