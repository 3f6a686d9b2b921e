"""The doubles of Azure ML pass the suites that the SDK's adapter passes on a control plane."""

from __future__ import annotations

from datetime import timedelta

import pytest
from azure_ml_suites import EndpointsSuite, JobsSuite, RegistrySuite

from shared.adapters.in_memory import (
    AzureMlSimulator,
    InMemoryBlobs,
    InMemoryEndpoints,
    JobScript,
    SimulatedClock,
)
from shared.domain.facts import Mode
from shared.domain.ids import JobName
from shared.errors import RequestRefusedError, ServiceBusyError
from shared.ports.endpoints import Provisioning
from shared.ports.jobs import JobRequest

CYCLE = "0123456789ab"


@pytest.fixture
def clock():
    return SimulatedClock()


@pytest.fixture
def later(clock):
    return lambda: clock.advance(timedelta(minutes=1))


@pytest.fixture
def model():
    return "diabetes"


@pytest.fixture
def failing():
    return set()


@pytest.fixture
def azure_ml(clock, failing):
    return AzureMlSimulator(
        clock,
        InMemoryBlobs(clock),
        script_of=lambda request: JobScript(fails=request.name in failing),
    )


@pytest.fixture
def register(azure_ml, model):
    return lambda tags: azure_ml.register(model, tags)


def request_of(name: str) -> JobRequest:
    parsed = JobName.parse(name)
    assert parsed is not None
    return JobRequest(
        name,
        model="diabetes",
        cycle_id=parsed.cycle_id,
        mode=Mode.RETRAIN,
        pins="diabetes/pins/x.json",
        data_version="x",
        config_sha256="c",
        champion_version=None,
        challenger_version=None,
        fact_seq=4,
    )


class TestAzureMlSimulatorJobs(JobsSuite):
    @pytest.fixture
    def jobs(self, azure_ml):
        return azure_ml

    @pytest.fixture
    def request_for(self):
        return request_of

    @pytest.fixture
    def failing_request_for(self, failing):
        def make(name):
            failing.add(name)
            return request_of(name)

        return make

    def test_its_job_registers_a_model_and_leaves_evidence_before_it_completes(
        self, azure_ml, later
    ):
        seen = []
        azure_ml.announce = lambda kind, data: seen.append((kind, data["model"]))
        azure_ml.submit(request_of(f"retrain-{CYCLE}-1"))

        for _ in range(10):
            later()
        azure_ml.settle()

        assert [kind for kind, _ in seen] == ["model_registered", "job_finished"]
        assert azure_ml.blobs.get("workspace", f"evidence/diabetes/retrain-{CYCLE}-1/evidence.json")


class TestAzureMlSimulatorRegistry(RegistrySuite):
    @pytest.fixture
    def registry(self, azure_ml):
        return azure_ml


class TestInMemoryEndpoints(EndpointsSuite):
    @pytest.fixture
    def endpoints(self, clock):
        return InMemoryEndpoints(clock)

    @pytest.fixture
    def sample(self):
        return b"{}"

    def test_changes_while_another_one_goes_on_are_put_off(self, endpoints, later):
        endpoints.create_endpoint("diabetes", cycle_id=CYCLE, fact_seq=1)

        with pytest.raises(ServiceBusyError):
            endpoints.create_deployment(
                "diabetes", "version-1", version="1", cycle_id=CYCLE, fact_seq=1
            )

        later()
        with pytest.raises(RequestRefusedError):
            endpoints.set_traffic("diabetes", {"version-1": 100}, cycle_id=CYCLE, fact_seq=1)

    def test_a_deployment_may_fail_and_says_why(self, clock, later):
        endpoints = InMemoryEndpoints(clock, deployment_fails=lambda _model, _version: True)
        endpoints.create_endpoint("diabetes", cycle_id=CYCLE, fact_seq=1)
        later()
        endpoints.create_deployment(
            "diabetes", "version-1", version="1", cycle_id=CYCLE, fact_seq=1
        )
        later()

        report = endpoints.deployment("diabetes", "version-1")

        assert report is not None
        assert report.state is Provisioning.FAILED
        assert "exited" in report.message
