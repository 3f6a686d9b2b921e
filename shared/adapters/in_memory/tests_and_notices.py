"""Data tests, drift checks, alerts and events that a simulation can steer and read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain.facts.drift import DriftChecked, DriftVerdict
from shared.ports.data import Finding, TestedFile, TestedInJob
from shared.ports.drift import DriftJobRequest, DriftReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from shared.domain.effects.drift import CheckDrift, PublishDrift
    from shared.domain.facts.drift import Performance
    from shared.domain.state import Champion
    from shared.ports.data import LocalCopy
    from shared.ports.notices import Alert

BROKEN = b"broken"


@dataclass(frozen=True, slots=True)
class MarkedDataTests:
    """A file that begins with `broken` fails; every other line is a row."""

    def test(self, model: str, file: LocalCopy, name: str) -> TestedFile:
        """Reads the file."""
        return _tested(model, file.path.read_bytes(), name)

    def read(self, text: str, name: str) -> TestedInJob:
        """Reads what `tested_in_job` wrote."""
        document = json.loads(text)
        tested = _tested(document["model"], document["content"].encode(), name)
        return TestedInJob(document["sha256"], tested)


def tested_in_job(model: str, content: bytes) -> str:
    """What a simulated job writes about a file."""
    sha256 = hashlib.sha256(content).hexdigest()
    return json.dumps({"model": model, "sha256": sha256, "content": content.decode()})


def _tested(model: str, content: bytes, name: str) -> TestedFile:
    if content.startswith(BROKEN):
        sentence = f"{name} for {model} is marked as broken; send it again without the mark"
        finding = Finding("mark", None, sentence)
        report = json.dumps({"findings": [{"sentence": sentence}]})
        return TestedFile(0, (finding,), report)
    return TestedFile(content.count(b"\n"))


@dataclass(slots=True)
class ScriptedDriftChecks:
    """Finds what `verdict_of` and `performance_of` say, in a job where `is_large` says so.

    `rows_of` counts what was collected in a window until now: rows may come late.
    """

    verdict_of: Callable[[str, CheckDrift], DriftVerdict] = lambda _model, _effect: (
        DriftVerdict.NO_DRIFT
    )
    performance_of: Callable[[str, CheckDrift], Performance | None] = lambda _model, _effect: None
    is_large: Callable[[str, CheckDrift], bool] = lambda _model, _effect: False
    rows_of: Callable[[str, datetime], int] = lambda _model, _start_utc: 0
    checked: list[tuple[str, CheckDrift]] = field(default_factory=list)
    reports: dict[tuple[str, date], DriftReport] = field(default_factory=dict)

    def collected(self, model: str, *, start_utc: datetime, end_utc: datetime) -> str:
        """The number of rows, as text."""
        del end_utc
        return str(self.rows_of(model, start_utc))

    def check(
        self, model: str, champion: Champion, effect: CheckDrift
    ) -> DriftChecked | DriftJobRequest:
        """The fact to record, or the job to do it."""
        collected = self.collected(
            model, start_utc=effect.window_start_utc, end_utc=effect.window_end_utc
        )
        if not self.is_large(model, effect):
            return self.read(model, effect, collected=collected)
        return DriftJobRequest(
            effect.job_name(model),
            model=model,
            check=effect,
            profile=f"{champion.evidence}/{champion.reference}",
            collected_folder=f"modelDataCollector/{model}",
            past_folder=None,
            labels_folder=None,
            baseline=None,
            output_folder=f"drift/{model}/{effect.compared}",
            size_bytes=0,
            collected=collected,
        )

    def read(self, model: str, effect: CheckDrift, *, collected: str) -> DriftChecked:
        """The fact to record."""
        self.checked.append((model, effect))
        verdict = self.verdict_of(model, effect)
        fact = DriftChecked(
            effect.day,
            effect.profile,
            verdict,
            f"{verdict} on {effect.day} against version {effect.profile}",
            report=f"workspace/drift/{model}/{effect.compared}/report.html",
            revision=effect.revision,
            window_start_utc=effect.window_start_utc,
            window_end_utc=effect.window_end_utc,
            collected=collected,
            performance=self.performance_of(model, effect),
        )
        self.reports[model, effect.day] = DriftReport(
            effect.day,
            effect.profile,
            effect.revision,
            path=str(fact.report),
            document=json.dumps({"verdict": str(verdict), "sentence": fact.sentence}),
            page=f"<!doctype html><title>{fact.sentence}</title>".encode(),
        )
        return fact

    def report(self, model: str, day: date) -> DriftReport | None:
        """The newest one."""
        return self.reports.get((model, day))


@dataclass(slots=True)
class InMemoryPublisher:
    """Keeps what was published."""

    published: list[tuple[str, PublishDrift]] = field(default_factory=list)

    def drift_detected(self, model: str, drift: PublishDrift) -> None:
        """Appends."""
        self.published.append((model, drift))


@dataclass(slots=True)
class InMemoryAlerts:
    """Keeps what was sent; the same key twice is one alert."""

    sent: dict[tuple[str, str], Alert] = field(default_factory=dict)

    def send(self, alert: Alert) -> None:
        """Keeps the first."""
        self.sent.setdefault((alert.model, alert.key), alert)
