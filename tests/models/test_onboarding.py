"""A newcomer with a public data set: two files a model, five kinds of rows, from drop to score.

The rows are made up (`onboarding/made_up_files.py`). Each kind also has the mistakes that its users
make first: what the finding says to write is written, and the same file passes.
"""

import hashlib
import importlib.util
import io
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ml import models
from ml.data_tests.check import check_file
from ml.evaluation import evaluate_job
from ml.model_config import read_model
from ml.model_folder import ModelFolder
from ml.scoring.collection import Collection, CollectionSettings
from ml.scoring.scorer import Scorer
from ml.step_files import Pin
from ml.training import prepare_job, train_job
from ml.training.rows import read_rows

# MLflow and its libraries warn while they are imported, part by part.
pytestmark = pytest.mark.filterwarnings("default")

FIXTURES = Path(__file__).parent / "onboarding"


def _made_up_files():
    spec = importlib.util.spec_from_file_location("made_up_files", FIXTURES / "made_up_files.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


made_up = _made_up_files()


@dataclass
class Newcomer:
    """One model folder below `root`, with the files of its kind."""

    root: Path
    kind: str

    @property
    def files(self) -> dict[str, bytes]:
        return getattr(made_up, self.kind)()

    @property
    def settings(self) -> dict:
        """model.yml with every value as it is written."""
        return yaml.load((self.root / self.kind / "model.yml").read_text(), yaml.BaseLoader)  # noqa: S506 - texts only

    def write(self, settings: dict) -> None:
        (self.root / self.kind / "model.yml").write_text(yaml.safe_dump(settings, sort_keys=False))

    def check(self, name: str, content: bytes):
        return check_file(
            io.BytesIO(content),
            file=name,
            config=read_model(self.kind, self.root),
            size_bytes=len(content),
            limit_bytes=1 << 20,
        )


@pytest.fixture
def newcomer(request, tmp_path, monkeypatch):
    root = tmp_path / "models"
    shutil.copytree(FIXTURES / request.param, root / request.param)
    monkeypatch.setattr(models, "__path__", [str(root)])
    for job in (prepare_job, train_job, evaluate_job):
        monkeypatch.setattr(job, "read_model", lambda name: read_model(name, root))
    return Newcomer(root, request.param)


MISSING = {
    "adult": {"workclass": 18, "occupation": 18, "native-country": 8, "age": 0},
    "bank": {"job": 0, "poutcome": 0},
    "titanic": {"Age": 60, "Cabin": 240, "Embarked": 3, "Name": 0},
    "energy": {"Verbrauch (kWh)": 0, "Zeitstempel": 0},
    "air": {"CO(GT)": 80, "PT08.S1(CO)": 10, "NMHC(GT)": 360, "C6H6(GT)": 10, "measured": 0},
}
ROWS = {"adult": [300, 60], "bank": [400], "titanic": [300], "energy": [270, 288], "air": [400]}
LEFT_OUT = {"energy": (2 * 3 * 3, 0), "air": (0, 10)}  # an overlap of two days, no benzene
# The test part of the census has a dot after each label, which its user takes away.
AS_DROPPED = {"adult": lambda content: content.replace(b"K.\n", b"K\n")}


@pytest.mark.parametrize("newcomer", list(ROWS), indirect=True)
def test_files_are_tested_trained_on_and_a_row_is_scored_as_trained(newcomer, tmp_path):
    kind = newcomer.kind
    mend = AS_DROPPED.get(kind, lambda content: content)
    files = {name: mend(content) for name, content in newcomer.files.items()}

    reports = [newcomer.check(name, content) for name, content in files.items()]
    assert [report.sentence for report in reports if not report.passed] == []
    assert [report.rows for report in reports] == ROWS[kind]
    assert [report.notes for report in reports] == [()] * len(files)

    assert missing(newcomer, files, MISSING[kind]) == MISSING[kind]

    prepared, record = prepare(newcomer, files, ROWS[kind], tmp_path)
    rows = record["rows"]
    assert rows["read"] == sum(ROWS[kind])
    assert (rows["replaced"], rows["without_target"]) == LEFT_OUT.get(kind, (0, 0))
    model, evidence = tmp_path / "azureml-models" / kind / "1", tmp_path / "evidence"
    train_job.main(["--model-name", kind, "--prepared", str(prepared), "--model", str(model)])
    where = ["--prepared", prepared, "--challenger", model, "--evidence", evidence]
    evaluate_job.main(["--model-name", kind, "--cycle-id", "4be1c09a7d21", *map(str, where)])
    assert below_a_floor(newcomer, evidence) == []

    answer = scorer_of(newcomer, model).answer(
        (evidence / "sample_request.json").read_bytes(), request_id="one"
    )
    assert answer.status == 200, answer.body
    trained = pd.read_parquet(evidence / "predictions.parquet")["challenger"].head(3)
    assert answer.body["predictions"] == trained.tolist()


def missing(newcomer, files, columns):
    """Missing cells of all files, as training reads them, by column."""
    config = read_model(newcomer.kind, newcomer.root)
    tables = []
    for name, content in files.items():
        path = newcomer.root / name
        path.write_bytes(content)
        count = newcomer.check(name, content).rows
        tables.append(read_rows(path, Pin(path=name, sha256="", rows=count, source=name), config))
    cells = pd.concat(tables)
    return {name: int(cells[name].isna().sum()) for name in columns}


def below_a_floor(newcomer, evidence):
    floors = read_model(newcomer.kind, newcomer.root).gate.floors
    metrics = json.loads((evidence / "evidence.json").read_text())["metrics"]
    signs = {"mae": -1}
    return [
        one
        for one in metrics
        if signs.get(one["name"], 1) * (one["challenger"] - floors[one["name"]]) < 0
    ]


def scorer_of(newcomer, model):
    folder = ModelFolder.read(model)
    return Scorer(
        folder=folder,
        model=folder.load(),
        collection=Collection(CollectionSettings(host="", port=0, percent={})),
        id_column=read_model(newcomer.kind, newcomer.root).id,
    )


def prepare(newcomer, files, rows, folder):
    """Step 1 of the job, on files as the app pins them."""
    (folder / "files").mkdir()
    pins = []
    for (name, content), count in zip(files.items(), rows, strict=True):
        (folder / "files" / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        pins.append({"path": name, "sha256": digest, "rows": count})
    document = {"format": 1, "model": newcomer.kind, "data_version": "1", "files": pins}
    (folder / "pins.json").write_text(json.dumps(document))
    where = ["--pins", folder / "pins.json", "--files", folder / "files"]
    prepared = folder / "prepared"
    prepare_job.main(["--model-name", newcomer.kind, *map(str, where), "--prepared", str(prepared)])
    return prepared, json.loads((prepared / "prepared.json").read_text())


WITHOUT = {  # kind -> what its user leaves out at first
    "adult": ["data.missing", "data.columns.*.max_missing_percent"],
    "bank": ["data.separator"],
    "titanic": ["data.columns.*.max_missing_percent"],
    "energy": ["data.decimal", "data.thousands", "data.columns.Zeitstempel.format"],
    "air": ["data.missing", "data.columns.*.max_missing_percent", "data.extra_columns"],
}


@pytest.mark.parametrize(("newcomer", "left_out"), WITHOUT.items(), indirect=["newcomer"])
def test_settings_that_findings_name_are_enough_where_they_were_left_out(newcomer, left_out):
    settings = newcomer.settings
    for place in left_out:
        leave_out(settings, place)
    newcomer.write(settings)
    name, content = next(iter(newcomer.files.items()))

    for _ in range(3):
        report = newcomer.check(name, content)
        if report.passed:
            break
        for finding in report.findings:
            follow(settings, finding)
        newcomer.write(settings)

    assert report.sentence == f"{name}: passed, {ROWS[newcomer.kind][0]} rows"


def leave_out(settings, place):
    name, _, rest = place.partition(".")
    for key in [key for key in settings if name in (key, "*")]:
        if not rest:
            settings.pop(key)
        else:
            leave_out(settings[key], rest)


_AT_A_COLUMN = re.compile(
    r"write ((?:missing|max_missing_percent|format): .*) at data\.columns\.(.*?) in model"
)
_THOUSANDS = re.compile(r"set (thousands: .*?) at the column in model.yml if 12.000 means twelve t")
_AT_DATA = re.compile(r"set ((?:decimal|thousands): .*?) at data or at the column in model")
_ONE = re.compile(r"set (data\.\w+: .*?) in model")


def follow(settings, finding):
    """Write into the settings what a finding says to write there."""
    columns, remedy = settings["data"]["columns"], finding.remedy
    if found := _AT_A_COLUMN.search(remedy):
        columns[found[2]].update(written(found[1]))
    elif found := _THOUSANDS.search(remedy):
        columns[finding.column].update(written(found[1]))
    elif found := _AT_DATA.search(remedy):
        settings["data"].update(written(found[1]))
    elif found := _ONE.search(remedy):
        settings["data"].update(written(found[1].removeprefix("data.")))
    else:
        pytest.fail(f"names no setting: {remedy}")


def written(text):
    return yaml.load(text.replace(" and ", "\n"), yaml.BaseLoader)  # noqa: S506 - texts only


BROKEN_FILES = {
    "labels of the test part": (
        "adult",
        lambda content: content.replace(b"K\n", b"K.\n"),
        'differ in spaces or punctuation only from ">50K"',
        "write them in the file as model.yml lists them",
    ),
    "no names": (
        "adult",
        lambda content: content.partition(b"\n")[2],
        "the first line looks like data, not like names",
        "write the column names in the first line",
    ),
    "quotes not doubled": (
        "titanic",
        lambda content: content.replace(b'""', b'"'),
        "text that is not CSV",
        "double the quotes inside quoted fields",
    ),
    "the file to predict": (
        "titanic",
        lambda content: re.sub(rb"(?m)^(\w+),\w+", rb"\1", content),
        "column Survived: is missing",
        "it is the target, and nothing can be learnt from rows whose outcome is not known",
    ),
    "Latin-1": (
        "energy",
        lambda content: content.decode("utf-8-sig").encode("latin-1"),
        "bytes that are not UTF-8",
        "set data.encoding: windows-1252 in model.yml",
    ),
}


@pytest.mark.parametrize(
    ("newcomer", "spoil", "said", "remedy"),
    BROKEN_FILES.values(),
    ids=BROKEN_FILES,
    indirect=["newcomer"],
)
def test_file_with_the_mistake_of_its_kind_is_refused_with_what_to_do(
    newcomer, spoil, said, remedy
):
    name, content = next(iter(newcomer.files.items()))

    [finding] = newcomer.check(name, spoil(content)).findings

    assert said in finding.sentence
    assert remedy in finding.remedy
