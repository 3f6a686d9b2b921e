"""The model's data contract (ml.data_tests) behind the port."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from shared.errors import EvidenceError, ModelConfigError, UnknownModelError
from shared.ports.data import Finding, TestedFile, TestedInJob

if TYPE_CHECKING:
    from pathlib import Path

    from shared.ports.data import LocalCopy

_FORMAT = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ContractDataTests:
    """Imports pandas on the first file, not before."""

    def __init__(self, *, limit_bytes: int, root: Path | None = None) -> None:
        self._limit_bytes = limit_bytes
        self._root = root

    def takes(self, size_bytes: int) -> bool:
        """Up to the limit."""
        return size_bytes <= self._limit_bytes

    def test(self, model: str, file: LocalCopy, name: str) -> TestedFile:
        """What the file holds is a verdict; only a broken model.yml is an error."""
        from ml import errors as ml_errors  # noqa: PLC0415 - seconds of imports, when data came
        from ml import model_config  # noqa: PLC0415 - same
        from ml.data_tests.check import check_file  # noqa: PLC0415 - same

        try:
            config = model_config.read_model(model, self._root or model_config.MODELS)
        except ml_errors.UnknownModelError as exc:
            raise UnknownModelError(str(exc)) from exc
        except ml_errors.ModelConfigError as exc:
            raise ModelConfigError(str(exc)) from exc
        with file.path.open("rb") as source:
            report = check_file(
                source,
                file=name,
                config=config,
                size_bytes=file.size_bytes,
                limit_bytes=self._limit_bytes,
            )
        return _tested(json.loads(report.to_json()))

    def read(self, text: str, name: str) -> TestedInJob:
        """What `ml.data_tests.file_job` wrote; its copy of the file had another name."""
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
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise EvidenceError(
                f"the data test of {name} cannot be read ({type(exc).__name__}: {exc}); look at "
                "the log of the job's step `test_data`"
            ) from exc


def _sha256(text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise ValueError(f"{text!r} is no SHA-256")
    return text


def _tested(report: dict[str, Any]) -> TestedFile:
    findings = tuple(
        Finding(item["test"], item["column"], f"{item['sentence']}; {item['remedy']}")
        for item in report["findings"]
    )
    return TestedFile(int(report["rows"]), findings, report)
