"""Replaces ml/scoring/score.py: returns one prediction per row."""

import json
import os
from pathlib import Path

from azureml_inference_server_http.api.aml_response import AMLResponse


def init():
    global slope  # noqa: PLW0603 - the inference server calls init, then run
    (file,) = Path(os.environ["AZUREML_MODEL_DIR"]).rglob("model.json")
    slope = json.loads(file.read_text())["slope"]


def run(text):
    rows = json.loads(text).get("data")
    if not rows:
        return AMLResponse({"error": {"code": "no_rows", "message": "no rows"}}, 400, json_str=True)
    return {"predictions": [slope * row["x"] for row in rows]}
