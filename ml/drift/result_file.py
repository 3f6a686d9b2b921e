"""drift.json: the result of a check, written and read."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from ml.drift.errors import DriftInputError
from ml.drift.result import (
    AlarmBudget,
    Chart,
    CheckResult,
    ColumnResult,
    Kind,
    Role,
    Side,
    Signal,
    Verdict,
)

_FORMAT: Final = 1
# Members of the file that have another name in the records.
_NAMES: Final = {"profile_name": "profile", "columns": "features", "alarm_budget": "budget"}


def save_result(
    result: CheckResult, path: Path, *, beside: Mapping[str, Any] | None = None
) -> None:
    """Write a result; equal results give equal bytes.

    Args:
        result: of a check.
        path: of the JSON file.
        beside: the caller's additional members of the JSON object; `load_result` ignores them.
    """
    members = {_NAMES.get(name, name): value for name, value in asdict(result).items()}
    for column, found in zip(members["features"], result.columns, strict=True):
        for signal, raw in zip(column["signals"], found.signals, strict=True):
            signal["ratio"] = raw.ratio
    document = plain({"format": _FORMAT, **members, **(beside or {})})
    text = json.dumps(document, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", "utf-8")


def plain(value: Any) -> Any:
    """Convert to JSON types: days become ISO text, infinite numbers null."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def load_result(path: Path) -> CheckResult:
    """Read a result that this version or an earlier one wrote.

    Raises:
        DriftInputError: the file does not exist, is of another format, or is damaged.
    """
    if not path.is_file():
        raise DriftInputError(f"no such result: {path}; make one with `check --json`")
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DriftInputError(f"{path.name} is not JSON: {error}") from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise DriftInputError(f"{path.name} is not a drift result of format 1; make it again")
    try:
        return _result(found)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise DriftInputError(
            f"{path.name} is damaged: {type(error).__name__} {error}; make it again"
        ) from error


def _result(found: Mapping[str, Any]) -> CheckResult:
    return CheckResult(
        profile_name=found["profile"],
        verdict=Verdict(found["verdict"]),
        rows=found["rows"],
        reference_rows=found["reference_rows"],
        columns=tuple(_column(column) for column in found["features"]),
        alarm_budget=AlarmBudget(**found["budget"]),
        day=_day(found["day"]),
        ratio=found["ratio"],
        rows_needed=found["rows_needed"],
        vanished_columns=tuple(found["vanished_columns"]),
        new_columns=tuple(found["new_columns"]),
        missing_days=tuple(date.fromisoformat(d) for d in found["missing_days"]),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _column(found: Mapping[str, Any]) -> ColumnResult:
    signals = tuple(
        Signal(s["statistic"], s["value"], math.inf if s["limit"] is None else s["limit"])
        for s in found["signals"]
    )
    exact = found["wasserstein"]
    return ColumnResult(
        name=found["name"],
        kind=Kind(found["kind"]),
        role=Role(found["role"]),
        verdict=Verdict(found["verdict"]),
        signals=signals,
        reference=_side(found["reference"]),
        current=_side(found["current"]),
        ratio=found["ratio"],
        alarm_share=found["alarm_share"],
        wasserstein=None if exact is None else (exact[0], exact[1], exact[2]),
        kolmogorov_smirnov=found["kolmogorov_smirnov"],
        euclidean=found["euclidean"],
        new_categories=found["new_categories"],
        vanished_categories=tuple(found["vanished_categories"]),
        unreadable=found["unreadable"],
        note=found["note"],
        chart=Chart(**{name: tuple(values) for name, values in found["chart"].items()}),
        since=_day(found["since"]),
        past=tuple((date.fromisoformat(day), ratio) for day, ratio in found["past"]),
    )


def _side(found: Mapping[str, Any]) -> Side:
    quartiles = found["quartiles"]
    return Side(**{**found, "quartiles": None if quartiles is None else tuple(quartiles)})
