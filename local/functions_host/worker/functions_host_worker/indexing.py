"""Finds the functions of a v2 app, as Azure's worker does."""

from __future__ import annotations

import importlib
import json
import traceback
from pathlib import Path
from typing import Any

import azure.functions as func

from .signature import Signature, read_signature

_HERE = str(Path(__file__).parent)


class NoFunctionAppError(ValueError):
    """The script does not hold exactly one top-level function app."""


def index(script: str) -> tuple[dict[str, Signature], list[dict[str, Any]]]:
    """Import `script` and describe its functions: how to call them, and what the host binds.

    Args:
        script: file name in the current folder, for example function_app.py.

    Raises:
        NoFunctionAppError: none or several top-level function apps.
        FunctionLoadError: a function that Azure would refuse.
        Exception: whatever the app raises while it is imported.
    """
    functions = _app(script).get_functions()
    signatures: dict[str, Signature] = {}
    described: list[dict[str, Any]] = []
    for function in functions:
        name = str(function.get_function_name())
        signatures[name] = read_signature(function)
        described.append(
            {
                "name": name,
                "bindings": [json.loads(raw) for raw in function.get_raw_bindings()],
                "retry": function.get_settings_dict("retry_policy"),
            }
        )
    return signatures, described


def _app(script: str) -> func.FunctionRegister:
    module = importlib.import_module(Path(script).stem)
    apps = [
        item
        for item in (getattr(module, name, None) for name in dir(module))
        if isinstance(item, func.FunctionRegister)
    ]
    if not apps:
        raise NoFunctionAppError(f"Could not find top level function app instances in {script}.")
    if len(apps) > 1:
        raise NoFunctionAppError(
            f"More than one {type(apps[0]).__name__} or other top level function app instances "
            f"are defined in {script}."
        )
    return apps[0]


def describe_error(exc: BaseException) -> dict[str, str]:
    """An exception for the host; the trace begins in the app's own code."""
    report = traceback.TracebackException.from_exception(exc)
    part: traceback.TracebackException | None = report
    while part is not None:
        own = [frame for frame in part.stack if not _is_ours(frame.filename)]
        part.stack = traceback.StackSummary.from_list(own)
        part = part.__cause__ or part.__context__
    return {
        "kind": type(exc).__name__,
        "message": _printable(f"{type(exc).__name__}: {exc}"),
        "trace": _printable("".join(report.format())),
    }


def _printable(text: str) -> str:
    """Without the lone surrogates of file names that are not UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def _is_ours(filename: str) -> bool:
    return filename.startswith((_HERE, "<frozen importlib")) or (
        "/asyncio/" in filename or "/concurrent/futures/" in filename or "/importlib/" in filename
    )
