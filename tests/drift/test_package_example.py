"""The example in the docstring of `ml.drift` is run as it stands."""

from __future__ import annotations

import textwrap

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import ml.drift


def _rows(seed: int, mean: float) -> pa.Table:
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(size=2_000) for name in "bcde"}
    return pa.table({"a": rng.normal(mean, 1, 2_000), **columns})


def test_example_in_the_package_docstring_runs(tmp_path, monkeypatch, capsys):
    _, _, example = ml.drift.__doc__.partition("report.\n\n")
    example, _, _ = example.partition("\n\nData are")
    pq.write_table(_rows(1, mean=0), tmp_path / "train.parquet")
    pq.write_table(_rows(2, mean=1), tmp_path / "today.parquet")
    monkeypatch.chdir(tmp_path)

    exec(textwrap.dedent(example), {})  # noqa: S102 - our own docstring

    assert capsys.readouterr().out == "['a']\n"
    assert "Drift: 1 of 5 columns changed" in (tmp_path / "report.html").read_text()
