"""One step as a process: inputs from storage, its environment, its log, outputs to storage."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.azure_ml.jobs.plan import FILE_TYPES, MODEL_TYPES, DataRef, Literal, render
from local.azure_ml.workspace.blobs import content_digest
from local.azure_ml.workspace.uris import BlobPath, UnknownUriError
from local.azure_ml.workspace.workspace import DEFAULT_STORE
from local.errors import LocalStackError
from local.supervision.processes import Command, ManagedProcess

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.azure_ml.jobs.plan import OutputSpec, Step
    from local.azure_ml.workspace.workspace import Workspace

LOG_NAME = "user_logs/std_log.txt"
# A loop that prints would fill the disk, and its log must be uploaded as well.
_MOST_LOG_BYTES = 64 << 20
_LOOK_SECONDS = 0.5
_SHELL_SPECIAL = re.compile(r"([^\w@%+=:,./-])", re.ASCII)


class StepFailedError(LocalStackError):
    """A step failed; the text ends with the last lines of its log, if there are any."""


@dataclass(frozen=True, slots=True)
class Source:
    """An input's files: their place, and a digest of their content."""

    blob: BlobPath
    type: str
    digest: str


Resolved = Literal | Source


async def resolve(workspace: Workspace, name: str, ref: DataRef) -> Source:
    """Find an input's files.

    Raises:
        StepFailedError: there are none, or a file is asked for and a folder is there.
    """
    try:
        blob = workspace.locate(ref.uri, kind="models" if ref.type in MODEL_TYPES else "data")
    except UnknownUriError as exc:
        raise StepFailedError(f"input '{name}': {exc}") from exc
    items = await workspace.blobs.list(blob.container, blob.path)
    if not items:
        raise StepFailedError(f"input '{name}': nothing at {ref.uri}")
    prefix = blob.path.rstrip("/")
    if ref.type in FILE_TYPES and items[0].name != prefix:
        if len(items) != 1:
            raise StepFailedError(
                f"input '{name}' is a uri_file, but {ref.uri} is a folder of {len(items)} files"
            )
        prefix = items[0].name  # a folder that holds one file is what a uri_file output leaves
    found = BlobPath(blob.container, prefix)
    return Source(found, ref.type, content_digest(items, prefix))


def output_uri(job: str, name: str, spec: OutputSpec) -> str:
    """The URI of an output: the one given in the job, or the default folder of the step."""
    return spec.uri or f"azureml://datastores/{DEFAULT_STORE}/paths/azureml/{job}/{name}/"


