"""The contract of `Ledger` on the double and on tables in Azurite."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from ledger_suite import LedgerSuite, append, arrival

from shared.adapters.in_memory import InMemoryLedger
from shared.adapters.storage_account import StorageAccount
from shared.adapters.table_ledger import TableLedger
from shared.errors import ServiceBusyError


class TestInMemoryLedger(LedgerSuite):
    @pytest.fixture
    def ledger(self):
        return InMemoryLedger()


@pytest.fixture(scope="module")
def account(azurite):
    return StorageAccount(azurite.connection_string())


@pytest.fixture(scope="module")
def table_ledger(account):
    ledger = TableLedger(account, table=f"ledger{uuid.uuid4().hex[:8]}")
    ledger.create()
    ledger.create()  # creating it again is harmless
    return ledger


@pytest.mark.azurite
class TestTableLedger(LedgerSuite):
    @pytest.fixture
    def ledger(self, table_ledger):
        return table_ledger

    def test_missing_table_is_a_transient_error_not_an_empty_ledger(self, account):
        # Transient: events that come in before it is put right must not be rejected.
        with pytest.raises(ServiceBusyError, match="table specified does not exist"):
            TableLedger(account, table="neverthere").head("m")

    def test_due_effect_that_changed_between_read_and_write_is_not_updated(self, ledger, account):
        class Overtaken(TableLedger):
            """Another host requeues the effect right after this one has read its row."""

            def _get(self, model, row_key):
                found = super()._get(model, row_key)
                assert ledger.update_due(model, row, replace(row, turn=1))
                return found

        append(ledger, ledger.head("overtaken"), arrival(1), due=("a",))
        row = ledger.due_effect("overtaken", "a")

        late = Overtaken(account, table=ledger._name)

        assert not late.update_due("overtaken", row, replace(row, turn=2))
        assert ledger.due_effect("overtaken", "a").turn == 1

    def test_head_in_an_old_format_is_rebuilt_from_the_facts(self, ledger, account):
        head = append(ledger, ledger.head("refold"), arrival(1), arrival(2))
        table = account.table(ledger._name)
        row = table.get_entity("refold", "head")
        row["format"] = 0
        table.update_entity(row)

        assert ledger.head("refold").state == head.state

    def test_unreachable_store_is_a_transient_error(self):
        account = StorageAccount(
            "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=YQ==;"
            "TableEndpoint=http://127.0.0.1:1/devstoreaccount1"
        )

        with pytest.raises(ServiceBusyError, match="cannot be reached"):
            TableLedger(account).head("m")
