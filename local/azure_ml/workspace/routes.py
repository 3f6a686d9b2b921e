"""Routes of the workspace itself: its description, datastores, discovery."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.azure_ml.answers import not_found
from local.azure_ml.workspace.storage_passthrough import account_name
from local.azure_ml.workspace.workspace import DEFAULT_STORE

if TYPE_CHECKING:
    from local.azure_ml.workspace.workspace import Workspace

_TYPE = "Microsoft.MachineLearningServices/workspaces"


def workspace_guid(workspace: Workspace) -> str:
    """The workspace's id, the same after every restart."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, workspace.arm_id))


def storage_account_id(workspace: Workspace) -> str:
    """ARM id of the storage account behind the workspace."""
    names = workspace.names
    return (
        f"/subscriptions/{names.subscription}/resourceGroups/{names.resource_group}"
        f"/providers/Microsoft.Storage/storageAccounts/{workspace.blobs.account_name}"
    )


class WorkspaceRoutes:
    """GET of the workspace and its datastores; SAS of a datastore; the discovery document."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def routes(self) -> list[web.RouteDef]:
        """The routes, to be mounted at the server's root."""
        base = self._workspace.arm_id
        return [
            web.get(base, self._get_workspace),
            web.get(f"{base}/datastores", self._list_datastores),
            web.get(f"{base}/datastores/{{name}}", self._get_datastore),
            web.post(f"{base}/datastores/{{name}}/listSecrets", self._list_secrets),
            web.get("/discovery", self._discovery),
        ]

    async def _get_workspace(self, _: web.Request) -> web.Response:
        workspace = self._workspace
        host = workspace.base_url.removeprefix("https://")
        return web.json_response(
            {
                "id": workspace.arm_id,
                "name": workspace.names.name,
                "type": _TYPE,
                "location": workspace.location,
                "kind": "Default",
                "tags": {},
                "identity": {"type": "SystemAssigned"},
                "properties": {
                    "workspaceId": workspace_guid(workspace),
                    "friendlyName": workspace.names.name,
                    "provisioningState": "Succeeded",
                    "storageAccount": storage_account_id(workspace),
                    "discoveryUrl": f"{workspace.base_url}/discovery",
                    "mlFlowTrackingUri": f"azureml://{host}/mlflow/v1.0{workspace.arm_id}",
                    "hbiWorkspace": False,
                    "v1LegacyMode": False,
                    "publicNetworkAccess": "Enabled",
                },
            }
        )

    def _datastore(self, name: str) -> dict[str, Any]:
        workspace = self._workspace
        return {
            "id": f"{workspace.arm_id}/datastores/{name}",
            "name": name,
            "type": f"{_TYPE}/datastores",
            "properties": {
                "datastoreType": "AzureBlob",
                "isDefault": name == DEFAULT_STORE,
                "accountName": account_name(workspace),
                "containerName": workspace.datastores[name],
                "endpoint": workspace.blobs.endpoint.split("://", 1)[1],
                "protocol": workspace.blobs.endpoint.split("://", 1)[0],
                "credentials": {"credentialsType": "Sas"},
                "serviceDataAccessAuthIdentity": "None",
                "tags": {},
                "properties": {},
            },
        }

    async def _list_datastores(self, request: web.Request) -> web.Response:
        wanted = request.query.get("isDefault")
        found = [self._datastore(name) for name in self._workspace.datastores]
        if wanted is not None:
            default = wanted.lower() == "true"
            found = [item for item in found if item["properties"]["isDefault"] is default]
        return web.json_response({"value": found})

    async def _get_datastore(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._workspace.datastores:
            return not_found(f"datastore {name}")
        return web.json_response(self._datastore(name))

    async def _list_secrets(self, request: web.Request) -> web.Response:
        container = self._workspace.datastores.get(request.match_info["name"])
        if container is None:
            return not_found(f"datastore {request.match_info['name']}")
        token = self._workspace.blobs.container_sas(container)
        return web.json_response({"secretsType": "Sas", "sasToken": token})

    async def _discovery(self, _: web.Request) -> web.Response:
        url = self._workspace.base_url
        services = ("api", "catalog", "experimentation", "history", "modelregistry", "studio")
        return web.json_response(dict.fromkeys(services, url))
