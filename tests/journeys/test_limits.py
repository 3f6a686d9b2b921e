"""Limits on waits, sizes and failures: each ends with a reason and an alert."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from chances import CALM
from simulated_world import World

from shared.adapters.in_memory import JobScript
from shared.adapters.table_rows import fact_row, head_row
from shared.domain.data import BlobRef, DataArrived, DataTested
from shared.domain.declared import Verdict
from shared.domain.jobs import ChallengerEvaluated
from shared.domain.retraining import CycleOpened, Outcome, RetrainRequested
from shared.domain.rollout import Deploy, DeploymentFailed
from shared.domain.state import State
from shared.errors import EvidenceError, RequestRefusedError
from shared.ports.endpoints import EndpointReport, Provisioning
from shared.usecases.performers.performer import Wait
from shared.usecases.performers.rollout import deploy

_MOST_ENTITY_BYTES = 1024 * 1024


def head(world):
    return world.ledger.head("diabetes").state


def facts(world, kind):
    return [e.fact for e in world.ledger.entries("diabetes") if isinstance(e.fact, kind)]


def alerts(world):
    return [alert.sentence for alert in world.ports.alerts.sent.values()]


def test_hanging_training_job_is_cancelled_after_a_day_and_the_model_can_retrain():
    world = World()
    world.azure_ml.script_of = lambda _job: JobScript(timedelta(days=365))
    world.upload("diabetes/first.csv", b"a\nb\n")

    world.run_for(timedelta(hours=26))

    (past,) = head(world).past
    (job,) = world.azure_ml.jobs
    assert past.outcome is Outcome.FAILED
    assert past.sentence == (
        f"Watching job {job} was given up: waited 1 d for job {job}, which is the limit."
    )
    assert past.sentence in alerts(world)
    assert world.azure_ml.report(job).status == "canceled"

    world.azure_ml.script_of = lambda _job: JobScript(challenger_metric=0.6)
    world.upload("diabetes/second.csv", b"c\nd\n")
    world.run_for(timedelta(hours=3))
    assert head(world).champion is not None


def test_deployment_that_never_gets_ready_ends_its_cycle_and_is_deleted():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    while world.endpoints.endpoint("diabetes") is None:
        world.run_for(timedelta(seconds=5))
    world.endpoints.takes = lambda: timedelta(hours=4)

    world.run_for(timedelta(hours=20))

    (past,) = head(world).past
    assert past.outcome is Outcome.FAILED
    assert "waited 2 h for deployment version-1, which is the limit" in past.sentence
    assert world.endpoints.deployments("diabetes") == []


def test_downtime_of_the_app_does_not_count_towards_the_deployment_limit():
    # given a deployment that is starting while app and service are off overnight
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    while world.endpoints.endpoint("diabetes") is None:
        world.run_for(timedelta(minutes=1))
    world.endpoints.takes = lambda: timedelta(hours=12, minutes=30)
    while not world.endpoints.deployments("diabetes"):
        world.run_for(timedelta(minutes=1))
    world.endpoints.takes = lambda: timedelta(minutes=1)
    world.clock.advance(timedelta(hours=12))

    # when
    world.run_until_quiet()

    # then
    assert head(world).champion is not None
    assert head(world).past[0].outcome is not Outcome.FAILED


def test_deployment_refused_after_creation_is_deleted():
    world = World()

    class Refuses:
        def __getattr__(self, name):
            return getattr(world.endpoints, name)

        def create_deployment(self, model, name, **details):
            world.endpoints.create_deployment(model, name, **details)
            raise RequestRefusedError("quota: 0 of 4 cores are left")

    world.replace_ports(endpoints=Refuses())
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()

    (past,) = head(world).past
    assert past.sentence == ("Version 1 was not put into production: quota: 0 of 4 cores are left.")
    assert world.endpoints.created == {("diabetes", "version-1"): 1}
    assert world.endpoints.deployments("diabetes") == []


@dataclass
class CountingData:
    """The data store of a world; counts reads and crashes once."""

    inner: object
    dies_at: int
    fetched: list[str] = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def fetch(self, blob):
        self.fetched.append(blob.path)
        if len(self.fetched) == self.dies_at:
            raise ZeroDivisionError
        return self.inner.fetch(blob)


def test_five_thousand_files_are_tested_in_slices_that_survive_a_crash():
    world = World()
    for number in range(5000):
        broken = number % 10 == 0
        content = b"broken" if broken else f"row {number}\n".encode()
        name = f"diabetes/{number:04} Prüfung #1 100% {'x' * 150}.csv"
        ref = world.blobs.upload("landing", name, content)
        world.hosts[0].record("diabetes", DataArrived(ref, len(content)))
    data = CountingData(world.ports.data, dies_at=2050)
    world.replace_ports(data=data)
    while head(world).cycle is not None or head(world).waiting_arrivals:
        for message in world.work.visible():
            world.work.take(message)
            try:
                world.hosts[0].perform(message.body)
            except ZeroDivisionError:
                world.work.release(message)
            else:
                world.work.acknowledge(message)
            state = head(world)
            stored = sum(
                len(value) for value in head_row(state).values() if isinstance(value, str | bytes)
            )
            assert stored < _MOST_ENTITY_BYTES / 4
        world.clock.advance(timedelta(seconds=20))

    tested = facts(world, DataTested)
    assert sum(fact.accepted for fact in tested) == 4500
    assert sum(fact.quarantined for fact in tested) == 500
    assert head(world).data.files == 4500
    # The crash repeated the files of its own slice, not those of earlier slices.
    assert 5000 < len(data.fetched) < 5000 + 101
    big = tested[-1]
    assert len(big.findings) == 3
    assert len(json.dumps(fact_row("diabetes", world_entry(world, big)))) < 10_000


def world_entry(world, fact):
    return next(e for e in world.ledger.entries("diabetes") if e.fact == fact)


def test_slice_of_tested_files_is_limited_by_size():
    world = World()
    host = world.hosts[0]
    for number in range(4):
        ref = world.blobs.upload("landing", f"diabetes/{number}.csv", f"{number}\nx\n".encode())
        host.record("diabetes", DataArrived(ref, 150_000_000))  # as the event says

    world.run_until_quiet()

    parts = [item.blob.path for item in world.blobs.listing("data", "diabetes/reports/")]
    assert sum("-part-" in path for path in parts) == 1  # three files waited: slices of 2 and 1
    assert head(world).data.files == 4


@pytest.mark.parametrize(
    "name",
    [
        f"{'n' * 1000}.csv",
        f"{'Prüfung ' * 100}.csv",
        f"{'deep/' * 100}{'n' * 400}.csv",
        "what?#1%2F\\back:slash*.csv",
    ],
)
def test_long_and_odd_file_names_stay_within_azures_limits(name):
    world = World()
    world.upload(f"diabetes/{name}", b"a\nb\n")
    world.run_until_quiet()
    world.upload(f"diabetes/bad-{name}", b"broken")
    world.run_until_quiet()

    promoted, quarantined = (past.outcome for past in head(world).past)
    assert (promoted, quarantined) == (Outcome.PROMOTED, Outcome.QUARANTINED)
    paths = [
        item.blob.path
        for container in ("data", "quarantine")
        for item in world.blobs.listing(container)
    ]
    assert len(paths) == 6
    assert all(len(path) <= 1024 for path in paths)
    (accepted,) = (path for path in paths if "/files/" in path)
    assert accepted.endswith(".csv")
    assert len(accepted.rpartition("/")[2].encode()) <= 255  # a file system's limit
    assert not set(accepted) & set('?#%\\:*"<>|')


def test_quarantine_path_of_an_unclaimed_blob_with_a_long_name_is_shortened():
    world = World()
    ref = world.blobs.upload("landing", f"nobody/{'n' * 1000}.csv", b"x")

    world.hosts[0].arrive(DataArrived(ref, 1))

    kept = [item.blob.path for item in world.blobs.listing("quarantine")]
    assert len(kept) == 2
    assert max(map(len, kept)) <= 1024
    assert all(len(sentence) < 2000 for sentence in alerts(world))


def test_five_thousand_requests_during_an_open_cycle_become_one_more_cycle():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    while head(world).cycle is None:
        world.step()
    for number in range(5000):
        world.hosts[0].request("diabetes", request=f"r{number}", text="x" * 500)

    assert len(facts(world, RetrainRequested)) == 5000
    assert len(head(world).waiting) == 20
    world.run_until_quiet()

    assert len(head(world).past) == 2
    opened = facts(world, CycleOpened)[-1]
    row = fact_row("diabetes", world_entry(world, opened))
    assert sum(len(value) for value in row.values() if isinstance(value, str)) < 60_000


def test_quarantined_files_of_a_failed_cycle_are_not_retested():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()
    world.azure_ml.script_of = lambda _job: JobScript(fails=True)
    world.hosts[0].request("diabetes", request="1", text="by hand")
    world.upload("diabetes/bad.csv", b"broken")
    while head(world).cycle is not None:
        world.run_for(timedelta(minutes=5))
    world.hosts[0].request("diabetes", request="2", text="again")
    world.run_until_quiet()

    assert sum(fact.quarantined for fact in facts(world, DataTested)) == 1


def test_duplicate_content_does_not_retrain():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()

    world.upload("diabetes/first.csv", b"a\nb\n")  # a new ETag
    world.upload("diabetes/copy.csv", b"a\nb\n")
    world.run_until_quiet()

    state = head(world)
    assert state.data.files == 1
    assert state.data.rows == 2
    assert len(world.azure_ml.jobs) == 1
    assert {past.outcome for past in state.past[1:]} == {Outcome.NOT_RETRAINED}
    assert state.past[-1].sentence.startswith("Not retrained: nothing new.")


def test_unclaimed_blob_is_quarantined_and_alerted_once():
    world = World(chances=replace(CALM, event_lost=1.0))
    world.upload("nobody/big.csv", b"x" * 1000)

    world.run_for(timedelta(hours=3))

    etags = {item.blob.etag for item in world.blobs.listing("quarantine")}
    world.run_for(timedelta(hours=3))
    assert {item.blob.etag for item in world.blobs.listing("quarantine")} == etags
    assert len(alerts(world)) == 1


def test_outcome_and_alert_sentences_start_upper_case_and_end_with_a_full_stop():
    world = World(seed=3, chances=replace(CALM, job_fails=0.4, better=0.5, file_broken=0.3))
    for number in range(40):
        world.upload_random("diabetes", number)
        world.run_for(timedelta(hours=2))
    world.blobs.upload("landing", "stray.csv", b"x")
    world.hosts[0].arrive(DataArrived(BlobRef("landing", "stray.csv", "0x1"), 1))
    world.run_until_quiet()

    verdicts = [
        f.sentence for f in facts(world, ChallengerEvaluated) if f.verdict is Verdict.PASSED
    ]
    said = [past.sentence for past in head(world).past] + alerts(world) + verdicts
    assert {past.outcome for past in head(world).past} >= {
        Outcome.PROMOTED,
        Outcome.REJECTED,
        Outcome.QUARANTINED,
    }
    for sentence in said:
        assert sentence[0].isupper() or sentence[0].isdigit(), sentence
        assert sentence.endswith("."), sentence
        assert ".." not in sentence, sentence


def test_drift_check_that_was_given_up_can_be_requested_again():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()
    hosts = world.hosts

    class Broken:
        def __getattr__(self, name):
            return getattr(world.ports.drift_checks, name)

        def compare(self, _comparison):
            raise EvidenceError("the drift reference is gone")

    world.replace_ports(drift_checks=Broken())
    assert hosts[0].check_drift("diabetes").new
    world.run_until_quiet()
    assert "The drift check of 2026-03-14 was given up: the drift reference is gone." in alerts(
        world
    )

    world.hosts = hosts
    assert hosts[0].check_drift("diabetes").new
    assert not hosts[1].check_drift("diabetes").new
    world.run_until_quiet()

    assert head(world).last_drift is not None
    assert head(world).outstanding == ()
    assert not hosts[0].check_drift("diabetes").new


def test_failed_endpoint_is_recreated_once_per_cycle_unless_it_serves_traffic():
    made = []

    class Endpoints:
        tag, traffic = 3, {}

        def endpoint(self, _model):
            return EndpointReport(
                "t-diabetes", Provisioning.FAILED, self.traffic, fact_seq=self.tag
            )

        def create_endpoint(self, _model, *, cycle_id, fact_seq):
            made.append(cycle_id)
            self.tag = fact_seq

    endpoints, state = Endpoints(), State("diabetes")
    effect = Deploy("0123456789ab", "2", fact_seq=9)

    assert deploy(effect, state, endpoints=endpoints) == Wait("the endpoint")
    failed = deploy(effect, state, endpoints=endpoints)
    assert isinstance(failed, DeploymentFailed)
    assert failed.sentence.startswith("the endpoint t-diabetes could not be set up")
    assert made == ["0123456789ab"]

    endpoints.tag, endpoints.traffic = 3, {"version-1": 100}
    assert isinstance(deploy(effect, state, endpoints=endpoints), DeploymentFailed)
    assert made == ["0123456789ab"]  # one that serves traffic is never recreated
