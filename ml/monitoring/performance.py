"""Realised performance: how good the champion's predictions turned out to be.

A drop is concept drift, which is a reason to retrain even if no input has changed.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAST_ROWS: Final = 50


class Metric(StrEnum):
    """The metric computed for every labelled row."""

    ACCURACY = "accuracy"  # share of right classes; more is better
    ABSOLUTE_ERROR = "mean absolute error"  # unit of the target; less is better

    @property
    def setting(self) -> str:
        """Its name in model.yml and in the ledger."""
        return "accuracy" if self is Metric.ACCURACY else "mae"


class Realised(StrEnum):
    """Whether the champion has become worse since it was chosen."""

    WORSE = "worse"
    NOT_WORSE = "not worse"
    NOT_ENOUGH_LABELS = "not enough labels"
    NOT_JUDGED = "not judged"  # nothing to compare with


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric with its 95 % interval, which is infinite for a single row."""

    value: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Realised performance of the champion.

    Args:
        verdict: worse if the whole interval lies beyond the margin.
        overall: None if no prediction has a label.
        by_day: newest last.
        predictions: number of distinct rows that were predicted.
        labelled: number of those that have a label.
        baseline: the champion's value when it was promoted; None if unknown.
        margin: largest acceptable loss; None if model.yml does not set one.
        obstacle: why labels cannot be joined, as the rest of a sentence; empty if they can.
    """

    verdict: Realised
    metric: Metric
    overall: Estimate | None = None
    by_day: tuple[tuple[date, Estimate], ...] = ()
    predictions: int = 0
    labelled: int = 0
    baseline: float | None
    margin: float | None
    obstacle: str = ""

    def sentence(self) -> str:
        """The verdict in one sentence."""
        if self.obstacle:
            return f"Realised performance is not judged: {self.obstacle}."
        if self.overall is None or self.verdict is Realised.NOT_ENOUGH_LABELS:
            return (
                f"Not enough labels: {self.labelled:,} of {self.predictions:,} predictions have "
                f"one, at least {LEAST_ROWS} are needed."
            )
        found = self.overall
        compared = (
            "" if self.baseline is None else f", {self.baseline:.3g} when the model was chosen"
        )
        allowed = "" if self.margin is None else f", margin {self.margin:.3g}"
        return (
            f"{self.metric.capitalize()} is {found.value:.3g} on {found.rows:,} labelled rows "
            f"(95 % interval {found.low:.3g} to {found.high:.3g}){compared}{allowed}: "
            f"{self.verdict}."
        )


def performance_to_json(found: Performance) -> dict[str, Any]:
    """Convert to JSON types; days become ISO text."""
    members = asdict(found)
    members["reference"] = members.pop("baseline")
    members["by_day"] = [[day.isoformat(), asdict(estimate)] for day, estimate in found.by_day]
    return members


def performance_from_json(found: Mapping[str, Any]) -> Performance:
    """Read what this version or an earlier one wrote.

    Raises:
        KeyError, TypeError, ValueError: a member is missing or of another type.
    """
    overall = found["overall"]
    return Performance(
        verdict=Realised(found["verdict"]),
        metric=Metric(found["metric"]),
        overall=None if overall is None else _estimate(overall),
        by_day=tuple((date.fromisoformat(day), _estimate(e)) for day, e in found["by_day"]),
        predictions=found["predictions"],
        labelled=found["labelled"],
        baseline=found["reference"],
        margin=found["margin"],
        obstacle=found.get("obstacle", ""),
    )


def _estimate(found: Mapping[str, Any]) -> Estimate:
    """Infinite ends are written as null."""
    low, high = found["low"], found["high"]
    return Estimate(
        value=found["value"],
        low=-math.inf if low is None else low,
        high=math.inf if high is None else high,
        rows=found["rows"],
    )
