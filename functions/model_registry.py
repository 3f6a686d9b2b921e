"""ModelRegistered -> ChallengerRegistered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import UnknownModelError

if TYPE_CHECKING:
    from functions._app import App
    from shared.wire.envelope import Event


def on_challenger_registered(event: Event, app: App) -> None:
    """Key: the version. One without our `cycle_id` tag was registered by a person.

    Raises:
        EventRejectedError: unreadable.
    """
    from shared.wire.machine_learning import (  # noqa: PLC0415 - not needed to index the app
        read_model_registered,
    )

    model, fact = read_model_registered(event)
    try:
        recorded = app.record(model, fact)
    except UnknownModelError:
        # The workspace is shared: other people's models are none of our business.
        app.log.info("not one of our models", model=model, fact_key=fact.key)
        return
    app.log.info("challenger registered", model=model, fact_key=fact.key, new=recorded.new)
