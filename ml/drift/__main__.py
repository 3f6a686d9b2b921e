"""The command line of the drift engine: profile, merge, check, report.

python -m ml.drift profile train.parquet -o train.profile
python -m ml.drift profile more.parquet -o more.profile --like train.profile
python -m ml.drift merge train.profile more.profile -o both.profile
python -m ml.drift check train.profile today.parquet --html report.html --json drift.json
python -m ml.drift report drift.json -o report.html
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TextIO

from ml.drift.counting.columns import HistoryKind
from ml.drift.counting.scan import scan_source
from ml.drift.errors import DriftInputError
from ml.drift.profiles.merging import merge_profiles
from ml.drift.profiles.profile import Profile
from ml.drift.profiles.profile_file import load_profile, save_profile
from ml.drift.readers.opening import open_source
from ml.drift.report.document import render_report
from ml.drift.report.sentences import lines
from ml.drift.result import AlarmBudget, Role, Verdict
from ml.drift.result_file import load_result, save_result
from ml.drift.verdict.checking import check

EXIT_STATUS = {Verdict.NO_DRIFT: 0, Verdict.DRIFT: 3, Verdict.NOT_ENOUGH_DATA: 4}
BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; with --exit-status, that of the verdict."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except DriftInputError as error:
        _say(str(error), sys.stderr)
        return BAD_INPUT
    return status


def _profile(options: argparse.Namespace) -> int:
    made = _like(options) if options.like else _fitted(options)
    save_profile(made, options.output)
    _say_made(made, options.output)
    return 0


def _fitted(options: argparse.Namespace) -> Profile:
    return Profile.fit(
        options.data,
        name=options.name,
        time_column=options.time_column,
        ignore=options.ignore,
        categories=options.categories,
        roles={
            **dict.fromkeys(options.predictions, Role.PREDICTION),
            **dict.fromkeys(options.labels, Role.LABEL),
        },
        history=HistoryKind(options.history) if options.history else None,
        threads=options.threads,
    )


def _like(options: argparse.Namespace) -> Profile:
    """Profile with the columns and grids of another profile, so that the two can be merged."""
    given = [options.time_column, options.ignore, options.categories, options.history]
    if any([*given, options.predictions, options.labels]):
        raise DriftInputError("--like takes columns and history from the profile; name no others")
    other = load_profile(options.like)
    found = scan_source(
        open_source(options.data), other.layout, history=other.history, threads=options.threads
    )
    if gone := [c.name for c in other.layout.columns if c.name not in found.summaries]:
        raise DriftInputError(
            f"no column {', '.join(gone)}, which {options.like.name} has; give rows with it"
        )
    return Profile.of_scan(found, other.layout, name=options.name, history=other.history)


def _merge(options: argparse.Namespace) -> int:
    merged = merge_profiles([load_profile(p) for p in options.profiles], name=options.name)
    save_profile(merged, options.output)
    _say_made(merged, options.output)
    return 0


def _say_made(made: Profile, path: Path) -> None:
    size, columns = path.stat().st_size, len(made.references)
    _say(f"{path}: {made.rows:,} rows, {columns} columns, {size / 1000:,.0f} kB")
    for note in made.describe():
        _say(note)


def _check(options: argparse.Namespace) -> int:
    profile = load_profile(options.profile)
    past = (
        [load_result(path) for path in sorted(options.past.glob("*.json"))] if options.past else []
    )
    result = check(
        profile,
        options.data,
        alarm_budget=AlarmBudget(
            false_alarms_per_year=options.false_alarms_per_year,
            checks_per_year=options.checks_per_year,
            smallest_effect=options.smallest_effect,
            least_rows=options.least_rows,
        ),
        day=options.day,
        past=past,
        threads=options.threads,
    )
    if options.json:
        save_result(result, options.json)
    if options.html:
        options.html.write_text(render_report(result, subject=options.subject), "utf-8")
    for line in lines(result):
        _say(line)
    return EXIT_STATUS[result.verdict] if options.exit_status else 0


def _report(options: argparse.Namespace) -> int:
    options.output.write_text(
        render_report(load_result(options.result), subject=options.subject), "utf-8"
    )
    _say(str(options.output))
    return 0


def _say(line: str, stream: TextIO | None = None) -> None:
    print(line, file=stream or sys.stdout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.drift", description="Drift checks.")
    commands = parser.add_subparsers(required=True)
    defaults = AlarmBudget()

    one = commands.add_parser("profile", help="summarise a training set")
    one.add_argument("data", nargs="+", help="Parquet, CSV or JSON lines; files or folders")
    one.add_argument("-o", "--output", type=Path, required=True)
    one.add_argument("--name", default="reference", help="whose reference it is")
    one.add_argument("--time-column", help="gives rows their UTC day")
    one.add_argument("--ignore", nargs="+", default=[], help="columns left out, such as ids")
    one.add_argument("--categories", nargs="+", default=[], help="numbers that are codes")
    one.add_argument("--predictions", nargs="+", default=[])
    one.add_argument("--labels", nargs="+", default=[])
    one.add_argument("--history", choices=[str(kind) for kind in HistoryKind])
    one.add_argument("--threads", type=int, default=1)
    one.add_argument("--like", type=Path, help="a profile whose columns and grids are taken")
    one.set_defaults(run=_profile)

    sum_up = commands.add_parser("merge", help="add profiles that were made on one layout")
    sum_up.add_argument("profiles", nargs="+", type=Path)
    sum_up.add_argument("-o", "--output", type=Path, required=True)
    sum_up.add_argument("--name", default="", help="whose reference it is; the first one's name")
    sum_up.set_defaults(run=_merge)

    two = commands.add_parser("check", help="compare a window of rows with a profile")
    two.add_argument("profile", type=Path)
    two.add_argument("data", nargs="+")
    two.add_argument("--day", type=date.fromisoformat, help="UTC day of the rows, YYYY-MM-DD")
    two.add_argument("--past", type=Path, help="folder of earlier results, for since when")
    two.add_argument("--json", type=Path)
    two.add_argument("--html", type=Path)
    two.add_argument("--subject", default="", help="what is checked, for the report's title")
    two.add_argument("--false-alarms-per-year", type=float, default=defaults.false_alarms_per_year)
    two.add_argument("--checks-per-year", type=float, default=defaults.checks_per_year)
    two.add_argument("--smallest-effect", type=float, default=defaults.smallest_effect)
    two.add_argument("--least-rows", type=int, default=defaults.least_rows)
    two.add_argument("--threads", type=int, default=1)
    two.add_argument(
        "--exit-status", action="store_true", help="0 no drift, 3 drift, 4 not enough data"
    )
    two.set_defaults(run=_check)

    three = commands.add_parser("report", help="draw a result again")
    three.add_argument("result", type=Path)
    three.add_argument("-o", "--output", type=Path, required=True)
    three.add_argument("--subject", default="")
    three.set_defaults(run=_report)
    return parser


if __name__ == "__main__":
    sys.exit(main())
