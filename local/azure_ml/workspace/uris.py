"""Azure ML's URIs and asset ids, in all their spellings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from local.errors import LocalStackError

_DATASTORE = re.compile(
    r"^azureml://(?:subscriptions/[^/]+/resource[gG]roups/[^/]+/"
    r"(?:providers/Microsoft\.MachineLearningServices/)?workspaces/[^/]+/)?"
    r"datastores/(?P<store>[^/]+)/paths/(?P<path>.*)$"
)
_JOB_OUTPUT = re.compile(
    r"^azureml://(?:.*/)?jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths(?:/(?P<path>.*))?)?$"
)
_ASSET_ARM = re.compile(
    r"^(?:azureml:)?(?:/?/subscriptions/.*/workspaces/[^/]+|azureml://locations/.*/workspaces/[^/]+)?/"
    r"(?P<kind>codes|components|environments|data|models)/(?P<name>[^/]+)"
    r"/versions/(?P<version>[^/]+)$"
)
_ASSET_SHORT = re.compile(
    r"^azureml:(?P<name>[^/:@]+)(?::(?P<version>[^/:@]+)|@(?P<label>latest))$"
)


class UnknownUriError(LocalStackError):
    """A reference to data, models or code that this workspace cannot resolve."""


@dataclass(frozen=True, slots=True)
class DatastorePath:
    """`azureml://datastores/<store>/paths/<path>`; a file, or a folder with or without slash."""

    store: str
    path: str


@dataclass(frozen=True, slots=True)
class JobOutput:
    """`azureml://jobs/<job>/outputs/<output>/paths/<path>`."""

    job: str
    output: str
    path: str


@dataclass(frozen=True, slots=True)
class BlobPath:
    """A container and a name in the workspace's storage account."""

    container: str
    path: str


@dataclass(frozen=True, slots=True)
class AssetId:
    """A registered asset; `version` None means the latest, `kind` None that the caller knows."""

    kind: str | None
    name: str
    version: str | None

    def path(self, kind: str) -> str:
        """Its path below the workspace, for assets whose version is known.

        Raises:
            UnknownUriError: another kind was expected, or no version is named.
        """
        if self.kind not in (None, kind):
            raise UnknownUriError(f"{self.name} is of kind {self.kind}, expected {kind}")
        if self.version is None:
            raise UnknownUriError(
                f"{kind}/{self.name} needs a version: azureml:{self.name}:<version>"
            )
        return f"{kind}/{self.name}/versions/{self.version}"


Reference = DatastorePath | JobOutput | BlobPath | AssetId


def parse(uri: str) -> Reference:
    """Read any of Azure ML's spellings.

    Raises:
        UnknownUriError: none of them.
    """
    if match := _DATASTORE.match(uri):
        return DatastorePath(match["store"], match["path"])
    if match := _JOB_OUTPUT.match(uri):
        return JobOutput(match["job"], match["output"], match["path"] or "")
    if match := _ASSET_ARM.match(uri):
        return AssetId(match["kind"], match["name"], match["version"])
    if match := _ASSET_SHORT.match(uri):
        return AssetId(None, match["name"], match["version"])
    parts = urlsplit(uri)
    if parts.scheme in {"wasb", "wasbs"} and parts.username:
        return BlobPath(parts.username, unquote(parts.path.lstrip("/")))
    if parts.scheme in {"http", "https"}:
        return _blob_url(uri, parts.netloc, unquote(parts.path))
    raise UnknownUriError(
        f"'{uri}' is not understood: use azureml://datastores/<name>/paths/<path>, "
        "azureml:<asset>:<version>, an asset's id, or a blob's URL"
    )


def _blob_url(uri: str, host: str, path: str) -> BlobPath:
    segments = path.lstrip("/").split("/")
    if ".blob." not in host:
        segments = segments[1:]  # an emulator's URL has the account in its path
    if not segments or not segments[0]:
        raise UnknownUriError(f"'{uri}' names no container")
    return BlobPath(segments[0], "/".join(segments[1:]))
