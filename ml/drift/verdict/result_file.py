"""A check's result as JSON, and back: the report can be drawn again, and the past be read."""

import json
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ml.drift.counting.layout import Kind, Role
from ml.drift.errors import DriftInputError
from ml.drift.statistics.limits import Budget, Statistic
from ml.drift.verdict.judging import Signal
from ml.drift.verdict.result import Chart, CheckResult, FeatureResult, Side, Verdict


def save_result(
    result: CheckResult, path: Path, *, beside: Mapping[str, Any] | None = None
) -> None:
    """Write the figures of a check; the same bytes for the same result.

    Args:
        result: what a check found.
        path: of the JSON file.
        beside: more members of the JSON object, of the caller's own; `load_result` skips them.
    """
    plain = _finite({**result.to_dict(), **(beside or {})})
    text = json.dumps(plain, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", "utf-8")


def load_result(path: Path) -> CheckResult:
    """Read a result that `save_result` wrote.

    Raises:
        DriftInputError: no such file, or not of format 1.
    """
    if not path.is_file():
        raise DriftInputError(f"no such result: {path}; make one with `check --json`")
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DriftInputError(f"{path.name} is no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("format") != 1:
        raise DriftInputError(f"{path.name} is no drift result of format 1; make it again")
    return result_from(found)


def result_from(found: Mapping[str, Any]) -> CheckResult:
    """The result of its JSON object; fields that a later version added are left out."""
    return CheckResult(
        profile=found["profile"],
        verdict=Verdict(found["verdict"]),
        rows=found["rows"],
        reference_rows=found["reference_rows"],
        features=tuple(_feature(f) for f in found["features"]),
        budget=Budget(**found["budget"]),
        day=_day(found["day"]),
        ratio=found["ratio"],
        rows_needed=found["rows_needed"],
        vanished_columns=tuple(found["vanished_columns"]),
        new_columns=tuple(found["new_columns"]),
        missing_days=tuple(date.fromisoformat(d) for d in found["missing_days"]),
    )


def _finite(value: Any) -> Any:
    """JSON has no infinity: a limit that nothing can reach is written as null."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _feature(found: Mapping[str, Any]) -> FeatureResult:
    signals = tuple(
        Signal(
            Statistic(s["statistic"]),
            s["value"],
            math.inf if s["limit"] is None else s["limit"],
        )
        for s in found["signals"]
    )
    exact = found["wasserstein"]
    return FeatureResult(
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
