"""Test what landed, and pin what was accepted."""

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.effects.base import OfCycle


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TestData(OfCycle):
    """Test the files that arrived in (after_seq, to_seq]."""

    __test__ = False  # not a pytest class
    wire_name = "test_data"
    longest_wait = timedelta(hours=6)  # for one file's job

    after_seq: int
    to_seq: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:test"

    @property
    def words(self) -> str:
        return "Testing the files"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RegisterData(OfCycle):
    """Pin the accepted files, with all before them, as an immutable data version."""

    wire_name = "register_data"
    longest_wait = None

    report: str
    report_sha256: str
    previous_pins: str | None
    previous_pins_sha256: str | None
    fact_seq: int

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:register"

    @property
    def words(self) -> str:
        return "Registering the data version"


DataEffect = TestData | RegisterData
