"""Record a blob that landed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.ids import is_model_name
from shared.domain.landing import holds_no_data
from shared.errors import EventRejectedError, UnknownModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.data import DataArrived
    from shared.usecases.record_fact import Recorded, RecordFact
    from shared.usecases.reject import Rejects

LANDING = "landing"  # the container that files are dropped into


@dataclass(frozen=True, slots=True)
class Arrive:
    """Records the arrival of `landing/<model>/<file>`; quarantines a blob without a known model.

    What tools leave beside data is passed over.
    """

    record: RecordFact
    rejects: Callable[[], Rejects]  # made on first use, which is rare

    def __call__(self, arrival: DataArrived) -> Recorded | bool:
        """Record the arrival.

        Returns:
            What was recorded; otherwise, whether the blob was newly quarantined.

        Raises:
            TransientError: a service did not answer.
            EventRejectedError: it did not land in the landing container.
        """
        if arrival.blob.container != LANDING:
            raise EventRejectedError(
                f"blob {arrival.blob.place} lies outside the container {LANDING!r}; "
                "give the event subscription a subject filter"
            )
        if holds_no_data(arrival.blob.path, arrival.size_bytes):
            return False
        model, _, rest = arrival.blob.path.partition("/")
        if not rest:
            return self.rejects().blob(arrival, sentences.not_in_a_folder())
        if not is_model_name(model):
            return self.rejects().blob(arrival, sentences.not_a_model_name(model))
        try:
            return self.record(model, arrival)
        except UnknownModelError as exc:
            return self.rejects().blob(arrival, str(exc))
