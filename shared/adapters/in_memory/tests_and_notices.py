"""Data tests, drift checks, alerts and events that a simulation can steer and read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain.facts import DriftChecked, DriftVerdict
from shared.ports.data import Finding, TestedFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.effects import CheckDrift, PublishDrift
    from shared.domain.state import Champion
    from shared.ports.data import LocalCopy
    from shared.ports.notices import Alert

BROKEN = b"broken"


class MarkedDataTests:
    """A file that begins with `broken` fails; every other line is a row."""

    def test(self, model: str, file: LocalCopy, name: str) -> TestedFile:
        """Reads the file."""
        content = file.path.read_bytes()
        if content.startswith(BROKEN):
            sentence = f"{name} for {model} is marked as broken; send it again without the mark"
            finding = Finding("mark", None, sentence)
            return TestedFile(0, (finding,), {"findings": [{"sentence": sentence}]})
        return TestedFile(content.count(b"\n"))


@dataclass(slots=True)
class ScriptedDriftChecks:
    """Finds what `verdict_of` says."""

    verdict_of: Callable[[str, CheckDrift], DriftVerdict] = lambda _model, _effect: (
        DriftVerdict.NO_DRIFT
    )
    checked: list[tuple[str, CheckDrift]] = field(default_factory=list)

    def check(self, model: str, champion: Champion, effect: CheckDrift) -> DriftChecked:
        """The fact to record."""
        self.checked.append((model, effect))
        verdict = self.verdict_of(model, effect)
        sentence = f"{verdict} on {effect.day} against version {champion.version}"
        return DriftChecked(effect.day, effect.profile, verdict, sentence)


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
