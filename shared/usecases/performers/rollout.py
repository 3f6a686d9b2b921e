"""Deploy, smoke test, shift traffic, retire: each observes the endpoint and takes the next step."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.ids import deployment_name
from shared.domain.notices import EffectDone
from shared.domain.retraining import RetrainDecided
from shared.domain.rollout import (
    ChampionPromoted,
    DeploymentFailed,
    DeploymentReady,
    DeploymentStarted,
    TrafficChangedOutside,
)
from shared.domain.traffic import Traffic, read_traffic
from shared.errors import NotThereYetError, RequestRefusedError, ServiceBusyError
from shared.ports.endpoints import Provisioning
from shared.usecases.performers.performer import Wait

if TYPE_CHECKING:
    from shared.domain.rollout import (
        Deploy,
        RestoreTraffic,
        RetireDeployment,
        ShiftTraffic,
        WatchDeployment,
    )
    from shared.domain.state import State
    from shared.ports.endpoints import Answer, EndpointReport, Endpoints
    from shared.ports.jobs import Evidence

_NO_ROWS = b"{}"


def deploy(
    effect: Deploy, state: State, *, endpoints: Endpoints
) -> DeploymentStarted | DeploymentFailed | Wait:
    """Create the endpoint if it does not exist, then the deployment with no traffic."""
    try:
        return _deploy(effect, state.model, endpoints)
    except RequestRefusedError as exc:
        return DeploymentFailed(effect.cycle_id, effect.version, str(exc))


def _deploy(
    effect: Deploy, model: str, endpoints: Endpoints
) -> DeploymentStarted | DeploymentFailed | Wait:
    endpoint = endpoints.endpoint(model)
    if endpoint is not None and endpoint.state is Provisioning.WORKING:
        return Wait("the endpoint")
    if endpoint is None or _may_be_created_again(endpoint, effect):
        endpoints.create_endpoint(model, cycle_id=effect.cycle_id, fact_seq=effect.fact_seq)
        return Wait("the endpoint")
    if endpoint.state is Provisioning.FAILED:
        sentence = sentences.endpoint_failed(endpoint.name)
        return DeploymentFailed(effect.cycle_id, effect.version, sentence)
    name = deployment_name(effect.version)
    if endpoints.deployment(model, name) is None:
        endpoints.create_deployment(
            model,
            name,
            version=effect.version,
            cycle_id=effect.cycle_id,
            fact_seq=effect.fact_seq,
        )
    return DeploymentStarted(effect.cycle_id, effect.version)


def _may_be_created_again(endpoint: EndpointReport, effect: Deploy) -> bool:
    """Whether a failed endpoint may be recreated: once per cycle and only without traffic."""
    failed = endpoint.state is Provisioning.FAILED
    return failed and endpoint.fact_seq != effect.fact_seq and not endpoint.traffic


def watch_deployment(
    effect: WatchDeployment, state: State, *, endpoints: Endpoints, evidence: Evidence
) -> DeploymentReady | DeploymentFailed | Wait:
    """Poll the deployment, then smoke-test it: it must pass before it gets traffic."""
    model, name = state.model, deployment_name(effect.version)
    report = endpoints.deployment(model, name)
    if report is None:
        raise NotThereYetError(f"deployment {name} of {model} was started, but is not there")
    if report.state is Provisioning.WORKING:
        return Wait(f"deployment {name}")
    if report.state is Provisioning.FAILED:
        sentence = sentences.deployment_did_not_start(name, report.message)
        return DeploymentFailed(effect.cycle_id, effect.version, sentence)
    sample = evidence.sample_request(evidence.location(model, effect.job_name))
    answer = endpoints.score(model, name, _NO_ROWS if sample is None else sample)
    if _passed(answer, sample):
        sentence = sentences.smoke_test_passed(name, answer.took)
        return DeploymentReady(effect.cycle_id, effect.version, sentence)
    sentence = sentences.smoke_test_failed(name, answer.status, answer.error or answer.text)
    return DeploymentFailed(effect.cycle_id, effect.version, sentence)


def _passed(answer: Answer, sample: bytes | None) -> bool:
    """Whether it predicted the sample; without a sample, an error with a message will do."""
    if sample is None and answer.status == HTTPStatus.BAD_REQUEST:
        return answer.error is not None
    return answer.status == HTTPStatus.OK and answer.predictions > 0


def shift_traffic(
    effect: ShiftTraffic, state: State, *, endpoints: Endpoints
) -> ChampionPromoted | TrafficChangedOutside | Wait:
    """Move all traffic in one update with its tags; done once the observed traffic agrees.

    If a person changed the traffic in the meantime, that is recorded and not overwritten.
    """
    model, goal = state.model, {deployment_name(effect.version): 100}
    endpoint = endpoints.endpoint(model)
    if endpoint is None:
        raise NotThereYetError(f"the endpoint of {model} is gone; a new cycle creates it again")
    if endpoint.state is Provisioning.FAILED:
        raise ServiceBusyError(f"the endpoint {endpoint.name} failed; Azure ML studio shows why")
    if endpoint.state is Provisioning.WORKING:
        return Wait("traffic")
    if endpoint.fact_seq != effect.fact_seq:
        reading = read_traffic(state, endpoint.traffic, tag=endpoint.fact_seq)
        if reading.kind is Traffic.OUTSIDE:
            return TrafficChangedOutside(reading.version, reading.observed, state.count)
    elif endpoint.traffic == goal:
        return _promoted(effect, state)
    endpoints.set_traffic(model, goal, cycle_id=effect.cycle_id, fact_seq=effect.fact_seq)
    return Wait("traffic")


def _promoted(effect: ShiftTraffic, state: State) -> ChampionPromoted | Wait:
    decision = state.cycle.one(RetrainDecided) if state.cycle else None
    if decision is None:
        return Wait("nothing: its cycle is over")
    return ChampionPromoted(
        effect.cycle_id,
        effect.version,
        over=effect.over,
        fact_seq=effect.fact_seq,
        soak=decision.soak,
    )


def restore_traffic(
    effect: RestoreTraffic, state: State, *, endpoints: Endpoints
) -> EffectDone | Wait:
    """Give the champion back the traffic that an outdated write of ours (paused host) took."""
    endpoint = endpoints.endpoint(state.model)
    if not _is_champion(effect.version, state) or endpoint is None:
        return EffectDone(effect.key)
    goal = {deployment_name(effect.version): 100}
    if endpoint.state is Provisioning.WORKING:
        return Wait("traffic")
    if endpoint.traffic == goal and endpoint.fact_seq == effect.fact_seq:
        return EffectDone(effect.key)
    endpoints.set_traffic(state.model, goal, cycle_id=effect.cycle_id, fact_seq=effect.fact_seq)
    return Wait("traffic")


def retire_deployment(
    effect: RetireDeployment, state: State, *, endpoints: Endpoints
) -> EffectDone | Wait:
    """Delete a deployment, unless it is the champion's or a person gave it traffic."""
    model, name = state.model, deployment_name(effect.version)
    endpoint = endpoints.endpoint(model)
    if _is_champion(effect.version, state) or endpoint is None or endpoint.traffic.get(name):
        return EffectDone(effect.key)
    report = endpoints.deployment(model, name)
    if report is None:
        return EffectDone(effect.key)
    if Provisioning.WORKING not in (report.state, endpoint.state):
        endpoints.delete_deployment(model, name)
    return Wait(f"deployment {name} to be deleted")


def _is_champion(version: str, state: State) -> bool:
    return state.champion is not None and state.champion.version == version
