"""RunCompleted, RunStatusChanged -> JobFinished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import UnknownModelError

if TYPE_CHECKING:
    from functions._app import App
    from shared.wire.envelope import Event


def on_job_finished(event: Event, app: App) -> None:
    """Key: job name and status; the name holds cycle and attempt.

    Raises:
        EventRejectedError: unreadable.
    """
    from shared.wire.machine_learning import (  # noqa: PLC0415 - not needed to index the app
        read_run_ended,
    )

    ended = read_run_ended(event)
    if ended is None:  # somebody else's run, a step of ours, or one that goes on
        return
    model, fact = ended
    try:
        recorded = app.record(model, fact)
    except UnknownModelError:
        app.log.info("not one of our models", model=model, fact_key=fact.key)
        return
    app.log.info("job finished", model=model, fact_key=fact.key, new=recorded.new)
