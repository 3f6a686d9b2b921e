"""The models of this repository through their ports."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from ml.model_config.settings import GateMode, Reason
from shared.adapters.model_catalog import FolderCatalog
from shared.domain.retraining import GateMode as Gate
from shared.domain.retraining import ReasonKind
from shared.errors import ModelConfigError, UnknownModelError

_ROOT = Path(__file__).resolve().parents[3]


def test_every_model_folder_is_listed_and_has_a_policy():
    catalog = FolderCatalog()

    assert {"diabetes", "iris", "marketing"} <= set(catalog.names())
    for model in catalog.names():
        policy = catalog.policy(model)
        assert policy.reasons
        assert policy.max_attempts >= 1
        assert len(policy.config_sha256) == 64


def test_unknown_model_and_malformed_model_yml_raise_project_errors(tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.yml").write_text("name: [", encoding="utf-8")
    catalog = FolderCatalog(tmp_path)

    with pytest.raises(UnknownModelError):
        catalog.policy("nobody")
    with pytest.raises(ModelConfigError):
        catalog.policy("broken")


@pytest.mark.parametrize(("of_model_yml", "of_the_core"), [(Reason, ReasonKind), (GateMode, Gate)])
def test_model_yml_accepts_exactly_the_values_of_the_domain_enums(of_model_yml, of_the_core):
    of_cycles_alone = {ReasonKind.SETTINGS}  # a cycle gives it, model.yml cannot allow or forbid it

    assert set(get_args(of_model_yml)) == set(of_the_core) - of_cycles_alone


_ADDED = {
    "model.yml": "rollout_is: x\n",
    "pipeline.py": "# changed\n",
    "requirements.txt": "tabulate==0.9.0\n",
    "parts.py": "DEPTH = 3\n",
}


def _copy_of_iris(folder: Path, name: str) -> Path:
    shutil.copytree(_ROOT / "ml" / "models" / "iris", folder / name)
    settings = folder / name / "model.yml"
    written = settings.read_text(encoding="utf-8").replace("name: iris", f"name: {name}")
    settings.write_text(written, encoding="utf-8")
    return settings


def test_folder_that_appears_or_goes_while_the_app_runs_is_seen(tmp_path):
    catalog = FolderCatalog(tmp_path)
    assert catalog.names() == ()

    _copy_of_iris(tmp_path, "roses")

    assert catalog.names() == ("roses",)
    assert catalog.policy("roses").reasons
    shutil.rmtree(tmp_path / "roses")
    assert catalog.names() == ()
    with pytest.raises(UnknownModelError):
        catalog.policy("roses")


@pytest.mark.parametrize("name", ["model.yml", "pipeline.py", "requirements.txt", "parts.py"])
def test_change_of_a_file_is_seen_while_the_app_runs(tmp_path, name):
    settings = _copy_of_iris(tmp_path, "roses")
    catalog = FolderCatalog(tmp_path)
    before = catalog.policy("roses").config_sha256

    with (settings.parent / name).open("a", encoding="utf-8") as file:
        file.write(_ADDED[name])

    if name == "model.yml":
        with pytest.raises(ModelConfigError, match="rollout_is"):
            catalog.policy("roses")
    else:
        assert catalog.policy("roses").config_sha256 != before


def test_settings_mended_after_a_mistake_are_read(tmp_path):
    settings = _copy_of_iris(tmp_path, "roses")
    good = settings.read_text(encoding="utf-8")
    catalog = FolderCatalog(tmp_path)
    settings.write_text(good.replace("cooldown: 1d", "cooldown: soon"), encoding="utf-8")
    with pytest.raises(ModelConfigError, match="soon"):
        catalog.policy("roses")

    settings.write_text(good.replace("cooldown: 1d", "cooldown: 2d"), encoding="utf-8")

    assert catalog.policy("roses").cooldown == timedelta(days=2)
    assert catalog.policy("roses") is catalog.policy("roses")
