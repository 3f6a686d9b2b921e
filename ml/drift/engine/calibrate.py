"""What distances come about by chance: drawn once a reference, good for every window size.

Without drift, sqrt(e) times the area between two empirical CDFs, e = n m / (n + m), follows
the integral of |B(F(x))| dx with B the uniform empirical process of e rows, a Brownian bridge for
many. B does not depend on the feature, so all features share one set of draws: a matrix product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ml.drift.engine.kernels import count_uniforms

DRAWS: Final = 40_000
_CHUNK: Final = 1_000
_LOOKUP: Final = 1_024
_SIZES: Final = (50.0, 100.0, 200.0, 400.0, 1_000.0, np.inf)
_LEVELS: Final = (0.5, 0.1, 0.05, 0.01, 0.003, 0.001)
_TAIL_POWER: Final = 1.5  # between an exponential tail (1) and a normal one (2)
_SEED: Final = 20_170_101


def _shares() -> NDArray[np.float64]:
    """Where B is drawn: evenly on the normal scale, so that the tails are seen."""
    return np.asarray(ndtr(np.arange(-3.4, 3.401, 0.05)), np.float64)


@dataclass(frozen=True, slots=True)
class DistanceNull:
    """Quantiles of sqrt(e) * distance under no drift, in reference spreads, for a few sizes e.

    mean, square: shape (sizes,); quantiles: shape (sizes, levels).
    """

    mean: NDArray[np.float64]
    square: NDArray[np.float64]
    quantiles: NDArray[np.float64]

    def limit(self, chance: float, effective_rows: float) -> float:
        """The distance exceeded with this chance when nothing changed.

        Beyond the smallest drawn level the tail is carried on with q ** 1.5 linear in ln(chance):
        a normal tail would be linear in q ** 2, an exponential one in q.
        """
        row = self._at(self.quantiles, effective_rows)
        log_levels = -np.log(np.array(_LEVELS))
        wanted = -float(np.log(chance))
        powered = row**_TAIL_POWER
        if wanted <= log_levels[-1]:
            value = float(np.interp(wanted, log_levels, powered))
        else:
            near, far = 3, 5  # 1 % and 0.1 %
            slope = (powered[far] - powered[near]) / (log_levels[far] - log_levels[near])
            value = float(powered[far] + slope * (wanted - log_levels[far]))
        return float(value ** (1 / _TAIL_POWER) / np.sqrt(effective_rows))

    def mean_at(self, effective_rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean distance under no drift, same shape as the sizes."""
        scaled = np.interp(1 / np.sqrt(effective_rows), _inverse_roots(), self.mean[::-1])
        return np.asarray(scaled / np.sqrt(effective_rows), np.float64)

    def square_at(self, effective_rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean squared distance under no drift, same shape as the sizes."""
        scaled = np.interp(1 / np.sqrt(effective_rows), _inverse_roots(), self.square[::-1])
        return np.asarray(scaled / effective_rows, np.float64)

    @staticmethod
    def _at(table: NDArray[np.float64], effective_rows: float) -> NDArray[np.float64]:
        position = np.interp(
            1 / np.sqrt(effective_rows), _inverse_roots(), np.arange(len(_SIZES))[::-1]
        )
        low = min(int(position), len(_SIZES) - 2)
        part = position - low
        return np.asarray((1 - part) * table[low] + part * table[low + 1], np.float64)


def _inverse_roots() -> NDArray[np.float64]:
    """1 / sqrt(size), ascending: the scale on which the small-sample effects are nearly linear."""
    return np.array([1 / np.sqrt(size) for size in _SIZES])[::-1]


def calibrate(
    shapes: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], *, draws: int = DRAWS
) -> list[DistanceNull]:
    """The null of every feature, from its reference (gaps, cdf), shape (k,) each.

    The seed is fixed: the same reference gives the same limits, everywhere and for ever.
    """
    shares = _shares()
    weights = np.stack([_weights(gaps, cdf, shares) for gaps, cdf in shapes], axis=1)
    rng = np.random.default_rng(_SEED)
    mean = np.empty((len(_SIZES), len(shapes)))
    square = np.empty_like(mean)
    quantiles = np.empty((len(_SIZES), len(_LEVELS), len(shapes)))
    for i, size in enumerate(_SIZES):
        areas = np.empty((draws, len(shapes)), np.float32)
        for start in range(0, draws, _CHUNK):
            stop = min(start + _CHUNK, draws)
            areas[start:stop] = np.abs(_bridges(rng, shares, stop - start, size)) @ weights
        mean[i] = areas.mean(axis=0, dtype=np.float64)
        square[i] = np.einsum("ij,ij->j", areas, areas, dtype=np.float64) / draws
        quantiles[i] = np.quantile(areas, 1 - np.array(_LEVELS), axis=0, overwrite_input=True)
    return [
        DistanceNull(mean=mean[:, j], square=square[:, j], quantiles=quantiles[:, :, j])
        for j in range(len(shapes))
    ]


def _weights(
    gaps: NDArray[np.float64], cdf: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Length of x over each drawn share, shape (shares,): gaps split between the nearest two."""
    right = np.clip(np.searchsorted(shares, cdf), 1, len(shares) - 1)
    part = np.clip((cdf - shares[right - 1]) / (shares[right] - shares[right - 1]), 0.0, 1.0)
    inside = (cdf > 0) & (cdf < 1)
    lengths = np.where(inside, gaps, 0.0)
    size = len(shares)
    left_sum = np.bincount(right - 1, weights=lengths * (1 - part), minlength=size)
    return np.asarray(left_sum + np.bincount(right, weights=lengths * part, minlength=size), "f4")


def _bridges(
    rng: np.random.Generator, shares: NDArray[np.float64], draws: int, size: float
) -> NDArray[np.float32]:
    """sqrt(size) (empirical CDF - share), shape (draws, shares); a Brownian bridge for size inf."""
    if np.isinf(size):
        steps = np.diff(shares, prepend=0.0, append=1.0)
        walk = rng.standard_normal((draws, len(steps)), dtype=np.float32)
        walk *= np.sqrt(steps).astype(np.float32)
        path = np.cumsum(walk, axis=1)
        return np.asarray(path[:, :-1] - shares.astype(np.float32) * path[:, -1:], np.float32)
    starts = np.searchsorted(shares, np.arange(_LOOKUP) / _LOOKUP, side="right")
    counts = np.empty((draws, len(shares)), np.float32)
    count_uniforms(rng.random((draws, int(size)), dtype=np.float32), shares, starts, counts)
    apart = np.cumsum(counts, axis=1) / np.float32(size) - shares.astype(np.float32)
    return np.asarray(apart * np.float32(np.sqrt(size)), np.float32)
