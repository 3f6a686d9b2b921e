"""SDK errors become ours: transient where the call may work later, else terminal."""

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseTimeoutError,
)

from shared.adapters.azure_ml import already_exists, azure_errors, is_missing
from shared.errors import RequestRefusedError, RetrainError, ServiceBusyError, TimedOutError


def answered(status, message="(UserError) said so"):
    error = HttpResponseError(message)
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ServiceRequestError("no route"), ServiceBusyError),
        (ServiceResponseTimeoutError("slow"), TimedOutError),
        (ClientAuthenticationError("no identity found"), ServiceBusyError),
        (answered(401), ServiceBusyError),
        (answered(409), ServiceBusyError),
        (answered(429), ServiceBusyError),
        (answered(503), ServiceBusyError),
        (answered(400), RequestRefusedError),
        (answered(403), RequestRefusedError),
        (answered(404), RequestRefusedError),
    ],
)
def test_sdk_error_is_translated_to_transient_or_terminal_by_status(raised, expected):
    with (
        pytest.raises(expected, match="submitting job x") as caught,
        azure_errors("submitting job x"),
    ):
        raise raised

    assert caught.value.__cause__ is raised


def test_long_error_message_is_truncated():
    with pytest.raises(RequestRefusedError) as caught, azure_errors("x"):
        raise answered(400, "y" * 10_000)

    assert len(str(caught.value)) < 1_000


def test_our_own_errors_and_bugs_are_reraised_unchanged():
    for raised in (RetrainError("ours"), ZeroDivisionError()):
        with pytest.raises(type(raised)) as caught, azure_errors("x"):
            raise raised
        assert caught.value is raised


def test_already_exists_and_not_found_are_recognised():
    missing = ResourceNotFoundError("gone")
    missing.status_code = 404

    assert is_missing(missing)
    assert already_exists(answered(409, "Job already exists"))
    assert already_exists(answered(400, "properties are immutable"))
    assert not already_exists(answered(400, "bad compute"))
    assert not already_exists(answered(500, "already exists"))
