"""Every store and every fake keeps the contract of the port."""

import pytest

from adapters.stores.blobs import FolderBlobs
from adapters.stores.sqlite import SqliteStore
from tests.contract.journal_store import BlobStoreContract, JournalStoreContract
from tests.fakes.stores import MemoryBlobs, MemoryStore


class TestSqliteStore(JournalStoreContract):
    @pytest.fixture(params=["full", "normal"])
    def store(self, request, tmp_path):
        with SqliteStore(tmp_path / "state" / "journal.db", durability=request.param) as store:
            yield store


class TestMemoryStore(JournalStoreContract):
    @pytest.fixture
    def store(self):
        return MemoryStore()


class TestFolderBlobs(BlobStoreContract):
    @pytest.fixture
    def blobs(self, tmp_path):
        return FolderBlobs(tmp_path / "blobs")


class TestMemoryBlobs(BlobStoreContract):
    @pytest.fixture
    def blobs(self):
        return MemoryBlobs()
