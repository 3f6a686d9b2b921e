"""CPU, wall and memory of the drift engine against its peers and against reading the file alone.

Every measurement is one fresh process; all contestants of a table alternate, and medians count.
Peers live in virtual environments of their own, made here with uv, their telemetry off. CPU seconds
are the process's own, after imports and one collection of the garbage that they left, for every
contestant; the engine, which makes its machine code, also has one warm-up on a small table. `cold`
holds everything from the start of the interpreter. "Calibration" is what turns a summary into
limits, once a model version: the drawn null and what the reference's own past adds to it; it is
timed apart from profile + check.

The bare read, which one pass is compared with, is two contestants, and the quicker one counts:

- ordinary: `ParquetFile(path).iter_batches(batch_size=65_536, use_threads=threads > 1)`, every
  batch dropped, pyarrow's pool as large as the threads. By default pyarrow holds each row group's
  bytes, which costs it a file's worth of page faults.
- buffered: the same with `pre_buffer=False, buffer_size=65_536`, as many readers as threads, each
  with its share of the columns or of the row groups: the engine's own readers without the engine.

Needs a few GB of disk below --work (10M x 20 is 1.6 GB) and network access for the peers. --only
takes some of the parts: 100k, 1m, read-20 (10M x 20), read-1 (100M x 1). The last line is one JSON
object with the worst case of each claim.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uv

ROOT = Path(__file__).resolve().parents[1]
RUNNER = Path(__file__).parent / "contestants" / "drift.py"
CATEGORIES = 10
GROUP_ROWS = 1 << 20

PEERS: Mapping[str, Sequence[str]] = {
    "evidently": ("evidently==0.7.23", "pandas<3", "pyarrow"),
    "nannyml": ("nannyml==0.13.1", "pyarrow", "statsmodels"),  # imported, not declared
    "scipy": ("scipy", "pandas", "pyarrow"),
}
PARTS = ("100k", "1m", "read-20", "read-1")
QUIET = {
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "PYTHONWARNINGS": "ignore",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: CPU and wall seconds of the work, and peak memory in MB above that of imports."""

    cpu: float
    wall: float
    peak_mb: float
    extra: Mapping[str, float]


def write(path: Path, rows: int, numbers: int, categories: int, seed: int) -> Path:
    """A Parquet file of normal, lognormal and t columns, written in row groups, once."""
    if path.is_file():
        return path
    rng = np.random.default_rng(seed)
    draws = (rng.standard_normal, rng.standard_exponential, lambda n: rng.standard_t(4, n))
    names = np.array([f"value-{i}" for i in range(12)])
    partial = path.with_suffix(".part")
    writer: pq.ParquetWriter | None = None
    for start in range(0, rows, GROUP_ROWS):
        size = min(GROUP_ROWS, rows - start)
        table = pa.table(
            {
                **{f"n{i}": draws[i % 3](size) for i in range(numbers)},
                **{f"c{i}": names[rng.integers(0, 12, size)] for i in range(categories)},
            }
        )
        writer = writer or pq.ParquetWriter(partial, table.schema)
        writer.write_table(table, row_group_size=GROUP_ROWS)
    if writer is not None:
        writer.close()
    partial.rename(path)
    return path


def environment(work: Path, peer: str) -> Path:
    """The Python of a peer's own virtual environment, made when it is not there."""
    python = work / "environments" / peer / "bin" / "python"
    if not python.is_file():
        tool = uv.find_uv_bin()
        subprocess.run([tool, "venv", "-q", "-p", "3.11", str(python.parents[1])], check=True)
        subprocess.run([tool, "pip", "install", "-q", "-p", str(python), *PEERS[peer]], check=True)
    return python


def measure(python: Path, task: str, *arguments: object) -> Measured:
    """Run one task in a fresh process."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG")
    variables = {name: os.environ[name] for name in kept if name in os.environ} | QUIET
    command = [str(python), str(RUNNER), task, *map(str, arguments)]
    done = subprocess.run(
        command, env=variables, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return Measured(
        cpu=found.pop("cpu"), wall=found.pop("wall"), peak_mb=found.pop("peak_mb"), extra=found
    )


class Table:
    """Repeated measurements of several contestants, taken in turns."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.runs: dict[str, list[Measured]] = {}

    def take_turns(self, contestants: Mapping[str, Sequence[object]], repetitions: int) -> "Table":
        """contestants: name -> (python, task, arguments...)."""
        for _ in range(repetitions):
            for name, (python, task, *arguments) in contestants.items():
                run = measure(Path(str(python)), str(task), *arguments)
                self.runs.setdefault(name, []).append(run)
        self.show()
        return self

    def show(self) -> None:
        """Print the medians."""
        print(f"\n{self.title}\n{'':34}{'CPU s':>9}{'wall s':>9}{'MB over import':>16}{'runs':>6}")
        for name, runs in self.runs.items():
            print(
                f"{name:34}{self.cpu(name):>9.3f}{self.wall(name):>9.3f}"
                f"{self.peak(name):>16.0f}{len(runs):>6}"
            )

    def cpu(self, name: str) -> float:
        """Median CPU seconds."""
        return statistics.median(run.cpu for run in self.runs[name])

    def wall(self, name: str) -> float:
        """Median wall seconds."""
        return statistics.median(run.wall for run in self.runs[name])

    def peak(self, name: str) -> float:
        """Largest memory over what imports took."""
        return max(run.peak_mb for run in self.runs[name])

    def reported(self, name: str, key: str) -> float:
        """Median of another figure that the task reports."""
        return statistics.median(run.extra[key] for run in self.runs[name])


