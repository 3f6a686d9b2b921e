"""The whole app over in-memory fakes: many cycles, several seeds; nothing is lost or duplicated.

python benchmarks/simulation.py [--cycles 2000] [--seeds 1]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests" / "journeys")]

from simulation import check, simulate  # noqa: E402 - found through the path set above

_LIMIT_SECONDS = 60


def main() -> int:
    """Exit code 1 when an invariant breaks or the time limit for 2,000 cycles is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, from 1 on")
    arguments = parser.parse_args()
    slowest = 0.0
    print("seed  cycles  blobs   facts   jobs  crashes  simulated days  CPU s  outcomes")
    for seed in range(1, arguments.seeds + 1):
        started = time.process_time()
        world, report = simulate(cycles=arguments.cycles, seed=seed)
        check(world)
        took = time.process_time() - started
        slowest = max(slowest, took)
        print(
            f"{seed:4}  {report.cycles:6}  {report.blobs:5}  {report.facts:6}  {report.jobs:5}"
            f"  {report.crashes:7}  {report.simulated_days:14.1f}  {took:5.1f}  {report.outcomes}"
        )
    print(json.dumps({"cycles": arguments.cycles, "cpu_s": round(slowest, 1), "broken": 0}))
    return 0 if arguments.cycles > 2000 or slowest <= _LIMIT_SECONDS else 1  # noqa: PLR2004 - as above


if __name__ == "__main__":
    sys.exit(main())
