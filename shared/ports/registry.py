"""Model versions and data versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from shared.domain.drift import TagDrift
    from shared.domain.rollout import Role


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version in the registry; `version` is an opaque string."""

    version: str
    tags: Mapping[str, str]


class Registry(Protocol):
    """Model versions and data versions of the workspace."""

    def of_cycle(self, model: str, cycle_id: str) -> Sequence[ModelVersion]:
        """Versions tagged with that `cycle_id`, in order of registration."""

    def registered_since(self, model: str, since_utc: datetime) -> Sequence[ModelVersion]:
        """Versions registered after that time, in order of registration."""

    def version(self, model: str, version: str) -> ModelVersion | None:
        """A version of a model; None if it does not exist."""

    def tag(self, model: str, version: str, *, role: Role, cycle_id: str, fact_seq: int) -> None:
        """Set tags `role`, `role_cycle_id`, `fact_seq`; other tags stay.

        Does nothing if the version is gone, or if its tags have a higher `fact_seq`.
        """

    def tag_drift(self, model: str, drift: TagDrift) -> None:
        """Set tags `drift_date`, `drift_verdict`, `drift_report`, `drift_fact_seq`; others stay.

        On the version and on the MLflow run of the job that trained it; either may be missing.
        On each of them, tags with a higher `drift_fact_seq` stay.
        """

    def register_data(
        self, model: str, version: str, *, pins: str, data_sha256: str, fact_seq: int
    ) -> None:
        """Register a version of the data asset `<model>`; idempotent.

        Raises:
            DataMismatchError: that version exists with other pins.
        """
