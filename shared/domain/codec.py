"""Facts, effects and states as JSON values, by their field names.

The ledger is a format: a fact is written with its name from `FACTS` and all its fields; on reading,
unknown fields are skipped and missing ones take their default, so old facts fold for ever.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from shared.domain import effects, facts
from shared.domain.state import State
from shared.errors import TerminalError

STATE_FORMAT = 2  # another number in the store: the state is folded anew from its facts

FACTS: dict[str, type] = {
    "data_arrived": facts.DataArrived,
    "retrain_requested": facts.RetrainRequested,
    "drift_check_due": facts.DriftCheckDue,
    "drift_checked": facts.DriftChecked,
    "cycle_opened": facts.CycleOpened,
    "data_tested": facts.DataTested,
    "data_registered": facts.DataRegistered,
    "retrain_decided": facts.RetrainDecided,
    "job_submitted": facts.JobSubmitted,
    "job_finished": facts.JobFinished,
    "challenger_registered": facts.ChallengerRegistered,
    "evidence_read": facts.EvidenceRead,
    "challenger_evaluated": facts.ChallengerEvaluated,
    "deployment_started": facts.DeploymentStarted,
    "deployment_ready": facts.DeploymentReady,
    "deployment_failed": facts.DeploymentFailed,
    "promotion_started": facts.PromotionStarted,
    "champion_promoted": facts.ChampionPromoted,
    "traffic_changed_outside": facts.TrafficChangedOutside,
    "traffic_found_stale": facts.TrafficFoundStale,
    "cycle_ended": facts.CycleEnded,
    "effect_done": facts.EffectDone,
    "effect_failed": facts.EffectFailed,
    "alert_raised": facts.AlertRaised,
}

EFFECTS: dict[str, type] = {
    "test_data": effects.TestData,
    "register_data": effects.RegisterData,
    "submit_job": effects.SubmitJob,
    "watch_job": effects.WatchJob,
    "find_challenger": effects.FindChallenger,
    "evaluate": effects.Evaluate,
    "deploy": effects.Deploy,
    "watch_deployment": effects.WatchDeployment,
    "shift_traffic": effects.ShiftTraffic,
    "restore_traffic": effects.RestoreTraffic,
    "tag_model": effects.TagModel,
    "retire_deployment": effects.RetireDeployment,
    "check_drift": effects.CheckDrift,
    "watch_drift_job": effects.WatchDriftJob,
    "read_drift_check": effects.ReadDriftCheck,
    "tag_drift": effects.TagDrift,
    "publish_drift": effects.PublishDrift,
    "raise_alert": effects.RaiseAlert,
}

_NAME_OF = {kind: name for names in (FACTS, EFFECTS) for name, kind in names.items()}
_KIND_OF = FACTS | EFFECTS
_TAG = "is"

_Convert = Callable[[Any], Any]


class CodecError(TerminalError):
    """A stored fact or state cannot be read: written by a newer version, or damaged."""


def fact_to_json(fact: facts.Fact) -> str:
    """One line."""
    return json.dumps(_encode(fact), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def fact_from_json(text: str) -> facts.Fact:
    """The inverse of `fact_to_json`.

    Raises:
        CodecError: an unknown kind of fact, or a field without a default is missing.
    """
    return typing.cast("facts.Fact", _decoder(facts.Fact)(json.loads(text)))


def fact_name(fact: facts.Fact) -> str:
    """Its name in the ledger."""
    return _NAME_OF[type(fact)]


def state_to_json(state: State) -> str:
    """One line."""
    return json.dumps(_encode(state), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def state_from_json(text: str) -> State:
    """The inverse of `state_to_json`.

    Raises:
        CodecError: it cannot be read.
    """
    return typing.cast("State", _decoder(State)(json.loads(text)))


def _encode(value: Any) -> Any:
    encode = _ENCODERS.get(type(value))
    if encode is not None:
        return encode(value)
    if dataclasses.is_dataclass(value):
        body = {
            field.name: _encode(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
        name = _NAME_OF.get(type(value))
        return body if name is None else {_TAG: name} | body
    if isinstance(value, StrEnum):
        return value.value
    raise TypeError(f"no JSON form for a {type(value).__name__}")


def _same(value: Any) -> Any:
    return value


_ENCODERS: dict[type, _Convert] = {
    str: _same,
    int: _same,
    float: _same,
    bool: _same,
    type(None): _same,
    tuple: lambda items: [_encode(item) for item in items],
    datetime: lambda time: time.isoformat(),
    date: lambda day: day.isoformat(),
    timedelta: lambda duration: duration.total_seconds(),
}


@cache
def _decoder(kind: Any) -> _Convert:
    """How a JSON value becomes a value of this type."""
    if kind in _DECODERS:
        return _DECODERS[kind]
    origin = typing.get_origin(kind)
    if origin is tuple:
        decode_item = _decoder(typing.get_args(kind)[0])
        return lambda items: tuple(decode_item(item) for item in items)
    if origin in (typing.Union, types.UnionType):
        return _union_decoder(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_decoder(kind)
    raise TypeError(f"no JSON form for {kind}")


_DECODERS: dict[Any, _Convert] = {
    str: _same,
    int: _same,
    float: float,
    bool: _same,
    datetime: lambda text: datetime.fromisoformat(text).astimezone(UTC),
    date: date.fromisoformat,
    timedelta: lambda seconds: timedelta(seconds=seconds),
}


def _union_decoder(kind: Any) -> _Convert:
    members = [member for member in typing.get_args(kind) if member is not type(None)]
    if len(members) == 1:
        decode = _decoder(members[0])
        return lambda value: None if value is None else decode(value)

    def decode_tagged(value: Any) -> Any:
        name = value.get(_TAG)
        found = _KIND_OF.get(name)
        if found not in members:
            raise CodecError(f"{name!r} is not known here; a newer version of the app wrote it")
        return _decoder(found)(value)

    return decode_tagged


def _dataclass_decoder(kind: type) -> _Convert:
    fields = dataclasses.fields(kind)  # their modules keep annotations as types, not as text
    decoders = {field.name: _decoder(typing.cast("Any", field.type)) for field in fields}
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]

    def decode(value: Any) -> Any:
        missing = [name for name in required if name not in value]
        if missing:
            raise CodecError(f"a stored {kind.__name__} lacks {', '.join(missing)}")
        return kind(
            **{name: convert(value[name]) for name, convert in decoders.items() if name in value}
        )

    return decode
