"""The record of a running stack, for other processes: one file in its state folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from local.errors import LocalStackError
from local.supervision.state_lock import StateLock, typed

if TYPE_CHECKING:
    from pathlib import Path

_RECORD = "stack.json"


@dataclass(frozen=True, slots=True)
class RunningStack:
    """Addresses and keys of a running stack; its file is readable by the owner only."""

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
            raise LocalStackError(
                f"no stack runs over {state}; start one with: {typed(state, 'up')}"
            )
        try:
            return cls(**json.loads((state / _RECORD).read_text(encoding="utf-8")))
        except FileNotFoundError as exc:
            raise LocalStackError(f"the stack over {state} is still starting; try again") from exc
        except (ValueError, TypeError, OSError) as exc:
            raise LocalStackError(
                f"{state / _RECORD} cannot be read ({exc}); stop the stack and start it again"
            ) from exc

    @staticmethod
    def forget(state: Path) -> None:
        """Remove the record; harmless when there is none."""
        (state / _RECORD).unlink(missing_ok=True)
