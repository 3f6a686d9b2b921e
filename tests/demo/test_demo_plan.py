"""The files that the demo drops: a user's own file is validated before anything starts."""

from __future__ import annotations

import io
import random
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from demo.__main__ import look_around
from demo.failures import DemoDataError
from demo.plan import prepare
from local.__main__ import _parser as local_command_line
from ml.cells.columns import read_frame
from ml.drift import Verdict, check
from ml.model_config import read_model
from ml.monitoring.window import alarm_budget_of
from ml.reference.columns import Comparable, cells_of
from ml.reference.profile import reference_profile

ROOT = Path(__file__).resolve().parents[2]
MARKETING = ROOT.parent / "shared" / "data" / "marketing_campaign" / "marketing_campaign.csv"
HEADER = "age,sex,bmi,bp,s1,s2,s3,s4,s5,s6,target"
_VALUES = random.Random(7)  # noqa: S311 - no secret
GOOD = [",".join(str(_VALUES.randint(1, 50)) for _ in HEADER.split(",")) for _ in range(400)]


def csv_file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([HEADER, *GOOD, *lines]), encoding="utf-8")
    return path


def test_rows_are_split_into_files_by_population_without_loss():
    data = prepare("diabetes", None)

    assert sum(data.counts) == 442  # the data set's own description
    ages = [[row["age"] for row in rows] for rows in (data.home_rows, data.other_rows)]
    assert max(ages[0]) < min(ages[1])


@pytest.mark.parametrize("model", ["diabetes", "iris", "marketing"])
def test_only_the_other_population_drifts_at_the_models_alarm_budget(model):
    if model == "marketing" and not MARKETING.exists():
        pytest.skip(f"{MARKETING.name} is not beside the project, in ../shared/data")
    data = prepare(model, MARKETING if model == "marketing" else None)
    config = read_model(model)
    files = [io.BytesIO(content) for content in (data.first, data.second)]
    landed = pd.concat(pd.read_csv(file, sep=config.data.separator, dtype=str) for file in files)
    kept = {name: column for name, column in config.data.columns.items() if not column.drop}
    reference = reference_profile(read_frame(landed, kept), config)

    def changed(rows):
        scored = pd.DataFrame(rows)
        cells = {
            name: cells_of(scored[name], Comparable.of_model(name, config)).array
            for name in config.features
        }
        found = check(reference, pa.table(cells), alarm_budget=alarm_budget_of(config))
        assert found.rows >= config.drift.min_rows
        drifted = (one for one in found.columns if one.verdict is Verdict.DRIFT)
        # Scored rows have no label, so that column is expected to be missing.
        return {one.name for one in drifted} - {config.target}

    assert data.broken_column in changed([row for row in data.other_rows for _ in range(10)])
    assert changed(data.home_rows) == set()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,2,3", "line 402: more or fewer fields"),
        ("1,2,3,4,5,6,7,8,9,10,11,12", "line 402: more or fewer fields"),
        ("old,1,3,4,5,6,7,8,9,10,11", "row 401: age is 'old', which is not a finite number"),
        ("nan,1,3,4,5,6,7,8,9,10,11", "row 401: age is 'nan', which is not a finite number"),
        ("9" * 200_000, "cannot read .*field larger than"),
    ],
)
def test_malformed_row_is_refused_with_its_line(tmp_path, line, said):
    with pytest.raises(DemoDataError, match=said):
        prepare("diabetes", csv_file(tmp_path, line))


def test_file_that_cannot_be_split_into_two_populations_is_refused(tmp_path):
    path = tmp_path / "mine.csv"
    same = [f"5{line[line.index(',') :]}" for line in GOOD]
    path.write_text("\n".join([HEADER, *same]), encoding="utf-8")

    with pytest.raises(DemoDataError, match="column age has fewer than two values"):
        prepare("diabetes", path)


def test_unknown_model_is_refused_with_the_available_models(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--model", "nope", "--state", tmp_path / "state"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "no model 'nope'; there are: diabetes" in done.stdout
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state").exists()


def test_folder_with_other_files_is_refused_as_state_folder(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "demo", "--model", "iris", "--state", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "not a stack's state folder" in done.stdout
    assert (tmp_path / "thesis.tex").exists()


def test_commands_printed_at_the_end_use_the_demos_state_folder(tmp_path, monkeypatch):
    # given
    monkeypatch.chdir(ROOT)

    # when
    lines = look_around(tmp_path / "a demo")

    # then
    commands = [shlex.split(line) for line in lines if line.startswith("  ")]
    assert [command[-1] for command in commands] == ["up", "status"]
    for command in commands:
        assert Path(command[0]).exists()
        assert command[1:3] == ["-m", "local"]
        asked = local_command_line().parse_args(command[3:])
        assert asked.state.resolve() == tmp_path / "a demo"
