"""The whole loop over the doubles."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chances import POLICY
from simulated_world import World

from shared.domain.retraining import Outcome
from shared.usecases.explain import Explain


def test_first_file_trains_a_champion_with_all_traffic():
    world = World()

    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()

    state = world.ledger.head("diabetes").state
    assert state.champion is not None
    assert state.champion.version == "1"
    assert state.past[-1].outcome is Outcome.PROMOTED
    assert state.past[-1].sentence == (
        "Version 1 in production. First model, R² 0.60 is above the floor 0.30."
    )
    endpoint = world.endpoints.endpoint("diabetes")
    assert endpoint is not None
    assert endpoint.traffic == {"version-1": 100}
    assert world.azure_ml.models["diabetes"]["1"].tags["role"] == "champion"


def test_better_second_version_is_promoted_and_the_old_one_retired():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()

    world.upload("diabetes/second.csv", b"c\nd\n")
    world.run_until_quiet()

    state = world.ledger.head("diabetes").state
    assert state.champion is not None
    assert state.champion.version == "2"
    assert world.endpoints.deployments("diabetes") == ["version-2"]
    assert world.azure_ml.models["diabetes"]["1"].tags["role"] == "retired"
    assert state.data is not None
    assert state.data.files == 2


def test_invalid_file_is_quarantined_and_the_champion_stays():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()

    world.upload("diabetes/bad.csv", b"broken")
    world.run_until_quiet()

    state = world.ledger.head("diabetes").state
    assert state.past[-1].outcome is Outcome.QUARANTINED
    assert "bad.csv" in state.past[-1].sentence
    assert state.champion is not None
    assert state.champion.version == "1"
    assert any("bad.csv" in alert.sentence for alert in world.ports.alerts.sent.values())


def postponed_world():
    """A champion, and a second file within the cooldown of the first retraining."""
    world = World(policies={"diabetes": replace(POLICY, cooldown=timedelta(days=2))})
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()
    # The first training is not a retraining: the second file starts the cooldown.
    for number, name in enumerate(("second", "third"), start=2):
        world.upload(f"diabetes/{name}.csv", f"{number}\nd\n".encode())
        world.run_for(timedelta(hours=1))
    return world


def test_file_within_the_cooldown_waits_and_drift_overrides_the_cooldown():
    world = postponed_world()

    state = world.ledger.head("diabetes").state
    assert state.past[-1].outcome is Outcome.NOT_RETRAINED
    assert state.past[-1].sentence.startswith("Postponed: cooldown of 2 d since 14 Mar")
    assert len(world.azure_ml.jobs) == 2

    world.hosts[0].check_drift("diabetes")
    world.run_until_quiet()

    state = world.ledger.head("diabetes").state
    assert state.past[-1].outcome is Outcome.PROMOTED
    assert len(world.ports.publisher.published) == 1
    assert len(world.azure_ml.jobs) == 3


def test_file_within_the_cooldown_is_trained_on_when_the_cooldown_ends():
    world = postponed_world()

    world.run_until_quiet()

    state = world.ledger.head("diabetes").state
    assert state.past[-1].outcome is Outcome.PROMOTED
    assert len(world.azure_ml.jobs) == 3
    resumed_after = state.past[-1].opened_utc - state.past[-3].opened_utc
    assert timedelta(days=2) < resumed_after < timedelta(days=2, hours=1)


def test_manual_request_retrains_on_the_same_data_once():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()

    accepted = world.hosts[0].request("diabetes", request="r1", text="new labels")
    again = world.hosts[1].request("diabetes", request="r1", text="new labels")
    world.run_until_quiet()

    assert accepted.new
    assert not again.new
    assert accepted.cycle_id == again.cycle_id
    explanation = Explain(world.ledger, world.hosts[0].perform.record._catalog)(
        "diabetes", str(accepted.cycle_id)
    )
    assert explanation is not None
    assert explanation.outcome is Outcome.PROMOTED
    assert len(world.azure_ml.jobs) == 2


def test_manual_request_without_data_is_refused_with_the_reason():
    world = World()

    world.hosts[0].request("diabetes", request="r1", text="now")

    state = world.ledger.head("diabetes").state
    assert state.past[-1].sentence.startswith("Not retrained: no file has passed its tests yet.")


def test_manually_registered_version_is_evaluated_and_promoted_without_training():
    world = World()
    world.upload("diabetes/first.csv", b"a\nb\n")
    world.run_until_quiet()

    version = world.azure_ml.register("diabetes", {})
    world.run_until_quiet()

    state = world.ledger.head("diabetes").state
    assert state.champion is not None
    assert state.champion.version == version
    assert [name.split("-")[0] for name in world.azure_ml.jobs] == ["retrain", "evaluate"]


def test_blob_of_an_unknown_model_is_quarantined_with_one_alert():
    world = World()

    world.upload("diabtes/typo.csv", b"a\n")
    world.run_until_quiet()

    sentences = [alert.sentence for alert in world.ports.alerts.sent.values()]
    assert len(sentences) == 1
    assert "Did you mean diabetes?" in sentences[0]
    assert world.blobs.listing("quarantine")
