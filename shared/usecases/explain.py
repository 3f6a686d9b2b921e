"""Why anything happened, or did not: one cycle's facts as sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.cycle import cycle_of
from shared.domain.facts import (
    ChallengerEvaluated,
    ChallengerRegistered,
    ChampionPromoted,
    CycleEnded,
    CycleOpened,
    DataRegistered,
    DataTested,
    DeploymentFailed,
    DeploymentReady,
    DeploymentStarted,
    JobFinished,
    JobStatus,
    JobSubmitted,
    Outcome,
    PromotionStarted,
    RetrainDecided,
    Verdict,
)
from shared.usecases.record_fact import require_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.domain.facts import Entry
    from shared.domain.state import State
    from shared.ports.catalog import ModelCatalog
    from shared.ports.ledger import Ledger


class Sign(StrEnum):
    """Never by colour alone."""

    DONE = "✓"
    NO = "✕"
    SET_ASIDE = "⚠"
    RUNNING = "▶"
    NOT_REACHED = "–"  # noqa: RUF001 - the sign people see, a dash and no minus


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the cycle, with the time it was settled or begun."""

    name: str
    sign: Sign
    sentence: str
    at_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A cycle, verdict first. `outcome` is None while it is open."""

    model: str
    cycle_id: str
    sentence: str
    outcome: Outcome | None
    opened_utc: datetime
    ended_utc: datetime | None
    steps: tuple[Step, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Explain:
    """Reads the stream; decides nothing."""

    ledger: Ledger
    catalog: ModelCatalog

    def __call__(self, model: str, cycle_id: str) -> Explanation | None:
        """None: the model has no such cycle.

        Raises:
            UnknownModelError: no such model.
        """
        require_model(self.catalog, model)
        return self.of(self.ledger.head(model).state, cycle_id)

    def of(self, state: State, cycle_id: str) -> Explanation | None:
        """As above, of a head that was read already."""
        model = state.model
        entries = self._entries(state, cycle_id)
        if not entries:
            return None
        ended = _last(entries, CycleEnded)
        steps = _steps(model, entries)
        end = ended.fact if ended else None
        return Explanation(
            model,
            cycle_id,
            sentence=end.sentence if isinstance(end, CycleEnded) else _current(steps),
            outcome=end.outcome if isinstance(end, CycleEnded) else None,
            opened_utc=entries[0].at_utc,
            ended_utc=ended.at_utc if ended else None,
            steps=steps,
            entries=tuple(entries),
        )

    def _entries(self, state: State, cycle_id: str) -> list[Entry]:
        """The cycle's facts; the head says where to look for the open one and the last ones."""
        after, to = 0, None
        if state.cycle is not None and state.cycle.cycle_id == cycle_id:
            after = state.cycle.opened.seq - 1
        for past in state.past:
            if past.cycle_id == cycle_id:
                after, to = past.opened_seq - 1, past.ended_seq
        found = self.ledger.entries(state.model, after=after, to=to)
        return [entry for entry in found if _speaks_of(entry, cycle_id)]


def _speaks_of(entry: Entry, cycle_id: str) -> bool:
    if isinstance(entry.fact, CycleOpened | CycleEnded):
        return entry.fact.cycle_id == cycle_id
    return cycle_of(entry.fact) == cycle_id


def _last(entries: Sequence[Entry], kind: type) -> Entry | None:
    return next((entry for entry in reversed(entries) if isinstance(entry.fact, kind)), None)


def _current(steps: Sequence[Step]) -> str:
    running = [step for step in steps if step.sign is Sign.RUNNING]
    if running:
        return sentences.ended(f"{running[-1].name}: {running[-1].sentence}")
    settled = [step for step in steps if step.sign is not Sign.NOT_REACHED]
    return f"{settled[-1].name}: {settled[-1].sentence.rstrip('.')}; the next step is due."


def _steps(model: str, entries: Sequence[Entry]) -> tuple[Step, ...]:
    over = _last(entries, CycleEnded) is not None
    return tuple(
        make(entries) or Step(name, *_pending(over=over))
        for name, make in (
            ("Reason", partial(_reason, model)),
            ("Data", _data),
            ("Allowed", _allowed),
            ("Trained", _trained),
            ("Compared", _compared),
            ("Deployed", _deployed),
            ("Traffic", _traffic),
        )
    )


def _pending(*, over: bool) -> tuple[Sign, str]:
    return Sign.NOT_REACHED, "not reached" if over else "not yet"


