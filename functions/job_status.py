"""RunCompleted, RunStatusChanged -> JobFinished."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions._app import App
    from shared.wire.envelope import Event


def on_job_finished(event: Event, app: App) -> None:
    """Key: job name and status; the name holds cycle and attempt.

    Raises:
        EventRejectedError: unreadable.
        TransientError: Azure ML did not answer.
    """
    from shared.domain.jobs import JobStatus  # noqa: PLC0415 - not needed to index the app
    from shared.wire.machine_learning import read_run_ended  # noqa: PLC0415 - same

    ended = read_run_ended(event)
    if ended is None:  # somebody else's run, a step of ours, or one that goes on
        return
    model, fact = ended
    if model not in app.catalog.names():
        app.log.info("not one of our models", model=model, fact_key=fact.key)
        return
    if fact.status is JobStatus.FAILED:
        # The event does not say why; the first fact of its key holds, so it must.
        report = app.jobs.report(fact.job_name)
        if report is not None and report.status is not JobStatus.FAILED:
            return  # not there yet: whoever watches the job will see it with its reason
        fact = replace(fact, message=report.message if report else "")
    recorded = app.record(model, fact)
    app.log.info("job finished", model=model, fact_key=fact.key, new=recorded.new)
