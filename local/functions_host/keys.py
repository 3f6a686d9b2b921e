"""The host's keys, created once for a state folder and readable by its owner only."""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from local.functions_host.errors import FunctionAppError

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "keys.json"
_LOCK = "keys.lock"
_OWNER_ONLY = 0o600


def _new_key() -> str:
    return secrets.token_urlsafe(40)


@dataclass(slots=True)
class Keys:
    """Access keys, and what each one opens.

    Attributes:
        master: opens everything, the admin routes too.
        host: opens every function of level "function".
        event_grid: system key of the Event Grid webhook.
        functions: one key a function, which opens that function.
    """

    master: str = field(default_factory=_new_key)
    host: str = field(default_factory=_new_key)
    event_grid: str = field(default_factory=_new_key)
    functions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, state: Path, functions: list[str]) -> Keys:
        """Read the keys in `state`, adding what is missing.

        Raises:
            FunctionAppError: the file is damaged.
        """
        path = state / _FILE
        state.mkdir(parents=True, exist_ok=True)
        with (state / _LOCK).open("a") as lock:  # two hosts may start over one folder
            fcntl.flock(lock, fcntl.LOCK_EX)
            return cls._load(path, functions)

    @classmethod
    def _load(cls, path: Path, functions: list[str]) -> Keys:
        try:
            keys = cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            keys = cls()
        except (ValueError, TypeError) as exc:
            raise FunctionAppError(
                f"{path} cannot be read ({exc}); delete it and new keys are made"
            ) from exc
        keys.functions |= {name: _new_key() for name in functions if name not in keys.functions}
        keys._save(path)
        return keys

    def _save(self, path: Path) -> None:
        draft = path.with_name(f"{_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=1)
        draft.replace(path)

    def opens_function(self, given: str | None, *, function: str, level: str) -> bool:
        """Whether a request with this key may call a function of this auth level."""
        if level == "anonymous":
            return True
        accepted = [self.master]
        if level == "function":
            accepted += [self.host, self.functions[function]]
        return _is_one_of(given, accepted)

    def opens_admin(self, given: str | None) -> bool:
        """Whether a request with this key may use the admin routes."""
        return _is_one_of(given, [self.master])

    def opens_event_grid(self, given: str | None) -> bool:
        """Whether a request with this key may deliver events."""
        return _is_one_of(given, [self.master, self.event_grid])


def _is_one_of(given: str | None, accepted: list[str]) -> bool:
    # All are compared, each in constant time, so that timing reveals nothing about a key.
    results = [hmac.compare_digest((given or "").encode(), key.encode()) for key in accepted]
    return any(results)
