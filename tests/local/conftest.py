"""Fixtures shared by the tests of several services."""

from __future__ import annotations

import uuid

import pytest


@pytest.fixture
def name():
    """A name that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"
