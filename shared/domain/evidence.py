"""Reads the evidence document that a job wrote; mistakes are reported, never guessed around."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from shared.domain.ids import JobName
from shared.domain.jobs import Baseline, EvidenceRead, MetricPair
from shared.domain.wording import LONGEST_NAME, short
from shared.errors import EvidenceError

_FORMAT = 1


def parse_evidence(text: str, *, job_name: str, location: str) -> EvidenceRead:
    """Parse a job's evidence.json into the fact that records it.

    Raises:
        EvidenceError: not JSON, another format, a missing field, or a metric that is not a number.
    """
    name = JobName.parse(job_name)
    if name is None:
        raise EvidenceError(f"{job_name} is not a job of ours, so its evidence belongs to no cycle")
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT:
            raise EvidenceError(
                f"evidence of {job_name} has format {document['format']}, this app reads "
                f"{_FORMAT}; deploy app and components together"
            )
        return EvidenceRead(
            cycle_id=name.cycle_id,
            job_name=job_name,
            champion_version=_text_or_none(document["champion_version"]),
            metrics=tuple(_metric(item) for item in document["metrics"]),
            train_rows=int(document["rows"]["train"]),
            test_rows=int(document["rows"]["test"]),
            data_version=str(document["data_version"]),
            data_sha256=str(document["data_sha256"]),
            test_rows_sha256=str(document["test_rows_sha256"]),
            config_sha256=str(document["config_sha256"]),
            location=location,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            reference=_text_or_none(document.get("reference")),
            obstacle=short(str(document.get("obstacle", ""))),
            warnings=tuple(short(str(text)) for text in document.get("warnings", ())),
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as exc:
        raise EvidenceError(
            f"evidence of {job_name} cannot be read ({type(exc).__name__}: {exc}); "
            "look at the log of its step `evaluate`"
        ) from exc


def _metric(item: dict[str, Any]) -> MetricPair:
    goal = item["goal"]
    if goal not in {"min", "max"}:
        raise ValueError(f"metric {item['name']}: goal {goal!r} is neither min nor max")
    challenger = _number(item["challenger"])
    if challenger is None:
        raise ValueError(f"metric {item['name']}: no value for the challenger")
    return MetricPair(
        name=str(item["name"]),
        goal=goal,
        challenger=challenger,
        champion=_number(item.get("champion")),
        floor=_number(item.get("floor")),
        about=short(str(item.get("about", "")), LONGEST_NAME),
        baseline=_baseline(item.get("baseline")),
    )


def _baseline(found: dict[str, Any] | None) -> Baseline | None:
    if found is None:
        return None
    value = _number(found["value"])
    if value is None:
        raise ValueError("a baseline has no value")
    answer = short(str(found["answer"]), LONGEST_NAME)
    return Baseline(value, answer, decides=bool(found["decides"]))


def _number(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is not a finite number")
    return number


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)
