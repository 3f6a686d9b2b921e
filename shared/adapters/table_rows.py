r"""Facts, heads and due effects as rows of a table.

A property holds at most 64 KiB, so long values are cut into numbered properties. Row keys may not
hold `/ \ # ?`: keys of facts and places are hashed, keys of effects are escaped.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from shared.domain.codec import (
    STATE_FORMAT,
    fact_from_json,
    fact_to_json,
    state_from_json,
    state_to_json,
)
from shared.domain.facts import Entry
from shared.domain.ids import sha256_hex
from shared.ports.ledger import ArrivalMark, DueEffect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain.data import DataArrived
    from shared.domain.state import State

HEAD = "head"
FACT, KEY, PLACE, DUE = "fact:", "key:", "url:", "due:"
_TEXT_CHARACTERS = 30_000  # 60 KiB of UTF-16
_BINARY_BYTES = 60 * 1024


def fact_row_key(seq: int) -> str:
    """Row key of a fact, zero-padded so that text sorts by number: `fact:0000000001`."""
    return f"{FACT}{seq:010d}"


def key_row_key(fact_key: str) -> str:
    """Row key of the dedupe row that exists for each recorded fact."""
    return f"{KEY}{sha256_hex(fact_key)}"


def place_row_key(place: str) -> str:
    """Row key of the newest known content of `container/path`."""
    return f"{PLACE}{sha256_hex(place)}"


def due_row_key(effect: str) -> str:
    """Row key of a due effect: readable; all but letters, digits and `:-_.` becomes `=XX`."""
    return DUE + quote(effect, safe=":-_.").replace("%", "=")


def fact_row(model: str, entry: Entry) -> dict[str, Any]:
    """The row of a recorded fact."""
    text = fact_to_json(entry.fact)
    pieces = [text[i : i + _TEXT_CHARACTERS] for i in range(0, len(text), _TEXT_CHARACTERS)]
    return {
        "PartitionKey": model,
        "RowKey": fact_row_key(entry.seq),
        "fact": entry.fact.wire_name,
        "at_utc": entry.at_utc.isoformat(),
        **{f"json{number}": piece for number, piece in enumerate(pieces)},
    }


def read_fact(row: Mapping[str, Any]) -> Entry:
    """The inverse of `fact_row`."""
    seq = int(str(row["RowKey"]).removeprefix(FACT))
    return Entry(seq, _time(row["at_utc"]), fact_from_json("".join(_pieces(row, "json"))))


def key_row(model: str, entry: Entry) -> dict[str, Any]:
    """The dedupe row of a fact."""
    key = entry.fact.key
    return {"PartitionKey": model, "RowKey": key_row_key(key), "seq": entry.seq, "key": key[:1000]}


def head_row(state: State) -> dict[str, Any]:
    """The folded state, compressed: it holds a whole cycle's facts."""
    packed = zlib.compress(state_to_json(state).encode())
    pieces = [packed[i : i + _BINARY_BYTES] for i in range(0, len(packed), _BINARY_BYTES)]
    return {
        "PartitionKey": state.model,
        "RowKey": HEAD,
        "count": state.count,
        "format": STATE_FORMAT,
        **{f"state{number}": piece for number, piece in enumerate(pieces)},
    }


def read_head(row: Mapping[str, Any]) -> State | None:
    """The state; None when another version of the app wrote it in another format."""
    if row.get("format") != STATE_FORMAT:
        return None
    return state_from_json(zlib.decompress(b"".join(_pieces(row, "state"))).decode())


def place_row(model: str, fact: DataArrived) -> dict[str, Any]:
    """The row of the newest known content of a landed blob."""
    return {
        "PartitionKey": model,
        "RowKey": place_row_key(fact.blob.place),
        "place": fact.blob.place,
        "content": fact.blob.etag,
        "sequencer": fact.sequencer or "",
    }


def read_place(row: Mapping[str, Any]) -> ArrivalMark:
    """The inverse of `place_row`."""
    return ArrivalMark(row["content"], row.get("sequencer") or None)


def due_row(model: str, due: DueEffect) -> dict[str, Any]:
    """The outbox row of a due effect."""
    return {
        "PartitionKey": model,
        "RowKey": due_row_key(due.effect),
        "effect": due.effect,
        "due_utc": due.due_utc.isoformat(),
        "turn": due.turn,
        "failures": due.failures,
        "requeued": due.requeued,
        **({"begun_utc": due.begun_utc.isoformat()} if due.begun_utc else {}),
    }


def read_due(row: Mapping[str, Any]) -> DueEffect:
    """The inverse of `due_row`."""
    return DueEffect(
        row["effect"],
        due_utc=_time(row["due_utc"]),
        turn=int(row["turn"]),
        failures=int(row["failures"]),
        requeued=int(row["requeued"]),
        begun_utc=_time(row["begun_utc"]) if row.get("begun_utc") else None,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _pieces(row: Mapping[str, Any], name: str) -> list[Any]:
    pieces: list[Any] = []
    while (piece := row.get(f"{name}{len(pieces)}")) is not None:
        pieces.append(piece)
    return pieces
