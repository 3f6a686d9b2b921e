"""Settings: both storage forms, every mistake at once, no secret in sight."""

import json
from pathlib import Path

import pytest

from shared.errors import SettingsError
from shared.ports.notices import AlertChannel, AlertRoute
from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = json.loads((ROOT / "local.settings.sample.json").read_text("utf-8"))["Values"]
READ_BY_THE_HOST_ONLY = {"FUNCTIONS_WORKER_RUNTIME"}
KEY = "c2VjcmV0LWtleQ=="
CONNECTION_STRING = f"AccountName=a;AccountKey={KEY};EndpointSuffix=core.windows.net"


class RecordingEnvironment(dict):
    """Remembers which names were asked for."""

    def __init__(self, values):
        super().__init__(values)
        self.asked = set()

    def get(self, key, default=None):
        self.asked.add(key)
        return super().get(key, default)


def without(*names):
    return {key: value for key, value in SAMPLE.items() if key not in names}


def test_sample_file_lists_exactly_the_settings_that_are_read():
    environment = RecordingEnvironment(SAMPLE)

    Settings.from_env(environment)

    unread = set(SAMPLE) - environment.asked - READ_BY_THE_HOST_ONLY
    assert unread == set()
    optional_forms = {name for name in environment.asked if "__" in name}
    assert environment.asked - optional_forms <= set(SAMPLE)


def test_all_invalid_settings_are_listed_in_one_message():
    environment = without("RETRAIN_WORKSPACE", "AzureWebJobsStorage") | {
        "RETRAIN_SUBSCRIPTION_ID": "mine",
        "RETRAIN_FUNCTION_DATA_LIMIT_BYTES": "64 MB",
        "RETRAIN_EVENTS_TOPIC_ENDPOINT": "http://plain",
        "RETRAIN_ENDPOINT_PREFIX": "Ends-With-",
        "RETRAIN_WORKSPACE_STORAGE": "AccountName=a",
    }

    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environment)

    message = str(caught.value)
    assert message.startswith("7 setting(s)")
    for part in (
        "RETRAIN_WORKSPACE is missing",
        "AzureWebJobsStorage is missing",
        "RETRAIN_SUBSCRIPTION_ID='mine'",
        "RETRAIN_FUNCTION_DATA_LIMIT_BYTES='64 MB'",
        "RETRAIN_EVENTS_TOPIC_ENDPOINT='http://plain'",
        "RETRAIN_ENDPOINT_PREFIX='Ends-With-'",
        "RETRAIN_WORKSPACE_STORAGE is not a connection string: AccountKey",
    ):
        assert part in message


def test_account_name_is_enough_with_a_managed_identity():
    environment = without("AzureWebJobsStorage") | {"AzureWebJobsStorage__accountName": "stretrain"}

    storage = Settings.from_env(environment).storage

    assert storage.connection_string is None
    assert storage.blob_url == "https://stretrain.blob.core.windows.net"
    assert storage.table_url == "https://stretrain.table.core.windows.net"


def test_service_addresses_are_enough_with_a_managed_identity():
    environment = without("AzureWebJobsStorage") | {
        f"AzureWebJobsStorage__{service}ServiceUri": f"https://private.example/{service}/"
        for service in ("blob", "queue", "table")
    }

    storage = Settings.from_env(environment).storage

    assert storage.queue_url == "https://private.example/queue"


def test_missing_service_address_is_reported_by_name():
    environment = without("AzureWebJobsStorage") | {
        "AzureWebJobsStorage__blobServiceUri": "https://private.example/blob"
    }

    with pytest.raises(SettingsError, match="AzureWebJobsStorage__queueServiceUri is missing"):
        Settings.from_env(environment)


def test_account_configured_in_two_ways_is_refused():
    environment = SAMPLE | {"AzureWebJobsStorage__accountName": "stretrain"}

    with pytest.raises(SettingsError, match="both set"):
        Settings.from_env(environment)


def test_repr_hides_the_account_key():
    settings = Settings.from_env(SAMPLE | {"AzureWebJobsStorage": CONNECTION_STRING})

    assert settings.storage.connection_string == CONNECTION_STRING
    assert KEY not in repr(settings)


def test_malformed_connection_string_is_refused_without_leaking_it():
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(SAMPLE | {"AzureWebJobsStorage": f"AccountKey={KEY}"})

    assert KEY not in str(caught.value)
    assert "AccountName" in str(caught.value)


def test_azurite_shorthand_connection_string_is_expanded():
    storage = Settings.from_env(SAMPLE).storage

    assert storage.connection_string is not None
    assert "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1" in storage.connection_string


def test_alert_channels_are_read_from_the_settings():
    assert Settings.from_env(SAMPLE).alert_routes == (AlertRoute(AlertChannel.LOG),)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("pager", "names the channel 'pager'; there are: log"),
        ("log, ", "names the channel ''"),
        ("log=https://hook/secret", "the channel log takes no target: write log"),
    ],
)
def test_invalid_alert_channel_is_refused_without_leaking_its_target(given, problem):
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(SAMPLE | {"RETRAIN_ALERT_CHANNELS": given})

    assert problem in str(caught.value)
    assert "secret" not in str(caught.value)
