"""Alerts reach every channel that the settings name."""

from __future__ import annotations

import json
import logging

import pytest

from shared.adapters.alerts import EveryChannel, alerts_over
from shared.adapters.in_memory import InMemoryAlerts
from shared.errors import ServiceBusyError
from shared.ports.notices import Alert, AlertChannel, AlertRoute

ALERT = Alert("diabetes", "alert:7", "Training failed.")


class UnavailableChannel:
    def send(self, alert):
        raise ServiceBusyError(f"{alert.key}: the channel did not answer")


def test_alert_is_sent_to_every_channel():
    first, second = InMemoryAlerts(), InMemoryAlerts()

    EveryChannel([first, second]).send(ALERT)

    assert [*first.sent.values()] == [*second.sent.values()] == [ALERT]


def test_unavailable_channel_raises_a_transient_error():
    with pytest.raises(ServiceBusyError):
        EveryChannel([InMemoryAlerts(), UnavailableChannel()]).send(ALERT)


@pytest.mark.parametrize("channel", AlertChannel)
def test_every_configurable_channel_can_be_built(channel):
    assert alerts_over([AlertRoute(channel, "https://example.org")]).channels


def test_log_channel_logs_the_alert_sentence(caplog):
    with caplog.at_level(logging.ERROR):
        alerts_over([AlertRoute(AlertChannel.LOG)]).send(ALERT)

    message, _, fields = caplog.messages[-1].partition(" ")
    assert message == "alert"
    assert json.loads(fields)["sentence"] == ALERT.sentence
