"""The whole stack: starts its parts in order, wires them together, stops them in reverse."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from local.azure_ml.endpoints.endpoints import OnlineEndpoints
from local.azure_ml.identity import Identity, NotAuthorizedError
from local.azure_ml.mlflow.server import MlflowServer
from local.azure_ml.server import BUILT_IN_DATASTORES, AzureMl
from local.azure_ml.workspace.workspace import DEFAULT_STORE, WorkspaceNames
from local.azurite import ACCOUNT_KEY, ACCOUNT_NAME
from local.environments.builds import Environments
from local.errors import LocalStackError
from local.functions_host.host import FunctionsHost
from local.serving.tls import LocalTls
from local.stack.file import fill_in
from local.stack.storage import Storage
from local.supervision.port_allocation import Ports
from local.supervision.restart_policy import RestartPolicy, keep_running
from local.supervision.stack_record import RunningStack
from local.supervision.state_lock import StateLock
from local.supervision.tasks import run_together

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from local.azure_ml.workspace.workspace import Workspace
    from local.stack.options import StackOptions


class Stack:
    """A running stack, as an asynchronous context manager.

    `say(part)` is called with the name of the part that is starting.
    """

    def __init__(
        self, options: StackOptions, *, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._options = options
        self._say = say
        self._resources = contextlib.AsyncExitStack()
        self._ports: Ports
        self.hosts: list[FunctionsHost] = []
        self.endpoints: OnlineEndpoints
        self._storage: Storage
        self.azure_ml: AzureMl
        self.tls: LocalTls
        self._identity: Identity
        self._mlflow: MlflowServer

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._resources.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.azure_ml.interrupt()
        await self._resources.aclose()

    async def keep_running(self) -> None:
        """Restart Azurite and MLflow when they end by themselves, until cancelled.

        Workers and deployments are supervised by their own services.

        Raises:
            LocalStackError: a part cannot be kept running, and so neither can the stack.
        """
        await run_together(
            self._storage.keep_running(),
            keep_running(
                self._mlflow,
                name="MLflow",
                consequence="Calls during its start have failed.",
                policy=RestartPolicy(max_ends=5),
            ),
        )

    @property
    def storage_connection_string(self) -> str:
        """For clients: blobs by way of the proxy, so that events are sent."""
        return self._storage.connection_string

    @property
    def logs(self) -> Path:
        """Folder of all log files."""
        return self._options.state / "logs"

    def record(self) -> RunningStack:
        """Where everything answers."""
        host = self.hosts[0]
        return RunningStack(
            pid=os.getpid(),
            functions_url=host.url,
            master_key=host.master_key,
            function_key=host.function_key,
            mlflow_url=self.azure_ml.mlflow_ui_url,
            workspace_url=self.azure_ml.url,
            scoring_url=self.endpoints.scoring_url,
            storage_connection_string=self.storage_connection_string,
            workspace_id=WorkspaceNames(**self._options.file.workspace.model_dump()).arm_id,
            environ=self.azure_ml.environ(),
        )

    async def _start(self) -> None:
        options = self._options
        requirements = options.app_dir / "requirements.txt"
        if not requirements.is_file():  # fail now, not after half a minute
            raise LocalStackError(
                f"{options.app_dir} is not a function app: it has no requirements.txt. Name the "
                "app's folder with --app"
            )
        await self._resources.enter_async_context(StateLock(options.state))
        self._ports = Ports(options.state / "ports.json", options.ports)
        _make_folder(self.logs)
        self.tls = LocalTls.create(options.state / "tls")
        environments = Environments(options.cache / "environments")
        self._identity = Identity()
        await self._run(self._identity)
        # MLflow imports for seconds and needs nothing of storage but its address.
        storage_listener = self._ports.reserve("storage")
        self._resources.callback(storage_listener.close)
        self._storage = Storage(
            options,
            logs=self.logs,
            ports=self._ports,
            listener=storage_listener,
            tls=self.tls,
            authorize=self._may_publish,
            containers=[*options.file.containers, *BUILT_IN_DATASTORES.values()],
            say=self._say,
        )
        await run_together(
            self._run(self._storage),
            self._start_mlflow(_port_of(storage_listener)),
        )
        await self._start_azure_ml(environments)
        await self._start_hosts(environments)
        self._ports.save()
        self.record().write(options.state)
        self._resources.callback(RunningStack.forget, options.state)

    async def _start_mlflow(self, blob_port: int) -> None:
        self._mlflow = MlflowServer(
            state=self._options.state / "azure_ml" / "mlflow",
            log=self.logs / "mlflow.log",
            cache=self._options.cache / "mlflow",
            storage_connection_string=(
                f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT_NAME};"
                f"AccountKey={ACCOUNT_KEY};"
                f"BlobEndpoint=http://127.0.0.1:{blob_port}/{ACCOUNT_NAME};"
            ),
        )
        await self._run(self._mlflow)

    def _may_publish(self, authorization: str) -> bool:
        try:
            self._identity.verify(authorization, {"https://eventgrid.azure.net"})
        except NotAuthorizedError:
            return False
        return True

    async def _start_azure_ml(self, environments: Environments) -> None:
        options, file = self._options, self._options.file
        self._say("azure ml")
        names = WorkspaceNames(**file.workspace.model_dump())
        self.azure_ml = AzureMl(
            names=names,
            datastores={store.name: store.container for store in file.datastores},
            storage_connection_string=self.storage_connection_string,
            environments=environments,
            identity=self._identity,
            tls=self.tls,
            state=options.state / "azure_ml",
            mlflow=self._mlflow,
            publish=self._workspace_event,
            parts=[self._make_endpoints],
            trace=options.trace,
            port=self._ports["azure_ml"],
        )
        await self._run(self.azure_ml)

    def _make_endpoints(self, workspace: Workspace) -> OnlineEndpoints:
        self.endpoints = OnlineEndpoints(workspace, logs=self.logs, port=self._ports["scoring"])
        return self.endpoints

    async def _workspace_event(self, kind: str, subject: str, data: dict[str, Any]) -> None:
        event = {
            "id": str(uuid4()),
            "topic": WorkspaceNames(**self._options.file.workspace.model_dump()).arm_id,
            "subject": subject,
            "eventType": kind,
            "data": data,
            "dataVersion": "",
            "metadataVersion": "1",
        }
        await self._storage.events.publish("workspace", [event])

    async def _start_hosts(self, environments: Environments) -> None:
        options = self._options
        self._say("functions")
        python = await environments.for_requirements(options.app_dir / "requirements.txt")
        settings = fill_in(options.file.settings, self._values()) | self.azure_ml.environ()
        for number in range(options.hosts):
            suffix = "" if number == 0 else f"-{number + 1}"
            host = FunctionsHost(
                app_dir=options.app_dir,
                python=python,
                settings=settings,
                state=options.state / "functions",
                log=self.logs / f"functions{suffix}.log",
                storage_connection_string=self.storage_connection_string,
                port=self._ports["functions"] if number == 0 else 0,
            )
            await self._run(host)
            self.hosts.append(host)

    def _values(self) -> dict[str, str]:
        workspace = self._options.file.workspace
        return {
            "storage.connection_string": self.storage_connection_string,
            "workspace.subscription": workspace.subscription,
            "workspace.resource_group": workspace.resource_group,
            "workspace.name": workspace.name,
            "workspace.container": BUILT_IN_DATASTORES[DEFAULT_STORE],
            **{
                f"topics.{topic.name}": self._storage.events.topic_endpoint(topic.name)
                for topic in self._options.file.topics
            },
        }

    async def _run(self, part: Any) -> None:
        """Start a part; whatever happens later, it is stopped."""
        self._resources.push_async_callback(part.stop)
        await part.start()


def _port_of(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise LocalStackError(
            f"the folder {folder} cannot be made: {exc}. Remove what is in its place"
        ) from exc
