"""The workspace's blobs under this server's own address, where the SDK looks for them.

The SDK builds a storage account's address as `https://<accountName>.blob.<cloud suffix>`, always.
A datastore's `accountName` here is `host:port/storage/<account>`, so that this address leads to
this server, and from here to the storage account: uploads of local data and models, and
`jobs.download`, work unchanged. The SAS in each request is checked by the storage account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from local.azure_ml.answers import error

if TYPE_CHECKING:
    from local.azure_ml.workspace.workspace import Workspace

PREFIX = "/storage/"
_NOT_FORWARDED = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "expect"})
_CHUNK_BYTES = 1 << 18


def account_name(workspace: Workspace) -> str:
    """The account name in a datastore that leads the SDK to this server."""
    host = workspace.base_url.removeprefix("https://")
    return f"{host}{PREFIX}{workspace.blobs.account_name}"


class StoragePassthrough:
    """Forwards every request, body and answer in chunks."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._session: aiohttp.ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        """The route, to be mounted at the server's root."""
        account = self._workspace.blobs.account_name
        return [web.route("*", f"{PREFIX}{account}.{{suffix}}/{{path:.*}}", self._pass)]

    async def start(self) -> None:
        """Open the connections to the storage account."""
        self._session = aiohttp.ClientSession(auto_decompress=False)

    async def stop(self) -> None:
        """Close them. Harmless when it never started."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        if self._session is None:
            return error(503, "ServerBusy", "the storage account is not connected yet")
        # As it was sent: a blob's name may hold what a second encoding would change.
        _, _, tail = request.raw_path.removeprefix(PREFIX).partition("/")
        url = URL(f"{self._workspace.blobs.endpoint}/{tail}", encoded=True)
        headers = CIMultiDict(
            (key, value)
            for key, value in request.headers.items()
            if key.lower() not in _NOT_FORWARDED
        )
        try:
            async with self._session.request(
                request.method,
                url,
                headers=headers,
                data=request.content if request.can_read_body else None,
                skip_auto_headers=[hdrs.CONTENT_TYPE],
                allow_redirects=False,
            ) as answer:
                return await _relay(request, answer)
        except aiohttp.ClientConnectionError as exc:
            return error(503, "ServerBusy", f"the storage account does not answer: {exc}")


async def _relay(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    headers = CIMultiDict(
        (key, value) for key, value in answer.headers.items() if key.lower() not in _NOT_FORWARDED
    )
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        await response.write(chunk)
    await response.write_eof()
    return response
