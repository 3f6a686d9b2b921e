"""Compares the columns of a file with those of the contract."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from ml.data_tests.report import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.model_config import DataContract


def schema_findings(header: Sequence[str], contract: DataContract) -> list[Finding]:
    """Findings for missing, renamed and extra columns; order does not matter."""
    missing = [name for name in contract.columns if name not in header]
    extra = [name for name in header if name not in contract.columns]
    findings = []
    for name in missing:
        renamed = _renamed(name, extra)
        if renamed is None:
            findings.append(Finding("schema", name, "is missing", "the column", "add the column"))
        else:
            extra.remove(renamed)
            findings.append(
                Finding(
                    "schema",
                    name,
                    f"is missing; column {renamed} looks like it",
                    "the name as in the contract",
                    f"did you mean {name}? Rename {renamed} back",
                )
            )
    if contract.extra_columns == "refuse":
        findings += [
            Finding(
                "schema",
                name,
                "is not in the contract",
                "known columns only",
                "remove it, or add it to data.columns in model.yml",
            )
            for name in extra
        ]
    return findings


def _renamed(name: str, among: Sequence[str]) -> str | None:
    """The extra column that the missing one was probably renamed to."""
    plain = {_plain(other): other for other in among}
    if _plain(name) in plain:
        return plain[_plain(name)]
    near = difflib.get_close_matches(_plain(name), list(plain), n=1, cutoff=0.75)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
