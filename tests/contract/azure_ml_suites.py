"""What Azure ML must look like through the ports; run on the double and on a control plane.

Fixtures that a subclass provides:

- `model`: a model name that nothing is known of yet, or whose versions do not disturb.
- `later()`: lets time pass until running operations had time to make progress (the double moves
  its clock, a real control plane is given a moment). Suites call it at most `PATIENCE` times.
- `jobs`, `registry`, `endpoints`: the ports.
- `request_for(name)`: a JobRequest that runs and succeeds; `failing_request_for(name)`: one that
  fails.
- `register(tags) -> version`: put a version of `model` into the registry.
- `sample`: body of a scoring request.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from shared.domain.effects import Role, TagDrift
from shared.domain.facts import DriftVerdict, JobStatus
from shared.errors import DataMismatchError, JobMismatchError, RetrainError
from shared.ports.endpoints import Provisioning

PATIENCE = 120


def new_cycle_id() -> str:
    return uuid.uuid4().hex[:12]


def until(condition, later):
    """The condition's value once it is true."""
    for _ in range(PATIENCE):
        if value := condition():
            return value
        later()
    raise AssertionError(f"nothing came of it: {condition()!r}")


class JobsSuite:
    def test_a_job_that_nobody_submitted_is_not_known(self, jobs):
        assert jobs.report(f"retrain-{new_cycle_id()}-1") is None

    def test_a_job_runs_and_completes_and_repeating_the_submission_finds_it(
        self, jobs, request_for, later
    ):
        name = f"retrain-{new_cycle_id()}-1"
        request = request_for(name)

        first = jobs.submit(request)
        second = jobs.submit(request)

        assert first == second
        assert first.champion_version == request.champion_version
        report = until(lambda: (r := jobs.report(name)) and r.status and r, later)
        assert report.status is JobStatus.COMPLETED
        assert jobs.submit(request) == first

    def test_another_champion_is_no_other_job_and_the_first_one_is_told(self, jobs, request_for):
        request = request_for(f"retrain-{new_cycle_id()}-1")
        jobs.submit(request)

        again = jobs.submit(replace(request, champion_version="99"))

        assert again.champion_version == request.champion_version
        jobs.cancel(request.name)

    def test_the_name_of_another_job_is_refused(self, jobs, request_for):
        request = request_for(f"retrain-{new_cycle_id()}-1")
        jobs.submit(request)

        with pytest.raises(JobMismatchError, match="data_version"):
            jobs.submit(replace(request, data_version="other"))
        jobs.cancel(request.name)

    def test_a_job_that_fails_says_why(self, jobs, failing_request_for, later):
        name = f"retrain-{new_cycle_id()}-1"
        jobs.submit(failing_request_for(name))

        report = until(lambda: (r := jobs.report(name)) and r.status and r, later)

        assert report.status is JobStatus.FAILED
        assert report.message

    def test_a_cancelled_job_ends_as_cancelled(self, jobs, request_for, later):
        name = f"retrain-{new_cycle_id()}-1"
        jobs.submit(request_for(name))

        jobs.cancel(name)

        report = until(lambda: (r := jobs.report(name)) and r.status and r, later)
        assert report.status is JobStatus.CANCELED
        jobs.cancel(name)


def drift_of(version, *, fact_seq, report="workspace/drift/report.html"):
    return TagDrift(version, date(2026, 3, 14), DriftVerdict.DRIFT, report, fact_seq)


