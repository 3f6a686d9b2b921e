"""The doubles of Azure ML on a simulated clock, with the interface of `RealAzureMl`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.adapters import in_memory as doubles
from shared.ports.jobs import DataTestRequest, DriftJobRequest, JobRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.adapters.in_memory.azure_ml import AnyJob

_HOW = {
    "works": doubles.JobScript(),
    "fails": doubles.JobScript(fails=True),
    "fails for good": doubles.JobScript(
        fails=True, final="ml/models/x/pipeline.py:3  it cannot end otherwise"
    ),
    "hangs": doubles.JobScript(duration=timedelta(days=30)),
}


class DoubledAzureMl:
    """Simulated jobs, registry and endpoints."""

    def __init__(self) -> None:
        self._clock = doubles.SimulatedClock()
        self._how: dict[str, str] = {}
        self._blobs = blobs = doubles.InMemoryBlobs(self._clock)
        self._simulator = simulator = doubles.AzureMlSimulator(self._clock, blobs, self._script)
        self.jobs = self.registry = simulator
        self.endpoints = doubles.InMemoryEndpoints(self._clock)
        self.evidence = doubles.InMemoryEvidence(blobs)

    def steer(self, model: str, cycle_id: str, how: str) -> str:
        pins = f"{model}/pins/{cycle_id}.json"
        self._how[pins] = how
        return pins

    def steer_drift(self, model: str, how: str) -> str:
        profile = f"evidence/{model}/reference.profile"
        self._how[profile] = how
        return profile

    def steer_file(self, model: str, how: str) -> str:
        path = f"{model}/untested/{how}"
        self._blobs.upload("data", path, b"a,b\n1,2\n")
        self._how[path] = how
        return path

    def run_tags(self, job: str) -> dict[str, str]:
        return self._simulator.run_tags.get(job, {})

    def delete_run(self, job: str) -> None:
        del self._simulator.jobs[job]

    def register(self, model: str, tags: dict[str, str]) -> str:
        return self._simulator.register(model, tags)

    def until(self, reached: Callable[[], Any]) -> Any:
        for _ in range(1000):
            if value := reached():
                return value
            self._clock.advance(timedelta(seconds=10))
        raise AssertionError("not reached in 10,000 simulated seconds")

    def _script(self, job: AnyJob) -> doubles.JobScript:
        match job:
            case JobRequest():
                steered = job.pins
            case DriftJobRequest():
                steered = job.comparison.profile
            case DataTestRequest():
                steered = job.path
        return _HOW[self._how[steered]]
