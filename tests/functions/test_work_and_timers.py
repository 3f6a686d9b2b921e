"""The work queue, the daily drift timer and the reconcile timer, over the doubles."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from functions import drift_timer, reconcile_timer, work_queue
from shared.domain.data import DataTested
from shared.errors import ServiceBusyError

RUNBOOK = (Path(__file__).resolve().parents[2] / "docs" / "runbook.md").read_text("utf-8")


def work_messages(app):
    return [item.body.to_json().encode() for item in app.work.visible()]


def test_work_message_performs_the_effect_it_names(app, queue_message):
    app.drop("diabetes", "march.csv")
    (body,) = work_messages(app)

    work_queue.handle(queue_message(body).get_body(), app)

    assert any(isinstance(fact, DataTested) for fact in app.facts("diabetes"))


def test_duplicate_message_performs_its_effect_once(app):
    app.drop("diabetes", "march.csv")
    (body,) = work_messages(app)

    for _ in range(5):
        work_queue.handle(body, app)

    assert sum(isinstance(fact, DataTested) for fact in app.facts("diabetes")) == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "a JSON list"),
        (b'"text"', "a JSON str"),
        (b"{}", "model None"),
        (b'{"model": 1, "effect": "x"}', "model 1"),
        (b'{"model": "diabetes", "effect": "x", "tries": true}', "tries True"),
        (b'{"model": "diabetes", "effect": "x", "tries": 1.5}', "tries 1.5"),
        (b'{"model": "diabetes", "effect": "x", "turn": 3}', "'turn'; allowed: model, effect"),
    ],
)
def test_malformed_message_is_quarantined_and_alerted_with_the_reason(app, body, why):
    work_queue.handle(body, app)

    assert why in app.alert_sentences()[0]
    assert len(app.quarantined()) == 1


def test_crash_of_a_performer_is_logged_and_raised_for_the_poison_queue(app, caplog):
    def crash(_message):
        raise ZeroDivisionError("a bug")

    app.perform = crash

    with pytest.raises(ZeroDivisionError):
        work_queue.handle(b'{"model": "diabetes", "effect": "x"}', app)

    assert "effect crashed" in caplog.text


def test_daily_timer_requests_a_drift_check_for_every_model(app, caplog):
    caplog.set_level("INFO")

    drift_timer.handle(app)

    assert caplog.text.count("no drift to check") == 2


def test_error_in_one_model_does_not_stop_the_other_checks_but_fails_the_run(app):
    asked = []

    def ask(model):
        if model == "diabetes":
            raise ServiceBusyError("storage is busy")
        asked.append(model)
        return original(model)

    original = app.check_drift_of
    ask.late = original.late
    app.check_drift_of = ask

    with pytest.raises(ServiceBusyError):
        drift_timer.handle(app)

    assert asked == ["iris"]


def test_blob_without_event_is_found_by_reconcile(app):
    app.blobs.upload("landing", "iris/lost.csv", b"a row\n")
    app.clock.advance(timedelta(minutes=10))

    reconcile_timer.handle(app)

    arrived = app.facts("iris")[0]
    assert (arrived.blob.path, arrived.source) == ("iris/lost.csv", "reconcile")


def test_what_reconcile_cannot_repair_is_logged_in_the_words_of_the_runbook(
    app, monkeypatch, caplog
):
    def away(model):
        raise ServiceBusyError(f"the blobs of {model} did not answer")

    monkeypatch.setattr(app.data, "landed", away)

    with caplog.at_level(logging.WARNING):
        reconcile_timer.handle(app)

    (logged,) = {line.partition(" {")[0] for line in caplog.messages if "the blobs of iris" in line}
    assert logged == "could not be repaired"
    assert f"`{logged}` names model and reason" in RUNBOOK
