"""Daily timer: requests the drift check of every model, and of past days whose rows came late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

from functions._app import get_app
from shared.logs import EventLog

if TYPE_CHECKING:
    from functions._app import App

blueprint = func.Blueprint()  # type: ignore[no-untyped-call] # theirs

_log = EventLog("retrain.drift")


@blueprint.function_name("drift_daily")
@blueprint.timer_trigger(
    arg_name="timer", schedule="0 0 6 * * *", run_on_startup=False, use_monitor=True
)
@blueprint.retry(strategy="fixed_delay", max_retry_count="5", delay_interval="00:05:00")
def drift_daily(timer: func.TimerRequest) -> None:
    """Run at 06:00 UTC over the window that ends then; retried if a service does not answer."""
    handle(get_app(), past_due=timer.past_due)


def handle(app: App, *, past_due: bool = False) -> None:
    """Request the drift check of every model.

    Raises:
        RetrainError: the first retryable error, once every model has been tried.
    """
    checks = app.check_drift_daily()
    for one in checks.asked:
        _log.info(
            "drift check asked for" if one.fact_key else "no drift to check",
            model=one.model,
            fact_key=one.fact_key,
            new=one.new,
            sentence=one.sentence,
            past_due=past_due,
        )
    for failed in checks.failed:
        _log.error(
            "drift check could not be asked for", model=failed.model, error=str(failed.error)
        )
    if checks.curable is not None:
        raise checks.curable
