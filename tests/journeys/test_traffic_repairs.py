"""Traffic that differs from the ledger: a manual change is respected, a stale write repaired."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chances import POLICY
from simulated_world import World

from shared.domain.rollout import TrafficChangedOutside, TrafficFoundStale


def with_champion(**kwargs) -> World:
    world = World(**kwargs)
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()
    return world


def facts(world, kind):
    return [e.fact for e in world.ledger.entries("diabetes") if isinstance(e.fact, kind)]


def test_traffic_shifted_manually_is_respected_and_recorded_once():
    world = with_champion(policies={"diabetes": replace(POLICY, soak=timedelta(days=1))})
    world.upload("diabetes/second.csv", b"c\nd\n")
    while world.ledger.head("diabetes").state.champion.version != "2":
        world.run_for(timedelta(minutes=1))
    assert world.endpoints.deployments("diabetes") == ["version-1", "version-2"]

    world.endpoints.change_by_hand("diabetes", {"version-1": 100})
    world.run_for(timedelta(hours=1))

    assert [fact.version for fact in facts(world, TrafficChangedOutside)] == ["1"]
    state = world.ledger.head("diabetes").state
    assert state.champion is not None
    assert state.champion.version == "1"
    assert "version-1" in world.endpoints.deployments("diabetes")
    assert any(
        "changed outside: version-1 100 %" in alert.sentence
        for alert in world.ports.alerts.sent.values()
    )


def test_traffic_split_manually_is_recorded_once_and_left_alone():
    world = with_champion()
    world.endpoints._endpoints["diabetes"].deployments["blue"] = world.endpoints._endpoints[
        "diabetes"
    ].deployments["version-1"]

    world.endpoints.change_by_hand("diabetes", {"version-1": 50, "blue": 50})
    world.run_for(timedelta(hours=2))

    assert len(facts(world, TrafficChangedOutside)) == 1
    endpoint = world.endpoints.endpoint("diabetes")
    assert endpoint is not None
    assert endpoint.traffic == {"version-1": 50, "blue": 50}


def test_stale_traffic_write_of_a_paused_host_is_repaired():
    world = with_champion()
    world.upload("diabetes/second.csv", b"c\nd\n")
    world.run_for(timedelta(minutes=20))
    while world.ledger.head("diabetes").state.champion.version != "2":
        world.run_for(timedelta(minutes=1))

    world.endpoints.overwrite("diabetes", {"version-1": 100}, fact_seq=3)
    world.run_until_quiet()

    assert len(facts(world, TrafficFoundStale)) == 1
    endpoint = world.endpoints.endpoint("diabetes")
    assert endpoint is not None
    assert endpoint.traffic == {"version-2": 100}
    assert endpoint.fact_seq == world.ledger.head("diabetes").state.champion.fact_seq
