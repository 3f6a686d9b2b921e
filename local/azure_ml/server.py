"""The control plane: one TLS server, its parts, and the order in which they start."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from local.azure_ml.answers import not_found, not_implemented
from local.azure_ml.jobs.context import JobContext
from local.azure_ml.jobs.history import HistoryRoutes
from local.azure_ml.jobs.routes import JobRoutes
from local.azure_ml.jobs.runner import Runner
from local.azure_ml.middlewares import authorized, well_formed
from local.azure_ml.mlflow.proxy import MlflowProxy
from local.azure_ml.trace import Trace, tracing
from local.azure_ml.workspace.assets import AssetRoutes
from local.azure_ml.workspace.blobs import BlobStore
from local.azure_ml.workspace.model_registry import Registry
from local.azure_ml.workspace.model_routes import ModelRoutes
from local.azure_ml.workspace.operations import Operations
from local.azure_ml.workspace.resources import Resources
from local.azure_ml.workspace.routes import WorkspaceRoutes
from local.azure_ml.workspace.storage_passthrough import StoragePassthrough
from local.azure_ml.workspace.workspace import (
    ARTIFACT_CONTAINER,
    ARTIFACT_STORE,
    DEFAULT_STORE,
    Workspace,
    WorkspaceNames,
)
from local.errors import LocalStackError
from local.serving.http_server import SHUTDOWN_SECONDS, close_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from aiohttp.typedefs import Middleware

    from local.azure_ml.identity import Identity
    from local.azure_ml.mlflow.server import MlflowServer
    from local.environments.builds import Environments
    from local.serving.tls import LocalTls

_LARGEST_BODY_BYTES = 64 << 20
# Datastores that every workspace has, each with its container.
BUILT_IN_DATASTORES = {DEFAULT_STORE: "azureml-blobstore", ARTIFACT_STORE: ARTIFACT_CONTAINER}


class Routes(Protocol):
    """Something that answers routes of the control plane's server."""

    def routes(self) -> list[web.RouteDef]:
        """The routes, to be mounted at the server's root."""


class Part(Routes, Protocol):
    """Further routes of the workspace, which may have processes of their own."""

    async def start(self) -> None:
        """Start; called before the server listens."""

    async def stop(self) -> None:
        """Stop; harmless when it never started."""


