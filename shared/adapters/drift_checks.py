"""Production rows from Azure's data collector against the champion's reference."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.adapters.storage_account import storage_errors
from shared.domain.facts import DriftChecked, DriftSignal, DriftVerdict
from shared.errors import EvidenceError, ModelConfigError, UnknownModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pandas as pd
    from azure.storage.blob import ContainerClient

    from ml.drift.check import DriftResult
    from ml.model_config import ModelConfig
    from shared.adapters.storage_account import StorageAccount
    from shared.domain.effects import CheckDrift
    from shared.domain.state import Champion

_COLLECTED = "modelDataCollector"
_INPUTS = "model_inputs"
_SIGNALS_KEPT = 10


class CollectedDriftChecks:
    """Reads `modelDataCollector/<endpoint>/<deployment>/model_inputs/yyyy/MM/dd/HH/*.jsonl`.

    Args:
        account: the workspace's storage.
        container: of its default datastore.
        endpoint_name: of a model.
        limit_bytes: a longer window is thinned out evenly, line by line, so memory stays bounded.
        root: the models' folder, when it is not the deployed one.
    """

    def __init__(
        self,
        account: StorageAccount,
        *,
        container: str,
        endpoint_name: Callable[[str], str],
        limit_bytes: int,
        root: Path | None = None,
    ) -> None:
        self._account = account
        self._container_name = container
        self._endpoint_name = endpoint_name
        self._limit_bytes = limit_bytes
        self._root = root

    def check(self, model: str, champion: Champion, effect: CheckDrift) -> DriftChecked:
        """Compare, write the report, and say what was found.

        Raises:
            EvidenceError: the champion's reference is gone.
            ModelConfigError: model.yml has mistakes.
        """
        import pandas as pd  # noqa: PLC0415 - a second of CPU, once a day

        from ml.drift.check import check_drift  # noqa: PLC0415 - same

        if champion.evidence is None or champion.reference is None:
            return DriftChecked(
                effect.day,
                effect.profile,
                DriftVerdict.NOT_ENOUGH_DATA,
                f"No reference is known for version {champion.version}: a person put it into "
                "production. The next version trained here brings one.",
            )
        config = self._config(model)
        reference = self._reference(f"{champion.evidence}/{champion.reference}")
        current = pd.DataFrame.from_records(list(self._rows(model, effect)))
        result = check_drift(reference, current, config)
        report = self._write_report(
            model, effect, result=result, frames=(reference, current), config=config
        )
        return DriftChecked(
            effect.day,
            effect.profile,
            DriftVerdict(str(result.verdict)),
            result.sentence,
            signals=tuple(
                DriftSignal(item.feature, item.statistic, item.limit)
                for item in result.features[:_SIGNALS_KEPT]
            ),
            current_rows=result.current_rows,
            reference_rows=result.reference_rows,
            report=report,
        )

    @property
    def _container(self) -> ContainerClient:
        return self._account.blobs().get_container_client(self._container_name)

    def _config(self, model: str) -> ModelConfig:
        from ml import errors as ml_errors  # noqa: PLC0415 - yaml, once a day
        from ml import model_config  # noqa: PLC0415 - same

        try:
            return model_config.read_model(model, self._root or model_config.MODELS)
        except ml_errors.UnknownModelError as exc:
            raise UnknownModelError(str(exc)) from exc
        except ml_errors.ModelConfigError as exc:
            raise ModelConfigError(str(exc)) from exc

    def _reference(self, path: str) -> pd.DataFrame:
        import pandas as pd  # noqa: PLC0415 - see check
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - with the SDK

        with storage_errors(f"read {path}"):
            try:
                content = self._container.download_blob(path).readall()
            except ResourceNotFoundError:
                raise EvidenceError(
                    f"the drift reference {self._container_name}/{path} is gone; retrain to make "
                    "one"
                ) from None
        return pd.read_parquet(io.BytesIO(content))

    def _rows(self, model: str, effect: CheckDrift) -> Iterator[dict[str, Any]]:
        """Rows collected in [start, end), from whichever deployment answered."""
        files = self._files(model, effect)
        step = max(1, -(-sum(size for _, size in files) // self._limit_bytes))
        number = 0
        for path, _ in files:
            for line in self._lines(path):
                number += 1
                if number % step == 0:
                    yield from _rows_of(line, effect)

    def _files(self, model: str, effect: CheckDrift) -> list[tuple[str, int]]:
        from azure.storage.blob import BlobPrefix  # noqa: PLC0415 - with the SDK

        found: list[tuple[str, int]] = []
        root = f"{_COLLECTED}/{self._endpoint_name(model)}/"
        with storage_errors(f"list {root}"):
            deployments = [
                item.name
                for item in self._container.walk_blobs(root, delimiter="/")
                if isinstance(item, BlobPrefix)
            ]
            for deployment in deployments:
                for hour in _hours(effect):
                    prefix = f"{deployment}{_INPUTS}/{hour:%Y/%m/%d/%H}/"
                    found += [
                        (str(item.name), int(item.size))
                        for item in self._container.list_blobs(name_starts_with=prefix)
                        if str(item.name).endswith(".jsonl")
                    ]
        return found

    def _lines(self, path: str) -> Iterator[bytes]:
        rest = b""
        with storage_errors(f"read {path}"):
            for chunk in self._container.download_blob(path).chunks():
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines
        if rest:
            yield rest

    def _write_report(
        self,
        model: str,
        effect: CheckDrift,
        *,
        result: DriftResult,
        frames: tuple[pd.DataFrame, pd.DataFrame],
        config: ModelConfig,
    ) -> str:
        from ml.drift.report_plain import render_report  # noqa: PLC0415 - once a day

        day = f"{effect.day.day} {effect.day:%b %Y}"
        title = f"Drift report · {model} · champion version {effect.profile} · {day} (UTC)"
        html = render_report(result, *frames, config=config, title=title)
        path = f"drift/{model}/{effect.day.isoformat()}-version-{effect.profile}.html"
        with storage_errors(f"write {path}"):
            self._container.upload_blob(path, html.encode(), overwrite=True)
        return f"{self._container_name}/{path}"


def _hours(effect: CheckDrift) -> Iterator[datetime]:
    hour = effect.window_start_utc.replace(minute=0, second=0, microsecond=0)
    while hour < effect.window_end_utc:
        yield hour
        hour += timedelta(hours=1)


def _rows_of(line: bytes, effect: CheckDrift) -> Iterator[dict[str, Any]]:
    """A line cut off by a crash of the collector, or a pointer to a large payload, has no rows."""
    try:
        event = json.loads(line)
        moment = datetime.fromisoformat(str(event["time"])).astimezone(UTC)
        rows = event["data"]
    except (ValueError, KeyError, TypeError):
        return
    if effect.window_start_utc <= moment < effect.window_end_utc and isinstance(rows, list):
        yield from (row for row in rows if isinstance(row, dict))
