"""Ports: fixed, remembered, reserved."""

from __future__ import annotations

import socket

import pytest

from local.errors import LocalStackError
from local.supervision.port_allocation import Ports


def test_fixed_port_wins_over_a_remembered_port_and_that_over_a_free_one(tmp_path):
    # given
    before = Ports(tmp_path / "ports.json", {})
    before.keep(storage=11111, blob=11112)
    before.save()

    # when
    after = Ports(tmp_path / "ports.json", {"blob": 22222})

    # then
    assert [after[service] for service in ("storage", "blob", "queue")] == [11111, 22222, 0]


@pytest.mark.parametrize(
    ("fixed", "said"),
    [
        ({"web": 80}, "no service web; there are: blob, queue"),
        ({"blob": 70000}, "blob=70000: a port is 1 to 65535"),
        ({"blob": -1}, "blob=-1"),
    ],
)
def test_unknown_service_or_invalid_port_is_refused(tmp_path, fixed, said):
    with pytest.raises(LocalStackError, match=said):
        Ports(tmp_path / "ports.json", fixed)


@pytest.mark.parametrize("text", ["", "[1]", '{"blob": "x"}', '{"blob": 70000}', "\x00\xff"])
def test_damaged_ports_file_is_reported_with_the_remedy(tmp_path, text):
    # given
    (tmp_path / "ports.json").write_text(text, encoding="latin-1")

    # then
    with pytest.raises(LocalStackError, match=r"ports\.json is damaged .* Delete it"):
        Ports(tmp_path / "ports.json", {})


def test_reserved_port_is_taken_and_a_taken_port_cannot_be_reserved(tmp_path):
    with socket.socket() as taken:
        # given
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]

        # then
        with pytest.raises(LocalStackError, match=f"port {number} for storage cannot be used"):
            Ports(tmp_path / "ports.json", {"storage": number}).reserve("storage")
        kept = Ports(tmp_path / "ports.json", {})
        kept.keep(storage=number)
        with pytest.raises(LocalStackError, match="the port of the last start"):
            kept.reserve("storage")

    with Ports(tmp_path / "ports.json", {}).reserve("storage") as reserved:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(reserved.getsockname())
        reserved.listen()
