"""The expected errors of ml/. Messages give value, limit, remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class MlError(Exception):
    """Root of all expected errors in ml/."""


class ModelConfigError(MlError):
    """A model.yml is wrong; holds every mistake, each with file, line and remedy."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class UnknownModelError(MlError):
    """No folder under ml/models has that name."""


class UnreadableDataError(MlError):
    """A file cannot be read: it is absent, damaged or of another format."""


class PinMismatchError(MlError):
    """A file is not the one that was accepted: its hash or row count differs, or it is absent."""


class NotEnoughRowsError(MlError):
    """Too few rows to train or to evaluate a model."""


class UndefinedStatisticError(MlError):
    """A metric or a prediction has no finite value."""


class ModelArtefactError(MlError):
    """A model folder cannot be loaded safely, or is incomplete."""


class RegistrationError(MlError):
    """A model version cannot be registered, or the registry holds one that contradicts it."""
