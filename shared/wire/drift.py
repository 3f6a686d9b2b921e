"""Retrain.DriftDetected from us or others -> DriftChecked, with the key of our own check."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.domain.drift import CheckSource, DriftChecked, DriftSignal, DriftVerdict
from shared.errors import EventRejectedError
from shared.wire.envelope import Event, member, text

_MOST_SIGNALS = 10
_MOST_REVISIONS = 9_999  # as many as names of folders hold
_MOST_ROWS = 2**63 - 1
_LONGEST_FEATURE = 256
_LONGEST_WORD = 40
_SHOWN_CHARACTERS = 300
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read_drift_detected(event: Event) -> tuple[str, DriftChecked]:
    """The model and the result of its drift check.

    The event's data: `model`, `date` (YYYY-MM-DD, UTC), `profile` (the champion version compared
    with), `sentence`, and optionally `signals` [{feature, statistic, threshold, and optionally
    measure, role, since, alarmShare}], `revision`, `currentRows`, `referenceRows`, `report`.

    Unknown members are ignored: producers add some. Optional members that cannot be read (measure,
    role, since, alarmShare, the counts of rows) are left out; of the signals the first ten are
    kept.

    Raises:
        EventRejectedError: one of the first four is missing or malformed, the revision is not one,
            or a signal is without feature, statistic and threshold.
    """
    return (
        text(event, "model"),
        DriftChecked(
            day=_day(event),
            profile=text(event, "profile"),
            verdict=DriftVerdict.DRIFT,
            sentence=text(event, "sentence"),
            signals=_signals(event),
            current_rows=_rows(event, "currentRows"),
            reference_rows=_rows(event, "referenceRows"),
            report=text(event, "report") if member(event.data, "report") else None,
            source=CheckSource.OUTSIDE,
            revision=_revision(event),
        ),
    )


def _day(event: Event) -> date:
    value = text(event, "date")
    day = _day_or_none(value)
    if day is None:
        raise EventRejectedError(
            f"{event.event_type}: data.date is {value!r}, a day as YYYY-MM-DD is needed"
        )
    return day


def _revision(event: Event) -> int:
    """Part of the key: another one would be taken for a check that is known."""
    value = member(event.data, "revision")
    if value is None:
        return 0
    if _is_whole(value) and value <= _MOST_REVISIONS:
        return int(value)
    raise EventRejectedError(
        f"{event.event_type}: data.revision is {str(value)[:_SHOWN_CHARACTERS]}, a whole number "
        f"from 0 to {_MOST_REVISIONS:,} is needed"
    )


def _rows(event: Event, name: str) -> int:
    value = member(event.data, name)
    return int(value) if _is_whole(value) and value <= _MOST_ROWS else 0


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _signals(event: Event) -> tuple[DriftSignal, ...]:
    value = member(event.data, "signals") or []
    if not isinstance(value, list):
        raise EventRejectedError(f"{event.event_type}: data.signals is not a list")
    return tuple(_signal(event, item) for item in value[:_MOST_SIGNALS])


def _signal(event: Event, item: Any) -> DriftSignal:
    if isinstance(item, Mapping):
        feature, statistic, threshold = (
            member(item, name) for name in ("feature", "statistic", "threshold")
        )
        if (
            isinstance(feature, str)
            and len(feature) <= _LONGEST_FEATURE
            and _is_finite(statistic)
            and _is_finite(threshold)
        ):
            return DriftSignal(
                feature,
                float(statistic),
                float(threshold),
                measure=_short(member(item, "measure")),
                role=_short(member(item, "role")) or "feature",
                since=_day_or_none(member(item, "since")),
                alarm_share=_share(member(item, "alarmShare")),
            )
    raise EventRejectedError(
        f"{event.event_type}: a signal is {str(item)[:_SHOWN_CHARACTERS]}, feature (text, at most "
        f"{_LONGEST_FEATURE} characters), statistic and threshold (finite numbers) are needed"
    )


def _short(value: Any) -> str:
    """The value if it is a short text, else an empty one."""
    return value if isinstance(value, str) and len(value) <= _LONGEST_WORD else ""


def _day_or_none(value: Any) -> date | None:
    """None for what is not YYYY-MM-DD: ISO 8601 has other forms of a day too."""
    try:
        written = isinstance(value, str) and _DAY.fullmatch(value)
        return date.fromisoformat(value) if written else None
    except ValueError:
        return None


def _share(value: Any) -> float:
    return float(value) if _is_finite(value) and 0 <= value <= 1 else 0.0


def _is_finite(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False
