"""Fault probabilities of the simulated world, and the policy of its models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from shared.domain.policy import Policy
from shared.domain.retraining import ReasonKind

SMALL_BYTES = 1000  # a larger file is tested in a job


@dataclass(frozen=True, slots=True)
class Chances:
    """How often things go wrong, each as a probability."""

    event_lost: float = 0.1
    event_doubled: float = 0.2
    crash_before_send: float = 0.03
    crash_before_acknowledge: float = 0.03
    job_fails: float = 0.1
    deployment_fails: float = 0.03
    smoke_fails: float = 0.02
    better: float = 0.5
    file_broken: float = 0.15
    file_large: float = 0.1
    file_small: float = 0.1
    same_name: float = 0.15
    drift: float = 0.3
    not_enough_data: float = 0.1
    worse: float = 0.15
    large_window: float = 0.3
    late_rows: float = 0.6
    overtaken: float = 0.2
    settings_change: float = 0.12
    trained_under_other_settings: float = 0.08


CALM = Chances(
    event_lost=0,
    event_doubled=0,
    crash_before_send=0,
    crash_before_acknowledge=0,
    job_fails=0,
    deployment_fails=0,
    smoke_fails=0,
    better=1,
    file_broken=0,
    file_large=0,
    file_small=0,
    same_name=0,
    drift=1,
    not_enough_data=0,
    worse=0,
    large_window=0,
    late_rows=0,
    overtaken=0,
    settings_change=0,
    trained_under_other_settings=0,
)
POLICY = Policy(
    config_sha256="c0ffee",
    reasons=frozenset(ReasonKind),
    cooldown=timedelta(0),
    drift_overrides_cooldown=True,
    jobs_per_30_days=1_000_000,
    max_attempts=2,
    soak=timedelta(minutes=30),
)
