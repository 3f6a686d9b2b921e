"""The open cycle: its facts, and what they say whatever their order."""

from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from shared.domain.data import DataRegistered, DataTested
from shared.domain.facts import Entry, Fact
from shared.domain.ids import JobName
from shared.domain.jobs import (
    ChallengerEvaluated,
    ChallengerRegistered,
    EvidenceRead,
    JobFinished,
    JobStatus,
    JobSubmitted,
)
from shared.domain.retraining import (
    CycleOpened,
    Mode,
    ReasonKind,
    RetrainDecided,
    SettingsChanged,
)
from shared.domain.value import Value, value
from shared.errors import FactConflictError

_F = TypeVar("_F", bound=Fact)


@value
class Cycle(Value):
    """The open cycle: its facts in stream order."""

    opened: Entry
    entries: tuple[Entry, ...] = ()

    @property
    def opening(self) -> CycleOpened:
        """The fact that opened it."""
        fact = self.opened.fact
        if not isinstance(fact, CycleOpened):
            raise TypeError(f"a cycle is opened by CycleOpened, not {type(fact).__name__}")
        return fact

    @property
    def cycle_id(self) -> str:
        """12 hex digits."""
        return self.opening.cycle_id

    def has(self, kind: ReasonKind) -> bool:
        """Whether one of its reasons is of that kind."""
        return any(reason.kind is kind for reason in self.opening.reasons)

    def all(self, kind: type[_F]) -> Iterable[_F]:
        """Its facts of one kind, oldest first."""
        return (entry.fact for entry in self.entries if isinstance(entry.fact, kind))

    def one(self, kind: type[_F]) -> _F | None:
        """Its first fact of one kind."""
        return next(iter(self.all(kind)), None)


def learn(cycle: Cycle, entry: Entry) -> Cycle:
    """Add one fact. Idempotent and commutative; facts of other cycles change nothing.

    Raises:
        FactConflictError: it contradicts an earlier fact.
    """
    if entry.fact.cycle != cycle.cycle_id:
        return cycle
    for known in cycle.entries:
        if known.fact.key == entry.fact.key:
            if known.fact != entry.fact:
                raise FactConflictError(
                    f"cycle {cycle.cycle_id}: fact {entry.fact.key} was recorded as number "
                    f"{known.seq} with other content; the first one holds"
                )
            return cycle
    entries = list(cycle.entries)
    insort(entries, entry, key=lambda item: item.seq)
    return replace(cycle, entries=tuple(entries))


def changes_data(cycle: Cycle) -> bool:
    """Whether its data version differs from the previous one (files accepted or withdrawn)."""
    tested = cycle.one(DataTested)
    return bool(cycle.opening.withdrawals or (tested is not None and tested.accepted))


def files_left(cycle: Cycle) -> int:
    """How many files would be neither quarantined nor pinned if the cycle ended now."""
    return 0 if data_settled(cycle) else cycle.opening.arrivals


def withdrawals_left(cycle: Cycle) -> int:
    """How many withdrawals would be in no data version if the cycle ended now."""
    return 0 if data_settled(cycle) else cycle.opening.withdrawals


def data_settled(cycle: Cycle) -> bool:
    """Whether its files are tested and what they change is pinned."""
    if changes_data(cycle):
        return cycle.one(DataRegistered) is not None
    return not cycle.opening.arrivals or cycle.one(DataTested) is not None


def seq_of(cycle: Cycle, wanted: Callable[[Fact], bool]) -> int:
    """Stream number of the first fact that matches; that of the opening if none does."""
    return next((entry.seq for entry in cycle.entries if wanted(entry.fact)), cycle.opened.seq)


@value
class JobView(Value):
    """What is known about one job of the cycle."""

    name: JobName
    submitted: bool
    status: JobStatus | None
    message: str = ""

    @property
    def failed(self) -> bool:
        """Whether it ended without a result and nobody cancelled it."""
        return self.status is JobStatus.FAILED

    @property
    def canceled(self) -> bool:
        """Whether a person cancelled it: it is not retried."""
        return self.status is JobStatus.CANCELED


