"""What the gate decides on: both models' metrics on the same frozen rows, and their origin."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from ml.step_files import EVIDENCE_FILE, frozen_percent, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ml.evaluation.compare import MetricPair
    from ml.step_files import PreparedRecord

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """evidence.json, format 1.

    Args:
        cycle_id: the cycle that the evidence belongs to.
        challenger_version: None while the challenger is not registered yet.
        champion_version: of the model it was compared with; None if there was none.
        metrics: of both models.
        test_rows: number of frozen rows.
        prepared: where the rows come from.
        reference: path of the challenger's reference profile, below the evidence's folder.
        obstacle: why the champion was not scored; empty if it was.
        warnings: what a person should know before trusting the metrics; the verdict repeats them.
        notes: the same, of the comparison as a whole.
    """

    cycle_id: str
    challenger_version: str | None
    champion_version: str | None
    metrics: tuple[MetricPair, ...]
    test_rows: int
    prepared: PreparedRecord
    reference: str
    obstacle: str
    warnings: Sequence[str]
    notes: Sequence[str]

    def write(self, folder: Path) -> None:
        """Write evidence.json, after all other files: its presence means that they are complete."""
        write_json(folder / EVIDENCE_FILE, self.document())

    def document(self) -> dict[str, Any]:
        """The JSON object that the app reads."""
        champion = None
        if self.champion_version is not None:
            metrics = {pair.name: pair.champion for pair in self.metrics}
            champion = {"version": self.champion_version, "metrics": metrics}
        return {
            "format": _FORMAT,
            "model": self.prepared.model,
            "cycle_id": self.cycle_id,
            "challenger": {
                "version": self.challenger_version,
                "metrics": {pair.name: pair.challenger for pair in self.metrics},
            },
            "champion": champion,
            "champion_version": self.champion_version,
            "metrics": [asdict(pair) for pair in self.metrics],
            "rows": {"train": self.prepared.rows.train, "test": self.test_rows},
            "data_version": self.prepared.data_version,
            "data_sha256": self.prepared.data_sha256,
            "test_rows_sha256": self.prepared.test_rows_sha256,
            "config_sha256": self.prepared.config_sha256,
            "reference": self.reference,
            "obstacle": self.obstacle,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }


def split_notes(test_percent: float, *, challenger: Path, champion: Path | None) -> list[str]:
    """A sentence for each model that may have been trained on rows that are frozen now.

    Args:
        test_percent: share of the rows that are frozen now.
        challenger: its model folder.
        champion: its model folder; None if there is none.
    """
    notes = []
    for role, folder in (("challenger", challenger), ("champion", champion)):
        if folder is None:
            continue
        share = frozen_percent(folder)
        if share is None:
            notes.append(f"The {role} does not say which rows were frozen: it may know some now.")
        elif share < test_percent:
            notes.append(
                f"The {role} was trained when {share:g} % of the rows were frozen, now "
                f"{test_percent:g} % are: it knows some of them."
            )
    return notes
