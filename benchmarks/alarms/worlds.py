"""Distributions to draw days from, changes, and autocorrelated days."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

FEATURES: Final = 50
DAY_ROWS: Final = 1_000
_ZEROS: Final = 0.6

DISTRIBUTIONS: Final[Mapping[str, Draw]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "zero-inflated": lambda rng, n: np.where(rng.random(n) < _ZEROS, 0.0, rng.exponential(size=n)),
    "poisson": lambda rng, n: rng.poisson(3.0, n).astype(np.float64),
    "t2": lambda rng, n: rng.standard_t(2, n),
}


def stretched(x: Floats) -> Floats:
    """Stretch the top 5 % to twice their distance from where they begin."""
    cut = float(np.quantile(x, 0.95))
    return np.where(x > cut, cut + 2 * (x - cut), x)


def collapsed(x: Floats) -> Floats:
    """Set every twentieth row to the median."""
    moved = x.copy()
    moved[::20] = np.median(x)
    return moved


CHANGES: Final[Mapping[str, tuple[int, Callable[[Floats], Floats]]]] = {
    "power_02sd_1k": (1_000, lambda x: x + 0.2 * float(x.std())),
    "power_01sd_10k": (10_000, lambda x: x + 0.1 * float(x.std())),
    "power_var_10k": (10_000, lambda x: float(x.mean()) + (x - float(x.mean())) * 1.5**0.5),
    "power_tail_10k": (10_000, stretched),
    "power_atom_10k": (10_000, collapsed),
}
NO_CHANGE: Final = {("power_atom_10k", "zero-inflated")}
"""Its median is an atom already, of 60 %: 2 % of the rows move, 0.04 in Cohen's w."""

CATEGORIES: Final[Mapping[str, Floats]] = {
    "20 categories": np.arange(1.0, 21.0) / 210,
    "300 categories, most of them rare": np.arange(1.0, 301.0) ** -1.5
    / float((np.arange(1.0, 301.0) ** -1.5).sum()),
}

DEPENDENT: Final[Mapping[str, Mapping[str, float]]] = {
    "AR(1) 0.8 from row to row": {
        "ar1_02sd": 0.2,
        "ar1_05sd": 0.5,
        "power_ar1_1sd": 1.0,
    },
    "weekday pattern 0.15 sd": {"weekday_01sd": 0.1, "power_weekday": 0.2},
    "day effect 0.05 sd": {"day_effect_02sd": 0.2, "day_effect_03sd": 0.3, "day_effect_05sd": 0.5},
    "day effect 0.05 sd, AR(1) 0.8 from day to day": {"wandering_03sd": 0.3, "wandering_05sd": 0.5},
}
"""Ways in which days resemble themselves, and the shifts in sd whose power is measured there."""


def correlated(rng: np.random.Generator) -> Callable[[int], Floats]:
    """Rows (rows, FEATURES) of normal features that share nine tenths of their variance."""

    def draw(rows: int) -> Floats:
        common = rng.standard_normal((rows, 1), dtype=np.float32) * np.float32(0.9**0.5)
        own = rng.standard_normal((rows, FEATURES), dtype=np.float32) * np.float32(0.1**0.5)
        return np.asarray(common + own, np.float64)

    return draw


def dependent_days(kind: str, rng: np.random.Generator) -> Callable[[int, int], Floats]:
    """Rows of consecutive days, shape (days * DAY_ROWS, FEATURES), from a first day on."""
    pattern = rng.normal(size=(7, FEATURES)) * 0.15
    last = rng.normal(size=(1, FEATURES)) * 0.05

    def draw(first: int, days: int) -> Floats:
        nonlocal last
        noise = rng.standard_normal((days * DAY_ROWS, FEATURES))
        if kind.startswith("AR(1)"):
            return np.asarray(lfilter([0.6], [1.0, -0.8], noise, axis=0), np.float64)
        if kind.startswith("weekday"):
            shift = pattern[(first + np.arange(days)) % 7]
        else:
            shift = rng.normal(size=(days, FEATURES)) * 0.05
            if "AR(1)" in kind:
                shift, _ = lfilter([0.6], [1.0, -0.8], shift, axis=0, zi=0.8 * last)
                last = shift[-1:]
        noise += np.repeat(shift, DAY_ROWS, axis=0)
        return noise

    return draw
