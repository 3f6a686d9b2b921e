"""DriftDetected, ours or anybody's -> the same fact key as the check that found it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions._app import App
    from shared.wire.envelope import Event


def on_drift_checked(event: Event, app: App) -> None:
    """Our own notice comes back as a known key: success, quietly.

    Raises:
        EventRejectedError: unreadable.
        UnknownModelError: about no model of ours.
    """
    from shared.wire.drift import read_drift_detected  # noqa: PLC0415 - not needed to index the app

    model, fact = read_drift_detected(event)
    recorded = app.record(model, fact)
    app.log.info("drift checked", model=model, fact_key=fact.key, new=recorded.new)
