"""A landed file -> chunks of raw rows. Unreadable content is a finding; nothing is guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from ml.data_tests.csv_file import open_csv
from ml.data_tests.parquet_file import open_parquet
from ml.data_tests.raw_file import RawFile, UnreadableFile
from ml.data_tests.report import Finding

if TYPE_CHECKING:
    from ml.model_config import DataContract

_MAGIC: Final = {
    b"PAR1": "parquet",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


def open_file(source: BinaryIO, contract: DataContract) -> RawFile:
    """Read the header and prepare the chunks.

    Args:
        source: seekable; read once, from its start.
        contract: says the format, the separator and the columns to expect.

    Raises:
        UnreadableFile: empty, another format, not UTF-8, other separator, no usable header, or a
            column of a type that cannot be read as the contract's.
    """
    start = source.read(4)
    source.seek(0)
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
    seen = next((word for magic, word in _MAGIC.items() if start.startswith(magic)), None)
    if seen not in (None, contract.format) or (seen is None and contract.format == "parquet"):
        raise UnreadableFile(
            Finding(
                "format",
                None,
                f"the file is {seen or 'not parquet'}",
                contract.format,
                f"save it as {contract.format}" + (", UTF-8" if contract.format == "csv" else ""),
            )
        )
    return (
        open_parquet(source, contract)
        if contract.format == "parquet"
        else open_csv(source, contract)
    )
