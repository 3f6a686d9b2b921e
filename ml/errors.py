"""What can go wrong in ml/, sorted by who has to act. Messages give value, limit, remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class MlError(Exception):
    """Root of all expected errors in ml/."""


class ModelConfigError(MlError):
    """A model.yml is wrong; carries every mistake found, each with file, line and remedy."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class UnknownModelError(MlError):
    """There is no folder of that name under ml/models."""


class UnreadableDataError(MlError):
    """A file cannot be read as rows at all."""


class PinMismatchError(MlError):
    """A file differs from what was accepted: another hash, another row count, or it is gone."""


class NotEnoughRowsError(MlError):
    """Too few rows to train or to judge a model."""


class UndefinedStatisticError(MlError):
    """A statistic has no value for these numbers."""


class ModelArtefactError(MlError):
    """A model folder cannot be loaded safely, or lacks a part."""


class RegistrationError(MlError):
    """The registry refused a model version or holds a contradicting one."""
