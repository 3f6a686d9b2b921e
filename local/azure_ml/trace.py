"""Every exchange as a JSON line, as it was received; secrets masked."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web

from local.azure_ml.workspace.storage_passthrough import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import TextIO

    from aiohttp.typedefs import Handler, Middleware

MASK = "***"
_LARGEST_BODY_BYTES = 1 << 20
_FILES = ("/mlflow-artifacts/", PREFIX)
_SECRET_KEYS = re.compile(
    r"^(sasToken|sig|key|keyValue|primaryKey|secondaryKey|accountKey|password|secret|clientSecret"
    r"|accessToken|access_token|token|code)$",
    re.IGNORECASE,
)
_SECRET_IN_TEXT = re.compile(
    r"((?:[?&;]|^|%26)(?:sig|code|key|AccountKey|SharedAccessSignature|aeg-sas-key)(?:=|%3D))"
    r"[^&;\s\"']+",
    re.IGNORECASE,
)
_BEARER = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*")


class Trace:
    """Writes `{method, path, query, request, status, response}` lines to one file.

    Bodies that are not JSON and bodies over 1 MiB are replaced by a note of their type and size.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Even masked, a trace is for the workspace's owner only.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._out: TextIO = os.fdopen(descriptor, "a", encoding="utf-8")

    def close(self) -> None:
        """Close the file."""
        self._out.close()

    def write(
        self,
        request: web.Request,
        *,
        body: bytes,
        status: int,
        response: bytes | None,
        content_type: str,
    ) -> None:
        """Add one exchange; `response` is None for a streamed answer."""
        line = {
            "method": request.method,
            "path": request.path,
            "query": masked(dict(request.query)),
            "request": _shown(body, request.content_type),
            "status": status,
            "response": "(streamed)" if response is None else _shown(response, content_type),
        }
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()


def tracing(trace: Trace) -> Middleware:
    """Middleware that hands every exchange to `trace`; uploads of files are not read for it."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        # Files pass through in pieces: a body that is read here would be gone for the handler.
        is_file = any(part in request.path for part in _FILES)
        is_json = request.content_type in {"application/json", "text/json"} and not is_file
        body = await request.read() if is_json else b""
        try:
            answer = await handler(request)
        except web.HTTPException as exc:
            trace.write(
                request,
                body=body,
                status=exc.status,
                response=exc.text.encode() if exc.text else b"",
                content_type=exc.content_type,
            )
            raise
        content = answer.body or b"" if isinstance(answer, web.Response) else None
        trace.write(
            request,
            body=body,
            status=answer.status,
            response=content if isinstance(content, bytes | type(None)) else bytes(0),
            content_type=answer.headers.get(hdrs.CONTENT_TYPE, ""),
        )
        return answer

    return middleware


def masked(value: Any) -> Any:
    """`value` with the values of secret keys and of tokens inside texts replaced by `***`."""
    if isinstance(value, str):
        return _BEARER.sub(MASK, _SECRET_IN_TEXT.sub(rf"\1{MASK}", value))
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, dict):
        return {key: _masked_item(value, key, item) for key, item in value.items()}
    return value


def _masked_item(parent: Mapping[str, Any], key: str, item: Any) -> Any:
    # MLflow's tags and parameters are {key, value}: there `key` is a name, not a secret.
    if (
        isinstance(item, str)
        and _SECRET_KEYS.match(key)
        and not (key == "key" and "value" in parent)
    ):
        return MASK
    return masked(item)


def _shown(body: bytes, content_type: str) -> Any:
    if not body:
        return None
    if "json" in content_type and len(body) <= _LARGEST_BODY_BYTES:
        try:
            return masked(json.loads(body))
        except ValueError:
            return "(not JSON)"
    return f"({content_type or 'no type'}, {len(body)} bytes)"
