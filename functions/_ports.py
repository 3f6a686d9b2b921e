"""Ports of the app: settings -> adapters, each made when it is first used.

Only what every message needs is made at once; an adapter behind a property may cost seconds of
imports, and recording a BlobCreated must not pay for Azure ML's SDK.
"""

from __future__ import annotations

import random
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shared.logs import EventLog

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from shared.adapters.azure_ml import AzureMlWorkspace
    from shared.adapters.azure_ml_endpoints import AzureMlEndpoints
    from shared.adapters.storage_account import StorageAccount
    from shared.ports.catalog import ModelCatalog
    from shared.ports.clock import Clock
    from shared.ports.data import DataStore, DataTests, Quarantine
    from shared.ports.drift import DriftChecks
    from shared.ports.endpoints import Endpoints
    from shared.ports.jobs import Evidence, Jobs
    from shared.ports.ledger import Ledger
    from shared.ports.notices import Alerts, EventPublisher
    from shared.ports.queues import EventQueue, PoisonQueues, WorkQueue
    from shared.ports.registry import Registry
    from shared.settings import Settings, StorageConnection

# The folder that holds `ml/`: the app is deployed as a whole and submits its own code.
_ROOT = Path(__file__).resolve().parent.parent


class Ports:
    """Ports by name. Adapters have no state, so a second instance is harmless."""

    def __init__(self, settings: Settings) -> None:
        from shared.adapters.clock import SystemClock  # noqa: PLC0415 - see the module's docstring
        from shared.adapters.model_catalog import FolderCatalog  # noqa: PLC0415 - same
        from shared.adapters.storage_queue import StorageWorkQueue  # noqa: PLC0415 - same
        from shared.adapters.table_ledger import TableLedger  # noqa: PLC0415 - same

        self.settings = settings
        self.data_limit_bytes = settings.function_data_limit_bytes
        self.log = EventLog("retrain")
        self.clock: Clock = SystemClock()
        self.random = random.Random()  # noqa: S311 - jitter
        self.catalog: ModelCatalog = FolderCatalog()
        self.storage: StorageAccount = self._account(settings.storage)
        self.ledger: Ledger = TableLedger(self.storage)
        self.work: WorkQueue = StorageWorkQueue(self.storage)

    @cached_property
    def events(self) -> EventQueue:
        from shared.adapters.storage_queue import StorageEventQueue  # noqa: PLC0415 - same

        return StorageEventQueue(self.storage)

    @cached_property
    def poison(self) -> PoisonQueues:
        from shared.adapters.storage_queue import StoragePoisonQueues  # noqa: PLC0415 - same

        return StoragePoisonQueues(self.storage)

    @cached_property
    def data(self) -> DataStore:
        from shared.adapters.blob_data import BlobDataStore  # noqa: PLC0415 - same

        return BlobDataStore(self.storage, limit_bytes=self.data_limit_bytes)

    @cached_property
    def quarantine(self) -> Quarantine:
        from shared.adapters.blob_data import BlobQuarantine  # noqa: PLC0415 - same

        return BlobQuarantine(self.storage)

    @cached_property
    def data_tests(self) -> DataTests:
        from shared.adapters.data_tests import ContractDataTests  # noqa: PLC0415 - same

        return ContractDataTests(limit_bytes=self.data_limit_bytes)

    @cached_property
    def drift_checks(self) -> DriftChecks:
        from shared.adapters.drift_checks import CollectedDriftChecks  # noqa: PLC0415 - same

        return CollectedDriftChecks(
            workspace=self._workspace_storage,
            container=self.settings.workspace_storage_container,
            data=self.storage,
            endpoint_name=self._azure_endpoints.endpoint_name,
        )

    @cached_property
    def evidence(self) -> Evidence:
        from shared.adapters.blob_data import BlobEvidence  # noqa: PLC0415 - same

        return BlobEvidence(
            self._workspace_storage, container=self.settings.workspace_storage_container
        )

    @cached_property
    def jobs(self) -> Jobs:
        from shared.adapters.azure_ml_jobs import AzureMlJobs  # noqa: PLC0415 - same
        from shared.adapters.azure_ml_pipeline import PipelineSettings  # noqa: PLC0415 - same

        return AzureMlJobs(
            self._workspace,
            settings=PipelineSettings(
                code=_ROOT,
                compute=self.settings.compute_train,
                datastore=self.settings.datastore_data,
            ),
            endpoint_name=self._azure_endpoints.endpoint_name,
        )

    @cached_property
    def registry(self) -> Registry:
        from shared.adapters.azure_ml_registry import AzureMlRegistry  # noqa: PLC0415 - same

        return AzureMlRegistry(self._workspace, datastore=self.settings.datastore_data)

    @cached_property
    def endpoints(self) -> Endpoints:
        return self._azure_endpoints

    @cached_property
    def _azure_endpoints(self) -> AzureMlEndpoints:
        from shared.adapters.azure_ml_endpoints import (  # noqa: PLC0415 - same
            AzureMlEndpoints,
            EndpointSettings,
        )

        return AzureMlEndpoints(
            self._workspace,
            settings=EndpointSettings(
                code=_ROOT,
                prefix=self.settings.endpoint_prefix,
                instance_type=self.settings.endpoint_instance_type,
            ),
        )

    @cached_property
    def publisher(self) -> EventPublisher:
        from shared.adapters.event_grid import EventGridPublisher  # noqa: PLC0415 - same

        return EventGridPublisher(
            self.settings.events_topic_endpoint, credential=lambda: self._credential
        )

    @cached_property
    def alerts(self) -> Alerts:
        from shared.adapters.alerts import alerts_over  # noqa: PLC0415 - same

        return alerts_over(self.settings.alert_routes)

    # --- inside ---------------------------------------------------------------------------------

    @cached_property
    def _workspace(self) -> AzureMlWorkspace:
        from shared.adapters.azure_ml import (  # noqa: PLC0415 - same
            AzureMlWorkspace,
            WorkspaceAddress,
        )

        address = WorkspaceAddress(
            subscription_id=self.settings.subscription_id,
            resource_group=self.settings.resource_group,
            name=self.settings.workspace,
        )
        return AzureMlWorkspace(address, credential=lambda: self._credential)

    @cached_property
    def _workspace_storage(self) -> StorageAccount:
        return self._account(self.settings.workspace_storage)

    @cached_property
    def _credential(self) -> TokenCredential:
        from shared.adapters.identity import app_identity  # noqa: PLC0415 - same

        return app_identity()

    def _account(self, connection: StorageConnection) -> StorageAccount:
        from shared.adapters.storage_account import StorageAccount  # noqa: PLC0415 - same

        return StorageAccount(
            connection_string=connection.connection_string,
            blob_url=connection.blob_url,
            queue_url=connection.queue_url,
            table_url=connection.table_url,
            credential=lambda: self._credential,
        )
