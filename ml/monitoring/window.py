"""The check of one window: collected rows, labels and the champion's reference in, verdict out.

Files in, files out, in memory that does not grow with the rows: the function app calls it for small
windows, a job for large ones.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from ml.collected_data import INPUTS, OUTPUTS
from ml.drift import (
    AlarmBudget,
    CheckResult,
    DriftInputError,
    HistoryKind,
    Profile,
    Role,
    load_profile,
    load_result,
    render_report,
)
from ml.drift.verdict.checking import judge_scan, with_past
from ml.monitoring.answers import Answers, unjudged
from ml.monitoring.collected import Tally, events
from ml.monitoring.findings import next_step, sentence_of
from ml.monitoring.labels import Labels
from ml.monitoring.outcome import CHECK_FILE, REPORT_FILE, WindowCheck, write_check
from ml.monitoring.performance_section import performance_section
from ml.monitoring.window_rows import Met, RoleRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from ml.drift.counting.scan import Scan
    from ml.model_config import ModelConfig
    from ml.monitoring.collected import Event
    from ml.monitoring.outcome import CheckWindow
    from ml.monitoring.performance import Performance

_MOST_PAST: Final = 90
_HALF_DAY: Final = timedelta(hours=12)
_EPOCH: Final = date(1970, 1, 1)


def check_window(
    config: ModelConfig,
    *,
    profile: Path,
    collected: Path,
    past: Path | None,
    labels: Path | None,
    baseline: float | None,
    window: CheckWindow,
    output: Path,
) -> WindowCheck:
    """Compare what the champion saw, said and later learnt in a window with its reference.

    Features come from the inputs of every deployment, predictions from outputs of the champion
    alone. Labels are compared where labelled rows landed in the window; the realised performance
    is of predictions of the last `drift.performance.days`, as far as `collected` holds them.

    Args:
        config: of the model.
        profile: the champion's reference profile.
        collected: folder of one endpoint as Azure's collector writes it.
        past: earlier drift.json, anywhere below it; None where there are none.
        labels: accepted files, see `ml.monitoring.labels`; None where there are none.
        baseline: the champion's value of the metric on its frozen rows.
        window: which rows.
        output: is made; gets drift.json, report.html and check.json.

    Raises:
        DriftInputError: the profile is absent, damaged or of another format.
    """
    name = f"version {window.champion_version}"
    reference = replace(load_profile(profile), name=name)
    landed = None
    if labels is not None:
        since_utc = _looks_back_to(config, window)
        landed = Labels.of(labels, config, since_utc=since_utc, until_utc=window.end_utc)
    tally, answers = Tally(), _answers(config, labels)
    found, met = _scanned(
        config, reference, window, collected=collected, labels=landed, tally=tally, answers=answers
    )
    earlier, lost = _earlier(past)
    result = with_past(_judged(config, reference, found, met, window), earlier)
    losses = [*tally.sentences(), *([] if landed is None else landed.sentences()), *lost]
    check = WindowCheck(
        result=result,
        sentence=" ".join([sentence_of(result), *losses]),
        performance=_performance(config, labels, answers, baseline=baseline),
    )
    output.mkdir(parents=True, exist_ok=True)
    (output / REPORT_FILE).write_text(_page(config, check, losses), encoding="utf-8")
    write_check(check, output)
    return check


def alarm_budget_of(config: ModelConfig) -> AlarmBudget:
    """What the model's own settings allow and ask of a check."""
    settings = config.drift
    return AlarmBudget(
        false_alarms_per_year=settings.false_alarms_per_year,
        smallest_effect=settings.smallest_effect,
        smallest_share=settings.smallest_share,
        least_rows=settings.min_rows,
    )


def _looks_back_to(config: ModelConfig, window: CheckWindow) -> datetime:
    """How old a prediction or its label may be."""
    return min(window.start_utc, _answers_since(config, window))


def _answers_since(config: ModelConfig, window: CheckWindow) -> datetime:
    return window.end_utc - timedelta(days=config.drift.performance_days)


def _answers(config: ModelConfig, labels: Path | None) -> Answers | None:
    """Where answers wait for labels; None: nobody asks, or no row id joins the two."""
    asked = labels is not None or config.drift.performance is not None
    return Answers(config) if asked and config.id is not None else None


def _performance(
    config: ModelConfig, labels: Path | None, answers: Answers | None, *, baseline: float | None
) -> Performance | None:
    if answers is not None:
        return answers.performance(baseline)
    if labels is None and config.drift.performance is None:
        return None
    return unjudged(config, baseline, "the model has no row id to join labels by")


