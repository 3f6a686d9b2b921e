"""Stands for every component's script: same inputs and outputs as ours, no model behind them.

Runs in the step's own environment. The pin set says how the job shall go: `{"how": "fails"}`.
"""

import json
import os
import sys
import time
from pathlib import Path


def main(name, *words):
    given = dict(zip([word.removeprefix("--") for word in words[::2]], words[1::2], strict=True))
    for output in ("prepared", "model", "evidence", "registration", "check"):
        if output in given:
            Path(given[output]).mkdir(parents=True, exist_ok=True)
    steps = {
        "prepare": prepare,
        "train": train,
        "evaluate": evaluate,
        "register": register,
        "check": check,
        "file": file,
    }
    steps[name](given)


def go(how):
    if how == "fails":
        sys.exit("told to fail")
    if how == "fails for good":
        sys.exit("told to fail\nfinal: ml/models/x/pipeline.py:3  it cannot end otherwise")
    if how == "hangs":
        time.sleep(600)


def check(given):
    go(json.loads(Path(given["profile"]).read_text())["how"])
    collected = [path.read_text() for path in sorted(Path(given["collected"]).rglob("*.jsonl"))]
    document = {**given, "lines": collected}
    Path(given["check"], "check.json").write_text(json.dumps(document))


def file(given):
    content = Path(given["file"]).read_text()
    go(json.loads(content)["how"])
    document = {"model": given["model-name"], "content": content}
    Path(given["evidence"], "evidence.json").write_text(json.dumps(document))


def prepare(given):
    go(json.loads(Path(given["pins"]).read_text())["how"])
    Path(given["prepared"], "prepared.json").write_text("{}")


def train(given):
    Path(given["model"], "MLmodel").write_text("flavors: {}\n")
    Path(given["model"], "model.json").write_text('{"slope": 2}')


def evaluate(given):
    Path(given["evidence"], "evidence.json").write_text(json.dumps(given))


def register(given):
    from mlflow import MlflowClient  # noqa: PLC0415 - only this step pays for it

    client, run = MlflowClient(), os.environ["MLFLOW_RUN_ID"]
    client.create_registered_model(given["model-name"])
    client.log_artifacts(run, given["model"], "model")
    tags = {
        "cycle_id": given["cycle-id"],
        "attempt": given["attempt"],
        "fact_seq": given["fact-seq"],
        "role": "candidate",
    }
    version = client.create_model_version(
        given["model-name"], f"runs:/{run}/model", run_id=run, tags=tags
    )
    Path(given["registration"], "registration.json").write_text(version.version)


if __name__ == "__main__":
    main(*sys.argv[1:])
