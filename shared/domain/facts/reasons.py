"""Why a cycle opens."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, assert_never

from shared.domain.value import Value
from shared.domain.wording import listed


class ReasonKind(StrEnum):
    """Kinds of reasons."""

    DATA = "data"
    DRIFT = "drift"
    PERFORMANCE = "performance"  # labels came, and the champion's predictions are worse than it was
    MANUAL = "manual"
    MODEL = "model"  # a person registered a version: it is evaluated, not retrained

    @property
    def words(self) -> str:
        """As people read it."""
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
            case unknown:
                assert_never(unknown)


def kinds_in_words(kinds: Collection[ReasonKind]) -> str:
    """`new data and drift`, in the order of the kinds."""
    return listed([kind.words for kind in ReasonKind if kind in kinds])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reason(Value):
    """One reason to open a cycle; `key` is the key of the fact that gave it, `seq` its place."""

    kind: ReasonKind
    key: str
    seq: int
    text: str = ""
    version: str | None = None  # kind MODEL: the version a person registered
    report: str | None = None  # kinds DRIFT and PERFORMANCE: where to read more
    day: date | None = None  # same: the day that was checked

    @property
    def words(self) -> str:
        """Its own text, without repeating its kind; empty where it has none."""
        kind = f"{self.kind.words}: "
        text = self.text[len(kind) :] if self.text.lower().startswith(kind) else self.text
        return text.rstrip(" .")

    @staticmethod
    def upgraded(stored: Mapping[str, Any]) -> Mapping[str, Any]:
        """Reasons that were stored before they had a day name it in their key."""
        match = re.fullmatch(r"(?:drift|performance):(\d{4}-\d{2}-\d{2}):.*", stored["key"])
        return stored if match is None else {"day": match[1]} | dict(stored)
