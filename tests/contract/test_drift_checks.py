"""Collected rows against a reference, through real blobs; statistics have their own tests."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.model_config import MODELS, read_model
from shared.adapters.drift_checks import CollectedDriftChecks
from shared.adapters.storage_account import StorageAccount
from shared.domain.effects import CheckDrift
from shared.domain.facts import DriftVerdict
from shared.domain.state import Champion
from shared.errors import EvidenceError

NOON_UTC = datetime(2026, 3, 14, 12, 30, tzinfo=UTC)
EFFECT = CheckDrift(date(2026, 3, 14), "7", NOON_UTC - timedelta(days=1), NOON_UTC)


def champion(reference: str | None = "reference.parquet") -> Champion:
    evidence = "evidence/diabetes/retrain-0123456789ab-1" if reference else None
    return Champion("7", NOON_UTC, 5, evidence=evidence, reference=reference)


def frame(rows: int, *, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    config = read_model("diabetes", MODELS)
    columns = {
        name: rng.normal(shift, 1.0, rows)
        if config.column(name).numeric
        else rng.integers(1, 3, rows)  # sex, as the contract has it
        for name in config.features
    }
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def account(azurite):
    return StorageAccount(azurite.connection_string())


@pytest.fixture
def container(account):
    client = account.blobs().create_container(f"ws-{np.random.default_rng().integers(10**12)}")
    buffer = io.BytesIO()
    frame(400, seed=1).to_parquet(buffer)
    client.upload_blob(f"{champion().evidence}/reference.parquet", buffer.getvalue())
    return client


@pytest.fixture
def checks(account, container):
    return CollectedDriftChecks(
        account,
        container=container.container_name,
        endpoint_name=lambda model: f"local-{model}",
        limit_bytes=1_000_000,
    )


def collect(container, rows: pd.DataFrame, moment: datetime, deployment: str = "version-7"):
    event = {"time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "data": rows.to_dict("records")}
    path = (
        f"modelDataCollector/local-diabetes/{deployment}/model_inputs/"
        f"{moment:%Y/%m/%d/%H}/instance.jsonl"
    )
    body = json.dumps(event) + '\n{"time": "2026-03-14T12:00:00Z", "da'  # the writer crashed
    container.upload_blob(path, body.encode())


@pytest.mark.azurite
class TestCollectedDriftChecks:
    def test_moved_rows_are_drift_with_a_report(self, checks, container):
        collect(container, frame(300, seed=2, shift=1.0), NOON_UTC - timedelta(hours=1))

        fact = checks.check("diabetes", champion(), EFFECT)

        assert fact.verdict is DriftVerdict.DRIFT
        assert fact.current_rows == 300
        assert fact.reference_rows == 400
        assert fact.signals[0].statistic == pytest.approx(1.0, abs=0.3)
        assert fact.report == (
            f"{container.container_name}/drift/diabetes/2026-03-14-version-7.html"
        )
        page = container.download_blob("drift/diabetes/2026-03-14-version-7.html").readall()
        assert b"champion version 7" in page

    def test_rows_of_the_same_kind_are_none_and_only_the_window_counts(self, checks, container):
        collect(container, frame(300, seed=3), NOON_UTC - timedelta(hours=2))
        collect(container, frame(50, seed=4, shift=9.0), NOON_UTC + timedelta(minutes=1))
        collect(
            container, frame(50, seed=5, shift=9.0), NOON_UTC - timedelta(days=1, minutes=1), "v-6"
        )

        fact = checks.check("diabetes", champion(), EFFECT)

        assert fact.verdict is DriftVerdict.NO_DRIFT
        assert fact.current_rows == 300

    def test_without_rows_there_is_not_enough_data(self, checks):
        fact = checks.check("diabetes", champion(), EFFECT)

        assert fact.verdict is DriftVerdict.NOT_ENOUGH_DATA
        assert fact.sentence.startswith("Not enough data: 0 rows arrived")

    def test_a_champion_put_there_by_a_person_has_no_reference(self, checks):
        fact = checks.check("diabetes", champion(reference=None), EFFECT)

        assert fact.verdict is DriftVerdict.NOT_ENOUGH_DATA
        assert "No reference is known for version 7" in fact.sentence

    def test_a_reference_that_is_gone_is_said_so(self, checks, container):
        container.delete_blob(f"{champion().evidence}/reference.parquet")

        with pytest.raises(EvidenceError, match="is gone"):
            checks.check("diabetes", champion(), EFFECT)

    def test_a_window_over_the_limit_is_thinned_out_evenly(self, account, container):
        moment = NOON_UTC - timedelta(hours=1)
        event = {"time": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}
        lines = [
            json.dumps(event | {"data": frame(1, seed=number).to_dict("records")})
            for number in range(900)
        ]
        body = "\n".join(lines).encode()
        path = f"modelDataCollector/local-diabetes/version-7/model_inputs/{moment:%Y/%m/%d/%H}"
        container.upload_blob(f"{path}/a.jsonl", body)
        checks = CollectedDriftChecks(
            account,
            container=container.container_name,
            endpoint_name=lambda model: f"local-{model}",
            limit_bytes=len(body) // 3 + 1,
        )

        assert checks.check("diabetes", champion(), EFFECT).current_rows == 300
