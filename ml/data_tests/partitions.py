"""Values that the folders of an export hold: `country=DE/part-0.csv`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from ml.data_tests.raw_file import RawFile
    from ml.model_config import DataContract

_MISSING: Final = "__HIVE_DEFAULT_PARTITION__"


def partition_values(path: str) -> dict[str, str]:
    """A text for each column that a folder of the path names; "" where it is missing.

    Args:
        path: as `shared.domain.landing.partition_folder` writes it, with a file's name.
    """
    named = (part.partition("=") for part in path.split("/")[:-1])
    values = {_decoded(name): _decoded(value) for name, sign, value in named if sign}
    return {name: "" if value == _MISSING else value for name, value in values.items()}


def with_partition_columns(file: RawFile, path: str, contract: DataContract) -> RawFile:
    """The file with a column for each value in its path that the contract has and it lacks."""
    found = partition_values(path)
    named = zip(contract.present_names(list(found)), found.values(), strict=True)
    values = {
        name: value for name, value in named if name in contract.columns and name not in file.header
    }
    if not values:
        return file
    return replace(file, header=(*file.header, *values), chunks=_filled(file.chunks, values))


def _filled(chunks: Iterator[pd.DataFrame], values: Mapping[str, str]) -> Iterator[pd.DataFrame]:
    for chunk in chunks:
        yield chunk.assign(**{name: [value] * len(chunk) for name, value in values.items()})


def _decoded(text: str) -> str:
    return unquote(text.replace("+", "%"))
