"""Why a cycle opens, whether it may retrain, and how it ends."""

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

from shared.domain.declared import (
    FactOfCycle,
    FactOfModel,
    OwedEffect,
    Sign,
    Step,
    Telling,
    Verdict,
)
from shared.domain.value import Value, value
from shared.domain.wording import listed, plural


class ReasonKind(StrEnum):
    """Kinds of reasons to retrain."""

    DATA = "data"
    DRIFT = "drift"
    PERFORMANCE = "performance"  # labels came, and the champion's predictions are worse than it was
    MANUAL = "manual"
    MODEL = "model"  # a person registered a version: it is evaluated, not retrained
    SETTINGS = "settings"  # model.yml or pipeline.py changed during a cycle, which starts again

    @property
    def words(self) -> str:
        """The kind as a phrase."""
        match self:
            case ReasonKind.DATA:
                return "new data"
            case ReasonKind.DRIFT:
                return "drift"
            case ReasonKind.PERFORMANCE:
                return "worse predictions"
            case ReasonKind.MANUAL:
                return "a request by hand"
            case ReasonKind.MODEL:
                return "a version registered by hand"
            case ReasonKind.SETTINGS:
                return "changed settings"
            case unknown:
                assert_never(unknown)


def kinds_in_words(kinds: Collection[ReasonKind]) -> str:
    """`new data and drift`, in the order of the kinds."""
    return listed([kind.words for kind in ReasonKind if kind in kinds])


@value
class Reason(Value):
    """One reason to open a cycle; `key` and `seq` are those of the fact that gave it."""

    kind: ReasonKind
    key: str
    seq: int
    text: str = ""
    version: str | None = None  # kind MODEL: the version a person registered
    report: str | None = None  # kinds DRIFT and PERFORMANCE: where to read more
    day: date | None = None  # same: the day that was checked
    unseat: str | None = None  # kind MANUAL: the champion that need not be beaten

    @property
    def words(self) -> str:
        """The reason's text, without its kind; may be empty."""
        kind = f"{self.kind.words}: "
        text = self.text[len(kind) :] if self.text.lower().startswith(kind) else self.text
        return text.rstrip(" .")

    @staticmethod
    def upgraded(stored: Mapping[str, Any]) -> Mapping[str, Any]:
        """Reasons stored before `day` existed have the day in their key."""
        match = re.fullmatch(r"(?:drift|performance):(\d{4}-\d{2}-\d{2}):.*", stored["key"])
        return stored if match is None else {"day": match[1]} | dict(stored)


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
    """What a cycle's job does; also the prefix of its name."""

    RETRAIN = "retrain"
    EVALUATE = "evaluate"

    @property
    def step(self) -> Step:
        """The step of the cycle that it works on."""
        match self:
            case Mode.RETRAIN:
                return Step.TRAINED
            case Mode.EVALUATE:
                return Step.COMPARED
            case unknown:
                assert_never(unknown)

    @property
    def words(self) -> str:
        """What it is, to begin a sentence with."""
        match self:
            case Mode.RETRAIN:
                return "Training"
            case Mode.EVALUATE:
                return "Evaluation"
            case unknown:
                assert_never(unknown)


class GateMode(StrEnum):
    """How the gate decides whether a challenger is better; `gate.mode` in model.yml."""

    EVERY_METRIC_BETTER = "every_metric_better"


@value
class RetrainRequested(FactOfModel):
    """A person requested a retraining; `request` is their idempotency key.

    `unseat` is the champion's version if the challenger need not be better than it.
    """

    wire_name = "retrain_requested"

    request: str
    text: str
    by: str = ""
    unseat: str | None = None

    @property
    def key(self) -> str:
        return f"manual:{self.request}"

    @property
    def words(self) -> str:
        unseats = f" that unseats champion {self.unseat}" if self.unseat else ""
        return f"a retraining{unseats} was asked for: {self.text}"


@value
class CycleOpened(FactOfCycle):
    """A cycle began, for these reasons, with the files of (after_seq, to_seq].

    `arrivals` and `withdrawals` count the facts about files among those.
    """

    wire_name = "cycle_opened"

    reasons: tuple[Reason, ...]
    after_seq: int
    to_seq: int
    arrivals: int
    withdrawals: int = 0

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:opened"

    @property
    def words(self) -> str:
        kinds = kinds_in_words([reason.kind for reason in self.reasons])
        files = f", {plural(self.arrivals, 'file')} waiting" if self.arrivals else ""
        if self.withdrawals:
            files += f", {plural(self.withdrawals, 'file')} withdrawn"
        texts = [reason.words for reason in self.reasons if reason.words]
        detail = f": {'; '.join(texts[:_MOST_REASONS_TOLD])}" if texts else ""
        return f"because of {kinds}{files}{detail}"

    @property
    def tells(self) -> tuple[Telling, ...]:
        tellings = [Telling(Step.REASON, Sign.DONE, self.words)]
        if not self.arrivals and not self.withdrawals:
            tellings.append(Telling(Step.DATA, Sign.DONE, "no new files"))
        tellings += [
            Telling(Step.TRAINED, Sign.DONE, f"a person registered version {reason.version}")
            for reason in self.reasons
            if reason.kind is ReasonKind.MODEL
        ]
        return tuple(tellings)


@value
class RetrainDecided(FactOfCycle):
    """The retrain policy's answer, and the part of the config that later steps need."""

    wire_name = "retrain_decided"

    verdict: Verdict
    mode: Mode
    sentence: str
    config_sha256: str
    max_attempts: int = 2
    soak: timedelta = timedelta(0)
    possible_from_utc: datetime | None = None  # when a postponed retraining becomes possible
    alert: bool = False  # declined, and a person has to do something about it
    gate: GateMode = GateMode.EVERY_METRIC_BETTER

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


@value
class SettingsChanged(FactOfCycle):
    """model.yml or pipeline.py is not the one that the cycle was decided under.

    `decided` and `found` are SHA-256 of both files.
    """

    wire_name = "settings_changed"

    decided: str
    found: str

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:settings:{self.found}"

    @property
    def words(self) -> str:
        return "model.yml or pipeline.py changed while the cycle was open"

    @property
    def tells(self) -> tuple[Telling, ...]:
        return ()  # the cycle ends by it, and its last sentence says so


@value
class CycleEnded(FactOfCycle):
    """A cycle ended; the sentence says why."""

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


@value
class RetrainingPossible(FactOfModel):
    """The time has come for what a cooldown or a budget had postponed.

    `postponed` is the newest cycle that was; `reasons` are those of all of them.
    """

    wire_name = "retraining_possible"

    postponed: str
    reasons: tuple[Reason, ...]

    @property
    def key(self) -> str:
        return f"{self.postponed}:possible"

    @property
    def words(self) -> str:
        kinds = kinds_in_words([reason.kind for reason in self.reasons])
        return f"what was postponed is possible now: {kinds}"


@value
class ResumeRetraining(OwedEffect):
    """Bring postponed reasons back once they may retrain; a model has at most one of these."""

    wire_name = "resume_retraining"
    longest_wait = None

    postponed: str
    reasons: tuple[Reason, ...]

    @property
    def key(self) -> str:
        return f"{self.postponed}:resume"

    @property
    def words(self) -> str:
        return "Resuming the postponed retraining"


RetrainingEffect = ResumeRetraining
RetrainingFact = (
    RetrainRequested
    | CycleOpened
    | RetrainDecided
    | SettingsChanged
    | CycleEnded
    | RetrainingPossible
)
