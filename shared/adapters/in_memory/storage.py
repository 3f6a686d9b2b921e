"""Blob containers in a dictionary, with ETags."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.domain.data import BlobRef
from shared.errors import (
    BlobChangedError,
    BlobTooLargeError,
    DataMismatchError,
    NotThereYetError,
)
from shared.ports.data import LandedBlob, LocalCopy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shared.ports.clock import Clock

_LANDING = "landing"


@dataclass(frozen=True, slots=True)
class _Blob:
    content: bytes
    landed: LandedBlob


class InMemoryBlobs:
    """One storage account. Every write gets a new ETag and a higher sequencer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._containers: dict[str, dict[str, _Blob]] = {}
        self._writes = itertools.count(1)

    def upload(self, container: str, path: str, content: bytes) -> BlobRef:
        """Create or overwrite."""
        ref = BlobRef(container, path, f"0x{next(self._writes):015X}")
        landed = LandedBlob(ref, len(content), self._clock.now_utc())
        self._containers.setdefault(container, {})[path] = _Blob(content, landed)
        return ref

    def delete(self, container: str, path: str) -> None:
        """Delete a blob if it exists."""
        self._containers.get(container, {}).pop(path, None)

    def get(self, container: str, path: str) -> bytes | None:
        """The content of a blob; None if it does not exist."""
        blob = self._containers.get(container, {}).get(path)
        return blob.content if blob else None

    def listing(self, container: str, prefix: str = "") -> list[LandedBlob]:
        """The blobs whose path starts with the prefix, sorted by path."""
        blobs = self._containers.get(container, {})
        return [blobs[path].landed for path in sorted(blobs) if path.startswith(prefix)]

    def read(self, ref: BlobRef) -> bytes:
        """The content that the reference names.

        Raises:
            BlobChangedError: it is gone or was overwritten.
        """
        blob = self._containers.get(ref.container, {}).get(ref.path)
        if blob is None or blob.landed.blob != ref:
            raise BlobChangedError(f"{ref.place} is gone or was overwritten since {ref.etag}")
        return blob.content


class InMemoryDataStore:
    """`DataStore` over `InMemoryBlobs`."""

    def __init__(
        self, blobs: InMemoryBlobs, *, container: str = "data", limit_bytes: int = 64_000_000
    ) -> None:
        self._blobs = blobs
        self._container = container
        self._limit_bytes = limit_bytes

    def landed(self, model: str) -> Iterable[LandedBlob]:
        """Blobs under `landing/<model>/`."""
        return self._blobs.listing(_LANDING, f"{model}/")

    def unclaimed(self, models: Sequence[str]) -> Iterable[LandedBlob]:
        """Blobs outside the folders of these models."""
        folders = tuple(f"{model}/" for model in models)
        listing = self._blobs.listing(_LANDING)
        return [item for item in listing if not item.blob.path.startswith(folders)]

    @contextmanager
    def fetch(self, blob: BlobRef) -> Iterator[LocalCopy]:
        """A temporary copy of that content."""
        content = self._blobs.read(blob)
        if len(content) > self._limit_bytes:
            raise BlobTooLargeError(
                f"{len(content):,} bytes, limit {self._limit_bytes:,}; a job takes it"
            )
        with tempfile.NamedTemporaryFile(suffix=f"-{blob.name[-40:]}") as file:
            file.write(content)
            file.flush()
            yield LocalCopy(
                Path(file.name), hashlib.sha256(content).hexdigest(), size_bytes=len(content)
            )

    def accept(self, blob: BlobRef, path: str) -> None:
        """Copy the blob into the data container."""
        self._blobs.upload(self._container, path, self._blobs.read(blob))

    def empty(self, folder: str) -> None:
        """Delete all blobs in a folder."""
        for item in self._blobs.listing(self._container, folder):
            self._blobs.delete(self._container, item.blob.path)

    def put_json(self, path: str, text: str) -> None:
        """Create the blob, never overwrite it; idempotent for the same text."""
        known = self._blobs.get(self._container, path)
        if known is None:
            self._blobs.upload(self._container, path, text.encode())
        elif known != text.encode():
            raise DataMismatchError(f"{path} exists with other content")

    def find_json(self, path: str) -> str | None:
        """The stored text; None if the blob does not exist."""
        content = self._blobs.get(self._container, path)
        return None if content is None else content.decode()

    def get_json(self, path: str, *, sha256: str) -> str:
        """Read the stored text and verify its hash."""
        content = self._blobs.get(self._container, path)
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            raise DataMismatchError(f"{path} is gone, or differs from its recorded hash {sha256}")
        return content.decode()


class InMemoryQuarantine:
    """`Quarantine` over `InMemoryBlobs`."""

    def __init__(self, blobs: InMemoryBlobs, *, container: str = "quarantine") -> None:
        self._blobs = blobs
        self._container = container

    def put(self, blob: BlobRef, path: str, *, report: str) -> bool:
        """Copy the blob and store its report beside it; False if it was there already."""
        known = self._blobs.get(self._container, f"{path}.report.json")
        if known != report.encode():
            self._blobs.upload(self._container, path, self._blobs.read(blob))
            self._blobs.upload(self._container, f"{path}.report.json", report.encode())
        return known is None

    def put_text(self, path: str, text: str) -> bool:
        """Store a text; False if it was stored before."""
        new = self._blobs.get(self._container, path) is None
        self._blobs.upload(self._container, path, text.encode())
        return new


class InMemoryEvidence:
    """`Evidence` over `InMemoryBlobs`."""

    def __init__(self, blobs: InMemoryBlobs, *, container: str = "workspace") -> None:
        self._blobs = blobs
        self._container = container

    def location(self, model: str, job_name: str) -> str:
        """`evidence/<model>/<job name>`."""
        return f"evidence/{model}/{job_name}"

    def read(self, location: str) -> str:
        """Text of evidence.json."""
        content = self._blobs.get(self._container, f"{location}/evidence.json")
        if content is None:
            raise NotThereYetError(f"there is no evidence.json in {location}")
        return content.decode()

    def sample_request(self, location: str) -> bytes | None:
        """The body of the smoke test's request; None if the job wrote none."""
        return self._blobs.get(self._container, f"{location}/sample_request.json")
