"""One managed online endpoint per model, one deployment per version."""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.adapters.azure_ml import azure_errors, is_missing, word
from shared.adapters.azure_ml_scoring import ScoringAddress, score
from shared.adapters.model_config import own_conda
from shared.errors import RetrainError
from shared.ports.endpoints import Answer, DeploymentReport, EndpointReport, Provisioning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.adapters.azure_ml import AzureMlWorkspace

_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
_SCORING_SCRIPT = "ml/scoring/score.py"
_REQUEST_TIMEOUT_MS = 10_000
# Azure's default of 1 answers the second of two callers with 429. A row takes milliseconds, so a
# burst after a pause of some seconds is worked off, not refused (32 in flight were too few).
_CONCURRENT_REQUESTS = 50
_LONGEST_NAME = 32  # Azure's limit for an endpoint
_NAME_HASH_DIGITS = 6
_LOG_LINES = 20
_LOG_CHARACTERS = 1500
_STATES = {
    "succeeded": Provisioning.READY,
    "failed": Provisioning.FAILED,
    "canceled": Provisioning.FAILED,
}


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """Settings shared by all deployments. `code` is the folder that holds `ml/`."""

    code: Path
    prefix: str
    instance_type: str


class AzureMlEndpoints:
    """Port `Endpoints`.

    The SDK's `begin_*` send one request and return (1.35.2); its daemon thread then watches the
    operation. Its result is read from the resource later.
    """

    def __init__(self, workspace: AzureMlWorkspace, *, settings: EndpointSettings) -> None:
        self._workspace = workspace
        self._settings = settings

    def endpoint(self, model: str) -> EndpointReport | None:
        """See `Endpoints.endpoint`."""
        with azure_errors(f"reading the endpoint of {model}"):
            found = self._endpoint(model)
        if found is None:
            return None
        tag = (found.tags or {}).get("fact_seq", "")
        return EndpointReport(
            self.endpoint_name(model),
            state=_state(found),
            traffic={key: int(share) for key, share in (found.traffic or {}).items() if share},
            fact_seq=int(tag) if tag.isascii() and tag.isdigit() else None,
            url=found.scoring_uri,
        )

    def create_endpoint(self, model: str, *, cycle_id: str, fact_seq: int) -> None:
        """See `Endpoints.create_endpoint`."""
        from azure.ai.ml.entities import ManagedOnlineEndpoint  # noqa: PLC0415 - 2 s of CPU

        with azure_errors(f"creating the endpoint of {model}"):
            found = self._endpoint(model)
            if found is not None and _state(found) is not Provisioning.FAILED:
                return
            self._client.online_endpoints.begin_create_or_update(
                ManagedOnlineEndpoint(
                    name=self.endpoint_name(model),
                    description=f"Predictions of {model}; traffic follows the ledger's champion.",
                    auth_mode="key",
                    tags=_tags(model, cycle_id, fact_seq),
                )
            )

    def deployment(self, model: str, name: str) -> DeploymentReport | None:
        """See `Endpoints.deployment`."""
        with azure_errors(f"reading deployment {name} of {model}"):
            found = self._deployment(model, name)
        if found is None:
            return None
        state = _state(found)
        message = self._log_end(model, name) if state is Provisioning.FAILED else ""
        return DeploymentReport(state=state, message=message)

    def deployments(self, model: str) -> Sequence[str]:
        """See `Endpoints.deployments`."""
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - in jobs only

        with azure_errors(f"listing the deployments of {model}"):
            try:
                found = list(self._client.online_deployments.list(self.endpoint_name(model)))
            except HttpResponseError as exc:
                if is_missing(exc):
                    return []
                raise
        return sorted(str(deployment.name) for deployment in found)

    def create_deployment(
        self, model: str, name: str, *, version: str, cycle_id: str, fact_seq: int
    ) -> None:
        """See `Endpoints.create_deployment`."""
        with azure_errors(f"creating deployment {name} of {model}"):
            if self._deployment(model, name) is not None:
                return
            with _packed(self._settings.code) as code:
                self._client.online_deployments.begin_create_or_update(
                    self._described(
                        model,
                        name,
                        version=version,
                        code=code,
                        tags=_tags(model, cycle_id, fact_seq),
                    )
                )

    def score(self, model: str, name: str, body: bytes) -> Answer:
        """See `Endpoints.score`."""
        with azure_errors(f"reading the scoring address of {model}"):
            found = self._client.online_endpoints.get(self.endpoint_name(model))
            keys = self._client.online_endpoints.get_keys(self.endpoint_name(model))
        address = ScoringAddress(url=found.scoring_uri, key=keys.primary_key, deployment=name)
        return score(address, body)

    def set_traffic(
        self, model: str, traffic: Mapping[str, int], *, cycle_id: str, fact_seq: int
    ) -> None:
        """See `Endpoints.set_traffic`."""
        with azure_errors(f"moving the traffic of {model}"):
            # Azure cannot patch traffic alone: the endpoint is sent back as a whole.
            found = self._client.online_endpoints.get(self.endpoint_name(model))
            found.traffic = dict(traffic)
            found.mirror_traffic = {}
            found.tags = dict(found.tags or {}) | _tags(model, cycle_id, fact_seq)
            self._client.online_endpoints.begin_create_or_update(found)

    def delete_deployment(self, model: str, name: str) -> None:
        """See `Endpoints.delete_deployment`."""
        with azure_errors(f"deleting deployment {name} of {model}"):
            if self._deployment(model, name) is not None:
                self._client.online_deployments.begin_delete(
                    name=name, endpoint_name=self.endpoint_name(model)
                )

    def endpoint_name(self, model: str) -> str:
        """The endpoint's name: 3-32 letters, digits and single dashes, unique to the model."""
        plain = f"{self._settings.prefix}-{model}"
        name = re.sub(r"-{2,}", "-", plain.replace("_", "-")).strip("-")
        if name != plain or len(name) > _LONGEST_NAME:
            # The name was changed: digits of a hash keep two models apart.
            digest = hashlib.sha256(model.encode()).hexdigest()[:_NAME_HASH_DIGITS]
            name = f"{name[: _LONGEST_NAME - _NAME_HASH_DIGITS - 1].rstrip('-')}-{digest}"
        return name

    @property
    def _client(self) -> Any:
        return self._workspace.client

    def _described(
        self, model: str, name: str, *, version: str, code: Path, tags: dict[str, str]
    ) -> Any:
        from azure.ai.ml.entities import (  # noqa: PLC0415 - two seconds of CPU
            CodeConfiguration,
            DataCollector,
            DeploymentCollection,
            Environment,
            ManagedOnlineDeployment,
            OnlineRequestSettings,
        )

        return ManagedOnlineDeployment(
            name=name,
            endpoint_name=self.endpoint_name(model),
            model=f"azureml:{model}:{version}",
            environment=Environment(
                image=_IMAGE,
                conda_file=own_conda("scoring", model, self._settings.code)
                or str(self._settings.code / "ml" / "environments" / "scoring.yml"),
            ),
            code_configuration=CodeConfiguration(code=str(code), scoring_script=_SCORING_SCRIPT),
            instance_type=self._settings.instance_type,
            instance_count=1,
            request_settings=OnlineRequestSettings(
                request_timeout_ms=_REQUEST_TIMEOUT_MS,
                max_concurrent_requests_per_instance=_CONCURRENT_REQUESTS,
            ),
            # Azure's collector writes what score.py logs into the workspace's storage.
            data_collector=DataCollector(
                collections={
                    collection: DeploymentCollection(enabled="true")
                    for collection in ("model_inputs", "model_outputs")
                },
                sampling_rate=1.0,
                rolling_rate="hour",
            ),
            tags=tags,
        )

    def _endpoint(self, model: str) -> Any:
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - in jobs only

        try:
            return self._client.online_endpoints.get(self.endpoint_name(model))
        except HttpResponseError as exc:
            if is_missing(exc):
                return None
            raise

    def _deployment(self, model: str, name: str) -> Any:
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415 - in jobs only

        try:
            return self._client.online_deployments.get(
                name=name, endpoint_name=self.endpoint_name(model)
            )
        except HttpResponseError as exc:
            if is_missing(exc):
                return None
            raise

    def _log_end(self, model: str, name: str) -> str:
        """The end of the deployment's log, or why the log cannot be read: never an error."""
        try:
            with azure_errors(f"reading the log of deployment {name}"):
                log = self._client.online_deployments.get_logs(
                    name=name, endpoint_name=self.endpoint_name(model), lines=_LOG_LINES
                )
        except RetrainError as exc:
            return f"its log cannot be read ({exc})"
        return str(log).strip()[-_LOG_CHARACTERS:]


@contextmanager
def _packed(code: Path) -> Iterator[Path]:
    """A temporary folder that holds only `ml/`, for the SDK to upload.

    The SDK hashes names and contents, so an unchanged `ml/` is uploaded once.
    """
    with tempfile.TemporaryDirectory(prefix="retrain-code-") as folder:
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        shutil.copytree(code / "ml", Path(folder) / "ml", ignore=ignored)
        yield Path(folder)


def _tags(model: str, cycle_id: str, fact_seq: int) -> dict[str, str]:
    return {"model": model, "cycle_id": cycle_id, "fact_seq": str(fact_seq)}


def _state(found: Any) -> Provisioning:
    return _STATES.get(word(found.provisioning_state), Provisioning.WORKING)
