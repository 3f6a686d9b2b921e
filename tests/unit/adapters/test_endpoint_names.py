"""Names of endpoints obey Azure's rules and differ between models."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.azure_ml import AzureMlWorkspace, WorkspaceAddress
from shared.adapters.azure_ml_endpoints import AzureMlEndpoints, EndpointSettings

model_names = st.from_regex(r"[a-z][a-z0-9_-]{0,30}", fullmatch=True)


def no_credential():
    raise AssertionError("a name needs no identity")


ENDPOINTS = AzureMlEndpoints(
    AzureMlWorkspace(WorkspaceAddress("s", "rg", "ws"), credential=no_credential),
    settings=EndpointSettings(code=Path(), prefix="retrain", instance_type="Standard_DS3_v2"),
)


def test_endpoint_is_named_after_its_model():
    assert ENDPOINTS.endpoint_name("diabetes") == "retrain-diabetes"


@given(model_names)
def test_endpoint_name_has_3_to_32_letters_digits_and_single_dashes(model):
    assert re.fullmatch(r"[a-z](-?[a-z0-9]){2,31}", ENDPOINTS.endpoint_name(model))
    assert len(ENDPOINTS.endpoint_name(model)) <= 32


@given(model_names, model_names)
def test_different_models_get_different_endpoint_names(one, other):
    names = {ENDPOINTS.endpoint_name(one), ENDPOINTS.endpoint_name(other)}

    assert len(names) == len({one, other})
