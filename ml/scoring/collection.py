"""Sends inputs and outputs of scored requests to Azure's data collector.

The collector of a deployment listens on loopback and takes what Microsoft's azureml-ai-monitoring
1.0 sends: one POST for each batch of rows, JSON records, event attributes as headers. That package
doubles the CPU of a request (2.06 times, this module 1.09 times), has no timeout, and raises into
the request when its queue is full.
"""

from __future__ import annotations

import atexit
import http.client
import json
import logging
import os
import queue
import random
import threading
import time
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.collected_data import INPUTS, OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_log = logging.getLogger(__name__)

_PATH = "/modeldata/log"
_AGENT = "retrain-scoring/1"
# Azure's collector stores payloads over 4 MB apart from the rest, so they are sent in parts.
_MOST_BYTES = 3_500_000
_TIMEOUT_SECONDS = 5.0
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.5
_FLUSH_SECONDS = 5.0
_REPORT_SECONDS = 10.0
# Limit for queued batches while the collector is down: 1,500 of 10,000 rows would be gigabytes.
_MOST_WAITING_BYTES = 64 * 1024 * 1024
# A number in a list: 24 for the object, 8 for the reference, and a share of the request's body.
_CELL_BYTES = 40


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """The collector's address, and the percentage of requests to collect by kind (inputs, outputs).

    `percent` holds only enabled kinds; if it is empty, nothing is collected.
    """

    host: str
    port: int
    percent: Mapping[str, float]
    capacity: int = 1500

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> CollectionSettings:
        """Read the variables that Azure sets in a deployment, as azureml-ai-monitoring does."""
        percent: dict[str, float] = {}
        config_path = environ.get("AZUREML_MDC_CONFIG_PATH")
        if config_path:
            config = json.loads(Path(config_path).read_text(encoding="utf-8"))
            for name, entry in config.get("collections", {}).items():
                if entry.get("enabled", False):
                    percent[name.lower()] = float(entry.get("sampleRatePercentage", 100))
        elif environ.get("AZUREML_MDC_ENABLED", "false").lower() == "true":
            share = float(environ.get("AZUREML_MDC_SAMPLE_RATE", "100"))
            percent = {INPUTS: share, OUTPUTS: share}
        return cls(
            host=environ.get("AZUREML_MDC_HOST", "127.0.0.1"),
            port=int(environ.get("AZUREML_MDC_PORT", "50011")),
            percent=percent,
            capacity=int(environ.get("AZUREML_MDC_QUEUE_CAPACITY", "1500")),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """One request's rows of one kind, by column; all columns have the same length.

    `body_bytes` is the length of the request's body, an upper bound of the texts in it.
    """

    kind: str
    columns: Mapping[str, Sequence[Any]]
    request_id: str
    model_version: str
    body_bytes: int = 0
    time_seconds: int = field(default_factory=lambda: int(time.time()))
    batch_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values())))

    @property
    def weight(self) -> int:
        """Approximate bytes of memory."""
        return self.body_bytes + _CELL_BYTES * self.rows * len(self.columns)

    def content(self) -> bytes:
        """JSON records, as pandas' to_json(orient="records") writes them."""
        names = list(self.columns)
        rows = [
            dict(zip(names, values, strict=True))
            for values in zip(*self.columns.values(), strict=True)
        ]
        return json.dumps(rows, separators=(",", ":"), default=str).encode()

    def halves(self) -> tuple[Batch, Batch] | None:
        """The rows in two batches, each with a new id; None for a single row."""
        count = self.rows
        if count < 2:  # noqa: PLR2004 - one row cannot be halved
            return None
        first = {name: values[: count // 2] for name, values in self.columns.items()}
        second = {name: values[count // 2 :] for name, values in self.columns.items()}
        return (
            replace(self, columns=first, batch_id=str(uuid.uuid4())),
            replace(self, columns=second, batch_id=str(uuid.uuid4())),
        )

    def headers(self) -> dict[str, str]:
        """The attributes of the event."""
        return {
            "Content-Type": "application/json",
            "trace-id": self.batch_id,
            "ce-time": str(self.time_seconds),
            "ce-type": f"azureml.inference.{self.kind}",
            "ce-collect-data-type": "pandas.core.frame.DataFrame",
            "ce-agent": _AGENT,
            "ce-x-request-id": self.request_id,
            "ce-model-version": self.model_version,
        }


class Collection:
    """A bounded queue and one background thread. Nothing here ever delays or fails a request.

    Batches that cannot be queued or sent are dropped, counted in `dropped` and `dropped_rows`, and
    reported in the log.
    """

    def __init__(
        self,
        settings: CollectionSettings,
        *,
        draw: Callable[[], float] = random.random,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.dropped = 0
        self.dropped_rows = 0
        self._waiting_bytes = 0
        self._weighing = threading.Lock()
        self._settings = settings
        self._draw = draw
        self._pause = pause
        self._queue: queue.Queue[Batch | None] = queue.Queue(settings.capacity)
        self._thread: threading.Thread | None = None
        self._owner = 0
        self._connection: http.client.HTTPConnection | None = None
        self._closing = False
        self._reported = 0
        self._reported_at = 0.0

    def put(self, batches: Sequence[Batch]) -> None:
        """Queue one request's batches and return at once. One draw samples all of them together."""
        drawn = self._draw() * 100.0
        for batch in batches:
            if drawn >= self._settings.percent.get(batch.kind, 0.0):
                continue
            self._ensure_thread()
            if not self._fits(batch.weight):
                self._drop(batch.rows, "too many bytes wait for the collector")
                continue
            try:
                self._queue.put_nowait(batch)
            except queue.Full:
                self._weigh(-batch.weight)
                self._drop(batch.rows, "the queue is full")

    def _fits(self, weight: int) -> bool:
        with self._weighing:
            fits = self._waiting_bytes + weight <= _MOST_WAITING_BYTES
            self._waiting_bytes += weight if fits else 0
        return fits

    def _weigh(self, change: int) -> None:
        with self._weighing:
            self._waiting_bytes += change

    def close(self) -> None:
        """Send queued batches for a few seconds at most, then stop."""
        if self._thread is None or self._owner != os.getpid():
            return
        self._closing = True
        try:
            self._queue.put(None, timeout=_FLUSH_SECONDS)
        except queue.Full:
            pass  # the collector accepts nothing; queued batches are counted below
        else:
            self._thread.join(_FLUSH_SECONDS)
        self._thread = None
        for batch in self._left():
            self._drop(batch.rows, "the collector did not take the queue before the server stopped")
        if self.dropped > self._reported:
            self._report("the server stops")

    def _left(self) -> Iterator[Batch]:
        while True:
            try:
                batch = self._queue.get_nowait()
            except queue.Empty:
                return
            if batch is not None:
                yield batch

    def _ensure_thread(self) -> None:
        # The server may load the model and then fork its workers: threads do not survive a fork.
        if self._thread is not None and self._owner == os.getpid():
            return
        self._owner = os.getpid()
        self._connection = None
        self._queue = queue.Queue(self._settings.capacity)
        self._waiting_bytes = 0
        self._weighing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="data-collection", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            self._send(batch)
            self._weigh(-batch.weight)
        if self._connection is not None:
            self._connection.close()

    def _send(self, batch: Batch) -> None:
        try:
            content = batch.content()
        except ValueError as exc:
            self._drop(batch.rows, f"its values are not JSON: {exc}")
            return
        if len(content) > _MOST_BYTES and (halves := batch.halves()) is not None:
            for half in halves:
                self._send(half)
            return
        reason = ""
        for attempt in range(_ATTEMPTS):
            if attempt and not self._closing:
                self._pause(_PAUSE_SECONDS * attempt)
            try:
                status = self._post(content, batch.headers())
            except (OSError, http.client.HTTPException) as exc:
                reason = f"{type(exc).__name__}: {exc}"
                self._disconnect()
                continue
            if http.client.OK <= status < http.client.MULTIPLE_CHOICES:
                return
            reason = f"the collector answered {status}"
            if status < http.client.INTERNAL_SERVER_ERROR:
                break
        self._drop(batch.rows, reason)

    def _post(self, content: bytes, headers: Mapping[str, str]) -> int:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                self._settings.host, self._settings.port, timeout=_TIMEOUT_SECONDS
            )
        self._connection.request("POST", _PATH, body=content, headers=dict(headers))
        response = self._connection.getresponse()
        response.read()
        return response.status

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _drop(self, rows: int, reason: str) -> None:
        self.dropped += 1
        self.dropped_rows += rows
        if time.monotonic() - self._reported_at >= _REPORT_SECONDS:
            self._report(reason)

    def _report(self, reason: str) -> None:
        _log.warning(
            "collected data was dropped: rows_since_start=%d batches_since_start=%d "
            "batches_since_last_line=%d last_reason=%s",
            self.dropped_rows,
            self.dropped,
            self.dropped - self._reported,
            reason,
        )
        self._reported, self._reported_at = self.dropped, time.monotonic()
