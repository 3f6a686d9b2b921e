"""What other processes may know of a running stack: one file in its state folder."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Self

from local.errors import LocalStackError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_RECORD = "stack.json"
_LOCK = "stack.lock"


@dataclass(frozen=True, slots=True)
class RunningStack:
    """Where a stack answers. Readable by its owner only: it holds the host's master key."""

    pid: int
    functions_url: str
    master_key: str
    function_key: str
    mlflow_url: str
    workspace_url: str
    scoring_url: str
    storage_connection_string: str
    workspace_id: str
    environ: dict[str, str]  # what a program needs so that Azure's SDKs come here

    def write(self, state: Path) -> None:
        """Publish the record in `state`, all of it or nothing."""
        draft = state / f"{_RECORD}.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=1)
        draft.replace(state / _RECORD)

    @classmethod
    def read(cls, state: Path) -> Self:
        """Read the record of the stack that runs over `state`.

        Raises:
            LocalStackError: no stack runs there, or it is still starting.
        """
        if not StateLock.is_held(state):
            raise LocalStackError(f"no stack runs over {state}; start one with: make local")
        try:
            return cls(**json.loads((state / _RECORD).read_text(encoding="utf-8")))
        except FileNotFoundError as exc:
            raise LocalStackError(f"the stack over {state} is still starting; try again") from exc
        except (ValueError, TypeError) as exc:
            raise LocalStackError(
                f"{state / _RECORD} cannot be read ({exc}); stop the stack and start it again"
            ) from exc

    @staticmethod
    def forget(state: Path) -> None:
        """Remove the record; harmless when there is none."""
        (state / _RECORD).unlink(missing_ok=True)


class StateLock:
    """One stack per state folder. The kernel lets go of it when the holder dies."""

    def __init__(self, state: Path) -> None:
        self._path = state / _LOCK
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            file.close()
            raise LocalStackError(
                f"a stack runs over {self._path.parent} already; stop it with: "
                "python -m local down, or name another folder with --state"
            ) from exc
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @staticmethod
    def is_held(state: Path) -> bool:
        """Whether a living process holds the lock of `state`."""
        path = state / _LOCK
        if not path.exists():
            return False
        with path.open("a") as probe:
            try:
                fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False
