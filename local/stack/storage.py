"""Storage and its events: Azurite, the Event Grid, and the proxy between clients and Azurite."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from local.azurite import Azurite, create_resources, install_azurite
from local.event_grid import EventGrid
from local.storage_events.proxy import StorageEventsProxy
from local.supervision.restart_policy import RestartPolicy, keep_running

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from local.serving.tls import LocalTls
    from local.stack.options import StackOptions
    from local.supervision.port_allocation import Ports


class _HeldAzurite:
    """Azurite, whose clients are held from its end until its containers exist again."""

    def __init__(self, azurite: Azurite, proxy: StorageEventsProxy) -> None:
        self._azurite = azurite
        self._proxy = proxy
        self.start = azurite.start
        self.stop = azurite.stop

    async def ended(self) -> int:
        code = await self._azurite.ended()
        self._proxy.held = True
        return code


class Storage:
    """One storage account with its events.

    Args:
        logs: folder of the log files.
        ports: of the last start; those of this one are kept in it.
        listener: bound to the port that blob clients are given.
        tls: for custom topics and webhooks.
        authorize: whether an Authorization header may publish to a custom topic.
        containers: to create, again after Azurite was killed and forgot them.
        say: called with the name of the part that is starting.
    """

    def __init__(
        self,
        options: StackOptions,
        *,
        logs: Path,
        ports: Ports,
        listener: socket.socket,
        tls: LocalTls,
        authorize: Callable[[str], bool],
        containers: Sequence[str],
        say: Callable[[str], None],
    ) -> None:
        self._options = options
        self._logs = logs
        self._ports = ports
        self._listener = listener
        self._tls = tls
        self._authorize = authorize
        self._containers = containers
        self._say = say
        self._resources = contextlib.AsyncExitStack()
        self._azurite: Azurite
        self._proxy: StorageEventsProxy
        self.events: EventGrid

    @property
    def connection_string(self) -> str:
        """For clients: blobs by way of the proxy, so that events are sent."""
        return self._azurite.connection_string(blob_endpoint=self._proxy.blob_endpoint)

    async def start(self) -> None:
        """Install Azurite where it is missing, and start everything.

        Raises:
            LocalStackError: a part cannot be started; what it was and why.
        """
        options, file = self._options, self._options.file
        self._say("storage")
        self._azurite = Azurite(
            program=await install_azurite(options.cache / "azurite"),
            data=options.state / "azurite",
            log=self._logs / "azurite.log",
            blob_port=self._ports["blob"],
            queue_port=self._ports["queue"],
            table_port=self._ports["table"],
        )
        await self._run(self._azurite)
        self._ports.keep(
            blob=self._azurite.blob_port,
            queue=self._azurite.queue_port,
            table=self._azurite.table_port,
        )
        await self._make_resources()
        self._say("events")
        self.events = EventGrid(
            state=options.state / "events",
            subscriptions=file.subscriptions,
            topics=file.topics,
            storage_connection_string=self._azurite.connection_string(),
            tls=self._tls,
            authorize=self._authorize,
            speed=options.event_speed,
            faults=options.faults,
        )
        await self._run(self.events)
        self._proxy = StorageEventsProxy(
            upstream=f"http://127.0.0.1:{self._azurite.blob_port}",
            publish=self._publish,
            topic=self._account_id(),
            state=options.state / "events",
            listener=self._listener,
        )
        await self._run(self._proxy)
        self._ports.keep(storage=self._proxy.port)

    async def stop(self) -> None:
        """End everything in reverse. Harmless when repeated."""
        await self._resources.aclose()

    async def keep_running(self) -> None:
        """Restart Azurite when it ends by itself, until cancelled.

        Raises:
            LocalStackError: it cannot be kept running.
        """
        await keep_running(
            _HeldAzurite(self._azurite, self._proxy),
            name="Azurite",
            policy=RestartPolicy(max_ends=5),
            # Measured: also writes that it acknowledged; its databases autosave every 5 s.
            consequence="It saves every 5 s: the last writes may be missing.",
            afterwards=self._make_resources_again,
        )

    async def _make_resources_again(self) -> None:
        await self._make_resources()
        self._proxy.held = False

    async def _make_resources(self) -> None:
        file = self._options.file
        await create_resources(
            self._azurite.connection_string(),
            containers=self._containers,
            queues=file.queues,
            tables=file.tables,
        )

    async def _publish(self, event: Mapping[str, Any]) -> Sequence[str]:
        return await self.events.publish("storage", [event])

    def _account_id(self) -> str:
        workspace = self._options.file.workspace
        return (
            f"/subscriptions/{workspace.subscription}/resourceGroups/{workspace.resource_group}"
            "/providers/Microsoft.Storage/storageAccounts/devstoreaccount1"
        )

    async def _run(self, part: Azurite | EventGrid | StorageEventsProxy) -> None:
        self._resources.push_async_callback(part.stop)
        await part.start()
