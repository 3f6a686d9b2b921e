"""Entry script of a deployment: what Azure's inference server calls."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# A request is a few rows: more threads would only cost memory and time. Read on import.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# The server imports this script by its path; the package it belongs to is three folders up.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import uuid
from typing import TYPE_CHECKING

from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

from ml.model_config import available_models, read_model
from ml.model_folder import ModelFolder
from ml.scoring.collection import Collection, CollectionSettings
from ml.scoring.scorer import Scorer

if TYPE_CHECKING:
    from azureml_inference_server_http.api.aml_request import AMLRequest

_scorer: Scorer | None = None


def init() -> None:
    """Load the model; an error stops the server and is written to its log."""
    global _scorer  # noqa: PLW0603 - the server's interface is two functions of a module
    folder = ModelFolder.read(Path(os.environ["AZUREML_MODEL_DIR"]))
    _scorer = Scorer(
        folder=folder,
        model=folder.load(),
        collection=Collection(CollectionSettings.from_env(os.environ)),
        id_column=read_model(folder.name).id if folder.name in available_models() else None,
    )


@rawhttp  # type: ignore[untyped-decorator]  # the server ships no types
def run(request: AMLRequest) -> AMLResponse:
    """Answer one scoring request; if this raises, the server answers a bare 500."""
    if _scorer is None:
        raise RuntimeError("run() was called before init()")
    if request.method != "POST":
        refusal = {"code": "method_not_allowed", "message": "send a POST", "column": None}
        return AMLResponse({"error": refusal}, 405, json_str=True)
    request_id = request.headers.get("x-request-id") or str(uuid.uuid4())
    answer = _scorer.answer(request.get_data(), request_id=request_id)
    return AMLResponse(answer.body, answer.status, json_str=True)
