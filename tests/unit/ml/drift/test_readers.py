import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.drift.counting.columns import HistoryKind, Kind
from ml.drift.counting.scan import scan_source
from ml.drift.errors import DriftInputError
from ml.drift.profiles.profile import fit_layout
from ml.drift.readers.opening import open_source


def _table(rows=5_000, seed=1):
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "x": pa.array(
                [
                    None if r < 0.02 else v
                    for r, v in zip(rng.random(rows), rng.normal(size=rows), strict=True)
                ]
            ),
            "n": rng.integers(0, 9, rows),
            "kind": np.array(["a", "b", "c"])[rng.integers(0, 3, rows)],
            "flag": rng.random(rows) < 0.5,
        }
    )


def _write(table, folder):
    pq.write_table(table, folder / "rows.parquet", row_group_size=700)
    lines = [json.dumps(row) for row in table.to_pylist()]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
    text = table.to_pandas().to_csv(index=False)
    (folder / "rows.csv").write_text(text)
    with gzip.open(folder / "rows.csv.gz", "wt") as file:
        file.write(text)
    (folder / "semicolons.csv").write_bytes(
        b"\xef\xbb\xbf" + text.replace(",", ";").replace("\n", "\r\n").encode()
    )


def _counts(source, layout):
    found = scan_source(source, layout)
    return found, {name: s.missing for name, s in found.summaries.items()}


@pytest.mark.parametrize(
    "name", ["rows.parquet", "rows.jsonl", "rows.csv", "rows.csv.gz", "semicolons.csv"]
)
def test_every_format_gives_the_same_summaries(tmp_path, name):
    table = _table()
    _write(table, tmp_path)
    layout = fit_layout(open_source(table))
    expected, missing = _counts(open_source(table), layout)

    found, also_missing = _counts(open_source(tmp_path / name), layout)

    assert found.rows == 5_000
    assert also_missing == missing
    for column in ("x", "n"):
        assert (found.summaries[column].counts == expected.summaries[column].counts).all()
    assert found.summaries["kind"].by_value() == expected.summaries["kind"].by_value()
    assert found.summaries["flag"].by_value() == expected.summaries["flag"].by_value()


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("columns", [["x"], ["x", "n", "kind", "flag"]])
def test_number_of_threads_does_not_change_the_summaries(tmp_path, threads, columns):
    pq.write_table(_table(20_000).select(columns), tmp_path / "rows.parquet", row_group_size=3_000)
    source = open_source(tmp_path / "rows.parquet")
    layout = fit_layout(source)

    one, many = scan_source(source, layout), scan_source(source, layout, threads=threads)

    assert many.rows == one.rows
    assert (many.summaries["x"].counts == one.summaries["x"].counts).all()
    assert np.allclose(many.summaries["x"].sums, one.summaries["x"].sums, rtol=1e-9, atol=1e-9)


def test_blocks_follow_the_order_of_rows_with_several_threads(tmp_path):
    pq.write_table(_table(20_000).select(["x"]), tmp_path / "rows.parquet", row_group_size=3_000)
    source = open_source(tmp_path / "rows.parquet")
    layout = fit_layout(source)

    one = scan_source(source, layout, history=HistoryKind.BLOCKS)
    two = scan_source(source, layout, history=HistoryKind.BLOCKS, threads=2)

    for a, b in zip(
        one.summaries["x"].history.counts, two.summaries["x"].history.counts, strict=True
    ):
        assert (a == b).all()


def test_csv_column_of_integers_may_contain_decimals_and_text_in_later_rows(tmp_path):
    size = 50_000
    pad = "0" * 40  # the first block, which settles the types, is 4 MB
    rows = [f"{pad}{i % 7},{pad}{i % 5}" for i in range(size)] + ["1.5,late text"]
    (tmp_path / "rows.csv").write_text("a,b\n" + "\n".join(rows) + "\n")
    source = open_source(tmp_path / "rows.csv")

    layout = fit_layout(source)
    found = scan_source(source, layout)

    assert found.rows == size + 1
    assert found.summaries["a"].highest == 6
    assert found.unreadable == {"b": 1}


def test_text_in_a_column_of_numbers_is_counted_as_unreadable(tmp_path):
    (tmp_path / "train.csv").write_text("a\n" + "\n".join(str(i / 3) for i in range(500)))
    (tmp_path / "today.csv").write_text("a\n1.5\nabc\n\n2.5\n")
    layout = fit_layout(open_source(tmp_path / "train.csv"))

    found = scan_source(open_source(tmp_path / "today.csv"), layout)

    assert found.unreadable == {"a": 1}
    assert found.summaries["a"].finite == 2


def _envelope(rows, time="2026-03-14T06:00:00Z"):
    return json.dumps(
        {"specversion": "1.0", "id": "1", "time": time, "data": rows, "correlationid": "c"}
    )


def test_envelopes_of_the_data_collector_are_read_row_by_row(tmp_path):
    folder = tmp_path / "2026" / "03" / "14" / "06"
    folder.mkdir(parents=True)
    (folder / "one.jsonl").write_text(
        _envelope([{"x": 1.0, "k": "a"}, {"x": 2.0, "k": "b"}]) + "\n" + _envelope([{"x": None}])
    )
    (folder / "two.jsonl").write_text(_envelope([{"x": 4, "k": "a"}]) + "\n")

    source = open_source(tmp_path)
    layout = fit_layout(source, time_column="collected_time")
    found = scan_source(source, layout, history=HistoryKind.DAYS)

    assert found.rows == 4
    assert layout["k"].kind is Kind.CATEGORY
    assert found.summaries["k"].by_value() == {"a": 2, "b": 1}
    assert found.summaries["x"].missing == 1
    assert len(found.summaries["x"].history.counts) == 1


def test_envelope_without_its_rows_is_refused(tmp_path):
    (tmp_path / "one.jsonl").write_text(_envelope("wasbs://elsewhere") + "\n")

    with pytest.raises(DriftInputError, match="collect smaller batches"):
        list(open_source(tmp_path / "one.jsonl").batches())


def test_mixed_types_in_json_are_read_as_text(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"a": "x"}\n')

    batch = next(open_source(tmp_path / "rows.jsonl").batches())

    assert batch.column("a").to_pylist() == ["1", "x"]


@pytest.mark.parametrize("line", ["[" * 100_000, '{"a": 1', "[1]"], ids=["deep", "torn", "list"])
def test_line_that_is_not_a_json_object_is_refused_with_the_file_name(tmp_path, line):
    (tmp_path / "rows.jsonl").write_text(f'{{"a": 1}}\n{line}\n')

    with pytest.raises(DriftInputError, match=r"rows\.jsonl holds a line or row that is not"):
        list(open_source(tmp_path / "rows.jsonl").batches())


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent.csv", "no such file"), ("notes.docx", "cannot read notes.docx"), (".", "no file")],
)
def test_unreadable_input_is_refused_with_the_reason(tmp_path, name, message):
    (tmp_path / "notes.docx").write_text("hello")

    with pytest.raises(DriftInputError, match=message):
        open_source(tmp_path / name)
