"""What a file is that is not the table it should be."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ml.data_tests.report import Finding


class Kind(NamedTuple):
    """A kind of file, as it follows `the file is`, and what to do."""

    words: str
    remedy: str

    def finding(self, wanted: str) -> Finding:
        """The file is of this kind, not of the one wanted."""
        return Finding("format", None, f"the file is {self.words}", wanted, self.remedy)


_UNPACK: Final = "unpack it, or pack it with gzip"
_EXPORT: Final = "export the table as CSV UTF-8"
_BINARY: Final = (
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an Excel workbook (.xls)",
        "save the sheet as CSV UTF-8",
    ),
    (b"%PDF", "a PDF document", _EXPORT),
    (b"BZh", "bzip2", _UNPACK),
    (b"\xfd7zXZ\x00", "xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "zstd", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"ORC", "ORC", _EXPORT),
    (b"Obj\x01", "Avro", _EXPORT),
    (b"ARROW1", "Feather (Arrow)", _EXPORT),
    (b"SQLite format 3\x00", "a SQLite database", _EXPORT),
    (b"\x89HDF", "HDF5", _EXPORT),
    (b"\x80\x04\x95", "a Python pickle", _EXPORT),
    (b"\x80\x05\x95", "a Python pickle", _EXPORT),
    (b"{\\rtf", "a text document (RTF)", _EXPORT),
)
_TAR: Final = (257, b"ustar")
_AGAIN: Final = "download the file itself, then drop it again"
_TEXT: Final = (
    (
        re.compile(r"version https://git-lfs\.github\.com/spec/"),
        Kind("a Git LFS pointer, not the file", "run git lfs pull, then drop the file itself"),
    ),
    (
        re.compile(r"<(!doctype\s+html|html|head|body|script|meta|table)\b", re.IGNORECASE),
        Kind("a web page, perhaps one that asks to sign in", _AGAIN),
    ),
    (
        re.compile(r"<\?xml\b.*urn:schemas-microsoft-com:office:spreadsheet", re.DOTALL),
        Kind("a spreadsheet saved as XML", "save the sheet as CSV UTF-8"),
    ),
    (
        re.compile(r"(<\?xml\b[^>]*>\s*)?<(\w+:)?error\b", re.IGNORECASE),
        Kind("the error answer of a storage service (XML)", _AGAIN),
    ),
    (re.compile(r"<\?xml\b"), Kind("XML", _EXPORT)),
    (
        re.compile(r'\{\s*"(error|code|message|odata\.error)"', re.IGNORECASE),
        Kind("the error answer of a service (JSON)", _AGAIN),
    ),
    (re.compile(r'\{\s*["}]|\[\s*[\[{"\d\]-]'), Kind("JSON", _EXPORT)),
)


def binary_kind(start: bytes) -> Kind | None:
    """What a file with these first bytes is, if it is no text that could be CSV."""
    offset, magic = _TAR
    if start[offset : offset + len(magic)] == magic:
        return Kind("a tar archive", "unpack it, and drop each file by itself")
    for magic, words, remedy in _BINARY:
        if start.startswith(magic):
            return Kind(words, remedy)
    return None


def text_kind(head: str) -> Kind | None:
    """What a text is whose first line names no known column."""
    text = head.lstrip()
    return next((kind for pattern, kind in _TEXT if pattern.match(text)), None)
