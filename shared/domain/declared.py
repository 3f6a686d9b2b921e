"""What every fact and every effect declares about itself, in its own class.

Facts are recorded for ever: fields are added (with a default), never renamed or reused. A stream
belongs to one model, so keys need not name it. Times inside a fact are those of the thing itself;
when it was recorded stands in its `Entry`.

An effect's key names it for ever; repeating it is harmless. `not_before_utc` waits for a time. Keys
of effects are made of `[A-Za-z0-9._:-]` as long as versions are.
"""

import dataclasses
from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar, assert_never


class Value:
    """Base of every fact, effect and state: compared, hashed and shown by its fields.

    For classes under `@dataclass(frozen=True, slots=True, eq=False, repr=False)` with a field.
    `dataclass` would write these three methods anew for each of sixty classes and compile them in
    every process: two fifths of what their import costs, which stands before the first event.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return bool(_content(self) == _content(other))

    def __hash__(self) -> int:
        return hash(_content(self))

    def __repr__(self) -> str:
        kind: Any = type(self)
        shown = (
            f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(kind)
        )
        return f"{kind.__qualname__}({', '.join(shown)})"


def _content(value: Any) -> Any:
    kind: Any = type(value)
    return _content_of(kind)(value)


@cache
def _content_of(kind: Any) -> "attrgetter[Any]":
    return attrgetter(*(field.name for field in dataclasses.fields(kind)))


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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FactOfCycle(FactBase):
    """A fact about one cycle, which learns it while it is open."""

    cycle_id: str

    @property
    def cycle(self) -> str | None:
        return self.cycle_id


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
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


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EffectOfCycle(EffectBase):
    """The next step of the open cycle."""

    cycle_id: str

    @property
    def cycle(self) -> str | None:
        return self.cycle_id
