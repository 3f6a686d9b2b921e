"""The main user journey for each shipped model, all at once, on one real stack."""

import asyncio
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from swagger import KNOWN, violations

from demo.client import DemoClient
from demo.journey import Journey, Step, Summary
from demo.narrator import Narrator
from demo.plan import prepare
from local.event_grid import Faults
from local.stack.assembly import Stack
from local.stack.file import read_stack_file
from local.stack.options import StackOptions

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[2]
MARKETING = ROOT.parent / "shared/data/marketing_campaign/marketing_campaign.csv"
SPECS = ROOT.parent / "shared/azure-specs"
JUDGED = {"promoted", "rejected"}
LEADING = "diabetes"  # takes every step, as `make demo` does
# The others become served models. Their contests are in test_pipeline_steps, their drift is in
# tests/demo; each further training on the stack would cost the suite half a minute.
LEFT_OUT = {Step.SECOND_FILE, Step.DRIFT, Step.BY_HAND}
# How the cycles end that each journey sees, one after the other.
WHOLE = [{"promoted"}, JUDGED, {"quarantined"}, {"not_retrained"}, JUDGED, JUDGED]
SHORT = [{"promoted"}, {"quarantined"}]


@dataclass(frozen=True)
class Told:
    summary: Summary
    text: str


@dataclass(frozen=True)
class Run:
    told: dict[str, Told]
    trace: Path
    logs: Path


async def _all_journeys(state: Path, trace: Path) -> dict[str, Told]:
    data = [prepare("diabetes", None), prepare("iris", None)]
    if MARKETING.exists():
        data.append(prepare("marketing", MARKETING))
    options = StackOptions(
        app_dir=ROOT,
        file=read_stack_file(ROOT / "infra" / "local.yml"),
        state=state,
        cache=ROOT / ".local" / "cache",
        trace=trace,
        faults=Faults(duplicates=1, longest_delay_seconds=0.5, seed=1),
    )
    async with Stack(options) as stack:
        record = stack.record()
        logs = stack.logs

        async def journey(one) -> Told:
            out = io.StringIO()
            async with DemoClient(record, one.model) as client:
                way = Journey(
                    client=client,
                    data=one,
                    narrator=Narrator(out),
                    reports=state / "reports" / one.model,
                    logs=logs,
                    patience_seconds=400.0,
                    left_out=() if one.model == LEADING else LEFT_OUT,
                    poll_seconds=0.5 if one.model == LEADING else 1.5,
                )
                return Told(await way.run(), out.getvalue())

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(journey(one)) for one in data]
        told = [task.result() for task in tasks]
    return {one.model: result for one, result in zip(data, told, strict=True)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("three-models")
    trace = folder / "trace.jsonl"
    told = asyncio.run(_all_journeys(folder / "state", trace))
    return Run(told, trace, folder / "state" / "logs")


@pytest.mark.parametrize("model", ["diabetes", "iris", "marketing"])
def test_dropped_file_becomes_a_served_model(run, model):
    if model not in run.told:
        pytest.skip(f"{MARKETING.name} is not beside the project, in ../shared/data")

    summary = run.told[model].summary

    ends = WHOLE if model == LEADING else SHORT
    assert len(summary.outcomes) == len(ends)
    for outcome, possible in zip(summary.outcomes, ends, strict=True):
        assert outcome in possible
    assert len(summary.sentences) == len(Step) - (0 if model == LEADING else len(LEFT_OUT))
    assert all(file.stat().st_size > 200 for file in summary.files)
    explained = [file.read_text() for file in summary.files if file.suffix == ".txt"]
    assert {file.suffix for file in summary.files} - {".txt"} == {".html", ".json"}
    assert len(explained) == (1 if model == LEADING else 0)  # of the cycle that drift opened
    assert all("1 ✓ Reason     because of drift" in text for text in explained)


def test_no_request_fails_while_traffic_shifts_under_load(run):
    swap = run.told[LEADING].summary.swap

    assert swap is not None
    assert swap.failed == 0
    assert swap.per_second >= 20
    assert set(swap.by_version) == {"1", "2"}


def test_progress_of_a_job_names_the_running_step(run):
    waits = re.findall(r"… training, (step \d of 4 \(\w+\)), \d+ s", run.told[LEADING].text)

    assert {"step 2 of 4 (train)", "step 3 of 4 (evaluate)"} & set(waits)


def test_every_exchange_with_azure_ml_matches_the_published_swagger(run):
    if not SPECS.exists():
        pytest.skip("the published swagger is not beside the project, in ../shared/azure-specs")

    assert violations(run.trace, SPECS, known=KNOWN) == []


def test_mlflow_calls_are_limited_to_those_azure_ml_supports(run):
    paths = {json.loads(line)["path"] for line in run.trace.read_text("utf-8").splitlines()}

    assert [path for path in paths if "/api/2.0/mlflow/" in path]
    assert not [path for path in paths if "logged-models" in path]


def test_no_secret_is_written_to_logs_or_trace(run):
    files = [run.trace, *run.logs.rglob("*.log")]

    text = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)

    assert "AccountKey=Eby8" not in text
    assert "sig=" not in text.replace("sig=***", "")
    assert "Bearer ey" not in text
