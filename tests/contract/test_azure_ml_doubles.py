"""Behaviour of the Azure ML doubles; `tests/functions/azure_ml` tests the shared contract."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.in_memory import (
    AzureMlSimulator,
    InMemoryBlobs,
    InMemoryEndpoints,
    JobEnded,
    JobScript,
    ModelRegistered,
    SimulatedClock,
)
from shared.domain.retraining import Mode
from shared.errors import RequestRefusedError, ServiceBusyError
from shared.ports.endpoints import Provisioning
from shared.ports.jobs import JobRequest

CYCLE = "0123456789ab"
JOB = f"retrain-{CYCLE}-1"


@pytest.fixture
def clock():
    return SimulatedClock()


@pytest.fixture
def later(clock):
    return lambda: clock.advance(timedelta(minutes=1))


def test_simulated_job_registers_a_model_and_writes_evidence_before_it_completes(clock, later):
    azure_ml = AzureMlSimulator(clock, InMemoryBlobs(clock), script_of=lambda _: JobScript())
    seen = []
    azure_ml.announce = seen.append
    azure_ml.submit(
        JobRequest(
            JOB,
            model="diabetes",
            cycle_id=CYCLE,
            mode=Mode.RETRAIN,
            pins="diabetes/pins/x.json",
            data_version="x",
            config_sha256="c",
            champion_version=None,
            challenger_version=None,
            fact_seq=4,
        )
    )

    for _ in range(10):
        later()
    azure_ml.settle()

    assert [type(event) for event in seen] == [ModelRegistered, JobEnded]
    assert azure_ml.blobs.get("workspace", f"evidence/diabetes/{JOB}/evidence.json")


def test_endpoint_with_a_change_in_progress_refuses_another(clock, later):
    endpoints = InMemoryEndpoints(clock)
    endpoints.create_endpoint("diabetes", cycle_id=CYCLE, fact_seq=1)

    with pytest.raises(ServiceBusyError):
        endpoints.create_deployment(
            "diabetes", "version-1", version="1", cycle_id=CYCLE, fact_seq=1
        )

    later()
    with pytest.raises(RequestRefusedError):
        endpoints.set_traffic("diabetes", {"version-1": 100}, cycle_id=CYCLE, fact_seq=1)


def test_simulated_deployment_failure_reports_the_reason(clock, later):
    endpoints = InMemoryEndpoints(clock, deployment_fails=lambda _model, _version: True)
    endpoints.create_endpoint("diabetes", cycle_id=CYCLE, fact_seq=1)
    later()
    endpoints.create_deployment("diabetes", "version-1", version="1", cycle_id=CYCLE, fact_seq=1)
    later()

    report = endpoints.deployment("diabetes", "version-1")

    assert report is not None
    assert report.state is Provisioning.FAILED
    assert "exited" in report.message
