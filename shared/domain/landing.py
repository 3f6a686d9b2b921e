"""What the path of a landed blob says: data, a mark of a tool, part of a table, partitions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from shared.domain.value import Value, value

if TYPE_CHECKING:
    from collections.abc import Iterator

LANDING = "landing"  # the container that files are dropped into
_LOGS = {"_delta_log": "Delta", ".hoodie": "Hudi"}
_ICEBERG_FOLDER = "metadata"
_ICEBERG_FILE = re.compile(r".*\.metadata\.json|snap-.*\.avro|.*-m\d+\.avro|version-hint\.text")
_ICEBERG_DATA = "data"
_FOLDER_OF_HADOOP = "_$folder$"
_LONGEST_PARTITION = 400


def holds_no_data(path: str, size_bytes: int) -> bool:
    """Whether a blob is what tools leave beside data: a mark, a folder, an empty part.

    Spark, Databricks and Data Factory write `_SUCCESS`, `_started_…`, `_committed_…`, `.crc` and
    parts of 0 bytes; an account with a hierarchical namespace lists each folder as a blob of 0
    bytes. An empty file with a suffix was dropped by a person: that is worth a finding.

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


@value
class Table(Value):
    """A table whose log says which of the files beside it are rows; some of them are removed."""

    kind: str  # Delta, Iceberg or Hudi
    folder: str  # inside landing, with a slash at its end

    @property
    def alert(self) -> str:
        """The key of the alert that refuses it, once."""
        return f"table:{LANDING}/{self.folder}"

    @property
    def words(self) -> str:
        """As it is called in a sentence."""
        article = "an" if self.kind == "Iceberg" else "a"
        return f"{article} {self.kind} table"

    def contains(self, path: str) -> bool:
        """Whether a blob is a part of it.

        Where the table lies in the model's own folder, files of people lie there too: only what
        tables write is a part of it.
        """
        return path.startswith(self.folder) and _written_by_tables(self.folder, path)


def table_of(path: str) -> Table | None:
    """The table whose log a blob is a part of."""
    folders = path.split("/")[:-1]
    for place, folder in enumerate(folders):
        if place and folder in _LOGS:
            return Table(_LOGS[folder], "".join(f"{part}/" for part in folders[:place]))
    if len(folders) > 1 and folders[-1] == _ICEBERG_FOLDER:
        name = path.rpartition("/")[2]
        if _ICEBERG_FILE.fullmatch(name):
            return Table("Iceberg", "".join(f"{part}/" for part in folders[:-1]))
    return None


def alerts_of_tables(path: str) -> Iterator[str]:
    """Keys of the alerts that refuse a table, for each folder whose table a blob may be part of."""
    folder = ""
    for part in path.split("/")[:-1]:
        folder += f"{part}/"
        table = Table("", folder)
        if table.contains(path):
            yield table.alert


def _written_by_tables(folder: str, path: str) -> bool:
    if folder.count("/") > 1:
        return True
    first, below, _ = path.removeprefix(folder).partition("/")
    if below:
        return "=" in first or first in {*_LOGS, _ICEBERG_FOLDER, _ICEBERG_DATA}
    return first.startswith("part-")


def _escaped(text: str) -> str:
    return quote(unquote(text), safe="").replace("%", "+")
