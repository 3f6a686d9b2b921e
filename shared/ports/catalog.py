"""The models there are, and what their model.yml says to the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.domain.value import Value, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.policy import Policy


@value(kw_only=True)
class MonitoringSettings(Value):
    """How the drift check of a model looks at its days.

    Args:
        window_days: days of rows that one check looks at.
        late_days: past days that are looked at again for rows that came late.
        prediction_days: how many days back predictions are joined to labels; 0 where rows have no
            id to join by.
        metric: realised metric that is judged; None: none is.
    """

    window_days: int = 1
    late_days: int = 3
    prediction_days: int = 0
    metric: str | None = None


class ModelCatalog(Protocol):
    """The models there are: folders under ml/models."""

    def names(self) -> Sequence[str]:
        """Cheap: no file is parsed."""

    def policy(self, model: str) -> Policy:
        """Parsed model.yml.

        Raises:
            UnknownModelError: there is no such folder.
            ModelConfigError: it has mistakes.
        """

    def monitoring(self, model: str) -> MonitoringSettings:
        """Parsed model.yml.

        Raises:
            UnknownModelError: there is no such folder.
            ModelConfigError: it has mistakes.
        """
