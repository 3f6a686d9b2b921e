"""The protocol between host and worker."""

from __future__ import annotations

import base64
import json

from local.functions_host.worker.functions_host_worker import wire


def test_frames_carry_bytes_and_any_text():
    value = wire.datum("bytes", bytes(range(256)))

    frame = wire.encode({"text": "Grüße \n", "value": value})

    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    assert wire.value_of(json.loads(frame[4:])["value"]) == bytes(range(256))
    assert base64.b64decode(value["value"]) == bytes(range(256))
