"""2,000 generated files through data tests, training reader, drift check and endpoint.

Encodings, separators, quoting, notations, missing words, types and contracts vary. Counted are
exceptions other than a refusal, and cells that two readers take for different values or that only
one of them refuses. The last line is one JSON object.
"""

import json
import sys
import tempfile
import time
import traceback
from pathlib import Path

from hypothesis import HealthCheck, given, settings

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "files")]

from landed_files import Landed, differences, landed_files  # noqa: E402 - after the path is set

FILES = 2_000


def main() -> None:
    """Run all files and print what differs."""
    counts = {"files": 0, "parquet": 0, "tracebacks": 0, "differences": 0}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:

        @settings(
            max_examples=FILES,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(landed=landed_files())
        def run(landed: Landed) -> None:
            counts["files"] += 1
            counts["parquet"] += landed.is_parquet
            try:
                found = differences(landed, Path(folder))
            except Exception:  # noqa: BLE001 - that any is raised is what is counted
                counts["tracebacks"] += 1
                traceback.print_exc()
                return
            counts["differences"] += len(found)
            for sentence in found:
                print(sentence)

        run()
    seconds = round(time.perf_counter() - started, 1)
    print(json.dumps({**counts, "seconds": seconds}))


if __name__ == "__main__":
    main()
