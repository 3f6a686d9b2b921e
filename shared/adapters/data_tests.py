"""The model's data contract (ml.data_tests) behind the port."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shared.errors import ModelConfigError, UnknownModelError
from shared.ports.data import Finding, TestedFile

if TYPE_CHECKING:
    from pathlib import Path

    from shared.ports.data import LocalCopy


class ContractDataTests:
    """Imports pandas on the first file, not before."""

    def __init__(self, *, limit_bytes: int, root: Path | None = None) -> None:
        self._limit_bytes = limit_bytes
        self._root = root

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
        findings = tuple(
            Finding(item.test, item.column, f"{item.sentence}; {item.remedy}")
            for item in report.findings
        )
        return TestedFile(report.rows, findings, json.loads(report.to_json()))
