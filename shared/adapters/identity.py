"""The identity of the app: managed on Azure, a developer's sign-in elsewhere."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.credentials import AccessToken, TokenCredential

_SECONDS = 10
_EVERYTHING = "/.default"


def app_identity(environ: Mapping[str, str] = os.environ) -> TokenCredential:
    """The app's credential; `AZURE_CLIENT_ID` selects a user-assigned identity."""
    if "IDENTITY_ENDPOINT" in environ:
        return ManagedIdentity(environ.get("AZURE_CLIENT_ID"))
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - a developer's machine only

    return DefaultAzureCredential()


class ManagedIdentity:
    """The managed identity of the function app, through MSAL, as azure-identity does it.

    azure-identity also imports support for certificates, browsers and key chains: a sixth of the
    CPU of the first event (ADR 23).
    """

    def __init__(self, client_id: str | None) -> None:
        import msal  # noqa: PLC0415 - when first needed
        import requests  # noqa: PLC0415 - same

        session = requests.Session()
        session.request = partial(session.request, timeout=_SECONDS)  # type: ignore[method-assign]
        self._client = msal.ManagedIdentityClient(
            msal.UserAssignedManagedIdentity(client_id=client_id)
            if client_id
            else msal.SystemAssignedManagedIdentity(),
            http_client=session,
        )

    def get_token(self, *scopes: str, claims: str | None = None, **_: Any) -> AccessToken:
        """A token for one resource, cached in memory while it is valid.

        Raises:
            azure.core.exceptions.ClientAuthenticationError: the platform refused.
            azure.core.exceptions.ServiceRequestError: it did not answer.
        """
        from azure.core.credentials import AccessToken  # noqa: PLC0415 - with the SDKs
        from azure.core.exceptions import (  # noqa: PLC0415 - same
            ClientAuthenticationError,
            ServiceRequestError,
        )
        from requests import RequestException  # noqa: PLC0415 - same

        (scope,) = scopes
        try:
            found = self._client.acquire_token_for_client(
                resource=scope.removesuffix(_EVERYTHING), claims_challenge=claims
            )
        except RequestException as exc:
            raise ServiceRequestError(f"no token for {scope}: {exc}", error=exc) from exc
        if "access_token" not in found:
            why = found.get("error_description") or found.get("error")
            raise ClientAuthenticationError(f"no token for {scope}: {why}")
        return AccessToken(found["access_token"], int(time.time()) + int(found["expires_in"]))
