"""The health check of a program."""

from __future__ import annotations

import asyncio
import sys

import pytest

from local.errors import ProcessFailedError
from local.supervision.health_check import until_answering
from local.supervision.port_allocation import free_port
from local.supervision.processes import Command, ManagedProcess

SERVER = (
    "import http.server as h\n"
    "class Late(h.BaseHTTPRequestHandler):\n"
    "    asked = 0\n"
    "    def do_GET(self):\n"
    "        Late.asked += 1\n"
    "        print(Late.asked, flush=True)\n"
    "        self.send_response(200 if Late.asked > 2 else 503)\n"
    "        self.end_headers()\n"
    "h.HTTPServer(('127.0.0.1', {port}), Late).serve_forever()\n"
)


def check(tmp_path, *argv, port, timeout_seconds):
    """The program's output, once it answers."""
    log = tmp_path / "log"

    async def story() -> None:
        process = await ManagedProcess.start(Command(name="it", argv=argv, log=log, environ={}))
        try:
            await until_answering(
                process,
                f"http://127.0.0.1:{port}/",
                timeout_seconds=timeout_seconds,
                probe_seconds=2.0,
            )
        finally:
            await process.stop()

    asyncio.run(story())
    return log.read_text()


def test_program_is_up_when_it_answers_with_success(tmp_path):
    port = free_port()
    program = (sys.executable, "-u", "-c", SERVER.format(port=port))

    said = check(tmp_path, *program, port=port, timeout_seconds=60)

    asked = [line for line in said.splitlines() if line.isdigit()]
    assert asked == ["1", "2", "3"]


def test_program_that_exits_before_answering_is_reported_with_its_last_output(tmp_path):
    with pytest.raises(ProcessFailedError, match=r"it ended with code 3 .*\n.*last words"):
        check(tmp_path, "sh", "-c", "echo last words; exit 3", port=free_port(), timeout_seconds=60)


def test_program_that_never_answers_is_reported_after_the_limit(tmp_path):
    with pytest.raises(ProcessFailedError, match="it did not answer within 0 s"):
        check(tmp_path, "sleep", "300", port=free_port(), timeout_seconds=0.3)
