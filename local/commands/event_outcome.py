"""What the app made of an event, read from the Functions hosts' logs."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from local.supervision.state_lock import typed

if TYPE_CHECKING:
    from pathlib import Path

_POLL_SECONDS = 0.1
_TAKEN = re.compile(r"Trigger Details: \(Id=(?P<invocation>[\w-]+), .*EventId=(?P<event>[^,)]+)")
_DONE = re.compile(
    r"Executed 'Functions\.(?P<function>[^']+)' \((?P<how>\w+), Id=(?P<invocation>[\w-]+)"
)
_SAID = re.compile(r"^\S+ (?P<line>(?:WARNING|ERROR|CRITICAL) \[(?P<invocation>[\w-]+)\] .*)$")


class FunctionsLog:
    """The lines that come after this object was made, in the `logs` of a stack's state folder."""

    def __init__(self, folder: Path) -> None:
        self._read_with = typed(folder.parent, "logs functions")
        self._starts = {path: path.stat().st_size for path in folder.glob("functions*.log")}

    def outcome(self, event: str, *, wait_seconds: float) -> str:
        """Which function took an event, and its warnings and errors.

        Args:
            event: its id.
            wait_seconds: for the function's end.
        """
        deadline = time.monotonic() + wait_seconds
        while (found := self._look(event)) is None:
            if time.monotonic() > deadline:
                return (
                    f"no function has ended with it after {wait_seconds:.0f} s; "
                    f"see: {self._read_with}"
                )
            time.sleep(_POLL_SECONDS)
        return found

    def _look(self, event: str) -> str | None:
        lines = self._lines()
        taken = [match for line in lines if (match := _TAKEN.search(line))]
        invocations = {match["invocation"] for match in taken if match["event"] == event}
        done = [match for line in lines if (match := _DONE.search(line))]
        ended = next((match for match in done if match["invocation"] in invocations), None)
        if ended is None:
            return None
        said = [match for line in lines if (match := _SAID.match(line))]
        about = [match["line"] for match in said if match["invocation"] in invocations]
        if ended["how"] != "Succeeded":
            about.append(f"it failed and is tried again; see: {self._read_with}")
        verb = f"{ended['function']} took it"
        return f"{verb}, without a warning" if not about else "\n  ".join([f"{verb}:", *about])

    def _lines(self) -> list[str]:
        found: list[str] = []
        for path, start in self._starts.items():
            with path.open("rb") as file:
                file.seek(start)
                found += file.read().decode(errors="replace").splitlines()
        return found
