"""`python -m ml.drift`: profile, check, report."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.drift import Verdict
from ml.drift.__main__ import main
from ml.drift.report.sentences import headline
from ml.drift.result_file import load_result


def numbers(seed, *, shift=0.0):
    """Six columns, the first two moved."""
    rng = np.random.default_rng(seed)
    return pa.table({f"f{i}": rng.normal(shift if i < 2 else 0.0, 1, 2_000) for i in range(6)})


def test_command_line_profiles_checks_and_reports(tmp_path, capsys):
    pq.write_table(numbers(1), tmp_path / "train.parquet")
    pq.write_table(numbers(2, shift=0.7), tmp_path / "today.parquet")
    paths = {name: str(tmp_path / name) for name in ("p", "d.json", "r.html", "again.html")}

    made = main(["profile", str(tmp_path / "train.parquet"), "-o", paths["p"], "--name", "v7"])
    status = main(
        [
            *("check", paths["p"], str(tmp_path / "today.parquet"), "--day", "2026-03-14"),
            *("--json", paths["d.json"], "--html", paths["r.html"], "--exit-status"),
        ]
    )
    drawn = main(["report", paths["d.json"], "-o", paths["again.html"]])

    printed = capsys.readouterr().out
    assert (made, status, drawn) == (0, 3, 0)
    assert "◆ Drift: 2 of 6 columns changed" in printed
    assert (tmp_path / "r.html").read_text() == (tmp_path / "again.html").read_text()
    result = load_result(tmp_path / "d.json")
    assert result.verdict is Verdict.DRIFT
    assert headline(result) in printed


def test_command_line_names_the_missing_profile(tmp_path, capsys):
    status = main(["check", str(tmp_path / "absent"), "today.parquet"])

    assert status == 2
    assert "no such profile" in capsys.readouterr().err
