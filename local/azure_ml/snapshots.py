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
    for folder in worked.rglob(_COMPILED):
        target = kept / folder.relative_to(worked)
        # A package that the step itself wrote is no part of the snapshot.
        if folder.is_dir() and not folder.is_symlink() and target.parent.is_dir():
            shutil.copytree(folder, target, dirs_exist_ok=True)
