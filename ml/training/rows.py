"""Merges pinned files into one table of typed rows, each permanently a training or a test row."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ml.cells.columns import read_frame
from ml.data_tests.raw_file import UnreadableFile
from ml.data_tests.reading import open_file
from ml.errors import PinMismatchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from ml.model_config import ModelConfig
    from ml.step_files import Pin

ROW: Final = "__row__"
CONTENT: Final = "__content__"
_FILE: Final = "__file__"
_HASH_BYTES: Final = 16
_SIDE_RANGE: Final = 2.0**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The usable rows of all files, and the number of rows left out by cause.

    Args:
        rows: with their key in `__row__` and the hash of their content in `__content__`.
        read: rows in the files.
        replaced: rows that another file repeats or updates.
        without_target: rows whose label is missing.
        outside_window: rows older than a sliding window.
    """

    rows: pd.DataFrame
    read: int
    replaced: int
    without_target: int
    outside_window: int


def read_rows(path: Path, pin: Pin, config: ModelConfig) -> pd.DataFrame:
    """The typed rows of one accepted file.

    Raises:
        PinMismatchError: it cannot be read, or its columns or rows are not those accepted.
    """
    columns = {name: column for name, column in config.data.columns.items() if not column.drop}
    with path.open("rb") as source:
        try:
            file = open_file(source, config.data, path=pin.path)
            absent = [name for name in columns if name not in file.header]
            if absent:
                _check_absent(absent, pin, config)
            frames = [read_frame(_with_absent(raw, absent), columns) for raw in file.chunks]
        except UnreadableFile as exc:
            raise PinMismatchError(f"{pin.path} ({pin.source}): {exc}") from exc
    if not frames:  # a part of an export may hold names only
        names = pd.DataFrame(columns=list(file.header), dtype=object)
        frames = [read_frame(_with_absent(names, absent), columns)]
    rows = pd.concat(frames, ignore_index=True)
    if len(rows) != pin.rows:
        raise PinMismatchError(
            f"{pin.path} ({pin.source}) has {len(rows)} rows, accepted were {pin.rows}; "
            "restore the accepted content"
        )
    return rows


def _check_absent(absent: Sequence[str], pin: Pin, config: ModelConfig) -> None:
    """Refuse a file that is older than a column which may not be missing."""
    needed = [
        name
        for name in absent
        if name == config.id or not config.data.columns[name].max_missing_percent
    ]
    if not needed:
        return
    where = f"{pin.path} ({pin.source}) lacks column {', '.join(needed)}, which model.yml has now"
    if config.id in needed:
        remedy = "rows without an id cannot be joined: withdraw the file"
    else:
        remedy = (
            f"set max_missing_percent above 0 at data.columns.{needed[0]} in model.yml and older "
            f"files count as missing there; name it in `was` if it had another name; or withdraw "
            "the file"
        )
    raise PinMismatchError(f"{where}; {remedy}")


def _with_absent(raw: pd.DataFrame, absent: Sequence[str]) -> pd.DataFrame:
    """With columns that the file is older than: all of their cells are missing."""
    return raw.assign(**dict.fromkeys(absent)) if absent else raw


def merge(frames: Iterable[pd.DataFrame], config: ModelConfig) -> Merged:
    """One table of all files, oldest first: usable rows only, sorted by their key.

    With an id, one row of each id stays: the newest file's, and of several in that file the one
    that `data.repeated_ids` names. Without one, a row equal to one of an earlier file
    is the same row exported again and goes; equal rows of one file are different rows.
    """
    table = pd.concat(
        [frame.assign(**{_FILE: number}) for number, frame in enumerate(frames)], ignore_index=True
    )
    read = len(table)
    table[CONTENT] = _hashes(
        table, [name for name in config.data.columns if name in _learnt(config)]
    )
    if config.id is not None:
        table[ROW] = _hashes(table, [config.id])
        kept = _one_of_each_id(table, config)
    else:
        table[ROW] = table[CONTENT]
        first_file = table.groupby(CONTENT)[_FILE].transform("min")
        kept = table[table[_FILE] == first_file]
    with_target = kept[kept[config.target].notna()]
    inside = _inside_window(with_target, config)
    return Merged(
        rows=inside.drop(columns=_FILE).sort_values([ROW, CONTENT], ignore_index=True),
        read=read,
        replaced=read - len(kept),
        without_target=len(kept) - len(with_target),
        outside_window=len(with_target) - len(inside),
    )


def _one_of_each_id(table: pd.DataFrame, config: ModelConfig) -> pd.DataFrame:
    wanted = config.data.repeated_ids
    if wanted == "newest" and config.time is not None:
        # Exports are often sorted the other way round; a row without a time is the oldest.
        table = table.sort_values([_FILE, config.time], kind="stable", na_position="first")
    in_file = table.drop_duplicates([_FILE, ROW], keep="first" if wanted == "first" else "last")
    return in_file.drop_duplicates(ROW, keep="last")


def is_frozen(keys: pd.Series, *, test_percent: float) -> pd.Series:
    """True for test rows, which no version of the model is ever trained on.

    A row's side depends on its key alone, so it is the same in every data version.
    """
    sides = keys.map(
        lambda key: (
            int.from_bytes(
                hashlib.blake2b(key.encode(), digest_size=8, person=b"frozen rows").digest()
            )
            / _SIDE_RANGE
        )
    )
    return sides < test_percent / 100


def _learnt(config: ModelConfig) -> set[str]:
    # Two rows are the same to a model if features and target are.
    return {*config.features, config.target}


def _inside_window(rows: pd.DataFrame, config: ModelConfig) -> pd.DataFrame:
    if config.training.window != "sliding" or config.time is None:
        return rows
    # Counted back from the newest row, not from today: the same files give the same rows.
    since = rows[config.time].max() - pd.Timedelta(days=config.training.window_days or 0)
    inside: pd.DataFrame = rows[rows[config.time] > since]
    return inside


def _hashes(table: pd.DataFrame, columns: list[str]) -> list[str]:
    """A hash of each row's cells, independent of library versions and row order."""
    cells = [_canonical(table[name]) for name in columns]
    return [
        hashlib.blake2b("\x1f".join(row).encode(), digest_size=_HASH_BYTES).hexdigest()
        for row in zip(*cells, strict=True)
    ]


def _canonical(values: pd.Series) -> list[str]:
    if values.dtype.kind == "f":
        return [repr(float(value)) for value in np.asarray(values)]
    return ["" if pd.isna(value) else str(value) for value in values]
