from __future__ import annotations

import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ml.scoring.collection import Batch, Collection, CollectionSettings

_BOTH = {"model_inputs": 100.0, "model_outputs": 100.0}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.gate.wait()
        status = self.server.statuses.pop(0) if self.server.statuses else 202
        self.server.seen.append((self.path, dict(self.headers), json.loads(body), status))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        return


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.seen, running.statuses = [], []
        running.gate = threading.Event()
        running.gate.set()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.gate.set()
        running.shutdown()
        thread.join()


def _collection(port, *, percent=None, capacity=100, draw=lambda: 0.5):
    settings = CollectionSettings("127.0.0.1", port, percent or _BOTH, capacity)
    return Collection(settings, draw=draw, pause=lambda _: None)


def _batch(kind="model_inputs", rows=1):
    return Batch(kind, {"x": list(range(rows))}, "request-1", "3", time_seconds=1790000000)


def test_batch_is_posted_like_microsofts_client_posts_it(server):
    collection = _collection(server.server_port)

    collection.put([_batch(rows=2), _batch("model_outputs")])
    collection.close()

    (path, headers, body, _), (_, second, _, _) = server.seen
    assert path == "/modeldata/log"
    assert body == [{"x": 0}, {"x": 1}]
    assert headers["ce-type"] == "azureml.inference.model_inputs"
    assert second["ce-type"] == "azureml.inference.model_outputs"
    assert headers["ce-time"] == "1790000000"
    assert headers["ce-x-request-id"] == "request-1"
    assert headers["ce-collect-data-type"] == "pandas.core.frame.DataFrame"
    assert headers["trace-id"] != second["trace-id"]
    assert collection.dropped == 0


def test_full_queue_drops_and_counts_batches_without_blocking(server, caplog):
    server.gate.clear()
    collection = _collection(server.server_port, capacity=5)

    started = time.perf_counter()
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            collection.put([_batch()])
    took = time.perf_counter() - started
    server.gate.set()
    collection.close()

    assert took < 0.5
    assert collection.dropped == 50 - len(server.seen)
    assert 43 <= collection.dropped <= 45
    first, *last = [one.message for one in caplog.records if "dropped" in one.message]
    assert "rows_since_start=1 " in first
    # Drops after the first line are reported when the server stops.
    assert [f"rows_since_start={collection.dropped} " in line for line in last] == [True]


def test_memory_is_bounded_while_the_collector_is_unavailable(server, monkeypatch):
    monkeypatch.setattr("ml.scoring.collection._MOST_WAITING_BYTES", 1_000_000)
    server.gate.clear()
    collection = _collection(server.server_port, capacity=1500)
    rows = 5_000  # 200,000 bytes, at 40 a number

    for _ in range(200):
        collection.put([_batch(rows=rows)])
    dropped = collection.dropped
    server.gate.set()
    collection.close()

    assert dropped == 195
    assert collection.dropped_rows == 195 * rows
    assert sum(len(body) for _, _, body, _ in server.seen) == 5 * rows


def test_sent_batches_free_room_in_the_queue(server, monkeypatch):
    monkeypatch.setattr("ml.scoring.collection._MOST_WAITING_BYTES", 100_000)
    collection = _collection(server.server_port)

    for _ in range(5):
        before = len(server.seen)
        collection.put([_batch(rows=2_000)])
        while collection._waiting_bytes:
            time.sleep(0.01)
        assert len(server.seen) > before
    collection.close()

    assert collection.dropped == 0


def test_server_error_is_retried_and_refusal_is_not(server):
    server.statuses = [503, 202, 400]
    collection = _collection(server.server_port)

    collection.put([_batch()])
    collection.put([_batch()])
    collection.close()

    assert [status for *_, status in server.seen] == [503, 202, 400]
    assert collection.dropped == 1


def test_without_collector_drops_are_counted_and_nothing_is_raised():
    collection = _collection(1)

    collection.put([_batch(), _batch("model_outputs")])
    collection.close()

    assert collection.dropped == 2


def test_large_batches_are_sent_in_parts(server):
    collection = _collection(server.server_port)
    text = "x" * 500_000

    collection.put([Batch("model_inputs", {"t": [text] * 10}, "r", "1")])
    collection.close()

    assert sum(len(rows) for _, _, rows, _ in server.seen) == 10
    assert max(len(json.dumps(rows)) for _, _, rows, _ in server.seen) < 4_000_000


@pytest.mark.parametrize(
    ("percent", "drawn", "kinds"),
    [
        ({}, 0.0, []),
        ({"model_inputs": 100.0}, 0.99, ["model_inputs"]),
        ({"model_inputs": 10.0, "model_outputs": 50.0}, 0.3, ["model_outputs"]),
        ({"model_inputs": 10.0, "model_outputs": 50.0}, 0.05, ["model_inputs", "model_outputs"]),
    ],
)
def test_only_enabled_and_sampled_kinds_are_sent(server, percent, drawn, kinds):
    settings = CollectionSettings("127.0.0.1", server.server_port, percent)
    collection = Collection(settings, draw=lambda: drawn)

    collection.put([_batch("model_inputs"), _batch("model_outputs")])
    collection.close()

    sent = [
        headers["ce-type"].removeprefix("azureml.inference.") for _, headers, _, _ in server.seen
    ]
    assert sent == kinds


def test_settings_are_read_like_microsofts_client_reads_them(tmp_path):
    off = CollectionSettings.from_env({})
    legacy = CollectionSettings.from_env(
        {"AZUREML_MDC_ENABLED": "TRUE", "AZUREML_MDC_PORT": "7", "AZUREML_MDC_SAMPLE_RATE": "20"}
    )
    config = tmp_path / "mdc.json"
    config.write_text(
        json.dumps(
            {
                "collections": {
                    "Model_Inputs": {"enabled": True, "sampleRatePercentage": 30},
                    "model_outputs": {"enabled": False},
                }
            }
        )
    )
    by_file = CollectionSettings.from_env({"AZUREML_MDC_CONFIG_PATH": str(config)})

    assert off.percent == {}
    assert (legacy.port, legacy.percent) == (7, {"model_inputs": 20.0, "model_outputs": 20.0})
    assert by_file.percent == {"model_inputs": 30.0}
    assert (by_file.host, by_file.port) == ("127.0.0.1", 50011)