def job(cycle: Cycle, name: JobName) -> JobView:
    """A job by name; an unknown one is neither submitted nor ended."""
    text = str(name)
    endings = {fact.status: fact for fact in cycle.all(JobFinished) if fact.job_name == text}
    # Contradicting reports of one job: a result is a result, whatever else was reported.
    ending = next((endings[status] for status in JobStatus if status in endings), None)
    submitted = any(fact.job_name == text for fact in cycle.all(JobSubmitted))
    return JobView(
        name,
        submitted=submitted or ending is not None,
        status=ending.status if ending else None,
        message=ending.message if ending else "",
    )


def latest_job(cycle: Cycle, mode: Mode) -> JobView:
    """The attempt that counts: the first one that has not failed."""
    attempt = 1
    while (view := job(cycle, JobName(mode, cycle.cycle_id, attempt))).failed:
        attempt += 1
    return view


@value
class Challenger(Value):
    """The version that this cycle evaluates, and the training job that made it, if any."""

    version: str
    job_name: str | None


def challenger(cycle: Cycle) -> Challenger | None:
    """The challenger; None until a version is registered. Of several attempts the first counts."""
    by_hand = [reason for reason in cycle.opening.reasons if reason.kind is ReasonKind.MODEL]
    if by_hand:
        version = by_hand[0].version
        return Challenger(version, None) if version is not None else None
    found = min(
        ((_attempt(cycle, fact), fact.version) for fact in cycle.all(ChallengerRegistered)),
        default=None,
    )
    if found is None:
        return None
    attempt, version = found
    return Challenger(version, str(JobName(Mode.RETRAIN, cycle.cycle_id, attempt)))


def _attempt(cycle: Cycle, fact: ChallengerRegistered) -> int:
    """The attempt that registered it; if its tags do not say, the one that has not failed."""
    name = JobName.parse(fact.job_name) if fact.job_name else None
    return name.attempt if name else latest_job(cycle, Mode.RETRAIN).name.attempt


def evidence_of(cycle: Cycle, job_name: str) -> EvidenceRead | None:
    """The evidence of that job, if it was read."""
    return next((fact for fact in cycle.all(EvidenceRead) if fact.job_name == job_name), None)


def evaluation(cycle: Cycle, version: str, champion: str | None) -> ChallengerEvaluated | None:
    """The gate's verdict on that pair, if there is one."""
    return next(
        (
            fact
            for fact in cycle.all(ChallengerEvaluated)
            if (fact.challenger, fact.champion) == (version, champion)
        ),
        None,
    )


def evidence_job(cycle: Cycle, candidate: Challenger, champion: str | None) -> JobView:
    """The job whose evidence is about this champion: read already, or to be read next.

    The training job comes first, then evaluate-only jobs, one at a time: if one failed or compared
    with a champion that has been replaced since, it is the turn of the next.
    """
    if candidate.job_name is not None:
        own = JobName.parse(candidate.job_name)
        if own is not None:
            read = evidence_of(cycle, candidate.job_name)
            if read is None or read.champion_version == champion:
                # Registered is as good as completed: evidence is written before.
                return JobView(own, submitted=True, status=JobStatus.COMPLETED)
    attempt = 1
    while True:
        view = job(cycle, JobName(Mode.EVALUATE, cycle.cycle_id, attempt))
        read = evidence_of(cycle, str(view.name))
        stale = read is not None and read.champion_version != champion
        if not (view.failed or stale):
            return view
        attempt += 1


def settings_changed(cycle: Cycle) -> bool:
    """Whether one of its steps found other settings than those it was decided under."""
    decision = cycle.one(RetrainDecided)
    if decision is None:
        return False
    used = {fact.config_sha256 for fact in cycle.all(EvidenceRead) if fact.config_sha256}
    return cycle.one(SettingsChanged) is not None or bool(used - {decision.config_sha256})


def failures(cycle: Cycle, mode: Mode) -> int:
    """How many attempts of one kind have failed."""
    names = {fact.job for fact in cycle.all(JobFinished)}
    return sum(1 for name in names if name and name.kind == mode and job(cycle, name).failed)
