"""Generated files mean the same in data tests, training, drift check and at the endpoint."""

import pytest
from hypothesis import HealthCheck, given, settings
from landed_files import differences, landed_files


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("landed")


@settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(landed=landed_files())
def test_every_cell_has_one_value_or_one_refusal_everywhere(root, landed):
    assert differences(landed, root) == []
