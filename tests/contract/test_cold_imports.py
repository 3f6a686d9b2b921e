"""Modules a fresh process imports for one piece of work; each costs time and memory on Azure."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from window_bench import Bench, config_of, save_reference

ROOT = Path(__file__).resolve().parents[2]


def printed_by(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_listing_models_does_not_import_yaml_and_reading_one_does_not_import_pandas():
    script = (
        "import sys; from ml.model_config import available_models, read_model; "
        "available_models(); assert 'yaml' not in sys.modules; read_model('diabetes'); "
        "print(sorted({'pandas', 'numpy', 'sklearn'} & set(sys.modules)))"
    )

    assert printed_by(script) == "[]"


def test_catalog_lists_models_without_importing_yaml_pandas_or_numpy():
    script = (
        "import sys\n"
        "from shared.adapters.model_catalog import FolderCatalog\n"
        "FolderCatalog().names()\n"
        "print([name for name in ('yaml', 'pandas', 'numpy', 'ml.model_config') "
        "if name in sys.modules])"
    )

    assert printed_by(script) == "[]"


def test_drift_check_of_plain_requests_does_not_import_pandas_or_parquet(tmp_path):
    bench = Bench(tmp_path, config_of(tmp_path), save_reference(tmp_path))
    rows = [
        {"row": i, "income": 30.0 + i % 9, "rooms": i % 3 + 1, "kind": "flat"} for i in range(400)
    ]
    bench.send(rows)
    bench.send([{"row": i, "prediction": i % 2} for i in range(400)], collection="model_outputs")
    script = f"""
import sys
from datetime import date, datetime
from pathlib import Path
from ml.model_config import read_model
from ml.monitoring.outcome import CheckWindow
from ml.monitoring.window import check_window
check = check_window(
    read_model("loans", Path({json.dumps(str(bench.folder))})),
    profile=Path({json.dumps(str(bench.profile))}),
    collected=Path({json.dumps(str(bench.collected))}),
    past=None,
    labels=None,
    baseline=0.9,
    window=CheckWindow(
        day=date(2026, 3, 14),
        start_utc=datetime.fromisoformat("2026-03-14T00:00:00Z"),
        end_utc=datetime.fromisoformat("2026-03-15T00:00:00Z"),
        champion_version="7",
    ),
    output=Path({json.dumps(str(bench.output))}),
)
print(check.result.rows, "pandas" in sys.modules, "pyarrow.parquet" in sys.modules)
"""

    assert printed_by(script).split() == ["400", "False", "False"]
