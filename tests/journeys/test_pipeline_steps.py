"""The four pipeline steps run one by one: files in, evidence and a registered version out."""

import asyncio
import hashlib
import importlib
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from local.azure_ml.endpoints.collector import CollectionTarget, Collector
from local.supervision.port_allocation import free_port
from ml.collected_data import INPUTS, OUTPUTS
from ml.drift import HistoryKind, Role, load_profile
from ml.errors import PinMismatchError, RegistrationError
from ml.model_config import read_model
from ml.model_folder import ModelFolder
from ml.monitoring.outcome import read_check
from ml.scoring.collection import Collection, CollectionSettings
from ml.scoring.scorer import Scorer

pytestmark = [
    # MLflow and its libraries warn while they are imported, part by part.
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated"),
]

ROOT = Path(__file__).resolve().parents[2]
MARKETING = ROOT.parent / "shared" / "data" / "marketing_campaign" / "marketing_campaign.csv"


@dataclass(frozen=True)
class Steps:
    """One working folder of one model."""

    model: str
    folder: Path

    def run(self, step: str, **arguments: object) -> None:
        """The step's own main, in this process: eight steps import their libraries once."""
        flags = [
            part
            for name, value in arguments.items()
            if value is not None
            for part in (f"--{name.replace('_', '-')}", str(value))
        ]
        importlib.import_module(f"ml.{step}_job").main(["--model-name", self.model, *flags])

    def prepare(self, cycle: str, tables: list[pd.DataFrame], separator: str = ",") -> Path:
        files, pins = self.folder / "files", []
        files.mkdir(exist_ok=True)
        for number, table in enumerate(tables):
            content = table.to_csv(index=False, sep=separator).encode()
            digest = hashlib.sha256(content).hexdigest()
            name = f"{digest[:16]}-{number}.csv"
            (files / name).write_bytes(content)
            pins.append({"path": name, "sha256": digest, "rows": len(table)})
        document = {"format": 1, "model": self.model, "data_version": cycle, "files": pins}
        pin_set = self.folder / f"{cycle}.json"
        pin_set.write_text(json.dumps(document))
        prepared = self.folder / cycle / "prepared"
        self.run("training.prepare", pins=pin_set, files=files, prepared=prepared)
        return prepared

    def train(self, cycle: str) -> Path:
        model = self.folder / cycle / "model"
        self.run("training.train", prepared=self.folder / cycle / "prepared", model=model)
        return model

    def evaluate(
        self,
        cycle: str,
        challenger: Path,
        *,
        champion: Path | None = None,
        into: str = "evidence",
        **more: str,
    ) -> dict[str, object]:
        evidence = self.folder / cycle / into
        self.run(
            "evaluation.evaluate",
            cycle_id=cycle,
            prepared=self.folder / cycle / "prepared",
            challenger=challenger,
            champion=champion,
            evidence=evidence,
            **more,
        )
        document: dict[str, object] = json.loads((evidence / "evidence.json").read_text())
        return document


def rows_of(model: str) -> tuple[pd.DataFrame, str]:
    from sklearn.datasets import load_diabetes, load_iris  # noqa: PLC0415 - a second of CPU

    if model == "diabetes":
        return load_diabetes(as_frame=True, scaled=False).frame, ","
    if model == "iris":
        bundled = load_iris(as_frame=True)
        names = [f"Iris-{name}" for name in bundled.target_names]
        table = bundled.data.set_axis(
            ["SepalLengthCm", "SepalWidthCm", "PetalLengthCm", "PetalWidthCm"], axis="columns"
        ).assign(Species=[names[kind] for kind in bundled.target])
        return table.sample(frac=1, random_state=1), ","
    if not MARKETING.is_file():
        pytest.skip("the Marketing Campaign data is not in ../shared/data")
    return pd.read_csv(MARKETING, sep=";", encoding="utf-8-sig"), ";"


