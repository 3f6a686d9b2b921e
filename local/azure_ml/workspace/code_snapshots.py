"""Code snapshots, downloaded once; every step works on its own copy, as on Azure.

What Python compiles is kept with the snapshot, and used while the source has the same size and
time, or the same content. That saves some CPU seconds a training.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from typing import TYPE_CHECKING

from local.azure_ml.workspace.blobs import content_digest
from local.supervision.tasks import uninterrupted

if TYPE_CHECKING:
    from pathlib import Path

    from local.azure_ml.workspace.blobs import BlobStore
    from local.azure_ml.workspace.uris import BlobPath

_log = logging.getLogger(__name__)
_COMPILED = "__pycache__"


class Snapshots:
    """Downloaded snapshots below `folder`, named by their content."""

    def __init__(self, blobs: BlobStore, folder: Path) -> None:
        self._blobs = blobs
        self._folder = folder
        self._lock = asyncio.Lock()  # no copy while files are being added

    async def write(self, blob: BlobPath, to: Path) -> Path | None:
        """Copy a snapshot's files straight under `to`; returns where it is kept, None if empty."""
        items = await self._blobs.list(blob.container, blob.path)
        if not items:
            return None
        kept = self._folder / content_digest(items, blob.path.rstrip("/"))
        async with self._lock:
            if not kept.is_dir():
                part = kept.with_name(f"{kept.name}.part")
                shutil.rmtree(part, ignore_errors=True)  # left by a stack that was stopped
                await self._blobs.download_prefix(blob.container, blob.path, part)
                part.rename(kept)
            await uninterrupted(asyncio.to_thread(shutil.copytree, kept, to, dirs_exist_ok=True))
        return kept

    async def keep_compiled(self, kept: Path, worked: Path) -> None:
        """Keep what a successful step compiled in its copy, `worked`, for later steps."""
        try:
            async with self._lock:
                await uninterrupted(asyncio.to_thread(_take_compiled, worked, kept))
        except OSError:  # the step did its work: the next one compiles again
            _log.warning("what was compiled in %s could not be kept", worked, exc_info=True)


def _take_compiled(worked: Path, kept: Path) -> None:
    """Only for sources that are unchanged: a step may write or change files."""
    for file in worked.rglob(f"{_COMPILED}/*"):
        target = kept / file.relative_to(worked)
        source = file.parent.parent / f"{file.name.split('.')[0]}.py"
        if _is_copy(kept / source.relative_to(worked), source) and not _is_copy(target, file):
            target.parent.mkdir(exist_ok=True)
            part = kept.with_name(f"{kept.name}.compiled")
            shutil.copy2(file, part)
            part.replace(target)  # after a kill there is no half-written file


def _is_copy(one: Path, other: Path) -> bool:
    """Whether two files have the same time and size, as after `copy2`."""
    if not (one.is_file() and other.is_file()):
        return False
    first, second = one.stat(), other.stat()
    return (first.st_mtime_ns, first.st_size) == (second.st_mtime_ns, second.st_size)
