"""A cycle as the app's API tells it: GET /api/models/<model>/cycles/<cycle>."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

_DONE = "✓"
_RUNNING = "▶"
_NOT_REACHED = "–"  # noqa: RUF001 - the API's own sign


@dataclass(frozen=True, slots=True)
class CycleStep:
    """One step: how it stands, in words, and since when (UTC)."""

    name: str
    title: str  # `Training` while it runs, then its name
    sign: str
    sentence: str
    at_utc: datetime | None

    @property
    def done(self) -> bool:
        """Whether it has succeeded."""
        return self.sign == _DONE

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended."""
        return self.sign == _RUNNING

    @property
    def reached(self) -> bool:
        """Whether it has begun, ended or not."""
        return self.sign != _NOT_REACHED


@dataclass(frozen=True, slots=True)
class Cycle:
    """`outcome` is None while the cycle is open. Facts are as the ledger writes them."""

    cycle_id: str
    outcome: str | None
    sentence: str
    steps: tuple[CycleStep, ...]
    facts: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """From the API's JSON document."""
        return cls(
            cycle_id=document["cycle_id"],
            outcome=document["outcome"],
            sentence=document["sentence"],
            steps=tuple(
                CycleStep(
                    name=step["name"],
                    title=step["title"],
                    sign=step["sign"],
                    sentence=step["sentence"],
                    at_utc=datetime.fromisoformat(step["at"]) if step["at"] else None,
                )
                for step in document["steps"]
            ),
            facts=tuple(entry["fact"] for entry in document["facts"]),
        )

    def step(self, name: str) -> CycleStep:
        """The step of that name."""
        return next(step for step in self.steps if step.name == name)

    @property
    def running_step(self) -> CycleStep | None:
        """The step that runs, the last one of several."""
        return next((step for step in reversed(self.steps) if step.running), None)

    @property
    def running_job(self) -> str | None:
        """Name of the Azure ML job that was submitted last, unless it has ended."""
        submitted = [fact["job_name"] for fact in self.facts if fact["is"] == "job_submitted"]
        ended = {fact["job_name"] for fact in self.facts if fact["is"] == "job_finished"}
        return submitted[-1] if submitted and submitted[-1] not in ended else None

    def opened_by(self, reason: str) -> bool:
        """Whether it was opened for this kind of reason."""
        return reason in json.dumps(self.facts[0])

    @property
    def told(self) -> str:
        """The cycle's sentence with a capital and a full stop; a file's name stays as it is."""
        text = self.sentence.rstrip(".")
        first = text.split(maxsplit=1)[0]
        return f"{text}." if "." in first else f"{text[:1].upper()}{text[1:]}."
