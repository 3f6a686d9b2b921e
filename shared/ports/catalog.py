"""The known models, and what the app needs from their model.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.domain.value import Value, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.policy import Policy


@value(kw_only=True)
class MonitoringSettings(Value):
    """Which days the drift check of a model reads.

    Args:
        window_days: days of rows in one check.
        late_days: past days that are checked again if rows came late.
        prediction_days: how many days back predictions are joined to labels; 0 where rows have no
            id to join by.
        metric: realised metric that is judged; None if none is.
    """

    window_days: int = 1
    late_days: int = 3
    prediction_days: int = 0
    metric: str | None = None


class ModelCatalog(Protocol):
    """The known models: folders under ml/models."""

    def names(self) -> Sequence[str]:
        """Names of all models, sorted. Cheap: no file is parsed."""

    def policy(self, model: str) -> Policy:
        """The retrain policy and gate in model.yml.

        Raises:
            UnknownModelError: there is no such folder.
            ModelConfigError: it has mistakes.
        """

    def monitoring(self, model: str) -> MonitoringSettings:
        """The settings of the drift check in model.yml.

        Raises:
            UnknownModelError: there is no such folder.
            ModelConfigError: it has mistakes.
        """
