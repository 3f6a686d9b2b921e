"""Collected rows against a reference, through real blobs; statistics have their own tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.drift import save_profile
from ml.model_config import MODELS, read_model
from ml.reference.profile import reference_profile
from shared.adapters.blob_data import BlobEvidence
from shared.adapters.drift_checks import CollectedDriftChecks
from shared.adapters.drift_process import compare_in_process
from shared.adapters.model_catalog import FolderCatalog
from shared.adapters.storage_account import StorageAccount
from shared.domain.drift import CheckDrift, DriftVerdict, ReadDriftCheck
from shared.domain.state import Champion, State
from shared.errors import EvidenceError, NotThereYetError
from shared.ports.drift import CollectedFiles, Comparison
from shared.ports.jobs import DriftJobRequest, SubmittedJob
from shared.usecases.check_drift import fingerprint
from shared.usecases.performers.drift import check_drift, read_drift_check
from shared.usecases.read_drift_report import ReadDriftReport

pytestmark = pytest.mark.azurite

NOON_UTC = datetime(2026, 3, 14, 12, 30, tzinfo=UTC)
EFFECT = CheckDrift(date(2026, 3, 14), "7", NOON_UTC - timedelta(days=1), NOON_UTC)
EVIDENCE = "evidence/diabetes/retrain-0123456789ab-1"
REFERENCE = "challenger/reference.profile"
DIABETES = read_model("diabetes", MODELS)


def comparison() -> Comparison:
    return Comparison(
        model="diabetes",
        check=EFFECT,
        profile=REFERENCE,
        files=CollectedFiles((), (), ()),
        past=(),
        baseline=None,
    )


def champion(reference: str | None = REFERENCE) -> Champion:
    return Champion("7", NOON_UTC, 5, evidence=EVIDENCE if reference else None, reference=reference)


def frame(rows: int, *, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {
        name: rng.normal(shift, 1.0, rows)
        if DIABETES.column(name).type == "number"
        else rng.integers(1, 3, rows)  # sex, as the contract has it
        for name in DIABETES.features
    }
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    path = tmp_path_factory.mktemp("profile") / "reference.profile"
    rows = frame(400, seed=1)
    save_profile(reference_profile(rows.assign(target=rows["bmi"] * 10 + 100), DIABETES), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def account(azurite):
    return StorageAccount(azurite.connection_string())


@pytest.fixture
def container(account, profile):
    client = account.blobs().create_container(f"ws-{np.random.default_rng().integers(10**12)}")
    client.upload_blob(f"{EVIDENCE}/{REFERENCE}", profile)
    return client


@pytest.fixture
def checks(account, container):
    return CollectedDriftChecks(
        workspace=account,
        container=container.container_name,
        data=account,
        data_container=container.container_name,
        endpoint_name=lambda model: f"local-{model}",
    )


@dataclass
class Submissions:
    """Records submitted jobs, and never runs them."""

    submitted: list[DriftJobRequest] = field(default_factory=list)

    def submit_drift(self, job):
        self.submitted.append(job)
        return SubmittedJob("7")


@pytest.fixture
def submissions():
    return Submissions()


@pytest.fixture
def check(account, container, checks, submissions):
    """Perform the effect over the real storage."""

    def make(effect=EFFECT, *, reference=REFERENCE, limit_bytes=10_000_000):
        return check_drift(
            effect,
            State("diabetes", champion=champion(reference)),
            catalog=FolderCatalog(),
            drift_checks=checks,
            evidence=BlobEvidence(account, container=container.container_name),
            jobs=submissions,
            limit_bytes=limit_bytes,
        )

    return make


@pytest.fixture
def report(checks):
    return ReadDriftReport(FolderCatalog(), checks)


def collect(
    container, rows: pd.DataFrame, moment: datetime, deployment="version-7", name="instance"
):
    event = {
        "id": f"{moment}-{len(rows)}",
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": rows.to_dict("records"),
    }
    path = (
        f"modelDataCollector/local-diabetes/{deployment}/model_inputs/"
        f"{moment:%Y/%m/%d/%H}/{name}.jsonl"
    )
    body = json.dumps(event) + '\n{"time": "2026-03-14T12:00:00Z", "da'  # the writer crashed
    container.upload_blob(path, body.encode())


def test_shifted_rows_are_reported_as_drift_with_figures_and_a_report(check, report, container):
    collect(container, frame(300, seed=2, shift=1.0), NOON_UTC - timedelta(hours=1))

    fact = check()

    assert fact.verdict is DriftVerdict.DRIFT
    assert (fact.current_rows, fact.reference_rows) == (300, 400)
    leading = fact.signals[0]
    assert leading.statistic > leading.threshold
    assert (leading.measure, leading.role, leading.since) == ("distance", "feature", EFFECT.day)
    assert 0 < leading.alarm_share <= 1
    assert (fact.window_start_utc, fact.window_end_utc) == (
        EFFECT.window_start_utc,
        EFFECT.window_end_utc,
    )
    folder = "drift/diabetes/version-7/2026-03-14"
    assert fact.report == f"{container.container_name}/{folder}/report.html"
    assert {blob.name for blob in container.list_blobs(name_starts_with=folder)} == {
        f"{folder}/{name}" for name in ("check.json", "drift.json", "report.html")
    }
    found = report("diabetes", EFFECT.day)
    assert b"<html" in found.page.lower()
    assert json.loads(found.document)["verdict"] == "drift"
    assert found.path == fact.report


def test_unchanged_rows_are_not_drift_and_rows_outside_the_window_do_not_count(check, container):
    collect(container, frame(300, seed=3), NOON_UTC - timedelta(hours=2))
    collect(container, frame(50, seed=4, shift=9.0), NOON_UTC + timedelta(minutes=1))
    before = NOON_UTC - timedelta(days=1, minutes=1)
    collect(container, frame(50, seed=5, shift=9.0), before, "version-6")

    fact = check()

    assert fact.verdict is DriftVerdict.NO_DRIFT
    assert fact.current_rows == 300


def test_late_rows_change_the_fingerprint_and_the_revision_gets_its_own_report(
    check, checks, report, container
):
    collect(container, frame(20, seed=3), NOON_UTC - timedelta(hours=2))
    first = check()
    assert first.verdict is DriftVerdict.NOT_ENOUGH_DATA
    window = {"start_utc": EFFECT.window_start_utc, "end_utc": EFFECT.window_end_utc}
    assert fingerprint(checks.inputs("diabetes", **window)) == first.collected

    late = NOON_UTC - timedelta(hours=2)
    collect(container, frame(300, seed=4, shift=1.0), late, name="late")
    assert fingerprint(checks.inputs("diabetes", **window)) != first.collected
    second = check(replace(EFFECT, revision=1))

    assert second.verdict is DriftVerdict.DRIFT
    assert second.current_rows == 320
    assert second.key == f"{first.key}:r1"
    assert second.report != first.report
    assert report("diabetes", EFFECT.day).stored.revision == 1


def test_first_day_of_a_signal_is_taken_from_earlier_results(check, container):
    day_before = replace(
        EFFECT,
        day=date(2026, 3, 13),
        window_start_utc=EFFECT.window_start_utc - timedelta(days=1),
        window_end_utc=EFFECT.window_end_utc - timedelta(days=1),
    )
    collect(container, frame(300, seed=2, shift=1.0), NOON_UTC - timedelta(days=1, hours=3))
    collect(container, frame(300, seed=6, shift=1.0), NOON_UTC - timedelta(hours=3))
    check(day_before)

    fact = check()

    assert {signal.since for signal in fact.signals if signal.statistic > signal.threshold} == {
        day_before.day
    }


def test_window_without_rows_is_not_enough_data(check):
    fact = check()

    assert fact.verdict is DriftVerdict.NOT_ENOUGH_DATA
    assert fact.sentence.startswith("Not enough data")


@pytest.mark.parametrize("reference", [None, "reference.parquet"])
def test_champion_without_a_profile_is_not_enough_data(check, reference):
    fact = check(reference=reference)

    assert fact.verdict is DriftVerdict.NOT_ENOUGH_DATA
    assert "No reference is known for version 7" in fact.sentence


def test_missing_reference_raises_an_evidence_error(check, container):
    container.delete_blob(f"{EVIDENCE}/{REFERENCE}")

    with pytest.raises(EvidenceError, match="is gone"):
        check()


def test_corrupt_reference_raises_an_evidence_error(check, container):
    container.upload_blob(f"{EVIDENCE}/{REFERENCE}", b"no profile", overwrite=True)

    with pytest.raises(EvidenceError, match=r"^reference\.profile is not a profile"):
        check()


def test_crash_of_the_comparison_process_raises_with_the_end_of_its_output(tmp_path, profile):
    (tmp_path / "reference.profile").write_bytes(profile)
    (tmp_path / "check").write_text("a file where the results go")

    with pytest.raises(
        RuntimeError, match=r"(?s)check of diabetes ended with code 1: .*FileExistsError"
    ):
        compare_in_process(comparison(), tmp_path)


def test_comparison_process_writes_its_results_into_its_folder(tmp_path, profile):
    (tmp_path / "reference.profile").write_bytes(profile)

    found = compare_in_process(comparison(), tmp_path)

    assert found.result.verdict == "not enough data"
    assert sorted(path.name for path in (tmp_path / "check").iterdir()) == [
        "check.json",
        "drift.json",
        "report.html",
    ]


def test_window_over_the_limit_is_checked_by_a_job_with_the_same_result(
    check, checks, submissions, container
):
    collect(container, frame(300, seed=2, shift=1.0), NOON_UTC - timedelta(hours=1))
    small = check()
    container.delete_blob("drift/diabetes/version-7/2026-03-14/check.json")

    submitted = check(limit_bytes=1000)

    (job,) = submissions.submitted
    assert submitted.job_name == job.name == EFFECT.job_name("diabetes")
    assert job.comparison.files.size_bytes > 1000
    assert job.comparison.profile == f"{EVIDENCE}/{REFERENCE}"
    read = ReadDriftCheck(job.name, EFFECT, collected=submitted.collected)
    with pytest.raises(NotThereYetError):
        read_drift_check(read, State("diabetes"), drift_checks=checks)

    check()  # what the job writes, by the same code
    assert read_drift_check(read, State("diabetes"), drift_checks=checks) == small


def test_day_that_was_not_checked_has_no_report(report):
    assert report("diabetes", date(2026, 3, 1)) is None
