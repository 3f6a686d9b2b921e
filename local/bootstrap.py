"""First step on a fresh machine: the virtual environment that everything else runs in.

Runs on the standard library alone, with whatever Python 3.11+ called it. A second run with
unchanged requirements takes no time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / ".local" / "cache" / "bootstrap.lock"
REQUIREMENTS = ROOT / "requirements-dev.txt"
OLDEST = (3, 11)


class SetUpError(Exception):
    """Set-up cannot go on; the text says what to do."""


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def uv_index() -> str:
    """The package index that uv asks, without credentials; as far as the environment says."""
    named = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL")
    return without_credentials(named) if named else "https://pypi.org/simple or uv.toml's"


def without_credentials(url: str) -> str:
    """For messages: what precedes an @ in a registry's address may be a password."""
    return re.sub(r"//[^/@]*@", "//", url)


def _pip_index(python: str) -> str:
    told = subprocess.run(
        [python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    # What is listed last rules; the environment comes last.
    named = re.findall(r"\.index-url='(.+)'", told)
    return without_credentials(named[-1]) if named else "https://pypi.org/simple"


def _run(argv: list[str], what: str, *, remedy: str = "") -> None:
    # A separate process group: when we are interrupted, all that it has started ends with it.
    with subprocess.Popen(
        argv,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    if process.returncode != 0:
        raise SetUpError(
            f"{what} failed (exit code {process.returncode}). {remedy}\n{output.strip()}"
        )


def _required() -> list[str]:
    try:
        return REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise SetUpError(f"cannot read {REQUIREMENTS}: {exc.strerror}; run `make lock`") from exc


def _pinned(package: str) -> str:
    for line in _required():
        if line.startswith(f"{package}=="):
            return line.split(";")[0].strip()
    raise SetUpError(f"{REQUIREMENTS.name} pins no {package}; run `make lock`")


def _uv() -> str:
    """Install uv from the package index in a separate environment, once."""
    pin = _pinned("uv")
    home = ROOT / ".local" / "cache" / pin.replace("==", "-")
    program = home / "bin" / "uv"
    if not program.exists():
        # Built beside its place and then renamed: an interruption leaves no half a program.
        draft = home.with_name(f"{home.name}.part")
        shutil.rmtree(draft, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(draft)], "making a virtual environment")
        python = str(draft / "bin" / "python")
        _run(
            [python, "-m", "pip", "install", "--quiet", pin],
            f"installing {pin} from the package index {_pip_index(python)}",
            remedy="Is it reachable? Another one is named with PIP_INDEX_URL.",
        )
        shutil.rmtree(home, ignore_errors=True)
        draft.rename(home)
    return str(program)


def _fingerprint() -> str:
    text = "\n".join(_required()).encode() + sys.version.encode() + sys.executable.encode()
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
    if _is_made(stamp, fingerprint):
        return
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        _wait_for(lock)
        if not _is_made(stamp, fingerprint):
            _make(stamp, fingerprint)


def _is_made(stamp: Path, fingerprint: str) -> bool:
    # The interpreter it links to may have been removed since.
    return (
        stamp.exists()
        and stamp.read_text(encoding="utf-8") == fingerprint
        and (VENV / "bin" / "python").exists()
    )


def _wait_for(lock: TextIO) -> None:
    """Wait for another set-up: two at once would overwrite each other's files."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say("    … waiting for another set-up in this folder")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _make(stamp: Path, fingerprint: str) -> None:
    count = sum(1 for line in _required() if "==" in line)
    _say(f"1/3 Set-up (once): {count} Python packages …")
    started = time.monotonic()
    uv = _uv()
    _run(
        [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(VENV)],
        "uv venv",
    )
    python = str(VENV / "bin" / "python")
    _run(
        [uv, "pip", "sync", "--quiet", "--python", python, str(REQUIREMENTS)],
        f"installing packages from the package index {uv_index()}",
        remedy="Is it reachable? Another one is named with UV_DEFAULT_INDEX.",
    )
    stamp.write_text(fingerprint, encoding="utf-8")
    _say(f"    ✓ Python packages ({time.monotonic() - started:.0f} s)")


def main() -> int:
    """Exit code 0: done, 1: failed, 128 + n: ended by signal n."""
    received: list[int] = []

    def interrupt(number: int, _: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        make_environment()
    except SetUpError as exc:
        _say(f"✕ Set-up: {exc}")
        return 1
    except OSError as exc:  # a folder that is not ours to write, a full disk
        _say(f"✕ Set-up: {exc}. All is installed below {ROOT}: it has to be writable, with room")
        return 1
    except KeyboardInterrupt:
        _say("✕ Set-up: interrupted; nothing is left running, the next run goes on")
        return 128 + received[0]
    return 0


if __name__ == "__main__":
    sys.exit(main())
