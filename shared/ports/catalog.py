"""The models there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.policy import Policy


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
