"""Files too large for a function: a job tests them, then they are used like any other file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from chances import SMALL_BYTES
from simulated_world import World

from shared.adapters.in_memory import InMemoryEvidence, JobScript
from shared.domain.data import DataArrived, DataTested
from shared.domain.jobs import JobStatus
from shared.domain.retraining import Outcome
from shared.errors import EvidenceError, NotThereYetError
from shared.ports.jobs import DataTestRequest

LARGE = b"a\nb\n" + b"x" * SMALL_BYTES


def head(world):
    return world.ledger.head("diabetes").state


def facts(world):
    return [e.fact for e in world.ledger.entries("diabetes") if isinstance(e.fact, DataTested)]


def file_jobs(world):
    return [job for job in world.azure_ml.jobs if job.startswith("test-")]


def files_in(world, container, folder):
    return {item.blob.path for item in world.blobs.listing(container, folder)}


def scripted(world, script):
    """Jobs that test files follow `script`; all others succeed."""
    world.azure_ml.script_of = lambda job: (
        script if isinstance(job, DataTestRequest) else JobScript()
    )


@dataclass
class CountingCopies:
    """The data store of a world; records which paths were accepted."""

    inner: object
    accepted: list[str] = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def accept(self, blob, path):
        self.accepted.append(path)
        self.inner.accept(blob, path)


def test_large_file_is_tested_by_a_job_and_then_used_for_training():
    world = World()
    world.upload("diabetes/large.csv", LARGE)
    world.upload("diabetes/small.csv", b"c\nd\n")

    world.run_until_quiet()

    assert sum(fact.accepted for fact in facts(world)) == 2
    assert sum(fact.rows for fact in facts(world)) == 4
    assert len(file_jobs(world)) == 1
    assert head(world).champion is not None
    assert len(files_in(world, "data", "diabetes/files/")) == 2
    assert files_in(world, "data", "diabetes/untested/") == set()


def test_large_file_that_breaks_the_contract_is_quarantined_under_its_own_name():
    world = World()
    world.upload("diabetes/large.csv", b"broken" + LARGE)

    world.run_until_quiet()

    (fact,) = facts(world)
    assert fact.quarantined == 1
    assert "File large.csv quarantined" in fact.findings[0]
    (report,) = (
        path for path in files_in(world, "quarantine", "diabetes/") if path.endswith(".report.json")
    )
    document = json.loads(world.blobs.get("quarantine", report))
    assert document["source"].endswith("diabetes/large.csv")
    assert files_in(world, "data", "diabetes/untested/") == set()


@pytest.mark.parametrize("new", [b"c\nd\n", None])
def test_large_file_replaced_or_deleted_during_its_job_is_superseded(new):
    world = World()
    world.upload("diabetes/large.csv", LARGE)
    while not file_jobs(world):
        world.run_for(timedelta(seconds=10))

    if new is None:
        world.blobs.delete("landing", "diabetes/large.csv")
    else:
        world.upload("diabetes/large.csv", new)
    world.run_until_quiet()

    assert sum(fact.superseded for fact in facts(world)) == 1
    assert sum(fact.accepted for fact in facts(world)) == (new is not None)
    assert files_in(world, "data", "diabetes/untested/") == set()


def test_file_whose_job_fails_twice_is_quarantined_with_the_reason():
    world = World()
    scripted(world, JobScript(fails=True))
    world.upload("diabetes/large.csv", LARGE)
    world.upload("diabetes/small.csv", b"c\nd\n")

    world.run_until_quiet()

    large, small = facts(world)
    _, second = file_jobs(world)
    assert (large.quarantined, small.accepted) == (1, 1)
    assert f"job {second} failed twice" in large.findings[0]
    assert "send the file again" in large.findings[0]
    assert head(world).champion is not None


def test_cancelled_file_job_is_not_retried():
    world = World()
    scripted(world, JobScript(timedelta(hours=1)))
    world.upload("diabetes/large.csv", LARGE)
    while not file_jobs(world):
        world.run_for(timedelta(seconds=10))

    world.azure_ml.cancel(file_jobs(world)[0])
    world.run_until_quiet()

    (job,) = file_jobs(world)
    assert f"job {job} was cancelled" in facts(world)[0].findings[0]


def test_hanging_file_job_is_cancelled_after_six_hours_and_ends_its_cycle():
    world = World()
    scripted(world, JobScript(timedelta(days=365)))
    world.upload("diabetes/large.csv", LARGE)

    world.run_for(timedelta(hours=8))

    (job,) = file_jobs(world)
    (past,) = head(world).past
    assert past.outcome is Outcome.FAILED
    assert f"waited 6 h for job {job}, which is the limit" in past.sentence
    assert world.azure_ml.report(job).status == "canceled"


def test_untested_copy_left_by_a_paused_host_is_deleted_by_the_next_cycle():
    world = World()
    world.upload("diabetes/large.csv", LARGE)
    world.run_until_quiet()
    blob = world.blobs.listing("landing", "diabetes/large.csv")[0].blob
    world.ports.data.accept(blob, "diabetes/untested/c/0123456789ab")

    world.upload("diabetes/next.csv", b"c\nd\n")
    world.run_until_quiet()

    assert files_in(world, "data", "diabetes/untested/") == set()


def test_many_large_files_are_tested_concurrently_and_each_accepted_once():
    world = World()
    lengths = iter(range(1, 100))
    world.azure_ml.script_of = lambda job: JobScript(
        timedelta(hours=next(lengths)) if isinstance(job, DataTestRequest) else timedelta(minutes=1)
    )
    data = CountingCopies(world.ports.data)
    world.replace_ports(data=data)
    for number in range(12):  # the last one ends after 12 hours, an hour after the one before
        content = f"{number}\n".encode() + LARGE
        ref = world.blobs.upload("landing", f"diabetes/large-{number}.csv", content)
        world.hosts[0].record("diabetes", DataArrived(ref, len(content)))

    world.run_until_quiet()

    assert sum(fact.accepted for fact in facts(world)) == 12
    assert sorted(data.accepted) == sorted(set(data.accepted))


def test_all_file_jobs_are_cancelled_when_the_effect_is_given_up():
    world = World()
    scripted(world, JobScript(timedelta(days=365)))
    for number in range(3):
        world.upload(f"diabetes/large-{number}.csv", f"{number}\n".encode() + LARGE)

    world.run_for(timedelta(hours=30))

    assert len(file_jobs(world)) == 1 + 3  # the second cycle takes the first one's file again
    assert {world.azure_ml.report(job).status for job in file_jobs(world)} == {"canceled"}


@pytest.mark.parametrize("error", [NotThereYetError("it is not there"), EvidenceError("nonsense")])
def test_unreadable_result_of_a_job_quarantines_only_its_file(error):
    world = World()

    class Evidence(InMemoryEvidence):
        def read(self, location):
            if "/test-" in location:
                raise error
            return super().read(location)

    world.replace_ports(evidence=Evidence(world.blobs))
    world.upload("diabetes/large.csv", LARGE)
    world.upload("diabetes/small.csv", b"c\nd\n")
    world.run_until_quiet()

    large, small = facts(world)
    assert (large.quarantined, small.accepted) == (1, 1)
    assert f"{error}; look at its log, then send the file again" in large.findings[0]


def test_landed_file_name_is_never_passed_to_a_job():
    world = World()
    world.upload("diabetes/$(touch x) `y` ü.csv", LARGE)

    world.run_until_quiet()

    (request,) = (
        job.request
        for job in world.azure_ml.jobs.values()
        if isinstance(job.request, DataTestRequest)
    )
    assert re.fullmatch(r"diabetes/untested/[0-9a-f]{12}/[0-9a-f]{12}", request.path)
    assert sum(fact.accepted for fact in facts(world)) == 1


def test_job_is_told_the_values_that_the_folders_of_a_file_hold():
    world = World()
    world.upload("diabetes/x/clinic=`A` %26 ü/part-0.csv", LARGE)

    world.run_until_quiet()

    requests = [job.request for job in world.azure_ml.jobs.values()]
    (partition,) = (job.partition for job in requests if isinstance(job, DataTestRequest))
    assert partition == "clinic=+60A+60+20+26+20+C3+BC"
    assert sum(fact.accepted for fact in facts(world)) == 1


def test_file_larger_than_its_event_says_is_tested_by_a_job():
    world = World()
    ref = world.blobs.upload("landing", "diabetes/large.csv", LARGE)
    world.hosts[0].record("diabetes", DataArrived(ref, 0))

    world.run_until_quiet()

    assert len(file_jobs(world)) == 1
    assert sum(fact.accepted for fact in facts(world)) == 1


def test_job_of_a_file_that_is_withdrawn_meanwhile_is_cancelled():
    world = World()
    scripted(world, JobScript(timedelta(minutes=30)))
    world.upload("diabetes/large.csv", LARGE)
    world.run_for(timedelta(minutes=1))
    [job] = file_jobs(world)

    world.hosts[0].withdraw("diabetes", "diabetes/large.csv", request="w1", text="a mistake")
    world.run_until_quiet()

    assert world.azure_ml.jobs[job].report.status is JobStatus.CANCELED
    assert head(world).data.files == 0
    assert files_in(world, "data", "diabetes/untested/") == set()
