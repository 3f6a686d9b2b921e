"""Registers the performer of each effect with the ports it uses; the only list of performers."""

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
from shared.domain.retraining import ResumeRetraining
from shared.domain.rollout import (
    Deploy,
    RestoreTraffic,
    RetireDeployment,
    ShiftTraffic,
    TagModel,
    WatchDeployment,
)
from shared.usecases.perform_effect import Performers
from shared.usecases.performers.jobs import evaluate, find_challenger, submit_job, watch_job
from shared.usecases.performers.notices import publish_drift, raise_alert, tag_drift, tag_model
from shared.usecases.performers.retraining import resume_retraining
from shared.usecases.performers.rollout import (
    deploy,
    restore_traffic,
    retire_deployment,
    shift_traffic,
    watch_deployment,
)

if TYPE_CHECKING:
    from functions._ports import Ports
    from shared.domain.data import DataRegistered, DataTested
    from shared.domain.drift import DriftChecked
    from shared.domain.jobs import JobSubmitted
    from shared.domain.notices import EffectDone
    from shared.domain.state import State
    from shared.usecases.performers.performer import Wait


def performers_over(ports: Ports) -> Performers:
    """Register every performer; an adapter is made when an effect first needs its port."""
    performers = Performers()
    add = performers.register
    add(TestData, lambda effect, state: _test_data(effect, state, ports))
    add(RegisterData, lambda effect, state: _register_data(effect, state, ports))
    add(
        SubmitJob,
        lambda effect, state: submit_job(effect, state, jobs=ports.jobs, catalog=ports.catalog),
    )
    add(WatchJob, lambda effect, _: watch_job(effect, jobs=ports.jobs))
    add(WatchDriftJob, lambda effect, _: watch_job(effect, jobs=ports.jobs))
    add(
        FindChallenger,
        lambda effect, state: find_challenger(effect, state, registry=ports.registry),
    )
    add(Evaluate, lambda effect, state: evaluate(effect, state, evidence=ports.evidence))
    add(Deploy, lambda effect, state: deploy(effect, state, endpoints=ports.endpoints))
    add(
        WatchDeployment,
        lambda effect, state: watch_deployment(
            effect, state, endpoints=ports.endpoints, evidence=ports.evidence
        ),
    )
    add(ShiftTraffic, lambda effect, state: shift_traffic(effect, state, endpoints=ports.endpoints))
    add(
        RestoreTraffic,
        lambda effect, state: restore_traffic(effect, state, endpoints=ports.endpoints),
    )
    add(
        RetireDeployment,
        lambda effect, state: retire_deployment(effect, state, endpoints=ports.endpoints),
    )
    add(CheckDrift, lambda effect, state: _check_drift(effect, state, ports))
    add(ReadDriftCheck, lambda effect, state: _read_drift_check(effect, state, ports))
    add(TagModel, lambda effect, state: tag_model(effect, state, registry=ports.registry))
    add(TagDrift, lambda effect, state: tag_drift(effect, state, registry=ports.registry))
    add(PublishDrift, lambda effect, state: publish_drift(effect, state, publisher=ports.publisher))
    add(RaiseAlert, lambda effect, state: raise_alert(effect, state, alerts=ports.alerts))
    add(ResumeRetraining, lambda effect, _: resume_retraining(effect))
    return performers


# What costs milliseconds of imports is imported by the first effect that needs it.


def _register_data(effect: RegisterData, state: State, ports: Ports) -> DataRegistered:
    from shared.usecases.performers.register_data import register_data  # noqa: PLC0415 - see above

    return register_data(
        effect,
        state,
        ledger=ports.ledger,
        catalog=ports.catalog,
        data=ports.data,
        registry=ports.registry,
    )


def _test_data(effect: TestData, state: State, ports: Ports) -> DataTested | Wait:
    from shared.usecases.performers.data import TestFiles  # noqa: PLC0415 - see above
    from shared.usecases.performers.files import SettleFile  # noqa: PLC0415 - same
    from shared.usecases.performers.large_files import LargeFiles  # noqa: PLC0415 - same
    from shared.usecases.performers.small_files import SmallFiles  # noqa: PLC0415 - same

    settle = SettleFile(data=ports.data, quarantine=ports.quarantine)
    test_files = TestFiles(
        ledger=ports.ledger,
        data=ports.data,
        data_tests=ports.data_tests,
        settle=settle,
        large_files=LargeFiles(
            data=ports.data,
            data_tests=ports.data_tests,
            jobs=ports.jobs,
            evidence=ports.evidence,
            settle=settle,
        ),
        small_files=SmallFiles(ledger=ports.ledger, data=ports.data, settle=settle),
        limit_bytes=ports.data_limit_bytes,
    )
    return test_files(effect, state)


def _check_drift(
    effect: CheckDrift, state: State, ports: Ports
) -> DriftChecked | JobSubmitted | EffectDone:
    from shared.usecases.performers.drift import check_drift  # noqa: PLC0415 - see above

    return check_drift(
        effect,
        state,
        catalog=ports.catalog,
        drift_checks=ports.drift_checks,
        evidence=ports.evidence,
        jobs=ports.jobs,
        limit_bytes=ports.data_limit_bytes,
    )


def _read_drift_check(effect: ReadDriftCheck, state: State, ports: Ports) -> DriftChecked:
    from shared.usecases.performers.drift import read_drift_check  # noqa: PLC0415 - see above

    return read_drift_check(effect, state, drift_checks=ports.drift_checks)
