"""One measurement a process, for ../drift.py: `drift.py TASK FILE...` prints one JSON line.

Runs in the engine's environment or in that of a peer; each task imports what it needs and warms up
on a small file before the clock starts, so that JIT and imports are not counted.
"""

import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM_ROWS = 500


def memory_mb(field: str) -> float:
    """VmRSS or VmHWM of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise KeyError(field)


def timed(work: Callable[[], dict[str, float] | None]) -> None:
    """Run and print CPU, wall and peak memory over what is in use before it."""
    gc.collect()  # imports leave some 150,000 objects behind: walk them before the clock starts
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    before = memory_mb("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    extra = work() or {}
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = memory_mb("VmHWM") - before
    cpu -= extra.get("calibrate", 0.0)
    print(json.dumps({"cpu": cpu, "wall": wall, "peak_mb": peak, **extra}))


def _engine() -> Any:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from ml import drift  # noqa: PLC0415 - only where the engine is installed

    return drift


def _warm(engine: Any) -> None:
    """Make the machine code and import the reader, on a tiny file."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pa.table({"x": [i / 7 for i in range(WARM_ROWS)], "c": ["a", "b"] * (WARM_ROWS // 2)})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "warm.parquet"
        pq.write_table(table, path)
        engine.check(engine.Profile.fit(path, draws=100), path)


def check(reference: str, current: str) -> None:
    """The daily check with a stored profile, which is loaded inside the clock."""
    engine = _engine()
    _warm(engine)
    stored = Path(current).with_suffix(".profile")
    if not stored.is_file():
        engine.save_profile(engine.Profile.fit(reference), stored)
    timed(lambda: engine.check(engine.load_profile(stored), current) and None)


def profile_and_check(reference: str, current: str) -> None:
    """Profile and check; the calibration of the null is reported apart and not counted."""
    engine = _engine()
    _warm(engine)
    from ml.drift.profiles import profile as module  # noqa: PLC0415

    spent = 0.0
    original = module.make_references

    def calibrated(*args: Any, **kwargs: Any) -> Any:
        nonlocal spent
        started = time.process_time()
        made = original(*args, **kwargs)
        spent = time.process_time() - started
        return made

    module.make_references = calibrated

    def work() -> dict[str, float]:
        engine.check(engine.Profile.fit(reference), current)
        return {"calibrate": spent}

    timed(work)


def cold(reference: str, current: str) -> None:
    """Everything from the start of the interpreter: imports, machine code, load, check."""
    del reference
    engine = _engine()
    stored = Path(current).with_suffix(".profile")
    engine.check(engine.load_profile(stored), current)
    print(json.dumps({"cpu": time.process_time(), "wall": 0.0, "peak_mb": memory_mb("VmHWM")}))


def read(path: str, threads: str) -> None:
    """The ordinary bare read: pyarrow decodes every value and nothing is done with it."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    pa.set_cpu_count(int(threads))

    def work() -> None:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=65_536, use_threads=int(threads) > 1):
                del batch

    timed(work)


def read_buffered(path: str, threads: str) -> None:
    """The bare read through the engine's readers: its buffers, threads and shares, no engine."""
    engine = _engine()
    _warm(engine)
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    from ml.drift.counting.scan import column_shares  # noqa: PLC0415
    from ml.drift.profiles.profile import fit_layout  # noqa: PLC0415
    from ml.drift.readers.opening import open_source  # noqa: PLC0415

    source, count = open_source(path), int(threads)
    columns = fit_layout(source).columns
    shares = [(source, share) for share in column_shares(columns, count)]
    if len(columns) < count:
        shares = [(part, columns) for part in source.parts(count)]

    def drop(share: tuple[Any, Any]) -> None:
        part, chosen = share
        for batch in part.batches({column.name for column in chosen}):
            del batch

    def work() -> None:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(drop, shares))

    timed(work)


def scan(path: str, threads: str) -> None:
    """One pass into summaries: what profile and check both consist of."""
    engine = _engine()
    _warm(engine)
    from ml.drift.counting.scan import scan_source  # noqa: PLC0415
    from ml.drift.profiles.profile import fit_layout  # noqa: PLC0415
    from ml.drift.readers.opening import open_source  # noqa: PLC0415

    source = open_source(path)
    layout = fit_layout(source)
    timed(lambda: scan_source(source, layout, threads=int(threads)) and None)


def _frames(reference: str, current: str) -> tuple[Any, Any]:
    import pandas as pd  # noqa: PLC0415

    return pd.read_parquet(reference), pd.read_parquet(current)


def scipy(reference: str, current: str) -> None:
    """Compute scipy's exact Wasserstein distance, column by column."""
    import pandas as pd  # noqa: F401, PLC0415 - imported before the clock starts
    from scipy.stats import wasserstein_distance  # noqa: PLC0415

    def work() -> None:
        one, other = _frames(reference, current)
        for name in one.columns:
            wasserstein_distance(one[name].to_numpy(), other[name].to_numpy())

    timed(work)


def nannyml(reference: str, current: str) -> None:
    """Run NannyML's univariate Wasserstein drift on one chunk."""
    import nannyml as nml  # noqa: PLC0415

    def work() -> None:
        one, other = _frames(reference, current)
        calculator = nml.UnivariateDriftCalculator(
            column_names=list(one.columns), continuous_methods=["wasserstein"], chunk_number=1
        )
        calculator.fit(one)
        calculator.calculate(other)

    timed(work)


def evidently(reference: str, current: str) -> None:
    """Run Evidently's drift preset: Wasserstein for numbers, Jensen-Shannon for categories."""
    from evidently import Report  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    def work() -> None:
        one, other = _frames(reference, current)
        Report([DataDriftPreset()]).run(current_data=other, reference_data=one).dict()

    timed(work)


TASKS = (
    check,
    profile_and_check,
    cold,
    read,
    read_buffered,
    scan,
    scipy,
    nannyml,
    evidently,
)

if __name__ == "__main__":
    by_name: dict[str, Callable[..., None]] = {task.__name__: task for task in TASKS}
    by_name[sys.argv[1]](*sys.argv[2:])
