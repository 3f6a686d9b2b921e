"""What every fact and every effect declares about itself, in its own class.

Facts are kept for ever: fields are added (with a default), never renamed or reused. A stream
belongs to one model, so keys need not name it. Times inside a fact say when the thing happened; its
`Entry` says when it was recorded.

An effect's key identifies it for ever, and effects are idempotent. An effect is not performed
before `not_before_utc`. Keys of effects consist of `[A-Za-z0-9._:-]` if versions do.
"""

from abc import abstractmethod
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, assert_never

from shared.domain.value import Value, value


class Verdict(StrEnum):
    """An expected result: a value, never an exception."""

    PASSED = "passed"
    FAILED = "failed"


class Step(StrEnum):
    """The steps of a cycle, in the order of an explanation."""

    REASON = "Reason"
    DATA = "Data"
    ALLOWED = "Allowed"
    TRAINED = "Trained"
    COMPARED = "Compared"
    DEPLOYED = "Deployed"
    TRAFFIC = "Traffic"

    @property
    def while_running(self) -> str:
        """The name of the step while it is not settled."""
        match self:
            case Step.REASON | Step.DATA | Step.ALLOWED | Step.TRAFFIC:
                return self.value
            case Step.TRAINED:
                return "Training"
            case Step.COMPARED:
                return "Comparing"
            case Step.DEPLOYED:
                return "Deploying"
            case unknown:
                assert_never(unknown)


class Sign(StrEnum):
    """The sign of a step's status, so that it is never shown by colour alone."""

    DONE = "✓"
    NO = "✕"
    QUARANTINED = "⚠"
    POSTPONED = "⏸"
    RUNNING = "▶"
    NOT_REACHED = "–"  # noqa: RUF001 - the sign people see, a dash and no minus


@value
class Telling(Value):
    """What a fact says about one step of its cycle; `words` is a phrase without a full stop."""

    step: Step
    sign: Sign
    words: str


class FactBase(Value):
    """Base of every fact; the type checker or a test fails if a subclass leaves something out."""

    __slots__ = ()
    wire_name: ClassVar[str]  # in the ledger, for ever

    @property
    @abstractmethod
    def key(self) -> str:
        """Idempotency key of what happened: two facts with the same key are the same fact."""

    @property
    @abstractmethod
    def cycle(self) -> str | None:
        """The id of the cycle that the fact belongs to, if any."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What happened, as a phrase."""

    @property
    @abstractmethod
    def tells(self) -> tuple[Telling, ...]:
        """What the fact adds to the explanation of its cycle."""


class FactOfModel(FactBase):
    """A fact about the model; `evolve` says what it changes in the state."""

    __slots__ = ()

    @property
    def cycle(self) -> str | None:
        return None

    @property
    def tells(self) -> tuple[Telling, ...]:
        return ()


@value
class FactOfCycle(FactBase):
    """A fact about one cycle; the cycle keeps it while it is open."""

    cycle_id: str

    @property
    def cycle(self) -> str | None:
        return self.cycle_id


@value(kw_only=True)
class EffectBase(Value):
    """Base of every effect; the type checker or a test fails if a subclass leaves something out."""

    wire_name: ClassVar[str]  # in stored states
    # How long its performer may answer "not yet" before it is given up; None: it never does.
    # A hanging effect must not block its model for ever: each limit is far above a bad Azure day.
    longest_wait: ClassVar[timedelta | None]

    not_before_utc: datetime | None = None

    @property
    @abstractmethod
    def key(self) -> str:
        """The key of its row in the outbox."""

    @property
    @abstractmethod
    def cycle(self) -> str | None:
        """The id of the cycle that ends if the effect is given up; None if it is not a step."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What is being done, as the start of a sentence."""


class OwedEffect(EffectBase):
    """An effect that no cycle waits for: it is outstanding until its result is recorded."""

    __slots__ = ()

    @property
    def cycle(self) -> str | None:
        return None


@value
class EffectOfCycle(EffectBase):
    """The next step of the open cycle."""

    cycle_id: str

    @property
    def cycle(self) -> str | None:
        return self.cycle_id
