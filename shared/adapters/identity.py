"""The identity of the app: managed on Azure, a developer's sign-in elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def app_identity() -> TokenCredential:
    """Tokens without secrets; `AZURE_CLIENT_ID` names a user-assigned identity."""
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - 200 ms: when first needed

    return DefaultAzureCredential()
