"""The wording of every decision, once: explain, alerts, page and command line print these.

Verdict first, then the number, the limit and what happens next. Decisions, ends and alerts are
whole sentences; the steps of an explanation are phrases beside their name. Every text is bounded:
names and messages from outside may have any length, and facts are kept for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.facts import ReasonKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import date, datetime, timedelta

    from shared.domain.facts import DataTested, EvidenceRead, MetricPair, Reason

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
    ReasonKind.PERFORMANCE: "worse predictions",
    ReasonKind.MANUAL: "a request by hand",
    ReasonKind.MODEL: "a version registered by hand",
}
_LONGEST_PART = 400  # of a text that somebody else wrote
_LONGEST_NAME = 100
_DOINGS = {
    "test": "Testing the files",
    "register": "Registering the data version",
    "submit": "Submitting job {}",
    "watch": "Watching job {}",
    "find": "Looking for the version that job {} registered",
    "evaluate": "Reading the evidence of job {}",
    "deploy": "Deploying version {}",
    "smoke": "Starting and trying version {}",
    "shift": "Moving the traffic to version {}",
    "restore": "Giving version {} its traffic back",
    "tag": "Tagging version {}",
    "retire": "Deleting the deployment of version {}",
    "check-drift": "The drift check of {}",
    "watch-drift": "The drift check of {}",
    "read-drift": "The drift check of {}",
    "tag-drift": "Noting the drift check at version {}",
    "publish-drift": "Telling others of the drift of {}",
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


# --- parts ---------------------------------------------------------------------------------------


def short(text: str, longest: int = _LONGEST_PART) -> str:
    """Cut in the middle, where a long text says least."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def ended(text: str) -> str:
    """With exactly one full stop, whatever the text ended with."""
    return f"{text.rstrip(' .;')}."


# --- policy --------------------------------------------------------------------------------------


def evaluated_only() -> str:
    return "A person registered this version: it is evaluated, nothing is trained."


def reason_not_allowed(kinds: Collection[ReasonKind], allowed: Collection[ReasonKind]) -> str:
    permitted = ", ".join(sorted(allowed)) or "none"
    return (
        f"Not retrained: {reasons(kinds)} is no reason to retrain this model "
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
        f"Not retrained: cooldown of {duration(cooldown)} since {time(last_utc)}. The rows wait "
        f"for the next cycle; retraining is possible again from {time(possible_utc)}."
    )


def out_of_budget(jobs: int, limit: int, possible_utc: datetime) -> str:
    return (
        f"Not retrained: {plural(jobs, 'job')} in 30 days, the budget is {limit}. "
        f"Retraining is possible again from {time(possible_utc)}."
    )


def no_labels(data_version: str) -> str:
    return (
        "Not retrained: production data drifted, but no labelled row landed since the champion's "
        f"data (version {data_version}) was registered, so there is nothing to learn the change "
        "from (drift.without_labels is alert). Drop labelled rows into landing/, they retrain."
    )


def allowed(kinds: Collection[ReasonKind], jobs: int, limit: int) -> str:
    return f"Because of {reasons(kinds)}; job {jobs + 1} of {limit} in 30 days."


def no_data() -> str:
    return (
        "Not retrained: no data has arrived yet. The first file that passes its tests trains "
        "version 1."
    )


# --- data ----------------------------------------------------------------------------------------


def opened(kinds: Collection[ReasonKind], arrivals: int) -> str:
    files = f", {plural(arrivals, 'file')} waiting" if arrivals else ""
    return f"because of {reasons(kinds)}{files}"


def tested(fact: DataTested) -> str:
    parts = [f"{plural(fact.accepted, 'file')} accepted ({plural(fact.rows, 'row')})"]
    if fact.quarantined:
        parts.append(f"{fact.quarantined:,} set aside")
    if fact.superseded:
        parts.append(f"{fact.superseded:,} superseded by newer content")
    return ", ".join(parts)


def set_aside(file_name: str, findings: Collection[str]) -> str:
    """One file's findings; at most three are spelt out."""
    first = [short(finding) for finding in list(findings)[:3]]
    more = len(findings) - len(first)
    tail = f"; and {more:,} more" if more > 0 else ""
    return ended(f"File {short(file_name, _LONGEST_NAME)} set aside: {'; '.join(first)}{tail}")


def not_tested(why: str) -> str:
    """A job should have tested a large file and did not."""
    return f"{why}; look at its log, then send the file again"


