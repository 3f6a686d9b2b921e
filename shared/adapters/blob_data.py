"""Landing, data, quarantine and evidence containers in blob storage."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.adapters.storage_account import storage_errors
from shared.domain.data import BlobRef
from shared.errors import (
    BlobChangedError,
    BlobTooLargeError,
    DataMismatchError,
    NotThereYetError,
    ServiceBusyError,
)
from shared.ports.data import LandedBlob, LocalCopy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import BlobClient, BlobProperties, ContainerClient

    from shared.adapters.storage_account import StorageAccount

_MEGABYTE = 1_000_000


class BlobDataStore:
    """`landing` and `data` of one account. Bodies are streamed; copies are made by the service."""

    def __init__(
        self,
        account: StorageAccount,
        *,
        limit_bytes: int,
        landing: str = "landing",
        data: str = "data",
    ) -> None:
        self._account = account
        self._limit_bytes = limit_bytes
        self._landing = landing
        self._data = data

    def landed(self, model: str) -> Iterable[LandedBlob]:
        """Blobs under `landing/<model>/`."""
        return self._listing(f"{model}/")

    def unclaimed(self, models: Sequence[str]) -> Iterable[LandedBlob]:
        """Blobs outside the folders of these models; those folders are not listed."""
        from azure.storage.blob import BlobPrefix  # noqa: PLC0415 - with the SDK

        container = _container(self._account, self._landing)
        folders = {f"{model}/" for model in models}
        with storage_errors(f"list {self._landing}"):
            for item in container.walk_blobs(delimiter="/"):
                if not isinstance(item, BlobPrefix):
                    yield self._landed_blob(item)
                elif item.name not in folders:
                    yield from self._listing(item.name)

    @contextmanager
    def fetch(self, blob: BlobRef) -> Iterator[LocalCopy]:
        """Stream that content into a temporary file, hashing it on the way."""
        with tempfile.TemporaryDirectory(prefix="retrain-") as folder:
            path = Path(folder) / "content"
            yield self._download(blob, path)

    def _download(self, blob: BlobRef, path: Path) -> LocalCopy:
        client = _blob(self._account, blob.container, blob.path)
        with _this_content(blob), path.open("wb") as file:
            stream = client.download_blob(**_if_match(blob))
            if _is_folder(stream.properties.metadata):  # its event does not say so
                raise BlobChangedError(f"{blob.place} is a folder")
            size_bytes = int(stream.size)
            if size_bytes > self._limit_bytes:
                raise BlobTooLargeError(
                    f"{size_bytes / _MEGABYTE:,.0f} MB, limit "
                    f"{self._limit_bytes / _MEGABYTE:,.0f} MB (RETRAIN_FUNCTION_DATA_LIMIT_BYTES); "
                    "a job takes it"
                )
            digest = hashlib.sha256()
            for chunk in stream.chunks():
                digest.update(chunk)
                file.write(chunk)
        return LocalCopy(path, digest.hexdigest(), size_bytes=size_bytes)

    def accept(self, blob: BlobRef, path: str) -> None:
        """Copy the blob into the data container, server-side."""
        _copy(self._account, blob, container=self._data, path=path)

    def empty(self, folder: str) -> None:
        """Delete all blobs in a folder; one request if there are none."""
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - with the SDK

        container = _container(self._account, self._data)
        with storage_errors(f"empty {self._data}/{folder}"):
            for name in container.list_blob_names(name_starts_with=folder):
                with suppress(ResourceNotFoundError):  # a doubled message was faster
                    container.delete_blob(name)

    def put_json(self, path: str, text: str) -> None:
        """Create the blob, never overwrite it; idempotent for the same text."""
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415 - with the SDK

        client = _blob(self._account, self._data, path)
        with storage_errors(f"write {self._data}/{path}"):
            try:
                client.upload_blob(text.encode(), overwrite=False)
            except ResourceExistsError:
                if client.download_blob().readall() != text.encode():
                    raise DataMismatchError(
                        f"{self._data}/{path} exists with other content; data versions are "
                        "immutable"
                    ) from None

    def find_json(self, path: str) -> str | None:
        """The stored text; None if the blob does not exist."""
        content = _content(self._account, self._data, path)
        return None if content is None else content.decode()

    def get_json(self, path: str, *, sha256: str) -> str:
        """Read the stored text and verify its hash."""
        content = _content(self._account, self._data, path)
        if content is None:
            raise DataMismatchError(f"{self._data}/{path} is gone")
        found = hashlib.sha256(content).hexdigest()
        if found != sha256:
            raise DataMismatchError(
                f"{self._data}/{path} has hash {found}, the ledger recorded {sha256}"
            )
        return content.decode()

    def _listing(self, prefix: str) -> Iterator[LandedBlob]:
        container = _container(self._account, self._landing)
        with storage_errors(f"list {self._landing}/{prefix}"):
            for item in container.list_blobs(name_starts_with=prefix, include=["metadata"]):
                if not _is_folder(item.metadata):
                    yield self._landed_blob(item)

    def _landed_blob(self, item: BlobProperties) -> LandedBlob:
        ref = BlobRef(self._landing, str(item.name), str(item.etag).strip('"'))
        return LandedBlob(ref, int(item.size), modified_utc=item.last_modified)


class BlobQuarantine:
    """Files that may not be used, each with its report beside it."""

    def __init__(self, account: StorageAccount, *, container: str = "quarantine") -> None:
        self._account = account
        self._container = container

    def put(self, blob: BlobRef, path: str, *, report: str) -> bool:
        """Copy the blob, then write its report: if the report exists, both do."""
        known = _content(self._account, self._container, f"{path}.report.json")
        if known == report.encode():
            return False
        _copy(self._account, blob, container=self._container, path=path)
        beside = _blob(self._account, self._container, f"{path}.report.json")
        with storage_errors(f"write the report of {self._container}/{path}"):
            beside.upload_blob(report.encode(), overwrite=True)
        return known is None

    def put_text(self, path: str, text: str) -> bool:
        """Store a text; False if it was stored before."""
        client = _blob(self._account, self._container, path)
        with storage_errors(f"write {self._container}/{path}"):
            known = client.exists()
            client.upload_blob(text.encode(), overwrite=True)
        return not known


class BlobEvidence:
    """The evidence that jobs wrote into the workspace's storage."""

    def __init__(self, account: StorageAccount, *, container: str) -> None:
        self._account = account
        self._container = container

    def location(self, model: str, job_name: str) -> str:
        """`evidence/<model>/<job name>`."""
        return f"evidence/{model}/{job_name}"

    def read(self, location: str) -> str:
        """Text of evidence.json."""
        content = _content(self._account, self._container, f"{location}/evidence.json")
        if content is None:
            raise NotThereYetError(
                f"there is no {self._container}/{location}/evidence.json; look at the job's log"
            )
        return content.decode("utf-8", errors="replace")

    def sample_request(self, location: str) -> bytes | None:
        """The body of the smoke test's request; None if the job wrote none."""
        return _content(self._account, self._container, f"{location}/sample_request.json")