class AzureMl:
    """An Azure ML workspace on this machine, for the unmodified SDK and MLflow client.

    Args:
        names: its place in ARM.
        datastores: further datastores by container; the two built-in ones are always there.
        storage_connection_string: the workspace's storage; clients' uploads go to its endpoint.
        identity: issues the tokens that this server accepts.
        mlflow: tracks; runs while this runs.
        publish: `(event_type, subject, data)` of the workspace's events.
        parts: makers of further parts, such as online endpoints.
        trace: file for every exchange, or None.
        max_jobs: jobs running at once; more are queued.
    """

    def __init__(
        self,
        *,
        names: WorkspaceNames,
        datastores: Mapping[str, str],
        storage_connection_string: str,
        environments: Environments,
        identity: Identity,
        mlflow: MlflowServer,
        tls: LocalTls,
        state: Path,
        publish: Callable[[str, str, dict[str, Any]], Awaitable[None]],
        parts: Sequence[Callable[[Workspace], Part]] = (),
        trace: Path | None = None,
        port: int = 0,
        max_jobs: int = 2,
    ) -> None:
        self._names = names
        self._datastores = {**BUILT_IN_DATASTORES, **datastores}
        self._storage = storage_connection_string
        self._environments = environments
        self._identity = identity
        self._tls = tls
        self._state = state
        self._publish = publish
        self._part_makers = parts
        self._trace_file = trace
        self._wanted_port = port
        self._max_jobs = max_jobs
        self._mlflow = mlflow
        self._blobs: BlobStore | None = None
        self._operations: Operations | None = None
        self._runner: Runner | None = None
        self._parts: list[Part] = []
        self._servers: list[web.AppRunner] = []
        self._trace: Trace | None = None
        self._listener: socket.socket | None = None
        self.url = ""
        self.mlflow_ui_url = ""

    @property
    def tracking_uri(self) -> str:
        """What MLFLOW_TRACKING_URI must be for this workspace."""
        return f"{self.url}/mlflow/v2.0{self._names.arm_id}"

    def environ(self) -> dict[str, str]:
        """What a program needs in its environment so that its SDK and MLflow come here."""
        return {
            **self._identity.environ(),
            **self._tls.environ(),
            "AZUREML_DEV_URL_MFE": self.url,
        }

    async def start(self) -> None:
        """Start the parts and the server, then resume what a stop interrupted.

        Raises:
            LocalStackError: the port is taken, or the state is damaged.
        """
        self._blobs = BlobStore(self._storage)
        for container in self._datastores.values():
            await self._blobs.ensure_container(container)
        if self._trace_file is not None:
            self._trace = Trace(self._trace_file)
        # The app must exist before it listens, and its URL before the app: late routes, one table.
        app = web.Application(middlewares=self._middlewares(), client_max_size=_LARGEST_BODY_BYTES)
        listener = self._listener = _listener(self._wanted_port)
        self.url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        workspace = self._workspace(self._blobs)
        jobs = self._runner = self._jobs(workspace)
        await jobs.resume()
        proxy = self._mount(app, workspace, jobs)
        for part in self._parts:
            await part.start()
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        self._servers.append(runner)
        await web.SockSite(runner, listener, ssl_context=self._tls.server_context).start()
        await self._start_ui(proxy)
        # Now steps and servers can reach what they need.
        workspace.operations.resume()
        jobs.open()

    def interrupt(self) -> None:
        """The stack is stopping: nothing that ends from now on is recorded as failed."""
        if self._runner is not None:
            self._runner.interrupt()
        if self._operations is not None:
            self._operations.interrupt()

    async def stop(self) -> None:
        """Stop in reverse order. Harmless when it never started, or only half."""
        if self._runner is not None:
            await self._runner.stop()
            self._runner = None
        if self._operations is not None:
            await self._operations.stop()
            self._operations = None
        while self._parts:
            await self._parts.pop().stop()
        while self._servers:
            await close_server(self._servers.pop())
        if self._listener is not None:
            self._listener.close()  # when it never came to serving
            self._listener = None
        if self._blobs is not None:
            await self._blobs.close()
            self._blobs = None
        if self._trace is not None:
            self._trace.close()
            self._trace = None

    def _workspace(self, blobs: BlobStore) -> Workspace:
        names = self._names
        provider = "providers/Microsoft.MachineLearningServices"
        place = f"/subscriptions/{names.subscription}/{provider}/locations/{names.location}"
        self._operations = Operations(self._state / "operations", url_prefix=f"{self.url}{place}")
        return Workspace(
            names=names,
            base_url=self.url,
            resources=Resources(self._state / "resources", arm_id=names.arm_id),
            operations=self._operations,
            environments=self._environments,
            tls=self._tls,
            state=self._state,
            blobs=blobs,
            publish=self._publish,
            datastores=self._datastores,
        )

    def _jobs(self, workspace: Workspace) -> Runner:
        context = JobContext(workspace, self._mlflow, step_environ=self._step_environ)
        return Runner(context, max_jobs=self._max_jobs)

    def _mount(self, app: web.Application, workspace: Workspace, jobs: Runner) -> MlflowProxy:
        registry = Registry(workspace)
        proxy = MlflowProxy(workspace, registry, self._mlflow, run_of_job=self._run_of_job)
        self._parts = [
            StoragePassthrough(workspace),
            *(make(workspace) for make in self._part_makers),
        ]
        mounted: list[Routes] = [
            WorkspaceRoutes(workspace),
            AssetRoutes(workspace),
            ModelRoutes(workspace, registry),
            JobRoutes(jobs),
            HistoryRoutes(jobs.context),
            workspace.operations,
            proxy,
            *self._parts,
        ]
        for one in mounted:
            app.add_routes(one.routes())
        app.router.add_route("*", "/{tail:.*}", self._unknown)
        return proxy

    async def _start_ui(self, proxy: MlflowProxy) -> None:
        app = web.Application(client_max_size=_LARGEST_BODY_BYTES)
        app.add_routes(proxy.ui_routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        self._servers.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.mlflow_ui_url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    def _step_environ(self) -> dict[str, str]:
        return {
            **self.environ(),
            "MLFLOW_TRACKING_TOKEN": self._identity.issue("https://ml.azure.com"),
            # As many steps run as there are CPUs: more threads would only spin and wait.
            "OMP_NUM_THREADS": "1",
        }

    def _run_of_job(self, name: str) -> str | None:
        job = self._runner.context.records.get(name) if self._runner is not None else None
        return job["local"].get("mlflowRunId") if job is not None else None

    def _middlewares(self) -> list[Middleware]:
        found: list[Middleware] = [authorized(self._identity, lambda: self.url), well_formed()]
        if self._trace is not None:
            found.insert(0, tracing(self._trace))
        return found

    async def _unknown(self, request: web.Request) -> web.Response:
        path = request.path
        if "/workspaces/" in path and f"{self._names.arm_id}/" not in f"{path}/":
            return not_found(f"{path}: this stack has one workspace, {self._names.arm_id}; it was")
        return not_implemented(request.method, path)


def _listener(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError as exc:
        listener.close()
        raise LocalStackError(
            f"Azure ML cannot listen on port {port} ({exc.strerror}): stop what holds it or choose "
            "another"
        ) from exc
    return listener
