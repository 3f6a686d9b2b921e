"""Names, keys, and the evidence document."""

from __future__ import annotations

import json

import pytest
from stories import CYCLE, JOB

from shared.domain.evidence import parse_evidence
from shared.domain.ids import (
    JobName,
    cycle_id_of,
    deployed_version,
    deployment_name,
    is_model_name,
)
from shared.domain.jobs import Baseline, MetricPair
from shared.errors import EvidenceError

DOCUMENT = {
    "format": 1,
    "champion_version": "7",
    "metrics": [{"name": "r2", "goal": "max", "challenger": 0.46, "champion": 0.43, "floor": 0.3}],
    "rows": {"train": 353, "test": 89},
    "data_version": CYCLE,
    "data_sha256": "d",
    "test_rows_sha256": "t",
    "config_sha256": "c",
    "reference": "challenger/reference.profile",
}


def parse(**changes):
    text = json.dumps(DOCUMENT | changes)
    return parse_evidence(text, job_name=JOB, location="evidence/m/j")


def test_evidence_document_is_read_as_a_fact():
    fact = parse()

    assert fact.cycle_id == CYCLE
    assert fact.metrics == (MetricPair("r2", "max", 0.46, 0.43, 0.3),)
    assert (fact.champion_version, fact.test_rows) == ("7", 89)
    assert len(fact.sha256) == 64


def test_what_a_model_without_features_reaches_and_warnings_are_read():
    (older,) = DOCUMENT["metrics"]
    found = {"value": 0.1, "answer": "'no'", "decides": True}
    fact = parse(metrics=[older | {"about": "of no", "baseline": found}], warnings=["Look."])

    assert fact.metrics[0].baseline == Baseline(0.1, "'no'", decides=True)
    assert (fact.metrics[0].about, fact.warnings) == ("of no", ("Look.",))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "has format 2"),
        ({"metrics": [{"name": "r2", "goal": "up", "challenger": 1}]}, "neither min nor max"),
        ({"metrics": [{"name": "r2", "goal": "max", "challenger": None}]}, "no value"),
        ({"metrics": [{"name": "r2", "goal": "max", "challenger": "nan"}]}, "finite"),
        ({"rows": {"train": 1}}, "test"),
        ({"rows": None}, "cannot be read"),
        ({"rows": {"train": float("inf"), "test": 1}}, "cannot be read"),
    ],
)
def test_invalid_evidence_is_refused_with_the_reason(changes, said):
    with pytest.raises(EvidenceError, match=said):
        parse(**changes)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\ufffd", "[" * 100_000])
def test_evidence_that_is_not_a_json_object_is_refused(text):
    with pytest.raises(EvidenceError):
        parse_evidence(text, job_name=JOB, location="x")


def test_job_name_encodes_kind_cycle_and_attempt():
    assert JobName.parse(JOB) == JobName("retrain", CYCLE, 1)
    assert str(JobName("evaluate", CYCLE, 2)) == f"evaluate-{CYCLE}-2"
    for foreign in ("retrain-x-1", "sleepy_carrot_9", f"retrain-{CYCLE}", f"{JOB}\n"):
        assert JobName.parse(foreign) is None


def test_cycle_id_is_deterministic_and_differs_between_models():
    first = cycle_id_of("diabetes", "blob:landing/diabetes/a.csv@0x1")

    assert first == cycle_id_of("diabetes", "blob:landing/diabetes/a.csv@0x1")
    assert first != cycle_id_of("iris", "blob:landing/diabetes/a.csv@0x1")
    assert len(first) == 12


def test_deployment_name_encodes_the_version():
    assert deployed_version(deployment_name("12")) == "12"
    assert deployed_version("blue") is None


@pytest.mark.parametrize("name", ["", "Diabetes", "1st", "a/b", "_x", "a" * 40, "a\n"])
def test_invalid_model_name_is_rejected(name):
    assert not is_model_name(name)
