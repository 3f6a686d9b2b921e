"""Notify people, other systems and the registry: at least once, the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.notices import EffectDone
from shared.ports.notices import Alert

if TYPE_CHECKING:
    from shared.domain.drift import PublishDrift, TagDrift
    from shared.domain.notices import RaiseAlert
    from shared.domain.rollout import TagModel
    from shared.domain.state import State
    from shared.ports.notices import Alerts, EventPublisher
    from shared.ports.registry import Registry


def tag_model(effect: TagModel, state: State, *, registry: Registry) -> EffectDone:
    """Set the tags that say what part a version plays; a later fact's tags stay."""
    registry.tag(
        state.model,
        effect.version,
        role=effect.role,
        cycle_id=effect.cycle_id,
        fact_seq=effect.fact_seq,
    )
    return EffectDone(effect.key)


def tag_drift(effect: TagDrift, state: State, *, registry: Registry) -> EffectDone:
    """Set the tags that say what the newest drift check found; a later fact's tags stay."""
    registry.tag_drift(state.model, effect)
    return EffectDone(effect.key)


def publish_drift(effect: PublishDrift, state: State, *, publisher: EventPublisher) -> EffectDone:
    """Publish the event DriftDetected."""
    publisher.drift_detected(state.model, effect)
    return EffectDone(effect.key)


def raise_alert(effect: RaiseAlert, state: State, *, alerts: Alerts) -> EffectDone:
    """Send the alert to all channels."""
    alerts.send(Alert(state.model, effect.key, effect.sentence))
    return EffectDone(effect.key)
