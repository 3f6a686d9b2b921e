"""host.json, checked: what would change behaviour on Azure and not here is refused by name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from local.functions_host.errors import FunctionAppError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Accepted and without effect here: they configure logs, downloads and monitoring.
_NO_EFFECT = frozenset(
    {
        "version",
        "$schema",
        "logging",
        "extensionBundle",
        "managedDependency",
        "healthMonitor",
        "telemetryMode",
        "watchDirectories",
        "watchFiles",
        "aggregator",
    }
)
_TIME_SPAN = re.compile(
    r"^(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{2}):(?P<seconds>\d{2})$"
)
_ENCODINGS = ("base64", "none")


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """`extensions.queues`, with Azure's defaults.

    Attributes:
        visibility_timeout: how long a message stays hidden after a failed try.
        poll_interval_limit: longest pause between two looks into an empty queue.
    """

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: timedelta = timedelta(0)
    poll_interval_limit: timedelta = timedelta(minutes=1)
    base64: bool = True


@dataclass(frozen=True, slots=True)
class HostSettings:
    """The settings of host.json that this host acts on.

    Attributes:
        function_timeout: None means unbounded; 30 minutes is Flex Consumption's default.
    """

    route_prefix: str = "api"
    function_timeout: timedelta | None = timedelta(minutes=30)
    queues: QueueSettings = QueueSettings()


def read_host_json(path: Path) -> HostSettings:
    """Read and check one host.json.

    Raises:
        FunctionAppError: missing, not JSON, or with settings that are wrong or not supported;
            the text lists all of them.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise FunctionAppError(
            f'{path} is missing; the smallest one is {{"version": "2.0"}}'
        ) from exc
    except ValueError as exc:
        raise FunctionAppError(f"{path} is not JSON: {exc}") from exc
    reader = _Reader()
    settings = reader.host(content)
    if reader.problems:
        raise FunctionAppError(f"{path}:\n" + "\n".join(f"  - {text}" for text in reader.problems))
    return settings


class _Reader:
    """Collects every problem before anything is refused."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def host(self, content: Any) -> HostSettings:
        if not isinstance(content, dict):
            self.problems.append("must be a JSON object")
            return HostSettings()
        if content.get("version") != "2.0":
            self.problems.append(f'version: {content.get("version")!r} must be "2.0"')
        self._refuse_others(content, "", _NO_EFFECT | {"functionTimeout", "extensions"})
        extensions = self._section(content, "extensions")
        self._refuse_others(extensions, "extensions.", {"http", "queues"})
        http = self._section(extensions, "http")
        self._refuse_others(http, "extensions.http.", {"routePrefix"})
        timeout = content.get("functionTimeout")
        return HostSettings(
            route_prefix=self._prefix(http.get("routePrefix", "api")),
            function_timeout=timedelta(minutes=30) if timeout is None else self._timeout(timeout),
            queues=self._queues(self._section(extensions, "queues")),
        )

    def _section(self, content: dict[str, Any], name: str) -> dict[str, Any]:
        section = content.get(name, {})
        if isinstance(section, dict):
            return section
        self.problems.append(f"{name}: must be a JSON object")
        return {}

    def _refuse_others(
        self, section: dict[str, Any], where: str, known: frozenset[str] | set[str]
    ) -> None:
        self.problems += [
            f"{where}{name} is not supported by this host; remove it or extend local/functions_host"
            for name in section
            if name not in known
        ]

    def _prefix(self, value: Any) -> str:
        if isinstance(value, str):
            return value.strip("/")
        self.problems.append(f"extensions.http.routePrefix: {value!r} must be text")
        return "api"

    def _timeout(self, value: Any) -> timedelta | None:
        if value == "-1":
            return None
        return self._span(value, "functionTimeout", at_least=timedelta(seconds=1))

    def _queues(self, section: dict[str, Any]) -> QueueSettings:
        readers: dict[str, Callable[[Any, str], Any]] = {
            "batchSize": lambda value, name: self._count(value, name, 1, 32),
            "newBatchThreshold": lambda value, name: self._count(value, name, 0, 10_000),
            "maxDequeueCount": lambda value, name: self._count(value, name, 1, 10_000),
            "visibilityTimeout": self._span,
            "maxPollingInterval": self._span,
            "messageEncoding": self._encoding,
        }
        self._refuse_others(section, "extensions.queues.", set(readers))
        read = {
            name: readers[name](value, f"extensions.queues.{name}")
            for name, value in section.items()
            if name in readers
        }
        default = QueueSettings()
        batch = read.get("batchSize", default.batch_size)
        return QueueSettings(
            batch_size=batch,
            new_batch_threshold=read.get("newBatchThreshold", batch // 2),
            max_dequeue_count=read.get("maxDequeueCount", default.max_dequeue_count),
            visibility_timeout=read.get("visibilityTimeout", default.visibility_timeout),
            poll_interval_limit=read.get("maxPollingInterval", default.poll_interval_limit),
            base64=read.get("messageEncoding", True),
        )

    def _count(self, value: Any, name: str, least: int, most: int) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.problems.append(f"{name}: {value!r} must be a whole number from {least} to {most}")
        return least

    def _encoding(self, value: Any, name: str) -> bool:
        if isinstance(value, str) and value.lower() in _ENCODINGS:
            return value.lower() == "base64"
        self.problems.append(f"{name}: {value!r} must be one of {', '.join(_ENCODINGS)}")
        return True

    def _span(self, value: Any, name: str, *, at_least: timedelta = timedelta(0)) -> timedelta:
        match = _TIME_SPAN.match(value) if isinstance(value, str) else None
        if match is None:
            self.problems.append(f"{name}: {value!r} must be a time span such as 00:05:00")
            return at_least
        parts = {unit: int(text or 0) for unit, text in match.groupdict().items()}
        span = timedelta(**parts)
        if span < at_least:
            self.problems.append(f"{name}: {value!r} must be at least {at_least}")
        return span
