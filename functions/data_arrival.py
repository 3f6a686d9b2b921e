"""BlobCreated -> DataArrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import EventRejectedError

if TYPE_CHECKING:
    from functions._app import App
    from shared.wire.envelope import Event

_LANDING = "landing"


def on_data_arrived(event: Event, app: App) -> None:
    """Key: place and ETag, which name the content; redelivery and backfill then collide.

    Raises:
        EventRejectedError: unreadable, or about another container.
    """
    from shared.wire.storage import read_blob_created  # noqa: PLC0415 - not needed to index the app

    arrival = read_blob_created(event)
    if arrival.blob.container != _LANDING:
        raise EventRejectedError(
            f"blob {arrival.blob.place} lies outside the container {_LANDING!r}; "
            "give the event subscription a subject filter"
        )
    recorded = app.arrive(arrival)
    if not isinstance(recorded, bool):
        app.log.info(
            "data arrived",
            model=recorded.state.model,
            fact_key=arrival.key,
            new=recorded.new,
        )
