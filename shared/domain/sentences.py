"""The wording of every decision, once: explain, alerts, page and command line print these.

Verdict first, then the number, the limit and what happens next. Decisions, ends and alerts are
whole sentences; the steps of an explanation are phrases beside their name. Every text is bounded:
names and messages from outside may have any length, and facts are kept for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.retraining import Mode, ReasonKind, kinds_in_words
from shared.domain.wording import (
    duration,
    ended,
    plural,
    short,
    time,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime, timedelta

    from shared.domain.notices import EffectFailed
    from shared.domain.retraining import Reason

_LONGEST_REFUSAL = 800  # of a service: it says what to do about it


# --- policy --------------------------------------------------------------------------------------


def evaluated_only() -> str:
    return "A person registered this version: it is evaluated, nothing is trained."


def reason_not_allowed(kinds: Collection[ReasonKind], allowed: Collection[ReasonKind]) -> str:
    permitted = ", ".join(sorted(allowed)) or "none"
    return (
        f"Not retrained: {kinds_in_words(kinds)} is not a reason to retrain this model "
        f"(allowed: {permitted}; see retrain.reasons in model.yml)."
    )


def nothing_new(cycle_id: str, data_version: str) -> str:
    return (
        f"Not retrained: nothing new. Cycle {cycle_id} has trained on the same data "
        f"(version {data_version}) with the same settings against the same champion already; "
        "a request by hand trains anyway."
    )


def in_cooldown(cooldown: timedelta, last_utc: datetime, possible_utc: datetime) -> str:
    return (
        f"Postponed: cooldown of {duration(cooldown)} since {time(last_utc)}. "
        f"{_resumes(possible_utc)}"
    )


def out_of_budget(jobs: int, limit: int, possible_utc: datetime) -> str:
    return (
        f"Postponed: {plural(jobs, 'job')} in 30 days, the budget is {limit}. "
        f"{_resumes(possible_utc)}"
    )


def _resumes(possible_utc: datetime) -> str:
    return f"It follows by itself from {time(possible_utc)}, with all rows that landed by then."


def no_labels(data_version: str) -> str:
    return (
        "Not retrained: production data drifted, but no labelled row landed since the champion's "
        f"data (version {data_version}) was registered, so there is nothing to learn the change "
        "from (drift.without_labels is alert). Drop labelled rows into landing/, they retrain."
    )


def allowed(kinds: Collection[ReasonKind], jobs: int, limit: int) -> str:
    return f"Because of {kinds_in_words(kinds)}; job {jobs + 1} of {limit} in 30 days."


def settings_changed() -> str:
    return (
        "Superseded: model.yml or pipeline.py changed while the cycle was open. It starts again "
        "under the new settings."
    )


# --- job, deployment, end ------------------------------------------------------------------------


def job_failed(mode: Mode, job_name: str, attempts: int, message: str) -> str:
    detail = f": {short(message)}" if message else ""
    return ended(
        f"{mode.words} failed after {plural(attempts, 'attempt')}; last job {job_name}{detail}"
    )


def job_failed_for_good(mode: Mode, job_name: str, message: str) -> str:
    what = short(message, _LONGEST_REFUSAL)
    return ended(
        f"{mode.words} failed and would again, so it was not tried twice; job {job_name}: {what}"
    )


def job_canceled(job_name: str) -> str:
    return f"Job {job_name} was cancelled; ask for a retraining by hand to try again."


def deployment_failed(version: str, sentence: str, champion: str | None) -> str:
    untouched = f" Champion {champion} is untouched." if champion else ""
    return f"Version {version} was not put into production: {ended(sentence)}{untouched}"


def promoted(version: str, evaluation: str) -> str:
    return f"Version {version} in production. {evaluation}".rstrip()


def steps_failed(steps: Collection[str]) -> str:
    if not steps:
        return "failed before a step ran"
    return f"step {', '.join(steps)} failed; its log stands in the job"


def endpoint_failed(name: str) -> str:
    return f"the endpoint {name} could not be set up; Azure ML studio shows why"


def deployment_did_not_start(name: str, log: str) -> str:
    return f"deployment {name} did not start: {log}"


def smoke_test_passed(name: str, took: timedelta) -> str:
    return f"{name} answered its smoke test in {took.total_seconds():.2f} s"


def smoke_test_failed(name: str, status: int, answer: str) -> str:
    return f"smoke test failed: {name} answered {status} to its smoke test: {answer}"


def effect_failed(what: str, sentence: str) -> str:
    return f"{what} was given up: {ended(short(sentence, _LONGEST_REFUSAL))}"


def gave_up(failed: EffectFailed) -> str:
    return effect_failed(failed.doing or failed.effect, failed.sentence)


def jobs(names: Sequence[str]) -> str:
    """What is waited for: these jobs. As a phrase, like the functions that follow."""
    others = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"job {names[0]}{others}"


def slices(count: int) -> str:
    return f"{plural(count, 'more slice')} of files"


def waited_too_long(for_what: str, limit: timedelta) -> str:
    return f"waited {duration(limit)} for {for_what}, which is the limit"


def known_differently(fact_key: str) -> str:
    return f"its result {short(fact_key)} was recorded before, with other content"


def traffic_outside(observed: str, champion: str | None) -> str:
    was = f"the ledger's champion was version {champion}" if champion else "there was no champion"
    return f"Traffic was changed outside: {observed}; {was}. The change is respected."


def traffic_stale(observed: str, champion: str) -> str:
    return (
        f"An older write won over a newer one: {observed}; version {champion} gets its traffic "
        "back."
    )


def not_in_a_folder() -> str:
    return "its path is not landing/<model>/<file>"


def not_a_model_name(name: str) -> str:
    return f"{name!r} is not a name that a model may have"


def arrival_rejected(place: str, why: str) -> str:
    return f"File {place} belongs to no model and was quarantined: {ended(short(why))}"


def event_rejected(why: str, kept: str) -> str:
    return f"An event could not be handled and was kept as {kept}: {ended(short(why))}"


def never_performed(requeued: int) -> str:
    return (
        f"its message was lost or its worker crashed {requeued} times; "
        "look into the log of on_work and the queue work-poison"
    )


def poisoned(queue: str, count: int) -> str:
    return (
        f"{plural(count, 'message')} in {queue} failed too often. Read the function's log, "
        "put them back after the remedy; see docs/runbook.md."
    )


def retraining_accepted(cycle_id: str | None, *, new: bool) -> str:
    known = "" if new else "Known already, nothing new was started. "
    if cycle_id is None:
        return f"{known}Accepted; it waits until the open cycle has ended."
    return f"{known}Accepted as cycle {cycle_id}."


# --- status and explain --------------------------------------------------------------------------


def not_reached(*, over: bool) -> str:
    return "not reached" if over else "not yet"


def step_given_up(words: str) -> str:
    return f"given up: {words}"


def after(words: str, took: timedelta) -> str:
    return f"{words}, after {duration(took)}"


def under_way(title: str, words: str) -> str:
    return ended(f"{title}: {words}")


def next_is_due(title: str, words: str) -> str:
    return f"{title}: {words.rstrip('.')}; the next step is due."


def serving(version: str, since_utc: datetime) -> str:
    return f"Version {version} serves since {time(since_utc)}."


def unreadable_settings(mistakes: Exception) -> str:
    return f"No version serves yet, and none can be trained: {mistakes}"


def with_report(sentence: str, links: Collection[str]) -> str:
    """A sentence followed by links to its drift reports."""
    return f"{sentence} Report: {', '.join(links)}." if links else sentence


def report_links(model: str, reasons: Collection[Reason]) -> tuple[str, ...]:
    """Links to the drift reports behind these reasons, each day once."""
    days = [reason.day for reason in reasons if reason.report and reason.day]
    return tuple(f"GET {report_address(model, day)}" for day in dict.fromkeys(days))


def report_address(model: str, day: date) -> str:
    return f"/api/models/{model}/drift/{day.isoformat()}"


def job_failed_twice(job_name: str, message: str) -> str:
    return f"job {job_name} failed twice{f': {short(message)}' if message else ''}"


def job_was_canceled(job_name: str) -> str:
    return f"job {job_name} was cancelled"


def no_drift_reference(version: str) -> str:
    return (
        f"No reference is known for version {version}: a person put it into production, or an "
        "older release trained it. The next version brings one."
    )


def drift_check_again(day: date, version: str) -> str:
    return (
        f"{day.isoformat()} is checked again against the reference of version {version}: rows came "
        "since, or too few had come."
    )


def no_champion_to_check() -> str:
    return "No drift check: no version serves yet, so there is no reference to compare with."


def drift_check_asked(day: date, version: str, *, new: bool) -> str:
    verb = "is checked" if new else "was checked already, or is being checked,"
    return f"{day.isoformat()} {verb} against the reference of version {version}."


def not_all(model: str, unknown: int, taken: int) -> str:
    return (
        f"{model}: {unknown:,} files without an event, limit {taken:,} a run; the next one goes on"
    )


def too_many_unclaimed(limit: int) -> str:
    return (
        f"more than {limit:,} files in the landing container belong to no model, limit {limit:,}; "
        "delete those that lie in quarantine, or add the model's folder"
    )
