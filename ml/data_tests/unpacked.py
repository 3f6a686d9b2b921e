"""gzip and zip: the one file inside, read as a stream and not beyond a limit."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

from ml.data_tests.raw_file import UnreadableFile, too_large
from ml.data_tests.report import Finding

if TYPE_CHECKING:
    from typing import IO

    from _typeshed import WriteableBuffer

# Rows of text become at most some dozen times smaller; a bomb becomes a thousand times so.
_MOST_TIMES: Final = 200
_ALWAYS_BYTES: Final = 100 * 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OFFICE: Final = {
    "xl/workbook.xml": "an Excel workbook",
    "xl/workbook.bin": "an Excel workbook",
    "word/document.xml": "a Word document",
    "content.xml": "an OpenDocument spreadsheet or text",
}
_DAMAGE: Final = (EOFError, OSError, zlib.error, zipfile.BadZipFile, NotImplementedError)


def packed_as(start: bytes) -> str | None:
    """The way in which a file of that start is packed."""
    if start.startswith(_GZIP):
        return "gzip"
    return "zip" if start.startswith(_ZIP) else None


def unpacked(source: BinaryIO, packed: str, *, limit_bytes: int | None) -> BinaryIO:
    """The file inside, seekable.

    Args:
        source: at its start.
        packed: `gzip` or `zip`.
        limit_bytes: the most that may be read of it; None: any size, unless it is a bomb.

    Raises:
        UnreadableFile: damaged, several files, an Office document. Reading raises it, too.
    """
    size_bytes = source.seek(0, os.SEEK_END)
    source.seek(0)
    inside = gzip.GzipFile(fileobj=source) if packed == "gzip" else _only_member(source)
    return io.BufferedReader(_Limited(inside, packed, size_bytes, limit_bytes))


class _Limited(io.RawIOBase):
    """Counts what is read and names what is wrong; closing it leaves the packed file open."""

    def __init__(
        self,
        inside: gzip.GzipFile | IO[bytes],
        packed: str,
        packed_bytes: int,
        limit_bytes: int | None,
    ) -> None:
        self._inside = inside
        self._packed = packed
        self._bomb_bytes = max(_ALWAYS_BYTES, _MOST_TIMES * packed_bytes)
        self._limit_bytes = limit_bytes
        self._read_bytes = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._read_bytes = self._inside.seek(offset, whence)
        return self._read_bytes

    def readinto(self, buffer: WriteableBuffer) -> int:
        room = memoryview(buffer).cast("B")
        try:
            content = self._inside.read(len(room))
        except _DAMAGE as exc:
            raise UnreadableFile(_damaged(self._packed)) from exc
        room[: len(content)] = content
        self._read_bytes += len(content)
        if self._read_bytes > self._bomb_bytes:
            raise UnreadableFile(_bomb(self._packed))
        if self._limit_bytes is not None and self._read_bytes > self._limit_bytes:
            raise UnreadableFile(too_large(" unpacked", self._read_bytes, self._limit_bytes))
        return len(content)


def _only_member(source: BinaryIO) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(source)
    except _DAMAGE as exc:
        raise UnreadableFile(_damaged("zip")) from exc
    names = {member.filename for member in archive.infolist()}
    office = next((words for name, words in _OFFICE.items() if name in names), None)
    if office is not None:
        raise UnreadableFile(
            Finding("format", None, f"the file is {office}", "CSV", "save the sheet as CSV UTF-8")
        )
    members = [member for member in archive.infolist() if not _is_extra(member)]
    if len(members) != 1:
        raise UnreadableFile(
            Finding(
                "format",
                None,
                f"the file is a zip of {len(members):,} files",
                "one file",
                "drop each of them by itself, or zip one alone",
            )
        )
    try:
        return archive.open(members[0])
    except RuntimeError as exc:  # so zipfile says that it asks for a password
        raise UnreadableFile(
            Finding(
                "format",
                None,
                "the zip is protected by a password",
                "a file that can be read",
                "zip it without a password",
            )
        ) from exc
    except _DAMAGE as exc:
        raise UnreadableFile(_damaged("zip")) from exc


def _is_extra(member: zipfile.ZipInfo) -> bool:
    """A folder, or what macOS puts beside the files."""
    name = member.filename
    return member.is_dir() or name.startswith("__MACOSX/") or name.rpartition("/")[2][:1] == "."


def _damaged(packed: str) -> Finding:
    return Finding(
        "truncated",
        None,
        f"the {packed} file is damaged or ends early",
        f"a whole {packed} file",
        "send it again",
    )


def _bomb(packed: str) -> Finding:
    return Finding(
        "format",
        None,
        f"the {packed} file unpacks to more than {_MOST_TIMES} times its size",
        f"{_MOST_TIMES} times",
        "send it unpacked",
    )
