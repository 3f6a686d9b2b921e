"""RunCompleted, RunStatusChanged -> JobFinished."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions._app import App
    from shared.wire.envelope import Event


def on_job_finished(event: Event, app: App) -> None:
    """Key: job name and status; the name holds cycle and attempt.

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
