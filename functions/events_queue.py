"""The only trigger on the queue `events`: routes each event to its handler by type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

from functions._app import get_app
from shared.errors import LedgerConflictError, TerminalError
from shared.logs import EventLog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from functions._app import App
    from shared.wire.envelope import Event

blueprint = func.Blueprint()  # type: ignore[no-untyped-call] # theirs

_log = EventLog("retrain.events")


@blueprint.function_name("on_event")
@blueprint.queue_trigger(arg_name="message", queue_name="events", connection="AzureWebJobsStorage")
def on_event(message: func.QueueMessage) -> None:
    """Handle one message. Only its body is used: an event's `id` hides the message's own id."""
    handle(message.get_body(), get_app())


def handle(body: bytes, app: App) -> None:
    """Record the facts that the events stand for; quarantine what cannot be read, and alert.

    Raises:
        TransientError: a service did not answer; the host redelivers.
    """
    from shared.wire.envelope import read_events  # noqa: PLC0415 - not needed to index the app

    try:
        events = read_events(body)
    except TerminalError as exc:
        app.reject_event(body, exc)
        return
    for event in events:
        _handle_one(event, body, app)


def _handle_one(event: Event, body: bytes, app: App) -> None:
    handler = _HANDLERS.get(event.event_type)
    if handler is None:
        app.reject_event(body, f"nothing here handles events of type {event.event_type!r}")
        return
    try:
        handler(event, app)
    except LedgerConflictError as exc:
        # A lost race must never count towards the poison queue.
        app.send_event_again(body)
        _log.warning("event sent again", event_type=event.event_type, error=str(exc))
    except TerminalError as exc:
        app.reject_event(body, exc)


def on_data_arrived(event: Event, app: App) -> None:
    """Record DataArrived, keyed by place and ETag: redelivery and backfill give the same key.

    Raises:
        EventRejectedError: unreadable, or about another container.
        TransientError: a service did not answer.
    """
    from shared.wire.storage import read_blob_created  # noqa: PLC0415 - not needed to index the app

    arrival = read_blob_created(event)
    recorded = app.arrive(arrival)
    if isinstance(recorded, bool):
        app.log.info("no file of a model", place=arrival.blob.place, quarantined=recorded)
    else:
        app.log.info(
            "data arrived",
            model=recorded.state.model,
            fact_key=arrival.key,
            new=recorded.new,
        )


def on_data_deleted(event: Event, app: App) -> None:
    """Key: place and sequencer; whether it withdraws the file is a setting of the model.

    Raises:
        EventRejectedError: unreadable, or about another container.
        TransientError: a service did not answer.
    """
    from shared.wire.storage import read_blob_deleted  # noqa: PLC0415 - not needed to index the app

    deletion = read_blob_deleted(event)
    done = app.withdraw.deleted(deletion)
    if done is not None:
        app.log.info(
            "data deleted",
            model=done.model,
            place=deletion.place,
            new=done.new,
            sentence=done.sentence,
        )


def on_challenger_registered(event: Event, app: App) -> None:
    """Record ChallengerRegistered, keyed by the model version.

    Raises:
        EventRejectedError: unreadable.
        TransientError: a service did not answer.
    """
    from shared.wire.machine_learning import (  # noqa: PLC0415 - not needed to index the app
        read_model_registered,
    )

    model, fact = read_model_registered(event)
    recorded = app.record_challenger(model, fact)
    if recorded is None:
        app.log.info("not one of our models", model=model, fact_key=fact.key)
    else:
        app.log.info("challenger registered", model=model, fact_key=fact.key, new=recorded.new)


def on_job_finished(event: Event, app: App) -> None:
    """Record JobFinished, keyed by job name (which holds cycle and attempt) and status.

    Raises:
        EventRejectedError: unreadable.
        TransientError: a service did not answer.
    """
    from shared.wire.machine_learning import read_run_ended  # noqa: PLC0415 - not needed to index

    ended = read_run_ended(event)
    if ended is None:  # not a job of ours, a step of one, or one that goes on
        return
    model, fact = ended
    recorded = app.record_job_end(model, fact)
    if recorded is None:
        app.log.info("job passed over", model=model, fact_key=fact.key)
    else:
        app.log.info("job finished", model=model, fact_key=fact.key, new=recorded.new)


def on_drift_checked(event: Event, app: App) -> None:
    """Record DriftChecked; our own event comes back with a known key, which is success.

    Raises:
        EventRejectedError: unreadable, or of a day to come.
        UnknownModelError: not one of our models.
    """
    from shared.wire.drift import read_drift_detected  # noqa: PLC0415 - not needed to index the app

    model, fact = read_drift_detected(event)
    recorded = app.record_drift(model, fact)
    app.log.info("drift checked", model=model, fact_key=fact.key, new=recorded.new)


_HANDLERS: Mapping[str, Callable[[Event, App], None]] = {
    "Microsoft.Storage.BlobCreated": on_data_arrived,
    "Microsoft.Storage.BlobDeleted": on_data_deleted,
    "Microsoft.MachineLearningServices.ModelRegistered": on_challenger_registered,
    "Microsoft.MachineLearningServices.RunCompleted": on_job_finished,
    "Microsoft.MachineLearningServices.RunStatusChanged": on_job_finished,
    "Retrain.DriftDetected": on_drift_checked,
}
