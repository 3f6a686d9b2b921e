"""The endpoints of a running stack with their keys, as `az ml online-endpoint` shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.supervision.stack_record import RunningStack

_CALL_SECONDS = 30
_ARM = "https://management.azure.com"
_IDENTITY_API = "2019-08-01"
_ENDPOINT_API = "2023-04-01-preview"


def endpoint_lines(record: RunningStack) -> list[str]:
    """`http://127.0.0.1:1234/retrain-iris/score  (key: …)`, one an endpoint, sorted.

    Raises:
        LocalStackError: the workspace did not answer.
    """
    token = _call(
        "GET",
        record.environ["IDENTITY_ENDPOINT"],
        headers={"X-IDENTITY-HEADER": record.environ["IDENTITY_HEADER"]},
        params={"api-version": _IDENTITY_API, "resource": _ARM},
    )["access_token"]
    every = f"{record.workspace_url}{record.workspace_id}/onlineEndpoints"
    as_operator: dict[str, Any] = {
        "headers": {"Authorization": f"Bearer {token}"},
        "params": {"api-version": _ENDPOINT_API},
        # The control plane speaks TLS with a certificate of this stack's own authority.
        "verify": record.environ.get("REQUESTS_CA_BUNDLE", True),
    }
    lines = []
    for endpoint in _call("GET", every, **as_operator)["value"]:
        keys = _call("POST", f"{every}/{endpoint['name']}/listKeys", **as_operator)
        lines.append(f"{endpoint['properties']['scoringUri']}  (key: {keys['primaryKey']})")
    return sorted(lines)


def _call(method: str, url: str, **given: Any) -> Mapping[str, Any]:
    import requests  # noqa: PLC0415 - only here

    try:
        answer = requests.request(method, url, timeout=_CALL_SECONDS, **given)
        answer.raise_for_status()
        document: Mapping[str, Any] = answer.json()
    except requests.RequestException as exc:
        raise LocalStackError(f"the workspace did not answer: {exc}") from exc
    return document
