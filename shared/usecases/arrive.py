"""Record a blob that landed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.ids import is_model_name
from shared.domain.landing import LANDING, alerts_of_tables, holds_no_data, table_of
from shared.domain.notices import AlertRaised
from shared.errors import EventRejectedError, UnknownModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.data import DataArrived
    from shared.domain.landing import Table
    from shared.usecases.record_fact import Recorded, RecordFact
    from shared.usecases.refuse_table import RefuseTable
    from shared.usecases.reject import Rejects


@dataclass(frozen=True, slots=True)
class Arrive:
    """Records the arrival of `landing/<model>/<file>`; quarantines a blob without a known model.

    What tools leave beside data is passed over, and a table with a log is refused as a whole.
    """

    record: RecordFact
    rejects: Callable[[], Rejects]  # made on first use, which is rare
    refuse_table: Callable[[], RefuseTable]  # same

    def __call__(self, arrival: DataArrived) -> Recorded | bool:
        """Record the arrival.

        Returns:
            What was recorded; otherwise, whether the blob or its table was newly refused.

        Raises:
            TransientError: a service did not answer.
            EventRejectedError: it did not land in the landing container.
        """
        if arrival.blob.container != LANDING:
            raise EventRejectedError(
                f"blob {arrival.blob.place} lies outside the container {LANDING!r}; "
                "give the event subscription a subject filter"
            )
        path = arrival.blob.path
        table = table_of(path)
        if table is None and holds_no_data(path, arrival.size_bytes):
            return False
        model, _, rest = path.partition("/")
        if not rest:
            return self.rejects().blob(arrival, sentences.not_in_a_folder())
        if not is_model_name(model):
            return self.rejects().blob(arrival, sentences.not_a_model_name(model))
        try:
            return self._recorded(model, arrival) if table is None else self._refused(model, table)
        except UnknownModelError as exc:
            return self.rejects().blob(arrival, str(exc))

    def _refused(self, model: str, table: Table) -> bool:
        return self.refuse_table()(model, table)

    def _recorded(self, model: str, arrival: DataArrived) -> Recorded | bool:
        knows = partial(self.record.ledger.knows, model)
        if in_refused_table(arrival.blob.path, knows):
            return False
        recorded = self.record(model, arrival)
        if recorded.new and in_refused_table(arrival.blob.path, knows):
            self.refuse_table().part(model, arrival.blob.place)  # its log was faster
        return recorded


def in_refused_table(path: str, knows: Callable[[str], bool]) -> bool:
    """Whether a blob is a part of a table that was refused.

    Args:
        path: of the blob, inside landing.
        knows: whether a fact of that key is recorded of the model.
    """
    return any(knows(AlertRaised(alert, "").key) for alert in alerts_of_tables(path))
