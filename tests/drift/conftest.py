"""The independent implementation that statistics are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType


@pytest.fixture(scope="session")
def scipy_stats() -> ModuleType:
    """scipy.stats, imported when it is first used: every process that runs tests reads every test
    file, and this library takes most of a second.
    """
    from scipy import stats  # noqa: PLC0415 - see the docstring

    return stats
