"""Managed identity as App Service offers it, so that DefaultAzureCredential works unmodified."""

from __future__ import annotations

import secrets
import time
import uuid
from typing import TYPE_CHECKING, Any

import jwt
from aiohttp import web

from local.azure_ml.answers import error
from local.serving.http_server import SHUTDOWN_SECONDS

if TYPE_CHECKING:
    from collections.abc import Collection

_ALGORITHM = "HS256"
_LIFETIME_SECONDS = 24 * 3600  # what App Service's managed identities get
_API_VERSION = "2019-08-01"
ARM_AUDIENCES = frozenset(
    {
        "https://management.azure.com",
        "https://management.core.windows.net",
        "https://ml.azure.com",
    }
)


class NotAuthorizedError(Exception):
    """A request without a token of this stack; the text says what is wrong with it."""


class Identity:
    """Issues and checks bearer tokens, signed with a key that lives as long as this object.

    `start()` serves the App Service protocol (api-version 2019-08-01) on loopback; programs find
    it by `environ()`. Plain HTTP, as on App Service: it never leaves the machine.
    """

    def __init__(self, *, port: int = 0) -> None:
        self._wanted_port = port
        self._key = secrets.token_bytes(32)
        self._header = secrets.token_urlsafe(24)
        self._tenant = str(uuid.uuid4())
        self._principal = str(uuid.uuid4())
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application()
        app.router.add_get("/msi/token", self._token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._wanted_port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening. Harmless when it never started."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def environ(self) -> dict[str, str]:
        """What a program needs in its environment to get tokens."""
        return {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.port}/msi/token",
            "IDENTITY_HEADER": self._header,
        }

    def issue(self, resource: str) -> str:
        """A token for `resource`, decodable by anyone, valid here only."""
        now = int(time.time())
        claims = {
            "aud": resource,
            "iss": f"https://sts.windows.net/{self._tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + _LIFETIME_SECONDS,
            "tid": self._tenant,
            "oid": self._principal,
            "sub": self._principal,
            "idtyp": "app",
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def verify(self, authorization: str | None, audiences: Collection[str]) -> dict[str, Any]:
        """The claims of an `Authorization` header's token.

        Args:
            authorization: the header's value, or None.
            audiences: resources of which one must be the token's; a trailing slash is ignored.

        Raises:
            NotAuthorizedError: no bearer token, not ours, expired, or for another resource.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthorizedError("send a header 'Authorization: Bearer <token>'")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                options={"verify_aud": False, "require": ["exp", "aud"]},
            )
        except jwt.PyJWTError as exc:
            raise NotAuthorizedError(
                f"the token is not valid here ({exc}); get one from IDENTITY_ENDPOINT"
            ) from exc
        if str(claims["aud"]).rstrip("/") not in {audience.rstrip("/") for audience in audiences}:
            raise NotAuthorizedError(f"the token is for '{claims['aud']}', not for this service")
        return claims

    async def _token(self, request: web.Request) -> web.Response:
        given = request.headers.get("X-IDENTITY-HEADER", "")
        if not secrets.compare_digest(given.encode(), self._header.encode()):
            return error(401, "Unauthorized", "X-IDENTITY-HEADER is missing or wrong")
        resource = request.query.get("resource")
        if request.query.get("api-version") != _API_VERSION or not resource:
            return error(400, "BadRequest", f"needs resource= and api-version={_API_VERSION}")
        now = int(time.time())
        return web.json_response(
            {
                "access_token": self.issue(resource),
                "expires_on": str(now + _LIFETIME_SECONDS),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": self._principal,
            }
        )
