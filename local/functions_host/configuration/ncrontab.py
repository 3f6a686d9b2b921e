"""NCRONTAB schedules: a strict grammar in front, croniter for the calendar.

Azure indexes any text as a schedule and then never fires it; here a mistake is refused when the
app is loaded. Source: github.com/atifaziz/NCrontab, as the timer trigger of Azure Functions uses
it: six fields (second first; five are read as second 0), day of month AND day of week, Sunday 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from croniter import CroniterBadDateError, croniter

if TYPE_CHECKING:
    from datetime import datetime

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_SHORTEST_NAME = 3
_TIME_SPAN = re.compile(r"^(\d+\.)?\d+:\d+(:\d+)?$")
_ITEM = re.compile(r"^(?P<first>\*|[a-z0-9]+)(?:-(?P<last>[a-z0-9]+))?(?:/(?P<step>\d+))?$")
_FIELDS_WITHOUT_SECONDS = 5


class ScheduleError(ValueError):
    """Not a schedule; the text says which part and what to write."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> str:
        """The same field as a list of numbers, which no two readers of cron disagree about."""
        numbers: set[int] = set()
        for item in text.lower().split(","):
            numbers |= self._item(item, text)
        everything = set(range(self.least, self.most + 1))
        return "*" if numbers == everything else ",".join(map(str, sorted(numbers)))

    def _item(self, item: str, text: str) -> set[int]:
        match = _ITEM.match(item)
        if match is None or (match["first"] == "*" and match["last"]):
            raise ScheduleError(
                f"{self.name} {text!r}: {item!r} is not one of *, a value, a range a-b, a list a,b "
                "or a step */n (?, L, W, # and @-names are not part of NCRONTAB)"
            )
        step = int(match["step"] or 1)
        if step == 0:
            raise ScheduleError(f"{self.name} {text!r}: a step must be at least 1")
        if match["first"] == "*":
            first, last = self.least, self.most
        else:
            first = self._number(match["first"], text)
            last = first if match["step"] is None else self.most
            if match["last"]:
                last = self._number(match["last"], text)
        if first > last:
            raise ScheduleError(
                f"{self.name} {text!r}: {item!r} runs backwards, which Azure reads as the same "
                "range forwards; write the smaller value first, or a list"
            )
        return set(range(first, last + 1, step))

    def _number(self, word: str, text: str) -> int:
        if word.isdigit():
            number = int(word)
        else:
            found = [
                position
                for position, name in enumerate(self.names, start=self.least)
                if len(word) >= _SHORTEST_NAME and name.startswith(word)
            ]
            if not found:
                raise ScheduleError(f"{self.name} {text!r}: {word!r} is not a valid {self.name}")
            number = found[0]
        if not self.least <= number <= self.most:
            raise ScheduleError(
                f"{self.name} {text!r}: {number} is outside {self.least} to {self.most}"
            )
        return number


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a timer fires, in UTC."""

    text: str
    _canonical: str

    @classmethod
    def parse(cls, text: str, *, now_utc: datetime) -> Self:
        """Read an NCRONTAB expression.

        Raises:
            ScheduleError: not NCRONTAB, or a date that never comes, such as 30 February.
        """
        if _TIME_SPAN.match(text.strip()):
            raise ScheduleError(
                f"{text!r} is a TimeSpan, which Azure takes on a dedicated plan only; "
                "write NCRONTAB, for example 0 */5 * * * *"
            )
        parts = text.split()
        if len(parts) == _FIELDS_WITHOUT_SECONDS:
            parts = ["0", *parts]
        if len(parts) != len(_FIELDS):
            raise ScheduleError(
                f"{text!r} has {len(parts)} fields; NCRONTAB has 6 (second minute hour "
                "day-of-month month day-of-week) or 5 without seconds"
            )
        fields = [field.parse(part) for field, part in zip(_FIELDS, parts, strict=True)]
        schedule = cls(text=text, _canonical=" ".join(fields))
        try:
            schedule.after(now_utc)
        except CroniterBadDateError as exc:
            raise ScheduleError(f"{text!r} names a date that never comes") from exc
        return schedule

    def after(self, moment_utc: datetime) -> datetime:
        """The first time strictly after `moment_utc`."""
        return croniter(
            self._canonical, moment_utc, day_or=False, second_at_beginning=True
        ).get_next(ret_type=type(moment_utc))
