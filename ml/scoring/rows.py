"""Parses the body of a scoring request into checked columns."""

from __future__ import annotations

import difflib
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ml.scoring.cells import CellCheck, is_text, shown
from ml.scoring.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ml.model_config import ColumnContract
    from ml.model_folder.signature import Column

_MOST_ID_CHARACTERS = 1024
_SHOWN_KEYS = 5
_RECORDS = "data"
_SPLIT = "input_data"
_FORMS = (
    'send {"data": [{"column": value, …}, …]} or '
    '{"input_data": {"columns": […], "index": […], "data": [[…], …]}}'
)


@dataclass(frozen=True, slots=True)
class RowSchema:
    """The columns and rows that a request may hold.

    Args:
        columns: the model's inputs, in the model's order.
        id_column: optional in a request, returned unchanged, never a feature; None if unused.
        max_rows: largest number of rows in one request.
        contracts: how cells of a column are read; none of those that came without.
    """

    columns: tuple[Column, ...]
    id_column: str | None
    max_rows: int
    contracts: Mapping[str, ColumnContract] = field(default_factory=dict)
    checks: Mapping[str, CellCheck] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Make the readers once: a request is a few rows."""
        checks = {c.name: CellCheck(c, self.contracts.get(c.name)) for c in self.columns}
        object.__setattr__(self, "checks", checks)


@dataclass(frozen=True, slots=True)
class Rows:
    """Checked rows, by column. `columns` has the schema's names and order."""

    count: int
    columns: Mapping[str, list[Any]]
    ids: list[str | int] | None


def parse_rows(body: bytes, schema: RowSchema) -> Rows:
    """Read and check a request's body.

    Raises:
        BadRequestError: not JSON, not one of the two forms, or a column at fault.
    """
    document = _document(body)
    if set(document) == {_RECORDS}:
        count, columns = _from_records(document[_RECORDS], schema)
    elif set(document) == {_SPLIT}:
        count, columns = _from_split(document[_SPLIT], schema)
    else:
        keys = ", ".join(map(shown, itertools.islice(document, _SHOWN_KEYS))) or "none"
        raise BadRequestError("unknown_format", f"the body has the keys {keys}; {_FORMS}")
    ids = columns.pop(schema.id_column, None) if schema.id_column else None
    if ids is not None and schema.id_column:
        _check_ids(ids, schema.id_column)
    checked = {
        name: check.check(columns.get(name, [None] * count))
        for name, check in schema.checks.items()
    }
    return Rows(count=count, columns=checked, ids=ids)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body, object_pairs_hook=_unique)
    except UnicodeDecodeError as exc:
        raise BadRequestError(
            "not_json", f"the body is not UTF-8 at byte {exc.start}; {_FORMS}"
        ) from exc
    except RecursionError as exc:
        raise BadRequestError("not_json", f"the body is nested too deeply; {_FORMS}") from exc
    except ValueError as exc:
        raise BadRequestError("not_json", f"the body is not JSON: {exc}; {_FORMS}") from exc
    if not isinstance(document, dict):
        raise BadRequestError("unknown_format", f"the body is not a JSON object; {_FORMS}")
    return document


def _first_repeated(names: Iterable[str]) -> str | None:
    """The first name that occurs again, found in one pass: a caller may send a million names."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Python keeps the last of two, other parsers the first: the request is ambiguous.
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = _first_repeated(key for key, _ in pairs)
        raise BadRequestError(
            "duplicate_column", f"{shown(twice)} is given twice in one object", column=twice
        )
    return found


def _from_records(rows: Any, schema: RowSchema) -> tuple[int, dict[str, list[Any]]]:
    if not isinstance(rows, list):
        raise BadRequestError("unknown_format", f"'data' is not a list; {_FORMS}")
    _check_count(len(rows), schema)
    if not isinstance(rows[0], dict):
        raise BadRequestError("unknown_format", f"row 0 is {shown(rows[0])}; {_FORMS}")
    names = list(rows[0])
    _check_names(names, schema)
    first = rows[0].keys()
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise BadRequestError("unknown_format", f"row {number} is {shown(row)}; {_FORMS}")
        if row.keys() != first:
            odd = min(row.keys() ^ first)
            raise BadRequestError(
                "uneven_rows",
                f"column '{odd}' is in some rows only (row {number} differs from row 0); send "
                "the same columns in every row, null where a value is missing",
                column=odd,
            )
    return len(rows), {name: [row[name] for row in rows] for name in names}


def _from_split(table: Any, schema: RowSchema) -> tuple[int, dict[str, list[Any]]]:
    if not isinstance(table, dict) or not {"columns", "data"} <= set(table) <= {
        "columns",
        "index",
        "data",
    }:
        raise BadRequestError(
            "unknown_format", f"'input_data' needs 'columns' and 'data'; {_FORMS}"
        )
    names, data, index = table["columns"], table["data"], table.get("index")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadRequestError("unknown_format", f"'columns' is not a list of names; {_FORMS}")
    if not isinstance(data, list):
        raise BadRequestError("unknown_format", f"'data' is not a list of rows; {_FORMS}")
    _check_count(len(data), schema)
    twice = _first_repeated(names)
    if twice is not None:
        raise BadRequestError(
            "duplicate_column", f"column '{twice}' is named twice; name it once", column=twice
        )
    _check_names(names, schema)
    for number, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(names):
            raise BadRequestError(
                "uneven_rows",
                f"row {number} is not a list of {len(names)} values, one for each column",
            )
    if index is not None and (not isinstance(index, list) or len(index) != len(data)):
        raise BadRequestError(
            "uneven_rows", f"'index' is not a list of {len(data)} entries, one for each row"
        )
    return len(data), {name: [row[at] for row in data] for at, name in enumerate(names)}


def _check_count(count: int, schema: RowSchema) -> None:
    if count == 0:
        raise BadRequestError("no_rows", f"the request has no rows; {_FORMS}")
    if count > schema.max_rows:
        raise BadRequestError(
            "too_many_rows",
            f"the request has {count:,} rows, limit {schema.max_rows:,}; send them in parts",
        )


def _check_names(names: Sequence[str], schema: RowSchema) -> None:
    known = [column.name for column in schema.columns]
    missing = [
        column.name for column in schema.columns if column.required and column.name not in names
    ]
    extra = [name for name in names if name not in known and name != schema.id_column]
    if extra:
        similar = difflib.get_close_matches(extra[0].lower(), [n.lower() for n in missing], n=1)
        wanted = next((name for name in missing if name.lower() in similar), None)
        remedy = (
            f"did you mean '{wanted}'?" if wanted else f"leave it out; known: {', '.join(known)}"
        )
        raise BadRequestError(
            "unknown_column", f"column '{extra[0]}' is unknown; {remedy}", column=extra[0]
        )
    if missing:
        raise BadRequestError(
            "missing_column",
            f"column '{missing[0]}' is missing ({len(missing)} of {len(known)} are); send: "
            f"{', '.join(known)}",
            column=missing[0],
        )


def _check_ids(ids: list[Any], column: str) -> None:
    for row, value in enumerate(ids):
        if not _is_id(value):
            raise BadRequestError(
                "wrong_type",
                f"column '{column}', row {row}: {shown(value)} is not a row id; send a text of at "
                f"most {_MOST_ID_CHARACTERS} characters or a whole number of 64 bits, or leave "
                "the column out of all rows",
                column=column,
            )


def _is_id(value: object) -> bool:
    # Readers of the collected rows take neither longer integers nor unpaired surrogates.
    if isinstance(value, str):
        return len(value) <= _MOST_ID_CHARACTERS and is_text(value)
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
