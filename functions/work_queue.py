"""Trigger on the queue `work`: each message performs one effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

from functions._app import get_app
from shared.errors import TerminalError
from shared.logs import EventLog

if TYPE_CHECKING:
    from functions._app import App

blueprint = func.Blueprint()  # type: ignore[no-untyped-call] # theirs

_log = EventLog("retrain.work")


@blueprint.function_name("on_work")
@blueprint.queue_trigger(arg_name="message", queue_name="work", connection="AzureWebJobsStorage")
def on_work(message: func.QueueMessage) -> None:
    """Perform the effect that the message names, if the ledger still asks for it."""
    handle(message.get_body(), get_app())


def handle(body: bytes, app: App) -> None:
    """Perform the effect, record its result, acknowledge the message.

    Raises:
        TransientError: ledger or queue did not answer; the host redelivers.
        Exception: a bug; it ends in the poison queue, which raises an alert.
    """
    from shared.ports.queues import WorkMessage  # noqa: PLC0415 - not needed to index the app

    try:
        message = WorkMessage.from_json(body)
        performed = app.perform(message)
    except TerminalError as exc:
        app.reject_event(body, exc)
    except Exception as exc:
        _log.error("effect crashed", body=body.decode("utf-8", "replace"), error=repr(exc))
        raise
    else:
        _log.info(
            "effect performed",
            model=message.model,
            effect=message.effect,
            turn=message.turn,
            result=performed.name.lower(),
        )
