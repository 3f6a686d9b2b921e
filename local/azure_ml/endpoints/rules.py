"""Validates online endpoints and deployments as Azure does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.azure_ml.requests import RefusedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]$")
_DURATION = re.compile(
    r"^PT(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?$"
)
_WHOLE_PERCENT = 100
_MOST_MIRRORED_PERCENT = 50
# Azure's own limits of a managed deployment.
_MOST_TIMEOUT_SECONDS = 180.0
_DEFAULT_TIMEOUT = "PT5S"
_DEFAULT_CONCURRENCY = 1


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How one deployment is protected: see `requestSettings` in Azure's deployment schema.

    Azure works on `2 * max_concurrent_requests_per_instance * instances` requests at a time.
    """

    timeout_seconds: float
    most_in_flight: int


def check_name(kind: str, name: str) -> None:
    """Refuse a name that Azure refuses.

    Raises:
        RefusedError: not 3 to 32 letters, digits and dashes, starting with a letter.
    """
    if not _NAME.match(name):
        raise RefusedError(
            f"{kind} name '{name}' is not allowed: use 3 to 32 letters, digits and '-', the first "
            "a letter, the last no '-'"
        )


def check_auth_mode(mode: object) -> None:
    """Refuse tokens: this stack does not issue them.

    Raises:
        RefusedError: not `Key`.
    """
    if mode != "Key":
        raise RefusedError(f"authMode '{mode}' is not supported here; use 'key'")


def check_traffic(
    traffic: Mapping[str, Any], mirror: Mapping[str, Any], *, ready: Collection[str]
) -> None:
    """Refuse shares that Azure refuses.

    Args:
        traffic: percent of live requests by deployment.
        mirror: percent of live requests copied, by deployment.
        ready: deployments that can answer.

    Raises:
        RefusedError: shares that are not percents, do not add up, or go to a deployment that is
            not ready.
    """
    for what, shares in (("traffic", traffic), ("mirror_traffic", mirror)):
        for name, percent in shares.items():
            if isinstance(percent, bool) or not isinstance(percent, int):
                raise RefusedError(f"{what} of '{name}' is {percent!r}; give a whole percent")
            if not 0 <= percent <= _WHOLE_PERCENT:
                raise RefusedError(f"{what} of '{name}' is {percent}; give 0 to 100")
            if percent and name not in ready:
                raise RefusedError(
                    f"{what} names deployment '{name}', which is not there or has not succeeded; "
                    f"ready are: {', '.join(sorted(ready)) or 'none'}"
                )
    total = sum(traffic.values())
    if total not in {0, _WHOLE_PERCENT}:
        raise RefusedError(f"traffic adds up to {total} %; it must be 0 or 100")
    _check_mirror(traffic, mirror)


def _check_mirror(traffic: Mapping[str, int], mirror: Mapping[str, int]) -> None:
    mirrored = {name: percent for name, percent in mirror.items() if percent}
    if len(mirrored) > 1:
        raise RefusedError(
            f"mirror_traffic names {len(mirrored)} deployments ({', '.join(sorted(mirrored))}); "
            "at most one can receive copies"
        )
    for name, percent in mirrored.items():
        if percent > _MOST_MIRRORED_PERCENT:
            raise RefusedError(
                f"mirror_traffic of '{name}' is {percent} %, limit {_MOST_MIRRORED_PERCENT} %"
            )
        if traffic.get(name, 0):
            raise RefusedError(
                f"deployment '{name}' has live traffic; copies go to one that has none"
            )


def check_deployment(body: Mapping[str, Any]) -> None:
    """Refuse a deployment that Azure refuses, or that cannot run here.

    Raises:
        RefusedError: with the field at fault and the remedy.
    """
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise RefusedError("the deployment has no 'properties'")
    compute = properties.get("endpointComputeType")
    if compute != "Managed":
        raise RefusedError(f"endpointComputeType '{compute}' is not supported here; use 'Managed'")
    code = properties.get("codeConfiguration") or {}
    if not code.get("codeId") or not code.get("scoringScript"):
        raise RefusedError(
            "the deployment needs code_configuration with code and scoring_script: deployments "
            "without code are not supported here"
        )
    if ".." in code["scoringScript"].split("/") or code["scoringScript"].startswith("/"):
        raise RefusedError(
            f"scoring_script '{code['scoringScript']}' must lie inside the code folder"
        )
    if not properties.get("environmentId"):
        raise RefusedError("the deployment needs an environment")
    capacity = (body.get("sku") or {}).get("capacity", 1)
    if not isinstance(capacity, int) or capacity < 1:
        raise RefusedError(f"instance count is {capacity!r}; give at least 1")
    request_limits(properties, instances=capacity)


def request_limits(properties: Mapping[str, Any], *, instances: int) -> RequestLimits:
    """Read `requestSettings`, with Azure's defaults.

    Raises:
        RefusedError: a value outside Azure's limits.
    """
    settings = properties.get("requestSettings") or {}
    timeout = seconds(settings.get("requestTimeout") or _DEFAULT_TIMEOUT)
    if not 0 < timeout <= _MOST_TIMEOUT_SECONDS:
        raise RefusedError(
            f"request_timeout is {timeout:g} s; give more than 0, at most "
            f"{_MOST_TIMEOUT_SECONDS:g} s"
        )
    concurrency = settings.get("maxConcurrentRequestsPerInstance") or _DEFAULT_CONCURRENCY
    if not isinstance(concurrency, int) or concurrency < 1:
        raise RefusedError(
            f"max_concurrent_requests_per_instance is {concurrency!r}; give at least 1"
        )
    return RequestLimits(timeout_seconds=timeout, most_in_flight=2 * concurrency * instances)


def seconds(duration: str) -> float:
    """Seconds of an ISO 8601 duration such as `PT1M30S`.

    Raises:
        RefusedError: not hours, minutes and seconds in that form.
    """
    match = _DURATION.match(duration)
    if not match or duration == "PT":
        raise RefusedError(f"'{duration}' is not a duration; write for example PT5S")
    hours, minutes, rest = (float(match[part] or 0) for part in ("hours", "minutes", "seconds"))
    return hours * 3600 + minutes * 60 + rest
