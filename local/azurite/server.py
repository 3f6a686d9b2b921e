"""One Azurite process: blob, queue and table on loopback ports, state in a folder."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING

from local.errors import ProcessFailedError
from local.supervision.processes import Command, ManagedProcess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ACCOUNT_NAME = "devstoreaccount1"
# Public: the same for every Azurite, printed in Microsoft's documentation.
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
_SERVICES = ("Blob", "Queue", "Table")
_LISTENS = re.compile(
    r"Azurite (Blob|Queue|Table) service is successfully listening at http://[^:]+:(\d+)"
)
_START_LIMIT_SECONDS = 60.0
_POLL_SECONDS = 0.02


class Azurite:
    """Azurite as a child that ends with us.

    Args:
        program: what `install_azurite` returned.
        data: folder for its state; kept between starts. One Azurite at a time may use it.
        log: file that its output is appended to.
        blob_port, queue_port, table_port: 0 takes any free port. Give the ports of the last start
            to keep addresses, and with them the URLs inside events, the same.
    """

    def __init__(
        self,
        *,
        program: Sequence[str],
        data: Path,
        log: Path,
        blob_port: int = 0,
        queue_port: int = 0,
        table_port: int = 0,
    ) -> None:
        self._program = tuple(program)
        self._data = data
        self._log = log
        self._ports = {"Blob": blob_port, "Queue": queue_port, "Table": table_port}
        self._process: ManagedProcess | None = None

    @property
    def blob_port(self) -> int:
        """Port of the blob service, once started."""
        return self._ports["Blob"]

    @property
    def queue_port(self) -> int:
        """Port of the queue service, once started."""
        return self._ports["Queue"]

    @property
    def table_port(self) -> int:
        """Port of the table service, once started."""
        return self._ports["Table"]

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return None if self._process is None else self._process.pid

    def connection_string(self, *, blob_endpoint: str | None = None) -> str:
        """For every Azure storage SDK.

        Args:
            blob_endpoint: URL with the account's name, to send blob traffic through a proxy.
        """
        blob = blob_endpoint or f"http://127.0.0.1:{self.blob_port}/{ACCOUNT_NAME}"
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT_NAME};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={blob};"
            f"QueueEndpoint=http://127.0.0.1:{self.queue_port}/{ACCOUNT_NAME};"
            f"TableEndpoint=http://127.0.0.1:{self.table_port}/{ACCOUNT_NAME};"
        )

    async def start(self) -> None:
        """Start and wait until all three services listen.

        Raises:
            ProcessFailedError: it cannot start, a port is taken, or its state is damaged.
        """
        if self._process is not None:
            return
        self._make_folder()
        _refuse_damaged_state(self._data)
        offset = self._log.stat().st_size if self._log.exists() else 0
        process = await ManagedProcess.start(self._command())
        self._process = process
        try:
            await self._until_listening(process, offset)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End it; its state is written first. Harmless when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            await process.stop(grace_seconds=10.0)

    async def ended(self) -> int:
        """Wait until it has ended without `stop`; its exit code.

        Raises:
            ProcessFailedError: it does not run.
        """
        if self._process is None:
            raise ProcessFailedError("Azurite does not run")
        return await self._process.wait()

    def _make_folder(self) -> None:
        try:
            self._data.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ProcessFailedError(
                f"Azurite's state folder {self._data} cannot be used: {exc}. Remove what is in its "
                "place or choose another state folder"
            ) from exc

    def _command(self) -> Command:
        argv = [
            *self._program,
            "--silent",
            "--skipApiVersionCheck",
            "--disableTelemetry",
            "--disableProductStyleUrl",
            "--location",
            str(self._data),
        ]
        for service, port in self._ports.items():
            name = service.lower()
            argv += [f"--{name}Host", "127.0.0.1", f"--{name}Port", str(port)]
        return Command(name="Azurite", argv=argv, log=self._log, environ={})

    async def _until_listening(self, process: ManagedProcess, offset: int) -> None:
        # From its log, not by connecting: on a taken port another program would answer.
        deadline = time.monotonic() + _START_LIMIT_SECONDS
        while True:
            said = _read_from(self._log, offset)
            ports = {service: int(port) for service, port in _LISTENS.findall(said)}
            if len(ports) == len(_SERVICES):
                self._ports = {service: ports[service] for service in _SERVICES}
                return
            if process.returncode is not None:
                raise ProcessFailedError(
                    f"Azurite ended with code {process.returncode} before it listened. "
                    f"{self._diagnosis(said)}\nLog: {self._log}\n{process.last_lines()}"
                )
            if time.monotonic() > deadline:
                raise ProcessFailedError(
                    f"Azurite did not listen within {_START_LIMIT_SECONDS:.0f} s; is the machine "
                    f"overloaded? Log: {self._log}\n{process.last_lines()}"
                )
            await asyncio.sleep(_POLL_SECONDS)

    def _diagnosis(self, said: str) -> str:
        if "EADDRINUSE" in said:
            ports = ", ".join(f"{service} {port}" for service, port in self._ports.items() if port)
            return f"One of its ports is taken ({ports}): stop what uses it or choose others."
        return f"If its state in {self._data} is damaged, delete that folder and start again."


def _read_from(path: Path, offset: int) -> str:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace")


def _refuse_damaged_state(data: Path) -> None:
    """Check first: Azurite takes a damaged database for a new one and forgets every blob."""
    for database in sorted(data.glob("__azurite_db_*__.json")):
        try:
            json.loads(database.read_bytes())
        except (ValueError, OSError) as exc:
            raise ProcessFailedError(
                f"Azurite's state in {data} is damaged: {database.name} cannot be read ({exc}). "
                f"Delete the folder {data} to start empty, or put a backup of it back"
            ) from exc
