"""Topics and subscriptions, as a stack file declares them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

STRICT = ConfigDict(extra="forbid", frozen=True)  # an unknown key is refused
# Azure's own rules for names, so that a stack that starts here can be made there.
ContainerName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", min_length=3, max_length=63)
]


class _Strict(BaseModel):
    model_config = STRICT


class TopicEntry(_Strict):
    """A custom topic and the schema its publishers use."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{3,50}$")]
    schema_: Literal["EventGridSchema", "CloudEventSchemaV1_0"] = Field(
        "EventGridSchema", alias="schema"
    )


class AdvancedFilterEntry(_Strict):
    """One advanced filter, in Event Grid's words."""

    operator: str
    key: str
    values: list[str | float | bool | list[float]] | None = None
    value: str | float | bool | None = None


class FilterEntry(_Strict):
    """Which events of a source a subscription wants."""

    included_event_types: list[str] | None = None
    subject_begins_with: str = ""
    subject_ends_with: str = ""
    case_sensitive: bool = False
    advanced: list[AdvancedFilterEntry] = []


class DestinationEntry(_Strict):
    """Exactly one of a storage queue and a webhook."""

    queue: ContainerName | None = None
    webhook: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> DestinationEntry:
        if (self.queue is None) == (self.webhook is None):
            raise ValueError("name exactly one of queue and webhook")
        return self


class RetryEntry(_Strict):
    """How long a delivery is tried; Azure's defaults and limits."""

    max_attempts: int = Field(30, ge=1, le=30)
    ttl_minutes: int = Field(1440, ge=1, le=1440)


class DeadLetterEntry(_Strict):
    """Where events go that could not be delivered."""

    container: ContainerName


class SubscriptionEntry(_Strict):
    """One event subscription."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{3,64}$")]
    source: str
    filter: FilterEntry = FilterEntry()
    destination: DestinationEntry
    delivery_schema: Literal["EventGridSchema", "CloudEventSchemaV1_0"] | None = None
    retry: RetryEntry = RetryEntry()  # type: ignore[call-arg]  # every field has a default
    dead_letter: DeadLetterEntry | None = None
