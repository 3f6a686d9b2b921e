"""Every ten minutes: repair what was lost. It decides nothing new."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import azure.functions as func

from functions._app import get_app
from shared.logs import EventLog

if TYPE_CHECKING:
    from functions._app import App

blueprint = func.Blueprint()  # type: ignore[no-untyped-call] # theirs

_log = EventLog("retrain.reconcile")


@blueprint.function_name("reconcile")
@blueprint.timer_trigger(
    arg_name="timer", schedule="0 */10 * * * *", run_on_startup=False, use_monitor=True
)
def reconcile(timer: func.TimerRequest) -> None:
    """Lost messages, lost events, lost races of a paused host."""
    handle(get_app(), past_due=timer.past_due)


def handle(app: App, *, past_due: bool = False) -> None:
    """Look after every model; troubles are logged, the next run tries again."""
    repairs = app.reconcile()
    counts = asdict(repairs)
    troubles = counts.pop("troubles")
    for trouble in troubles:
        _log.warning("could not be looked after", trouble=trouble)
    _log.info("reconciled", past_due=past_due, troubles=len(troubles), **counts)
