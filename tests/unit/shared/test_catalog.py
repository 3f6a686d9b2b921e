"""The models of this repository through their ports."""

from __future__ import annotations

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
    assert set(get_args(of_model_yml)) == set(of_the_core)
