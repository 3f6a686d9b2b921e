"""The check of one window: collected rows, labels and the champion's reference in, verdict out.

Files in, files out, in memory that does not grow with the rows: the function app calls it for small
windows, a job for large ones.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ml.collected_data import INPUTS, OUTPUTS, PREDICTION
from ml.drift import (
    AlarmBudget,
    CheckResult,
    DriftInputError,
    HistoryKind,
    Profile,
    Role,
    load_profile,
)
from ml.drift.counting.scan import Scan, scan_source
from ml.drift.readers.opening import open_source
from ml.drift.report.document import render_report
from ml.drift.result_file import load_result, save_result
from ml.drift.verdict.checking import judge_scan, with_past
from ml.monitoring.collected import Tally, events
from ml.monitoring.findings import moved_columns, next_step, sentence_of
from ml.monitoring.labels import Labels
from ml.monitoring.outcome import (
    CHECK_FILE,
    REPORT_FILE,
    RESULT_FILE,
    CheckWindow,
    Moved,
    PerformanceResult,
    WindowCheck,
    read_check,
    write_check,
)
from ml.monitoring.performance_section import performance_section
from ml.monitoring.realised import ROW_ID, judge_performance
from ml.monitoring.rows_file import TIME, RowsFile
from ml.reference.columns import Comparable

if TYPE_CHECKING:
    from ml.drift.counting.columns import Layout
    from ml.model_config import ModelConfig

__all__ = [
    "CheckWindow",
    "Moved",
    "PerformanceResult",
    "WindowCheck",
    "check_window",
    "read_check",
]

_MOST_PAST: Final = 90
_HALF_DAY: Final = timedelta(hours=12)


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
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="drift-") as folder, ExitStack() as open_files:
        rows = _Rows(config, reference, Path(folder), open_files)
        landed = None
        if labels is not None:
            since_utc = _looks_back_to(config, window)
            landed = Labels.of(labels, config, since_utc=since_utc, until_utc=window.end_utc)
        rows.read_collected(collected, window, tally)
        if landed is not None:
            rows.read_labels(landed, window)
        open_files.close()
        result = _judged(config, reference, rows, window)
        performance = judge_performance(config, rows.scored, landed, baseline=baseline)
    earlier, lost = _earlier(past)
    result = with_past(result, earlier)
    losses = [*tally.sentences(), *([] if landed is None else landed.sentences()), *lost]
    check = WindowCheck(
        verdict=result.verdict.replace(" ", "_"),
        sentence=" ".join([sentence_of(result), *losses]),
        moved=moved_columns(result),
        current_rows=result.rows,
        reference_rows=result.reference_rows,
        missing_days=result.missing_days,
        performance=performance.result,
    )
    output.mkdir(parents=True, exist_ok=True)
    of_days = performance.by_day
    save_result(
        result,
        output / RESULT_FILE,
        beside={"performance": None if of_days is None else of_days.to_dict()},
    )
    page = render_report(
        result,
        subject=config.name,
        notes=[*performance.notes, *losses],
        next_step=next_step(config, result, performance.result),
        sections=[] if of_days is None else [performance_section(of_days)],
    )
    (output / REPORT_FILE).write_text(page, encoding="utf-8")
    write_check(check, output)
    return check


def budget_of(config: ModelConfig) -> AlarmBudget:
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
    return min(window.start_utc, window.end_utc - timedelta(days=config.drift.performance_days))


class _Rows:
    """The window's rows by what they are to the model, each kind in a file of its own."""

    def __init__(
        self, config: ModelConfig, reference: Profile, folder: Path, open_files: ExitStack
    ) -> None:
        self._config = config
        by_role = {
            role: [
                Comparable.of_profile(column, config)
                for column in reference.layout.columns
                if column.role is role
            ]
            for role in Role
        }
        self.of_role = {
            role: open_files.enter_context(RowsFile(folder / f"{role}.parquet", columns))
            for role, columns in by_role.items()
        }
        scored = [Comparable.of_row_id(ROW_ID), Comparable.of_model(PREDICTION, config)]
        self.scored = open_files.enter_context(RowsFile(folder / "scored.parquet", scored))

    def read_collected(self, collected: Path, window: CheckWindow, tally: Tally) -> None:
        """Inputs of the window; outputs of the window, and of the days that labels come for."""
        config = self._config
        for event in events(
            collected,
            INPUTS,
            start_utc=window.start_utc,
            end_utc=window.end_utc,
            id_column=config.id,
            tally=tally,
        ):
            self.of_role[Role.FEATURE].add_rows(event.rows, event.time_utc)
        since_utc = window.end_utc - timedelta(days=config.drift.performance_days)
        for event in events(
            collected,
            OUTPUTS,
            start_utc=_looks_back_to(config, window),
            end_utc=window.end_utc,
            id_column=config.id,
            tally=tally,
        ):
            if not event.is_of(window.champion_version):
                continue
            if event.time_utc >= window.start_utc:
                self.of_role[Role.PREDICTION].add_rows(event.rows, event.time_utc)
            if event.time_utc >= since_utc:
                rows = [{**row, ROW_ID: row.get(config.id or ROW_ID)} for row in event.rows]
                self.scored.add_rows(rows, event.time_utc)

    def read_labels(self, labels: Labels, window: CheckWindow) -> None:
        """Labelled rows that landed in the window."""
        for file in labels.files:
            if window.start_utc <= file.landed_utc < window.end_utc:
                for frame in labels.frames(file, self._config):
                    self.of_role[Role.LABEL].add_frame(frame, file.landed_utc)


def _judged(
    config: ModelConfig, reference: Profile, rows: _Rows, window: CheckWindow
) -> CheckResult:
    """The engine's verdict on all kinds of rows together.

    Predictions and labels are compared where enough of them came: none at all is no drift.
    """
    budget = budget_of(config)
    several = reference.history is HistoryKind.DAYS and len(_days(window)) > 1
    found = Scan()
    for role, file in rows.of_role.items():
        if role is not Role.FEATURE and file.rows < budget.least_rows:
            continue
        part = _scanned(file, reference.layout, role, by_day=several)
        found.summaries |= part.summaries
        found.unreadable |= part.unreadable
        found.unreadable |= file.unreadable
    inputs = rows.of_role[Role.FEATURE]
    found.rows = inputs.rows
    compared = replace(
        reference,
        references=tuple(
            one
            for one in reference.references
            if one.column.role is Role.FEATURE or one.column.name in found.summaries
        ),
    )
    result = judge_scan(compared, found, alarm_budget=budget, day=None if several else window.day)
    known = {column.name for column in reference.layout.columns} | {config.id}
    return replace(
        result,
        day=window.day,
        new_columns=tuple(name for name in inputs.others if name not in known),
        missing_days=tuple(day for day in _days(window) if day not in inputs.days),
    )


def _scanned(file: RowsFile, layout: Layout, role: Role, *, by_day: bool) -> Scan:
    """Summaries of one kind of rows; a column that no row had has none."""
    columns = tuple(c for c in layout.columns if c.role is role and c.name in file.seen)
    if not columns:
        return Scan(rows=file.rows)
    part = replace(layout, columns=columns, time_column=TIME)
    history = HistoryKind.DAYS if by_day else HistoryKind.NONE
    return scan_source(open_source(file.path), part, history=history)


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
        except (DriftInputError, KeyError, TypeError, ValueError) as exc:
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