def all_quarantined(fact: DataTested) -> str:
    """The first files with their findings, and how many more there are."""
    more = fact.quarantined - len(fact.findings)
    if not fact.findings:
        return f"{plural(fact.quarantined, 'file')} set aside."
    rest = f" And {plural(more, 'more file')} set aside." if more > 0 else ""
    return " ".join(ended(finding) for finding in fact.findings) + rest


def all_superseded(fact: DataTested) -> str:
    return (
        f"{plural(fact.superseded, 'file')} superseded: overwritten or deleted before "
        "being read; the newer content is used instead."
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
            return f"First model, {text or 'no floor is set'}."
        return f"Version {challenger} stays out: {text or 'no metric was measured'}."
    pairs = "; ".join(_pair(metric) for metric in decisive) or "no metric was measured"
    ground = f"{pairs} (champion {evidence.champion_version}) on the same {evidence.test_rows} rows"
    if passed:
        return f"Better than champion {evidence.champion_version}: {ground}."
    return f"Version {challenger} stays out: not shown to be better. {ground}."


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
    work = "Evaluation" if job_name.startswith("evaluate") else "Training"
    detail = f": {short(message)}" if message else ""
    return ended(f"{work} failed after {plural(attempts, 'attempt')}; last job {job_name}{detail}")


def job_canceled(job_name: str) -> str:
    return f"Job {job_name} was cancelled; ask for a retraining by hand to try again."


def deployment_failed(version: str, sentence: str, champion: str | None) -> str:
    untouched = f" Champion {champion} is untouched." if champion else ""
    return f"Version {version} was not put into production: {ended(sentence)}{untouched}"


def promoted(version: str, evaluation: str) -> str:
    return f"Version {version} in production. {evaluation}".rstrip()


def doing(effect_key: str, cycle_id: str = "") -> str:
    """What an effect does, by its key."""
    kind, _, rest = effect_key.removeprefix(f"{cycle_id}:").partition(":")
    known = _DOINGS.get(kind)
    return known.format(rest.partition(":")[0]) if known else effect_key


def effect_failed(what: str, sentence: str) -> str:
    return f"{what} was given up: {ended(short(sentence, 2 * _LONGEST_PART))}"


def files_wait(count: int) -> str:
    """Added where a cycle fails before its files were used."""
    subject = "Its file waits" if count == 1 else f"Its {count:,} files wait"
    return f"{subject} for the next cycle; a request by hand starts one."


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


def arrival_rejected(place: str, why: str) -> str:
    return f"File {place} belongs to no model and was set aside: {ended(short(why))}"


def event_rejected(why: str, kept: str) -> str:
    return f"An event could not be handled and was kept as {kept}: {ended(short(why))}"


def poisoned(queue: str, count: int) -> str:
    return (
        f"{plural(count, 'message')} in {queue} failed too often. Read the function's log, "
        "put them back after the remedy; see docs/runbook.md."
    )


# --- status and explain --------------------------------------------------------------------------


def serving(version: str | None, since_utc: datetime | None) -> str:
    if version is None or since_utc is None:
        return "No version serves yet: the first file that passes its tests trains one."
    return f"Version {version} serves since {time(since_utc)}."


def first_drop(model: str) -> str:
    return f"No file has arrived. Drop one into landing/{model}/ - the first one trains version 1."


def waiting(kinds: Collection[ReasonKind], arrivals: int) -> str:
    files = plural(arrivals, "file") if arrivals else ""
    others = reasons([kind for kind in kinds if kind is not ReasonKind.DATA])
    what = " and ".join(part for part in (files, others) if part)
    return f"{what[:1].upper()}{what[1:]} waiting for the next cycle."


def with_report(sentence: str, links: Collection[str]) -> str:
    """Where to read more, after a sentence."""
    return f"{sentence} Report: {', '.join(links)}." if links else sentence


def report_links(model: str, reasons: Collection[Reason]) -> tuple[str, ...]:
    """Where the drift reports behind these reasons are read; each day once."""
    days = [reason.key.split(":")[1] for reason in reasons if reason.report]
    return tuple(f"GET {report_address(model, day)}" for day in dict.fromkeys(days))


def report_address(model: str, day: str) -> str:
    return f"/api/models/{model}/drift/{day}"


def job_failed_twice(job_name: str, message: str) -> str:
    return f"job {job_name} failed twice{f': {short(message)}' if message else ''}"


def job_was_canceled(job_name: str) -> str:
    return f"job {job_name} was cancelled"


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
