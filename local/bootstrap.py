"""First step on a fresh machine: the virtual environment that everything else runs in.

Runs on the standard library alone, with whatever Python 3.11+ called it. A second run with
unchanged requirements takes no time.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements-dev.txt"
OLDEST = (3, 11)


class SetUpError(Exception):
    """Set-up cannot go on; the text says what to do."""


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _run(argv: list[str], what: str) -> None:
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()
        raise SetUpError(f"{what} failed (exit code {done.returncode}):\n{output}")


def _pinned(package: str) -> str:
    for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{package}=="):
            return line.split(";")[0].strip()
    raise SetUpError(f"{REQUIREMENTS.name} pins no {package}; run `make lock`")


def _uv() -> str:
    """Install uv from the package index, in an environment of its own; pip needs it only once."""
    pin = _pinned("uv")
    home = ROOT / ".local" / "cache" / pin.replace("==", "-")
    program = home / "bin" / "uv"
    if not program.exists():
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(home)], "making a virtual environment")
        _run(
            [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", pin],
            f"installing {pin} from the package index",
        )
    return str(program)


def _fingerprint() -> str:
    text = REQUIREMENTS.read_bytes() + sys.version.encode() + sys.executable.encode()
    return hashlib.sha256(text).hexdigest()


def make_environment() -> None:
    """Create or refresh `.venv` so that it holds exactly requirements-dev.txt.

    Raises:
        SetUpError: Python is too old, or a package index did not answer.
    """
    if sys.version_info < OLDEST:
        raise SetUpError(
            f"Python {sys.version.split()[0]} is too old, at least "
            f"{'.'.join(map(str, OLDEST))} is needed; try `make PYTHON=python3.12 setup`"
        )
    stamp = VENV / ".requirements-sha256"
    fingerprint = _fingerprint()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == fingerprint:
        return
    count = sum(1 for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines() if "==" in line)
    _say(f"1/3 Set-up (once): {count} Python packages …")
    started = time.monotonic()
    uv = _uv()
    _run(
        [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(VENV)],
        "uv venv",
    )
    python = str(VENV / "bin" / "python")
    _run(
        [uv, "pip", "sync", "--quiet", "--python", python, str(REQUIREMENTS)], "installing packages"
    )
    stamp.write_text(fingerprint, encoding="utf-8")
    _say(f"    ✓ Python packages ({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    try:
        make_environment()
    except SetUpError as exc:
        _say(f"✕ Set-up: {exc}")
        sys.exit(1)
