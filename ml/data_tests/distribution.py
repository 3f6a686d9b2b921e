"""Limits on a whole column. A shift within the contract passes: that is for drift checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml.data_tests.report import Finding, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ml.data_tests.tally import ColumnTally
    from ml.model_config import ColumnContract, ModelConfig


def distribution_findings(
    tallies: Mapping[str, ColumnTally], rows: int, config: ModelConfig
) -> list[Finding]:
    """Columns stuck on one value, and a target without values."""
    findings = []
    for name, tally in tallies.items():
        contract = config.column(name)
        if name == config.target:
            findings += _target(contract, tally, rows)
        limit = contract.max_same_percent
        if limit is not None and rows and 100 * tally.most_frequent / rows > limit:
            findings.append(
                Finding(
                    "distribution",
                    name,
                    f"one value fills {percent(tally.most_frequent, rows)} of the rows",
                    f"{limit:g} %",
                    "look for a stuck source or a default value",
                    count=tally.most_frequent,
                )
            )
    return findings


def _target(contract: ColumnContract, tally: ColumnTally, rows: int) -> list[Finding]:
    """A file of one class is data: whether the target varies is asked of all training rows."""
    if tally.values or tally.refused or not rows:
        return []  # cells of another type have their own finding
    return [
        Finding(
            "target",
            contract.name,
            "no row has a value",
            "a value in some row",
            "nothing can be learnt from it: send rows whose outcome is known",
            count=rows,
        )
    ]
