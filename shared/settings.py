"""Settings of the function app, read from its environment and checked together on first use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shared.errors import SettingsError
from shared.ports.notices import AlertChannel, AlertRoute

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVICES = ("blob", "queue", "table")
_CONNECTION_STRING_NEEDS = ("AccountName", "AccountKey")
# Azurite's published account; Azure's own tools accept the short form below for it.
_DEVELOPMENT_STORAGE = "UseDevelopmentStorage=true"
_DEVELOPMENT_STORAGE_EXPANDED = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ENDPOINT_PREFIX = re.compile(r"[a-z]([a-z0-9-]{0,13}[a-z0-9])?")
_CONTAINER = re.compile(r"[a-z0-9](-?[a-z0-9]){2,62}")


@dataclass(frozen=True, slots=True)
class StorageConnection:
    """One storage account: either a connection string or service addresses for an identity.

    Exactly one form is filled in; the connection string holds a key and stays out of `repr`.
    """

    connection_string: str | None = field(default=None, repr=False)
    blob_url: str | None = None
    queue_url: str | None = None
    table_url: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of the function app; `local.settings.sample.json` has an example of each."""

    storage: StorageConnection
    workspace_storage: StorageConnection
    workspace_storage_container: str
    subscription_id: str
    resource_group: str
    workspace: str
    datastore_data: str
    compute_train: str
    endpoint_instance_type: str
    endpoint_prefix: str
    events_topic_endpoint: str
    function_data_limit_bytes: int
    alert_routes: tuple[AlertRoute, ...]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read and check all settings.

        Raises:
            SettingsError: every missing or malformed setting, in one message.
        """
        reader = _Reader(env)
        settings = cls(
            storage=reader.storage("AzureWebJobsStorage", _SERVICES),
            workspace_storage=reader.storage("RETRAIN_WORKSPACE_STORAGE", ("blob",)),
            workspace_storage_container=reader.matching(
                "RETRAIN_WORKSPACE_STORAGE_CONTAINER",
                _CONTAINER,
                "a container name: 3-63 lower-case letters, digits and single dashes",
            ),
            subscription_id=reader.matching("RETRAIN_SUBSCRIPTION_ID", _GUID, "a subscription id"),
            resource_group=reader.text("RETRAIN_RESOURCE_GROUP"),
            workspace=reader.text("RETRAIN_WORKSPACE"),
            datastore_data=reader.text("RETRAIN_DATASTORE_DATA"),
            compute_train=reader.text("RETRAIN_COMPUTE_TRAIN"),
            endpoint_instance_type=reader.text("RETRAIN_ENDPOINT_INSTANCE_TYPE"),
            endpoint_prefix=reader.matching(
                "RETRAIN_ENDPOINT_PREFIX",
                _ENDPOINT_PREFIX,
                "1-15 lower-case letters, digits and dashes, a letter first, no dash last",
            ),
            events_topic_endpoint=reader.https("RETRAIN_EVENTS_TOPIC_ENDPOINT"),
            function_data_limit_bytes=reader.positive("RETRAIN_FUNCTION_DATA_LIMIT_BYTES"),
            alert_routes=reader.alert_routes("RETRAIN_ALERT_CHANNELS"),
        )
        reader.raise_problems()
        return settings


class _Reader:
    """Reads settings one by one and collects what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._problems: list[str] = []

    def raise_problems(self) -> None:
        if self._problems:
            listed = "\n".join(f"- {problem}" for problem in self._problems)
            raise SettingsError(
                f"{len(self._problems)} setting(s) are missing or malformed:\n{listed}\n"
                "Each setting is shown once in local.settings.sample.json."
            )

    def text(self, name: str) -> str:
        value = self._env.get(name, "").strip()
        if not value:
            self._problems.append(f"{name} is missing or empty")
        return value

    def matching(self, name: str, pattern: re.Pattern[str], expected: str) -> str:
        value = self.text(name)
        if value and not pattern.fullmatch(value):
            self._problems.append(f"{name}={value!r} is not {expected}")
        return value

    def https(self, name: str) -> str:
        value = self.text(name)
        if value and not _is_url(value, ("https",)):
            self._problems.append(f"{name}={value!r} is not an https:// address")
        return value

    def positive(self, name: str) -> int:
        value = self.text(name)
        if value and not (value.isascii() and value.isdigit() and int(value) > 0):
            self._problems.append(f"{name}={value!r} is not a whole number above 0")
            return 0
        return int(value or 0)

    def alert_routes(self, name: str) -> tuple[AlertRoute, ...]:
        """Comma-separated channels, such as `log`; `channel=target` if one needs an address."""
        routes = []
        for part in self.text(name).split(","):
            word, _, target = (piece.strip() for piece in part.partition("="))
            if word not in set(AlertChannel):
                known = ", ".join(AlertChannel)
                self._problems.append(f"{name} names the channel {word!r}; there are: {known}")
            elif AlertChannel(word).takes_target != bool(target):
                # The target may be a secret: it is not repeated here.
                needs = "a target, as in" if not target else "no target: write"
                example = f"{word}=https://..." if not target else word
                self._problems.append(f"{name}: the channel {word} takes {needs} {example}")
            else:
                routes.append(AlertRoute(AlertChannel(word), target))
        return tuple(routes)

    def storage(self, name: str, services: tuple[str, ...]) -> StorageConnection:
        """A storage connection in one of the two forms that the Functions host accepts."""
        identity_names = [
            f"{name}__{suffix}"
            for suffix in ("accountName", *(f"{service}ServiceUri" for service in services))
        ]
        given = [key for key in identity_names if self._env.get(key, "").strip()]
        connection_string = self._env.get(name, "").strip()
        if connection_string and given:
            self._problems.append(f"{name} and {given[0]} are both set; keep one of the two forms")
        elif connection_string:
            return self._by_key(name, connection_string, services)
        elif given:
            return self._by_identity(name, services)
        else:
            self._problems.append(
                f"{name} is missing: set it to a connection string (Azurite), "
                f"or set {name}__accountName to use the app's identity"
            )
        return StorageConnection()

    def _by_key(self, name: str, value: str, services: tuple[str, ...]) -> StorageConnection:
        if value.rstrip(";") == _DEVELOPMENT_STORAGE:
            value = _DEVELOPMENT_STORAGE_EXPANDED
        parts = dict(part.partition("=")[::2] for part in value.split(";") if part)
        missing = [key for key in _CONNECTION_STRING_NEEDS if not parts.get(key)]
        if not parts.get("EndpointSuffix"):
            missing += [
                f"{service.capitalize()}Endpoint (or EndpointSuffix)"
                for service in services
                if not parts.get(f"{service.capitalize()}Endpoint")
            ]
        if missing:
            # The value itself holds a key: it is not repeated here.
            self._problems.append(
                f"{name} is not a connection string: {', '.join(missing)} missing"
            )
        return StorageConnection(connection_string=value)

    def _by_identity(self, name: str, services: tuple[str, ...]) -> StorageConnection:
        account = self._env.get(f"{name}__accountName", "").strip()
        urls: dict[str, str] = {}
        for service in services:
            key = f"{name}__{service}ServiceUri"
            url = self._env.get(key, "").strip()
            if not url and account:
                url = f"https://{account}.{service}.core.windows.net"
            if not url:
                self._problems.append(f"{key} is missing (or set {name}__accountName instead)")
            elif not _is_url(url, ("https", "http")):
                self._problems.append(f"{key}={url!r} is not an http(s):// address")
            urls[service] = url.rstrip("/")
        return StorageConnection(
            blob_url=urls.get("blob"), queue_url=urls.get("queue"), table_url=urls.get("table")
        )


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname)
