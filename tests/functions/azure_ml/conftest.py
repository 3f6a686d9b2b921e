"""Azure ML as a double and as the local stack's, and new requests for it."""

from __future__ import annotations

import tempfile
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from doubled import DoubledAzureMl
from stand import RealAzureMl

from shared.domain.drift import CheckDrift
from shared.domain.jobs import JobStatus
from shared.domain.retraining import Mode
from shared.ports.drift import CollectedFiles, Comparison
from shared.ports.jobs import DataTestRequest, DriftJobRequest, JobRequest


@pytest.fixture(scope="module")
def real(azurite, tls, tmp_path_factory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        # The SDK leaves a folder there for each component.
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        folder = tmp_path_factory.mktemp("azure_ml")
        stand = RealAzureMl(azurite.connection_string(), folder, tls)
        stand.start(monkeypatch)
        try:
            yield stand
        finally:
            stand.stop()


@pytest.fixture(
    scope="module",
    params=["double", pytest.param("real", marks=[pytest.mark.azurite, pytest.mark.stack])],
)
def azure_ml(request):
    """One of each for all tests: every test uses names of its own, or `completed` and its job."""
    return DoubledAzureMl() if request.param == "double" else request.getfixturevalue("real")


@pytest.fixture(scope="module")
def a_job(azure_ml):
    """A new request; `how` selects its outcome."""

    def make(how="works", **changes):
        cycle_id = uuid.uuid4().hex[:12]
        model = f"m{cycle_id}"
        request = JobRequest(
            name=f"retrain-{cycle_id}-1",
            model=model,
            cycle_id=cycle_id,
            mode=Mode.RETRAIN,
            pins=azure_ml.steer(model, cycle_id, how),
            data_version=cycle_id,
            config_sha256="c0ffee",
            champion_version=None,
            challenger_version=None,
            fact_seq=5,
        )
        return replace(request, **changes)

    return make


@pytest.fixture(scope="module")
def completed(azure_ml, a_job, ended):
    """A job that was submitted twice and has completed: its request and both answers."""
    job = a_job()
    first = azure_ml.jobs.submit(job)
    # The champion changed in between: what runs still compares with the one it was given.
    again = azure_ml.jobs.submit(replace(job, champion_version="9"))
    assert ended(job).status is JobStatus.COMPLETED
    return job, first, again


@pytest.fixture
def a_model():
    """The name of a model without versions."""
    return f"m{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def ended(azure_ml):
    """Wait for the end of a job; its report."""

    def wait(job):
        return azure_ml.until(lambda: (r := azure_ml.jobs.report(job.name)) and r.status and r)

    return wait


@pytest.fixture
def a_file_job(azure_ml):
    """The test of a new large file."""

    def make(how="works"):
        digits = uuid.uuid4().hex[:12]
        model = f"m{digits}"
        return DataTestRequest(f"test-{digits}-1", model, azure_ml.steer_file(model, how))

    return make


@pytest.fixture
def a_drift_job(azure_ml):
    """The comparison of a new large window."""

    def make(how="works"):
        model = f"m{uuid.uuid4().hex[:12]}"
        noon_utc = datetime(2026, 3, 14, 12, tzinfo=UTC)
        check = CheckDrift(noon_utc.date(), "7", noon_utc - timedelta(days=1), noon_utc)
        comparison = Comparison(
            model=model,
            check=check,
            profile=azure_ml.steer_drift(model, how),
            files=CollectedFiles(),
            past=(),
            baseline=0.5,
        )
        return DriftJobRequest(check.job_name(model), comparison)

    return make
