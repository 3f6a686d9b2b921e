"""Streams the events that Azure's data collector wrote, and counts what it leaves out.

Below one endpoint: `<deployment>/<collection>/yyyy/MM/dd/HH/*.jsonl`, one event a line; the depth
of the date folders depends on the collector's rolling rate.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from ml.drift.readers.envelopes import Envelope, read_envelope

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence
    from pathlib import Path

# Senders split at 3.5 MB and Azure keeps payloads over 4 MB apart: a longer line is damage.
_MOST_LINE_BYTES: Final = 16 * 1024 * 1024
_BLOCK_BYTES: Final = 1024 * 1024
# A repeated event follows its first copy within seconds, in the same file.
_REMEMBERED: Final = 100_000
# The date of a folder is when an event was stored, its line says when it happened.
_FOLDER_SLACK: Final = timedelta(days=1)
_DEPLOYMENT_PREFIX: Final = "version-"
_UNNAMED_VERSIONS: Final = ("", "default", "unknown")


@dataclass(slots=True)
class Tally:
    """Number of lines read, and of lines and rows left out, by cause."""

    lines: int = 0
    unreadable: int = 0  # torn, too long, not JSON, not an event
    apart: int = 0  # events whose rows Azure keeps in a file of their own
    foreign: int = 0  # rows that are not JSON objects
    repeated: int = 0  # rows that a collector wrote twice

    def sentences(self) -> list[str]:
        """One sentence for each kind of loss."""
        said = []
        if self.unreadable:
            said.append(f"{self.unreadable:,} of {self.lines:,} collected lines cannot be read.")
        if self.apart:
            said.append(
                f"{_count(self.apart, 'request')} over 4 MB lie apart and were not read; send "
                "smaller ones."
            )
        if self.foreign:
            said.append(f"{_count(self.foreign, 'collected row')} of another form were left out.")
        return said


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Event:
    """The rows of one request in one collection, inputs or outputs."""

    deployment: str
    version: str
    time_utc: datetime
    rows: Sequence[Mapping[str, Any]]

    def is_of(self, version: str) -> bool:
        """Whether this version scored it, by the event's version or the deployment's name."""
        if self.version not in _UNNAMED_VERSIONS:
            return self.version == version
        return self.deployment == f"{_DEPLOYMENT_PREFIX}{version}"


@dataclass(slots=True)
class Recent:
    """Remembers the most recent keys, up to a fixed number."""

    _seen: OrderedDict[bytes, None] = field(default_factory=OrderedDict)

    def has(self, *key: Hashable) -> bool:
        """Whether this key was seen before; remembers it."""
        digest = blake2b(repr(key).encode("utf-8", "backslashreplace"), digest_size=12).digest()
        if digest in self._seen:
            return True
        self._seen[digest] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False


def events(
    collected: Path,
    collection: str,
    *,
    start_utc: datetime,
    end_utc: datetime,
    id_column: str | None,
    tally: Tally,
) -> Iterator[Event]:
    """All events in [start, end), in the order of deployments, folders and lines.

    Events and rows that were written twice are returned once: events are identified by their id,
    rows by row id and request id.

    Args:
        collected: the folder of one endpoint; holds a folder a deployment.
        collection: model_inputs or model_outputs.
        start_utc: aware, inclusive.
        end_utc: aware, exclusive.
        id_column: of the rows; None where the model has none.
        tally: counts what is read and what is left out.
    """
    for root in sorted(collected.glob(f"*/{collection}")):
        recent = Recent()
        for path in sorted(root.rglob("*.jsonl")):
            if _is_outside(path.relative_to(root).parts[:-1], start_utc, end_utc):
                continue
            for line in _lines(path):
                if line is not None and not line.strip():
                    continue
                tally.lines += 1
                envelope = None if line is None else read_envelope(line)
                time_utc = None if envelope is None else envelope.time_utc
                if envelope is None or time_utc is None:
                    tally.unreadable += 1
                    continue
                if not start_utc <= time_utc < end_utc:
                    continue
                rows = _rows(envelope, recent, id_column=id_column, tally=tally)
                if rows:
                    yield Event(root.parent.name, envelope.model_version, time_utc, rows)


def _is_outside(folders: Sequence[str], start_utc: datetime, end_utc: datetime) -> bool:
    """Whether a date folder is outside the window; folders without a date are not."""
    numbers = [int(name) for name in folders if name.isdecimal()][:3]
    if len(numbers) < 3:  # noqa: PLR2004 - year, month, day
        return False
    try:
        day = datetime(numbers[0], numbers[1], numbers[2], tzinfo=UTC)
    except ValueError:
        return False
    return day + timedelta(days=1) <= start_utc - _FOLDER_SLACK or day >= end_utc + _FOLDER_SLACK


def _lines(path: Path) -> Iterator[bytes | None]:
    """Read line by line; None for a line that is too long."""
    with path.open("rb") as file:
        while line := file.readline(_MOST_LINE_BYTES):
            if len(line) < _MOST_LINE_BYTES or line.endswith(b"\n"):
                yield line
                continue
            while line and not line.endswith(b"\n"):
                line = file.readline(_BLOCK_BYTES)
            yield None


def _rows(
    envelope: Envelope, recent: Recent, *, id_column: str | None, tally: Tally
) -> list[Mapping[str, Any]]:
    if envelope.rows is None:
        tally.apart += 1
        return []
    rows: list[Mapping[str, Any]] = [row for row in envelope.rows if isinstance(row, dict)]
    tally.foreign += len(envelope.rows) - len(rows)
    if envelope.event_id and recent.has("event", envelope.event_id):
        tally.repeated += len(rows)
        return []
    if id_column is None or not envelope.request_id:
        return rows
    fresh = [
        row
        for row in rows
        if row.get(id_column) is None or not recent.has("row", envelope.request_id, row[id_column])
    ]
    tally.repeated += len(rows) - len(fresh)
    return fresh
