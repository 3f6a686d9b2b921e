"""One stand and one pair of deployments for all tests of a module."""

from __future__ import annotations

import pytest
from endpoint_stand import (
    SPECS,
    TRACE,
    Stand,
    code_below,
    collector,
    create_endpoint,
    deploy,
    deployment,
)
from swagger import KNOWN, violations

from local.azure_ml.trace import Trace


@pytest.fixture(scope="module")
def stand(azurite, tls, tmp_path_factory):
    state = tmp_path_factory.mktemp("stand")
    trace = Trace(state / TRACE)
    try:
        with Stand(state, azurite.connection_string(), tls, trace=trace) as running:
            running.register_model("line", "1", slope=2)
            running.register_model("line", "2", slope=3)
            yield running
    finally:
        trace.close()
    if SPECS.is_dir():  # the one test of it says when not
        assert violations(state / TRACE, SPECS, known=KNOWN) == []


@pytest.fixture
def client(stand, monkeypatch):
    return stand.client(monkeypatch)


@pytest.fixture
def code(tmp_path):
    return code_below(tmp_path)


@pytest.fixture(scope="module")
def pair(stand, tmp_path_factory):
    """An endpoint with two deployments for all tests that leave them as they are, but traffic."""
    name, code = "pair", code_below(tmp_path_factory.mktemp("pair"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        client = stand.client(monkeypatch)
        create_endpoint(client, name)
        blue = deployment(
            code,
            name,
            "blue",
            data_collector=collector(),
            environment_variables={"GREETING": "hi"},
            tags={"version": "1"},
        )
        deploy(client, blue)
        half = collector(sampling_rate=0.5)
        deploy(
            client,
            deployment(code, name, "green", model="azureml:line:2", data_collector=half),
        )
    return name
