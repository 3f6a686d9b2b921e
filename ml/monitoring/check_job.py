"""The check of a window as a command, for an Azure ML job and for the app's child process."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ml.errors import UnreadableDataError
from ml.model_config import read_model
from ml.tracking import JobRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.monitoring.outcome import WindowCheck


def main(argv: Sequence[str] | None = None) -> None:
    """Run the check; the command succeeds whatever the verdict.

    Raises:
        SystemExit: REFUSED_EXIT_CODE if the files cannot be compared; the last line says why.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-name", required=True)
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--start-utc", type=_moment, required=True)
    parser.add_argument("--end-utc", type=_moment, required=True)
    parser.add_argument("--champion-version", required=True)
    parser.add_argument("--profile", type=Path, required=True)
    parser.add_argument("--collected", type=Path, required=True)
    parser.add_argument("--past", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--baseline", type=float)
    parser.add_argument("--check", type=Path, required=True)
    args = parser.parse_args(argv)
    if args.start_utc >= args.end_utc:
        parser.error(f"the window ends at {args.end_utc}, not after its start {args.start_utc}")

    from ml.drift import DriftInputError  # noqa: PLC0415 - seconds, after the arguments
    from ml.monitoring import outcome  # noqa: PLC0415 - same
    from ml.monitoring.window import check_window  # noqa: PLC0415 - same

    try:
        check = check_window(
            read_model(args.model_name),
            profile=args.profile,
            collected=args.collected,
            past=args.past,
            labels=args.labels,
            baseline=args.baseline,
            window=outcome.CheckWindow(
                day=args.day,
                start_utc=args.start_utc,
                end_utc=args.end_utc,
                champion_version=args.champion_version,
            ),
            output=args.check,
        )
    except (DriftInputError, UnreadableDataError) as exc:
        print(" ".join(str(exc).split()), file=sys.stderr)  # noqa: T201 - the job's log
        raise SystemExit(outcome.REFUSED_EXIT_CODE) from exc
    run = JobRun.of_this_step()
    if run is not None:
        run.log(params={"day": args.day, "verdict": check.result.verdict}, metrics=figures(check))
        run.keep_file(args.check / outcome.REPORT_FILE)
    print(f"{args.model_name}, {args.day}: {check.sentence}")  # noqa: T201 - the job's log


def figures(check: WindowCheck) -> dict[str, float]:
    """Metrics of the run: rows, drifted columns, largest ratio to a limit, performance."""
    result = check.result
    found = {
        "current_rows": float(result.rows),
        "drifted_columns": float(len(result.drifted) + len(result.vanished_columns)),
        "largest_ratio": max((column.ratio for column in check.leading), default=0.0),
    }
    if check.performance is not None and check.performance.overall is not None:
        name = f"realised_{check.performance.metric.setting}"
        found[name] = check.performance.overall.value
    return found


def _moment(text: str) -> datetime:
    """Parse an ISO 8601 time, which must have an offset: without one it depends on the machine."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no offset; write e.g. {text}Z")
    return moment.astimezone(UTC)


if __name__ == "__main__":
    main()
