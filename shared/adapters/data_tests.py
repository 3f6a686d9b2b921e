"""The model's data contract (ml.data_tests) behind the port."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from shared.adapters.model_config import read_config
from shared.errors import BlobTooLargeError, EvidenceError
from shared.ports.data import Finding, TestedFile, TestedInJob

if TYPE_CHECKING:
    from pathlib import Path

    from shared.ports.data import LocalCopy

_FORMAT = 1
_SIZE = "size"
_ROWS = "rows"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ContractDataTests:
    """Port `DataTests`. Imports pandas on the first file, not before."""

    def __init__(self, *, limit_bytes: int, root: Path | None = None) -> None:
        self._limit_bytes = limit_bytes
        self._root = root

    def test(self, model: str, file: LocalCopy, name: str) -> TestedFile:
        """See `DataTests.test`; a broken model.yml raises ModelConfigError."""
        from ml.data_tests.check import check_file  # noqa: PLC0415 - seconds of imports

        config = read_config(model, self._root)
        with file.path.open("rb") as source:
            report = check_file(
                source,
                file=name,
                config=config,
                size_bytes=file.size_bytes,
                limit_bytes=self._limit_bytes,
            )
        tested = _tested(json.loads(report.to_json()))
        for finding in tested.findings:
            if finding.test == _SIZE:
                raise BlobTooLargeError(finding.sentence)
        return tested

    def read(self, text: str, name: str) -> TestedInJob:
        """Read the report that `ml.data_tests.file_job` wrote about a copy under another name."""
        try:
            document = json.loads(text)
            if document["format"] != _FORMAT:
                raise EvidenceError(
                    f"the data test of {name} has format {document['format']}, this app reads "
                    f"{_FORMAT}; deploy app and components together"
                )
            sha256, report = _sha256(document["sha256"]), document["report"]
            sentence = f"{name}{report['sentence'].removeprefix(report['file'])}"
            return TestedInJob(sha256, _tested({**report, "file": name, "sentence": sentence}))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
            raise EvidenceError(
                f"the data test of {name} cannot be read ({type(exc).__name__}: {exc}); look at "
                "the log of the job's step `test_data`"
            ) from exc


def _sha256(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError(f"{text!r} is not a SHA-256")
    return text


def _tested(report: dict[str, Any]) -> TestedFile:
    """Convert the report to the port's type.

    Raises:
        ValueError: it is not such a report, or its verdict contradicts its findings.
        KeyError: a field is missing.
        TypeError: a field has the wrong type.
    """
    rows, items = report["rows"], report["findings"]
    if type(rows) is not int or rows < 0 or not isinstance(items, list):
        raise ValueError("rows is not a count, or findings is not a list")
    if (report["verdict"] == "passed") is bool(items):
        raise ValueError(f"verdict {report['verdict']!r} with {len(items)} findings")
    findings = tuple(_finding(item) for item in items)
    notes = tuple(report.get("notes", ()))  # a job of an earlier release writes none
    if not all(isinstance(note, str) for note in notes):
        raise ValueError("a note that is not a text")
    return TestedFile(
        rows,
        findings,
        json.dumps(report, ensure_ascii=False),
        min_rows=_min_rows(report) if [item.test for item in findings] == [_ROWS] else None,
        notes=notes,
    )


def _min_rows(report: dict[str, Any]) -> int | None:
    """None in a report of an older release: the file is judged alone."""
    limit = report.get("min_rows")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ValueError("min_rows is not a count")
    return limit


def _finding(item: dict[str, Any]) -> Finding:
    test, column, sentence, remedy = (item[k] for k in ("test", "column", "sentence", "remedy"))
    if not all(isinstance(text, str) for text in (test, column or "", sentence, remedy)):
        raise ValueError("a finding whose parts are not texts")
    return Finding(test, column, sentence, remedy)
