"""Generated files, each taken through data tests, training, drift check and endpoint."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from hypothesis import strategies as st
from notations import contracts, text_cells

from ml.cells.cell import as_text
from ml.data_tests.check import check_file
from ml.data_tests.raw_file import UnreadableFile
from ml.data_tests.reading import open_file
from ml.errors import PinMismatchError
from ml.model_config import read_model
from ml.model_folder.signature import Column
from ml.reference.columns import Comparable, cells_of, cells_of_json
from ml.scoring.errors import BadRequestError
from ml.scoring.rows import RowSchema, parse_rows
from ml.step_files import Pin
from ml.training.rows import read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ml.model_config import ColumnContract, ModelConfig

_ENDPOINT_TYPES = {"number": "double", "integer": "double", "date": "datetime"}
_REFUSED = {"type", "finite", "exact"}


@dataclass(frozen=True)
class Landed:
    """A file and the columns that its model asks for."""

    content: bytes
    separator: str

    columns: tuple[ColumnContract, ...]
    is_parquet: bool = False


@st.composite
def landed_files(draw: st.DrawFn) -> Landed:
    number = draw(st.integers(1, 3))
    columns = tuple(replace(draw(contracts()), name=f"c{place}") for place in range(number))
    is_parquet = draw(st.booleans())
    rows = draw(st.integers(1, 5))
    if is_parquet:
        return Landed(_parquet(draw, columns, rows), ",", columns, is_parquet=True)
    separator = draw(st.sampled_from([",", ";", "\t", "|"]))
    out = io.StringIO(newline="")
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    ends = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=ends)
    writer.writerow([*(column.name for column in columns), "n", "y"])
    for row in range(rows):
        writer.writerow([*(draw(text_cells) for _ in columns), row, "uv"[row % 2]])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    content = out.getvalue().encode(encoding, "replace")
    return Landed(content, separator, columns)


def _parquet(draw: st.DrawFn, columns: Sequence[ColumnContract], rows: int) -> bytes:
    kinds = {
        "text": text_cells | st.none(),
        "floats": st.floats() | st.sampled_from([1.0, -200.0]) | st.none(),
        "integers": st.integers(-(2**62), 2**62) | st.integers(-300, 3),
        "booleans": st.booleans(),
    }
    frame = {}
    for column in columns:
        cells = kinds[draw(st.sampled_from(sorted(kinds)))]
        frame[column.name] = [draw(cells) for _ in range(rows)]
    frame |= {"n": list(range(rows)), "y": ["uv"[row % 2] for row in range(rows)]}
    out = io.BytesIO()
    try:
        pd.DataFrame(frame).to_parquet(out, index=False)
    except (UnicodeEncodeError, ValueError):  # an unpaired surrogate cannot be written
        return _parquet(draw, columns, rows)
    return out.getvalue()


def model_of(landed: Landed, root: Path) -> ModelConfig:
    """The model that the file is landed for, read from a model.yml."""
    names = {"categories": "values", "date_format": "format"}
    keys = ("type", "categories", "missing", "decimal", "thousands", "date_format")
    columns: dict[str, Any] = {}
    for column in landed.columns:
        settings = {names.get(key, key): getattr(column, key) for key in keys}
        columns[column.name] = {k: v for k, v in settings.items() if v not in (None, ())}
        columns[column.name]["max_missing_percent"] = 100
    columns |= {"n": {"type": "integer"}, "y": {"type": "category", "values": ["u", "v"]}}
    data = {"min_rows": 1, "max_duplicate_rows_percent": 100, "columns": columns}
    data |= {"format": "parquet"} if landed.is_parquet else {"separator": landed.separator}
    folder = root / "fuzz"
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.py").write_text("def build(params): ...")
    document = {"name": "fuzz", "task": "classification", "target": "y", "data": data}
    text = json.dumps(document | {"gate": {"floors": {"accuracy": 0.1}}}, ensure_ascii=False)
    (folder / "model.yml").write_text(text, encoding="utf-8")
    return read_model("fuzz", root)


def differences(landed: Landed, root: Path) -> list[str]:
    """Where two readers of the file disagree; empty where they read or refuse alike."""
    config = model_of(landed, root)
    content = landed.content
    report = check_file(
        io.BytesIO(content), file="a", config=config, size_bytes=len(content), limit_bytes=None
    )
    path = root / "a"
    path.write_bytes(content)
    pin = Pin(path="a", sha256="", rows=report.rows, source="a")
    try:
        raw = pd.concat(open_file(io.BytesIO(content), config.data).chunks, ignore_index=True)
    except UnreadableFile as exc:
        try:
            read_rows(path, pin, config)
        except PinMismatchError:
            return [] if exc.finding in report.findings else ["data tests say another reason"]
        return ["training reads what the data tests cannot read"]
    trained = read_rows(path, pin, config)
    found = []
    for column in landed.columns:
        refused = sum(
            finding.count
            for finding in report.findings
            if finding.column == column.name
            and finding.test in _REFUSED
            and "decimals or thousands" not in finding.value
        )
        cells = raw[column.name].tolist()
        found += _endpoint_differs(cells, trained[column.name], column, refused)
        if column.type != "date":
            found += _drift_differs(raw[column.name], trained[column.name], column.name, config)
    return found


def _endpoint_differs(
    cells: Sequence[Any], trained: pd.Series, column: ColumnContract, refused: int
) -> list[str]:
    kind = _ENDPOINT_TYPES.get(column.type, "string")
    signature = (Column(column.name, kind, required=False),)
    schema = RowSchema(signature, None, 1, contracts={column.name: column})
    found, bad = [], 0
    for cell, expected in zip(cells, trained, strict=True):
        sent = None if _is_missing(cell) else cell
        try:
            rows = parse_rows(json.dumps({"data": [{column.name: sent}]}).encode(), schema)
        except BadRequestError:
            bad += 1
            continue
        answer = rows.columns[column.name][0]
        if not _same(answer, expected):
            found.append(f"endpoint reads {cell!r} as {answer!r}, training as {expected!r}")
    if bad != refused:
        found.append(f"endpoint refuses {bad} cells of {cells!r}, the data tests {refused}")
    return found


def _drift_differs(raw: pd.Series, trained: pd.Series, name: str, config: ModelConfig) -> list[str]:
    column = Comparable.of_model(name, config)
    values = [None if _is_missing(cell) else cell for cell in raw.tolist()]
    found = []
    for reader, cells in (
        ("labels", cells_of(raw, column).array.to_pylist()),
        ("requests", cells_of_json(values, column).array.to_pylist()),
    ):
        for cell, expected, counted in zip(raw, trained, cells, strict=True):
            if _is_missing(expected) and not _is_missing(counted) and column.is_number:
                continue  # a fraction among whole numbers is counted, since it may drift
            if not _same(counted, expected):
                found.append(f"{reader} read {cell!r} as {counted!r}, training as {expected!r}")
    return found


def _is_missing(cell: Any) -> bool:
    return cell is None or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell))


def _same(one: Any, other: Any) -> bool:
    if _is_missing(one) or _is_missing(other):
        return _is_missing(one) and _is_missing(other)
    return one == other or (isinstance(one, str) and one == as_text(other))
