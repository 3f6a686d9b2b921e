"""ModelRegistered -> ChallengerRegistered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions._app import App
    from shared.wire.envelope import Event


def on_challenger_registered(event: Event, app: App) -> None:
    """Key: the version.

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
