"""The scan on Spark: every partition of a DataFrame is scanned, and the scans are merged."""

import pickle
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ml.drift.counting.columns import HistoryKind, Layout
from ml.drift.counting.scan import Scan, scan_part
from ml.drift.errors import DriftInputError
from ml.drift.readers.source import BATCH_ROWS, BatchStream, TableSource

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_OUT: Final = "summaries binary"


def head_of(frame: "DataFrame") -> TableSource:
    """Take the first rows, enough to fit a layout on the driver.

    Raises:
        DriftInputError: there are no rows.
    """

    def packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as stream:
                stream.write_batch(batch)
            yield pa.record_batch({"rows": pa.array([sink.getvalue().to_pybytes()], pa.binary())})

    # DataFrame.toArrow exists since Spark 4 only.
    sent = frame.limit(BATCH_ROWS).mapInArrow(packed, "rows binary").collect()
    tables = [pa.ipc.open_stream(bytes(row["rows"])).read_all() for row in sent]
    if not tables:
        raise DriftInputError("the reference has no rows; give the rows of the training set")
    return TableSource(pa.concat_tables(tables))


def scan_spark(
    frame: "DataFrame", layout: Layout, *, history: HistoryKind = HistoryKind.NONE
) -> Scan:
    """Summarise all columns; each partition sends one compressed summary and never rows.

    Counts equal those of one machine, sums up to rounding. The driver adds one partition at a time,
    so its memory does not grow with their number.

    Args:
        frame: the rows.
        layout: fitted before, on `head_of(frame)` or with the profile.
        history: none or days; partitions have no order that blocks could follow.

    Raises:
        DriftInputError: a history of blocks was asked for.
    """
    if history is HistoryKind.BLOCKS:
        raise DriftInputError("partitions have no order; take a history of days, or none")

    def summarise(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = scan_part(BatchStream(batches), layout, layout.columns, history=history)
        packed = zlib.compress(pickle.dumps(found), 1)
        yield pa.record_batch({"summaries": pa.array([packed], pa.binary())})

    wanted = [c.name for c in layout.columns if c.name in frame.columns]
    if layout.time_column in frame.columns and history is HistoryKind.DAYS:
        wanted.append(str(layout.time_column))
    total = Scan()
    rows: Iterator[Any] = frame.select(*wanted).mapInArrow(summarise, _OUT).toLocalIterator()
    for row in rows:
        # Written by `summarise` above in workers of this job, so safe to unpickle.
        part: Scan = pickle.loads(zlib.decompress(bytes(row["summaries"])))  # noqa: S301
        if part.rows:
            total.merge(part)
    return total
