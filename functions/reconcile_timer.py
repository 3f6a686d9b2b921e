"""Timer, every ten minutes: repairs lost messages and events. It decides nothing new."""

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
    """Repair lost messages and events, and late writes of a paused host."""
    handle(get_app(), past_due=timer.past_due)


def handle(app: App, *, past_due: bool = False) -> None:
    """Repair every model; errors are logged and the next run tries again."""
    repairs = app.reconcile()
    counts = asdict(repairs)
    errors = counts.pop("errors")
    for error in errors:
        _log.warning("could not be repaired", error=error)
    _log.info("reconciled", past_due=past_due, errors=len(errors), **counts)
