"""The stack's own certificate authority."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import certifi
import pytest

from local.errors import LocalStackError
from local.serving.tls import LocalTls


async def _talk(server: LocalTls, client: LocalTls, host: str) -> bytes:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server.server_context)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client.client_context, server_hostname=host
        )
        try:
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_clients_trust_the_servers_by_address_and_name(tmp_path, host):
    tls = LocalTls.create(tmp_path)
    assert asyncio.run(_talk(tls, tls, host)) == b"hello"


def test_server_of_another_stack_is_not_trusted(tmp_path):
    ours, theirs = LocalTls.create(tmp_path / "a"), LocalTls.create(tmp_path / "b")
    with pytest.raises(ssl.SSLCertVerificationError):
        asyncio.run(_talk(theirs, ours, "localhost"))


def test_bundle_keeps_the_public_authorities_and_holds_no_key(tmp_path, monkeypatch):
    # given: a machine behind an inspecting proxy
    own = tmp_path / "company.pem"
    own.write_bytes(b"# company\n" + Path(certifi.where()).read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own))

    # when
    tls = LocalTls.create(tmp_path / "tls")

    # then
    assert tls.bundle.read_bytes().startswith(b"# company")
    assert set(tls.environ().values()) == {str(tls.bundle)}
    assert all(b"PRIVATE KEY" not in file.read_bytes() for file in (tmp_path / "tls").iterdir())


def test_missing_requests_ca_bundle_is_reported_with_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent.pem"))
    with pytest.raises(LocalStackError, match=r"REQUESTS_CA_BUNDLE.*absent\.pem"):
        LocalTls.create(tmp_path / "tls")


def test_certificate_folder_that_cannot_be_created_is_reported(tmp_path):
    (tmp_path / "tls").write_text("", encoding="utf-8")
    with pytest.raises(LocalStackError, match="cannot be used"):
        LocalTls.create(tmp_path / "tls")
