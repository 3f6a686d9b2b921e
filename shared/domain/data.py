"""Files land, are tested, and become a data version."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from shared.domain.declared import (
    EffectOfCycle,
    FactOfCycle,
    FactOfModel,
    Sign,
    Step,
    Telling,
)
from shared.domain.value import Value, value
from shared.domain.wording import LONGEST_NAME, ended, plural, short


@value
class BlobRef(Value):
    """One content of one blob. `path` is decoded, inside its container; `etag` has no quotes."""

    container: str
    path: str
    etag: str

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def place(self) -> str:
        """`container/path`, the same for every content."""
        return f"{self.container}/{self.path}"


class ArrivalSource(StrEnum):
    """What told of a blob."""

    EVENT = "event"
    RECONCILE = "reconcile"  # a listing: its event never came


@value
class BlobDeletion(Value):
    """A blob was deleted. `sequencer` orders the events of one blob name."""

    container: str
    path: str
    sequencer: str | None
    request: str  # names the deletion, however often its event comes

    @property
    def place(self) -> str:
        """`container/path`."""
        return f"{self.container}/{self.path}"


@value
class DataArrived(FactOfModel):
    """A blob landed. `stale`: a newer content of that blob was known already (set on recording).

    `listed`: a listing shows this content, though its event looked older than another one.
    """

    wire_name = "data_arrived"

    blob: BlobRef
    size_bytes: int
    sequencer: str | None = None  # orders the events of one blob name
    source: ArrivalSource = ArrivalSource.EVENT
    stale: bool = False
    listed: bool = False

    @property
    def key(self) -> str:
        return f"blob:{self.blob.place}@{self.blob.etag}{'!listed' if self.listed else ''}"

    @property
    def words(self) -> str:
        return f"file {self.blob.name} arrived"


@value
class DataWithdrawn(FactOfModel):
    """A file was withdrawn: the next data version does not contain it.

    `request` is the idempotency key of the request, or names the deletion that caused it.
    """

    wire_name = "data_withdrawn"

    place: str  # container/path of the blob that landed
    request: str
    text: str
    by: str = ""

    @property
    def key(self) -> str:
        return f"withdrawn:{self.request}"

    @property
    def words(self) -> str:
        return f"file {self.place.rpartition('/')[2]} was withdrawn: {self.text}"


@value
class DataTested(FactOfCycle):
    """The cycle's files were tested; the report blob says what became of each."""

    wire_name = "data_tested"

    accepted: int
    quarantined: int
    superseded: int
    rows: int  # of the accepted files
    report: str  # path in the data container
    report_sha256: str
    findings: tuple[str, ...] = ()  # a sentence for each of the first quarantined files
    notes: tuple[str, ...] = ()  # on the first accepted files that have one

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:tested"

    @property
    def words(self) -> str:
        parts = [f"{plural(self.accepted, 'file')} accepted ({plural(self.rows, 'row')})"]
        if self.quarantined:
            parts.append(f"{self.quarantined:,} quarantined")
        if self.superseded:
            parts.append(f"{self.superseded:,} superseded by newer content")
        counts = ", ".join(parts)
        if self.notes:
            counts = f"{counts}; note: {'; '.join(self.notes)}"
        return f"{counts}. {quarantine_report(self)}" if self.findings else counts

    @property
    def tells(self) -> tuple[Telling, ...]:
        sign = Sign.QUARANTINED if self.quarantined else Sign.DONE
        return (Telling(Step.DATA, sign, self.words),)


def quarantine_report(tested: DataTested) -> str:
    """A text with the first quarantined files, their findings, and how many more there are."""
    more = tested.quarantined - len(tested.findings)
    if not tested.findings:
        return f"{plural(tested.quarantined, 'file')} quarantined."
    rest = f" And {plural(more, 'more file')} quarantined." if more > 0 else ""
    return _sentences(tested.findings) + rest


def _sentences(findings: Sequence[str]) -> str:
    return " ".join(ended(finding) for finding in findings)


@value
class DataRegistered(FactOfCycle):
    """An immutable data version: the accepted files that the data set holds, pinned by hash."""

    wire_name = "data_registered"

    data_version: str
    pins: str  # path in the data container
    pins_sha256: str
    data_sha256: str  # of the files' hashes in order, so the same data has the same hash
    rows: int
    files: int
    newest_files: tuple[str, ...] = ()  # names of the files accepted last

    @property
    def key(self) -> str:
        return f"{self.cycle_id}:data"

    @property
    def words(self) -> str:
        contents = f"{plural(self.rows, 'row')} of {plural(self.files, 'file')}"
        text = f"data version {self.data_version}, {contents}"
        if not self.newest_files:
            return text
        names = ", ".join(short(name, LONGEST_NAME) for name in self.newest_files)
        more = " and others" if self.files > len(self.newest_files) else ""
        return f"{text}: {names}{more} (list: data/{self.pins})"

    @property
    def tells(self) -> tuple[Telling, ...]:
        return (Telling(Step.DATA, Sign.DONE, self.words),)


DataFact = DataArrived | DataWithdrawn | DataTested | DataRegistered


@value
class TestData(EffectOfCycle):
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


@value
class RegisterData(EffectOfCycle):
    """Pin the accepted files and all earlier ones as an immutable data version.

    `report` is None if the facts in (after_seq, to_seq] only withdraw files.
    """

    wire_name = "register_data"
    longest_wait = None

    after_seq: int
    to_seq: int
    report: str | None
    report_sha256: str | None
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
