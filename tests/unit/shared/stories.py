"""Facts in the order they usually come, to be shuffled, repeated and cut short."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from shared.domain.cycle import Cycle
from shared.domain.data import BlobRef, DataArrived, DataRegistered, DataTested
from shared.domain.decide import next_step, outbox
from shared.domain.declared import FactBase, Verdict
from shared.domain.drift import DriftChecked, DriftVerdict
from shared.domain.evolve import evolve
from shared.domain.facts import Entry, Fact
from shared.domain.jobs import (
    ChallengerEvaluated,
    ChallengerRegistered,
    EvidenceRead,
    JobFinished,
    JobStatus,
    JobSubmitted,
    MetricPair,
)
from shared.domain.policy import Policy
from shared.domain.retraining import CycleOpened, Mode, Reason, ReasonKind, RetrainDecided
from shared.domain.rollout import (
    ChampionPromoted,
    DeploymentReady,
    DeploymentStarted,
    PromotionStarted,
)
from shared.domain.state import Champion, DataVersion, State

if TYPE_CHECKING:
    from shared.domain.effects import Effect

NOON_UTC = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
CYCLE = "0123456789ab"
JOB = f"retrain-{CYCLE}-1"
POLICY = Policy(
    "cfg",
    reasons=frozenset(ReasonKind),
    cooldown=timedelta(days=7),
    drift_overrides_cooldown=True,
    jobs_per_30_days=20,
)


def metric(challenger: float, champion: float | None = None, floor: float = 0.3) -> MetricPair:
    return MetricPair("r2", "max", challenger, champion, floor)


EVIDENCE = EvidenceRead(
    CYCLE,
    JOB,
    champion_version=None,
    metrics=(metric(0.43),),
    train_rows=353,
    test_rows=89,
    data_version=CYCLE,
    data_sha256="d",
    test_rows_sha256="t",
    config_sha256="cfg",
    location=f"evidence/m/{JOB}",
    sha256="e",
    reference="challenger/reference.profile",
)
OPENED = CycleOpened(
    CYCLE, (Reason(ReasonKind.DATA, "blob:landing/m/a.csv@0x1", 1),), 0, 1, arrivals=1
)
FULL_STORY: tuple[Fact, ...] = (
    DataTested(CYCLE, 1, 0, 0, rows=442, report="m/reports/r.json", report_sha256="r"),
    DataRegistered(CYCLE, CYCLE, "m/pins/p.json", "p", data_sha256="d", rows=442, files=1),
    RetrainDecided(CYCLE, Verdict.PASSED, Mode.RETRAIN, "because", "cfg"),
    JobSubmitted(CYCLE, JOB, None),
    ChallengerRegistered("8", CYCLE, JOB),
    EVIDENCE,
    JobFinished(JOB, JobStatus.COMPLETED),
    ChallengerEvaluated(CYCLE, "8", None, Verdict.PASSED, "first model", JOB),
    DeploymentStarted(CYCLE, "8"),
    DeploymentReady(CYCLE, "8"),
    PromotionStarted(CYCLE, "8", None),
    ChampionPromoted(CYCLE, "8", None, 14),
)
DATA = DataVersion("v1", "m/pins/v1.json", "p", data_sha256="d", rows=442, files=1)
CHAMPION = Champion("7", NOON_UTC - timedelta(days=1), fact_seq=3, cycle_id="aaaaaaaaaaaa")


def arrival(name: str = "a.csv", etag: str = "0x1") -> DataArrived:
    return DataArrived(BlobRef("landing", f"m/{name}", etag), 10)


def drift(day: date = date(2026, 3, 14), profile: str = "7") -> DriftChecked:
    return DriftChecked(day, profile, DriftVerdict.DRIFT, "bmi moved by 0.31 sd")


def empty_cycle() -> Cycle:
    return Cycle(Entry(2, NOON_UTC, OPENED))


def open_state(**known: object) -> State:
    state = State("m", count=2, cycle=empty_cycle(), taken_seq=1, data=DATA)
    return replace(state, **known)  # type: ignore[arg-type] # fields of State by name


def record(
    state: State, *facts: Fact, policy: Policy = POLICY, now_utc: datetime = NOON_UTC
) -> State:
    """As RecordFact does: the fact, then all that follows."""
    for fact in facts:
        step: Fact | Effect | None = fact
        while isinstance(step, FactBase):
            state = evolve(state, Entry(state.count + 1, now_utc, step))
            step = next_step(state, lambda: policy, now_utc)
    return state


def plan(state: State, policy: Policy = POLICY, now_utc: datetime = NOON_UTC) -> tuple[Effect, ...]:
    """The effects that are due."""
    return outbox(state, next_step(state, lambda: policy, now_utc))
