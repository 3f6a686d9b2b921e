"""The daily drift check of every model, and of its past days whose rows came late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import RetrainError, TerminalError

if TYPE_CHECKING:
    from shared.ports.catalog import ModelCatalog
    from shared.usecases.check_drift import CheckDriftOf, DriftCheckAsked


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A model whose check could not be requested."""

    model: str
    error: RetrainError


@dataclass(frozen=True, slots=True)
class DailyChecks:
    """The checks that were requested, and those that could not be."""

    asked: tuple[DriftCheckAsked, ...]
    failed: tuple[FailedCheck, ...]

    @property
    def curable(self) -> RetrainError | None:
        """The first retryable error, if any."""
        errors = (failed.error for failed in self.failed)
        return next((error for error in errors if not isinstance(error, TerminalError)), None)


@dataclass(frozen=True, slots=True)
class CheckDriftDaily:
    """Requests the check of every model; an error in one model does not stop the others."""

    catalog: ModelCatalog
    check_drift_of: CheckDriftOf

    def __call__(self) -> DailyChecks:
        """Request all checks; idempotent."""
        asked: list[DriftCheckAsked] = []
        failed: list[FailedCheck] = []
        for model in self.catalog.names():
            try:
                asked += (self.check_drift_of(model), *self.check_drift_of.late(model))
            except RetrainError as exc:
                failed.append(FailedCheck(model, exc))
        return DailyChecks(tuple(asked), tuple(failed))
