"""Production rows from Azure's data collector against the champion's reference profile."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from shared.adapters import drift_files as files
from shared.adapters.model_config import read_config
from shared.domain.drift import DriftSignal, DriftVerdict, Performance, PerformanceVerdict
from shared.errors import EvidenceError, NotThereYetError
from shared.ports.drift import CollectedFiles, DriftReport, DriftResult, StoredCheck, StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from azure.storage.blob import ContainerClient

    from ml.monitoring.outcome import WindowCheck
    from ml.monitoring.performance import Performance as RealisedPerformance
    from shared.adapters.storage_account import StorageAccount
    from shared.domain.drift import CheckDrift
    from shared.ports.drift import Comparison

_INPUTS = "model_inputs"
_OUTPUTS = "model_outputs"


class CollectedDriftChecks:
    """Port `DriftChecks`.

    Args:
        workspace: the workspace's storage, `container` its default datastore's.
        data: the app's own storage; accepted labelled rows lie in its `data_container`.
        endpoint_name: from a model to its endpoint.
    """

    def __init__(
        self,
        *,
        workspace: StorageAccount,
        container: str,
        data: StorageAccount,
        data_container: str = "data",
        endpoint_name: Callable[[str], str],
    ) -> None:
        self._workspace = workspace
        self._container_name = container
        self._data = data
        self._data_container = data_container
        self._endpoint_name = endpoint_name

    def inputs(
        self, model: str, *, start_utc: datetime, end_utc: datetime
    ) -> tuple[StoredFile, ...]:
        """See `DriftChecks.inputs`."""
        return self._collected(model, _INPUTS, start_utc, end_utc)

    def files(self, model: str, check: CheckDrift, *, since_utc: datetime) -> CollectedFiles:
        """See `DriftChecks.files`."""
        start_utc, end_utc = check.window_start_utc, check.window_end_utc
        labels = files.list_blobs(self._labels, f"{model}/files/")
        return CollectedFiles(
            self.inputs(model, start_utc=start_utc, end_utc=end_utc),
            self._collected(model, _OUTPUTS, since_utc, end_utc),
            tuple(item for item in labels if item.modified_utc >= since_utc),
        )

    def past(self, model: str, *, profile: str | None = None) -> Sequence[StoredCheck]:
        """See `DriftChecks.past`."""
        return list(files.stored_checks(self._container, model, profile=profile))

    def compare(self, comparison: Comparison) -> DriftResult:
        """See `DriftChecks.compare`."""
        from shared.adapters.drift_process import compare_in_process  # noqa: PLC0415 - once a day

        model, check = comparison.model, comparison.check
        read_config(model, None)  # refused here: the process could say it in a log only
        with tempfile.TemporaryDirectory(prefix="drift-check-") as name:
            folder = Path(name)
            self._download(comparison, folder)
            found = compare_in_process(comparison, folder)
            files.upload_result(self._container, folder / "check", files.folder_of(model, check))
        return self._result(model, check, found)

    def read(self, model: str, check: CheckDrift) -> DriftResult:
        """See `DriftChecks.read`."""
        from ml.errors import UnreadableDataError  # noqa: PLC0415 - once a day
        from ml.monitoring.outcome import read_check  # noqa: PLC0415 - same

        folder = files.folder_of(model, check)
        with tempfile.TemporaryDirectory(prefix="drift-check-") as name:
            try:
                for part in (files.CHECK, files.RESULT):
                    files.download(self._container, f"{folder}/{part}", Path(name) / part)
            except EvidenceError as exc:
                raise NotThereYetError(f"{exc}; look at the log of the drift job") from exc
            try:
                found = read_check(Path(name))
            except UnreadableDataError as exc:
                raise EvidenceError(str(exc)) from exc
        return self._result(model, check, found)

    def report(self, stored: StoredCheck) -> DriftReport:
        """See `DriftChecks.report`."""
        with tempfile.TemporaryDirectory(prefix="drift-report-") as name:
            for part in (files.CHECK, files.REPORT):
                files.download(self._container, f"{stored.folder}/{part}", Path(name) / part)
            return DriftReport(
                stored,
                path=f"{self._container_name}/{stored.folder}/{files.REPORT}",
                document=(Path(name) / files.CHECK).read_text("utf-8"),
                page=(Path(name) / files.REPORT).read_bytes(),
            )

    @property
    def _container(self) -> ContainerClient:
        return self._workspace.blobs().get_container_client(self._container_name)

    @property
    def _labels(self) -> ContainerClient:
        return self._data.blobs().get_container_client(self._data_container)

    def _collected(
        self, model: str, collection: str, start_utc: datetime, end_utc: datetime
    ) -> tuple[StoredFile, ...]:
        return files.list_collected(
            self._container,
            self._endpoint_name(model),
            collection=collection,
            hours=files.hours_between(start_utc, end_utc),
        )

    def _download(self, comparison: Comparison, folder: Path) -> None:
        model, found = comparison.model, comparison.files
        files.download(self._container, comparison.profile, folder / "reference.profile")
        files.download_all(
            self._container,
            (*found.inputs, *found.outputs),
            below=files.collected_folder(self._endpoint_name(model)),
            to=folder / "collected",
        )
        files.download_all(self._labels, found.labels, below=f"{model}/", to=folder / "labels")
        for stored in comparison.past:
            target = folder / "past" / f"{stored.day.isoformat()}.json"
            files.download(self._container, f"{stored.folder}/{files.RESULT}", target)

    def _result(self, model: str, check: CheckDrift, found: WindowCheck) -> DriftResult:
        folder = files.folder_of(model, check)
        performance = found.performance
        return DriftResult(
            verdict=DriftVerdict(_word(found.result.verdict)),
            sentence=found.sentence,
            report=f"{self._container_name}/{folder}/{files.REPORT}",
            signals=tuple(
                DriftSignal(
                    column.name,
                    signal.value,
                    signal.limit,
                    measure=signal.statistic,
                    role=str(column.role),
                    since=column.since,
                    alarm_share=column.alarm_share,
                )
                for column in found.leading
                if (signal := column.leading) is not None
            ),
            current_rows=found.result.rows,
            reference_rows=found.result.reference_rows,
            missing_days=found.result.missing_days,
            performance=None if performance is None else _performance(performance),
        )


def _performance(found: RealisedPerformance) -> Performance:
    estimate = found.overall
    return Performance(
        PerformanceVerdict(_word(found.verdict)),
        found.sentence(),
        metric=found.metric.setting,
        rows=found.labelled,
        value=None if estimate is None else estimate.value,
        low=None if estimate is None else estimate.low,
        high=None if estimate is None else estimate.high,
        baseline=found.baseline,
        margin=found.margin,
    )


def _word(verdict: str) -> str:
    """The name of the verdict in the ledger."""
    return verdict.replace(" ", "_")
