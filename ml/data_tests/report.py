"""The report on one file: columns, counts and limits, never a value of a row."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

_SHOWN_FINDINGS: Final = 3
# The other tests want a form, not a number.
_WITH_LIMIT: Final = frozenset({"size", "rows", "missing", "range", "duplicates", "distribution"})
FIRST_ROWS: Final = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One limit that a file breaks.

    `rows` holds the first affected row numbers, at most three; 1 is the first row of data.
    """

    test: str
    column: str | None
    value: str
    limit: str
    remedy: str
    count: int = 1
    rows: tuple[int, ...] = ()

    @property
    def sentence(self) -> str:
        """The finding as text: `column bmi: 4.2 % missing, limit 1 % (rows 3, 8, 21)`."""
        where = f"column {self.column}: " if self.column else ""
        more = ", …" if self.count > len(self.rows) else ""
        rows = f" ({_rows(self.rows)}{more})" if self.rows else ""
        asked = f", limit {self.limit}" if self.test in _WITH_LIMIT else f"; wanted: {self.limit}"
        return f"{where}{self.value}{asked}{rows}"


@dataclass(frozen=True, slots=True)
class DataTestReport:
    """The verdict on one file.

    Args:
        rows: how many could be read.
        findings: limits that it breaks; it passed where there is none.
        notes: what a person should know of it, whether it passed or not.
        min_rows: that are wanted of all files that arrived together.
    """

    file: str
    model: str
    rows: int
    size_bytes: int
    config_sha256: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    min_rows: int = 1

    @property
    def passed(self) -> bool:
        """Whether the file may be trained on."""
        return not self.findings

    @property
    def sentence(self) -> str:
        """One line: `passed, 442 rows`, or the first findings and how many more there are."""
        if self.passed:
            notes = "".join(f"; note: {note}" for note in self.notes)
            return f"{self.file}: passed, {self.rows:,} rows{notes}"
        shown = [finding.sentence for finding in self.findings[:_SHOWN_FINDINGS]]
        rest = len(self.findings) - len(shown)
        more = f"; {rest} more finding{'s' if rest > 1 else ''}" if rest else ""
        return f"{self.file}: {'; '.join(shown)}{more}"

    def to_json(self) -> str:
        """The report as JSON text, sentences included."""
        return json.dumps(self.document(), indent=2, ensure_ascii=False)

    def document(self) -> dict[str, object]:
        """The report as JSON types."""
        return {
            "format": 1,
            "file": self.file,
            "model": self.model,
            "verdict": "passed" if self.passed else "failed",
            "sentence": self.sentence,
            "rows": self.rows,
            "min_rows": self.min_rows,
            "size_bytes": self.size_bytes,
            "config_sha256": self.config_sha256,
            "findings": [
                {**asdict(finding), "rows": list(finding.rows), "sentence": finding.sentence}
                for finding in self.findings
            ],
            "notes": list(self.notes),
        }


def percent(part: int, whole: int) -> str:
    """`part` of `whole` as text with up to three figures: `4.2 %`."""
    return f"{100 * part / whole:.3g} %"


def _rows(rows: tuple[int, ...]) -> str:
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows))}"