def _reason(model: str, entries: Sequence[Entry]) -> Step | None:
    entry = _last(entries, CycleOpened)
    if entry is None or not isinstance(entry.fact, CycleOpened):
        return None
    kinds = [reason.kind for reason in entry.fact.reasons]
    texts = [reason.text for reason in entry.fact.reasons if reason.text]
    sentence = sentences.opened(kinds, entry.fact.arrivals)
    detail = f": {'; '.join(texts[:3])}" if texts else ""
    links = sentences.report_links(model, entry.fact.reasons)
    whole = sentences.with_report(sentence + detail, links)
    return Step("Reason", Sign.DONE, whole, entry.at_utc)


def _data(entries: Sequence[Entry]) -> Step | None:
    tested, registered = _last(entries, DataTested), _last(entries, DataRegistered)
    if tested is None or not isinstance(tested.fact, DataTested):
        return None
    sentence = sentences.tested(tested.fact)
    if tested.fact.findings:
        sentence += f". {sentences.all_quarantined(tested.fact)}"
    if registered is not None and isinstance(registered.fact, DataRegistered):
        fact = registered.fact
        version = sentences.data_registered(fact.data_version, fact.rows, fact.files)
        sentence = f"{version}; {sentence}"
    sign = Sign.SET_ASIDE if tested.fact.quarantined else Sign.DONE
    return Step("Data", sign, sentence, tested.at_utc)


def _allowed(entries: Sequence[Entry]) -> Step | None:
    entry = _last(entries, RetrainDecided)
    if entry is None or not isinstance(entry.fact, RetrainDecided):
        return None
    sign = Sign.DONE if entry.fact.verdict is Verdict.PASSED else Sign.NO
    return Step("Allowed", sign, entry.fact.sentence, entry.at_utc)


def _trained(entries: Sequence[Entry]) -> Step | None:
    registered = _last(entries, ChallengerRegistered)
    submitted, finished = _last(entries, JobSubmitted), _last(entries, JobFinished)
    if registered is not None and isinstance(registered.fact, ChallengerRegistered):
        sentence = f"version {registered.fact.version}"
        if submitted is not None and isinstance(submitted.fact, JobSubmitted):
            took = sentences.duration(registered.at_utc - submitted.at_utc)
            sentence = f"job {submitted.fact.job_name}, {took} -> {sentence}"
        return Step("Trained", Sign.DONE, sentence, registered.at_utc)
    if finished is not None and isinstance(finished.fact, JobFinished):
        fact = finished.fact
        sign = Sign.RUNNING if fact.status is JobStatus.COMPLETED else Sign.NO
        message = f": {fact.message}" if fact.message else ""
        return Step("Trained", sign, f"job {fact.job_name} {fact.status}{message}", finished.at_utc)
    if submitted is not None and isinstance(submitted.fact, JobSubmitted):
        return Step("Trained", Sign.RUNNING, f"job {submitted.fact.job_name}", submitted.at_utc)
    return None


def _compared(entries: Sequence[Entry]) -> Step | None:
    entry = _last(entries, ChallengerEvaluated)
    if entry is None or not isinstance(entry.fact, ChallengerEvaluated):
        return None
    sign = Sign.DONE if entry.fact.verdict is Verdict.PASSED else Sign.NO
    return Step("Compared", sign, entry.fact.sentence, entry.at_utc)


def _deployed(entries: Sequence[Entry]) -> Step | None:
    failed, ready = _last(entries, DeploymentFailed), _last(entries, DeploymentReady)
    started = _last(entries, DeploymentStarted)
    if failed is not None and isinstance(failed.fact, DeploymentFailed):
        return Step("Deployed", Sign.NO, failed.fact.sentence, failed.at_utc)
    if ready is not None and isinstance(ready.fact, DeploymentReady):
        plain = f"version {ready.fact.version} answered its smoke test"
        sentence = ready.fact.sentence.rstrip(".") or plain
        return Step("Deployed", Sign.DONE, sentence, ready.at_utc)
    if started is not None and isinstance(started.fact, DeploymentStarted):
        sentence = f"version {started.fact.version} is starting, with no traffic"
        return Step("Deployed", Sign.RUNNING, sentence, started.at_utc)
    return None


def _traffic(entries: Sequence[Entry]) -> Step | None:
    promoted, started = _last(entries, ChampionPromoted), _last(entries, PromotionStarted)
    if promoted is not None and isinstance(promoted.fact, ChampionPromoted):
        sentence = f"version {promoted.fact.version} answers all requests"
        return Step("Traffic", Sign.DONE, sentence, promoted.at_utc)
    if started is not None and isinstance(started.fact, PromotionStarted):
        sentence = f"moving to version {started.fact.version}"
        return Step("Traffic", Sign.RUNNING, sentence, started.at_utc)
    return None
