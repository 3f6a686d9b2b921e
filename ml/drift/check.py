"""The plain drift check: each feature's distance against a threshold that knows the sample size.

A fixed threshold fires on small windows with no drift at all: with 200 rows a distance of 0.1 sd
is what chance alone gives. So the limit of a feature is the larger of the smallest change that
matters (model.yml) and what chance gives less than once in some thousands of checks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ml.data_tests.typed import typed
from ml.drift.wasserstein import scaled_wasserstein

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from ml.model_config import ModelConfig

# 99.97 % quantile of W1 / sd / sqrt(1/n + 1/m) without drift: 3.4 to 3.9 for normal, uniform and
# exponential features, 4.6 to 5.2 for lognormal ones (6,000 draws each, n, m of 200 to 1,000).
_CHANCE_SD = 4.0
# The same for the total variation between two shares of k categories, in sqrt(k (1/n + 1/m)).
_CHANCE_SHARE = 1.1
_MOST_CATEGORIES = 200
_FEWEST_VALUES = 2


class Verdict(StrEnum):
    """What a check can say."""

    DRIFT = "drift"
    NO_DRIFT = "no_drift"
    NOT_ENOUGH_DATA = "not_enough_data"


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature: how far it moved, against its limit.

    `unit` is "sd" (reference standard deviations) or "share" (total variation, 0-1).
    """

    feature: str
    statistic: float
    limit: float
    unit: str
    note: str = ""

    @property
    def drifted(self) -> bool:
        """At or over the limit."""
        return self.statistic >= self.limit


@dataclass(frozen=True, slots=True)
class DriftResult:
    """Verdict first; features largest first, relative to their limits."""

    verdict: Verdict
    sentence: str
    features: tuple[FeatureDrift, ...]
    reference_rows: int
    current_rows: int


def check_drift(reference: pd.DataFrame, current: pd.DataFrame, config: ModelConfig) -> DriftResult:
    """Compare every feature of the model.

    Args:
        reference: the champion's training snapshot, a column a feature.
        current: production rows of the window; further columns are ignored.
        config: of the model: features, thresholds, fewest rows.
    """
    fewest = config.drift.min_rows
    if len(current) < fewest:
        return DriftResult(
            Verdict.NOT_ENOUGH_DATA,
            f"Not enough data: {len(current)} rows arrived, at least {fewest} are needed.",
            (),
            len(reference),
            len(current),
        )
    features = sorted(
        (_compare(name, reference, current, config) for name in config.features),
        key=lambda one: -one.statistic / one.limit,
    )
    drifted = [feature for feature in features if feature.drifted]
    verdict = Verdict.DRIFT if drifted else Verdict.NO_DRIFT
    sentence = _drift_sentence(drifted, len(features)) if drifted else _quiet(features)
    return DriftResult(verdict, sentence, tuple(features), len(reference), len(current))


def _compare(
    name: str, reference: pd.DataFrame, current: pd.DataFrame, config: ModelConfig
) -> FeatureDrift:
    if name not in current.columns:
        return FeatureDrift(name, 1.0, 1.0, "share", "column is absent from production rows")
    # One reading for both sides: 1 and 1.0 are one category, a cell of another type is missing.
    before = typed(reference[name], config.column(name)).cells
    now = typed(current[name], config.column(name)).cells
    if config.column(name).numeric:
        return _numeric(name, _finite(before), _finite(now), config)
    return _categorical(name, before, now, config)


def _numeric(
    name: str, before: NDArray[np.float64], now: NDArray[np.float64], config: ModelConfig
) -> FeatureDrift:
    if before.size < _FEWEST_VALUES or now.size == 0:
        return FeatureDrift(name, 1.0, 1.0, "share", "no values on one side")
    chance = _CHANCE_SD * math.sqrt(1 / before.size + 1 / now.size)
    limit = max(config.drift.threshold_sd, chance)
    if before.std() == 0.0:
        moved = float(np.mean(now != before[0]))
        share = max(config.drift.threshold_share, 1 / now.size)
        return FeatureDrift(name, moved, share, "share", f"was constant at {before[0]:g}")
    return FeatureDrift(name, scaled_wasserstein(before, now), limit, "sd")


def _categorical(
    name: str, reference: pd.Series, current: pd.Series, config: ModelConfig
) -> FeatureDrift:
    before = reference.dropna().astype(str).value_counts()
    now = current.dropna().astype(str).value_counts()
    if before.empty or now.empty:
        return FeatureDrift(name, 1.0, 1.0, "share", "no values on one side")
    names = before.index.union(now.index)
    n, m = int(before.sum()), int(now.sum())
    shares = before.reindex(names, fill_value=0) / n - now.reindex(names, fill_value=0) / m
    distance = float(shares.abs().sum()) / 2
    chance = _CHANCE_SHARE * math.sqrt(min(len(names), _MOST_CATEGORIES) * (1 / n + 1 / m))
    fresh = [value.removesuffix(".0") for value in now.index.difference(before.index)]
    note = f"new: {', '.join(fresh[:3])}" if fresh else ""
    return FeatureDrift(name, distance, max(config.drift.threshold_share, chance), "share", note)


def _finite(column: pd.Series) -> NDArray[np.float64]:
    """The finite values; what is missing or not a number was counted by the data tests."""
    values: NDArray[np.float64] = column.to_numpy(np.float64)
    return values[np.isfinite(values)]


def _amount(feature: FeatureDrift) -> str:
    if feature.unit == "sd":
        return f"{feature.feature} moved by {feature.statistic:.2f} sd (limit {feature.limit:.2f})"
    return (
        f"{feature.feature} changed in {feature.statistic:.0%} of rows (limit {feature.limit:.0%})"
    )


def _drift_sentence(drifted: Sequence[FeatureDrift], count: int) -> str:
    named = ", ".join(_amount(feature) for feature in drifted[:3])
    more = f" and {len(drifted) - 3} more" if len(drifted) > 3 else ""  # noqa: PLR2004 - same 3
    return f"Drift: {len(drifted)} of {count} features changed: {named}{more}."


def _quiet(features: Sequence[FeatureDrift]) -> str:
    return f"No drift in {len(features)} features. Largest change: {_amount(features[0])}."
