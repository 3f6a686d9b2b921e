"""Records that a version was registered, from its event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.jobs import ChallengerRegistered

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.ports.catalog import ModelCatalog
    from shared.ports.registry import Registry
    from shared.usecases.record_fact import Recorded, RecordFact


@dataclass(frozen=True, slots=True)
class RecordChallenger:
    """Records a version of one of our models."""

    record: RecordFact
    catalog: ModelCatalog
    registry: Callable[[], Registry]  # made where it is needed: where the event has no tags

    def __call__(self, model: str, registered: ChallengerRegistered) -> Recorded | None:
        """Record the version; None if the model is not ours, since the workspace is shared.

        A version without our tag `cycle_id` was registered by a person. An event may leave tags
        out, and mistaking our own challenger for a person's would cost its cycle: so the tags are
        read from the registry.

        Raises:
            TransientError: the registry or the ledger did not answer.
        """
        if model not in self.catalog.names():
            return None
        if registered.cycle_id is None:
            known = self.registry().version(model, registered.version)
            tags = known.tags if known else {}
            registered = ChallengerRegistered.tagged(registered.version, tags)
        return self.record(model, registered)