@pytest.mark.parametrize("model", ["diabetes", "iris", "marketing"])
def test_challenger_and_champion_are_evaluated_on_the_same_frozen_rows(model, tmp_path):
    table, separator = rows_of(model)
    half = len(table) * 6 // 10
    steps = Steps(model, tmp_path)

    # A first model, from the first file.
    steps.prepare("one", [table[:half]], separator)
    champion = steps.train("one")
    first = steps.evaluate("one", champion)

    # A challenger, from both.
    prepared = steps.prepare("two", [table[:half], table[half:]], separator)
    challenger = steps.train("two")
    second = steps.evaluate("two", challenger, champion=champion, champion_version="1")

    # The champion evaluated alone, as an evaluate-only job does it.
    again = steps.evaluate("two", champion, challenger_version="1", into="again")

    assert first["champion"] is None
    assert [metric["champion"] for metric in first["metrics"]] == [None, None]
    assert second["champion_version"] == "1"
    assert second["notes"] == []
    assert second["rows"]["test"] > first["rows"]["test"]
    assert again["challenger"] == {"version": "1", "metrics": second["champion"]["metrics"]}
    evidence = tmp_path / "two" / "evidence"
    predictions = pd.read_parquet(evidence / "predictions.parquet")
    assert len(predictions) == second["rows"]["test"]
    profile = load_profile(evidence / str(second["reference"]))
    train = pd.read_parquet(prepared / "train.parquet")
    config = read_model(model)
    assert [c.name for c in profile.layout.columns] == [
        *config.features,
        config.target,
        "prediction",
    ]
    assert profile.rows == len(train)
    # Predictions of its own training rows would not be like those in production.
    assert profile["prediction"].summary.rows == second["rows"]["test"]
    assert profile["prediction"].column.role is Role.PREDICTION
    assert profile[config.target].column.role is Role.LABEL
    assert (profile.history is HistoryKind.DAYS) is (config.time is not None)
    assert (challenger / "reference.profile").stat().st_size < 200_000 * len(config.features)
    assert "<script" not in (evidence / "report.html").read_text()


async def collected_from(model: Path, folder: Path, requests: list[bytes]) -> Path:
    """The files that the local stack's collector keeps of these requests.

    Its storage is down, so the files stay on disk, exactly as their blobs would be.
    """
    storage = f"http://127.0.0.1:{free_port()}/account"
    collector = Collector(spool=folder, blob_url=lambda *names: f"{storage}/{'/'.join(names)}")
    await collector.start()
    target = CollectionTarget(
        source="/deployments/version-7",
        container="workspace",
        prefixes={},
        default_prefix="modelDataCollector/endpoint/version-7",
    )
    port = await collector.open(target)

    def score() -> None:
        mounted = ModelFolder.read(model)
        percent = {INPUTS: 100.0, OUTPUTS: 100.0}
        collection = Collection(CollectionSettings("127.0.0.1", port, percent))
        scorer = Scorer(folder=mounted, model=mounted.load(), collection=collection)
        for number, request in enumerate(requests):
            assert scorer.answer(request, request_id=f"request-{number}").status == 200
        collection.close()
        assert collection.dropped == 0

    await asyncio.to_thread(score)
    await collector.stop()
    return folder / "workspace" / "modelDataCollector" / "endpoint"


@pytest.fixture(scope="module")
def champion(tmp_path_factory) -> tuple[Steps, Path]:
    """A model of diabetes with its evidence, and the folder that a deployment mounts."""
    folder = tmp_path_factory.mktemp("champion")
    steps = Steps("diabetes", folder)
    steps.prepare("one", [rows_of("diabetes")[0]])
    steps.evaluate("one", steps.train("one"))
    mounted = folder / "azureml-models" / "diabetes" / "7"
    shutil.copytree(folder / "one" / "model", mounted)
    return steps, mounted


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "no drift"), (9.0, "drift")])
def test_rows_collected_from_a_model_are_checked_against_its_own_reference(
    champion, tmp_path, shift, verdict
):
    table, _ = rows_of("diabetes")
    steps, mounted = champion
    rows = table.drop(columns="target").sample(400, replace=True, random_state=1)
    rows["bmi"] += shift
    requests = [
        json.dumps({"data": rows[start : start + 20].to_dict("records")}).encode()
        for start in range(0, 400, 20)
    ]
    began = datetime.now(UTC)
    collected = asyncio.run(collected_from(mounted, tmp_path / "spool", requests))

    steps.run(
        "monitoring.check",
        day=began.date(),
        start_utc=(began - timedelta(minutes=1)).isoformat(),
        end_utc=(datetime.now(UTC) + timedelta(minutes=1)).isoformat(),
        champion_version="7",
        profile=steps.folder / "one" / "evidence" / "challenger" / "reference.profile",
        collected=collected,
        check=tmp_path / "check",
    )

    check = read_check(tmp_path / "check")
    assert check.result.rows == 400
    assert check.result.verdict == verdict, check.sentence
    if verdict == "drift":
        # 9 kg/m2 are 2 standard deviations, and the predictions shift with them.
        assert {one.name for one in check.leading if one.ratio > 1} == {
            "bmi",
            "prediction",
        }
        assert check.leading[0].leading.value == pytest.approx(9 / table["bmi"].std(), rel=0.1)


