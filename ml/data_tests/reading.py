"""A landed file -> chunks of raw rows. Unreadable content is a finding; nothing is guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from ml.data_tests.csv_file import open_csv
from ml.data_tests.joined import with_joined_dates
from ml.data_tests.kinds import binary_kind, text_kind
from ml.data_tests.parquet_file import open_parquet
from ml.data_tests.partitions import with_partition_columns
from ml.data_tests.raw_file import RawFile, UnreadableFile
from ml.data_tests.report import Finding
from ml.data_tests.unpacked import packed_as, unpacked

if TYPE_CHECKING:
    from ml.model_config import DataContract

_PARQUET: Final = b"PAR1"
_START_BYTES: Final = 4096
_WORDS: Final = {"csv": "CSV", "parquet": "Parquet"}


def open_file(
    source: BinaryIO,
    contract: DataContract,
    *,
    path: str = "",
    unpacked_limit_bytes: int | None = None,
) -> RawFile:
    """Read the header and prepare the chunks.

    Args:
        source: seekable; read once, from its start.
        contract: says the format, the separator and the columns to expect.
        path: of the file; its folders may hold values of columns.
        unpacked_limit_bytes: the most that is read of a packed file; None: any size.

    Raises:
        UnreadableFile: empty, another format, not text, other separator, no usable header, or a
            column of a type that cannot be read as the contract's.
    """
    start = _start(source)
    packed = packed_as(start)
    if packed is not None:
        source = unpacked(source, packed, limit_bytes=unpacked_limit_bytes)
        start = _start(source)
    if not start:
        raise UnreadableFile(
            Finding(
                "empty",
                None,
                "the file has 0 bytes",
                "at least a header and one row",
                "export it again",
            )
        )
    _check_format(start, packed, contract)
    read = open_parquet if contract.format == "parquet" else open_csv
    return with_joined_dates(
        with_partition_columns(read(source, contract), path, contract), contract
    )


def _start(source: BinaryIO) -> bytes:
    start = source.read(_START_BYTES)
    source.seek(0)
    return start


def _check_format(start: bytes, packed: str | None, contract: DataContract) -> None:
    wanted = _WORDS[contract.format]
    if (kind := binary_kind(start)) is not None:
        raise UnreadableFile(kind.finding(wanted))
    if (inner := packed_as(start)) is not None:
        raise UnreadableFile(_of_format(f"{inner} in {packed}", wanted, "pack it once"))
    is_parquet = start.startswith(_PARQUET)
    if is_parquet and packed is not None:
        remedy = "drop the Parquet file itself, its columns are compressed already"
        raise UnreadableFile(_of_format(f"Parquet in {packed}", wanted, remedy))
    if is_parquet is not (contract.format == "parquet"):
        if is_parquet:
            raise UnreadableFile(_of_format("Parquet", wanted, _remedy(contract)))
        kind = text_kind(start.decode("utf-8", "replace"))
        if kind is not None:
            raise UnreadableFile(kind.finding(wanted))
        raise UnreadableFile(_of_format("not Parquet", wanted, _remedy(contract)))


def _remedy(contract: DataContract) -> str:
    return (
        "save it as CSV UTF-8, or set data.format: parquet in model.yml"
        if contract.format == "csv"
        else "save it as Parquet, or set data.format: csv in model.yml"
    )


def _of_format(what: str, wanted: str, remedy: str) -> Finding:
    return Finding("format", None, f"the file is {what}", wanted, remedy)
