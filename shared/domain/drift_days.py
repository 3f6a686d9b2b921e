"""Days that were checked for drift: the newest result of each, and the reasons that it gave."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime

from shared.domain.drift import (
    CheckDrift,
    DayCompared,
    DriftChecked,
    DriftVerdict,
    PerformanceVerdict,
    ReadDriftCheck,
    WatchDriftJob,
)
from shared.domain.effects import Effect
from shared.domain.retraining import ReasonKind
from shared.domain.value import Value, value

_DAYS_KEPT = 40


@value
class CheckedDay(Value):
    """The result of a day's newest revision, remembered while rows may still come late."""

    day: date
    profile: str
    revision: int
    verdict: DriftVerdict
    collected: str
    window_start_utc: datetime | None
    window_end_utc: datetime | None
    report: str | None
    gave: tuple[ReasonKind, ...] = ()  # reasons that this day has given, in any revision

    @property
    def compared(self) -> DayCompared:
        return DayCompared(self.day, self.profile, self.revision)


def checked_day(days: Collection[CheckedDay], day: date, version: str) -> CheckedDay | None:
    """The remembered result of a day's comparison with that version, if any."""
    return next((item for item in days if (item.day, item.profile) == (day, version)), None)


def remembered(days: Collection[CheckedDay], found: DriftChecked) -> tuple[CheckedDay, ...]:
    """Add a result: the newest revision replaces older ones but keeps the reasons they gave."""
    known = checked_day(days, found.day, found.profile)
    if known is not None and known.revision > found.revision:
        newest = known
    else:
        newest = CheckedDay(
            found.day,
            found.profile,
            revision=found.revision,
            verdict=found.verdict,
            collected=found.collected,
            window_start_utc=found.window_start_utc,
            window_end_utc=found.window_end_utc,
            report=found.report,
            gave=known.gave if known else (),
        )
    others = [item for item in days if item is not known]
    newest_first = sorted([newest, *others], key=lambda item: item.day, reverse=True)
    return tuple(newest_first[:_DAYS_KEPT])


def with_given(
    days: Collection[CheckedDay], found: DriftChecked, kinds: Collection[ReasonKind]
) -> tuple[CheckedDay, ...]:
    """Mark the reasons that a day has given, so that it does not give them again."""
    return tuple(
        replace(item, gave=(*item.gave, *(kind for kind in kinds if kind not in item.gave)))
        if (item.day, item.profile) == (found.day, found.profile)
        else item
        for item in days
    )


def reasons_found(found: DriftChecked) -> dict[ReasonKind, str]:
    """The reasons to retrain that a check found, each with its sentence."""
    reasons = {}
    if found.verdict is DriftVerdict.DRIFT:
        reasons[ReasonKind.DRIFT] = found.sentence
    if found.performance and found.performance.verdict is PerformanceVerdict.WORSE:
        reasons[ReasonKind.PERFORMANCE] = found.performance.sentence
    return reasons


def check_behind(effect: Effect) -> CheckDrift | None:
    """The drift check that an effect belongs to, if any."""
    if isinstance(effect, CheckDrift):
        return effect
    if isinstance(effect, WatchDriftJob | ReadDriftCheck):
        return effect.check
    return None
