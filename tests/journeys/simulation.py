"""Many cycles from one seed, and the invariants that must hold at the end."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from chances import POLICY, Chances
from simulated_world import World
from unreliable import CountingLedger

from shared.adapters.in_memory import InMemoryCatalog
from shared.adapters.in_memory.tests_and_notices import BROKEN
from shared.domain.codec import fact_from_json, fact_to_json
from shared.domain.data import DataArrived, DataWithdrawn
from shared.domain.decide import outbox
from shared.domain.declared import FactBase
from shared.domain.drift import DriftChecked
from shared.domain.evolve import fold
from shared.domain.ids import deployment_name
from shared.domain.jobs import ChallengerEvaluated, JobFinished, JobStatus, JobSubmitted
from shared.domain.retraining import (
    CycleEnded,
    CycleOpened,
    Outcome,
    ReasonKind,
    RetrainDecided,
    RetrainingPossible,
)
from shared.usecases.record_fact import Decisions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from shared.domain.facts import Entry
    from shared.ports.ledger import Head

MODELS = ("bikes", "diabetes", "iris", "marketing", "power")


@dataclass(slots=True)
class Report:
    """Figures of one run."""

    seed: int
    cycles: int = 0
    blobs: int = 0
    facts: int = 0
    crashes: int = 0
    jobs: int = 0
    simulated_days: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    drift_jobs: int = 0
    revisions: int = 0
    performance_cycles: int = 0
    file_jobs: int = 0
    started_again: int = 0
    resumed: int = 0
    withdrawals: int = 0
    contents: int = 0  # of names that landed before


class DecidedLedger(CountingLedger):
    """Checks every committed state: no fact is left to record, and the outbox is complete."""

    def __init__(self, decisions: Decisions) -> None:
        super().__init__()
        self._decisions = decisions

    def commit(self, head: Head, entries: Sequence[Entry], **changes: Any) -> Head:
        after = super().commit(head, entries, **changes)
        state = after.state
        step = self._decisions.next_step(state, state.updated_utc)
        assert not isinstance(step, FactBase), f"{step} follows, and was not recorded"
        due = {row.effect for row in self.due(state.model)}
        assert due == {effect.key for effect in outbox(state, step)}
        return after


def simulate(*, cycles: int, seed: int, chances: Chances | None = None) -> tuple[World, Report]:
    """Run random events on five models until `cycles` cycles have ended, then until quiet."""
    policies = {
        model: replace(POLICY, cooldown=timedelta(minutes=30 * number))
        for number, model in enumerate(MODELS)
    }
    decisions = Decisions(InMemoryCatalog(policies))
    world = World(
        seed=seed,
        chances=chances or Chances(),
        policies=policies,
        min_rows=2,
        make_ledger=lambda: DecidedLedger(decisions),
    )
    start_utc = world.clock.now_utc()
    number = 0
    while world.ended < cycles:
        for _ in range(world.chance.randint(1, 30)):
            number += 1
            _something_happens(world, number)
        world.run_for(timedelta(minutes=world.chance.choice((1, 5, 30, 120))))
    world.run_until_quiet()
    report = Report(
        seed,
        crashes=world.crashes,
        blobs=world.uploads,
        jobs=len(world.azure_ml.jobs),
        withdrawals=world.withdrawals,
        contents=world.uploads - len(world.blobs.listing("landing")),
    )
    report.file_jobs = sum(job.startswith("test-") for job in world.azure_ml.jobs)
    report.simulated_days = (world.clock.now_utc() - start_utc) / timedelta(days=1)
    for model in MODELS:
        entries = list(world.ledger.entries(model))
        report.facts += len(entries)
        for entry in entries:
            fact = entry.fact
            report.started_again += isinstance(fact, CycleOpened) and any(
                reason.kind is ReasonKind.SETTINGS for reason in fact.reasons
            )
            report.resumed += isinstance(fact, RetrainingPossible)
            report.drift_jobs += isinstance(fact, JobSubmitted) and "drift-" in fact.job_name
            report.revisions += isinstance(fact, DriftChecked) and fact.revision > 0
            report.performance_cycles += isinstance(fact, CycleOpened) and any(
                reason.kind is ReasonKind.PERFORMANCE for reason in fact.reasons
            )
            if isinstance(entry.fact, CycleEnded):
                report.cycles += 1
                outcome = str(entry.fact.outcome)
                report.outcomes[outcome] = report.outcomes.get(outcome, 0) + 1
    return world, report


def _something_happens(world: World, number: int) -> None:
    model = world.chance.choice(MODELS)
    host = world.chance.choice(world.hosts)
    if world.chance.random() < world.chances.settings_change:
        world.change_settings(model, number)
    draw = world.chance.random()
    if draw < 0.75:
        world.upload_random(model, number)
    elif draw < 0.80:
        world.as_host(lambda: world.withdraw_random(host, model, number))
    elif draw < 0.88:
        if world.chance.random() < world.chances.late_rows:
            world.rows_come_late(model)
        # As the timer does.
        world.as_host(lambda: (host.check_drift(model), host.check_drift.late(model)))
    elif draw < 0.95:
        world.as_host(lambda: host.request(model, request=f"r{number}", text="by hand"))
    elif world.ledger.head(model).state.data is not None:
        world.azure_ml.register(model, {})


def check(world: World) -> None:
    """Assert that nothing was lost, duplicated or left over."""
    assert world.quiet, world.unfinished()
    assert not world.work.poisoned
    assert not world.events.poisoned
    for model in world.policies:
        entries = list(world.ledger.entries(model))
        _numbers_have_no_gap(entries)
        assert world.ledger.head(model).state == fold(model, entries)
        assert all(fact_from_json(fact_to_json(item.fact)) == item.fact for item in entries)
        _every_arrival_is_in_one_cycle(entries)
        _one_job_a_reason(entries)
        _one_configuration_a_cycle(entries)
        _one_result_a_revision(entries)
        _the_latest_statement_about_a_file_holds(world, model, entries)
        _the_champion_serves(world, model)
    assert world.azure_ml.submissions == len(world.azure_ml.jobs)
    assert not any("/untested/" in item.blob.path for item in world.blobs.listing("data"))
    assert set(world.endpoints.created.values()) <= {1}, "a version was deployed twice"


def _numbers_have_no_gap(entries: list[Entry]) -> None:
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    keys = [entry.fact.key for entry in entries]
    assert len(set(keys)) == len(keys)


def _every_arrival_is_in_one_cycle(entries: list[Entry]) -> None:
    """Arrivals during an open cycle go into the next one: the ranges join without a gap."""
    taken = 0
    for entry in entries:
        if isinstance(entry.fact, CycleOpened) and (entry.fact.arrivals or entry.fact.withdrawals):
            assert entry.fact.after_seq == taken
            assert taken < entry.fact.to_seq < entry.seq
            said = [item for item in entries[taken : entry.seq - 1] if _is_about_a_file(item)]
            withdrawn = sum(isinstance(item.fact, DataWithdrawn) for item in said)
            assert (len(said) - withdrawn, withdrawn) == (
                entry.fact.arrivals,
                entry.fact.withdrawals,
            )
            assert all(item.seq <= entry.fact.to_seq for item in said)
            taken = entry.fact.to_seq
        assert not (isinstance(entry.fact, CycleEnded) and _lost_its_data(entries, entry.fact))
    assert not any(_is_about_a_file(item) for item in entries[taken:])


def _is_about_a_file(entry: Entry) -> bool:
    if isinstance(entry.fact, DataArrived):
        return not entry.fact.stale
    return isinstance(entry.fact, DataWithdrawn)


def _lost_its_data(entries: list[Entry], ended: CycleEnded) -> bool:
    """A failed cycle would hand its files on; this simulation's stores do not fail for hours."""
    registered = {
        getattr(entry.fact, "cycle_id", None)
        for entry in entries
        if type(entry.fact).__name__ in {"DataTested", "RetrainDecided"}
    }
    return ended.outcome is Outcome.FAILED and ended.cycle_id not in registered


