"""Requests the drift check of a day, and repeats it for days whose rows came late."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.drift import CheckDrift, DriftCheckDue, DriftVerdict, drift_checked_key
from shared.domain.drift_days import check_behind, checked_day
from shared.domain.ids import sha256_hex
from shared.usecases.record_fact import require_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from shared.domain.drift_days import CheckedDay
    from shared.domain.state import State
    from shared.ports.catalog import ModelCatalog
    from shared.ports.clock import Clock
    from shared.ports.drift import DriftChecks, StoredFile
    from shared.ports.ledger import Ledger
    from shared.usecases.record_fact import RecordFact

_FINGERPRINT_DIGITS = 16


@dataclass(frozen=True, slots=True)
class DriftCheckAsked:
    """A request; `fact_key` is the key of its result, None if there is nothing to check."""

    model: str
    sentence: str
    fact_key: str | None = None
    new: bool = False


@dataclass(frozen=True, slots=True)
class CheckDriftOf:
    """Requests drift checks; the check itself is an effect."""

    ledger: Ledger
    record: RecordFact
    catalog: ModelCatalog
    clock: Clock
    checks: Callable[[], DriftChecks]  # made where it is needed: a day that was checked before

    def __call__(self, model: str, day: date | None = None) -> DriftCheckAsked:
        """Request the check of `day` (UTC, default today) against the champion's reference.

        The window ends with the day, or now if that is earlier. A day that was checked is checked
        again if rows have come since or there were too few: a past day over the same window, today
        over the window that ends now.

        Raises:
            UnknownModelError: no such model.
            ModelConfigError: its model.yml has mistakes.
            TransientError: storage did not answer.
        """
        require_model(self.catalog, model)
        state = self.ledger.head(model).state
        champion = state.champion
        if champion is None:
            return DriftCheckAsked(model, sentences.no_champion_to_check())
        now_utc = self.clock.now_utc()
        day = day or now_utc.date()
        known = checked_day(state.checked_days, day, champion.version)
        if known is not None and day < now_utc.date():
            return self._again(model, state, known)
        midnight_utc = datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
        end_utc = min(now_utc, midnight_utc)
        start_utc = end_utc - timedelta(days=self.catalog.monitoring(model).window_days)
        if known is not None:
            if known.window_end_utc is not None:
                known = replace(known, window_start_utc=start_utc, window_end_utc=end_utc)
            return self._again(model, state, known)
        due = DriftCheckDue(
            day, champion.version, window_start_utc=start_utc, window_end_utc=end_utc
        )
        new = self._ask(model, due)
        return DriftCheckAsked(
            model,
            sentences.drift_check_asked(day, champion.version, new=new),
            fact_key=due.result_key,
            new=new,
        )

    def late(self, model: str) -> tuple[DriftCheckAsked, ...]:
        """Request checks of past days whose rows came late; returns only the new requests.

        Raises:
            See `__call__`.
        """
        state = self.ledger.head(model).state
        champion = state.champion
        if champion is None:
            return ()
        today = self.clock.now_utc().date()
        first = today - timedelta(days=self.catalog.monitoring(model).late_days)
        days = [
            known
            for known in state.checked_days
            if known.profile == champion.version and first <= known.day < today
        ]
        asked = [self._again(model, state, known) for known in days]
        return tuple(one for one in asked if one.new)

    def _again(self, model: str, state: State, known: CheckedDay) -> DriftCheckAsked:
        day, version = known.day, known.profile
        start_utc, end_utc = known.window_start_utc, known.window_end_utc
        before = DriftCheckAsked(
            model,
            sentences.drift_check_asked(day, version, new=False),
            fact_key=drift_checked_key(known.compared),
        )
        if start_utc is None or end_utc is None or _is_under_way(state, known):
            return before  # recorded from outside, or by an older version of the app
        if known.verdict is not DriftVerdict.NOT_ENOUGH_DATA:
            inputs = self.checks().inputs(model, start_utc=start_utc, end_utc=end_utc)
            if fingerprint(inputs) == known.collected:
                return before
        due = DriftCheckDue(
            day,
            version,
            window_start_utc=start_utc,
            window_end_utc=end_utc,
            revision=known.revision + 1,
        )
        new = self._ask(model, due)
        again = sentences.drift_check_again(day, version)
        return DriftCheckAsked(model, again, fact_key=due.result_key, new=new)

    def _ask(self, model: str, due: DriftCheckDue) -> bool:
        """Record the request once, or as a new attempt if the last one was given up."""
        while self.ledger.knows(model, due.key):
            # In this order: a check that ends in between has its result.
            asked = CheckDrift.asked_by(due)
            pending = asked in _checks(self.ledger.head(model).state)
            if pending or self.ledger.knows(model, due.result_key):
                return False
            due = replace(due, attempt=due.attempt + 1)
        return self.record(model, due).new


def fingerprint(files: Iterable[StoredFile]) -> str:
    """A short hash of names and sizes: blobs only grow, so it changes when rows come."""
    lines = sorted(f"{file.path} {file.size_bytes}" for file in files)
    return sha256_hex("\n".join(lines))[:_FINGERPRINT_DIGITS]


def _checks(state: State) -> list[object]:
    """The checks under way, whatever stage they have reached."""
    found = (check_behind(item) for item in state.outstanding)
    return [replace(check, job_attempt=1) for check in found if check is not None]


def _is_under_way(state: State, known: CheckedDay) -> bool:
    found = (check_behind(item) for item in state.outstanding)
    same = (known.day, known.profile)
    return any(check is not None and (check.day, check.profile) == same for check in found)