def _is_folder(metadata: Mapping[str, str] | None) -> bool:
    """An account with a hierarchical namespace has a blob of 0 bytes for each folder."""
    return (metadata or {}).get("hdi_isfolder") == "true"


def _container(account: StorageAccount, name: str) -> ContainerClient:
    return account.blobs().get_container_client(name)


def _blob(account: StorageAccount, container: str, path: str) -> BlobClient:
    return account.blobs().get_blob_client(container, path)


def _content(account: StorageAccount, container: str, path: str) -> bytes | None:
    """Read a small blob; None if the blob is missing, an error if its container is."""
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - with the SDK

    with storage_errors(f"read {container}/{path}"):
        try:
            return bytes(_blob(account, container, path).download_blob().readall())
        except ResourceNotFoundError as exc:
            if _container_is_missing(exc):
                raise
            return None


def _container_is_missing(exc: HttpResponseError) -> bool:
    """Whether the container is missing, which unlike a missing blob is a set-up mistake."""
    code = getattr(exc, "error_code", "")  # set by the SDK without being declared
    return str(getattr(code, "value", code)) == "ContainerNotFound"


def _if_match(blob: BlobRef, prefix: str = "") -> dict[str, Any]:
    from azure.core import MatchConditions  # noqa: PLC0415 - with the SDK

    return {
        f"{prefix}etag": f'"{blob.etag}"',
        f"{prefix}match_condition": MatchConditions.IfNotModified,
    }


def _copy(account: StorageAccount, blob: BlobRef, *, container: str, path: str) -> None:
    """Copy within one account: synchronous, and the target's credentials cover the source."""
    source = _blob(account, blob.container, blob.path)
    target = _blob(account, container, path)
    with _this_content(blob):
        answer = target.start_copy_from_url(source.url, **_if_match(blob, "source_"))
    if answer["copy_status"] != "success":
        raise ServiceBusyError(
            f"copying {blob.place} to {container}/{path} is {answer['copy_status']}"
        )


@contextmanager
def _this_content(blob: BlobRef) -> Iterator[None]:
    """Raise BlobChangedError if the blob is gone or overwritten, else the translated error."""
    from azure.core.exceptions import (  # noqa: PLC0415 - with the SDK
        ResourceModifiedError,
        ResourceNotFoundError,
    )

    with storage_errors(f"read {blob.place}"):
        try:
            yield
        except (ResourceModifiedError, ResourceNotFoundError) as exc:
            if _container_is_missing(exc):
                raise
            raise BlobChangedError(
                f"{blob.place} is gone or was overwritten since {blob.etag}"
            ) from exc
