"""Fixtures: the reference is made once for all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from window_bench import Bench, config_of, save_reference

if TYPE_CHECKING:
    from pathlib import Path

    from ml.model_config import ModelConfig


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    return config_of(tmp_path_factory.mktemp("models"))


@pytest.fixture
def bench(tmp_path: Path, config: ModelConfig, reference: Path) -> Bench:
    return Bench(tmp_path, config, reference)
