"""The entry point on Spark: profile or check a folder of Parquet on any cluster.

spark-submit job.py profile --data wasbs://… --output abfss://…/profiled
spark-submit job.py check --data wasbs://… --profile abfss://…/reference.profile --output …

All paths are addresses of the cluster's file systems: no disk is shared with the caller.
"""

import argparse
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession

import ml
from ml.drift.counting.columns import HistoryKind
from ml.drift.errors import DriftInputError
from ml.drift.profiles.profile import Profile, fit_layout
from ml.drift.profiles.profile_file import load_profile, save_profile
from ml.drift.report.document import render_report
from ml.drift.report.sentences import headline
from ml.drift.result import AlarmBudget
from ml.drift.result_file import save_result
from ml.drift.spark.scan import head_of, scan_spark
from ml.drift.verdict.checking import judge_scan

PROFILE_FILE: Final = "reference.profile"
_PACKAGE: Final = Path(ml.__path__[0])  # not by this file, which Azure ML starts from elsewhere


def profile(frame: DataFrame, options: argparse.Namespace, folder: Path) -> str:
    """Write a profile of all rows into the folder; a time column makes days the history."""
    ignore = [name for name in options.ignore.split(",") if name]
    layout = fit_layout(head_of(frame), time_column=options.time_column, ignore=ignore)
    history = HistoryKind.DAYS if options.time_column else HistoryKind.NONE
    found = scan_spark(frame, layout, history=history)
    made = Profile.of_scan(found, layout, name=options.name, history=history)
    save_profile(made, folder / PROFILE_FILE)
    return f"{made.rows:,} rows, {len(made.references)} columns"


def check(frame: DataFrame, options: argparse.Namespace, folder: Path) -> str:
    """Check all rows; write drift.json and report.html into the folder."""
    local = folder / PROFILE_FILE
    local.write_bytes(_read(frame.sparkSession, options.profile))
    stored = load_profile(local)
    local.unlink()
    found = scan_spark(frame, stored.layout)
    alarm_budget = AlarmBudget(false_alarms_per_year=options.false_alarms_per_year)
    result = judge_scan(stored, found, alarm_budget=alarm_budget, day=options.day)
    save_result(result, folder / "drift.json")
    (folder / "report.html").write_text(render_report(result), "utf-8")
    return headline(result)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one task in the Spark session of this process.

    Raises:
        DriftInputError: the profile or the rows cannot be read.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=["profile", "check"])
    parser.add_argument("--data", required=True, help="what spark.read.parquet takes")
    parser.add_argument("--output", required=True, help="a folder of the cluster's file system")
    parser.add_argument("--profile")
    parser.add_argument("--name", default="reference")
    parser.add_argument("--time-column")
    parser.add_argument("--ignore", default="", help="columns left out, comma between them")
    parser.add_argument("--day", type=date.fromisoformat)
    parser.add_argument("--false-alarms-per-year", type=float, default=1.0)
    options = parser.parse_args(arguments)
    if options.task == "check" and options.profile is None:
        parser.error("check needs --profile, which `profile` wrote")
    session = SparkSession.builder.getOrCreate()
    with tempfile.TemporaryDirectory(prefix="drift-") as scratch:
        _ship_package(session, Path(scratch) / "ml.zip")
        folder = Path(scratch) / "result"
        folder.mkdir()
        frame = session.read.parquet(options.data)
        said = {"profile": profile, "check": check}[options.task](frame, options, folder)
        for path in sorted(folder.iterdir()):
            _write(session, f"{options.output.rstrip('/')}/{path.name}", path.read_bytes())
    print(said)  # noqa: T201 - the job's log


def _ship_package(session: SparkSession, archive: Path) -> None:
    """Send this package to the executors: functions are pickled by name, so they need the code."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        code = [path for path in _PACKAGE.rglob("*") if path.suffix in {".py", ".ll"}]
        for path in sorted(code):
            packed.write(path, path.relative_to(_PACKAGE.parent))
    session.sparkContext.addPyFile(str(archive))


def _read(session: SparkSession, address: str) -> bytes:
    row = session.read.format("binaryFile").load(address).select("content").first()
    if row is None:
        raise DriftInputError(f"no such profile: {address}; make one with `profile`")
    return bytes(row["content"])


def _write(session: SparkSession, address: str, content: bytes) -> None:
    """Write one file under a name, which the writer of a DataFrame cannot choose."""
    context: Any = session.sparkContext
    path = context._jvm.org.apache.hadoop.fs.Path(address)  # noqa: SLF001 - as above
    files = path.getFileSystem(context._jsc.hadoopConfiguration())  # noqa: SLF001 - same
    files.setWriteChecksum(False)  # else a local disk gets a hidden file beside each
    stream = files.create(path, True)  # noqa: FBT003 - Java: overwrite
    stream.write(content)
    stream.close()


if __name__ == "__main__":
    main()
