"""The check as Azure ML runs it: the command line of the component, as a process."""

import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from window_bench import DAY, MIDNIGHT, WINDOW, Bench, table

from local.supervision.processes import child_environment
from ml.drift import save_profile
from ml.model_config import read_model
from ml.monitoring.check_job import figures, main
from ml.monitoring.outcome import REFUSED_EXIT_CODE, read_check
from ml.monitoring.performance import Estimate, Metric, Performance, Realised
from ml.reference.profile import PROFILE_FILE, reference_profile

ROOT = Path(__file__).resolve().parents[2]
COMPONENT = ROOT / "ml" / "jobs" / "check_drift.yml"
IRIS = read_model("iris")


def command_of(values: dict[str, str]) -> list[str]:
    """Fill the command in as Azure ML does: `$[[ ]]` is dropped if its input is not given."""
    text = yaml.safe_load(COMPONENT.read_text())["command"]

    def optional(group: re.Match[str]) -> str:
        (name,) = re.findall(r"inputs\.(\w+)", group[1])
        return group[1] if name in values else ""

    text = re.sub(r"\$\[\[(.*?)\]\]", optional, text)
    filled = re.sub(
        r"\$\{\{(?:inputs|outputs)\.(\w+)\}\}", lambda m: shlex.quote(values[m[1]]), text
    )
    program, *arguments = shlex.split(filled)
    assert program == "python"
    return [sys.executable, *arguments]


def training_rows() -> pd.DataFrame:
    """Rows in which all measurements of a flower are equal."""
    rows = table(400, seed=1).rename(columns={"income": "PetalLengthCm"})
    for name in set(IRIS.features) - {"PetalLengthCm"}:
        rows[name] = rows["PetalLengthCm"]
    return rows.assign(Species="Iris-setosa")


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("iris") / PROFILE_FILE
    save_profile(reference_profile(training_rows(), IRIS), path)
    return path


@pytest.fixture
def bench(tmp_path: Path, profile: Path) -> Bench:
    return Bench(tmp_path, IRIS, profile)


@pytest.fixture
def job(bench: Bench) -> dict[str, str]:
    """A day of requests to iris with larger flowers."""
    bench.send(training_rows()[list(IRIS.features)] + 30)
    return {
        "model_name": "iris",
        "day": str(DAY),
        "start_utc": WINDOW.start_utc.isoformat(),
        "end_utc": WINDOW.end_utc.isoformat().replace("+00:00", "Z"),
        "champion_version": "7",
        "profile": str(bench.profile),
        "collected": str(bench.collected),
        "check": str(bench.output),
    }


def test_component_command_checks_a_window(job, bench):
    done = subprocess.run(
        command_of(job), cwd=ROOT, env=child_environment({}), capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
    check = read_check(bench.output)
    assert check.result.verdict == "drift"
    assert (check.result.rows, len(check.leading)) == (400, 4)
    assert done.stdout.decode() == f"iris, 2026-03-14: {check.sentence}\n"
    assert {path.name for path in bench.output.iterdir()} == {
        "check.json",
        "drift.json",
        "report.html",
    }
    assert figures(check)["drifted_columns"] == 4
    assert figures(check)["largest_ratio"] > 3


def test_optional_inputs_reach_the_check(job, bench):
    past, labels = bench.folder / "past", bench.folder / "labels"
    past.mkdir()
    labels.mkdir()
    (past / "drift.json").write_text("{")
    values = job | {"past": str(past), "labels": str(labels), "baseline": "0.9"}

    main(command_of(values)[3:])

    check = read_check(bench.output)
    assert "An earlier result, drift.json, cannot be read" in check.sentence
    assert check.performance.baseline == 0.9


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("start_utc", "2026-03-14T00:00:00", "has no offset; write e.g. 2026-03-14T00:00:00Z"),
        ("end_utc", MIDNIGHT.isoformat(), "not after its start"),
        ("day", "yesterday", "invalid"),
    ],
)
def test_invalid_window_is_refused_before_anything_is_read(job, capsys, name, value, message):
    with pytest.raises(SystemExit) as ended:
        main(command_of(job | {name: value})[3:])

    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_incompatible_files_end_the_command_with_a_message_and_exit_code(job, tmp_path, capsys):
    damaged = tmp_path / "damaged" / PROFILE_FILE
    damaged.parent.mkdir()
    damaged.write_bytes(b"nothing of the kind")

    with pytest.raises(SystemExit) as ended:
        main(command_of(job | {"profile": str(damaged)})[3:])

    assert ended.value.code == REFUSED_EXIT_CODE
    assert capsys.readouterr().err == (
        f"{PROFILE_FILE} is not a profile of format 2; make it again with this version\n"
    )


def test_metrics_of_the_run_contain_the_realised_performance(job, bench):
    main(command_of(job)[3:])
    check = read_check(bench.output)
    found = Performance(
        verdict=Realised.WORSE,
        metric=Metric.ACCURACY,
        overall=Estimate(0.8, 0.7, 0.85, rows=100),
        labelled=100,
        baseline=0.9,
        margin=0.05,
    )

    assert "realised_accuracy" not in figures(check)
    assert figures(replace(check, performance=found))["realised_accuracy"] == 0.8
