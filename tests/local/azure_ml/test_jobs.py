"""Jobs through the real SDK, on a pipeline that is not ours."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from azure_ml_plane import wait_for
from azure_sdk import Input, dsl, load_component

FOREIGN = Path(__file__).parent / "foreign"

pytestmark = [
    pytest.mark.azurite,
    # the SDK's own, about its own schemas
    pytest.mark.filterwarnings("ignore::DeprecationWarning:azure|marshmallow|msrest|pydash"),
]


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


def test_a_foreign_pipeline_of_two_components_runs_to_its_output_in_storage(plane, ml_client):
    # given
    job = word_pipeline(put_text(plane, f"{name('texts')}/a.txt", "to be or not to be"))
    job.name = name("words")

    # when
    submitted = ml_client.jobs.create_or_update(job)
    done = wait_for(ml_client, submitted.name, seconds=60)

    # then
    assert done.status == "Completed", done.properties
    assert read_text(plane, done.outputs.total.path) == "12"
