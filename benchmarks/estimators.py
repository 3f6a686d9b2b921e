"""Every estimator of scikit-learn's public list through build, fit, save, load and serve.

Each one that can be part of a model of one target on a table is tried; xgboost, lightgbm and
catboost as well, where they are installed. What cannot be part of such a model is listed with its
reason. The last line is one JSON object; `failed` must be 0.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import logging
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.ordinary.arrangements import LeftOut, arrange  # noqa: E402 - after the path is set
from benchmarks.ordinary.loop import Outcome, take_through  # noqa: E402 - same

MOST_REFUSED_PERCENT = 5.0
BOOSTERS = (
    "xgboost.XGBClassifier",
    "xgboost.XGBRegressor",
    "lightgbm.LGBMClassifier",
    "lightgbm.LGBMRegressor",
    "catboost.CatBoostClassifier",
    "catboost.CatBoostRegressor",
)


def estimators() -> dict[str, type]:
    """By name: scikit-learn's public list and the boosters that are installed."""
    import sklearn.experimental.enable_halving_search_cv  # noqa: PLC0415 - makes them public
    import sklearn.experimental.enable_iterative_imputer  # noqa: F401, PLC0415 - same
    from sklearn.utils.discovery import all_estimators  # noqa: PLC0415 - after them

    found = dict(all_estimators())
    for name in BOOSTERS:
        module, _, attribute = name.rpartition(".")
        with contextlib.suppress(ImportError):
            found[attribute] = getattr(importlib.import_module(module), attribute)
    return found


def one(name: str) -> Outcome | LeftOut:
    """What becomes of one estimator; a failure keeps its last line only."""
    # That pip is not installed, as in environments of uv; MLflow sets levels anew on import.
    logging.getLogger("mlflow.utils.environment").addFilter(
        lambda record: record.levelno >= logging.ERROR
    )
    warnings.simplefilter("ignore")  # of fits on a few rows that do not converge
    arrangement = arrange(estimators()[name])
    if isinstance(arrangement, LeftOut):
        return arrangement
    with tempfile.TemporaryDirectory() as folder:
        try:
            return take_through(arrangement, Path(folder) / "model")
        except Exception as exc:  # noqa: BLE001 - the benchmark counts whatever goes wrong
            where = traceback.extract_tb(exc.__traceback__)[-1]
            said = f"{type(exc).__name__}: {exc} ({Path(where.filename).name} {where.lineno})"
            return Outcome("failed", said)


def main() -> int:
    """Print a line for each estimator that is not equal, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=1, help="each holds about 300 MB")
    parser.add_argument("names", nargs="*", help="estimators; without: all")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    names = arguments.names or list(estimators())
    started, counts, reasons = time.monotonic(), Counter[str](), Counter[str]()
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
        for name, outcome in zip(names, pool.map(one, names), strict=True):
            if isinstance(outcome, LeftOut):
                reasons[outcome.reason] += 1
                continue
            counts[outcome.kind] += 1
            if outcome.kind != "equal":
                print(f"{name}: {outcome.kind}: {outcome.words}")
    for reason, number in reasons.most_common():
        print(f"left out, {number}: {reason}")
    tried = counts.total()
    figures = {
        "tried": tried,
        "equal": counts["equal"],
        "refused_before_training": counts["refused_before_training"],
        "failed": counts["failed"],
        "left_out": reasons.total(),
        "seconds": round(time.monotonic() - started),
    }
    print(json.dumps(figures))
    refused_percent = 100 * counts["refused_before_training"] / max(tried, 1)
    return int(counts["failed"] > 0 or refused_percent > MOST_REFUSED_PERCENT)


if __name__ == "__main__":
    sys.exit(main())
