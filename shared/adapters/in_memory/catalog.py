"""Models without folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import UnknownModelError
from shared.ports.catalog import MonitoringSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.domain.policy import Policy


class InMemoryCatalog:
    """Names and policies as given; the mapping may change while the app runs."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._policies = policies

    def names(self) -> Sequence[str]:
        """Sorted."""
        return sorted(self._policies)

    def policy(self, model: str) -> Policy:
        """As given."""
        try:
            return self._policies[model]
        except KeyError:
            raise UnknownModelError(f'No model "{model}".') from None

    def monitoring(self, model: str) -> MonitoringSettings:
        """The same for every model."""
        self.policy(model)
        return MonitoringSettings()
