"""The check of one window: collected rows and labels against the champion's reference.

Files in, files out, in memory that does not grow with the rows. The function app checks small
windows, a job large ones.
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
from ml.monitoring.collected import Tally, events
from ml.monitoring.findings import next_step, sentence_of
from ml.monitoring.labels import Labels
from ml.monitoring.outcome import CHECK_FILE, REPORT_FILE, WindowCheck, write_check
from ml.monitoring.performance_section import performance_section
from ml.monitoring.predictions import Predictions, unjudged
from ml.monitoring.window_rows import Requests, RoleRows

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
    """Compare features, predictions and labels of a window with the champion's reference.

    Features are inputs of every deployment, predictions are outputs of the champion alone, and
    labels are those that landed in the window. The realised performance covers predictions of the
    last `drift.performance.days`, as far as `collected` holds them.

    Args:
        config: of the model.
        profile: the champion's reference profile.
        collected: folder of one endpoint as Azure's collector writes it.
        past: folder with earlier drift.json at any depth; None if there are none.
        labels: folder of accepted files, see `ml.monitoring.labels`; None if there are none.
        baseline: the champion's value of the metric on its frozen rows; None if unknown.
        window: the rows to check.
        output: folder, made here, for drift.json, report.html and check.json.

    Raises:
        DriftInputError: the profile is absent, damaged or of another format.
    """
    name = f"version {window.champion_version}"
    reference = replace(load_profile(profile), name=name)
    landed = None
    if labels is not None:
        since_utc = _read_since(config, window)
        landed = Labels.of(labels, since_utc=since_utc, until_utc=window.end_utc)
    tally, predictions = Tally(), _predictions(config, labels)
    found, requests = _scanned(
        config,
        reference,
        window,
        collected=collected,
        labels=landed,
        tally=tally,
        predictions=predictions,
    )
    earlier, lost = _earlier(past)
    result = with_past(_judged(config, reference, found, requests, window), earlier)
    losses = [*tally.sentences(), *([] if landed is None else landed.sentences()), *lost]
    check = WindowCheck(
        result=result,
        sentence=" ".join([sentence_of(result), *losses]),
        performance=_performance(config, labels, predictions, baseline=baseline),
    )
    output.mkdir(parents=True, exist_ok=True)
    (output / REPORT_FILE).write_text(_page(config, check, losses), encoding="utf-8")
    write_check(check, output)
    return check


def alarm_budget_of(config: ModelConfig) -> AlarmBudget:
    """The false-alarm budget that model.yml sets."""
    settings = config.drift
    return AlarmBudget(
        false_alarms_per_year=settings.false_alarms_per_year,
        smallest_effect=settings.smallest_effect,
        smallest_share=settings.smallest_share,
        least_rows=settings.min_rows,
    )


def _read_since(config: ModelConfig, window: CheckWindow) -> datetime:
    """Start of the time from which outputs and labels are read."""
    return min(window.start_utc, _joined_since(config, window))


def _joined_since(config: ModelConfig, window: CheckWindow) -> datetime:
    return window.end_utc - timedelta(days=config.drift.performance_days)


def _predictions(config: ModelConfig, labels: Path | None) -> Predictions | None:
    """The join of predictions and labels; None if it is not configured or rows have no id."""
    asked = labels is not None or config.drift.performance is not None
    return Predictions(config) if asked and config.id is not None else None


def _performance(
    config: ModelConfig,
    labels: Path | None,
    predictions: Predictions | None,
    *,
    baseline: float | None,
) -> Performance | None:
    if predictions is not None:
        return predictions.performance(baseline)
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
    predictions: Predictions | None,
) -> tuple[Scan, Requests]:
    """Scan inputs, outputs and labels, each once; labels last, since they are joined to outputs.

    Predictions and labels are compared only if there are enough of them: none is not drift.
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

    known = [column.name for column in reference.layout.columns]
    known += [config.id] if config.id is not None else []
    requests = Requests({name for column in known for name in config.data.all_names(column)})
    features, predicted, labelled = (RoleRows(reference, role, config) for role in Role)
    found = features.scan_requests(_input_rows(collection(INPUTS, window.start_utc), requests))
    outputs = collection(OUTPUTS, _read_since(config, window))
    for more in (
        predicted.scan_requests(_output_rows(outputs, config, window, predictions)),
        labelled.scan_frames(_label_frames(labels, config, window, predictions)),
    ):
        if more.rows >= config.drift.min_rows:
            found.summaries |= more.summaries
            found.unreadable |= more.unreadable
    found.rows = requests.rows
    found.days = {(day - _EPOCH).days for day in requests.days}
    return found, requests


def _input_rows(
    inputs: Iterator[Event], requests: Requests
) -> Iterator[Sequence[Mapping[str, Any]]]:
    for event in inputs:
        requests.add(event.rows, event.time_utc.date())
        yield event.rows


def _output_rows(
    outputs: Iterator[Event],
    config: ModelConfig,
    window: CheckWindow,
    predictions: Predictions | None,
) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Outputs of the champion in the window; earlier ones are only joined to labels."""
    since_utc = _joined_since(config, window)
    for event in outputs:
        if not event.is_of(window.champion_version):
            continue
        if predictions is not None and event.time_utc >= since_utc:
            predictions.add(event.rows, event.time_utc)
        if event.time_utc >= window.start_utc:
            yield event.rows


def _label_frames(
    labels: Labels | None, config: ModelConfig, window: CheckWindow, predictions: Predictions | None
) -> Iterator[pd.DataFrame]:
    """Labelled rows that landed in the window; all of them are joined to predictions."""
    if labels is None:
        return
    for file in labels.files:
        for frame in labels.frames(file, config):
            if predictions is not None:
                predictions.add_labels(frame)
            if window.start_utc <= file.landed_utc < window.end_utc:
                yield frame


def _judged(
    config: ModelConfig, reference: Profile, found: Scan, requests: Requests, window: CheckWindow
) -> CheckResult:
    """The verdict of the engine on all columns together."""
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
        new_columns=tuple(requests.new_columns),
        missing_days=tuple(day for day in _days(window) if day not in requests.days),
    )


def _page(config: ModelConfig, check: WindowCheck, losses: Sequence[str]) -> str:
    """The report; performance is drawn if labels were joined, and only mentioned otherwise."""
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
    """The newest result of each earlier day, and a sentence for each unreadable file.

    If a day was checked several times, the last result by name counts.
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
    """Sort key in which revision 10 comes after revision 9."""
    return [
        [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]
        for name in (*path.parent.parts, path.stem)
    ]
