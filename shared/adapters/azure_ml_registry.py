"""Model versions and data versions of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.adapters.azure_ml import already_exists, azure_errors, is_missing, is_overtaken
from shared.adapters.azure_ml_runs import AzureMlRuns
from shared.domain.ids import JobName, registering_job
from shared.errors import DataMismatchError
from shared.logs import EventLog
from shared.ports.registry import ModelVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from shared.adapters.azure_ml import AzureMlWorkspace
    from shared.domain.drift import TagDrift
    from shared.domain.rollout import Role

_log = EventLog("retrain.registry")


class AzureMlRegistry:
    """Port `Registry`. `datastore` is the one that points at the data container."""

    def __init__(self, workspace: AzureMlWorkspace, *, datastore: str) -> None:
        self._workspace = workspace
        self._datastore = datastore
        self._runs = AzureMlRuns(workspace)

    def of_cycle(self, model: str, cycle_id: str) -> Sequence[ModelVersion]:
        """See `Registry.of_cycle`."""
        return self._those(model, lambda found: (found.tags or {}).get("cycle_id") == cycle_id)

    def registered_since(self, model: str, since_utc: datetime) -> Sequence[ModelVersion]:
        """See `Registry.registered_since`."""
        return self._those(model, lambda found: found.creation_context.created_at > since_utc)

    def _those(self, model: str, wanted: Callable[[Any], bool]) -> Sequence[ModelVersion]:
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - in jobs only

        with azure_errors(f"listing the versions of {model}"):
            try:
                found = [item for item in self._workspace.client.models.list(model) if wanted(item)]
            except HttpResponseError as exc:
                if is_missing(exc):  # no version was ever registered
                    return []
                raise
        found.sort(key=lambda version: version.creation_context.created_at)
        return [_version(version) for version in found]

    def version(self, model: str, version: str) -> ModelVersion | None:
        """See `Registry.version`."""
        with azure_errors(f"reading {model} version {version}"):
            found = self._find("models", model, version)
        return None if found is None else _version(found)

    def tag(self, model: str, version: str, *, role: Role, cycle_id: str, fact_seq: int) -> None:
        """See `Registry.tag`."""
        with azure_errors(f"tagging {model} version {version}"):
            found = self._find("models", model, version)
            if found is None:
                return
            wanted = {
                "role": str(role),
                "role_cycle_id": cycle_id,
                "fact_seq": str(fact_seq),
            }
            self._tag(found, wanted, fence="fact_seq")

    def tag_drift(self, model: str, drift: TagDrift) -> None:
        """See `Registry.tag_drift`."""
        with azure_errors(f"tagging {model} version {drift.version}"):
            found = self._find("models", model, drift.version)
            if found is None:
                return
            wanted = {
                "drift_date": drift.day.isoformat(),
                "drift_verdict": str(drift.verdict),
                "drift_report": drift.report,
                "drift_fact_seq": str(drift.fact_seq),
            }
            self._tag(found, wanted, fence="drift_fact_seq")
        job = registering_job(found.tags or {})
        if job is None or JobName.parse(job) is None:
            _log.info("no job of ours trained it", model=model, version=drift.version)
            return
        self._runs.tag(job, wanted, fence="drift_fact_seq")

    def _tag(self, found: Any, wanted: Mapping[str, str], *, fence: str) -> None:
        """Azure ML replaces all tags at once: `decide.outbox` allows one writer per version."""
        tags = dict(found.tags or {})
        if is_overtaken(tags, wanted, fence=fence):
            return
        found.tags = {**tags, **wanted}
        self._workspace.client.models.create_or_update(found)

    def register_data(
        self, model: str, version: str, *, pins: str, data_sha256: str, fact_seq: int
    ) -> None:
        """See `Registry.register_data`."""
        from azure.ai.ml.entities import Data  # noqa: PLC0415 - two seconds of CPU: here only
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - same

        wanted = {"pins": pins, "data_sha256": data_sha256}
        with azure_errors(f"registering data {model} version {version}"):
            found = self._find("data", model, version)
            if found is None:
                data = Data(
                    name=model,
                    version=version,
                    type="uri_file",
                    path=f"azureml://datastores/{self._datastore}/paths/{pins}",
                    tags=wanted | {"fact_seq": str(fact_seq)},
                )
                try:
                    found = self._workspace.client.data.create_or_update(data)
                except HttpResponseError as exc:
                    if not already_exists(exc):
                        raise
                    found = self._find("data", model, version)
                    if found is None:
                        raise
        tags = dict(found.tags or {})
        different = [key for key, value in wanted.items() if tags.get(key) != value]
        if different:
            listed = "; ".join(f"{key} {tags.get(key)!r}, not {wanted[key]!r}" for key in different)
            raise DataMismatchError(
                f"data {model} version {version} exists with something else: {listed}. "
                "Data versions are immutable: nothing was changed."
            )

    def _find(self, kind: str, name: str, version: str) -> Any:
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - in jobs only

        try:
            return getattr(self._workspace.client, kind).get(name=name, version=version)
        except HttpResponseError as exc:
            if is_missing(exc):
                return None
            raise


def _version(found: Any) -> ModelVersion:
    tags = {str(key): str(value) for key, value in (found.tags or {}).items()}
    return ModelVersion(version=str(found.version), tags=tags)
