"""A job is submitted under the settings that its cycle was decided under, or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.adapters.in_memory import InMemoryCatalog, SimulatedClock
from shared.adapters.in_memory.azure_ml import AzureMlSimulator, JobScript
from shared.adapters.in_memory.storage import InMemoryBlobs
from shared.domain.jobs import JobSubmitted, SubmitJob
from shared.domain.policy import Policy
from shared.domain.retraining import Mode, ReasonKind, SettingsChanged
from shared.domain.state import State
from shared.usecases.performers.jobs import submit_job

CYCLE = "0123456789ab"
STATE = State("m")
SUBMIT = SubmitJob(
    CYCLE,
    mode=Mode.RETRAIN,
    attempt=1,
    pins="m/pins/v1.json",
    data_version="v1",
    config_sha256="cfg",
    champion_version=None,
    challenger_version=None,
    fact_seq=3,
)


@pytest.fixture
def azure_ml():
    clock = SimulatedClock()
    return AzureMlSimulator(
        clock,
        InMemoryBlobs(clock),
        script_of=lambda _: JobScript(),
        announce=lambda _: None,
    )


def catalog(config_sha256):
    policy = Policy(
        config_sha256,
        reasons=frozenset(ReasonKind),
        cooldown=timedelta(days=1),
        drift_overrides_cooldown=True,
        jobs_per_30_days=20,
    )
    return InMemoryCatalog({"m": policy})


def test_job_is_submitted_while_the_settings_are_those_decided_under(azure_ml):
    found = submit_job(SUBMIT, STATE, jobs=azure_ml, catalog=catalog("cfg"))

    assert isinstance(found, JobSubmitted)
    assert list(azure_ml.jobs) == [SUBMIT.job_name]


def test_no_job_is_submitted_once_the_settings_have_changed(azure_ml):
    found = submit_job(SUBMIT, STATE, jobs=azure_ml, catalog=catalog("new"))

    assert found == SettingsChanged(CYCLE, decided="cfg", found="new")
    assert not azure_ml.jobs


def test_job_submitted_before_the_change_is_found_again_not_abandoned(azure_ml):
    submit_job(SUBMIT, STATE, jobs=azure_ml, catalog=catalog("cfg"))

    again = submit_job(SUBMIT, STATE, jobs=azure_ml, catalog=catalog("new"))

    assert isinstance(again, JobSubmitted)
    assert azure_ml.submissions == 1
