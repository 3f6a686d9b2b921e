"""The Spark entry point: profile or check a folder of Parquet, on whatever cluster runs it.

spark-submit spark_job.py profile --data wasbs://… --output train.profile
spark-submit spark_job.py check --data wasbs://… --profile train.profile --output drift-folder
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from ml.drift.engine.check import judge
from ml.drift.engine.layout import HistoryKind
from ml.drift.engine.limits import Budget
from ml.drift.engine.profile import Profile, fit_layout
from ml.drift.engine.profile_file import load_profile, save_profile
from ml.drift.engine.report import render
from ml.drift.engine.result_file import save_result
from ml.drift.engine.spark import head_of, scan_spark


def profile(frame: DataFrame, options: argparse.Namespace) -> None:
    """Profile all rows; with a time column their days are the history."""
    layout = fit_layout(head_of(frame), time_column=options.time_column, ignore=options.ignore)
    history = HistoryKind.DAYS if options.time_column else HistoryKind.NONE
    found = scan_spark(frame, layout, history=history)
    save_profile(Profile.of_scan(found, layout, name=options.name, history=history), options.output)


def check(frame: DataFrame, options: argparse.Namespace) -> None:
    """Check all rows; writes drift.json and report.html into the output folder."""
    stored = load_profile(options.profile)
    found = scan_spark(frame, stored.layout)
    budget = Budget(false_alarms_per_year=options.false_alarms_per_year)
    result = judge(stored, found, budget=budget, day=options.day)
    options.output.mkdir(parents=True, exist_ok=True)
    save_result(result, options.output / "drift.json")
    (options.output / "report.html").write_text(render(result), "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two in this process's Spark session."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=["profile", "check"])
    parser.add_argument("--data", required=True, help="what spark.read.parquet takes")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--profile", type=Path)
    parser.add_argument("--name", default="reference")
    parser.add_argument("--time-column")
    parser.add_argument("--ignore", nargs="*", default=[])
    parser.add_argument("--day", type=date.fromisoformat)
    parser.add_argument("--false-alarms-per-year", type=float, default=1.0)
    options = parser.parse_args(arguments)
    if options.task == "check" and options.profile is None:
        parser.error("check needs --profile, which `profile` wrote")
    frame = SparkSession.builder.getOrCreate().read.parquet(options.data)
    {"profile": profile, "check": check}[options.task](frame, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