def _scanned(
    config: ModelConfig,
    reference: Profile,
    window: CheckWindow,
    *,
    collected: Path,
    labels: Labels | None,
    tally: Tally,
    answers: Answers | None,
) -> tuple[Scan, Met]:
    """One pass over each kind of rows: inputs, outputs, and then the labels that answers wait for.

    Predictions and labels are compared where enough of them came: none at all is not drift.
    """

    def collection(name: str, since_utc: datetime) -> Iterator[Event]:
        return events(
            collected,
            name,
            start_utc=since_utc,
            end_utc=window.end_utc,
            id_column=config.id,
            tally=tally,
        )

    met = Met({*(column.name for column in reference.layout.columns), config.id})
    inputs, predictions, landed = (RoleRows(reference, role, config) for role in Role)
    found = inputs.scan_requests(_asked(collection(INPUTS, window.start_utc), met))
    outputs = collection(OUTPUTS, _looks_back_to(config, window))
    for more in (
        predictions.scan_requests(_answered(outputs, config, window, answers)),
        landed.scan_frames(_landed(labels, config, window, answers)),
    ):
        if more.rows >= config.drift.min_rows:
            found.summaries |= more.summaries
            found.unreadable |= more.unreadable
    found.rows = met.rows
    found.days = {(day - _EPOCH).days for day in met.days}
    return found, met


def _asked(inputs: Iterator[Event], met: Met) -> Iterator[Sequence[Mapping[str, Any]]]:
    for event in inputs:
        met.take(event.rows, event.time_utc.date())
        yield event.rows


def _answered(
    outputs: Iterator[Event], config: ModelConfig, window: CheckWindow, answers: Answers | None
) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The champion's answers in the window; earlier ones may have been labelled since."""
    since_utc = _answers_since(config, window)
    for event in outputs:
        if not event.is_of(window.champion_version):
            continue
        if answers is not None and event.time_utc >= since_utc:
            answers.add(event.rows, event.time_utc)
        if event.time_utc >= window.start_utc:
            yield event.rows


def _landed(
    labels: Labels | None, config: ModelConfig, window: CheckWindow, answers: Answers | None
) -> Iterator[pd.DataFrame]:
    """Labelled rows that landed in the window; all of them meet the answers."""
    if labels is None:
        return
    for file in labels.files:
        for frame in labels.frames(file, config):
            if answers is not None:
                answers.meet(frame)
            if window.start_utc <= file.landed_utc < window.end_utc:
                yield frame


def _judged(
    config: ModelConfig, reference: Profile, found: Scan, met: Met, window: CheckWindow
) -> CheckResult:
    """The engine's verdict on all kinds of rows together."""
    compared = replace(
        reference,
        references=tuple(
            one
            for one in reference.references
            if one.column.role is Role.FEATURE or one.column.name in found.summaries
        ),
    )
    several = reference.history is HistoryKind.DAYS and len(_days(window)) > 1
    result = judge_scan(
        compared,
        found,
        alarm_budget=alarm_budget_of(config),
        day=None if several else window.day,
    )
    return replace(
        result,
        day=window.day,
        new_columns=tuple(met.new_columns),
        missing_days=tuple(day for day in _days(window) if day not in met.days),
    )


def _page(config: ModelConfig, check: WindowCheck, losses: Sequence[str]) -> str:
    """The report; performance is drawn where labels were joined, else said."""
    performance = check.performance
    drawn = performance is not None and not performance.obstacle
    return render_report(
        check.result,
        subject=config.name,
        notes=[*([] if performance is None or drawn else [performance.sentence()]), *losses],
        next_step=next_step(config, check.result, performance),
        sections=[performance_section(performance)] if performance is not None and drawn else [],
    )


def _days(window: CheckWindow) -> tuple[date, ...]:
    """UTC days of which at least half lies in the window."""
    day, found = window.start_utc.astimezone(UTC).date(), []
    while (start := datetime.combine(day, time(), UTC)) < window.end_utc:
        end = start + timedelta(days=1)
        if min(end, window.end_utc) - max(start, window.start_utc) >= _HALF_DAY:
            found.append(day)
        day = end.date()
    return tuple(found)


def _earlier(past: Path | None) -> tuple[list[CheckResult], list[str]]:
    """The last result of each earlier day, and what to say of those that cannot be read.

    A day may have been checked again: of several results the last one by name counts.
    """
    results: dict[date | None, CheckResult] = {}
    lost = []
    files = sorted(past.rglob("*.json"), key=_in_order) if past is not None else []
    for path in [path for path in files if path.name != CHECK_FILE][-_MOST_PAST:]:
        try:
            result = load_result(path)
        except DriftInputError as exc:
            lost.append(f"An earlier result, {path.name}, cannot be read: {exc}.")
        else:
            results[result.day] = result
    return list(results.values()), lost


def _in_order(path: Path) -> list[list[tuple[int, str]]]:
    """Folder by folder, by text and number in turn: revision 10 comes after revision 9."""
    return [
        [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]
        for name in (*path.parent.parts, path.stem)
    ]