class RegistrySuite:
    def test_versions_are_found_by_their_cycle(self, registry, model, register):
        cycle_id = new_cycle_id()
        assert registry.of_cycle(model, cycle_id) == []

        version = register({"cycle_id": cycle_id, "attempt": "2"})
        register({"cycle_id": new_cycle_id()})

        (found,) = registry.of_cycle(model, cycle_id)
        assert found.version == version
        assert found.tags["attempt"] == "2"
        assert registry.version(model, version) == found
        assert registry.version(model, "98765") is None

    def test_versions_registered_lately_are_listed_whoever_registered_them(
        self, registry, model, register
    ):
        versions = [register({"cycle_id": new_cycle_id()}), register({})]
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        far_away = datetime(2100, 1, 1, tzinfo=UTC)

        listed = [item.version for item in registry.registered_since(model, long_ago)]
        assert listed[-2:] == versions
        assert list(registry.registered_since(model, far_away)) == []
        assert list(registry.registered_since("never-trained", long_ago)) == []

    def test_roles_are_tagged_and_other_tags_stay(self, registry, model, register):
        cycle_id = new_cycle_id()
        version = register({"cycle_id": cycle_id})

        registry.tag(model, version, role=Role.CHAMPION, cycle_id=cycle_id, fact_seq=12)
        registry.tag(model, version, role=Role.CHAMPION, cycle_id=cycle_id, fact_seq=12)

        tags = registry.version(model, version).tags
        assert tags["role"] == "champion"
        assert tags["fact_seq"] == "12"
        assert tags["cycle_id"] == cycle_id

    def test_a_late_tag_of_a_paused_host_does_not_win(self, registry, model, register):
        version = register({})
        registry.tag(model, version, role=Role.RETIRED, cycle_id="b" * 12, fact_seq=20)

        registry.tag(model, version, role=Role.CHAMPION, cycle_id="a" * 12, fact_seq=12)

        assert registry.version(model, version).tags["role"] == "retired"

    def test_tagging_a_version_that_is_gone_is_no_error(self, registry, model):
        registry.tag(model, "98765", role=Role.REJECTED, cycle_id="a" * 12, fact_seq=1)
        registry.tag_drift(model, drift_of("98765", fact_seq=1))

    def test_the_newest_drift_check_is_noted_beside_the_role(self, registry, model, register):
        version = register({"cycle_id": "a" * 12})
        registry.tag(model, version, role=Role.CHAMPION, cycle_id="a" * 12, fact_seq=12)

        registry.tag_drift(model, drift_of(version, fact_seq=30))
        registry.tag_drift(model, drift_of(version, fact_seq=20, report="of a paused host"))

        tags = registry.version(model, version).tags
        assert tags["role"] == "champion"
        assert tags["fact_seq"] == "12"
        assert tags["drift_verdict"] == "drift"
        assert tags["drift_date"] == "2026-03-14"
        assert tags["drift_report"] == "workspace/drift/report.html"

    def test_data_versions_are_immutable(self, registry, model):
        version = new_cycle_id()
        pins = f"{model}/pins/{version}.json"

        registry.register_data(model, version, pins=pins, data_sha256="d", fact_seq=3)
        registry.register_data(model, version, pins=pins, data_sha256="d", fact_seq=3)

        with pytest.raises(DataMismatchError):
            registry.register_data(model, version, pins="x.json", data_sha256="e", fact_seq=3)


class EndpointsSuite:
    """One long test: deployments take long on anything real."""

    def test_the_life_of_an_endpoint(self, endpoints, model, register, sample, later):
        cycle_id = new_cycle_id()
        first, second = register({"cycle_id": cycle_id}), register({"cycle_id": cycle_id})
        one, two = f"version-{first}", f"version-{second}"

        # given nothing
        assert endpoints.endpoint(model) is None
        assert endpoints.deployments(model) == []
        assert endpoints.deployment(model, one) is None
        endpoints.delete_deployment(model, one)

        # when the endpoint and a first deployment are made, each asked for twice
        for _ in range(2):
            endpoints.create_endpoint(model, cycle_id=cycle_id, fact_seq=1)
        until(lambda: _ready(endpoints.endpoint(model)), later)
        for _ in range(2):
            endpoints.create_deployment(model, one, version=first, cycle_id=cycle_id, fact_seq=1)
        until(lambda: _ready(endpoints.deployment(model, one)), later)

        # then it answers, without traffic
        assert endpoints.endpoint(model).traffic == {}
        assert endpoints.smoke_test(model, one, sample).passed
        assert list(endpoints.deployments(model)) == [one]

        # when it gets the traffic
        _shift(endpoints, model, {one: 100}, fact_seq=7, later=later)

        # then the tag says on whose behalf
        assert endpoints.endpoint(model).fact_seq == 7

        # when a second one takes over
        endpoints.create_deployment(model, two, version=second, cycle_id=cycle_id, fact_seq=8)
        until(lambda: _ready(endpoints.deployment(model, two)), later)
        with pytest.raises(RetrainError):
            endpoints.delete_deployment(model, one)
        _shift(endpoints, model, {two: 100}, fact_seq=9, later=later)
        until(lambda: _ready(endpoints.endpoint(model)), later)
        endpoints.delete_deployment(model, one)

        # then the first is gone and the second serves
        until(lambda: endpoints.deployment(model, one) is None, later)
        assert list(endpoints.deployments(model)) == [two]
        assert endpoints.endpoint(model).traffic == {two: 100}
        assert endpoints.endpoint(model).fact_seq == 9


def _ready(report):
    return report is not None and report.state is Provisioning.READY


def _shift(endpoints, model, traffic, *, fact_seq, later):
    endpoints.set_traffic(model, traffic, cycle_id="c" * 12, fact_seq=fact_seq)
    until(lambda: _ready(report := endpoints.endpoint(model)) and report.traffic == traffic, later)
