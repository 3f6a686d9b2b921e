"""All facts: what can happen to a model, in the past tense. Keys name what happened, not events.

Facts and effects of one subject share a module; each fact declares its properties in its class.
"""

import typing
from datetime import datetime

from shared.domain.data import DataFact
from shared.domain.drift import DriftFact
from shared.domain.jobs import JobsFact
from shared.domain.notices import NoticesFact
from shared.domain.retraining import RetrainingFact
from shared.domain.rollout import RolloutFact
from shared.domain.value import Value, value

Fact = DataFact | DriftFact | RetrainingFact | JobsFact | RolloutFact | NoticesFact
FACTS: dict[str, type[Fact]] = {kind.wire_name: kind for kind in typing.get_args(Fact)}


@value
class Entry(Value):
    """A recorded fact: its place in the stream (from 1) and when it was recorded."""

    seq: int
    at_utc: datetime
    fact: Fact
