"""Running a timer function now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.commands.unknown import unknown
from local.errors import LocalStackError
from local.supervision.stack_record import RunningStack
from local.supervision.state_lock import typed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CALL_SECONDS = 30


def fire(state: Path, timer: str) -> str:
    """Run a timer function now, through the host's admin route as on Azure.

    Raises:
        LocalStackError: no stack, no such timer, or the host did not take it.
    """
    import requests  # noqa: PLC0415 - only here

    record = RunningStack.read(state)
    functions = f"{record.functions_url}/admin/functions"
    headers = {"x-functions-key": record.master_key}
    try:
        listed = requests.get(functions, headers=headers, timeout=_CALL_SECONDS)
        listed.raise_for_status()
        timers = [item["name"] for item in listed.json() if _is_timer(item)]
        if timer not in timers:
            raise unknown("timer", timer, timers)
        answer = requests.post(
            f"{functions}/{timer}", headers=headers, json={}, timeout=_CALL_SECONDS
        )
        answer.raise_for_status()
    except requests.RequestException as exc:
        raise LocalStackError(
            f"the Functions host refused or did not answer: {exc}. Log: {state / 'logs'}"
        ) from exc
    return f"fired {timer}; how it went: {typed(state, 'logs functions')}"


def _is_timer(function: Mapping[str, Any]) -> bool:
    return any(binding["type"] == "timerTrigger" for binding in function["config"]["bindings"])
