"""The `data` section of model.yml: the contract that a landed file must meet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

from ml.collected_data import PREDICTION
from ml.model_config.fields import STRICT, DateFormat, Percent, checked, refusal

if TYPE_CHECKING:
    from pydantic import ValidationInfo

# A text cell that is blank, or one of these words, counts as missing; `missing` names further ones.
MISSING_WORDS: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>")
DecimalSign = Literal[".", ","]
Encoding = Literal["utf-8", "windows-1252", "latin-1"]
ThousandsSign = Literal[".", ",", " ", "'"]
_WHOLE: Final = re.compile(r"[+-]?\d{1,15}")
_NAME: Final = "<name>"  # of a column: the key of its mapping


def _reserved(name: str, _info: ValidationInfo) -> str | None:
    if name == PREDICTION:
        return "is what predictions are collected as; rename the column"
    return None


def _unfit_limit(limit: float, info: ValidationInfo) -> str | None:
    kind, low = info.data.get("type", "number"), info.data.get("minimum")
    if kind not in {"number", "integer"}:
        return f"does not fit type {kind}; remove it or use type number"
    if low is not None and low >= limit:
        return f"{limit:g} is not above min {low:g}; swap or widen them"
    return None


def _unfit_values(values: tuple[str, ...], info: ValidationInfo) -> str | None:
    kind = info.data.get("type", "category")
    if kind not in {"category", "integer"}:
        return f"does not fit type {kind}; use type category or integer"
    if not values:
        return "lists no value; name each, or remove it"
    if len({value.strip() for value in values}) < len(values):
        return "names a value twice; keep one of each"
    if not all(value.strip() for value in values):
        return "lists a blank, which always means missing; remove it"
    return None if kind == "category" else _unfit_numbers(values, info)


def _unfit_numbers(values: tuple[str, ...], info: ValidationInfo) -> str | None:
    if not all(_WHOLE.fullmatch(value) for value in values):
        return "are not whole numbers; write some, or use type category"
    low, high = info.data.get("minimum"), info.data.get("maximum")
    for number in map(int, values):
        if (low is not None and number < low) or (high is not None and number > high):
            return f"{number} lies outside min and max; remove it, or widen them"
    return None


def _format_of_dates(written: Any, info: ValidationInfo) -> Any:
    kind = info.data.get("type", "date")
    if written is not None and kind != "date":
        raise refusal(f"does not fit type {kind}; it belongs to type date")
    return "%Y-%m-%d" if written is None and kind == "date" else written


def _unfit_missing(words: tuple[str, ...], info: ValidationInfo) -> str | None:
    listed = {value.strip() for value in info.data.get("categories") or ()}
    for place, word in enumerate(words):
        if not word.strip():
            return "names a blank, which always means missing; remove it"
        if word in words[:place]:
            return f"names {word!r} twice; keep one"
        if word.strip() in listed:
            return f"{word!r} is listed in values too; keep one of the two"
    return None


def _unfit_sign(_sign: str, info: ValidationInfo) -> str | None:
    kind = info.data.get("type", "number")
    if kind not in {"number", "integer"}:
        return f"does not fit type {kind}; it belongs to numbers"
    return None


def _unfit_thousands(sign: str, info: ValidationInfo) -> str | None:
    if sign == info.data.get("decimal"):
        return f"{sign!r} is the decimal sign as well; change one of the two"
    return None


def _unfit_parts(names: tuple[str, ...], info: ValidationInfo) -> str | None:
    kind = info.data.get("type", "date")
    if kind != "date":
        return f"does not fit type {kind}; only dates are joined"
    if len(set(names)) != len(names) or len(names) < 2:  # noqa: PLR2004 - one is a rename
        return "names fewer than 2 columns; write e.g. [Date, Time]"
    if info.data.get("name") in names:
        return "names the column itself; give the joined date a name of its own"
    return None


def _unfit_former(names: tuple[str, ...], info: ValidationInfo) -> str | None:
    if info.data.get("name") in names:
        return "names the column itself; write the names that it had before"
    return None if len(set(names)) == len(names) else "names a column twice; keep one of each"


Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, config=STRICT)
class ColumnContract:
    """What a column must look like. Percentages are 0-100; limits are inclusive.

    Args:
        missing: words that mean missing besides `MISSING_WORDS`, unless `categories` lists them.
        decimal: of numbers in text; None: not stated, read as a point.
        thousands: between groups of three digits; None: there are none.
        parts: text columns of the file that are joined with one space to make a date.
        former: names that the column had before: a file with one of them is read as if it had this.
    """

    name: Annotated[str, Field(alias=_NAME)]
    type: Literal["number", "integer", "category", "text", "date"]
    _: KW_ONLY
    minimum: Annotated[float | None, Field(alias="min"), checked(_unfit_limit)] = None
    maximum: Annotated[float | None, Field(alias="max"), checked(_unfit_limit)] = None
    categories: Annotated[tuple[str, ...] | None, Field(alias="values"), checked(_unfit_values)] = (
        None
    )
    date_format: Annotated[
        DateFormat | None,
        Field(alias="format", validate_default=True),
        BeforeValidator(_format_of_dates),
    ] = None
    missing: Annotated[Words, checked(_unfit_missing)] = ()
    decimal: Annotated[DecimalSign | None, checked(_unfit_sign)] = None
    thousands: Annotated[ThousandsSign | None, checked(_unfit_sign), checked(_unfit_thousands)] = (
        None
    )
    parts: Annotated[Words | None, Field(alias="from"), checked(_unfit_parts)] = None
    former: Annotated[Words, Field(alias="was"), checked(_unfit_former)] = ()
    max_missing_percent: Percent = 0.0
    max_same_percent: Percent | None = None
    drop: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it is compared by distance rather than by shares of its values."""
        return self.type in {"number", "integer"} and self.categories is None


