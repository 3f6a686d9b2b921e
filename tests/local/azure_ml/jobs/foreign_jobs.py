"""Jobs of another project, made with the real SDK, and helpers to inspect them."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import psutil
import pytest
from azure_sdk import Environment, Input, Output, command, dsl, load_component

FOREIGN = Path(__file__).resolve().parents[1] / "foreign"


def name(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def put_text(plane: Any, path: str, text: str) -> str:
    blobs = plane.workspace.blobs
    plane.loop.run(blobs.upload_bytes(text.encode(), "data", path))
    return f"azureml://datastores/retrain_data/paths/{path}"


def read_text(plane: Any, uri: str) -> str:
    blob = plane.workspace.locate(uri)

    async def read() -> str:
        items = await plane.workspace.blobs.list(blob.container, blob.path)
        assert len(items) == 1, items
        parts = [part async for part in plane.workspace.blobs.chunks(blob.container, items[0].name)]
        return b"".join(parts).decode()

    return str(plane.loop.run(read()))


def word_pipeline(text_uri: str, **options: Any) -> Any:
    count = load_component(FOREIGN / "count.yml")
    total = load_component(FOREIGN / "total.yml")

    @dsl.pipeline(experiment_name="foreign", default_compute="serverless")
    def words(text, factor):
        counted = count(text=text, **options)
        summed = total(counts=counted.outputs.counts, factor=factor)
        return {"total": summed.outputs.total}

    return words(text=Input(type="uri_file", path=text_uri), factor=2)


def plain() -> Environment:
    return Environment(
        image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04",
        conda_file=FOREIGN / "plain.yml",
    )


def a_command(script: str, **options: Any) -> Any:
    """A standalone command job without code."""
    return command(
        name=options.pop("name", name("cmd")),
        command=script,
        environment=plain(),
        compute="serverless",
        experiment_name="foreign",
        **options,
    )


def pipeline_of(*scripts: str, **options: Any) -> Any:
    """Independent steps `one`, `two`, … of a pipeline."""
    parts = [
        command(
            name=f"step_{index}",
            command=script,
            environment=plain(),
            outputs={"out": Output(type="uri_folder")} if "outputs.out" in script else {},
            **options,
        )
        for index, script in enumerate(scripts)
    ]

    @dsl.pipeline(experiment_name="foreign", default_compute="serverless")
    def steps():
        for part in parts:
            part()

    made = steps()
    made.name = name("steps")
    return made


def children(client: Any, job: str) -> dict[str, Any]:
    found = [client.jobs.get(child.name) for child in client.jobs.list(parent_job_name=job)]
    return {child.properties["azureml.moduleName"]: child for child in found}


def log_of(plane: Any, job: str) -> str:
    return (plane.state / "jobs" / job / "user_logs" / "std_log.txt").read_text(encoding="utf-8")


def has_ended(pid: int) -> bool:
    """Whether it has ended; without an init process an orphan stays a zombie."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def first_line(log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if log.exists() and (text := log.read_text(encoding="utf-8")):
            return text.splitlines()[0]
        time.sleep(0.02)
    pytest.fail(f"nothing in {log}")
