"""The only trigger on `events`: whatever comes in is routed by its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

from functions._app import get_app
from functions.data_arrival import on_data_arrived
from functions.drift_signal import on_drift_checked
from functions.job_status import on_job_finished
from functions.model_registry import on_challenger_registered
from shared.errors import LedgerConflictError, TerminalError
from shared.logs import EventLog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from functions._app import App
    from shared.wire.envelope import Event

blueprint = func.Blueprint()  # type: ignore[no-untyped-call] # theirs

_log = EventLog("retrain.events")
_HANDLERS: Mapping[str, Callable[[Event, App], None]] = {
    "Microsoft.Storage.BlobCreated": on_data_arrived,
    "Microsoft.MachineLearningServices.ModelRegistered": on_challenger_registered,
    "Microsoft.MachineLearningServices.RunCompleted": on_job_finished,
    "Microsoft.MachineLearningServices.RunStatusChanged": on_job_finished,
    "Retrain.DriftDetected": on_drift_checked,
}


@blueprint.function_name("on_event")
@blueprint.queue_trigger(arg_name="message", queue_name="events", connection="AzureWebJobsStorage")
def on_event(message: func.QueueMessage) -> None:
    """The body alone counts: an event's own `id` shadows the message's in its metadata."""
    handle(message.get_body(), get_app())


def handle(body: bytes, app: App) -> None:
    """Record what the message's events say; keep and report what cannot be read.

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
        # A lost race is nobody's fault: it must never count towards the poison queue.
        app.send_event_again(body)
        _log.warning("event sent again", event_type=event.event_type, error=str(exc))
    except TerminalError as exc:
        app.reject_event(body, exc)