def main() -> None:
    """Measure everything, or with --only some of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / ".local" / "benchmarks" / "drift")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--keep", action="store_true", help="keep files and environments")
    options = parser.parse_args()
    work: Path = options.work
    work.mkdir(parents=True, exist_ok=True)
    figures: dict[str, float] = {}
    peaks: list[float] = []
    own = Path(sys.executable)
    if "100k" in options.only:
        figures |= _small(work, own, options.repetitions, peaks)
    if "1m" in options.only:
        figures |= _middle(work, own, options.repetitions, peaks)
    sizes = {"read-20": (10_000_000, 20), "read-1": (100_000_000, 1)}
    reads = [size for part, size in sizes.items() if part in options.only]
    if reads:
        figures |= _reading(work, own, options.repetitions, peaks, sizes=reads)
    if not options.keep:
        shutil.rmtree(work)
    figures["peak_mb"] = max(peaks, default=0.0)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def _small(work: Path, own: Path, repetitions: int, peaks: list[float]) -> dict[str, float]:
    reference = write(work / "reference-100k.parquet", 100_000, 50, CATEGORIES, 1)
    current = write(work / "current-100k.parquet", 100_000, 50, CATEGORIES, 2)
    table = Table("100k x (50 numeric + 10 categorical)").take_turns(
        {
            "ours, daily check": (own, "check", reference, current),
            "ours, profile + check": (own, "profile_and_check", reference, current),
            "ours, cold": (own, "cold", reference, current),
            "Evidently": (environment(work, "evidently"), "evidently", reference, current),
        },
        repetitions,
    )
    peaks += [table.peak("ours, daily check"), table.peak("ours, profile + check")]
    return {
        "daily_vs_evidently": table.cpu("Evidently") / table.cpu("ours, daily check"),
        "fit_vs_evidently": table.cpu("Evidently") / table.cpu("ours, profile + check"),
        "cold_cpu_s": table.cpu("ours, cold"),
        "calibrate_cpu_s": table.reported("ours, profile + check", "calibrate"),
    }


def _middle(work: Path, own: Path, repetitions: int, peaks: list[float]) -> dict[str, float]:
    reference = write(work / "reference-1m.parquet", 1_000_000, 50, 0, 3)
    current = write(work / "current-1m.parquet", 1_000_000, 50, 0, 4)
    table = Table("1M x 50").take_turns(
        {
            "ours, profile + check": (own, "profile_and_check", reference, current),
            "scipy, exact loop": (environment(work, "scipy"), "scipy", reference, current),
            "NannyML": (environment(work, "nannyml"), "nannyml", reference, current),
        },
        repetitions,
    )
    peaks.append(table.peak("ours, profile + check"))
    spent = table.cpu("ours, profile + check")
    return {
        "fit_vs_nannyml": table.cpu("NannyML") / spent,
        "fit_vs_scipy_1m": table.cpu("scipy, exact loop") / spent,
    }


def _reading(
    work: Path,
    own: Path,
    repetitions: int,
    peaks: list[float],
    *,
    sizes: Sequence[tuple[int, int]],
) -> dict[str, float]:
    cpu, wall = [], []
    floors = ("pyarrow, ordinary read", "pyarrow, buffered read")
    for rows, columns in sizes:
        path = write(work / f"{rows}x{columns}.parquet", rows, columns, 0, 5)
        for threads in (1, 2):
            title = f"{rows:,} x {columns}, {threads} thread(s), against reading the file alone"
            table = Table(title).take_turns(
                {
                    floors[0]: (own, "read", path, threads),
                    floors[1]: (own, "read_buffered", path, threads),
                    "ours, one pass": (own, "scan", path, threads),
                },
                repetitions,
            )
            cpu.append(table.cpu("ours, one pass") / min(table.cpu(f) for f in floors))
            wall.append(table.wall("ours, one pass") / min(table.wall(f) for f in floors))
            peaks.append(table.peak("ours, one pass"))
            print(f"{'ratio':34}{cpu[-1]:>9.2f}{wall[-1]:>9.2f}")
        path.unlink()
    return {"read_cpu_ratio": max(cpu), "read_wall_ratio": max(wall)}


if __name__ == "__main__":
    main()
