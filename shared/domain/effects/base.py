"""What every effect declares about itself.

An effect's key names it for ever; repeating it is harmless. `not_before_utc` waits for a time.
Keys are made of `[A-Za-z0-9._:-]` as long as versions are.
"""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from shared.domain.facts.notices import EffectFailed
from shared.domain.value import Value


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

    def given_up(self, sentence: str) -> EffectFailed:
        """The fact that it was given up, and why."""
        return EffectFailed(self.key, sentence, cycle_id=self.cycle, doing=self.words)


class Owed(EffectBase):
    """An effect that no cycle waits for: it is outstanding until its result is recorded."""

    __slots__ = ()

    @property
    def cycle(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class OfCycle(EffectBase):
    """The next step of the open cycle."""

    cycle_id: str

    @property
    def cycle(self) -> str | None:
        return self.cycle_id
