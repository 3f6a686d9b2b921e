"""App settings: those that configure the host, and the worker's environment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from local.functions_host.errors import FunctionAppError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SCRIPT = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_\-]*\.py$")
_LARGEST_BODY_BYTES = 100 * 1024 * 1024
# They would change behaviour on Azure and not here.
_UNSUPPORTED = ("WEBSITE_TIME_ZONE", "FUNCTIONS_WORKER_PROCESS_COUNT")
_AS_BY_DEFAULT = {"", "1"}


def refuse_unsupported(settings: Mapping[str, str]) -> None:
    """Check the settings that configure the host.

    Raises:
        FunctionAppError: names the first one that this host does not act on.
    """
    for name in _UNSUPPORTED:
        if settings.get(name, "") not in _AS_BY_DEFAULT:
            raise FunctionAppError(
                f"app setting {name}={settings[name]!r} is not supported by this host; remove it"
            )
    count = settings.get("PYTHON_THREADPOOL_THREAD_COUNT", "1")
    if not count.isdigit() or int(count) == 0:
        raise FunctionAppError(
            f"app setting PYTHON_THREADPOOL_THREAD_COUNT={count!r} must be a whole number from 1"
        )


def script_name(app_dir: Path, settings: Mapping[str, str]) -> str:
    """The file that holds the app.

    Raises:
        FunctionAppError: it is not there.
    """
    script = settings.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not _SCRIPT.match(script):
        raise FunctionAppError(f"PYTHON_SCRIPT_FILE_NAME {script!r} is not a Python file name")
    if not (app_dir / script).is_file():
        raise FunctionAppError(
            f"{app_dir} holds no {script}: this host runs the v2 programming model, "
            "not folders with function.json"
        )
    return script


def largest_body_bytes(settings: Mapping[str, str]) -> int:
    """Azure's limit for a request, 100 MB unless the app's settings say otherwise.

    Raises:
        FunctionAppError: the setting is not a number.
    """
    text = settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", str(_LARGEST_BODY_BYTES))
    if not text.isdigit():
        raise FunctionAppError(
            f"app setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT={text!r} must be a number of bytes"
        )
    return int(text)


def worker_environ(settings: Mapping[str, str], *, app_dir: Path, port: int) -> dict[str, str]:
    """The app's environment: its settings, and what Azure Functions Core Tools set as well."""
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AzureWebJobsScriptRoot": str(app_dir),
        "WEBSITE_HOSTNAME": f"127.0.0.1:{port}",
        **settings,
    }
