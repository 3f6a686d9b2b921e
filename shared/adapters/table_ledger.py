"""The ledger in Azure Table Storage: one partition per model, one transaction per commit."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shared.adapters.storage_account import storage_errors
from shared.adapters.table_rows import (
    DUE,
    FACT,
    HEAD,
    PLACE,
    due_row,
    due_row_key,
    fact_row,
    fact_row_key,
    head_row,
    key_row,
    key_row_key,
    place_row,
    place_row_key,
    read_due,
    read_fact,
    read_head,
    read_place,
)
from shared.domain.data import DataArrived
from shared.domain.evolve import fold
from shared.domain.state import State
from shared.errors import LedgerConflictError, RequestRefusedError
from shared.ports.ledger import Head

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from azure.core.exceptions import HttpResponseError
    from azure.data.tables import TableClient

    from shared.adapters.storage_account import StorageAccount
    from shared.domain.facts import Entry
    from shared.ports.ledger import ArrivalMark, DueEffect

# 404: a due row to be deleted is gone, so another host was faster.
_LOST_RACE = frozenset({HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND})
_MOST_OPERATIONS = 100
_AFTER_LAST = "\uffff"


class TableLedger:
    """Port `Ledger`. Needs Azurite >= 3.37: older versions ignore ETags inside a transaction."""

    def __init__(self, account: StorageAccount, *, table: str = "ledger") -> None:
        self._account = account
        self._name = table

    @property
    def _table(self) -> TableClient:
        return self._account.table(self._name)

    def create(self) -> None:
        """Create the table if it does not exist; on Azure the infrastructure does that."""
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415 - with the SDK

        with storage_errors(f"create table {self._name}"):
            try:
                self._table.create_table()
            except ResourceExistsError:
                return

    def head(self, model: str) -> Head:
        """The stored state; folded from all facts if another version of the app wrote it."""
        row = self._get(model, HEAD)
        if row is None:
            return Head(State(model))
        state = read_head(row)
        if state is None:
            state = fold(model, self.entries(model, to=int(row["count"])))
        return Head(state, _etag(row))

    def commit(
        self,
        head: Head,
        entries: Sequence[Entry],
        *,
        state: State,
        due: Sequence[DueEffect],
        undue: Sequence[str],
    ) -> Head:
        """Append in one entity-group transaction; see `Ledger.commit`."""
        from azure.core import MatchConditions  # noqa: PLC0415 - with the SDK
        from azure.data.tables import TableTransactionError  # noqa: PLC0415 - with the SDK

        model = head.state.model
        operations: list[Any] = []
        # The head first: its ETag says whether the decision was made on the newest state.
        if head.etag is None:
            operations.append(("create", head_row(state)))
        else:
            guard = {
                "mode": "replace",
                "etag": head.etag,
                "match_condition": MatchConditions.IfNotModified,
            }
            operations.append(("update", head_row(state), guard))
        operations += [("create", fact_row(model, entry)) for entry in entries]
        operations += [("create", key_row(model, entry)) for entry in entries]
        operations += [
            ("upsert", place_row(model, entry.fact), {"mode": "replace"})
            for entry in entries
            if isinstance(entry.fact, DataArrived) and not entry.fact.stale
        ]
        operations += [("create", due_row(model, row)) for row in due]
        operations += [
            ("delete", {"PartitionKey": model, "RowKey": due_row_key(key)}) for key in undue
        ]
        if len(operations) > _MOST_OPERATIONS:
            raise RequestRefusedError(
                f"{model}: a commit of {len(operations)} rows, limit {_MOST_OPERATIONS}; "
                "too many effects begin and end at once"
            )
        with storage_errors(f"commit to {model}"):
            try:
                answers = self._table.submit_transaction(operations)
            except TableTransactionError as exc:
                code = _code(exc)
                if exc.status_code not in _LOST_RACE or code == "TableNotFound":
                    raise
                raise LedgerConflictError(
                    f"{model}: the stream has grown past {head.state.count}, or one of the facts "
                    f"is known ({code})"
                ) from exc
        return Head(state, answers[0]["etag"])

    def knows(self, model: str, fact_key: str) -> bool:
        """Whether a fact of that key is recorded."""
        return self._get(model, key_row_key(fact_key)) is not None

    def find(self, model: str, fact_key: str) -> Entry | None:
        """The fact of that key, found through its key row; None if it is not recorded."""
        row = self._get(model, key_row_key(fact_key))
        fact = None if row is None else self._get(model, fact_row_key(int(row["seq"])))
        return None if fact is None else read_fact(fact)

    def arrival(self, model: str, place: str) -> ArrivalMark | None:
        """Newest known content of a landed blob."""
        row = self._get(model, place_row_key(place))
        return read_place(row) if row is not None else None

    def arrivals(self, model: str) -> Mapping[str, ArrivalMark]:
        """The newest known content of every landed blob, by `container/path`."""
        rows = self._between(model, PLACE, PLACE + _AFTER_LAST)
        return {str(row["place"]): read_place(row) for row in rows}

    def entries(self, model: str, *, after: int = 0, to: int | None = None) -> Iterable[Entry]:
        """Facts in (after, to], oldest first, page by page."""
        last = FACT + _AFTER_LAST if to is None else fact_row_key(to)
        return (read_fact(row) for row in self._between(model, fact_row_key(after + 1), last))

    def due(self, model: str) -> Sequence[DueEffect]:
        """All due effects of a model."""
        return tuple(read_due(row) for row in self._between(model, DUE, DUE + _AFTER_LAST))

    def due_effect(self, model: str, effect: str) -> DueEffect | None:
        """The due effect of that key; None if it is not due."""
        row = self._get(model, due_row_key(effect))
        return read_due(row) if row is not None else None

    def update_due(self, model: str, old: DueEffect, new: DueEffect) -> bool:
        """Replace one row if it still equals `old`: read, compare, write under its ETag."""
        from azure.core import MatchConditions  # noqa: PLC0415 - with the SDK
        from azure.core.exceptions import (  # noqa: PLC0415 - with the SDK
            ResourceModifiedError,
            ResourceNotFoundError,
        )
        from azure.data.tables import UpdateMode  # noqa: PLC0415 - with the SDK

        row = self._get(model, due_row_key(old.effect))
        if row is None or read_due(row) != old:
            return False
        with storage_errors(f"postpone {old.effect} of {model}"):
            try:
                self._table.update_entity(
                    due_row(model, new),
                    mode=UpdateMode.REPLACE,
                    etag=_etag(row),
                    match_condition=MatchConditions.IfNotModified,
                )
            except (ResourceModifiedError, ResourceNotFoundError):
                return False
        return True

    def _get(self, model: str, row_key: str) -> Mapping[str, Any] | None:
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - with the SDK

        with storage_errors(f"read {row_key} of {model}"):
            try:
                return self._table.get_entity(model, row_key)
            except ResourceNotFoundError as exc:
                # A missing table is a mistake in the set-up, unlike a missing row.
                if _code(exc) == "TableNotFound":
                    raise
                return None

    def _between(self, model: str, first: str, last: str) -> Iterator[Mapping[str, Any]]:
        query = "PartitionKey eq @model and RowKey ge @first and RowKey le @last"
        parameters = {"model": model, "first": first, "last": last}
        with storage_errors(f"read {first}… of {model}"):
            yield from self._table.query_entities(query, parameters=parameters)


def _etag(row: Mapping[str, Any]) -> str:
    return str(row.metadata["etag"])  # type: ignore[attr-defined] # a TableEntity, as the SDK has it


def _code(exc: HttpResponseError) -> str:
    # The SDK sets this attribute on the exception without declaring it.
    code = getattr(exc, "error_code", "")
    return str(getattr(code, "value", code))
