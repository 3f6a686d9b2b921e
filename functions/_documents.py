"""Use cases' answers as JSON documents and text. Their sentences are made in the core."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from shared.usecases.explain import Explanation
    from shared.usecases.lookup import FileStory
    from shared.usecases.status import ModelStatus

_NAME_WIDTH = 10


def status_document(status: ModelStatus) -> dict[str, Any]:
    """The status of one model; times are ISO 8601, UTC."""
    from shared.domain.sentences import report_address  # noqa: PLC0415 - not needed to index

    champion, drift = status.champion, status.last_drift
    return {
        "model": status.model,
        "sentence": status.sentence,
        "facts": status.facts,
        "champion": champion
        and {
            "version": champion.version,
            "since": _iso(champion.since_utc),
            "cycle_id": champion.cycle_id,
        },
        "previous_champion": status.previous and status.previous.version,
        "data": status.data
        and {
            "version": status.data.version,
            "rows": status.data.rows,
            "files": status.data.files,
        },
        "open_cycle": status.cycle_id
        and {"cycle_id": status.cycle_id, "sentence": status.cycle_sentence},
        "waiting": status.waiting,
        "last_drift": drift
        and {
            "date": drift.day.isoformat(),
            "profile": drift.profile,
            "verdict": str(drift.verdict),
            "sentence": drift.sentence,
            "revision": drift.revision,
            "signals": [
                asdict(signal) | {"since": signal.since and signal.since.isoformat()}
                for signal in drift.signals
            ],
            "missing_days": [day.isoformat() for day in drift.missing_days],
            "performance": drift.performance and asdict(drift.performance),
            "report": drift.report,
            "report_address": drift.report and report_address(status.model, drift.day),
        },
        "cycles": [
            {
                "cycle_id": past.cycle_id,
                "reasons": [str(reason) for reason in past.reasons],
                "opened": _iso(past.opened_utc),
                "ended": _iso(past.ended_utc),
                "outcome": str(past.outcome),
                "sentence": past.sentence,
                "version": past.version,
            }
            for past in status.past
        ],
        "outstanding_effects": status.outstanding,
    }


def explanation_document(explanation: Explanation) -> dict[str, Any]:
    """The explanation of a cycle: its sentence, then its steps, then the facts behind them."""
    from shared.domain.codec import fact_to_json  # noqa: PLC0415 - only here

    return {
        "model": explanation.model,
        "cycle_id": explanation.cycle_id,
        "sentence": explanation.sentence,
        "outcome": explanation.outcome and str(explanation.outcome),
        "opened": _iso(explanation.opened_utc),
        "ended": _iso(explanation.ended_utc),
        "steps": [
            {
                "name": str(step.step),
                "title": step.title,
                "sign": str(step.sign),
                "sentence": step.sentence,
                "at": _iso(step.at_utc),
            }
            for step in explanation.steps
        ],
        "facts": [
            {
                "seq": entry.seq,
                "at": _iso(entry.at_utc),
                "key": entry.fact.key,
                "fact": json.loads(fact_to_json(entry.fact)),
            }
            for entry in explanation.entries
        ],
    }


def explanation_text(explanation: Explanation) -> str:
    """The explanation of a cycle as plain text, one line for each step."""
    state = explanation.outcome.replace("_", " ") if explanation.outcome else "open"
    lines = [
        f"Cycle {explanation.cycle_id} · {explanation.model} · {state}",
        explanation.sentence,
        "",
        *(
            f"{number} {step.sign} {step.title:<{_NAME_WIDTH}} {step.sentence}"
            for number, step in enumerate(explanation.steps, start=1)
        ),
    ]
    return "\n".join(lines) + "\n"


def story_document(story: FileStory) -> dict[str, Any]:
    """What became of a file: sentence first, then each content that landed, oldest first."""
    return {
        "model": story.model,
        "file": story.place,
        "sentence": story.sentence,
        "contents": [
            {
                "arrived": _iso(content.arrived_utc),
                "etag": content.etag,
                "became": str(content.became),
                "sentence": content.sentence,
                "cycle_id": content.cycle_id,
                "rows": content.rows,
                "data_versions": list(content.data_versions),
                "model_versions": list(content.model_versions),
            }
            for content in story.contents
        ],
    }


def story_text(story: FileStory) -> str:
    """The same for a terminal, the newest content first."""
    earlier = reversed(story.contents[:-1])
    return (
        "\n".join([story.sentence, *(f"Before: {content.sentence}" for content in earlier)]) + "\n"
    )


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
