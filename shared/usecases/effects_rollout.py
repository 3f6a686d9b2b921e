"""Deploy, try, shift traffic, retire: each step looks at what is there and does the next thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.facts import (
    ChampionPromoted,
    DeploymentFailed,
    DeploymentReady,
    DeploymentStarted,
    EffectDone,
    RetrainDecided,
    TrafficChangedOutside,
)
from shared.domain.ids import deployment_name
from shared.domain.traffic import Traffic, read_traffic
from shared.errors import NotThereYetError, RequestRefusedError, ServiceBusyError
from shared.ports.endpoints import Provisioning
from shared.usecases.effects_jobs import Wait

if TYPE_CHECKING:
    from shared.domain.effects import (
        Deploy,
        RestoreTraffic,
        RetireDeployment,
        ShiftTraffic,
        WatchDeployment,
    )
    from shared.domain.state import State
    from shared.ports.endpoints import EndpointReport
    from shared.usecases.effect_ports import EffectPorts


def deploy(
    model: str, effect: Deploy, ports: EffectPorts
) -> DeploymentStarted | DeploymentFailed | Wait:
    """The endpoint first, where there is none, then the deployment with no traffic."""
    name = deployment_name(effect.version)
    try:
        endpoint = ports.endpoints.endpoint(model)
        if endpoint is None:
            ports.endpoints.create_endpoint(
                model, cycle_id=effect.cycle_id, fact_seq=effect.fact_seq
            )
            return Wait("the endpoint")
        if endpoint.state is Provisioning.WORKING:
            return Wait("the endpoint")
        if endpoint.state is Provisioning.FAILED:
            if endpoint.fact_seq != effect.fact_seq and not endpoint.traffic:
                # An earlier cycle's failure: once a cycle it is tried anew, while nobody uses it.
                ports.endpoints.create_endpoint(
                    model, cycle_id=effect.cycle_id, fact_seq=effect.fact_seq
                )
                return Wait("the endpoint")
            sentence = f"the endpoint could not be set up: {endpoint.message}"
            return DeploymentFailed(effect.cycle_id, effect.version, sentence)
        if ports.endpoints.deployment(model, name) is None:
            ports.endpoints.create_deployment(
                model,
                name,
                version=effect.version,
                cycle_id=effect.cycle_id,
                fact_seq=effect.fact_seq,
            )
    except RequestRefusedError as exc:
        return DeploymentFailed(effect.cycle_id, effect.version, str(exc))
    return DeploymentStarted(effect.cycle_id, effect.version)


def watch_deployment(
    model: str, effect: WatchDeployment, ports: EffectPorts
) -> DeploymentReady | DeploymentFailed | Wait:
    """Once it is up it must answer a real request before it may get any traffic."""
    name = deployment_name(effect.version)
    report = ports.endpoints.deployment(model, name)
    if report is None:
        raise NotThereYetError(f"deployment {name} of {model} was started, but is not there")
    if report.state is Provisioning.WORKING:
        return Wait(f"deployment {name}")
    if report.state is Provisioning.FAILED:
        sentence = f"deployment {name} did not start: {report.message}"
        return DeploymentFailed(effect.cycle_id, effect.version, sentence)
    location = ports.evidence.location(model, effect.job_name)
    body = ports.evidence.sample_request(location)
    answer = ports.endpoints.smoke_test(model, name, body)
    if not answer.passed:
        sentence = f"smoke test failed: {answer.sentence}"
        return DeploymentFailed(effect.cycle_id, effect.version, sentence)
    return DeploymentReady(effect.cycle_id, effect.version, answer.sentence)


def shift_traffic(
    model: str, effect: ShiftTraffic, state: State, ports: EffectPorts
) -> ChampionPromoted | TrafficChangedOutside | Wait:
    """All of it, in one update with its tags; recorded only once observed traffic agrees."""
    endpoint = ports.endpoints.endpoint(model)
    if endpoint is None:
        raise NotThereYetError(f"the endpoint of {model} is gone; a new cycle creates it again")
    if endpoint.state is Provisioning.FAILED:
        raise ServiceBusyError(f"the endpoint of {model} is in trouble: {endpoint.message}")
    goal = {deployment_name(effect.version): 100}
    if endpoint.state is Provisioning.READY and endpoint.fact_seq == effect.fact_seq:
        if endpoint.traffic == goal:
            return _promoted(effect, state)
    elif endpoint.state is Provisioning.READY:
        reading = read_traffic(state, endpoint.traffic, tag=endpoint.fact_seq)
        if reading.kind is Traffic.OUTSIDE:
            # A person moved it meanwhile: compare with what reigns now, do not overwrite.
            return TrafficChangedOutside(reading.version, reading.observed, state.count)
    if endpoint.state is Provisioning.READY:
        ports.endpoints.set_traffic(model, goal, cycle_id=effect.cycle_id, fact_seq=effect.fact_seq)
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
    model: str, effect: RestoreTraffic, state: State, ports: EffectPorts
) -> EffectDone | Wait:
    """Give the champion back what an older write of ours took."""
    reigns = state.champion is not None and state.champion.version == effect.version
    endpoint = ports.endpoints.endpoint(model)
    if not reigns or endpoint is None:
        return EffectDone(effect.key)
    goal = {deployment_name(effect.version): 100}
    if endpoint.state is Provisioning.WORKING:
        return Wait("traffic")
    if endpoint.traffic == goal and endpoint.fact_seq == effect.fact_seq:
        return EffectDone(effect.key)
    ports.endpoints.set_traffic(model, goal, cycle_id=effect.cycle_id, fact_seq=effect.fact_seq)
    return Wait("traffic")


def retire_deployment(
    model: str, effect: RetireDeployment, state: State, ports: EffectPorts
) -> EffectDone | Wait:
    """Delete it, unless it serves: the champion, or what a person gave traffic to."""
    name = deployment_name(effect.version)
    reigns = state.champion is not None and state.champion.version == effect.version
    endpoint = ports.endpoints.endpoint(model)
    if reigns or endpoint is None or _serves(endpoint, name):
        return EffectDone(effect.key)
    report = ports.endpoints.deployment(model, name)
    if report is None:
        return EffectDone(effect.key)
    if report.state is not Provisioning.WORKING and endpoint.state is not Provisioning.WORKING:
        ports.endpoints.delete_deployment(model, name)
    return Wait(f"deployment {name} to go")


def _serves(endpoint: EndpointReport, name: str) -> bool:
    return endpoint.traffic.get(name, 0) > 0
