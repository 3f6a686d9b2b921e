"""Which performer performs which effect, over the app's ports: the only list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.data import RegisterData, TestData
from shared.domain.drift import (
    CheckDrift,
    PublishDrift,
    ReadDriftCheck,
    TagDrift,
    WatchDriftJob,
)
from shared.domain.jobs import Evaluate, FindChallenger, SubmitJob, WatchJob
from shared.domain.notices import RaiseAlert
from shared.domain.rollout import (
    Deploy,
    RestoreTraffic,
    RetireDeployment,
    ShiftTraffic,
    TagModel,
    WatchDeployment,
)
from shared.usecases.performers.drift import check_drift, read_drift_check
from shared.usecases.performers.jobs import evaluate, find_challenger, submit_job, watch_job
from shared.usecases.performers.notices import publish_drift, raise_alert, tag_drift, tag_model
from shared.usecases.performers.performer import Performers
from shared.usecases.performers.rollout import (
    deploy,
    restore_traffic,
    retire_deployment,
    shift_traffic,
    watch_deployment,
)

if TYPE_CHECKING:
    from functions._app import App
    from shared.domain.data import DataRegistered, DataTested
    from shared.domain.state import State
    from shared.usecases.performers.performer import Wait


def performers_over(app: App) -> Performers:
    """The app makes the adapters behind a port when the first effect that needs it is due."""
    performers = Performers()
    add = performers.register
    add(TestData, lambda effect, state: _test_data(effect, state, app))
    add(RegisterData, lambda effect, state: _register_data(effect, state, app))
    add(SubmitJob, lambda effect, state: submit_job(effect, state, jobs=app.jobs))
    add(WatchJob, lambda effect, _: watch_job(effect, jobs=app.jobs))
    add(WatchDriftJob, lambda effect, _: watch_job(effect, jobs=app.jobs))
    add(FindChallenger, lambda effect, state: find_challenger(effect, state, registry=app.registry))
    add(Evaluate, lambda effect, state: evaluate(effect, state, evidence=app.evidence))
    add(Deploy, lambda effect, state: deploy(effect, state, endpoints=app.endpoints))
    add(
        WatchDeployment,
        lambda effect, state: watch_deployment(
            effect, state, endpoints=app.endpoints, evidence=app.evidence
        ),
    )
    add(ShiftTraffic, lambda effect, state: shift_traffic(effect, state, endpoints=app.endpoints))
    add(
        RestoreTraffic,
        lambda effect, state: restore_traffic(effect, state, endpoints=app.endpoints),
    )
    add(
        RetireDeployment,
        lambda effect, state: retire_deployment(effect, state, endpoints=app.endpoints),
    )
    add(
        CheckDrift,
        lambda effect, state: check_drift(
            effect,
            state,
            catalog=app.catalog,
            drift_checks=app.drift_checks,
            evidence=app.evidence,
            jobs=app.jobs,
            limit_bytes=app.data_limit_bytes,
        ),
    )
    add(
        ReadDriftCheck,
        lambda effect, state: read_drift_check(effect, state, drift_checks=app.drift_checks),
    )
    add(TagModel, lambda effect, state: tag_model(effect, state, registry=app.registry))
    add(TagDrift, lambda effect, state: tag_drift(effect, state, registry=app.registry))
    add(PublishDrift, lambda effect, state: publish_drift(effect, state, publisher=app.publisher))
    add(RaiseAlert, lambda effect, state: raise_alert(effect, state, alerts=app.alerts))
    return performers


def _register_data(effect: RegisterData, state: State, app: App) -> DataRegistered:
    from shared.usecases.performers.register_data import register_data  # noqa: PLC0415 - only here

    return register_data(effect, state, data=app.data, registry=app.registry)


def _test_data(effect: TestData, state: State, app: App) -> DataTested | Wait:
    from shared.usecases.performers.large_files import LargeFiles  # noqa: PLC0415 - only here
    from shared.usecases.performers.settle_file import SettleFile  # noqa: PLC0415 - same
    from shared.usecases.performers.test_files import TestFiles  # noqa: PLC0415 - same

    settle = SettleFile(data=app.data, quarantine=app.quarantine)
    test_files = TestFiles(
        ledger=app.ledger,
        data=app.data,
        data_tests=app.data_tests,
        settle=settle,
        large_files=LargeFiles(
            data=app.data,
            data_tests=app.data_tests,
            jobs=app.jobs,
            evidence=app.evidence,
            settle=settle,
        ),
        limit_bytes=app.data_limit_bytes,
    )
    return test_files(effect, state)
