"""The wording about files: what became of them, what waits, what the data set lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.data import DataTested, quarantine_report
from shared.domain.retraining import ReasonKind, kinds_in_words
from shared.domain.wording import LONGEST_NAME, capital, ended, listed, plural, short

if TYPE_CHECKING:
    from collections.abc import Collection


def first_drop(model: str) -> str:
    return f"No file has arrived. Drop one into landing/{model}/ - the first one trains version 1."


def no_data(tested: DataTested | None) -> str:
    """Nothing to train on, and what became of this cycle's files."""
    if tested is None:
        what = ""
    elif tested.quarantined:
        what = f" {quarantine_report(tested)}"
    else:
        what = f" {all_superseded(tested)}"
    return (
        f"Not retrained: no file has passed its tests yet.{what} The first one that does trains "
        "version 1."
    )


def all_withdrawn() -> str:
    return (
        "Not retrained: the data set is empty, since all its files were withdrawn. The next file "
        "that passes its tests is trained on."
    )


def quarantined(file_name: str, findings: Collection[str]) -> str:
    """One file's findings; at most three are spelt out."""
    first = [short(finding) for finding in list(findings)[:3]]
    more = len(findings) - len(first)
    tail = f"; and {more:,} more" if more > 0 else ""
    return ended(f"File {short(file_name, LONGEST_NAME)} quarantined: {'; '.join(first)}{tail}")


def finding(sentence: str, remedy: str) -> str:
    """What a data test found in a file, and what to do about it."""
    return f"{sentence}; {remedy}"


def not_tested(why: str) -> str:
    """A job should have tested a large file and did not."""
    return f"{why}; look at its log, then send the file again"


def all_superseded(fact: DataTested) -> str:
    return (
        f"{plural(fact.superseded, 'file')} superseded: overwritten or deleted before "
        "being read; the newer content is used instead."
    )


def files_wait(count: int) -> str:
    """Added where a cycle fails before its files were used."""
    subject = "Its file waits" if count == 1 else f"Its {count:,} files wait"
    return f"{subject} for the next cycle; a request by hand starts one."


def waiting(kinds: Collection[ReasonKind], arrivals: int) -> str:
    files = plural(arrivals, "file") if arrivals else ""
    others = kinds_in_words([kind for kind in kinds if kind is not ReasonKind.DATA])
    what = listed([part for part in (files, others) if part])
    return f"{capital(what)} waiting for the next cycle."
