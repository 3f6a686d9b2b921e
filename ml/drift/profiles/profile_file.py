"""A profile as one compressed file of JSON and arrays; equal profiles give equal bytes."""

import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml.drift.counting.category import CategorySummary
from ml.drift.counting.columns import Column, HistoryKind, Layout, Summary
from ml.drift.counting.grid import Grid
from ml.drift.counting.history import Blocks, Days
from ml.drift.counting.loops import BINS
from ml.drift.counting.numeric import NumericSummary
from ml.drift.errors import DriftInputError
from ml.drift.profiles.profile import Profile
from ml.drift.reference.column_reference import ColumnReference, unit_table
from ml.drift.reference.null import DistanceNull
from ml.drift.reference.overdispersion import Overdispersion
from ml.drift.result import Kind, Role

_MAGIC: Final = b"drift-profile 2\n"
_LEVEL: Final = 6
_MOST_BYTES: Final = 1 << 30  # a thousand features come to a few tens of megabytes
Arrays = dict[str, NDArray[Any]]
_Histogram = tuple[NDArray[np.int64], NDArray[np.float64]]


def save_profile(profile: Profile, path: Path) -> None:
    """Write atomically: a reader never sees half a profile."""
    arrays: Arrays = {}
    header: dict[str, Any] = {
        "name": profile.name,
        "rows": profile.rows,
        "history": str(profile.history),
        "time_column": profile.layout.time_column,
        "columns": [_column_out(i, r, arrays) for i, r in enumerate(profile.references)],
    }
    header["arrays"] = [
        [name, array.dtype.newbyteorder("<").str, list(array.shape)]
        for name, array in sorted(arrays.items())
    ]
    text = json.dumps(header, sort_keys=True).encode()
    parts = [len(text).to_bytes(8, "little"), text]
    for _, array in sorted(arrays.items()):
        parts.append(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(_MAGIC + zlib.compress(b"".join(parts), _LEVEL))
    partial.replace(path)


def load_profile(path: Path) -> Profile:
    """Read a profile.

    Raises:
        DriftInputError: the file does not exist, is damaged, or is of an unknown format.
    """
    if not path.is_file():
        raise DriftInputError(f"no such profile: {path}; make one with `profile`")
    content = path.read_bytes()
    if not content.startswith(_MAGIC):
        raise DriftInputError(
            f"{path.name} is not a profile of format 2; make it again with this version"
        )
    try:
        return _profile_in(_unpacked(content[len(_MAGIC) :]))
    except (
        *(zlib.error, ValueError, KeyError, TypeError, IndexError),
        *(OverflowError, MemoryError),  # of sizes that no profile has
    ) as error:
        raise DriftInputError(f"{path.name} is damaged: {error}; make it again") from error


def _unpacked(packed: bytes) -> bytes:
    """Unpack the body, up to a limit: a damaged file might unpack without end."""
    unpacker = zlib.decompressobj()
    body = unpacker.decompress(packed, _MOST_BYTES)
    if not unpacker.eof:
        long = len(body) >= _MOST_BYTES
        raise ValueError(f"more than {_MOST_BYTES:,} bytes" if long else "it ends too early")
    return body


def _profile_in(body: bytes) -> Profile:
    start = 8 + int.from_bytes(body[:8], "little")
    header = json.loads(body[8:start])
    arrays: Arrays = {}
    for name, kind, shape in header["arrays"]:
        size = math.prod(shape)
        found = np.frombuffer(body, np.dtype(kind), count=size, offset=start).reshape(shape)
        arrays[name] = found
        start += found.nbytes
    history = HistoryKind(header["history"])
    blank = _histograms(len(header["columns"]))
    references = tuple(
        _column_in(i, entry, arrays, history, blank) for i, entry in enumerate(header["columns"])
    )
    layout = Layout(columns=tuple(r.column for r in references), time_column=header["time_column"])
    return Profile(
        name=header["name"],
        rows=header["rows"],
        layout=layout,
        history=history,
        references=references,
    )


def _histograms(most: int) -> Iterator[_Histogram]:
    """Empty counts and sums, shape (BINS,) each, for at most so many columns.

    Allocated in one piece, which the system maps in large pages: 5 instead of 14 ms for 50 columns.
    """
    whole = np.zeros((most, 2, BINS), np.int64)
    return ((counts, sums.view(np.float64)) for counts, sums in whole)


def _column_out(i: int, reference: ColumnReference, arrays: Arrays) -> dict[str, Any]:
    column, summary = reference.column, reference.summary
    entry: dict[str, Any] = {
        "name": column.name,
        "kind": str(column.kind),
        "role": str(column.role),
        "grid": [column.grid.center, column.grid.scale] if column.grid else None,
        "alone": _past_out(reference.overdispersion),
        "matched": _past_out(reference.same_weekday),
        "unit_rows": reference.unit_rows,
    }
    if reference.null is not None:
        null = reference.null
        arrays[f"{i}.null"] = np.column_stack([null.mean, null.square, null.tail, null.quantiles])
    if isinstance(summary, NumericSummary):
        used = np.flatnonzero(summary.counts)
        arrays[f"{i}.bins"] = used.astype(np.uint16)
        arrays[f"{i}.counts"] = summary.counts[used]
        arrays[f"{i}.sums"] = summary.sums[used]
        arrays[f"{i}.moments"] = summary.moments
    else:
        entry["slots"] = None if summary.slots is None else list(summary.slots)
        arrays[f"{i}.counts"] = summary.counts
    table, days = unit_table(summary)
    where = np.flatnonzero(table.any(axis=0))
    arrays[f"{i}.unit_columns"] = where.astype(np.uint16)
    arrays[f"{i}.units"] = _narrow(table[:, where])
    arrays[f"{i}.days"] = np.array(days, np.int32)
    entry["width"] = int(table.shape[1])
    return entry


def _narrow(counts: NDArray[np.int64]) -> NDArray[Any]:
    """The smallest unsigned type that holds every count."""
    most = int(counts.max(initial=0))
    return counts.astype(np.min_scalar_type(most))


def _past_out(found: Mapping[str, Sequence[Overdispersion]]) -> dict[str, Any]:
    return {name: [[d.excess, d.units, d.length] for d in each] for name, each in found.items()}


def _past_in(found: Mapping[str, Any]) -> dict[str, list[Overdispersion]]:
    return {
        name: [Overdispersion(excess=e, units=u, length=n) for e, u, n in each]
        for name, each in found.items()
    }


def _column_in(
    i: int,
    entry: Mapping[str, Any],
    arrays: Arrays,
    history: HistoryKind,
    blank: Iterator[_Histogram],
) -> ColumnReference:
    column = Column(
        name=entry["name"],
        kind=Kind(entry["kind"]),
        role=Role(entry["role"]),
        grid=Grid(*entry["grid"]) if entry["grid"] else None,
    )
    null = None
    if f"{i}.null" in arrays:
        table = arrays[f"{i}.null"]
        null = DistanceNull(
            mean=table[:, 0], square=table[:, 1], tail=table[:, 2], quantiles=table[:, 3:]
        )
    summary = _summary_in(i, column, entry, arrays, blank)
    summary.history = _history_in(i, entry, arrays, history)
    return ColumnReference(
        column=column,
        summary=summary,
        null=null,
        overdispersion=_past_in(entry["alone"]),
        same_weekday=_past_in(entry["matched"]),
        unit_rows=entry["unit_rows"],
    )


def _summary_in(
    i: int,
    column: Column,
    entry: Mapping[str, Any],
    arrays: Arrays,
    blank: Iterator[_Histogram],
) -> Summary:
    counts = arrays[f"{i}.counts"]
    if column.kind is Kind.CATEGORY:
        slots = entry["slots"]
        known = None if slots is None else {value: k + 1 for k, value in enumerate(slots)}
        return CategorySummary(slots=known, counts=counts.copy())
    empty, zero = next(blank)
    summary = NumericSummary(
        grid=column.grid or Grid(center=0.0, scale=1.0), counts=empty, sums=zero
    )
    used = arrays[f"{i}.bins"].astype(np.int64)
    if len(used) and int(used[-1]) >= BINS:
        raise DriftInputError(f"column {column.name}: a bin beyond the grid; the file is damaged")
    summary.counts[used] = counts
    summary.sums[used] = arrays[f"{i}.sums"]
    summary.moments = arrays[f"{i}.moments"].copy()
    return summary


def _history_in(
    i: int, entry: Mapping[str, Any], arrays: Arrays, history: HistoryKind
) -> Blocks | Days | None:
    if history is HistoryKind.NONE:
        return None
    packed = arrays[f"{i}.units"]
    # Adding unsigned and signed 64-bit numbers would give floats.
    narrow = packed.dtype if packed.dtype.itemsize < 8 else np.dtype(np.int64)  # noqa: PLR2004
    table = np.zeros((len(packed), entry["width"]), narrow)
    table[:, arrays[f"{i}.unit_columns"].astype(np.int64)] = packed
    if history is HistoryKind.DAYS:
        days = arrays[f"{i}.days"].tolist()
        return Days(counts=dict(zip(days, table, strict=True)))
    return Blocks(counts=list(table))
