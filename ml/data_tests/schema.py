"""Compares the columns of a file with those of the contract."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Final

from ml.data_tests.header import case_remedy, is_nameless
from ml.data_tests.report import FIRST_ROWS, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.model_config import DataContract

# What pandas and pyarrow call an index that was written with the columns.
_INDEX: Final = re.compile(r"Unnamed: \d+|__index_level_\d+__")
_WITHOUT_TARGET: Final = (
    "add it: it is the target, and nothing can be learnt from rows whose outcome is not known; "
    "rows to be predicted are sent to the endpoint instead"
)
_WITHOUT_INDEX: Final = "write a data frame without its index (index=False)"


def schema_findings(header: Sequence[str], contract: DataContract, *, target: str) -> list[Finding]:
    """Findings for missing, renamed and extra columns; order does not matter."""
    missing = [name for name in contract.columns if name not in header]
    extra = [name for name in header if name not in contract.columns]
    findings = []
    for name in missing:
        renamed = _renamed(name, extra)
        parts = contract.columns[name].parts
        if parts and (absent := [part for part in parts if part not in header]):
            findings.append(_without_parts(name, parts, absent))
            extra = [other for other in extra if other not in parts]
        elif renamed is None:
            remedy = _WITHOUT_TARGET if name == target else "add the column"
            findings.append(Finding("schema", name, "is missing", "the column", remedy))
        else:
            extra.remove(renamed)
            findings.append(
                Finding(
                    "schema",
                    name,
                    f"is missing; column {renamed} {_likeness(name, renamed)}",
                    "the name as in the contract",
                    case_remedy()
                    if name.casefold() == renamed.casefold()
                    else f"did you mean {name}? Rename {renamed} back, or write was: [{name}] at "
                    f"column {renamed} in model.yml if it has a new name now",
                )
            )
    if contract.extra_columns == "refuse":
        findings += _extra_findings(extra)
    return findings


def _without_parts(name: str, parts: Sequence[str], absent: Sequence[str]) -> Finding:
    return Finding(
        "schema",
        name,
        f"is joined from {' and '.join(parts)}; {', '.join(absent)} is missing",
        "the columns it is joined from",
        "add them to the file, or mend from at the column in model.yml",
    )


def _extra_findings(extra: Sequence[str]) -> list[Finding]:
    findings = [
        Finding(
            "schema",
            name,
            "is a data frame's index, not in the contract"
            if _INDEX.fullmatch(name)
            else "is not in the contract",
            "known columns only",
            f"{_WITHOUT_INDEX}, or set data.extra_columns: ignore in model.yml"
            if _INDEX.fullmatch(name)
            else "remove it, or add it to data.columns in model.yml",
        )
        for name in extra
        if not is_nameless(name)
    ]
    nameless = [name.strip("()") for name in extra if is_nameless(name)]
    if nameless:
        more = ", …" if len(nameless) > FIRST_ROWS else ""
        shown = ", ".join(nameless[:FIRST_ROWS]) + more
        findings.append(
            Finding(
                "schema",
                None,
                f"{shown} has no name" if len(nameless) == 1 else f"{shown} have no name",
                "a name for every column",
                f"remove separators at the end of lines; {_WITHOUT_INDEX}; or set "
                "data.extra_columns: ignore in model.yml",
                count=len(nameless),
            )
        )
    return findings


def _likeness(name: str, other: str) -> str:
    if name.casefold() == other.casefold():
        return "differs in upper and lower case only"
    return "looks like it"


def _renamed(name: str, among: Sequence[str]) -> str | None:
    """The extra column that the missing one was probably renamed to."""
    plain = {_plain(other): other for other in among}
    if _plain(name) in plain:
        return plain[_plain(name)]
    near = difflib.get_close_matches(_plain(name), list(plain), n=1, cutoff=0.75)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
