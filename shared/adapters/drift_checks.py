"""Production rows from Azure's data collector against the champion's reference profile."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from shared.adapters import drift_files as files
from shared.domain.facts.drift import (
    DriftChecked,
    DriftSignal,
    DriftVerdict,
    Performance,
    PerformanceVerdict,
)
from shared.errors import EvidenceError, ModelConfigError, NotThereYetError, UnknownModelError
from shared.ports.drift import DriftJobRequest, DriftReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from azure.storage.blob import ContainerClient

    from ml.model_config import ModelConfig
    from ml.monitoring.outcome import PerformanceResult, WindowCheck
    from shared.adapters.storage_account import StorageAccount
    from shared.domain.effects.drift import CheckDrift
    from shared.domain.state import Champion

_INPUTS = "model_inputs"
_OUTPUTS = "model_outputs"
_MOST_PAST_DAYS = 90
_PROFILE = ".profile"


class CollectedDriftChecks:
    """Port `DriftChecks`: up to a limit the comparison runs here, above it is handed to a job.

    Args:
        workspace: the workspace's storage, `container` its default datastore's.
        data: the app's own storage; accepted labelled rows lie in its `data_container`.
        endpoint_name: of a model.
        limit_bytes: of all that one comparison reads.
        root: the models' folder, when it is not the deployed one.
    """

    def __init__(
        self,
        *,
        workspace: StorageAccount,
        container: str,
        data: StorageAccount,
        data_container: str = "data",
        endpoint_name: Callable[[str], str],
        limit_bytes: int,
        root: Path | None = None,
    ) -> None:
        self._workspace = workspace
        self._container_name = container
        self._data = data
        self._data_container = data_container
        self._endpoint_name = endpoint_name
        self._limit_bytes = limit_bytes
        self._root = root

    def collected(self, model: str, *, start_utc: datetime, end_utc: datetime) -> str:
        """See `DriftChecks.collected`."""
        return files.names_and_sizes(self._inputs(model, start_utc, end_utc))

    def check(
        self, model: str, champion: Champion, effect: CheckDrift
    ) -> DriftChecked | DriftJobRequest:
        """See `DriftChecks.check`.

        Raises:
            EvidenceError: the champion's reference is gone, or cannot be read.
            ModelConfigError: model.yml has mistakes.
        """
        if not _has_profile(champion):
            return DriftChecked(
                effect.day,
                effect.profile,
                DriftVerdict.NOT_ENOUGH_DATA,
                f"No reference is known for version {champion.version}: a person put it into "
                "production, or an older release trained it. The next version brings one.",
                revision=effect.revision,
                window_start_utc=effect.window_start_utc,
                window_end_utc=effect.window_end_utc,
            )
        config = self._config(model)
        since_utc = min(effect.window_start_utc, effect.window_end_utc - _looked_back(config))
        inputs = self._inputs(model, effect.window_start_utc, effect.window_end_utc)
        outputs = files.list_collected(
            self._container,
            self._endpoint_name(model),
            collection=_OUTPUTS,
            hours=files.hours_between(since_utc, effect.window_end_utc),
        )
        labels = [
            item
            for item in files.list_blobs(self._labels, f"{model}/files/")
            if item.modified_utc >= since_utc
        ]
        baseline = self._baseline(str(champion.evidence), config)
        collected = files.names_and_sizes(inputs)
        size_bytes = sum(item.size_bytes for item in (*inputs, *outputs, *labels))
        profile = f"{champion.evidence}/{champion.reference}"
        past = self._past(model, effect)
        if size_bytes > self._limit_bytes:
            return DriftJobRequest(
                effect.job_name(model),
                model=model,
                check=effect,
                profile=profile,
                collected_folder=f"{files.COLLECTED}/{self._endpoint_name(model)}/",
                past_folder=f"{files.results_folder(model, effect.profile)}/" if past else None,
                labels_folder=f"{model}/files/" if labels else None,
                baseline=baseline,
                output_folder=f"{self._folder(model, effect)}/",
                size_bytes=size_bytes,
                collected=collected,
            )
        with tempfile.TemporaryDirectory(prefix="drift-check-") as name:
            folder = Path(name)
            files.download(self._container, profile, folder / "reference.profile")
            root = f"{files.COLLECTED}/{self._endpoint_name(model)}/"
            files.download_all(
                self._container, (*inputs, *outputs), below=root, to=folder / "collected"
            )
            files.download_all(self._labels, labels, below=f"{model}/", to=folder / "labels")
            for kept in past:
                files.download(
                    self._container,
                    f"{kept.folder}/{files.RESULT}",
                    folder / "past" / f"{kept.day.isoformat()}.json",
                )
            found = _compare(config, folder, effect, baseline=baseline)
            files.upload_result(self._container, folder / "check", self._folder(model, effect))
        return self._fact(model, effect, found, collected=collected)

    def read(self, model: str, effect: CheckDrift, *, collected: str) -> DriftChecked:
        """See `DriftChecks.read`.

        Raises:
            EvidenceError: what the job wrote cannot be read.
        """
        from ml.monitoring.outcome import read_check  # noqa: PLC0415 - once a day

        path = f"{self._folder(model, effect)}/{files.CHECK}"
        with tempfile.TemporaryDirectory(prefix="drift-check-") as name:
            target = Path(name) / files.CHECK
            try:
                files.download(self._container, path, target)
            except EvidenceError as exc:
                raise NotThereYetError(f"{exc}; look at the log of the drift job") from exc
            with _drift_errors():
                found = read_check(Path(name))
        return self._fact(model, effect, found, collected=collected)

    def report(self, model: str, day: date) -> DriftReport | None:
        """See `DriftChecks.report`."""
        of_day = [item for item in files.kept_results(self._container, model) if item[0].day == day]
        if not of_day:
            return None
        kept, _ = max(of_day, key=lambda item: (item[1], item[0].revision))
        with tempfile.TemporaryDirectory(prefix="drift-report-") as name:
            for part in (files.CHECK, files.REPORT):
                files.download(self._container, f"{kept.folder}/{part}", Path(name) / part)
            return DriftReport(
                kept.day,
                kept.profile,
                kept.revision,
                path=f"{self._container_name}/{kept.folder}/{files.REPORT}",
                document=(Path(name) / files.CHECK).read_text("utf-8"),
                page=(Path(name) / files.REPORT).read_bytes(),
            )

    @property
    def _container(self) -> ContainerClient:
        return self._workspace.blobs().get_container_client(self._container_name)

    @property
    def _labels(self) -> ContainerClient:
        return self._data.blobs().get_container_client(self._data_container)

    def _inputs(self, model: str, start_utc: datetime, end_utc: datetime) -> list[files.Found]:
        return files.list_collected(
            self._container,
            self._endpoint_name(model),
            collection=_INPUTS,
            hours=files.hours_between(start_utc, end_utc),
        )

    def _folder(self, model: str, effect: CheckDrift) -> str:
        return files.result_folder(model, effect.profile, day=effect.day, revision=effect.revision)

    def _past(self, model: str, effect: CheckDrift) -> list[files.Kept]:
        """The newest revision of each earlier day, against the same reference."""
        newest: dict[date, files.Kept] = {}
        for kept, _ in files.kept_results(self._container, model, version=effect.profile):
            known = newest.get(kept.day)
            if kept.day < effect.day and (known is None or known.revision < kept.revision):
                newest[kept.day] = kept
        return [newest[day] for day in sorted(newest)][-_MOST_PAST_DAYS:]

    def _config(self, model: str) -> ModelConfig:
        from ml import errors as ml_errors  # noqa: PLC0415 - yaml, once a day
        from ml import model_config  # noqa: PLC0415 - same

        try:
            return model_config.read_model(model, self._root or model_config.MODELS)
        except ml_errors.UnknownModelError as exc:
            raise UnknownModelError(str(exc)) from exc
        except ml_errors.ModelConfigError as exc:
            raise ModelConfigError(str(exc)) from exc

    def _baseline(self, evidence: str, config: ModelConfig) -> float | None:
        """What the champion reached on its frozen rows, when it was chosen."""
        if config.drift.performance is None:
            return None
        with tempfile.TemporaryDirectory(prefix="drift-evidence-") as name:
            target = Path(name) / "evidence.json"
            files.download(self._container, f"{evidence}/evidence.json", target)
            metrics = json.loads(target.read_text("utf-8"))["metrics"]
        wanted = config.drift.performance.metric
        return next((float(one["challenger"]) for one in metrics if one["name"] == wanted), None)

    def _fact(
        self, model: str, effect: CheckDrift, found: WindowCheck, *, collected: str
    ) -> DriftChecked:
        return DriftChecked(
            effect.day,
            effect.profile,
            DriftVerdict(found.verdict),
            found.sentence,
            signals=tuple(
                DriftSignal(
                    item.feature,
                    item.value,
                    item.limit,
                    measure=item.statistic,
                    role=item.role,
                    since=item.since,
                    alarm_share=item.alarm_share,
                )
                for item in found.moved
            ),
            current_rows=found.current_rows,
            reference_rows=found.reference_rows,
            report=f"{self._container_name}/{self._folder(model, effect)}/{files.REPORT}",
            revision=effect.revision,
            window_start_utc=effect.window_start_utc,
            window_end_utc=effect.window_end_utc,
            collected=collected,
            missing_days=found.missing_days,
            performance=None if found.performance is None else _performance(found.performance),
        )


def _performance(found: PerformanceResult) -> Performance:
    return Performance(
        PerformanceVerdict(found.verdict),
        found.sentence,
        metric=found.metric,
        rows=found.rows,
        value=found.value,
        low=found.low,
        high=found.high,
        baseline=found.baseline,
        margin=found.margin,
    )


def _has_profile(champion: Champion) -> bool:
    """Older releases kept a sample of rows as Parquet instead."""
    reference = champion.reference
    return champion.evidence is not None and reference is not None and _PROFILE in reference


def _looked_back(config: ModelConfig) -> timedelta:
    """How far back answers are joined to labels; not at all where rows have no id."""
    if config.id is None:
        return timedelta(0)
    from ml.monitoring.realised import days_of  # noqa: PLC0415 - once a day

    return timedelta(days=days_of(config))


def _compare(
    config: ModelConfig, folder: Path, effect: CheckDrift, *, baseline: float | None
) -> WindowCheck:
    from ml.monitoring.window import CheckWindow, check_window  # noqa: PLC0415 - seconds of CPU

    def given(name: str) -> Path | None:
        return folder / name if (folder / name).is_dir() else None

    (folder / "collected").mkdir(exist_ok=True)
    with _drift_errors():
        return check_window(
            config,
            profile=folder / "reference.profile",
            collected=folder / "collected",
            past=given("past"),
            labels=given("labels"),
            baseline=baseline,
            window=CheckWindow(
                day=effect.day,
                start_utc=effect.window_start_utc,
                end_utc=effect.window_end_utc,
                champion_version=effect.profile,
            ),
            output=folder / "check",
        )


@contextmanager
def _drift_errors() -> Iterator[None]:
    """What the engine and the job's files refuse is nothing that another try would mend.

    Raises:
        EvidenceError: in their words.
    """
    from ml.drift.errors import DriftInputError  # noqa: PLC0415 - seconds of CPU
    from ml.errors import UnreadableDataError  # noqa: PLC0415 - same

    try:
        yield
    except (DriftInputError, UnreadableDataError) as exc:
        raise EvidenceError(str(exc)) from exc
