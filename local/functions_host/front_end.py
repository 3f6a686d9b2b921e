"""The host's HTTP server: one port for functions, the Event Grid webhook and the admin routes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from local.functions_host.admin import PREFIX as ADMIN_PREFIX
from local.functions_host.errors import FunctionAppError
from local.functions_host.triggers.event_grid import PATH as EVENT_GRID_PATH
from local.serving.http_server import SHUTDOWN_SECONDS, has_utf8_headers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.Response]]


class FrontEnd:
    """Listens on loopback at once; answers 503 until it is opened.

    Args:
        port: 0 takes any free one.
        largest_body_bytes: longer requests get 413.
    """

    def __init__(self, *, port: int, largest_body_bytes: int) -> None:
        self.port = port
        self._largest_body_bytes = largest_body_bytes
        self._runner: web.AppRunner | None = None
        self._handlers: tuple[Handler, Handler, Handler] | None = None

    async def start(self) -> None:
        """Bind the port and listen.

        Raises:
            FunctionAppError: another program has it.
        """
        app = web.Application(client_max_size=self._largest_body_bytes)
        app.router.add_route("*", "/{path:.*}", self._dispatch)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        try:
            await site.start()
        except OSError as exc:
            raise FunctionAppError(
                f"port {self.port} cannot be used ({exc.strerror}): stop what holds it or choose "
                "another, 0 for any"
            ) from exc
        self.port = self._runner.addresses[0][1]

    def open(self, *, functions: Handler, event_grid: Handler, admin: Handler) -> None:
        """Begin to answer."""
        self._handlers = (functions, event_grid, admin)

    async def stop(self) -> None:
        """Stop listening. Idempotent."""
        self._handlers = None
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        if self._handlers is None:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "1"})
        if not has_utf8_headers(request):
            return web.Response(status=HTTPStatus.BAD_REQUEST, text="a header is not UTF-8\n")
        functions, event_grid, admin = self._handlers
        path = request.path.lower()
        if path.startswith(ADMIN_PREFIX):
            return await admin(request)
        if path.rstrip("/") == EVENT_GRID_PATH:
            return await event_grid(request)
        return await functions(request)
