"""The job that compares a large window, built by Azure's SDK, which is slow to import."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.azure_ml_drift_job import build_drift_job, drift_identity_tags
from shared.adapters.azure_ml_pipeline import STEP_TIMEOUT_SECONDS, PipelineSettings
from shared.domain.drift import CheckDrift
from shared.ports.drift import CollectedFiles, Comparison, StoredCheck, StoredFile
from shared.ports.jobs import DriftJobRequest

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = PipelineSettings(code=ROOT, compute="serverless", datastore="retrain_data")
NOON_UTC = datetime(2026, 3, 14, 12, 30, tzinfo=UTC)
CHECK = CheckDrift(date(2026, 3, 14), "7", NOON_UTC - timedelta(days=1), NOON_UTC)
COMPARISON = Comparison(
    model="diabetes",
    check=CHECK,
    profile="evidence/diabetes/j/challenger/reference.profile",
    files=CollectedFiles(inputs=(StoredFile("a.jsonl", 10**9, NOON_UTC),)),
    past=(),
    baseline=None,
)
JOB = DriftJobRequest(CHECK.job_name("diabetes"), COMPARISON)
WORKSPACE = "azureml://datastores/workspaceblobstore/paths"

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:azure|marshmallow|msrest|pydash"
)


def test_drift_job_reads_the_collectors_folder_and_writes_the_result_folder():
    job = build_drift_job(JOB, SETTINGS, endpoint="retrain-diabetes")

    assert job._validate().passed
    assert job.name == JOB.name
    written = job._to_dict()
    assert (
        written["inputs"]["collected"]["path"]
        == f"{WORKSPACE}/modelDataCollector/retrain-diabetes/"
    )
    assert written["inputs"]["profile"]["path"] == f"{WORKSPACE}/{COMPARISON.profile}"
    assert (
        written["outputs"]["check"]["path"] == f"{WORKSPACE}/drift/diabetes/version-7/2026-03-14/"
    )
    assert written["inputs"]["start_utc"] == "2026-03-13T12:30:00+00:00"
    assert set(written["inputs"]) == set(written["jobs"]["check_drift"]["inputs"])
    assert written["jobs"]["check_drift"]["limits"]["timeout"] == STEP_TIMEOUT_SECONDS


def test_drift_job_takes_past_results_labels_and_baseline_as_optional_inputs():
    labels = CollectedFiles(labels=(StoredFile("diabetes/files/a.csv", 10, NOON_UTC),))
    past = StoredCheck("7", date(2026, 3, 13), 0, "drift/…", written_utc=NOON_UTC)
    more = replace(COMPARISON, files=labels, past=(past,), baseline=41.5)

    job = build_drift_job(replace(JOB, comparison=more), SETTINGS, endpoint="retrain-diabetes")

    inputs = job._to_dict()["inputs"]

    assert inputs["past"]["path"] == f"{WORKSPACE}/drift/diabetes/version-7/"
    assert inputs["labels"]["path"] == "azureml://datastores/retrain_data/paths/diabetes/files/"
    assert inputs["baseline"] == 41.5


def tags_of(**changes):
    return drift_identity_tags(replace(JOB, comparison=replace(COMPARISON, **changes)))


def test_drift_job_identity_tags_do_not_depend_on_the_collected_files():
    tags = tags_of()

    assert tags_of(files=CollectedFiles()) == tags
    assert tags_of(check=replace(CHECK, revision=1)) != tags
    assert tags["model"] == "diabetes"
