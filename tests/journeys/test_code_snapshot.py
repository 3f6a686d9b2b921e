import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:azure|marshmallow|pydash")

ROOT = Path(__file__).resolve().parents[2]
JOBS = ROOT / "ml" / "jobs"
STEPS = ["prepare", "train", "evaluate", "register", "check_drift", "test_data"]


@dataclass(frozen=True)
class Sdk:
    """The SDK's own packing rules; its public interface needs a workspace for that."""

    load_component: Callable[..., Any]
    get_ignore_file: Callable[..., Any]
    get_upload_files_from_folder: Callable[..., list[tuple[str, str]]]


@pytest.fixture(scope="module")
def sdk() -> Sdk:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the SDK's own, on import
        from azure.ai.ml import load_component  # noqa: PLC0415 - a second of CPU
        from azure.ai.ml._utils import _asset_utils  # noqa: PLC0415 - same
    return Sdk(
        load_component,
        _asset_utils.get_ignore_file,
        _asset_utils.get_upload_files_from_folder,
    )


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """ml/ as it is, beside what must never be packed."""
    root = tmp_path / "project"
    shutil.copytree(ROOT / "ml", root / "ml", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("local.settings.json", ".venv/secret.py", "tests/test_a.py", "shared/a.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("not for Azure")
    cache = root / "ml" / "training" / "__pycache__"
    cache.mkdir()
    (cache / "train.cpython-311.pyc").write_text("")
    shutil.copy(ROOT / ".amlignore", root)
    return root


def wanted(project: Path) -> set[str]:
    return {
        path.relative_to(project).as_posix()
        for path in (project / "ml").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("step", STEPS)
def test_component_snapshot_contains_only_ml(sdk, project, step, tmp_path, monkeypatch):
    # The SDK leaves a folder there for each component.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    component = sdk.load_component(project / "ml" / "jobs" / f"{step}.yml")

    with component._build_code() as code:
        uploads = sdk.get_upload_files_from_folder(code.path, ignore_file=code._ignore_file)

    assert {target for _, target in uploads} == wanted(project)


def test_ignore_file_limits_the_project_snapshot_to_ml(sdk, project):
    uploads = sdk.get_upload_files_from_folder(project, ignore_file=sdk.get_ignore_file(project))

    assert {target for _, target in uploads} == wanted(project)


@pytest.mark.parametrize("step", STEPS)
def test_component_is_valid_and_its_command_runs_an_existing_module(sdk, step):
    component = sdk.load_component(JOBS / f"{step}.yml")

    assert component._validate().passed
    module = component.command.split()[2]
    assert (ROOT / Path(*module.split("."))).with_suffix(".py").is_file()
    assert all(f"inputs.{name}" in component.command for name in component.inputs)
    assert all(f"outputs.{name}" in component.command for name in component.outputs)


def test_steps_with_side_effects_are_never_reused(sdk):
    reused = {step: sdk.load_component(JOBS / f"{step}.yml").is_deterministic for step in STEPS}

    never = {"evaluate", "register", "check_drift", "test_data"}
    assert {step for step, again in reused.items() if not again} == never


def test_training_and_scoring_pin_the_same_versions_of_shared_packages():
    pins = []
    for name in ("training", "scoring"):
        document = yaml.safe_load((ROOT / "ml" / "environments" / f"{name}.yml").read_text())
        listed = next(entry["pip"] for entry in document["dependencies"] if isinstance(entry, dict))
        pins.append(dict(pin.split("==") for pin in listed))
    training, scoring = pins

    # A skops file is read by the version that wrote it.
    assert {"scikit-learn", "skops", "numpy", "pandas"} <= training.keys() & scoring.keys()
    assert {name: pin for name, pin in training.items() if name in scoring} == {
        name: pin for name, pin in scoring.items() if name in training
    }