class StepRun:
    """One attempt at a step. `folder` becomes its working folder; only the log stays in it."""

    def __init__(
        self, workspace: Workspace, step: Step, *, job: str, folder: Path, environ: dict[str, str]
    ) -> None:
        self._workspace = workspace
        self._step = step
        self._job = job
        self._folder = folder
        self._environ = environ
        self._snapshot: Path | None = None
        self.log = folder / LOG_NAME

    async def prepare(self, inputs: Mapping[str, Resolved]) -> Command:
        """Build the environment, fetch code and inputs; returns what to run.

        Raises:
            LocalStackError: the environment cannot be built, code or inputs cannot be had.
        """
        python = await self._workspace.environment_python(self._step.environment)
        code = self._folder / "code"
        code.mkdir(parents=True, exist_ok=True)
        if self._step.code:
            self._snapshot = await self._workspace.code_files(self._step.code, code)
        values: dict[str, str] = {}
        environ = dict(self._environ) | dict(self._step.environment_variables)
        for name, value in inputs.items():
            if isinstance(value, Literal):
                values[f"inputs.{name}"] = value.value
                continue
            path = await self._fetch(name, value)
            values[f"inputs.{name}"] = _for_shell(path)
            environ[f"AZURE_ML_INPUT_{name}"] = str(path)
        for name, spec in self._step.outputs.items():
            path = self._output_path(name, spec)
            # Azure mounts a folder; a file's folder exists, the file does not.
            (path.parent if spec.type in FILE_TYPES else path).mkdir(parents=True, exist_ok=True)
            values[f"outputs.{name}"] = _for_shell(path)
            environ[f"AZURE_ML_OUTPUT_{name}"] = str(path)
        environ["PATH"] = f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        shell = shutil.which("bash") or "/bin/sh"
        return Command(
            name=f"step {self._step.name}",
            argv=[shell, "-c", render(self._step.command, values)],
            log=self.log,
            environ=environ,
            cwd=code,
        )

    async def execute(self, command: Command) -> None:
        """Run to the end.

        Raises:
            StepFailedError: it ended with another code than 0, or took longer than allowed.
        """
        process = await ManagedProcess.start(command)
        limit = self._step.timeout
        try:
            async with asyncio.timeout(limit.total_seconds() if limit else None):
                code = await self._end_of(process)
        except TimeoutError as exc:
            await process.stop()
            raise StepFailedError(
                f"step '{self._step.name}' did not end within its limit of {limit} "
                f"(limits.timeout) and was stopped. Its log ends:\n{process.last_lines()}"
            ) from exc
        finally:
            # Also what it left running in its process group, and all of it on cancellation.
            await process.stop()
        if code != 0:
            raise StepFailedError(
                f"step '{self._step.name}' ended with code {code}. Its log ends:\n"
                f"{process.last_lines()}"
            )
        if self._snapshot is not None:
            await self._workspace.snapshots.keep_compiled(self._snapshot, self._folder / "code")

    async def _end_of(self, process: ManagedProcess) -> int:
        ended = asyncio.ensure_future(process.wait())
        try:
            while not (await asyncio.wait({ended}, timeout=_LOOK_SECONDS))[0]:
                if self.log.exists() and self.log.stat().st_size > _MOST_LOG_BYTES:
                    await process.stop()
                    os.truncate(self.log, _MOST_LOG_BYTES)
                    raise StepFailedError(
                        f"step '{self._step.name}' printed more than {_MOST_LOG_BYTES >> 20} MiB "
                        "and was stopped; print less, or write to an output. Its log ends:\n"
                        f"{process.last_lines()}"
                    )
            return ended.result()
        finally:
            ended.cancel()

    async def upload(self) -> dict[str, str]:
        """Send the outputs to storage; returns their URIs.

        Raises:
            StepFailedError: an output was not written, or something else in its place.
        """
        for name, spec in self._step.outputs.items():
            self._check_output(name, self._output_path(name, spec), spec)
        uris = {}
        for name, spec in self._step.outputs.items():
            path = self._output_path(name, spec)
            uri = output_uri(self._job, name, spec)
            to = self._workspace.locate(uri)
            if path.is_dir():
                await self._workspace.blobs.upload_folder(path, to.container, to.path)
            else:
                target = to.path if spec.uri else f"{to.path.rstrip('/')}/{path.name}"
                await self._workspace.blobs.upload_file(path, to.container, target)
            uris[name] = uri
        return uris

    def _check_output(self, name: str, path: Path, spec: OutputSpec) -> None:
        what = f"step '{self._step.name}' ended well but"
        place = f"the path it was given as ${{{{outputs.{name}}}}}"
        is_file = spec.type in FILE_TYPES
        files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
        if not files:
            raise StepFailedError(f"{what} wrote no output '{name}': nothing is at {place}")
        if is_file != path.is_file():
            found, wanted = ("folder", "file") if is_file else ("file", "folder")
            raise StepFailedError(
                f"{what} output '{name}' is a {spec.type} and a {found} is at {place}; write a "
                f"{wanted} there"
            )
        for file in files:
            relative = str(file.relative_to(path.parent))
            if relative != relative.encode(errors="ignore").decode():
                raise StepFailedError(
                    f"{what} a file of output '{name}' has the name {relative!a}, which storage "
                    "cannot hold; use UTF-8"
                )

    def clean(self) -> None:
        """Remove code, inputs and outputs; the log stays."""
        clean_folder(self._folder)

    async def _fetch(self, name: str, source: Source) -> Path:
        to = self._folder / "inputs" / name
        blob = source.blob
        if source.type in FILE_TYPES:
            file = to / blob.path.rsplit("/", 1)[-1]
            await self._workspace.blobs.download_file(blob.container, blob.path, file)
            return file
        await self._workspace.blobs.download_prefix(blob.container, blob.path, to)
        return to

    def _output_path(self, name: str, spec: OutputSpec) -> Path:
        base = self._folder / "outputs" / name
        if spec.type not in FILE_TYPES:
            return base
        return base / (spec.uri.rstrip("/").rsplit("/", 1)[-1] if spec.uri else name)


def clean_folder(folder: Path) -> None:
    """Remove what a step worked on from its folder; the log stays."""
    for part in ("code", "inputs", "outputs"):
        shutil.rmtree(folder / part, ignore_errors=True)


def _for_shell(path: Path) -> str:
    """The path, escaped for a shell."""
    return _SHELL_SPECIAL.sub(r"\\\1", str(path))


def describe(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs of a child job as ARM shows them."""
    return {
        name: {"jobInputType": "literal", "value": value.value}
        if isinstance(value, Literal)
        else {"jobInputType": value.type, "uri": value.uri}
        for name, value in inputs.items()
    }
