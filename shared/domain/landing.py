"""What the path of a landed blob says: data or a mark that a tool left, values of partitions."""

from __future__ import annotations

from urllib.parse import quote, unquote

_FOLDER_OF_HADOOP = "_$folder$"
_LONGEST_PARTITION = 400


def holds_no_data(path: str, size_bytes: int) -> bool:
    """Whether a blob is what tools leave beside data: a mark, a folder, an empty part.

    Spark, Databricks and Data Factory write `_SUCCESS`, `_started_…`, `_committed_…`, `.crc` and
    parts of 0 bytes; an account with a hierarchical namespace lists each folder as a blob of 0
    bytes. An empty file with a suffix is somebody's: that is worth a finding.

    Args:
        path: decoded, inside its container.
        size_bytes: of the blob.
    """
    name = path.rpartition("/")[2]
    if any(part.startswith(("_", ".")) for part in path.split("/")):
        return True
    if not name or name.endswith(_FOLDER_OF_HADOOP):
        return True
    return size_bytes == 0 and ("." not in name or name.startswith("part-"))


def partition_folder(path: str) -> str:
    """The folders that hold values of columns, as Hive and Spark write them; "" if there are none.

    `m/export/country=New%20York/part-0.csv` gives `country=New+20York`: an escape with `+` passes
    URLs, mounts and command lines unchanged. `ml.data_tests.partitions` reads it.
    """
    folders = [part for part in path.split("/")[:-1] if part.partition("=")[1]]
    folder = "/".join("=".join(map(_escaped, part.partition("=")[::2])) for part in folders)
    return folder if len(folder) <= _LONGEST_PARTITION else ""


def _escaped(text: str) -> str:
    return quote(unquote(text), safe="").replace("%", "+")
