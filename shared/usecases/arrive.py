"""A blob landed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.ids import is_model_name
from shared.errors import UnknownModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain.data import DataArrived
    from shared.usecases.record_fact import Recorded, RecordFact
    from shared.usecases.reject import Rejects


@dataclass(frozen=True, slots=True)
class Arrive:
    """`landing/<model>/<anything>`: record it, or set it aside. Never lost, never a crash."""

    record: RecordFact
    rejects: Callable[[], Rejects]  # made where it is needed, which is rare

    def __call__(self, arrival: DataArrived) -> Recorded | bool:
        """What was recorded; for a blob of no model, which is set aside, whether that is new.

        Raises:
            TransientError: try again.
        """
        model, _, rest = arrival.blob.path.partition("/")
        if not rest:
            return self.rejects().blob(arrival, "its path is not landing/<model>/<file>")
        if not is_model_name(model):
            return self.rejects().blob(arrival, f"{model!r} is no name a model may have")
        try:
            return self.record(model, arrival)
        except UnknownModelError as exc:
            return self.rejects().blob(arrival, str(exc))
