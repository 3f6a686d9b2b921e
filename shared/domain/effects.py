"""All effects: what is to be done about a model, as imperatives. They follow from the state alone.

Facts and effects of one subject share a module; each effect declares its properties in its class.
"""

import typing

from shared.domain.data import DataEffect
from shared.domain.drift import DriftEffect
from shared.domain.jobs import JobsEffect
from shared.domain.notices import NoticesEffect
from shared.domain.retraining import RetrainingEffect
from shared.domain.rollout import RolloutEffect

Effect = DataEffect | JobsEffect | RolloutEffect | DriftEffect | NoticesEffect | RetrainingEffect
EFFECTS: dict[str, type[Effect]] = {kind.wire_name: kind for kind in typing.get_args(Effect)}
