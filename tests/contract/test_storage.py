"""Data, quarantine and evidence: the doubles, and blobs in Azurite."""

from __future__ import annotations

import pytest
from cycle_files import CycleFilesSuite
from storage_suites import (
    LIMIT_BYTES,
    DataStoreSuite,
    EvidenceSuite,
    QuarantineSuite,
    model,
)

from shared.adapters.blob_data import BlobDataStore, BlobEvidence, BlobQuarantine
from shared.adapters.clock import SystemClock
from shared.adapters.in_memory import (
    InMemoryBlobs,
    InMemoryDataStore,
    InMemoryEvidence,
    InMemoryQuarantine,
)
from shared.adapters.storage_account import StorageAccount
from shared.domain.data import BlobRef
from shared.errors import BlobChangedError, ServiceBusyError

__all__ = ["model"]


class InMemory:
    @pytest.fixture
    def blobs(self):
        return InMemoryBlobs(SystemClock())

    @pytest.fixture
    def store(self, blobs):
        return InMemoryDataStore(blobs, limit_bytes=LIMIT_BYTES)

    @pytest.fixture
    def quarantine(self, blobs):
        return InMemoryQuarantine(blobs)

    @pytest.fixture
    def evidence(self, blobs):
        return InMemoryEvidence(blobs)

    @pytest.fixture
    def upload(self, blobs):
        return lambda path, content: blobs.upload("landing", path, content)

    @pytest.fixture
    def delete(self, blobs):
        return lambda path: blobs.delete("landing", path)

    @pytest.fixture
    def accepted(self, blobs):
        return lambda path: blobs.get("data", path)

    @pytest.fixture
    def set_aside(self, blobs):
        return lambda path: blobs.get("quarantine", path)

    @pytest.fixture
    def write(self, blobs):
        return lambda path, content: blobs.upload("workspace", path, content)


class TestInMemoryDataStore(InMemory, DataStoreSuite):
    pass


class TestInMemoryCycleFiles(InMemory, CycleFilesSuite):
    pass


class TestInMemoryQuarantine(InMemory, QuarantineSuite):
    pass


class TestInMemoryEvidence(InMemory, EvidenceSuite):
    pass


@pytest.fixture(scope="module")
def account(azurite):
    account = StorageAccount(azurite.connection_string())
    for container in ("landing", "data", "quarantine", "workspace"):
        client = account.blobs().get_container_client(container)
        if not client.exists():
            client.create_container()
    return account


class OnAzurite:
    @pytest.fixture
    def store(self, account):
        return BlobDataStore(account, limit_bytes=LIMIT_BYTES)

    @pytest.fixture
    def quarantine(self, account):
        return BlobQuarantine(account)

    @pytest.fixture
    def evidence(self, account):
        return BlobEvidence(account, container="workspace")

    @pytest.fixture
    def upload(self, account):
        def upload(path, content):
            client = account.blobs().get_blob_client("landing", path)
            answer = client.upload_blob(content, overwrite=True)
            return BlobRef("landing", path, answer["etag"].strip('"'))

        return upload

    @pytest.fixture
    def delete(self, account):
        return lambda path: account.blobs().get_blob_client("landing", path).delete_blob()

    @pytest.fixture
    def accepted(self, account):
        return lambda path: _content(account, "data", path)

    @pytest.fixture
    def set_aside(self, account):
        return lambda path: _content(account, "quarantine", path)

    @pytest.fixture
    def write(self, account):
        def write(path, content):
            account.blobs().get_blob_client("workspace", path).upload_blob(content)

        return write


def _content(account, container, path):
    client = account.blobs().get_blob_client(container, path)
    return client.download_blob().readall() if client.exists() else None


@pytest.mark.azurite
class TestBlobDataStore(OnAzurite, DataStoreSuite):
    def test_missing_container_is_a_transient_error_not_a_superseded_file(
        self, account, model, upload
    ):
        ref = upload(f"{model}/a.csv", b"rows")
        nowhere = BlobDataStore(account, limit_bytes=LIMIT_BYTES, data=f"no-{model}")

        with pytest.raises(ServiceBusyError, match="infra/ was deployed"):
            nowhere.accept(ref, f"{model}/files/a.csv")
        with pytest.raises(ServiceBusyError, match="infra/ was deployed"):
            nowhere.find_json(f"{model}/pins/1.json")
        lost = BlobRef(f"no-{model}", f"{model}/a.csv", "0x1")
        with pytest.raises(ServiceBusyError), nowhere.fetch(lost):
            pass

    def test_folder_of_a_hierarchical_account_is_no_file(self, account, store, model, upload):
        ref = upload(f"{model}/v1.2/a.csv", b"rows")
        folder = account.blobs().get_blob_client("landing", f"{model}/v1.2")
        made = folder.upload_blob(b"", metadata={"hdi_isfolder": "true"})

        assert [item.blob for item in store.landed(model)] == [ref]
        announced = BlobRef("landing", f"{model}/v1.2", made["etag"].strip('"'))
        with pytest.raises(BlobChangedError, match="is a folder"), store.fetch(announced):
            pass


@pytest.mark.azurite
class TestBlobCycleFiles(OnAzurite, CycleFilesSuite):
    pass


@pytest.mark.azurite
class TestBlobQuarantine(OnAzurite, QuarantineSuite):
    pass


@pytest.mark.azurite
class TestBlobEvidence(OnAzurite, EvidenceSuite):
    pass
