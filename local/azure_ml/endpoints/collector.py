"""Azure's data collector: the inputs and outputs of each deployment, kept as JSONL.

On Azure it runs beside the deployment's container. Here each deployment that collects data has its
own listener, since a payload does not say which deployment it comes from.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.endpoints.spool import Spool
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_PATH = "/modeldata/log"
_TYPE = re.compile(r"^azureml\.inference\.(?P<collection>[A-Za-z0-9_-]{1,64})$")
# Azure keeps larger ones apart behind a pointer line; senders here split them instead.
_MOST_BODY_BYTES = 4 * 1024 * 1024
_FOLDERS = {
    "year": "%Y",
    "month": "%Y/%m",
    "day": "%Y/%m/%d",
    "hour": "%Y/%m/%d/%H",
    "minute": "%Y/%m/%d/%H/%M",
}


@dataclass(frozen=True, slots=True)
class CollectionTarget:
    """Where one deployment's data goes.

    Args:
        source: ARM id of the deployment.
        container: of the workspace's default datastore.
        prefixes: folder by collection; others go to `default_prefix/<collection>`.
        rolling_rate: Year, Month, Day, Hour or Minute, in any case: how deep the date folders are.
    """

    source: str
    container: str
    prefixes: Mapping[str, str]
    default_prefix: str
    rolling_rate: str = "Hour"


class Collector:
    """Listeners on loopback ports and the spool behind them."""

    def __init__(self, *, spool: Path, blob_url: Callable[[str, str], str]) -> None:
        self._spool = Spool(root=spool, blob_url=blob_url)
        self._listeners: dict[int, web.AppRunner] = {}

    async def start(self) -> None:
        """Resume the files that an earlier run left."""
        await self._spool.start()

    async def stop(self) -> None:
        """Close all listeners, then store what they received. Stop the deployments first."""
        for port in list(self._listeners):
            await self.close(port)
        await self._spool.stop()

    async def flush(self) -> None:
        """Store everything received so far."""
        await self._spool.flush()

    async def open(self, target: CollectionTarget) -> int:
        """Listen for one deployment; returns the port."""
        instance = uuid.uuid4().hex

        async def take(request: web.Request) -> web.Response:
            return await self._take(request, target, instance)

        app = web.Application(client_max_size=_MOST_BODY_BYTES)
        app.router.add_post(_PATH, take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = int(runner.addresses[0][1])
        self._listeners[port] = runner
        return port

    async def close(self, port: int) -> None:
        """Stop listening on `port`. Harmless when it is not open."""
        runner = self._listeners.pop(port, None)
        if runner is not None:
            await runner.cleanup()

    async def _take(
        self, request: web.Request, target: CollectionTarget, instance: str
    ) -> web.Response:
        kind = request.headers.get("ce-type", "")
        match = _TYPE.match(kind)
        if match is None:
            return web.Response(
                status=400, text=f"ce-type '{kind}' is not azureml.inference.<name>"
            )
        body = await request.read()
        try:
            rows = json.loads(body)
            moment = datetime.fromtimestamp(int(request.headers["ce-time"]), UTC)
        except (ValueError, OverflowError, KeyError, OSError) as exc:
            return web.Response(
                status=400, text=f"the body must be JSON and ce-time Unix seconds: {exc!r}"
            )
        if not isinstance(rows, list):
            return web.Response(status=400, text="the body must be a list of rows")
        line = json.dumps(
            _event(request.headers, kind, rows, moment=moment, source=target.source, body=body),
            separators=(",", ":"),
        )
        collection = match["collection"]
        prefix = target.prefixes.get(collection, f"{target.default_prefix}/{collection}")
        folder = moment.strftime(_FOLDERS[target.rolling_rate.lower()])
        name = f"{prefix.strip('/')}/{folder}/{instance}.jsonl"
        try:
            await self._spool.append(target.container, name, line.encode())
        except LocalStackError as exc:
            return web.Response(status=503, text=str(exc))  # not durable: the sender tries again
        return web.Response(status=202)


def _event(
    headers: Mapping[str, str],
    kind: str,
    rows: list[Any],
    *,
    moment: datetime,
    source: str,
    body: bytes,
) -> dict[str, Any]:
    request_id = headers.get("ce-x-request-id", "")
    return {
        "specversion": "1.0",
        "id": headers.get("trace-id") or str(uuid.uuid4()),
        "source": source,
        "type": kind,
        "datacontenttype": "application/json",
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": rows,
        "correlationid": request_id,
        "xrequestid": request_id,
        "modelversion": headers.get("ce-model-version", "default"),
        "collectdatatype": headers.get("ce-collect-data-type", ""),
        "agent": headers.get("ce-agent", ""),
        "contentrange": f"bytes 0-{max(len(body) - 1, 0)}/{len(body)}",
    }
