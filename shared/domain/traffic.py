"""Compares observed traffic with the ledger, and finds out who wrote it if they differ."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from shared.domain.ids import deployed_version, deployment_name
from shared.domain.rollout import PromotionStarted
from shared.domain.value import Value, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain.state import State

_ALL_PERCENT = 100


class Traffic(Enum):
    """What the observed traffic means."""

    AGREES = auto()
    STALE = auto()  # an older write of ours: repair
    OUTSIDE = auto()  # a person's: respect and record


@value
class TrafficReading(Value):
    """Observed traffic interpreted; `version` has all of it (None: several do, or not ours)."""

    kind: Traffic
    observed: str
    version: str | None


def read_traffic(state: State, traffic: Mapping[str, int], *, tag: int | None) -> TrafficReading:
    """Interpret settled traffic by the fence, the `fact_seq` tag written in the same call.

    Args:
        state: what the ledger knows.
        traffic: deployment name -> percent, zero entries left out.
        tag: `fact_seq` on the endpoint; None if we never wrote one.
    """
    observed = describe(traffic)
    version = _only_version(traffic)
    kind = _kind(state, traffic, tag=tag, observed=observed)
    return TrafficReading(kind, observed, version)


def describe(traffic: Mapping[str, int]) -> str:
    """Traffic as text: `version-7 90 %, version-8 10 %`."""
    parts = [f"{name} {percent} %" for name, percent in sorted(traffic.items()) if percent]
    return ", ".join(parts) or "no traffic"


def _only_version(traffic: Mapping[str, int]) -> str | None:
    serving = [name for name, percent in traffic.items() if percent == _ALL_PERCENT]
    return deployed_version(serving[0]) if len(serving) == 1 else None


def _kind(state: State, traffic: Mapping[str, int], *, tag: int | None, observed: str) -> Traffic:
    champion = state.champion
    expected = {deployment_name(champion.version): _ALL_PERCENT} if champion else {}
    if dict(traffic) == expected or observed == state.traffic_outside:
        return Traffic.AGREES
    if not traffic:
        # Nothing serves: before the first promotion, or an endpoint made anew. Nothing to respect.
        return Traffic.AGREES
    if tag is not None and tag in _promotions(state):
        return Traffic.AGREES
    if champion is not None and tag is not None and tag < champion.fact_seq:
        return Traffic.STALE
    return Traffic.OUTSIDE


def _promotions(state: State) -> set[int]:
    """Fact numbers of promotions under way: their traffic may be seen before ChampionPromoted."""
    if state.cycle is None:
        return set()
    return {entry.seq for entry in state.cycle.entries if isinstance(entry.fact, PromotionStarted)}
