"""What every fact declares about itself, and where it stands in the explanation of its cycle.

Facts are recorded for ever: fields are added (with a default), never renamed or reused. A stream
belongs to one model, so keys need not name it. Times inside a fact are those of the thing itself;
when it was recorded stands in its `Entry`.
"""

from abc import abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from shared.domain.value import Value


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


class OfModel(FactBase):
    """A fact about the model: `evolve` says what it changes."""

    __slots__ = ()

    @property
    def cycle(self) -> str | None:
        return None

    @property
    def tells(self) -> tuple[Telling, ...]:
        return ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OfCycle(FactBase):
    """A fact about one cycle, which learns it while it is open."""

    cycle_id: str

    @property
    def cycle(self) -> str | None:
        return self.cycle_id
