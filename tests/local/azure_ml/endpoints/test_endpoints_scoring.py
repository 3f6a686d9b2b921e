"""Our score.py on the real inference server, in the environment its deployments get."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
import requests
import yaml
from azure.storage.blob import BlobServiceClient

from local.azure_ml.endpoints.collector import CollectionTarget, Collector
from local.azure_ml.endpoints.scoring_process import ScoringProcess, ServerSpec
from local.azure_ml.workspace.blobs import BlobStore
from local.environments.builds import Environments
from local.errors import ProcessFailedError

pytestmark = pytest.mark.azurite

_ROOT = Path(__file__).resolve().parents[4]
_CONTAINER = "scoring-test"


def _save_model(folder):
    # Seconds of CPU, which only a process that saves a model has to spend.
    import skops.io  # noqa: PLC0415
    from sklearn.datasets import load_diabetes  # noqa: PLC0415
    from sklearn.linear_model import Ridge  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    rows, target = load_diabetes(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), Ridge()).fit(rows, target)
    folder.mkdir(parents=True)
    skops.io.dump(model, folder / "model.skops")
    inputs = [{"name": name, "type": "double", "required": True} for name in rows]
    document = {
        "flavors": {
            "sklearn": {"pickled_model": "model.skops", "serialization_format": "skops"},
        },
        "signature": {"inputs": json.dumps(inputs)},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    return rows, model.predict(rows)


def _code(folder):
    shutil.copytree(_ROOT / "ml", folder / "ml", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


async def _spec(tmp_path, **environ):
    environments = Environments(_ROOT / ".local" / "cache" / "environments")
    conda = (_ROOT / "ml" / "environments" / "scoring.yml").read_text(encoding="utf-8")
    return ServerSpec(
        name="e/d",
        python=await environments.for_conda(conda),
        folder=tmp_path / "server",
        code=_code(tmp_path / "code"),
        script="ml/scoring/score.py",
        model_dir=tmp_path / "azureml-models" / "diabetes" / "7",
        environ=environ,
        workers=1,
        log=tmp_path / "server.log",
    )


def test_rows_are_scored_and_collected_and_bad_rows_refused_with_a_reason(azurite, tmp_path):
    rows, expected = _save_model(tmp_path / "azureml-models" / "diabetes" / "7" / "model")
    split = rows.head(3).to_dict(orient="split")
    records = rows.head(3).to_dict(orient="records")

    def ask(url):
        def post(body):
            answer = requests.post(f"{url}/score", data=body, timeout=30)
            return answer.status_code, answer.json()

        return {
            "split": post(json.dumps({"input_data": split})),
            "records": post(json.dumps({"data": records})),
            "bad": post(json.dumps({"data": [{**records[0], "bmi": "fat"}]})),
            "not json": post(b"\x00"),
        }

    async def scenario():
        store = BlobStore(azurite.connection_string())
        await store.ensure_container(_CONTAINER)
        collector = Collector(spool=tmp_path / "spool", blob_url=store.sas_url)
        await collector.start()
        port = await collector.open(CollectionTarget("/source", _CONTAINER, {}, "mdc"))
        server = ScoringProcess(
            await _spec(tmp_path, AZUREML_MDC_ENABLED="true", AZUREML_MDC_PORT=str(port))
        )
        try:
            await server.start()
            return await asyncio.to_thread(ask, server.url)
        finally:
            # At once: what the server has not sent yet it must send while it ends.
            await server.stop()
            await collector.stop()
            await store.close()

    answers = asyncio.run(scenario())

    assert answers["split"] == answers["records"]
    status, body = answers["split"]
    assert status == 200
    assert body["predictions"] == pytest.approx(expected[:3].tolist())
    assert (body["model"], body["model_version"]) == ("diabetes", "7")
    status, body = answers["bad"]
    assert (status, body["error"]["column"]) == (400, "bmi")
    assert answers["not json"][1]["error"]["code"] == "not_json"
    with BlobServiceClient.from_connection_string(azurite.connection_string()) as service:
        container = service.get_container_client(_CONTAINER)
        lines = [
            json.loads(line)
            for blob in container.list_blobs()
            for line in container.download_blob(blob.name).readall().splitlines()
        ]
    assert sorted(line["type"].rsplit(".", 1)[1] for line in lines) == (
        ["model_inputs"] * 2 + ["model_outputs"] * 2
    )
    inputs = [line for line in lines if line["type"].endswith("inputs")]
    assert inputs[0]["data"] == records
    assert inputs[0]["modelversion"] == "7"


def test_folder_without_a_model_stops_the_server_with_the_reason(tmp_path):
    (tmp_path / "azureml-models" / "diabetes" / "7").mkdir(parents=True)

    async def scenario():
        server = ScoringProcess(await _spec(tmp_path))
        with pytest.raises(ProcessFailedError, match="ended with code 3"):
            await server.start()

    asyncio.run(scenario())

    assert "holds 0 MLmodel files, wanted 1" in (tmp_path / "server.log").read_text()
