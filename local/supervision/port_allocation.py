"""Port allocation: fixed by the caller, else the port of the last start, else any free one."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SERVICES = ("blob", "queue", "table", "storage", "functions", "azure_ml", "scoring")
HIGHEST_PORT = 65535


class Ports:
    """Ports by service, kept in a file because URLs inside events and facts contain them."""

    def __init__(self, file: Path, fixed: Mapping[str, int]) -> None:
        """Read what the last start kept.

        Raises:
            LocalStackError: no such service, no such port, or the file is damaged.
        """
        unknown = sorted(set(fixed) - set(SERVICES))
        if unknown:
            raise LocalStackError(
                f"no service {', '.join(unknown)}; there are: {', '.join(SERVICES)}"
            )
        wrong = [f"{service}={port}" for service, port in fixed.items() if not _is_port(port)]
        if wrong:
            raise LocalStackError(
                f"{', '.join(wrong)}: a port is 1 to {HIGHEST_PORT}, or 0 for any"
            )
        self._file = file
        self._fixed = dict(fixed)
        self._kept = _read(file)

    def __getitem__(self, service: str) -> int:
        return self._fixed.get(service, self._kept.get(service, 0))

    def keep(self, **ports: int) -> None:
        """Use these at the next start too."""
        self._kept |= ports

    def save(self) -> None:
        """Write the kept ports, all or nothing."""
        draft = self._file.with_suffix(".json.new")
        draft.write_text(json.dumps(self._kept, indent=1), encoding="utf-8")
        draft.replace(self._file)

    def reserve(self, service: str) -> socket.socket:
        """Bind the service's port before the service starts, so that others can be given it.

        Raises:
            LocalStackError: another program has the port.
        """
        reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            reserved.bind(("127.0.0.1", self[service]))
        except OSError as exc:
            reserved.close()
            remedy = f"choose another with --port {service}=PORT"
            if service in self._kept and service not in self._fixed:
                remedy += " (it is the port of the last start, which stored URLs hold)"
            raise LocalStackError(
                f"port {self[service]} for {service} cannot be used ({exc.strerror}): stop what "
                f"holds it, or {remedy}"
            ) from exc
        return reserved


def _is_port(number: object) -> bool:
    return isinstance(number, int) and 0 <= number <= HIGHEST_PORT


def _read(file: Path) -> dict[str, int]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as exc:
        raise _damaged(file, exc) from exc
    if not isinstance(content, dict) or not all(_is_port(port) for port in content.values()):
        raise _damaged(file, "not a mapping of services to ports")
    return content


def _damaged(file: Path, why: object) -> LocalStackError:
    return LocalStackError(
        f"{file} is damaged ({why}). Delete it to get new ports, or the folder {file.parent} to "
        "start afresh"
    )


def free_port() -> int:
    """A loopback TCP port that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
