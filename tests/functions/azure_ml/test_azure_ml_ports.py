"""Jobs, registry and endpoints: one suite for the doubles and for Azure's SDK on local Azure ML."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from doubled import DoubledAzureMl

from shared.domain.drift import DriftVerdict, TagDrift
from shared.domain.jobs import JobStatus
from shared.domain.rollout import Role
from shared.errors import DataMismatchError, JobMismatchError, RequestRefusedError
from shared.ports.drift import CollectedFiles, StoredFile
from shared.ports.endpoints import Provisioning
from shared.usecases.performers.jobs import why_failed

pytestmark = [
    # The SDK warns about its own experimental classes and deprecated calls.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class TestJobs:
    def test_report_of_a_job_that_was_never_submitted_is_none(self, azure_ml, a_job):
        assert azure_ml.jobs.report(a_job().name) is None

    def test_cancelling_a_missing_job_does_nothing(self, azure_ml, a_job):
        azure_ml.jobs.cancel(a_job().name)

    def test_job_submitted_twice_runs_once(self, azure_ml, completed):
        job, first, again = completed

        assert again == first
        assert first.champion_version is None
        assert azure_ml.jobs.submit(job) == first
        assert len(azure_ml.registry.of_cycle(job.model, job.cycle_id)) == 1

    def test_job_name_already_used_with_other_inputs_is_refused(self, azure_ml, a_job):
        job = a_job("hangs")
        azure_ml.jobs.submit(job)

        for part in ("data_version", "config_sha256", "pins"):
            with pytest.raises(JobMismatchError, match=part):
                azure_ml.jobs.submit(replace(job, **{part: "another"}))

        azure_ml.jobs.cancel(job.name)

    def test_failed_job_names_the_failed_step(self, ended, azure_ml, a_job):
        job = a_job("fails")

        azure_ml.jobs.submit(job)

        report = ended(job)
        assert report.status is JobStatus.FAILED
        assert "step" in why_failed(report)

    def test_failed_job_that_would_fail_again_says_so_in_the_words_of_its_step(
        self, ended, azure_ml, a_job
    ):
        job = a_job("fails for good")

        azure_ml.jobs.submit(job)

        report = ended(job)
        assert report.final
        assert why_failed(report) == "ml/models/x/pipeline.py:3  it cannot end otherwise"

    def test_cancelling_a_job_is_idempotent(self, ended, azure_ml, a_job):
        job = a_job("hangs")
        azure_ml.jobs.submit(job)

        azure_ml.jobs.cancel(job.name)

        assert ended(job).status is JobStatus.CANCELED
        azure_ml.jobs.cancel(job.name)

    def test_evidence_of_a_job_is_found_at_its_location(self, azure_ml, completed):
        job, *_ = completed

        location = azure_ml.evidence.location(job.model, job.name)

        assert job.cycle_id in azure_ml.evidence.read(location)


class TestFileJobs:
    def test_file_test_job_submitted_twice_runs_once(self, ended, azure_ml, a_file_job):
        job = a_file_job()

        first = azure_ml.jobs.submit_data_test(job)

        assert azure_ml.jobs.submit_data_test(job) == first
        assert ended(job).status is JobStatus.COMPLETED
        found = azure_ml.evidence.read(azure_ml.evidence.location(job.model, job.name))
        assert json.loads(found)["model"] == job.model


@pytest.fixture(params=["file test", "drift check"])
def a_small_job(request, azure_ml, a_file_job, a_drift_job):
    """Functions that make, submit and alter a one-step job, and the name of the altered input."""
    if request.param == "file test":
        return a_file_job, azure_ml.jobs.submit_data_test, another_file, "path"
    return a_drift_job, azure_ml.jobs.submit_drift, another_profile, "profile"


def another_file(job):
    return replace(job, path="another")


def another_profile(job):
    return replace(job, comparison=replace(job.comparison, profile="another"))


class TestJobsOfOneStep:
    def test_one_step_job_name_already_used_with_other_inputs_is_refused(
        self, ended, azure_ml, a_small_job
    ):
        make, submit, another, part = a_small_job
        job = make("hangs")
        submit(job)

        with pytest.raises(JobMismatchError, match=part):
            submit(another(job))

        azure_ml.jobs.cancel(job.name)
        assert ended(job).status is JobStatus.CANCELED

    def test_failed_one_step_job_names_the_failed_step(self, ended, a_small_job):
        make, submit, *_ = a_small_job
        job = make("fails")

        submit(job)

        report = ended(job)
        assert report.status is JobStatus.FAILED
        assert "step" in why_failed(report)


class TestDriftJobs:
    def test_drift_job_submitted_again_after_more_rows_arrived_runs_once(
        self, ended, azure_ml, a_drift_job
    ):
        job = a_drift_job()

        first = azure_ml.jobs.submit_drift(job)
        more = CollectedFiles((StoredFile("a.jsonl", 2, datetime.now(UTC)),))
        again = azure_ml.jobs.submit_drift(
            replace(job, comparison=replace(job.comparison, files=more))
        )

        assert again == first
        assert ended(job).status is JobStatus.COMPLETED
        if isinstance(azure_ml, DoubledAzureMl):
            return  # the doubles write no result of a drift job
        found = azure_ml.written(f"drift/{job.model}/version-7/2026-03-14/check.json")
        assert (found["day"], found["champion-version"]) == ("2026-03-14", "7")
        assert found["start-utc"] == "2026-03-13T12:00:00+00:00"
        assert float(found["baseline"]) == 0.5
        assert found["lines"] == ["{}"]


def drift_of(version, *, fact_seq):
    return TagDrift(version, date(2026, 3, 14), DriftVerdict.DRIFT, "workspace/r.html", fact_seq)


class TestRegistry:
    def test_unregistered_model_has_no_versions(self, azure_ml):
        assert list(azure_ml.registry.of_cycle("never-trained", "0123456789ab")) == []
        assert azure_ml.registry.version("never-trained", "1") is None

    def test_registered_version_is_found_by_cycle_and_tagged_with_its_attempt(
        self, azure_ml, completed
    ):
        job, *_ = completed

        (version,) = azure_ml.registry.of_cycle(job.model, job.cycle_id)

        assert version.tags["attempt"] == "1"
        assert version.tags["role"] == "candidate"
        assert azure_ml.registry.version(job.model, version.version) == version
        assert azure_ml.registry.version(job.model, "98765") is None
        assert list(azure_ml.registry.of_cycle(job.model, "0123456789ab")) == []

    def test_versions_are_listed_in_order_of_registration(self, azure_ml, a_model):
        of_a_cycle = azure_ml.register(a_model, {"cycle_id": "0123456789ab"})
        of_a_person = azure_ml.register(a_model, {})
        long_ago, far_away = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2100))
        since = azure_ml.registry.registered_since

        listed = [(one.version, one.tags.get("cycle_id")) for one in since(a_model, long_ago)]

        assert listed == [(of_a_cycle, "0123456789ab"), (of_a_person, None)]
        assert list(since(a_model, far_away)) == []
        assert list(since("never-trained", long_ago)) == []

    def test_tag_with_a_lower_fact_sequence_does_not_overwrite_a_newer_one(self, azure_ml, a_model):
        version = azure_ml.register(a_model, {"cycle_id": "0123456789ab", "attempt": "1"})
        tag = azure_ml.registry.tag

        for _ in range(2):
            tag(a_model, version, role=Role.CHAMPION, cycle_id="0123456789ab", fact_seq=30)
        tag(a_model, version, role=Role.REJECTED, cycle_id="late", fact_seq=20)

        found = azure_ml.registry.version(a_model, version)
        assert found.tags["role"] == "champion"
        assert found.tags["role_cycle_id"] == "0123456789ab"
        assert found.tags["fact_seq"] == "30"
        assert found.tags["attempt"] == "1"

    def test_newest_drift_check_is_tagged_without_changing_the_role(self, azure_ml, a_model):
        version = azure_ml.register(a_model, {"role": "candidate", "fact_seq": "12"})
        note = drift_of(version, fact_seq=30)

        azure_ml.registry.tag_drift(a_model, note)
        azure_ml.registry.tag_drift(a_model, replace(note, report="older", fact_seq=20))

        found = azure_ml.registry.version(a_model, version)
        assert found.tags["drift_report"] == "workspace/r.html"
        assert found.tags["drift_verdict"] == "drift"
        assert found.tags["drift_date"] == "2026-03-14"
        assert found.tags["role"] == "candidate"
        assert found.tags["fact_seq"] == "12"

    def test_newest_drift_check_is_also_tagged_on_the_run_of_the_training_job(
        self, ended, azure_ml, a_job
    ):
        job = a_job()
        azure_ml.jobs.submit(job)
        ended(job)
        (version,) = azure_ml.registry.of_cycle(job.model, job.cycle_id)
        note = drift_of(version.version, fact_seq=30)

        for _ in range(2):
            azure_ml.registry.tag_drift(job.model, note)
        azure_ml.registry.tag_drift(job.model, replace(note, report="older", fact_seq=20))

        tags = azure_ml.run_tags(job.name)
        assert tags["drift_report"] == "workspace/r.html"
        assert tags["drift_verdict"] == "drift"
        assert tags["drift_date"] == "2026-03-14"
        assert tags["drift_fact_seq"] == "30"

        azure_ml.registry.tag_drift(job.model, replace(note, report="newer", fact_seq=40))

        assert azure_ml.run_tags(job.name)["drift_report"] == "newer"

        # when MLflow's run is deleted, as people do with old ones
        azure_ml.delete_run(job.name)
        azure_ml.registry.tag_drift(job.model, replace(note, report="newest", fact_seq=50))

        # then only the version is tagged
        found = azure_ml.registry.version(job.model, version.version)
        assert found.tags["drift_report"] == "newest"

    @pytest.mark.parametrize(
        "tags",
        [
            {},
            {"cycle_id": "0123456789ab", "attempt": "1"},
            {"cycle_id": "set by a person", "attempt": "1"},
        ],
        ids=["no job", "deleted job", "unknown cycle id format"],
    )
    def test_drift_is_tagged_on_a_version_without_an_mlflow_run(self, azure_ml, a_model, tags):
        version = azure_ml.register(a_model, tags)

        azure_ml.registry.tag_drift(a_model, drift_of(version, fact_seq=30))

        found = azure_ml.registry.version(a_model, version)
        assert found.tags["drift_report"] == "workspace/r.html"

    def test_tagging_a_missing_version_does_nothing(self, azure_ml):
        azure_ml.registry.tag(
            "never-trained", "7", role=Role.RETIRED, cycle_id="0123456789ab", fact_seq=1
        )
        azure_ml.registry.tag_drift("never-trained", drift_of("7", fact_seq=1))

    def test_data_version_is_immutable_once_registered(self, azure_ml, a_job):
        job = a_job()
        register = azure_ml.registry.register_data

        register(job.model, job.cycle_id, pins=job.pins, data_sha256="d", fact_seq=3)
        register(job.model, job.cycle_id, pins=job.pins, data_sha256="d", fact_seq=4)

        with pytest.raises(DataMismatchError, match=job.cycle_id):
            register(job.model, job.cycle_id, pins="other.json", data_sha256="e", fact_seq=4)


class TestEndpoints:
    def test_report_of_a_missing_endpoint_or_deployment_is_none(self, azure_ml):
        endpoints = azure_ml.endpoints

        assert endpoints.endpoint("nowhere") is None
        assert list(endpoints.deployments("nowhere")) == []
        assert endpoints.deployment("nowhere", "version-1") is None
        endpoints.delete_deployment("nowhere", "version-1")

    def test_version_is_deployed_given_all_traffic_replaced_and_deleted(self, azure_ml, completed):
        (job, *_), endpoints = completed, azure_ml.endpoints
        (version,) = azure_ml.registry.of_cycle(job.model, job.cycle_id)
        fence = {"cycle_id": job.cycle_id, "fact_seq": 40}
        one, two = f"version-{version.version}", "by-hand"

        def is_ready():
            report = endpoints.endpoint(job.model)
            return report.state is Provisioning.READY and report

        def shift(traffic, fact_seq):
            endpoints.set_traffic(job.model, traffic, cycle_id=job.cycle_id, fact_seq=fact_seq)
            azure_ml.until(lambda: (report := is_ready()) and report.traffic == traffic)

        def deploy(name):
            endpoints.create_deployment(job.model, name, version=version.version, **fence)

        def is_deployed(name):
            return endpoints.deployment(job.model, name).state is Provisioning.READY

        # given an endpoint, created twice
        endpoints.create_endpoint(job.model, **fence)
        endpoints.create_endpoint(job.model, **fence)
        assert azure_ml.until(is_ready).traffic == {}

        # a deployment without traffic, which can be scored all the same
        for _ in range(2):
            deploy(one)
        azure_ml.until(lambda: is_deployed(one))
        assert list(endpoints.deployments(job.model)) == [one]
        assert azure_ml.until(is_ready).traffic == {}
        answer = endpoints.score(job.model, one, b'{"data": [{"x": 2}]}')
        assert (answer.status, answer.predictions, answer.error) == (200, 1, None)
        if not isinstance(azure_ml, DoubledAzureMl):
            refused = endpoints.score(job.model, one, b"{}")
            assert (refused.status, refused.error) == (400, "no rows")

        # all traffic, with the fence
        shift({one: 100}, fact_seq=45)
        assert endpoints.endpoint(job.model).fact_seq == 45
        with pytest.raises(RequestRefusedError):
            endpoints.delete_deployment(job.model, one)

        # a second deployment takes over, and the first is deleted
        deploy(two)
        azure_ml.until(lambda: is_deployed(two))
        with pytest.raises(RequestRefusedError):
            endpoints.delete_deployment(job.model, one)
        shift({two: 100}, fact_seq=46)
        assert endpoints.endpoint(job.model).fact_seq == 46
        endpoints.delete_deployment(job.model, one)
        azure_ml.until(lambda: endpoints.deployment(job.model, one) is None)
        assert list(endpoints.deployments(job.model)) == [two]
        assert endpoints.endpoint(job.model).traffic == {two: 100}

        # finally the second one is deleted too
        shift({}, fact_seq=47)
        endpoints.delete_deployment(job.model, two)
        azure_ml.until(lambda: endpoints.deployment(job.model, two) is None)
        assert list(endpoints.deployments(job.model)) == []
        assert endpoints.endpoint(job.model).fact_seq == 47
