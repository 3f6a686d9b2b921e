"""Blobs as files: a downloaded file has its blob's modification time, as in a mount."""

import asyncio
import uuid
from datetime import UTC, datetime

import pytest

from local.azure_ml.workspace.blobs import BlobStore

pytestmark = pytest.mark.azurite


def test_downloaded_file_has_the_modification_time_of_its_blob(azurite, tmp_path):
    async def scenario():
        container = f"c{uuid.uuid4().hex}"
        store = BlobStore(azurite.connection_string())
        try:
            await store.ensure_container(container)
            await store.upload_bytes(b"a,b", container, "folder/one.csv")
            client = store._service.get_blob_client(container, "folder/one.csv")
            written = (await client.get_blob_properties()).last_modified
            await asyncio.sleep(1.1)  # a blob's time has whole seconds
            await store.download_prefix(container, "folder", tmp_path)
        finally:
            await store.close()
        return written

    written = asyncio.run(scenario())

    assert (tmp_path / "one.csv").read_bytes() == b"a,b"
    assert datetime.fromtimestamp((tmp_path / "one.csv").stat().st_mtime, UTC) == written
