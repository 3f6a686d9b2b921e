"""BlobCreated -> DataArrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions._app import App
    from shared.wire.envelope import Event


def on_data_arrived(event: Event, app: App) -> None:
    """Key: place and ETag, which name the content; redelivery and backfill then collide.

    Raises:
        EventRejectedError: unreadable, or about another container.
        TransientError: a service did not answer.
    """
    from shared.wire.storage import read_blob_created  # noqa: PLC0415 - not needed to index the app

    arrival = read_blob_created(event)
    recorded = app.arrive(arrival)
    if not isinstance(recorded, bool):
        app.log.info(
            "data arrived",
            model=recorded.state.model,
            fact_key=arrival.key,
            new=recorded.new,
        )
