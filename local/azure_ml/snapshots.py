"""Code snapshots, fetched once; every step works on a copy of its own, as on Azure.

What Python and numba compiled of a snapshot is kept with it: both trust a compiled file as long as
its source has the size and age it was made from. Some four CPU seconds less a training.
"""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from local.azure_ml.blobs import content_digest

if TYPE_CHECKING:
    from pathlib import Path

    from local.azure_ml.blobs import BlobStore
    from local.azure_ml.uris import BlobPath

_COMPILED = "__pycache__"


class Snapshots:
    """Kept by content below `folder`."""

    def __init__(self, blobs: BlobStore, folder: Path) -> None:
        self._blobs = blobs
        self._folder = folder
        self._lock = asyncio.Lock()  # nobody copies what somebody else is adding to

    async def write(self, blob: BlobPath, to: Path) -> Path | None:
        """Copy a snapshot's files straight under `to`; returns where it is kept, None if empty."""
        items = await self._blobs.list(blob.container, blob.path)
        if not items:
            return None
        kept = self._folder / content_digest(items, blob.path.rstrip("/"))
        async with self._lock:
            if not kept.is_dir():
                partial = kept.with_name(f"{kept.name}.part")
                shutil.rmtree(partial, ignore_errors=True)  # of a stack that was stopped meanwhile
                await self._blobs.download_prefix(blob.container, blob.path, partial)
                partial.rename(kept)
            await asyncio.to_thread(shutil.copytree, kept, to, dirs_exist_ok=True)
        return kept

    async def keep_compiled(self, kept: Path, worked: Path) -> None:
        """Take what a step that ended well compiled in its copy, `worked`, for those to come."""
        async with self._lock:
            await asyncio.to_thread(_take_compiled, worked, kept)


def _take_compiled(worked: Path, kept: Path) -> None:
    for file in worked.rglob(f"{_COMPILED}/*"):
        target = kept / file.relative_to(worked)
        # A package that the step itself wrote is no part of the snapshot.
        if target.parent.parent.is_dir() and not _is_copy(target, file):
            target.parent.mkdir(exist_ok=True)
            shutil.copy2(file, target)


def _is_copy(target: Path, file: Path) -> bool:
    """As `copy2` leaves them: of one age and size."""
    if not target.is_file():
        return False
    one, other = target.stat(), file.stat()
    return (one.st_mtime_ns, one.st_size) == (other.st_mtime_ns, other.st_size)
