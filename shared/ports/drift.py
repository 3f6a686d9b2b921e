"""Production rows against a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import date, datetime

    from shared.domain.effects.drift import CheckDrift
    from shared.domain.facts.drift import DriftChecked
    from shared.domain.state import Champion


@dataclass(frozen=True, slots=True)
class DriftJobRequest:
    """What a window is compared with and where, for a job. Paths are in the workspace's storage.

    `name` is its idempotency key; `size_bytes` and `collected` say what was there to be read when
    it was asked for, and do not identify it.
    """

    name: str
    model: str
    check: CheckDrift
    profile: str  # blob of the reference profile
    collected_folder: str  # of the model's endpoint
    past_folder: str | None  # earlier results; None: there are none
    labels_folder: str | None  # in the data container; None: nothing was accepted yet
    baseline: float | None
    output_folder: str
    size_bytes: int
    collected: str


@dataclass(frozen=True, slots=True)
class DriftReport:
    """A stored result: `document` is check.json as it was written, `page` the report."""

    day: date
    profile: str
    revision: int
    path: str  # container/blob of the page
    document: str
    page: bytes


class DriftChecks(Protocol):
    """The comparison of production data with a champion's reference."""

    def collected(self, model: str, *, start_utc: datetime, end_utc: datetime) -> str:
        """Hash of what lies there of that window: another one says that rows came."""

    def check(
        self, model: str, champion: Champion, effect: CheckDrift
    ) -> DriftChecked | DriftJobRequest:
        """The fact to record, report written; or what to hand to a job, if it is too much."""

    def read(self, model: str, effect: CheckDrift, *, collected: str) -> DriftChecked:
        """The fact that a finished job's result amounts to.

        Raises:
            NotThereYetError: it wrote none.
        """

    def report(self, model: str, day: date) -> DriftReport | None:
        """The newest result of a day; None: that day was not checked."""
