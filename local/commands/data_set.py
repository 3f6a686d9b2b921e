"""What a person says or asks about a file of a model: through the app's own HTTP interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.errors import LocalStackError
from local.supervision.stack_record import RunningStack

if TYPE_CHECKING:
    from pathlib import Path

_CALL_SECONDS = 30


def withdraw(state: Path, model: str, file: str, *, reason: str) -> str:
    """Take a file out of the model's data set.

    Raises:
        LocalStackError: no stack, or the app refused; with the app's own words.
    """
    body = {"file": file, "reason": reason}
    answer = _call(state, "POST", f"{quote(model, safe='')}/withdraw", json=body)
    follow = RunningStack.read(state).functions_url + answer.json()["follow"]
    return f"{answer.json()['sentence']}\nfollow it at {follow}"


def lookup(state: Path, model: str, file: str) -> str:
    """What became of a file.

    Raises:
        LocalStackError: no stack, or the app refused; with the app's own words.
    """
    address = f"{quote(model, safe='')}/files/{quote(file)}"
    text = {"Accept": "text/plain"}
    return str(_call(state, "GET", address, headers=text).text).rstrip("\n")


def _call(state: Path, method: str, address: str, **given: Any) -> Any:
    import requests  # noqa: PLC0415 - only here

    record = RunningStack.read(state)
    headers = {"x-functions-key": record.function_key, **given.pop("headers", {})}
    url = f"{record.functions_url}/api/models/{address}"
    try:
        answer = requests.request(method, url, headers=headers, timeout=_CALL_SECONDS, **given)
    except requests.RequestException as exc:
        raise LocalStackError(f"the app did not answer: {exc}. Log: {state / 'logs'}") from exc
    if not answer.ok:
        raise LocalStackError(_refusal(answer))
    return answer


def _refusal(answer: Any) -> str:
    """The app's sentence; where something else answered, its status."""
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.method} {answer.url} was answered {answer.status_code}"
