"""What goes wrong in a model's own code, as one sentence with file and line."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from ml.errors import MlError, ModelConfigError
from ml.model_config import MODELS
from ml.model_config.environment import read_requirements
from ml.model_config.source import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST: Final = 400


@contextmanager
def blamed(model: str, *, doing: str) -> Iterator[None]:
    """Turn whatever the code inside raises into a ModelConfigError with its place in the model.

    What another attempt may not meet passes through: a full memory, a disk or network at fault.

    Args:
        model: whose folder is looked for in the traceback.
        doing: what was done, for a failure outside of the model's own files.

    Raises:
        ModelConfigError: file, line, error and, of a module that is lacking, how to add it.
    """
    try:
        yield
    except (MlError, MemoryError):
        raise
    except ImportError as exc:
        name = (exc.name or "").partition(".")[0]
        said = _of_import(model, name) if name else _said(exc)
        raise ModelConfigError([f"{_place(exc, model, doing)}{said}"]) from exc
    except OSError:
        raise
    except Exception as exc:  # foreign code may raise anything
        raise ModelConfigError([f"{_place(exc, model, doing)}{_said(exc)}"]) from exc


def _place(exc: BaseException, model: str, doing: str) -> str:
    """The last line of the model's own files that the error came through."""
    if isinstance(exc, SyntaxError):
        return f"ml/models/{model}/pipeline.py:{exc.lineno}  "
    folder = f"ml/models/{model}/"
    for frame in reversed(traceback.extract_tb(exc.__traceback__)):
        _, found, rest = frame.filename.replace("\\", "/").rpartition(folder)
        if found:
            return f"{folder}{rest}:{frame.lineno}  "
    return f"{folder}pipeline.py  {doing} failed: "


def _of_import(model: str, module: str) -> str:
    own = read_requirements(MODELS / model)
    absent = [one for one in own if not _is_installed(one.name)]
    if absent:
        listed = ", ".join(one.written for one in absent)
        return (
            f"imports {module}; this Python lacks {listed}, which jobs have; to check it here: "
            f"uv run --no-project --with-requirements ml/models/{model}/requirements.txt "
            f"python -m ml check {model}"
        )
    return lacking(module, own)


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _said(exc: BaseException) -> str:
    text = " ".join(str(exc).split())
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f"{type(exc).__name__}: {shown}" if shown else type(exc).__name__
