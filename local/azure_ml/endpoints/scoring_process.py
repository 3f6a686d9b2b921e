"""The inference server of one deployment: started, health-checked, restarted after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import time
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from local.errors import ProcessFailedError
from local.supervision.health_check import until_answering
from local.supervision.port_allocation import free_port
from local.supervision.processes import Command, ManagedProcess
from local.supervision.restart_policy import RestartPolicy, Restarts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_log = logging.getLogger(__name__)
_PORT_ATTEMPTS = 3
_PORT_TAKEN = "Connection in use"
_PROBE_SECONDS = 2.0
_STOP_GRACE_SECONDS = 8.0
_RESTARTS = RestartPolicy(first_pause_seconds=0.5)
# In a file, where an older gunicorn ignores settings that it does not know.
# A worker that ends while it loads the model would be restarted for ever.
_READY = "ready"
_GUNICORN_CONFIG = f"""\
from pathlib import Path

from gunicorn.errors import HaltServer

control_socket_disable = True
graceful_timeout = 6
timeout = 300
_ready = Path(__file__).with_name("{_READY}")


def post_worker_init(worker):
    _ready.touch()


def child_exit(server, worker):
    if not _ready.exists():
        raise HaltServer("a worker ended before it was ready", 3)
"""


class Health(enum.Enum):
    """The server's current state."""

    STARTING = "starting"
    HEALTHY = "healthy"
    RESTARTING = "restarting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """One deployment, materialised on this machine.

    Args:
        name: `<endpoint>/<deployment>`, for messages.
        folder: for the server's own files.
        code: the code snapshot; `script` is the scoring script's path in it.
        model_dir: what AZUREML_MODEL_DIR names; None without a model.
        environ: of the deployment; wins over what is set here.
    """

    name: str
    python: Path
    folder: Path
    code: Path
    script: str
    model_dir: Path | None
    environ: Mapping[str, str]
    workers: int
    log: Path


class ScoringProcess:
    """gunicorn with azureml-inference-server-http, as Azure's images run it, on loopback."""

    def __init__(self, spec: ServerSpec, *, start_timeout_seconds: float = 300.0) -> None:
        self.spec = spec
        self.health = Health.STOPPED
        self.restarts = 0
        self.port = 0
        self._timeout = start_timeout_seconds
        self._process: ManagedProcess | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            ProcessFailedError: it ended first or did not answer in time; with its log's end.
        """
        self.health = Health.STARTING
        try:
            await self._start_on_a_free_port()
        except BaseException:
            await self.stop()
            raise
        self.health = Health.HEALTHY
        self._watch = asyncio.create_task(self._keep_running(), name=f"watch {self.spec.name}")

    async def stop(self) -> None:
        """End it. Harmless when it has ended."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        if self._process is not None:
            await self._process.stop(grace_seconds=_STOP_GRACE_SECONDS)
            self._process = None
        self.health = Health.STOPPED

    async def _start_on_a_free_port(self) -> None:
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self.port = free_port()
            try:
                await self._start_once()
            except ProcessFailedError as exc:
                # Another program may take the free port before the server does.
                if _PORT_TAKEN not in str(exc) or attempt == _PORT_ATTEMPTS:
                    raise
            else:
                return

    async def _start_once(self) -> None:
        spec = self.spec
        spec.folder.mkdir(parents=True, exist_ok=True)
        config = spec.folder / "gunicorn.conf.py"
        config.write_text(_GUNICORN_CONFIG, encoding="utf-8")
        (spec.folder / _READY).unlink(missing_ok=True)
        # The SDK's own local endpoints split the script's path like this.
        script = PurePosixPath(spec.script)
        root = spec.code / script.parent
        environ = {"AML_APP_ROOT": str(root), "AZUREML_ENTRY_SCRIPT": script.name}
        if spec.model_dir is not None:
            environ["AZUREML_MODEL_DIR"] = str(spec.model_dir)
        gunicorn = [str(spec.python), "-m", "gunicorn", "--config", str(config)]
        bind = ["--bind", f"127.0.0.1:{self.port}", "--workers", str(spec.workers)]
        self._process = await ManagedProcess.start(
            Command(
                name=f"deployment {spec.name}",
                argv=[*gunicorn, *bind, "azureml_inference_server_http.server.entry:app"],
                log=spec.log,
                environ={**environ, **spec.environ},
                cwd=root if root.is_dir() else None,
            )
        )
        try:
            await until_answering(
                self._process,
                f"{self.url}/",
                timeout_seconds=self._timeout,
                probe_seconds=_PROBE_SECONDS,
            )
        except ProcessFailedError:
            await self._process.stop()  # one that hangs must not keep the port
            raise

    async def _keep_running(self) -> None:
        restarts = Restarts(_RESTARTS)
        while self._process is not None:
            started = time.monotonic()
            code = await self._process.wait()
            pause = restarts.pause_after(time.monotonic() - started)
            self.health = Health.RESTARTING
            self.restarts += 1
            _log.warning(
                "deployment ended and is restarted: deployment=%s code=%d in_seconds=%.1f",
                self.spec.name,
                code,
                pause,
            )
            await self._process.stop()  # what it left of its process group
            await asyncio.sleep(pause)
            try:
                await self._start_once()
            except (ProcessFailedError, OSError) as exc:
                _log.warning("deployment did not come back: reason=%s", exc)
                continue
            self.health = Health.HEALTHY
