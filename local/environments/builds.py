"""Virtual environments named by their content: built once with uv, then shared."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import platform
import re
import shutil
import sys
import uuid
from typing import TYPE_CHECKING, Any

import uv
import yaml

from local.bootstrap import uv_index
from local.errors import LocalStackError, UnsupportedError
from local.supervision.file_lock import file_lock
from local.supervision.processes import Command, ManagedProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

_KNOWN_KEYS = {"name", "channels", "dependencies", "prefix"}
_CHANNELS = {"conda-forge", "defaults", "anaconda", "nodefaults"}
_PYTHON = re.compile(r"^python\s*(?P<bounds>[=<>!~].*)?$")
_PIP = re.compile(r"^pip\s*([=<>!~].*)?$")
_READY = "environment.txt"


class EnvironmentBuildError(LocalStackError):
    """Packages could not be installed; the text ends with uv's own words."""


class Environments:
    """Environments under `root`, named by a hash of their requirements and of this Python.

    An environment appears under its name only when complete: it is built beside it and renamed.
    A file lock keeps two processes from building at once; the second one finds the result.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._building = asyncio.Lock()

    async def for_requirements(self, requirements: Path) -> Path:
        """The python executable of an environment with exactly this requirements file.

        Raises:
            EnvironmentBuildError: a package cannot be had or built.
            LocalStackError: the file cannot be read.
        """
        try:
            text = requirements.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise LocalStackError(f"cannot read {requirements}: {exc}") from exc
        return await self._environment(text, label=requirements.name)

    async def for_conda(self, conda_yaml: str) -> Path:
        """The python executable of an environment for a conda file of python, pip and packages.

        Raises:
            UnsupportedError: the file asks for conda packages, other channels or another Python.
            EnvironmentBuildError: a package cannot be had or built.
        """
        name, packages = read_conda(conda_yaml)
        return await self._environment("\n".join(packages) + "\n", label=name)

    async def _environment(self, requirements: str, *, label: str) -> Path:
        # Not compiled here: measured on 2 cores, all of training and scoring costs 47 CPU seconds,
        # the part that the first jobs and deployments import 14.
        version = f"{platform.python_implementation()} {platform.python_version()}"
        key = hashlib.sha256(f"{version}\n{sys.platform}\n{requirements}".encode()).hexdigest()
        home = self._root / key[:20]
        python = home / "bin" / "python"
        if _is_whole(home, python):
            return python
        async with self._alone():
            if not _is_whole(home, python):
                await self._build(home, requirements, label)
        return python

    async def _build(self, home: Path, requirements: str, label: str) -> None:
        draft = home.with_name(f"{home.name}.{uuid.uuid4().hex[:8]}")
        log = self._root / "logs" / f"{home.name}.log"
        # Without its mark an environment is incomplete; drafts are left by killed builds.
        for remains in (home, *self._root.glob("*.*/")):
            shutil.rmtree(remains, ignore_errors=True)
        log.unlink(missing_ok=True)  # an error message quotes this build only
        try:
            # Relocatable: the scripts inside must work after the rename.
            make = ["venv", "--quiet", "--relocatable", "--python", sys.executable, str(draft)]
            await _uv(make, log=log, label=label)
            wanted = draft / _READY
            wanted.write_text(requirements, encoding="utf-8")
            fill = ["pip", "install", "--quiet", "--python", str(draft / "bin" / "python")]
            if requirements.strip():
                fill += ["--requirements", str(wanted)]
                await _uv(fill, log=log, label=label)
            draft.rename(home)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with self._building, file_lock(self._root / "build.lock"):
            yield


def _is_whole(home: Path, python: Path) -> bool:
    # The interpreter that the link points to may have been removed or moved since.
    return (home / _READY).exists() and python.exists()


def read_conda(conda_yaml: str) -> tuple[str, list[str]]:
    """The name and the pip requirements of a conda file.

    Raises:
        UnsupportedError: anything but python, pip and a list of pip packages; names it.
    """
    try:
        spec: Any = yaml.safe_load(conda_yaml)
    except yaml.YAMLError as exc:
        raise UnsupportedError(f"the conda file is not YAML: {exc}") from exc
    if not isinstance(spec, dict):
        raise UnsupportedError("the conda file is not a mapping of name, channels and dependencies")
    name = str(spec.get("name", "environment"))
    wrong = [f"key '{key}'" for key in spec if key not in _KNOWN_KEYS]
    wrong += [f"channel '{item}'" for item in spec.get("channels") or [] if item not in _CHANNELS]
    packages: list[str] = []
    for item in spec.get("dependencies") or []:
        if isinstance(item, dict) and set(item) == {"pip"}:
            given = item["pip"] or []
            if isinstance(given, list) and all(isinstance(one, str) for one in given):
                packages += given
            else:
                wrong.append(f"pip: {given!r} (not a list of packages)")
        elif isinstance(item, str) and (match := _PYTHON.match(item)):
            if not _python_fits(match["bounds"]):
                wrong.append(f"'{item}' (this machine runs Python {platform.python_version()})")
        elif not (isinstance(item, str) and _PIP.match(item)):
            wrong.append(f"conda package '{item}'")
    options = [package for package in packages if package.startswith("-")]
    wrong += [f"pip option '{option}'" for option in options]
    if wrong:
        raise UnsupportedError(
            f"environment '{name}': not supported here: {', '.join(wrong)}. Use python, pip and "
            "a list of packages under `- pip:`."
        )
    return name, packages


def _python_fits(bounds: str | None) -> bool:
    """Conda's `=3.11` means any 3.11.x; comma-separated bounds as pip reads them."""
    if not bounds:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - only here

    wanted = re.sub(r"(?<![=<>!~])=(?!=)\s*([\d.]+?)(\.\*)?(?=,|$)", r"==\1.*", bounds.strip())
    try:
        return SpecifierSet(wanted).contains(platform.python_version(), prereleases=True)
    except InvalidSpecifier:
        return False


async def _uv(arguments: Sequence[str], *, log: Path, label: str) -> None:
    command = Command(
        name=f"uv {arguments[0]}", argv=[uv.find_uv_bin(), *arguments], log=log, environ={}
    )
    process = await ManagedProcess.start(command)
    try:
        code = await process.wait()
    finally:
        await process.stop()  # when we are cancelled, so is the installation
    if code != 0:
        raise EnvironmentBuildError(
            f"environment '{label}' cannot be built (uv ended with code {code}). Is the package "
            f"index {uv_index()} reachable (UV_DEFAULT_INDEX names another), does it have what is "
            "asked for? "
            f"Log: {log}\n{process.last_lines()}"
        )
