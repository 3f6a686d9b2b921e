"""The scoring address of all endpoints: keys, traffic, mirroring, one deployment by name."""

from __future__ import annotations

import asyncio
import io
import logging
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from local.azure_ml.endpoints.router_answers import (
    DEPLOYMENT_HEADER,
    MODEL_ERROR,
    MODEL_STATUS_HEADER,
    NOT_FORWARDED,
    REASON_HEADER,
    REQUEST_ID_HEADER,
    TOO_MANY,
    forwarded,
    has_key,
    model_failure,
    refusal,
)
from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.azure_ml.endpoints.rules import RequestLimits

_log = logging.getLogger(__name__)

# Azure's limit of a request to a managed endpoint.
_MOST_BODY_BYTES = 10 * 1024 * 1024
_LARGE_BODY_BYTES = 1024 * 1024
_MOST_COPIES_IN_FLIGHT = 50
# A connection that was refused carried nothing: trying again cannot score twice.
_CONNECT_PAUSES_SECONDS = (0.0, 0.05, 0.25)
_CONNECT_TIMEOUT_SECONDS = 2.0


@dataclass(slots=True, eq=False)
class Target:
    """One running deployment as the router sees it; `in_flight` is the router's own count."""

    deployment: str
    url: str
    limits: RequestLimits
    in_flight: int = 0
    drained: asyncio.Event = field(default_factory=asyncio.Event)

    def enter(self) -> None:
        """Count one request in."""
        self.in_flight += 1
        self.drained.clear()

    def leave(self) -> None:
        """Count one request out."""
        self.in_flight -= 1
        if not self.in_flight:
            self.drained.set()

    async def drain(self, *, timeout_seconds: float) -> bool:
        """Wait until no request is in flight; False when time ran out."""
        if not self.in_flight:
            return True
        try:
            await asyncio.wait_for(self.drained.wait(), timeout_seconds)
        except TimeoutError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Route:
    """The router's immutable copy of an endpoint, so that a request sees one consistent state."""

    keys: tuple[str, ...]
    traffic: Mapping[str, int]
    mirror: Mapping[str, int]
    targets: Mapping[str, Target]


