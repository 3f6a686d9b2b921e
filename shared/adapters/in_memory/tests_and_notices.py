"""Data tests, drift checks, alerts and events that a test can script and inspect."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain.drift import DriftVerdict
from shared.ports.data import Finding, TestedFile, TestedInJob
from shared.ports.drift import CollectedFiles, DriftReport, DriftResult, StoredCheck, StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from shared.domain.drift import CheckDrift, Performance, PublishDrift
    from shared.ports.clock import Clock
    from shared.ports.data import LocalCopy
    from shared.ports.drift import Comparison
    from shared.ports.notices import Alert

BROKEN = b"broken"
_HUGE_BYTES = 10**12


@dataclass(frozen=True, slots=True)
class MarkedDataTests:
    """Port `DataTests`: a file that starts with `broken` fails, else each line is a row.

    `min_rows` are wanted of what arrives together.
    """

    min_rows: int = 0

    def test(self, model: str, file: LocalCopy, name: str) -> TestedFile:
        """Test the content of the file."""
        return self._tested(model, file.path.read_bytes(), name)

    def read(self, text: str, name: str) -> TestedInJob:
        """Read the report that `tested_in_job` wrote."""
        document = json.loads(text)
        tested = self._tested(document["model"], document["content"].encode(), name)
        return TestedInJob(document["sha256"], tested)

    def _tested(self, model: str, content: bytes, name: str) -> TestedFile:
        if content.startswith(BROKEN):
            sentence = f"{name} for {model} is marked as broken"
            finding = Finding("mark", None, sentence, "send it again without the mark")
            report = json.dumps({"findings": [{"sentence": sentence}]})
            return TestedFile(0, (finding,), report)
        rows = content.count(b"\n")
        if rows >= self.min_rows:
            return TestedFile(rows)
        few = Finding("rows", None, f"{rows} rows, limit at least {self.min_rows}", "send more")
        return TestedFile(rows, (few,), min_rows=self.min_rows)


def tested_in_job(model: str, content: bytes) -> str:
    """The report that a simulated job writes about a file."""
    sha256 = hashlib.sha256(content).hexdigest()
    return json.dumps({"model": model, "sha256": sha256, "content": content.decode()})


@dataclass(slots=True)
class ScriptedDriftChecks:
    """Port `DriftChecks`: verdicts come from `verdict_of` and `performance_of`.

    `is_large` makes a window too large for the app. `rows_of` counts the rows collected in a window
    so far: rows may come late.
    """

    clock: Clock
    verdict_of: Callable[[str, CheckDrift], DriftVerdict] = lambda _model, _check: (
        DriftVerdict.NO_DRIFT
    )
    performance_of: Callable[[str, CheckDrift], Performance | None] = lambda _model, _check: None
    is_large: Callable[[str, CheckDrift], bool] = lambda _model, _check: False
    rows_of: Callable[[str, datetime], int] = lambda _model, _start_utc: 0
    checked: list[tuple[str, CheckDrift]] = field(default_factory=list)
    reports: dict[StoredCheck, DriftReport] = field(default_factory=dict)

    def inputs(
        self, model: str, *, start_utc: datetime, end_utc: datetime
    ) -> tuple[StoredFile, ...]:
        """One file with one byte per row."""
        path = f"modelDataCollector/{model}/inputs.jsonl"
        return (StoredFile(path, self.rows_of(model, start_utc), end_utc),)

    def files(self, model: str, check: CheckDrift, *, since_utc: datetime) -> CollectedFiles:
        """The inputs, with outputs that make the window as large as scripted."""
        del since_utc
        start_utc, end_utc = check.window_start_utc, check.window_end_utc
        outputs = StoredFile("outputs", _HUGE_BYTES * self.is_large(model, check), end_utc)
        inputs = self.inputs(model, start_utc=start_utc, end_utc=end_utc)
        return CollectedFiles(inputs, outputs=(outputs,))

    def past(self, model: str, *, profile: str | None = None) -> Sequence[StoredCheck]:
        """The results of the comparisons so far."""
        return [
            stored
            for stored in self.reports
            if stored.folder.startswith(f"drift/{model}/") and profile in (None, stored.profile)
        ]

    def compare(self, comparison: Comparison) -> DriftResult:
        """As scripted."""
        return self.read(comparison.model, comparison.check)

    def read(self, model: str, check: CheckDrift) -> DriftResult:
        """As scripted."""
        self.checked.append((model, check))
        verdict = self.verdict_of(model, check)
        sentence = f"{verdict} on {check.day} against version {check.profile}"
        folder = f"drift/{model}/{check.compared}"
        stored = StoredCheck(
            check.profile,
            check.day,
            revision=check.revision,
            folder=folder,
            written_utc=self.clock.now_utc(),
        )
        self.reports[stored] = DriftReport(
            stored,
            path=f"workspace/{folder}/report.html",
            document=json.dumps({"verdict": str(verdict), "sentence": sentence}),
            page=f"<!doctype html><title>{sentence}</title>".encode(),
        )
        return DriftResult(
            verdict=verdict,
            sentence=sentence,
            report=f"workspace/{folder}/report.html",
            performance=self.performance_of(model, check),
        )

    def report(self, stored: StoredCheck) -> DriftReport:
        """The report of a stored result."""
        return self.reports[stored]


@dataclass(slots=True)
class InMemoryPublisher:
    """Port `EventPublisher`: keeps the published events in a list."""

    published: list[tuple[str, PublishDrift]] = field(default_factory=list)

    def drift_detected(self, model: str, drift: PublishDrift) -> None:
        """Append the event."""
        self.published.append((model, drift))


@dataclass(slots=True)
class InMemoryAlerts:
    """Port `Alerts`: keeps the alerts that were sent, one for each key."""

    sent: dict[tuple[str, str], Alert] = field(default_factory=dict)

    def send(self, alert: Alert) -> None:
        """Keep the alert unless one of its key was sent before."""
        self.sent.setdefault((alert.model, alert.key), alert)
