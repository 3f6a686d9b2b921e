"""Rates of alarms, with intervals that account for days that share a reference."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import beta

from alarms.rules import FIXED_LIMIT, Rules


@dataclass(slots=True)
class Alarms:
    """Days of each set of references, and those with an alarm: ours, the fixed rule, KS."""

    sets: list[tuple[int, int, int, int]] = field(default_factory=list)

    def add(self, features: Sequence[Rules]) -> None:
        """Add days that share one set of references; arrays (days,) of every feature."""
        days = len(features[0].ours)
        hits = (
            np.any([f.ours > 1 for f in features], axis=0),
            np.any([f.fixed >= FIXED_LIMIT for f in features], axis=0),
            np.any([f.ks > 1 for f in features], axis=0),
        )
        ours, fixed, ks = (int(hit.sum()) for hit in hits)
        self.sets.append((days, ours, fixed, ks))

    @property
    def days(self) -> int:
        """All days."""
        return sum(entry[0] for entry in self.sets)

    def rate(self, rule: int = 1) -> float:
        """Alarms a day: 1 ours, 2 the fixed rule, 3 KS."""
        return sum(entry[rule] for entry in self.sets) / self.days

    @property
    def design(self) -> float:
        """Design effect (Kish): the variance over that of independent days, at least 1."""
        rate = self.rate()
        if len(self.sets) < 2 or not 0 < rate < 1:  # noqa: PLR2004 - a variance needs two
            return 1.0
        residuals = np.array([hits - days * rate for days, hits, _, _ in self.sets])
        between = float((residuals**2).sum()) * len(self.sets) / (len(self.sets) - 1)
        return max(between / (self.days * rate * (1 - rate)), 1.0)

    def bounds(self) -> tuple[float, float]:
        """95 % interval of our rate: Clopper-Pearson with the effective number of days."""
        n = self.days / self.design
        k = self.rate() * n
        low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
        high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
        return low, high


@dataclass(slots=True)
class Power:
    """Days of one changed feature, and those with an alarm: ours, the fixed rule, KS."""

    days: int = 0
    hits: tuple[int, int, int] = (0, 0, 0)

    def add(self, feature: Rules) -> None:
        """Add days of one feature."""
        found = (feature.ours > 1, feature.fixed >= FIXED_LIMIT, feature.ks > 1)
        self.days += len(feature.ours)
        ours, fixed, ks = (h + int(f.sum()) for h, f in zip(self.hits, found, strict=True))
        self.hits = (ours, fixed, ks)

    def merge(self, other: "Power") -> None:
        """Add another part's days."""
        self.days += other.days
        ours, fixed, ks = (h + o for h, o in zip(self.hits, other.hits, strict=True))
        self.hits = (ours, fixed, ks)

    @property
    def shares(self) -> tuple[float, float, float]:
        """Share of days with an alarm: ours, the fixed rule, KS."""
        ours, fixed, ks = (hits / self.days for hits in self.hits)
        return ours, fixed, ks
