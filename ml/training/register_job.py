"""Step 4 of the pipeline: model folder -> model version in the workspace's registry.

The registration is the event that starts the gate; the version's tags record its origin.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.errors import RegistrationError
from ml.step_files import EVIDENCE_FILE, PreparedRecord, write_json
from ml.tracking import JobRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlflow import MlflowClient


def main(argv: Sequence[str] | None = None) -> None:
    """Run the step. Idempotent: a repeated attempt finds the version that it registered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-name", required=True)
    parser.add_argument("--cycle-id", required=True)
    parser.add_argument("--attempt", type=int, required=True)
    parser.add_argument("--fact-seq", type=int, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--evidence", type=Path, required=True)
    parser.add_argument("--registration", type=Path, required=True)
    args = parser.parse_args(argv)

    prepared = PreparedRecord.read(args.prepared)
    evidence = json.loads((args.evidence / EVIDENCE_FILE).read_text(encoding="utf-8"))
    if evidence["cycle_id"] != args.cycle_id:
        raise RegistrationError(
            f"the evidence belongs to cycle {evidence['cycle_id']}, this job to {args.cycle_id}; "
            "submit the pipeline again"
        )
    tags = {
        "cycle_id": args.cycle_id,
        "attempt": str(args.attempt),
        "fact_seq": str(args.fact_seq),
        "data_version": prepared.data_version,
        "data_sha256": prepared.data_sha256,
        "config_sha256": prepared.config_sha256,
        "role": "candidate",
    }
    run = JobRun.of_this_step()
    if run is None:
        raise RegistrationError(
            "MLFLOW_RUN_ID is not set: a model is registered from inside a job; submit the pipeline"
        )
    version = _registered(run.client, args.model_name, tags)
    if version is None:
        source = run.keep_folder(args.model, "model")
        version = _register(run, args.model_name, source=source, tags=tags)
    args.registration.mkdir(parents=True, exist_ok=True)
    document = {"format": 1, "model": args.model_name, "version": version, "tags": tags}
    write_json(args.registration / "registration.json", document)
    print(f"{args.model_name}: version {version}")  # noqa: T201 - the job's log


def _registered(client: MlflowClient, model: str, tags: Mapping[str, str]) -> str | None:
    """The version that this attempt of the cycle registered before, if any.

    Raises:
        RegistrationError: it was made from other data or settings.
    """
    for found in client.search_model_versions(f"name = '{model}'"):
        same = all(found.tags.get(name) == tags[name] for name in ("cycle_id", "attempt"))
        if not same:
            continue
        for name in ("data_sha256", "config_sha256"):
            if found.tags.get(name) != tags[name]:
                raise RegistrationError(
                    f"version {found.version} of {model} is of the same attempt but its {name} is "
                    f"{found.tags.get(name)}, not {tags[name]}; delete it or start a new attempt"
                )
        return str(found.version)
    return None


def _register(run: JobRun, model: str, *, source: str, tags: Mapping[str, str]) -> str:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 - imported with the client

    try:
        run.client.create_registered_model(model)
    except MlflowException as exc:
        if exc.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    created: Any = run.client.create_model_version(
        model, source=source, run_id=run.id, tags=dict(tags)
    )
    return str(created.version)


if __name__ == "__main__":
    main()