def _one_job_a_reason(entries: list[Entry]) -> None:
    failed = {
        entry.fact.job_name
        for entry in entries
        if isinstance(entry.fact, JobFinished) and entry.fact.status is JobStatus.FAILED
    }
    good: dict[tuple[str, str], int] = {}
    for entry in entries:
        if isinstance(entry.fact, JobSubmitted) and entry.fact.job_name not in failed:
            kind = (entry.fact.cycle_id, entry.fact.job_name.split("-")[0])
            good[kind] = good.get(kind, 0) + 1
    assert set(good.values()) <= {1}, good
    reasons: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry.fact, CycleOpened):
            for reason in entry.fact.reasons:
                reasons[reason.key] = reasons.get(reason.key, 0) + 1
                assert reason.kind is not ReasonKind.MODEL or len(entry.fact.reasons) == 1
    assert set(reasons.values()) <= {1}, "a reason opened two cycles"


def _one_configuration_a_cycle(entries: list[Entry]) -> None:
    """What was judged was measured under the settings that its cycle was decided under."""
    decided = {
        entry.fact.cycle_id: entry.fact.config_sha256
        for entry in entries
        if isinstance(entry.fact, RetrainDecided)
    }
    for entry in entries:
        if isinstance(entry.fact, ChallengerEvaluated):
            assert entry.fact.config_sha256 == decided[entry.fact.cycle_id]


