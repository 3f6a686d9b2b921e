"""Tell a person."""

from dataclasses import dataclass

from shared.domain.effects.base import Owed


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RaiseAlert(Owed):
    """Tell a person, in a sentence."""

    wire_name = "raise_alert"
    longest_wait = None

    fact_seq: int
    sentence: str

    @property
    def key(self) -> str:
        return f"alert:{self.fact_seq}"

    @property
    def words(self) -> str:
        return "Sending an alert"


NoticesEffect = RaiseAlert
