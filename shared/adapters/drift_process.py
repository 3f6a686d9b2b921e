"""The comparison of a window in a child process that ends with it.

What it needs (pyarrow, scipy, pandas, LLVM) is 190 MB, which the app's worker would hold for the
rest of its life after a second of use (ADR 25). The command is that of the job check_drift.yml.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from ml.errors import UnreadableDataError
from ml.monitoring.outcome import REFUSED_EXIT_CODE, read_check
from shared.errors import EvidenceError, TimedOutError

if TYPE_CHECKING:
    from ml.monitoring.outcome import WindowCheck
    from shared.ports.drift import Comparison

_CODE = Path(__file__).resolve().parents[2]  # the folder that holds ml/
_LONGEST = timedelta(minutes=5)  # of a window that fits into a function; seconds as a rule
_LAST_CHARACTERS = 2_000
_one_at_a_time = threading.Lock()  # several would need the memory of several


def compare_in_process(comparison: Comparison, folder: Path) -> WindowCheck:
    """Compare the files in the folder with the profile there; results go to `<folder>/check`.

    Args:
        comparison: which rows, against which version.
        folder: holds reference.profile and, where they exist, collected/, labels/ and past/.

    Raises:
        EvidenceError: the files cannot be read; a retry would fail the same way.
        TimedOutError: the process did not end within the time limit.
        RuntimeError: it crashed; the message ends with its last output.
    """
    (folder / "collected").mkdir(exist_ok=True)
    command = [sys.executable, "-P", "-m", "ml.monitoring.check_job"]
    with _one_at_a_time:
        try:
            done = subprocess.run(
                command + _arguments(comparison, folder),
                cwd=_CODE,
                # The app's libraries need not lie where this interpreter looks by itself.
                env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(_CODE)])},
                capture_output=True,
                check=False,
                encoding="utf-8",
                errors="replace",
                timeout=_LONGEST.total_seconds(),
            )
        except subprocess.TimeoutExpired as exc:
            raise TimedOutError(
                f"the drift check of {comparison.model} took longer than {_LONGEST}"
            ) from exc
    words = done.stderr.strip()
    if done.returncode == REFUSED_EXIT_CODE:
        raise EvidenceError(words.rpartition("\n")[2])
    if done.returncode != 0:
        raise RuntimeError(
            f"the drift check of {comparison.model} ended with code {done.returncode}: "
            f"{words[-_LAST_CHARACTERS:]}"
        )
    try:
        return read_check(folder / "check")
    except UnreadableDataError as exc:
        raise EvidenceError(str(exc)) from exc


def _arguments(comparison: Comparison, folder: Path) -> list[str]:
    check = comparison.check
    arguments = {
        "model-name": comparison.model,
        "day": check.day.isoformat(),
        "start-utc": check.window_start_utc.isoformat(),
        "end-utc": check.window_end_utc.isoformat(),
        "champion-version": check.profile,
        "profile": str(folder / "reference.profile"),
        "collected": str(folder / "collected"),
        "check": str(folder / "check"),
    }
    for name in ("past", "labels"):
        if (folder / name).is_dir():
            arguments[name] = str(folder / name)
    if comparison.baseline is not None:
        arguments["baseline"] = repr(comparison.baseline)
    return [f"--{name}={value}" for name, value in arguments.items()]