class Router:
    """One HTTP server for all endpoints: `<url>/<endpoint>/score`.

    As Azure's front end does, it answers 424 for whatever is not 200 from a deployment, with the
    deployment's own body, and its own status in `ms-azureml-model-error-statuscode`. A deployment
    that closes the connection counts as 502, one that accepts none as 503.

    Args:
        draw: a random number from 0 (inclusive) to 1 (exclusive), for traffic and mirroring.
    """

    def __init__(self, *, port: int = 0, draw: Callable[[], float] = random.random) -> None:
        self.port = port
        self.routes: dict[str, Route] = {}
        self._draw = draw
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self._copies: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            LocalStackError: the port is taken.
        """
        # No reuse: the inference server closes each connection, and on a fresh one a failure
        # to connect is known to have carried nothing.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        app = web.Application(client_max_size=_MOST_BODY_BYTES)
        app.router.add_route("*", "/{endpoint}/score", self._handle)
        app.router.add_get("/{endpoint}/swagger.json", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        try:
            await site.start()
        except OSError as exc:
            raise LocalStackError(
                f"scoring cannot listen on port {self.port} ({exc.strerror}): stop what holds it "
                "or choose another"
            ) from exc
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Finish what is in flight and stop. Harmless when it has stopped already."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        for copy in list(self._copies):
            copy.cancel()
        await asyncio.gather(*self._copies, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _handle(self, request: web.Request) -> web.Response:
        name = request.match_info["endpoint"]
        route = self.routes.get(name)
        if route is None:
            return refusal(404, f"there is no endpoint '{name}'")
        if not has_key(request, route.keys):
            return refusal(401, "send one of the endpoint's keys as 'Authorization: Bearer <key>'")
        try:
            body = await request.read()
        except web.RequestPayloadError as exc:
            return refusal(400, f"the body cannot be read: {exc}")
        # Again: traffic may have moved while the body came in.
        route = self.routes.get(name, route)
        target = self._choose(request, route)
        if isinstance(target, web.Response):
            return target
        headers = forwarded(request)
        self._copy(request, route, headers, body)
        response = await self._answer(target, request, headers, body)
        response.headers[DEPLOYMENT_HEADER] = target.deployment
        response.headers[REQUEST_ID_HEADER] = headers[REQUEST_ID_HEADER]
        return response

    def _choose(self, request: web.Request, route: Route) -> Target | web.Response:
        wanted = request.headers.get(DEPLOYMENT_HEADER)
        if wanted is not None:
            target = route.targets.get(wanted)
            if target is None:
                known = ", ".join(sorted(route.targets)) or "none"
                return refusal(404, f"there is no deployment '{wanted}'; there are: {known}")
            return target
        if not any(route.traffic.values()):
            return refusal(404, "no deployment of this endpoint has traffic; set its traffic")
        drawn = self._draw() * sum(route.traffic.values())
        chosen = ""
        for name, percent in route.traffic.items():
            if percent:
                chosen = name
                drawn -= percent
            if drawn < 0:
                break
        target = route.targets.get(chosen)
        if target is None:
            return model_failure(503, f"deployment '{chosen}' is not running; see its logs")
        return target

    async def _answer(
        self, target: Target, request: web.Request, headers: Mapping[str, str], body: bytes
    ) -> web.Response:
        if target.in_flight >= target.limits.most_in_flight:
            return refusal(
                429,
                f"deployment '{target.deployment}' works on {target.in_flight} requests, limit "
                f"{target.limits.most_in_flight}; try again, or raise "
                "max_concurrent_requests_per_instance or the instance count",
                {REASON_HEADER: TOO_MANY},
            )
        target.enter()
        try:
            async with asyncio.timeout(target.limits.timeout_seconds):
                return await self._forward(target, request, headers, body)
        except TimeoutError:
            return refusal(
                408,
                f"deployment '{target.deployment}' did not answer within "
                f"{target.limits.timeout_seconds:g} s (request_timeout)",
            )
        except aiohttp.ClientConnectorError as exc:
            return model_failure(
                503, f"deployment '{target.deployment}' takes no connection ({exc}); see its logs"
            )
        except (aiohttp.ClientError, ConnectionError) as exc:
            # The request was sent and may have been scored: the caller decides on another try.
            return model_failure(
                502,
                f"deployment '{target.deployment}' broke off ({type(exc).__name__}); see its logs",
            )
        finally:
            target.leave()

    async def _forward(
        self, target: Target, request: web.Request, headers: Mapping[str, str], body: bytes
    ) -> web.Response:
        if self._session is None:
            raise RuntimeError("the router has not been started")
        path = request.path.removeprefix(f"/{request.match_info['endpoint']}")
        query = f"?{request.query_string}" if request.query_string else ""
        refused: aiohttp.ClientConnectorError | None = None
        for pause in _CONNECT_PAUSES_SECONDS:
            await asyncio.sleep(pause)
            try:
                async with self._session.request(
                    request.method,
                    f"{target.url}{path}{query}",
                    # aiohttp warns that large bytes would block the loop.
                    data=body if len(body) < _LARGE_BODY_BYTES else io.BytesIO(body),
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(sock_connect=_CONNECT_TIMEOUT_SECONDS),
                ) as answer:
                    response = web.Response(status=answer.status, body=await answer.read())
                    for key, value in answer.headers.items():
                        if key.lower() not in NOT_FORWARDED:
                            response.headers.add(key, value)
                    if answer.status != web.HTTPOk.status_code:
                        response.set_status(web.HTTPFailedDependency.status_code)
                        response.headers[MODEL_STATUS_HEADER] = str(answer.status)
                        response.headers[REASON_HEADER] = MODEL_ERROR
                    return response
            except aiohttp.ClientConnectorError as exc:
                refused = exc
        raise refused or RuntimeError("no attempt was made")

    def _copy(
        self, request: web.Request, route: Route, headers: Mapping[str, str], body: bytes
    ) -> None:
        if DEPLOYMENT_HEADER in request.headers:
            return  # Azure copies live traffic only
        for name, percent in route.mirror.items():
            if not percent or self._draw() * 100 >= percent:
                continue
            target = route.targets.get(name)
            if target is None or len(self._copies) >= _MOST_COPIES_IN_FLIGHT:
                _log.warning("a copy was dropped: deployment=%s", name)
                continue
            task = asyncio.create_task(self._send_copy(target, request, headers, body))
            self._copies.add(task)
            task.add_done_callback(self._copies.discard)

    async def _send_copy(
        self, target: Target, request: web.Request, headers: Mapping[str, str], body: bytes
    ) -> None:
        started = time.monotonic()
        answer = await self._answer(target, request, headers, body)
        _log.debug(
            "copy answered: deployment=%s status=%s seconds=%.3f",
            target.deployment,
            answer.headers.get(MODEL_STATUS_HEADER, answer.status),
            time.monotonic() - started,
        )
