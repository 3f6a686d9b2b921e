"""A cycle opens, is allowed to retrain or not, and ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.facts.base import OfCycle, OfModel, Sign, Step, Telling, Verdict
from shared.domain.facts.reasons import Reason, ReasonKind, kinds_in_words
from shared.domain.wording import plural

_MOST_REASONS_TOLD = 3


class Outcome(StrEnum):
    """How a cycle ended."""

    PROMOTED = "promoted"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    SUPERSEDED = "superseded"
    NOT_RETRAINED = "not_retrained"
    FAILED = "failed"


class Mode(StrEnum):
    """What a cycle's job does: both kinds name their jobs after it."""

    RETRAIN = "retrain"
    EVALUATE = "evaluate"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RetrainRequested(OfModel):
    """A person asked; `request` is their idempotency key."""

    wire_name = "retrain_requested"

    request: str
    text: str
    by: str = ""

    @property
    def key(self) -> str:
        return f"manual:{self.request}"

    @property
    def words(self) -> str:
        return f"a retraining was asked for: {self.text}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CycleOpened(OfCycle):
    """A cycle began, for these reasons, with the arrivals in (after_seq, to_seq]."""

    wire_name = "cycle_opened"

    reasons: tuple[Reason, ...]
    after_seq: int
    to_seq: int
    arrivals: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:opened"

    @property
    def words(self) -> str:
        kinds = kinds_in_words([reason.kind for reason in self.reasons])
        files = f", {plural(self.arrivals, 'file')} waiting" if self.arrivals else ""
        texts = [reason.words for reason in self.reasons if reason.words]
        detail = f": {'; '.join(texts[:_MOST_REASONS_TOLD])}" if texts else ""
        return f"because of {kinds}{files}{detail}"

    @property
    def tells(self) -> tuple[Telling, ...]:
        tellings = [Telling(Step.REASON, Sign.DONE, self.words)]
        if not self.arrivals:
            tellings.append(Telling(Step.DATA, Sign.DONE, "no new files"))
        tellings += [
            Telling(Step.TRAINED, Sign.DONE, f"a person registered version {reason.version}")
            for reason in self.reasons
            if reason.kind is ReasonKind.MODEL
        ]
        return tuple(tellings)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RetrainDecided(OfCycle):
    """The retrain policy's answer, and what later steps of this cycle need of the config."""

    wire_name = "retrain_decided"

    verdict: Verdict
    mode: Mode
    sentence: str
    config_sha256: str
    max_attempts: int = 2
    soak: timedelta = timedelta(0)
    possible_from_utc: datetime | None = None  # when a postponed retraining becomes possible
    alert: bool = False  # declined, and a person has to do something about it

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:decided"

    @property
    def words(self) -> str:
        return self.sentence

    @property
    def tells(self) -> tuple[Telling, ...]:
        if self.verdict is Verdict.PASSED:
            sign = Sign.DONE
        else:
            sign = Sign.NO if self.possible_from_utc is None else Sign.POSTPONED
        return (Telling(Step.ALLOWED, sign, self.words),)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CycleEnded(OfCycle):
    """A cycle is over, and why, in a sentence."""

    wire_name = "cycle_ended"

    outcome: Outcome
    sentence: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:ended"

    @property
    def words(self) -> str:
        return self.sentence

    @property
    def tells(self) -> tuple[Telling, ...]:
        return ()


CyclesFact = RetrainRequested | CycleOpened | RetrainDecided | CycleEnded
