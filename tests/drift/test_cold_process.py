"""What a process imports for a single drift check."""

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
CHECK = """
import sys
from pathlib import Path
from ml.drift import check, load_profile

check(load_profile(Path("reference.profile")), "current.parquet")
print(*sorted({"numba", "pandas"} & sys.modules.keys()))
"""


def test_check_of_a_parquet_file_imports_neither_numba_nor_pandas(tmp_path):
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


@pytest.mark.skipif(platform.machine() != "x86_64", reason="LLVM tidies for the machine it runs on")
def test_shipped_loops_are_what_the_translation_writes():
    from ml.drift.counting.translate import translated  # noqa: PLC0415 - numba: seconds

    assert LOOPS.read_text("utf-8") == translated()
