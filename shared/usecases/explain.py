"""Explains why a cycle went as it did: its facts as sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.domain import sentences
from shared.domain.data import DataRegistered
from shared.domain.declared import Sign, Step, Telling
from shared.domain.jobs import EvidenceRead
from shared.domain.retraining import CycleEnded, CycleOpened
from shared.domain.wording import ended
from shared.usecases.record_fact import require_model

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.domain.facts import Entry
    from shared.domain.retraining import Outcome
    from shared.domain.state import State
    from shared.ports.catalog import ModelCatalog
    from shared.ports.ledger import Ledger


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """One step of the cycle, with the time when it was settled or started."""

    step: Step
    sign: Sign
    sentence: str
    at_utc: datetime | None = None

    @property
    def title(self) -> str:
        """The step's name: `Trained`, or `Training` while it runs."""
        return self.step.while_running if self.sign is Sign.RUNNING else self.step.value


@dataclass(frozen=True, slots=True)
class Explanation:
    """A cycle, verdict first. `outcome` is None while it is open."""

    model: str
    cycle_id: str
    sentence: str
    outcome: Outcome | None
    opened_utc: datetime
    ended_utc: datetime | None
    steps: tuple[ExplainedStep, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Explain:
    """Reads the stream; decides nothing."""

    ledger: Ledger
    catalog: ModelCatalog

    def __call__(self, model: str, cycle_id: str) -> Explanation | None:
        """Explain a cycle; None if the model has no such cycle.

        Raises:
            UnknownModelError: no such model.
        """
        require_model(self.catalog, model)
        return self.of(self.ledger.head(model).state, cycle_id)

    def of(self, state: State, cycle_id: str) -> Explanation | None:
        """Explain a cycle from a state that was read already."""
        model = state.model
        entries = self._entries(state, cycle_id)
        if not entries:
            return None
        end = next((entry for entry in entries if isinstance(entry.fact, CycleEnded)), None)
        told = [_explained(step, entries, over=end is not None) for step in Step]
        more = {
            Step.REASON: lambda words: _with_reports(model, entries, words),
            Step.DATA: lambda words: self._with_data(model, entries, words),
        }
        steps = tuple(
            replace(step, sentence=more[step.step](step.sentence)) if step.step in more else step
            for step in told
        )
        return Explanation(
            model,
            cycle_id,
            sentence=_current(steps) if end is None else end.fact.words,
            outcome=end.fact.outcome if end and isinstance(end.fact, CycleEnded) else None,
            opened_utc=entries[0].at_utc,
            ended_utc=end.at_utc if end else None,
            steps=steps,
            entries=tuple(entries),
        )

    def _with_data(self, model: str, entries: Sequence[Entry], words: str) -> str:
        """Also the data version of a cycle that trained on one registered before."""
        facts = [entry.fact for entry in entries]
        evidence = next((fact for fact in facts if isinstance(fact, EvidenceRead)), None)
        if evidence is None or any(isinstance(fact, DataRegistered) for fact in facts):
            return words
        # A data version is named after the cycle that registered it.
        known = self.ledger.find(model, f"{evidence.data_version}:data")
        return words if known is None else f"{words}; {known.fact.words}"

    def _entries(self, state: State, cycle_id: str) -> list[Entry]:
        """The cycle's facts; for the open cycle and the last ones the state says where they are."""
        after, to = 0, None
        if state.cycle is not None and state.cycle.cycle_id == cycle_id:
            after = state.cycle.opened.seq - 1
        for past in state.past:
            if past.cycle_id == cycle_id:
                after, to = past.opened_seq - 1, past.ended_seq
        found = self.ledger.entries(state.model, after=after, to=to)
        return [entry for entry in found if entry.fact.cycle == cycle_id]


def _explained(step: Step, entries: Sequence[Entry], *, over: bool) -> ExplainedStep:
    """What the cycle's facts say about one step: the newest counts."""
    told = [
        _Told(entry.at_utc, type(entry.fact), telling)
        for entry in entries
        for telling in entry.fact.tells
        if telling.step is step
    ]
    if not told:
        return ExplainedStep(step, Sign.NOT_REACHED, sentences.not_reached(over=over))
    settled = [one for one in told if one.telling.sign is not Sign.RUNNING]
    newest = settled[-1] if over and settled else told[-1]
    if newest.telling.sign in _GOOD:
        return _with_duration(told, _together(settled), newest)
    if over and newest.telling.sign is Sign.RUNNING:
        return ExplainedStep(
            step, Sign.NO, sentences.step_given_up(newest.telling.words), newest.at_utc
        )
    return ExplainedStep(step, newest.telling.sign, newest.telling.words, newest.at_utc)


@dataclass(frozen=True, slots=True)
class _Told:
    at_utc: datetime
    by: type
    telling: Telling


_GOOD = (Sign.DONE, Sign.QUARANTINED)


def _together(settled: Sequence[_Told]) -> Telling:
    """Join what several kinds of facts say about one step: files are tested, then registered."""
    newest_of = {one.by: one.telling for one in settled if one.telling.sign in _GOOD}
    tellings = list(reversed(newest_of.values()))
    sign = Sign.QUARANTINED if any(one.sign is Sign.QUARANTINED for one in tellings) else Sign.DONE
    return Telling(tellings[0].step, sign, "; ".join(one.words for one in tellings))


def _with_duration(told: Sequence[_Told], telling: Telling, newest: _Told) -> ExplainedStep:
    """The step with its duration, if its start is known."""
    begun = [one.at_utc for one in told if one.telling.sign is Sign.RUNNING]
    before = [at_utc for at_utc in begun if at_utc <= newest.at_utc]
    words = telling.words
    if before:
        words = sentences.after(words, newest.at_utc - before[-1])
    return ExplainedStep(telling.step, telling.sign, words, newest.at_utc)


def _with_reports(model: str, entries: Sequence[Entry], words: str) -> str:
    """The words, with links to the drift reports behind the reasons."""
    reasons = [
        reason
        for entry in entries
        if isinstance(entry.fact, CycleOpened)
        for reason in entry.fact.reasons
    ]
    links = sentences.report_links(model, reasons)
    return sentences.with_report(ended(words), links) if links else words


def _current(steps: Sequence[ExplainedStep]) -> str:
    running = [step for step in steps if step.sign is Sign.RUNNING]
    if running:
        return sentences.under_way(running[-1].title, running[-1].sentence)
    settled = [step for step in steps if step.sign is not Sign.NOT_REACHED]
    return sentences.next_is_due(settled[-1].step, settled[-1].sentence)
