"""What is to be done about a model, as imperatives. Effects follow from the state alone.

Each room holds the effects of one subject; an effect declares all about itself in its class.
"""

import typing

from shared.domain.effects.data import DataEffect
from shared.domain.effects.drift import DriftEffect
from shared.domain.effects.jobs import JobsEffect
from shared.domain.effects.notices import NoticesEffect
from shared.domain.effects.rollout import RolloutEffect

Effect = DataEffect | JobsEffect | RolloutEffect | DriftEffect | NoticesEffect
EFFECTS: dict[str, type[Effect]] = {kind.wire_name: kind for kind in typing.get_args(Effect)}
