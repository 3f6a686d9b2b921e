"""Modules that a process imports for a single drift check."""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.drift import Profile, save_profile
from ml.drift.counting.kernels import LOOPS

ROOT = Path(__file__).resolve().parents[2]
BEFORE = ROOT / "tests" / "monitoring" / "before"
CHECK = """
import sys
from pathlib import Path
from ml.drift import check, load_profile

check(load_profile(Path("reference.profile")), "current.parquet")
print(*sorted({"numba", "pandas"} & sys.modules.keys()))
"""


def test_checking_a_parquet_file_does_not_import_numba_or_pandas(tmp_path):
    table = pa.table(
        {
            "number": [0.5, None, *range(300)],
            "whole": [1, None, *range(300)],
            "text": ["a", None, *("b" * 300)],
        }
    )
    save_profile(Profile.fit(table, draws=100), tmp_path / "reference.profile")
    pq.write_table(table, tmp_path / "current.parquet")

    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == ""


def test_reading_a_result_does_not_import_numpy_pyarrow_or_scipy(tmp_path):
    found = json.loads((BEFORE / "day.drift.json").read_text())
    found["sentence"] = "Drift: 1 of 4 columns changed."
    (tmp_path / "drift.json").write_text(json.dumps(found))
    script = """
import sys
from pathlib import Path
from ml.monitoring.outcome import read_check

check = read_check(Path(sys.argv[1]))
print(check.result.verdict, check.leading[0].name, check.sentence)
print(*sorted({"numpy", "pyarrow", "scipy", "pandas"} & sys.modules.keys()))
"""

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout == "drift kind Drift: 1 of 4 columns changed.\n\n"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="LLVM tidies for the machine it runs on")
def test_shipped_compiled_loops_match_their_source():
    from ml.drift.counting.translate import translated  # noqa: PLC0415 - numba: seconds

    assert LOOPS.read_text("utf-8") == translated()
