"""ModelRegistered -> ChallengerRegistered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions._app import App
    from shared.wire.envelope import Event


def on_challenger_registered(event: Event, app: App) -> None:
    """Key: the version. One without our `cycle_id` tag was registered by a person.

    Raises:
        EventRejectedError: unreadable.
        TransientError: the registry did not answer.
    """
    from shared.wire.machine_learning import (  # noqa: PLC0415 - not needed to index the app
        challenger_registered,
        read_model_registered,
    )

    model, fact = read_model_registered(event)
    if model not in app.catalog.names():
        # The workspace is shared: other people's models are none of our business.
        app.log.info("not one of our models", model=model, fact_key=fact.key)
        return
    if fact.cycle_id is None:
        # An event may leave tags out. To take our own challenger for a person's would cost its
        # cycle, so the registry has the last word.
        known = app.registry.version(model, fact.version)
        fact = challenger_registered(fact.version, known.tags if known else {})
    recorded = app.record(model, fact)
    app.log.info("challenger registered", model=model, fact_key=fact.key, new=recorded.new)
