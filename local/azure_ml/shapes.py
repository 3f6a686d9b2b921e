"""Checks that a request's JSON has objects and strings where handlers expect them."""

from __future__ import annotations

from typing import Any

# Below these, keys are chosen by the caller.
_FREE = frozenset(
    {"tags", "properties", "environmentVariables", "environment_variables", "traffic"}
    | {"mirrorTraffic", "keys", "flavors"}
)
# Below these, keys are names, and each value is an object of the same kind.
_NAMED = frozenset({"inputs", "outputs", "jobs", "collections"})
_OBJECTS = (
    _FREE
    | _NAMED
    | {"settings", "resources", "limits", "componentSpec", "codeConfiguration"}
    | {"requestSettings", "dataCollector", "scaleSettings", "sku"}
)
_TEXTS = frozenset(
    {"experimentName", "displayName", "display_name", "description", "command", "code", "codeId"}
    | {"environmentId", "componentId", "condaFile", "modelUri", "dataUri", "codeUri", "model"}
    | {"scoringScript", "requestTimeout", "jobType", "dataType", "modelType", "rollingRate"}
)
_COUNTS = frozenset({"instance_count", "instanceCount"})


def type_mistake(given: dict[str, Any], place: str = "") -> str | None:
    """The first value of the wrong type, as a message; None when all are right.

    Args:
        given: a resource's body, or a part of it.
        place: the path of that part, with a dot at its end.
    """
    for key, value in given.items():
        if value is None:
            continue
        where = f"{place}{key}"
        if key in _OBJECTS and not isinstance(value, dict):
            return f"{where} must be a JSON object"
        if key in _TEXTS and not isinstance(value, str):
            return f"{where} must be a text"
        if key in _COUNTS and not str(value).isdecimal():
            return f"{where} must be a whole number"
        if key == "environment" and not isinstance(value, dict | str):
            return f"{where} must be a text or a JSON object"
        found = _inside(key, value, where) if isinstance(value, dict) else None
        if found is not None:
            return found
    return None


def _inside(key: str, value: dict[str, Any], where: str) -> str | None:
    # The envelope's own `properties` are a part like others.
    if key in _FREE and where != "properties":
        return None
    if key not in _NAMED:
        return type_mistake(value, f"{where}.")
    for name, one in value.items():
        if isinstance(one, dict):
            found = type_mistake(one, f"{where}.{name}.")
        else:
            found = f"{where}.{name} must be a JSON object" if key == "jobs" else None
        if found is not None:
            return found
    return None
