"""Bytes -> lines of text; what is not text ends the reading exactly where it stands."""

from __future__ import annotations

import codecs
import io
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final

from ml.data_tests.raw_file import UnreadableFile
from ml.data_tests.report import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK_BYTES: Final = 1 << 16
LONGEST_LINE: Final = 1 << 25
_HEAD_BYTES: Final = 1 << 14
# UTF-32's mark begins with UTF-16's.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)


class TextLines:
    r"""Lines with their ends (`\n`, `\r\n` or `\r`) of what a byte order mark or the caller says.

    Iterating raises UnreadableFile after the last whole line before the bad place.

    Args:
        source: seekable, read from its start.
        encoding: of text without a byte order mark.

    Raises:
        UnreadableFile: it is UTF-8 though another encoding is stated.

    Attributes:
        head: the start of the text, for a look at what it is.
        unended: whether the last line has no line end; known once all lines are read.
    """

    def __init__(self, source: BinaryIO, encoding: str = "utf-8") -> None:
        start = source.read(_HEAD_BYTES)
        mark, self._codec, self._word = next(
            (known for known in _MARKS if start.startswith(known[0])),
            (b"", encoding, "UTF-8" if encoding == "utf-8" else encoding.capitalize()),
        )
        if not mark and encoding != "utf-8" and _is_utf_8(start):
            raise UnreadableFile(_is_not(self._word))
        self.head = start[len(mark) :].decode(self._codec, errors="replace")
        self.unended = False
        source.seek(len(mark))
        self._source = source

    def __iter__(self) -> Iterator[str]:
        # Whole blocks of lines are handed on in C: a generator a line costs half of the speed.
        return chain.from_iterable(self._blocks())

    def _blocks(self) -> Iterator[Iterator[str]]:
        decoder = codecs.getincrementaldecoder(self._codec)()
        begun: list[str] = []  # a line without its end yet
        while True:
            block = self._source.read(_BLOCK_BYTES)
            text, bad = self._decoded(decoder, block)
            cut = _after_last_line_end(text)
            if cut:
                yield io.StringIO("".join((*begun, text[:cut])), newline="")
                begun = []
            begun.append(text[cut:])
            if bad is None and sum(map(len, begun)) > LONGEST_LINE:
                bad = _long_line()
            if bad is not None:
                raise UnreadableFile(bad)
            if not block:
                break
        last = "".join(begun)
        self.unended = bool(last) and not last.endswith(("\n", "\r"))
        yield io.StringIO(last, newline="")

    def _decoded(
        self, decoder: codecs.IncrementalDecoder, block: bytes
    ) -> tuple[str, Finding | None]:
        """The text up to what is not text, and what that is."""
        bad = None
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as exc:
            text = exc.object[: exc.start].decode(self._codec)
            bad = self._cut() if not block else self._not_text()
        if "\0" in text:
            return text[: text.index("\0")], _nul()
        return text, bad

    def _cut(self) -> Finding:
        return Finding(
            "truncated",
            None,
            "the file ends inside a character",
            f"whole {self._word} text",
            "the file was cut off: send it again",
        )

    def _not_text(self) -> Finding:
        remedy = "save the file as UTF-8 and send it again"
        if self._codec == "utf-8":
            remedy += (
                "; it is probably Windows-1252 or Latin-1 text: if every export is, set "
                "data.encoding: windows-1252 in model.yml"
            )
        return Finding("encoding", None, f"bytes that are not {self._word}", self._word, remedy)


def _is_utf_8(start: bytes) -> bool:
    """Whether it holds characters beyond ASCII as UTF-8 has them; no text of one byte each does."""
    try:
        return not codecs.getincrementaldecoder("utf-8")().decode(start).isascii()
    except UnicodeDecodeError:
        return False


def _is_not(word: str) -> Finding:
    remedy = "set data.encoding: utf-8 in model.yml, or export the file as before"
    return Finding("encoding", None, "the text is UTF-8", word, remedy)


def _after_last_line_end(text: str) -> int:
    cut = text.rfind("\n") + 1
    # The last character may be the first half of a `\r\n`.
    return cut or text.rfind("\r", 0, len(text) - 1) + 1


def _nul() -> Finding:
    return Finding(
        "encoding",
        None,
        "NUL bytes",
        "text",
        "save the file as UTF-8; it may be UTF-16 without its byte order mark, or damaged",
    )


def _long_line() -> Finding:
    return Finding(
        "fields",
        None,
        f"a line of more than {LONGEST_LINE:,} characters",
        f"{LONGEST_LINE:,} characters",
        "end each row with a line end",
    )
