"""The functions of an indexed app, with their triggers and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from local.functions_host.configuration.ncrontab import Schedule
    from local.functions_host.configuration.routing import Template


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """Fires on a request. `methods` is None when all are taken."""

    argument: str
    template: Template
    methods: frozenset[str] | None
    auth_level: str


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """Fires on a message. `binary` hands over bytes instead of text."""

    argument: str
    queue: str
    connection: str
    binary: bool


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """Fires by the clock. `use_monitor` None leaves it to the schedule's pace, as on Azure."""

    argument: str
    schedule: Schedule
    run_on_startup: bool
    use_monitor: bool | None


@dataclass(frozen=True, slots=True)
class EventGridTrigger:
    """Fires on an event delivered to the host's webhook."""

    argument: str


Trigger = HttpTrigger | QueueTrigger | TimerTrigger | EventGridTrigger


@dataclass(frozen=True, slots=True)
class HttpOutput:
    """The answer to a request."""

    name: str


@dataclass(frozen=True, slots=True)
class QueueOutput:
    """Messages into a queue."""

    name: str
    queue: str
    connection: str


@dataclass(frozen=True, slots=True)
class BlobOutput:
    """One blob; `path` is `container/name` and may hold expressions such as {rand-guid}."""

    name: str
    path: str
    connection: str


Output = HttpOutput | QueueOutput | BlobOutput


@dataclass(frozen=True, slots=True)
class Retry:
    """`@retry` of a timer: how often again, waiting how long."""

    limit: int
    shortest: timedelta
    longest: timedelta

    def delay(self, failures: int) -> timedelta:
        """Wait after the given number of failures, at least 1; doubles up to the longest."""
        factor: int = 2 ** (failures - 1)
        return min(self.shortest * factor, self.longest)


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """One function of the app."""

    name: str
    trigger: Trigger
    outputs: tuple[Output, ...]
    retry: Retry | None
    disabled: bool
    raw_bindings: tuple[Mapping[str, Any], ...]