def test_same_inputs_give_the_same_evidence(tmp_path):
    table, _ = rows_of("iris")
    documents = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        steps = Steps("iris", folder)
        steps.prepare("cycle", [table])
        documents.append(steps.evaluate("cycle", steps.train("cycle")))

    assert documents[0] == documents[1]


def test_version_without_a_readable_reference_gets_one_from_this_cycles_training_rows(tmp_path):
    table, _ = rows_of("iris")
    steps = Steps("iris", tmp_path)
    steps.prepare("one", [table])
    model = steps.train("one")
    own = load_profile(model / "reference.profile")

    (model / "reference.profile").write_bytes(b"drift-profile 0\n")
    older = steps.evaluate("one", model, into="older")
    (model / "reference.profile").unlink()
    foreign = steps.evaluate("one", model, into="foreign")

    (note,) = older["notes"]
    assert note.startswith("Training rows of this cycle stand in for the challenger's reference: ")
    assert foreign["notes"] == []
    for into in ("older", "foreign"):
        made = load_profile(tmp_path / "one" / into / "challenger" / "reference.profile")
        assert made.rows == own.rows
        assert made["prediction"].summary.rows == older["rows"]["test"]


def test_file_changed_after_acceptance_stops_the_pipeline(tmp_path):
    table, _ = rows_of("iris")
    steps = Steps("iris", tmp_path)
    steps.prepare("one", [table])
    changed = next((tmp_path / "files").iterdir())
    changed.write_bytes(changed.read_bytes() + b"1,1,1,1,Iris-setosa\n")

    with pytest.raises(PinMismatchError, match="accepted files are immutable"):
        steps.run(
            "training.prepare",
            pins=tmp_path / "one.json",
            files=tmp_path / "files",
            prepared=tmp_path / "again",
        )

    assert not (tmp_path / "again").exists()


def test_version_is_registered_once_per_attempt_with_its_lineage_tags(
    tmp_path, monkeypatch, capsys
):
    table, _ = rows_of("iris")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("MLFLOW_RUN_ID", a_run(tmp_path / "artifacts"))
    steps = Steps("iris", tmp_path)
    prepared = steps.prepare("4be1c09a7d21", [table])
    model = steps.train("4be1c09a7d21")
    steps.evaluate("4be1c09a7d21", model)
    folder = tmp_path / "4be1c09a7d21"

    def register(*, attempt: int, cycle_id: str = "4be1c09a7d21") -> str:
        arguments = {"cycle_id": cycle_id, "attempt": attempt, "fact_seq": 12}
        folders = {"prepared": prepared, "model": model, "evidence": folder / "evidence"}
        capsys.readouterr()
        steps.run("training.register", **arguments, **folders, registration=folder / "registration")
        return str(capsys.readouterr().out)

    # The same attempt twice is one version; a new attempt is another.
    assert register(attempt=1) == register(attempt=1) == "iris: version 1\n"
    assert register(attempt=2) == "iris: version 2\n"
    with pytest.raises(RegistrationError, match="the evidence belongs to cycle 4be1c09a7d21"):
        register(attempt=1, cycle_id="000000000000")

    document = json.loads((folder / "registration" / "registration.json").read_text())
    facts = json.loads((prepared / "prepared.json").read_text())
    assert document["tags"] == {
        "cycle_id": "4be1c09a7d21",
        "attempt": "2",
        "fact_seq": "12",
        "role": "candidate",
        "data_version": "4be1c09a7d21",
        "data_sha256": facts["data_sha256"],
        "config_sha256": facts["config_sha256"],
    }


def a_run(artifacts: Path) -> str:
    """A run as Azure ML prepares one for a job; MLFLOW_TRACKING_URI says where."""
    from mlflow import MlflowClient  # noqa: PLC0415 - seconds of CPU

    client = MlflowClient()
    experiment = client.create_experiment("iris", artifact_location=artifacts.as_uri())
    return str(client.create_run(experiment).info.run_id)
