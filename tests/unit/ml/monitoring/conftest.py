"""The reference is made once for all tests here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from window_bench import Bench, config_of, table

from ml.drift import save_profile
from ml.reference.profile import reference_profile, with_predictions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 training rows and predictions on 500 frozen ones; drawn once, it takes a second."""
    folder = tmp_path_factory.mktemp("reference")
    config = config_of(folder)
    frozen = table(500, seed=2)
    profile = with_predictions(
        reference_profile(table(2_000, seed=1), config), frozen, frozen["paid"].to_numpy(), config
    )
    save_profile(profile, folder / "reference.profile")
    return folder / "reference.profile"


@pytest.fixture
def bench(tmp_path: Path, reference: Path) -> Bench:
    return Bench(tmp_path, config_of(tmp_path), reference)
