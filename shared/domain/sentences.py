"""The wording of every decision, once: explain, alerts, page and command line print these.

Verdict first, then the number, the limit and what happens next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.facts import ReasonKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import date, datetime, timedelta

    from shared.domain.facts import DataTested, EvidenceRead, MetricPair

_FIGURES = 3
_SMALL = 0.01
_METRIC_WORDS = {
    "r2": "R²",
    "mae": "MAE",
    "rmse": "RMSE",
    "accuracy": "accuracy",
    "f1": "F1",
    "f1_macro": "F1 (macro)",
    "roc_auc": "ROC AUC",
}
_REASON_WORDS = {
    ReasonKind.DATA: "new data",
    ReasonKind.DRIFT: "drift",
    ReasonKind.MANUAL: "a request by hand",
    ReasonKind.MODEL: "a version registered by hand",
}


def number(value: float, *, digits: int = _FIGURES) -> str:
    """Three figures: `0.30`, `0.462`, `1.00`, `44.1`, `1,342`; small ones as `0.00123`."""
    size = abs(value)
    if size == 0:
        return "0"
    if size < _SMALL:
        return f"{value:.{digits}g}"
    if size < 1:
        text = f"{value:.{digits}f}"
        return text.removesuffix("0")
    before_the_point = len(str(int(size)))
    return f"{value:,.{max(digits - before_the_point, 0)}f}"


def numbers(first: float, second: float) -> tuple[str, str]:
    """Both with as many figures as it takes to tell them apart, eight at most."""
    for digits in range(_FIGURES, 9):
        texts = number(first, digits=digits), number(second, digits=digits)
        if first == second or texts[0] != texts[1]:
            return texts
    return repr(first), repr(second)


def time(moment_utc: datetime) -> str:
    """For example `14 Mar 06:21`; UTC is the rule, not repeated."""
    return f"{moment_utc.day} {moment_utc:%b %H:%M}"


def duration(length: timedelta) -> str:
    """The largest unit that says it: `7 d`, `3 h`, `10 min`, `40 s`."""
    seconds = length.total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def plural(count: int, noun: str) -> str:
    """`1 file`, `3 files`, `1,342 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def reasons(kinds: Collection[ReasonKind]) -> str:
    """`drift and new data`."""
    words = [word for kind, word in _REASON_WORDS.items() if kind in kinds]
    return " and ".join(words)


# --- policy --------------------------------------------------------------------------------------


def evaluated_only() -> str:
    return "a person registered this version: it is evaluated, nothing is trained"


def reason_not_allowed(kinds: Collection[ReasonKind], allowed: Collection[ReasonKind]) -> str:
    permitted = ", ".join(sorted(allowed)) or "none"
    return (
        f"not retrained: {reasons(kinds)} is no reason to retrain this model "
        f"(allowed: {permitted}; see retrain.reasons in model.yml)"
    )


def nothing_new(cycle_id: str, data_version: str) -> str:
    return (
        f"not retrained: nothing new. Cycle {cycle_id} has trained on the same data "
        f"(version {data_version}) with the same settings against the same champion already; "
        "a request by hand trains anyway"
    )


def in_cooldown(cooldown: timedelta, last_utc: datetime, possible_utc: datetime) -> str:
    return (
        f"not retrained: cooldown of {duration(cooldown)} since {time(last_utc)}. "
        f"The rows wait for the next cycle; retraining is possible again from {time(possible_utc)}"
    )


def out_of_budget(jobs: int, limit: int, possible_utc: datetime) -> str:
    return (
        f"not retrained: {plural(jobs, 'job')} in 30 days, the budget is {limit}. "
        f"Retraining is possible again from {time(possible_utc)}"
    )


def allowed(kinds: Collection[ReasonKind], jobs: int, limit: int) -> str:
    return f"because of {reasons(kinds)}; job {jobs + 1} of {limit} in 30 days"


def no_data() -> str:
    return "not retrained: no data has arrived yet"


# --- data ----------------------------------------------------------------------------------------


def opened(kinds: Collection[ReasonKind], arrivals: int) -> str:
    files = f", {plural(arrivals, 'file')} waiting" if arrivals else ""
    return f"because of {reasons(kinds)}{files}"


def tested(fact: DataTested) -> str:
    parts = [f"{plural(fact.accepted, 'file')} accepted ({plural(fact.rows, 'row')})"]
    if fact.quarantined:
        parts.append(f"{fact.quarantined} set aside")
    if fact.superseded:
        parts.append(f"{fact.superseded} superseded by newer content")
    return ", ".join(parts)


def set_aside(file_name: str, findings: Collection[str]) -> str:
    """One file's findings; at most three are spelt out."""
    first = list(findings)[:3]
    more = len(findings) - len(first)
    tail = f"; and {more} more" if more > 0 else ""
    return f"{file_name} set aside: {'; '.join(first)}{tail}"


def all_quarantined(fact: DataTested) -> str:
    """How a cycle ends of which no file may be used."""
    return "; ".join(fact.findings) or f"{plural(fact.quarantined, 'file')} set aside"


def all_superseded(fact: DataTested) -> str:
    return (
        f"{plural(fact.superseded, 'file')} superseded: overwritten or deleted before "
        "being read; the newer content is used instead"
    )


def data_registered(version: str, rows: int, files: int) -> str:
    return f"data version {version}, {plural(rows, 'row')} of {plural(files, 'file')}"


# --- gate ----------------------------------------------------------------------------------------


def metric_word(name: str) -> str:
    return _METRIC_WORDS.get(name, name)


def evaluated(
    evidence: EvidenceRead,
    verdict: Verdict,
    passes: Callable[[MetricPair], bool],
    *,
    challenger: str,
) -> str:
    """Why the gate said yes or no, with the numbers that decided."""
    passed = verdict is Verdict.PASSED
    decisive = [metric for metric in evidence.metrics if passed or not passes(metric)]
    if evidence.champion_version is None:
        text = "; ".join(_against_floor(metric) for metric in decisive)
        if passed:
            return f"first model, {text or 'no floor is set'}"
        return f"Version {challenger} stays out: {text or 'no metric was measured'}"
    pairs = "; ".join(_pair(metric) for metric in decisive) or "no metric was measured"
    ground = f"{pairs} (champion {evidence.champion_version}) on the same {evidence.test_rows} rows"
    if passed:
        return f"better than champion {evidence.champion_version}: {ground}"
    return f"Version {challenger} stays out: not shown to be better. {ground}"


def _against_floor(metric: MetricPair) -> str:
    word = metric_word(metric.name)
    if metric.floor is None:
        return f"{word} {number(metric.challenger)}"
    value, floor = numbers(metric.challenger, metric.floor)
    limit = "ceiling" if metric.goal == "min" else "floor"
    if metric.challenger == metric.floor:
        return f"{word} {value} is at the {limit} {floor}"
    side = "above" if metric.challenger > metric.floor else "below"
    return f"{word} {value} is {side} the {limit} {floor}"


def _pair(metric: MetricPair) -> str:
    word = metric_word(metric.name)
    if metric.champion is None:
        return f"{word} {number(metric.challenger)} against no value"
    challenger, champion = numbers(metric.challenger, metric.champion)
    note = ", lower is better" if metric.goal == "min" else ""
    return f"{word} {challenger} against {champion}{note}"


# --- job, deployment, end ------------------------------------------------------------------------


def job_failed(job_name: str, attempts: int, message: str) -> str:
    detail = f": {message}" if message else ""
    return f"training failed after {plural(attempts, 'attempt')}; last job {job_name}{detail}"


def job_canceled(job_name: str) -> str:
    return f"job {job_name} was cancelled; ask for a retraining by hand to try again"


def deployment_failed(version: str, sentence: str) -> str:
    return f"version {version} was not put into production: {sentence}. The champion is untouched"


def promoted(version: str, evaluation: str) -> str:
    return f"version {version} in production: {evaluation}"


def effect_failed(what: str, sentence: str) -> str:
    return f"{what} was given up: {sentence}"


def known_differently(fact_key: str) -> str:
    return f"its result {fact_key} was recorded before, with other content"


def traffic_outside(observed: str, champion: str | None) -> str:
    was = f"the ledger's champion was version {champion}" if champion else "there was no champion"
    return f"traffic was changed outside: {observed}; {was}. The change is respected"


def traffic_stale(observed: str, champion: str) -> str:
    return (
        f"an older write won over a newer one: {observed}; version {champion} gets its traffic back"
    )


def arrival_rejected(place: str, why: str) -> str:
    return f"{place} belongs to no model and was set aside: {why}"


def event_rejected(why: str) -> str:
    return f"an event could not be read and was kept: {why}"


def poisoned(queue: str, count: int) -> str:
    return (
        f"{plural(count, 'message')} in {queue} failed too often. Read the function's log, "
        "put them back after the remedy; see the runbook"
    )


# --- status and explain --------------------------------------------------------------------------


def serving(version: str | None, since_utc: datetime | None) -> str:
    if version is None or since_utc is None:
        return "no version serves yet: the first file that passes its tests trains one"
    return f"version {version} serves since {time(since_utc)}"


def first_drop(model: str) -> str:
    return f"No file has arrived. Drop one into landing/{model}/ - the first one trains version 1."


def waiting(kinds: Collection[ReasonKind], arrivals: int) -> str:
    files = f"{plural(arrivals, 'file')}" if arrivals else ""
    others = reasons([kind for kind in kinds if kind is not ReasonKind.DATA])
    what = " and ".join(part for part in (files, others) if part)
    return f"{what} waiting for the next cycle"


def no_champion_to_check() -> str:
    return "no drift check: no version serves yet, so there is no reference to compare with"


def drift_check_asked(day: date, version: str, *, new: bool) -> str:
    verb = "is checked" if new else "was checked already, or is being checked,"
    return f"{day.isoformat()} {verb} against the reference of version {version}"