def _one_result_a_revision(entries: list[Entry]) -> None:
    """Revisions of a day follow each other, and its reasons are named without them."""
    seen: dict[tuple[object, str], list[int]] = {}
    for entry in entries:
        if isinstance(entry.fact, DriftChecked):
            seen.setdefault((entry.fact.day, entry.fact.profile), []).append(entry.fact.revision)
        if isinstance(entry.fact, CycleOpened):
            for reason in entry.fact.reasons:
                if reason.kind in {ReasonKind.DRIFT, ReasonKind.PERFORMANCE}:
                    assert ":r" not in reason.key
    for revisions in seen.values():
        assert revisions == list(range(len(revisions)))


def _the_latest_statement_about_a_file_holds(
    world: World, model: str, entries: list[Entry]
) -> None:
    """A file is quarantined, or it is data, once; a withdrawn one is no data."""
    pinned: dict[str, str] = {}
    data = world.ledger.head(model).state.data
    if data is not None:
        pins = json.loads(world.ports.data.get_json(data.pins, sha256=data.pins_sha256))
        assert len(pins["files"]) == data.files
        for item in pins["files"]:
            for source in (item["source"], *item.get("also", ())):
                assert source not in pinned, "a name holds two contents"
                pinned[source] = item["sha256"]
    reports = world.blobs.listing("quarantine", f"{model}/")
    aside = {
        (document["source"], document["etag"])
        for item in reports
        if item.blob.path.endswith(".report.json")
        for document in [json.loads(world.blobs.read(item.blob))]
    }
    landed = {item.blob.place: item.blob for item in world.blobs.listing("landing", f"{model}/")}
    assert pinned.keys() <= landed.keys()
    for place, blob in landed.items():
        content = world.blobs.read(blob)
        sha256 = hashlib.sha256(content).hexdigest()
        said = [
            entry
            for entry in entries
            if (isinstance(entry.fact, DataArrived) and entry.fact.blob == blob)
            or (isinstance(entry.fact, DataWithdrawn) and entry.fact.place == place)
        ]
        if (place, blob.etag) in aside:
            assert pinned.get(place) != sha256
        elif isinstance(said[-1].fact, DataWithdrawn):
            assert place not in pinned
        else:
            assert not content.startswith(BROKEN)
            assert pinned[place] == sha256


def _the_champion_serves(world: World, model: str) -> None:
    champion = world.ledger.head(model).state.champion
    endpoint = world.endpoints.endpoint(model)
    if champion is None:
        assert endpoint is None or not endpoint.traffic
        return
    assert endpoint is not None
    name = deployment_name(champion.version)
    assert endpoint.traffic == {name: 100}
    assert list(world.endpoints.deployments(model)) == [name]
    assert world.azure_ml.models[model][champion.version].tags["role"] == "champion"