def _unfit_encoding(_encoding: str, info: ValidationInfo) -> str | None:
    if info.data.get("format") == "parquet":
        return "has no meaning in Parquet; remove it"
    return None


def _unfit_separator(separator: str, info: ValidationInfo) -> str | None:
    if info.data.get("format") == "parquet":
        return "has no meaning in Parquet; remove it"
    if len(separator) != 1:
        return f'{separator!r} is not one character; write e.g. ";"'
    if separator.isalnum() or separator in '"\r\n.+-':
        return f'{separator!r} stands inside values too; write e.g. ";"'
    return None


def _named(columns: Any) -> Any:
    if not isinstance(columns, dict):
        return columns
    if not columns:
        raise refusal("lists no column; name each column of the files")
    return {
        name: {**column, _NAME: name} if isinstance(column, dict) else column
        for name, column in columns.items()
    }


def _with_file_settings(
    columns: Mapping[str, ColumnContract], info: ValidationInfo
) -> Mapping[str, ColumnContract]:
    """Columns with the file's words and signs where they state none of their own."""
    return {name: _completed(column, info.data) for name, column in columns.items()}


def _one_name_a_column(
    columns: Mapping[str, ColumnContract], _info: ValidationInfo
) -> Mapping[str, ColumnContract]:
    of_name = dict.fromkeys(columns, "is a column of its own")
    for name, column in columns.items():
        for former in column.former:
            if former in of_name:
                raise refusal(f"{name}: was names {former!r}, which {of_name[former]}; remove it")
            of_name[former] = f"column {name} was already"
    return columns


def _completed(column: ColumnContract, file: Mapping[str, Any]) -> ColumnContract:
    listed = {value.strip() for value in column.categories or ()}
    more = (word for word in file.get("missing") or () if word.strip() not in listed)
    changes: dict[str, Any] = {"missing": tuple(dict.fromkeys((*column.missing, *more)))}
    if column.type in {"number", "integer"} and not (column.decimal or column.thousands):
        changes |= {"decimal": file.get("decimal"), "thousands": file.get("thousands")}
    return replace(column, **changes)


ColumnName = Annotated[str, checked(_reserved)]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class DataContract:
    """What a landed file must look like to be learnt from.

    Args:
        encoding: of CSV text without a byte order mark, which says it by itself.
        same_name: whether an accepted file takes the place of the earlier one of its name, or
            brings rows that are added to it.
        deleted: whether the rows of a file that is deleted from landing are kept or withdrawn.
        repeated_ids: which row of an id stays where a file has several; refuse: none may have.
    """

    format: Literal["csv", "parquet"] = "csv"
    separator: Annotated[str, checked(_unfit_separator)] = ","
    encoding: Annotated[Encoding, checked(_unfit_encoding)] = "utf-8"
    missing: Annotated[Words, checked(_unfit_missing)] = ()
    decimal: DecimalSign | None = None
    thousands: Annotated[ThousandsSign | None, checked(_unfit_thousands)] = None
    min_rows: Annotated[int, Field(ge=1)] = 20
    max_duplicate_rows_percent: Percent = 5.0
    extra_columns: Literal["refuse", "ignore"] = "refuse"
    same_name: Literal["replace", "add"] = "replace"
    deleted: Literal["keep", "withdraw"] = "keep"
    repeated_ids: Literal["refuse", "newest", "first"] = "refuse"
    columns: Annotated[
        Mapping[ColumnName, ColumnContract],
        BeforeValidator(_named),
        AfterValidator(_with_file_settings),
        AfterValidator(_one_name_a_column),
    ]

    def present_names(self, names: Sequence[str]) -> list[str]:
        """Names of a file's columns; a former name is the present one, unless that is there too."""
        present = list(names)
        for name, column in self.columns.items():
            found = next((former for former in column.former if former in present), None)
            if found is not None and name not in present:
                present[present.index(found)] = name
        return present

    def all_names(self, name: str) -> tuple[str, ...]:
        """Every name that the column of this name, present or former, ever had; this one first."""
        for present, column in self.columns.items():
            if name == present or name in column.former:
                others = (other for other in (present, *column.former) if other != name)
                return (name, *others)
        return (name,)
