"""What is known about one model: the fold of its facts, bounded in size.

The open cycle keeps its facts; a past one is a single line. Stages are derived from
the facts a cycle holds, never stored: a model may be registered before its job is known to run.
"""

from datetime import datetime, timedelta

from shared.domain.cycle import Cycle
from shared.domain.drift import DriftChecked
from shared.domain.drift_days import CheckedDay
from shared.domain.effects import Effect
from shared.domain.retraining import Outcome, Reason, ReasonKind
from shared.domain.value import Value, value


@value
class Champion(Value):
    """The version that holds production traffic."""

    version: str
    since_utc: datetime
    fact_seq: int  # tag on the endpoint: of the PromotionStarted behind it
    cycle_id: str | None = None  # None: a person put it there
    evidence: str | None = None  # folder, with the drift reference in it
    reference: str | None = None
    data_version: str | None = None  # that it was trained on


@value
class DataVersion(Value):
    """The newest registered data version."""

    version: str
    pins: str
    pins_sha256: str
    data_sha256: str
    rows: int
    files: int


@value
class Learnt(Value):
    """What the last judged model was trained from: the same inputs would teach nothing new."""

    data_sha256: str
    config_sha256: str
    champion: str | None  # when the cycle ended
    cycle_id: str


@value
class PastCycle(Value):
    """The summary of a cycle that has ended."""

    cycle_id: str
    reasons: tuple[ReasonKind, ...]
    opened_utc: datetime
    ended_utc: datetime
    opened_seq: int
    ended_seq: int
    outcome: Outcome
    sentence: str
    version: str | None = None


@value
class State(Value):
    """Everything that decisions about one model rest on."""

    model: str
    count: int = 0  # facts so far; the next one's number is count + 1
    updated_utc: datetime | None = None
    cycle: Cycle | None = None
    waiting: tuple[Reason, ...] = ()  # reasons other than data
    waiting_arrivals: int = 0
    waiting_withdrawals: int = 0
    first_waiting: Reason | None = None  # the first waiting arrival or withdrawal
    returned_arrivals: int = 0  # of failed cycles: they go along with the next one
    returned_withdrawals: int = 0  # same
    taken_seq: int = 0  # arrivals and withdrawals up to here belong to a cycle
    champion: Champion | None = None
    previous_champion: Champion | None = None
    data: DataVersion | None = None
    learnt: Learnt | None = None
    job_starts_utc: tuple[datetime, ...] = ()  # training jobs of the last `BUDGET_WINDOW`
    last_retraining_utc: datetime | None = None  # newest of those while there was a champion
    outstanding: tuple[Effect, ...] = ()
    past: tuple[PastCycle, ...] = ()  # newest last
    last_drift: DriftChecked | None = None  # of the newest day
    checked_days: tuple[CheckedDay, ...] = ()  # newest first
    traffic_outside: str | None = None  # what a person made of the traffic, as last recorded

    def is_open(self, cycle_id: str) -> bool:
        """Whether the open cycle has this id."""
        return self.cycle is not None and self.cycle.cycle_id == cycle_id

    def serves(self, version: str) -> bool:
        """Whether that version is the champion."""
        return self.champion is not None and self.champion.version == version


BUDGET_WINDOW = timedelta(days=30)
