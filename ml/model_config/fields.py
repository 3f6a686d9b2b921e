"""Field types of the settings: how values are read, and how they are refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ml.metrics import Task

# A misspelt key is refused, never ignored.
STRICT: Final = ConfigDict(
    defer_build=True, extra="forbid", allow_inf_nan=False, validate_by_name=True
)

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST: Final = timedelta(days=3650)
_ANY_MOMENT: Final = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
_RUNS: Final = re.compile(r"(Y+|D+|M+|H+|S+|[a-z])|([^a-z])", re.IGNORECASE)
_CODES: Final = {
    "YYYY": "%Y",
    "YY": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%m",
    "DD": "%d",
    "D": "%d",
    "HH": "%H",
    "H": "%H",
    "SS": "%S",
}
_MINUTES: Final = {"MM": "%M", "M": "%M"}
_ISO_DATES: Final = "ISO8601"  # pandas' word for any ISO form


@dataclass(frozen=True, slots=True)
class Top:
    """Top-level entries of the file, for checks inside its sections.

    Args:
        task: None if the file names no known task.
        columns: names under data.columns.
        floors: metrics under gate.floors.
        unnamed_classes: of the target, where `positive` names none of them and none is plain.
    """

    folder: str
    task: Task | None
    columns: tuple[str, ...]
    floors: tuple[str, ...]
    has_id: bool
    has_time: bool
    unnamed_classes: tuple[str, ...] = ()


def top_of(info: ValidationInfo) -> Top | None:
    """The top of the file that is being read; None if the settings are built in code."""
    top: Top | None = info.context
    return top


def refusal(text: str) -> PydanticCustomError:
    """An error to raise: what is wrong with a value and what to write instead."""
    return PydanticCustomError("refused", "{text}", {"text": text})


def checked(problem: Callable[[Any, ValidationInfo], str | None]) -> AfterValidator:
    """A validator from `problem`, which returns what is wrong with a value and the remedy, or None.

    It is not called for None, which is a setting that was left out.
    """

    def check(value: Any, info: ValidationInfo) -> Any:
        text = None if value is None else problem(value, info)
        if text is not None:
            raise refusal(text)
        return value

    return AfterValidator(check)


def _duration(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value)
    if match is None:
        raise refusal(f"{value!r} is not a duration; write e.g. 90s, 10m, 12h or 7d")
    number, unit = float(match[1]), _UNITS[match[2]]
    if number > _LONGEST / timedelta(**{unit: 1}):
        raise refusal(f"{value} is longer than {_LONGEST.days}d; write at most that")
    return timedelta(**{unit: number})


def _not_a_date_format(text: str, _info: ValidationInfo) -> str | None:
    if text == _ISO_DATES:
        return None
    try:
        read = datetime.strptime(_ANY_MOMENT.strftime(text), text)  # noqa: DTZ007 - only its year counts
    except ValueError as exc:
        return f"{exc}; write e.g. %Y-%m-%d"
    if read.year == _ANY_MOMENT.year:
        if read.day == _ANY_MOMENT.day and read.month != _ANY_MOMENT.month:
            return f"{text!r} names a day and no month; write %m for it (%M are minutes)"
        return None
    return (
        f"{text!r} does not say where the year stands; write e.g. %Y-%m-%d, or {_ISO_DATES} for "
        "any ISO form"
    )


Duration = Annotated[timedelta, BeforeValidator(_duration)]  # such as 90s, 10m, 12h or 7d


def _as_strftime(written: Any) -> Any:
    """A readable form such as DD.MM.YYYY HH:mm as strftime has it; anything else as it is."""
    if not isinstance(written, str) or "%" in written or written == _ISO_DATES:
        return written
    codes: list[str] = []
    hour = False
    for letters, other in _RUNS.findall(written):
        if other or letters == "T":
            codes.append(other or letters)
            continue
        run = letters.upper()
        # MM are minutes behind hours, months elsewhere: people write HH:MM as well as HH:mm.
        code = _MINUTES.get(run, _CODES.get(run)) if hour else _CODES.get(run)
        if code is None:
            raise refusal(
                f"{letters!r} in {written!r} is not a part of a date; write e.g. YYYY-MM-DD, "
                "DD.MM.YYYY HH:mm, or a form of strftime such as %Y-%m-%d"
            )
        hour = code in {"%H", "%M"} and not (hour and code == "%M")
        codes.append(code)
    return "".join(codes)


# As strftime has it, or in readable form: YYYY-MM-DD.
DateFormat = Annotated[str, BeforeValidator(_as_strftime), checked(_not_a_date_format)]
Percent = Annotated[float, Field(ge=0, le=100)]
Days = Annotated[int, Field(ge=1, le=_LONGEST.days)]
