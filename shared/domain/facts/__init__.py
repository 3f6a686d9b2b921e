"""What can happen to a model, in the past tense. A fact is keyed by its business, not its event.

Each room holds the facts of one subject; a fact declares all about itself in its class.
"""

import typing
from dataclasses import dataclass
from datetime import datetime

from shared.domain.facts.cycles import CyclesFact
from shared.domain.facts.data import DataFact
from shared.domain.facts.drift import DriftFact
from shared.domain.facts.jobs import JobsFact
from shared.domain.facts.notices import NoticesFact
from shared.domain.facts.rollout import RolloutFact
from shared.domain.value import Value

Fact = DataFact | DriftFact | CyclesFact | JobsFact | RolloutFact | NoticesFact
FACTS: dict[str, type[Fact]] = {kind.wire_name: kind for kind in typing.get_args(Fact)}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Entry(Value):
    """A recorded fact: its place in the stream (from 1) and when it was recorded."""

    seq: int
    at_utc: datetime
    fact: Fact
