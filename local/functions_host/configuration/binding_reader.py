"""Reads the description of an indexed app, and refuses what Azure or this host would refuse."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from local.functions_host.configuration.definitions import (
    BlobOutput,
    EventGridTrigger,
    FunctionDefinition,
    HttpOutput,
    HttpTrigger,
    Output,
    QueueOutput,
    QueueTrigger,
    Retry,
    TimerTrigger,
    Trigger,
)
from local.functions_host.configuration.ncrontab import Schedule, ScheduleError
from local.functions_host.configuration.routing import Template
from local.functions_host.errors import FunctionAppError
from local.functions_host.storage import connection_string

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from local.functions_host.configuration.host_json import HostSettings

_NAME = re.compile(r"^(?!host$)[a-z][a-z0-9_\-]{0,127}$", re.IGNORECASE)
_QUEUE = re.compile(r"^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$")
_PLACEHOLDER = re.compile(r"%([^%]+)%")
_SPAN = re.compile(r"^(\d{1,2}):(\d{2}):(\d{2})$")
_AUTH_LEVELS = ("anonymous", "function", "admin")
_RESERVED = ("admin", "runtime")
_SUPPORTED = "triggers http, queue, timer, eventGrid; outputs http, queue, blob"


def read_definitions(
    described: Sequence[Mapping[str, Any]],
    settings: Mapping[str, str],
    *,
    host: HostSettings,
    now_utc: datetime,
) -> list[FunctionDefinition]:
    """Check what the worker indexed.

    Raises:
        FunctionAppError: anything that Azure or this host would refuse; the text lists all.
    """
    problems: list[str] = []
    definitions: list[FunctionDefinition] = []
    for item in described:
        reader = _Reader(item, settings, host=host, now_utc=now_utc)
        definition = reader.definition()
        problems += [f"function {item['name']!r}: {text}" for text in reader.problems]
        if definition is not None:
            definitions.append(definition)
    if problems:
        raise FunctionAppError(
            "the app cannot be run:\n" + "\n".join(f"  - {text}" for text in problems)
        )
    return definitions


class _Reader:
    """Reads one function and keeps every problem it meets."""

    def __init__(
        self,
        described: Mapping[str, Any],
        settings: Mapping[str, str],
        *,
        host: HostSettings,
        now_utc: datetime,
    ) -> None:
        self.problems: list[str] = []
        self._described = described
        self._settings = settings
        self._host = host
        self._now_utc = now_utc

    def definition(self) -> FunctionDefinition | None:
        name = str(self._described["name"])
        if not _NAME.match(name):
            self.problems.append("the name must match [A-Za-z][A-Za-z0-9_-]{0,127}")
        trigger: Trigger | None = None
        outputs: list[Output] = []
        for binding in self._described["bindings"]:
            try:
                read = self._binding(binding, name)
            except (FunctionAppError, ScheduleError) as exc:
                self.problems.append(f"binding {binding.get('name')!r}: {exc}")
                continue
            if isinstance(read, HttpOutput | QueueOutput | BlobOutput):
                outputs.append(read)
            else:
                trigger = read
        retry = self._retry(trigger)
        if trigger is None or self.problems:
            return None
        return FunctionDefinition(
            name=name,
            trigger=trigger,
            outputs=tuple(outputs),
            retry=retry,
            disabled=self._settings.get(f"AzureWebJobs.{name}.Disabled", "").lower()
            in {"true", "1"},
            raw_bindings=tuple(self._described["bindings"]),
        )

    def _binding(  # noqa: PLR0911 - one return a kind of binding
        self, binding: Mapping[str, Any], function: str
    ) -> Trigger | Output:
        argument = str(binding["name"])
        match str(binding["type"]), str(binding["direction"]).upper():
            case "httpTrigger", _:
                return self._http(binding, function)
            case "queueTrigger", _:
                return QueueTrigger(
                    argument=argument,
                    queue=self._queue(binding),
                    connection=self._connection(binding),
                    binary=str(binding.get("dataType", "")).upper() == "BINARY",
                )
            case "timerTrigger", _:
                return TimerTrigger(
                    argument=argument,
                    schedule=Schedule.parse(
                        self._resolved(binding["schedule"]), now_utc=self._now_utc
                    ),
                    run_on_startup=bool(binding.get("runOnStartup", False)),
                    use_monitor=binding.get("useMonitor"),
                )
            case "eventGridTrigger", _:
                return EventGridTrigger(argument=argument)
            case "http", "OUT":
                return HttpOutput(name=argument)
            case "queue", "OUT":
                return QueueOutput(
                    name=argument,
                    queue=self._queue(binding),
                    connection=self._connection(binding),
                )
            case "blob", "OUT":
                return BlobOutput(
                    name=argument,
                    path=self._blob_path(binding),
                    connection=self._connection(binding),
                )
            case kind, direction:
                raise FunctionAppError(
                    f"{kind} ({direction.lower()}) is not supported by this host, which has "
                    f"{_SUPPORTED}"
                )

    def _http(self, binding: Mapping[str, Any], function: str) -> HttpTrigger:
        route = self._resolved(binding.get("route") or function).strip("/")
        methods = binding.get("methods")
        prefix = self._host.route_prefix
        full = f"{prefix}/{route}" if prefix else route
        if full.split("/")[0].lower() in _RESERVED:
            raise FunctionAppError(f"route {full!r} conflicts with one or more built in routes")
        level = str(binding.get("authLevel") or "function").lower()
        if level not in _AUTH_LEVELS:
            raise FunctionAppError(f"auth level {level!r} is not one of {', '.join(_AUTH_LEVELS)}")
        return HttpTrigger(
            argument=str(binding["name"]),
            template=Template.parse(full),
            methods=frozenset(str(method).upper() for method in methods) if methods else None,
            auth_level=level,
        )

    def _resolved(self, text: Any) -> str:
        """Text with %SETTING% replaced by the app setting."""
        missing = [name for name in _PLACEHOLDER.findall(str(text)) if name not in self._settings]
        if missing:
            raise FunctionAppError(
                f"{text!r} names the app setting {missing[0]!r}, which is not set"
            )
        return _PLACEHOLDER.sub(lambda found: self._settings[found[1]], str(text))

    def _queue(self, binding: Mapping[str, Any]) -> str:
        # Azure lower-cases queue names before it uses them.
        name = self._resolved(binding["queueName"]).lower()
        if not _QUEUE.match(name):
            raise FunctionAppError(
                f"queue name {name!r} must be 3 to 63 letters, digits and single dashes"
            )
        return name

    def _connection(self, binding: Mapping[str, Any]) -> str:
        return connection_string(self._settings, self._resolved(binding.get("connection") or ""))

    def _blob_path(self, binding: Mapping[str, Any]) -> str:
        path = self._resolved(binding["path"])
        container, _, name = path.partition("/")
        if not container or not name:
            raise FunctionAppError(f"blob path {path!r} must be container/name")
        return path

    def _retry(self, trigger: Trigger | None) -> Retry | None:
        policy = self._described.get("retry")
        if not policy or trigger is None:
            return None
        if not isinstance(trigger, TimerTrigger):
            self.problems.append(
                "@retry is accepted by Azure on this trigger and does nothing; remove it "
                "(queue messages are retried by maxDequeueCount in host.json)"
            )
            return None
        limit = int(policy.get("max_retry_count", 0))
        if policy.get("strategy") == "fixed_delay":
            delay = self._span(policy, "delay_interval")
            return Retry(limit=limit, shortest=delay, longest=delay)
        if policy.get("strategy") == "exponential_backoff":
            return Retry(
                limit=limit,
                shortest=self._span(policy, "minimum_interval"),
                longest=self._span(policy, "maximum_interval"),
            )
        self.problems.append(
            f"@retry strategy {policy.get('strategy')!r} is not one of fixed_delay, "
            "exponential_backoff"
        )
        return None

    def _span(self, policy: Mapping[str, Any], name: str) -> timedelta:
        match = _SPAN.match(str(policy.get(name)))
        if match is None:
            self.problems.append(f"@retry {name}: {policy.get(name)!r} must be HH:MM:SS")
            return timedelta(0)
        hours, minutes, seconds = map(int, match.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
