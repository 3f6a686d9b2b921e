"""A model catalog without folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import UnknownModelError
from shared.ports.catalog import MonitoringSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.domain.policy import Policy


class InMemoryCatalog:
    """Port `ModelCatalog` over a mapping of policies, which may change while the app runs."""

    def __init__(self, policies: Mapping[str, Policy]) -> None:
        self._policies = policies

    def names(self) -> Sequence[str]:
        """All names, sorted."""
        return sorted(self._policies)

    def policy(self, model: str) -> Policy:
        """The policy that was given for the model."""
        try:
            return self._policies[model]
        except KeyError:
            raise UnknownModelError(f'No model "{model}".') from None

    def monitoring(self, model: str) -> MonitoringSettings:
        """The monitoring settings, the same for every model."""
        self.policy(model)
        return MonitoringSettings()
