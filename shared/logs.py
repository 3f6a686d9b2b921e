"""One event per line with fields; constant message text, never a row of data."""

from __future__ import annotations

import json
import logging
from typing import Any

_SHOWN_CHARACTERS = 1000


class EventLog:
    """Writes `message {"field": value, …}` to one logger of the standard library.

    The host adds time, level and invocation id; fields are for searching.
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, message: str, **fields: Any) -> None:
        """Log something that happened."""
        self._write(logging.INFO, message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        """Log something unusual that was dealt with."""
        self._write(logging.WARNING, message, fields)

    def error(self, message: str, **fields: Any) -> None:
        """Log something that a person should look at."""
        self._write(logging.ERROR, message, fields)

    def _write(self, level: int, message: str, fields: dict[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            shown = {key: _short(value) for key, value in fields.items() if value is not None}
            # As one argument: a percent sign in a value is not a format.
            self._logger.log(level, "%s %s", message, json.dumps(shown, ensure_ascii=False))


def quiet_sdks() -> None:
    """Raise the log level of Azure's SDKs, which write forty INFO lines for every request."""
    for name in ("azure", "msal", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # These warn about experimental classes and small machines on every use. They are set by their
    # full names, since importing azure.ai.ml sets the level of its root logger.
    for name in ("_utils._experimental", "operations._online_deployment_operations"):
        logging.getLogger(f"azure.ai.ml.{name}").setLevel(logging.ERROR)
    # It logs every "not found" as an error, but asking is how we find out whether something exists.
    logging.getLogger("azure.ai.ml._telemetry").setLevel(logging.CRITICAL)


def _short(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    shown = str(value)
    if len(shown) > _SHOWN_CHARACTERS:
        return f"{shown[:_SHOWN_CHARACTERS]}… ({len(shown)} characters)"
    return shown
