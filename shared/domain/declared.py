"""What every fact and every effect declares about itself, in its own class.

Facts are recorded for ever: fields are added (with a default), never renamed or reused. A stream
belongs to one model, so keys need not name it. Times inside a fact are those of the thing itself;
when it was recorded stands in its `Entry`.

An effect's key names it for ever; repeating it is harmless. `not_before_utc` waits for a time. Keys
of effects are made of `[A-Za-z0-9._:-]` as long as versions are.
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
    """The steps of a cycle, in the order in which people read them."""

    REASON = "Reason"
    DATA = "Data"
    ALLOWED = "Allowed"
    TRAINED = "Trained"
    COMPARED = "Compared"
    DEPLOYED = "Deployed"
    TRAFFIC = "Traffic"

    @property
    def while_running(self) -> str:
        """What the step is called before it is settled."""
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
    """How a step stands; never by colour alone."""

    DONE = "✓"
    NO = "✕"
    QUARANTINED = "⚠"
    POSTPONED = "⏸"
    RUNNING = "▶"
    NOT_REACHED = "–"  # noqa: RUF001 - the sign people see, a dash and no minus


@value
class Telling(Value):
    """What a fact tells about one step of its cycle; `words` are a phrase without a full stop."""

    step: Step
    sign: Sign
    words: str


class FactBase(Value):
    """Base of every fact; one that declares less is refused by the type checker or by a test."""

    __slots__ = ()
    wire_name: ClassVar[str]  # in the ledger, for ever

    @property
    @abstractmethod
    def key(self) -> str:
        """Names the thing that happened: a second fact of that key is the same one."""

    @property
    @abstractmethod
    def cycle(self) -> str | None:
        """The cycle that it speaks of; None when it speaks of none."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What happened, as a phrase."""

    @property
    @abstractmethod
    def tells(self) -> tuple[Telling, ...]:
        """What the explanation of its cycle takes from it."""


class FactOfModel(FactBase):
    """A fact about the model: `evolve` says what it changes."""

    __slots__ = ()

    @property
    def cycle(self) -> str | None:
        return None

    @property
    def tells(self) -> tuple[Telling, ...]:
        return ()


@value
class FactOfCycle(FactBase):
    """A fact about one cycle, which learns it while it is open."""

    cycle_id: str

    @property
    def cycle(self) -> str | None:
        return self.cycle_id


@value(kw_only=True)
class EffectBase(Value):
    """Base of every effect; one that declares less is refused by the type checker or by a test."""

    wire_name: ClassVar[str]  # in stored states
    # How long its performer may answer "not yet" before it is given up; None: it never does.
    # What hangs must not hold its model for ever, so each is far above a bad day on Azure.
    longest_wait: ClassVar[timedelta | None]

    not_before_utc: datetime | None = None

    @property
    @abstractmethod
    def key(self) -> str:
        """Names it in the outbox."""

    @property
    @abstractmethod
    def cycle(self) -> str | None:
        """The cycle that it is a step of, which ends when it is given up; None for the others."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What is being done, to begin a sentence with."""


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
