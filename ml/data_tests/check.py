"""The data tests of one file: the same code in the function app, in jobs and on a laptop."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from ml.cells import Reason
from ml.cells.evidence import PointGroups, rounded_ids
from ml.data_tests.column_findings import column_findings, tally_chunk
from ml.data_tests.distribution import distribution_findings
from ml.data_tests.raw_file import UnreadableFile, too_large
from ml.data_tests.reading import open_file
from ml.data_tests.report import DataTestReport, Finding, percent
from ml.data_tests.schema import schema_findings
from ml.data_tests.tally import ColumnTally, Duplicates, Rows

if TYPE_CHECKING:
    from ml.model_config import ModelConfig

_UNPACKED: Final = 8  # a compressed file of a few bytes may hold any number of rows


def check_file(
    source: BinaryIO, *, file: str, config: ModelConfig, size_bytes: int, limit_bytes: int | None
) -> DataTestReport:
    """Test a landed file against its model's contract. Bad data is a verdict, never an error.

    Args:
        source: the file's content, seekable; read once, in constant memory but for 16 bytes a row.
        file: its name, for the report; folders before it may hold values of columns.
        config: the model that the file was landed for.
        size_bytes: its size; above `limit_bytes` nothing is read.
        limit_bytes: largest size that the caller accepts; unpacked, a file may be eight times as
            large. None: any size.
    """
    tests = _FileTests(file, config, None if limit_bytes is None else _UNPACKED * limit_bytes)
    if limit_bytes is not None and size_bytes > limit_bytes:
        tests.findings.append(too_large("", size_bytes, limit_bytes))
    else:
        tests.read(source)
    return DataTestReport(
        file=file,
        model=config.name,
        rows=tests.rows,
        size_bytes=size_bytes,
        config_sha256=config.config_sha256,
        findings=tuple(tests.findings),
        notes=tuple(tests.notes),
        min_rows=config.data.min_rows,
    )


class _FileTests:
    """The tests of one file, made in one pass."""

    def __init__(self, path: str, config: ModelConfig, unpacked_limit_bytes: int | None) -> None:
        self._path = path
        self._config = config
        self._unpacked_limit_bytes = unpacked_limit_bytes
        self.rows = 0
        self.findings: list[Finding] = []
        self.notes: list[str] = []

    def read(self, source: BinaryIO) -> None:
        contract = self._config.data
        try:
            file = open_file(
                source,
                contract,
                path=self._path,
                unpacked_limit_bytes=self._unpacked_limit_bytes,
            )
        except UnreadableFile as exc:
            self.findings.append(exc.finding)
            return
        limit = self._unpacked_limit_bytes
        if limit is not None and file.unpacked_bytes > limit:
            self.findings.append(too_large(" unpacked", file.unpacked_bytes, limit))
            return
        self.findings += schema_findings(file.header, contract, target=self._config.target)
        present = {name: column for name, column in contract.columns.items() if name in file.header}
        tallies = {n: ColumnTally(groups=PointGroups.of(c)) for n, c in present.items()}
        identity = self._config.id if self._config.id in present else None
        same_rows = Duplicates([name for name in present if name != identity])
        same_ids = Duplicates([identity] if identity else [])
        rounded = Rows()
        whole = False
        try:
            for raw in file.chunks:
                self.rows += len(raw)
                chunk = tally_chunk(raw, present, tallies)
                same_rows.add(raw)
                if identity:
                    same_ids.add(chunk)  # typed: 7 and 7.0 are one id
                    rounded.add(rounded_ids(raw[identity]))
            whole = True
        except UnreadableFile as exc:
            self.findings.append(exc.finding)
        self.notes += file.notes
        for name, column in present.items():
            self.findings += column_findings(column, tallies[name], self.rows)
        if rounded.count and not any(f.column == identity for f in self.findings):
            self.findings.append(_rounded(identity, rounded))
        self.findings += distribution_findings(tallies, self.rows, self._config)
        self.findings += self._row_findings(same_rows.rows, same_ids.rows, whole=whole)

    def _row_findings(self, same_rows: Rows, same_ids: Rows, *, whole: bool) -> list[Finding]:
        contract = self._config.data
        findings = []
        if whole and self.rows < contract.min_rows:
            findings.append(
                Finding(
                    "rows",
                    None,
                    f"{self.rows} rows",
                    f"at least {contract.min_rows}",
                    "collect more rows into one file, or lower data.min_rows in model.yml",
                )
            )
        if self.rows and 100 * same_rows.count / self.rows > contract.max_duplicate_rows_percent:
            findings.append(
                Finding(
                    "duplicates",
                    None,
                    f"{percent(same_rows.count, self.rows)} of the rows are duplicates",
                    f"{contract.max_duplicate_rows_percent:g} %",
                    "export each row once",
                    same_rows.count,
                    same_rows.first,
                )
            )
        if same_ids.count and contract.repeated_ids == "refuse":
            findings.append(
                Finding(
                    "ids",
                    self._config.id,
                    _repeated(same_ids.count),
                    "each id once",
                    "keep the newest row of each id, or say which one counts: "
                    "data.repeated_ids: newest (or first) in model.yml",
                    same_ids.count,
                    same_ids.first,
                )
            )
        return findings


def _rounded(identity: str | None, rows: Rows) -> Finding:
    return Finding(
        "ids",
        identity,
        f"{rows.count:,} ids {Reason.SCIENTIFIC.words}",
        "ids with every digit",
        Reason.SCIENTIFIC.remedy,
        rows.count,
        rows.first,
    )


def _repeated(rows: int) -> str:
    return "1 row repeats an id" if rows == 1 else f"{rows:,} rows repeat an id"
