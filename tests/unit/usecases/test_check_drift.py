"""Where a drift check runs, and which earlier results and baseline it uses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from shared.adapters.in_memory import (
    AzureMlSimulator,
    InMemoryBlobs,
    InMemoryCatalog,
    InMemoryEvidence,
    ScriptedDriftChecks,
    SimulatedClock,
)
from shared.domain.drift import CheckDrift, DriftChecked, DriftVerdict
from shared.domain.jobs import JobSubmitted
from shared.domain.notices import EffectDone
from shared.domain.state import Champion, State
from shared.errors import EvidenceError
from shared.ports.catalog import MonitoringSettings
from shared.usecases.performers.drift import check_drift

NOON_UTC = datetime(2026, 3, 14, 12, tzinfo=UTC)
CHECK = CheckDrift(date(2026, 3, 14), "7", NOON_UTC - timedelta(days=1), NOON_UTC)
EVIDENCE = "evidence/m/retrain-0123456789ab-1"
CHAMPION = Champion("7", NOON_UTC, 5, evidence=EVIDENCE, reference="challenger/reference.profile")
STATE = State("m", champion=CHAMPION)


class RecordingChecks(ScriptedDriftChecks):
    """Records the comparison it was asked for."""

    def compare(self, comparison):
        self.compared = comparison
        return super().compare(comparison)

    def files(self, model, check, *, since_utc):
        self.since_utc = since_utc
        return super().files(model, check, since_utc=since_utc)


class Catalog(InMemoryCatalog):
    settings = MonitoringSettings(prediction_days=0)

    def monitoring(self, _model):
        return self.settings


@pytest.fixture
def world():
    return World()


class World:
    def __init__(self):
        self.clock = SimulatedClock()
        self.blobs = InMemoryBlobs(self.clock)
        self.checks = RecordingChecks(self.clock)
        self.catalog = Catalog({})
        self.jobs = AzureMlSimulator(self.clock, self.blobs)

    def check(self, state=STATE, effect=CHECK):
        return check_drift(
            effect,
            state,
            catalog=self.catalog,
            drift_checks=self.checks,
            evidence=InMemoryEvidence(self.blobs),
            jobs=self.jobs,
            limit_bytes=1000,
        )

    def write_evidence(self, **metrics):
        document = {
            "format": 1,
            "champion_version": None,
            "metrics": [
                {"name": name, "goal": "max", "challenger": value}
                for name, value in metrics.items()
            ],
            "rows": {"train": 10, "test": 5},
            "data_version": "v",
            "data_sha256": "",
            "test_rows_sha256": "",
            "config_sha256": "",
        }
        path = f"{EVIDENCE}/evidence.json"
        self.blobs.upload("workspace", path, json.dumps(document).encode())


def test_small_window_is_compared_in_the_app(world):
    fact = world.check()

    assert isinstance(fact, DriftChecked)
    assert fact.verdict is DriftVerdict.NO_DRIFT
    assert (fact.window_start_utc, fact.window_end_utc) == (NOON_UTC - timedelta(days=1), NOON_UTC)
    assert world.checks.compared.profile == f"{EVIDENCE}/challenger/reference.profile"
    assert world.jobs.submissions == 0


def test_large_window_is_submitted_as_one_job(world):
    world.checks.is_large = lambda *_: True

    first, again = world.check(), world.check()

    assert isinstance(first, JobSubmitted)
    assert first == again
    assert (first.job_name, first.champion_version) == (CHECK.job_name("m"), "7")
    assert world.jobs.submissions == 1
    assert world.checks.checked == []


@pytest.mark.parametrize("champion", [None, replace(CHAMPION, version="8")])
def test_check_of_a_version_that_is_no_longer_champion_is_skipped(world, champion):
    assert world.check(State("m", champion=champion)) == EffectDone(CHECK.key)


@pytest.mark.parametrize(
    ("evidence", "reference"), [(None, None), (EVIDENCE, None), (EVIDENCE, "reference.parquet")]
)
def test_champion_without_a_reference_profile_gives_not_enough_data(world, evidence, reference):
    champion = replace(CHAMPION, evidence=evidence, reference=reference)

    fact = world.check(State("m", champion=champion))

    assert fact.verdict is DriftVerdict.NOT_ENOUGH_DATA
    assert fact.sentence.startswith("No reference is known for version 7")
    assert fact.report is None


def test_newest_revision_of_each_earlier_day_is_used_as_history(world):
    def earlier(days, revision=0, profile="7"):
        check = replace(
            CHECK, day=CHECK.day - timedelta(days=days), revision=revision, profile=profile
        )
        world.checks.read("m", check)

    for days, revision in ((0, 0), (1, 0), (1, 1), (3, 0), (2, 0)):
        earlier(days, revision)
    earlier(1, revision=5, profile="6")

    world.check(effect=replace(CHECK, revision=1))

    past = [(item.day.day, item.revision) for item in world.checks.compared.past]
    assert past == [(11, 0), (12, 0), (13, 1)]


def test_history_is_limited_to_ninety_days(world):
    for days in range(1, 100):
        world.checks.read("m", replace(CHECK, day=CHECK.day - timedelta(days=days)))

    world.check()

    past = world.checks.compared.past
    assert len(past) == 90
    assert past[-1].day == date(2026, 3, 13)


@pytest.mark.parametrize(("days", "since_utc_days"), [(0, 1), (30, 30)])
def test_predictions_are_read_as_far_back_as_labels_are_joined(world, days, since_utc_days):
    world.catalog.settings = MonitoringSettings(prediction_days=days)

    world.check()

    assert world.checks.since_utc == NOON_UTC - timedelta(days=since_utc_days)


def test_baseline_is_the_monitored_metric_from_the_champions_evidence(world):
    world.catalog.settings = MonitoringSettings(metric="accuracy")
    world.write_evidence(accuracy=0.9, f1=0.8)

    world.check()

    assert world.checks.compared.baseline == 0.9


@pytest.mark.parametrize(("metric", "measured"), [(None, "accuracy"), ("accuracy", "f1")])
def test_baseline_is_unknown_without_a_configured_and_measured_metric(world, metric, measured):
    world.catalog.settings = MonitoringSettings(metric=metric)
    world.write_evidence(**{measured: 0.9})

    world.check()

    assert world.checks.compared.baseline is None


def test_missing_evidence_is_a_terminal_error(world):
    world.catalog.settings = MonitoringSettings(metric="accuracy")

    with pytest.raises(EvidenceError):
        world.check()
